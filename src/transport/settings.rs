//! What can be set about the transport.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use crate::memory::Secret;

/// How the built-in transport reaches the vendor. Checked by
/// [`HttpsTransport::new`](super::HttpsTransport::new), not here.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The `user-agent` header. Default: `caretoken/` and the version.
    pub(crate) user_agent: Cow<'static, str>,
    /// Whose TLS. Default: [`TlsStack::Rustls`].
    pub(crate) tls_stack: TlsStack,
    /// Whose certificates are trusted without being named. Default: [`TrustRoots::Bundled`], and
    /// [`TrustRoots::System`] with [`TlsStack::System`].
    pub(crate) roots: Option<TrustRoots>,
    /// Certificates of further CAs, PEM. Default: none.
    pub(crate) ca_pem: Option<Vec<u8>>,
    /// Certificate revocation lists, PEM. Default: none.
    pub(crate) crl_pem: Option<Vec<u8>>,
    /// The client's certificate chain for mutual TLS, PEM, its own first. Default: none.
    pub(crate) client_cert_pem: Option<Vec<u8>>,
    /// The key that belongs to it: PKCS#8, PKCS#1 or SEC1, not encrypted. Default: none.
    pub(crate) client_key_pem: Option<Secret>,
    /// SHA-256 of public keys (DER `SubjectPublicKeyInfo`), base64. When there are any, the
    /// server's key or that of a CA that vouches for it must be among them. Default: none.
    pub(crate) pins: Vec<String>,
    /// Which proxy to use. Default: [`ProxyChoice::Environment`].
    pub(crate) proxy: ProxyChoice,
    /// Addresses of hosts that are not looked up. A host may have several. Default: none.
    pub(crate) resolve: Vec<(String, IpAddr)>,
    /// How long a connection is kept for the next request; zero keeps none. Default: 20 s.
    pub(crate) max_idle_age: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            user_agent: concat!("caretoken/", env!("CARGO_PKG_VERSION")).into(),
            tls_stack: TlsStack::default(),
            roots: None,
            ca_pem: None,
            crl_pem: None,
            client_cert_pem: None,
            client_key_pem: None,
            pins: Vec::new(),
            proxy: ProxyChoice::Environment,
            resolve: Vec::new(),
            max_idle_age: Duration::from_secs(20),
        }
    }
}

impl Settings {
    /// Whether the system keeps the secrets in here in RAM.
    pub(crate) fn is_locked(&self) -> bool {
        let proxy = match &self.proxy {
            ProxyChoice::Url(url) => url.is_locked(),
            ProxyChoice::Off | ProxyChoice::Environment => true,
        };
        proxy && self.client_key_pem.as_ref().is_none_or(Secret::is_locked)
    }
}

/// Whose certificates are trusted without being named in the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustRoots {
    /// Mozilla's list, as it was when caretoken was built.
    #[default]
    Bundled,
    /// The operating system: its certificate store, a hospital's own CAs included. Needs the feature
    /// `platform-verifier`, except with [`TlsStack::System`].
    ///
    /// On Linux and its like the store is read when the client is built, from where OpenSSL looks
    /// for it; `SSL_CERT_FILE` and `SSL_CERT_DIR` name other places. Windows and macOS judge each
    /// certificate themselves: they may fetch what they need for that, which the deadline does not
    /// cut short, and [`pins`](crate::ClientBuilder::pins) are then compared with the server's own key
    /// alone.
    System,
    /// Nobody's: only those in `ca_pem`.
    None,
}

/// Whose TLS. None has a switch that turns verification off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsStack {
    /// rustls: the same on every system, fast, explains what it refuses, and leaves no secret in
    /// memory.
    #[default]
    Rustls,
    /// The operating system's, for sites that must use it: SChannel on Windows, Secure Transport on
    /// macOS, OpenSSL elsewhere, from TLS 1.2 on. Needs the feature `native-tls`.
    ///
    /// It trusts the system's store and [`ca_pem`](crate::ClientBuilder::ca_pem), or with [`TrustRoots::None`]
    /// that alone; bundled roots cannot be handed to it. Client keys must be PKCS#8; on Windows they
    /// must be RSA, and the system keeps them in the user's key store.
    /// [`pins`](crate::ClientBuilder::pins) are compared with the server's own key alone. About revocation
    /// the system decides; on Windows and macOS its judgement may wait for the network, which the
    /// deadline does not cut short. Its buffers, where the last request and answer may stay, are its own.
    System,
}

/// Which proxy to use.
#[derive(Clone)]
pub(crate) enum ProxyChoice {
    /// None.
    Off,
    /// What `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case, when the transport is
    /// made. Never for this machine itself.
    Environment,
    /// This one for every https request: `http://`, `socks5://` (names are resolved here) or
    /// `socks5h://` (names are resolved by the proxy), with `user:password@` where it asks.
    Url(Secret),
}

impl ProxyChoice {
    /// Reads `environment`, `off` or a URL, which is checked when the transport is made.
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "environment" => ProxyChoice::Environment,
            "off" => ProxyChoice::Off,
            url => ProxyChoice::Url(Secret::from(url)),
        }
    }
}
