//! From settings to a rustls configuration: everything is checked here, once.

use std::borrow::Cow;
use std::sync::Arc;

use rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::TrustAnchor;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, InconsistentKeys};

use super::certificate::is_version_1;
use super::errors::{nobody_is_trusted, unreadable};
use super::key::certified;
use super::pem::{certificates, identity, revocation_lists};
use super::pins::parse_pins;
use super::system_roots;
use super::tickets::Tickets;
use super::verify::Verifier;
use crate::error::Error;
use crate::transport::settings::{Settings, TrustRoots};

/// A checked configuration, shared by every session of a transport.
#[derive(Clone)]
pub(in crate::transport) struct RustlsConfig(pub(super) Arc<ClientConfig>);

impl RustlsConfig {
    pub(super) fn new(settings: &Settings) -> Result<Self, Error> {
        let provider = Arc::new(provider());
        let verifier = verifier(settings, &provider)?;
        let identity = identity(settings)?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::setting("tls", error, "report it to caretoken"))?
            // "Dangerous" is rustls's word for any verifier that is not its own. This one checks
            // all that rustls's does, with the same library.
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some((chain, _)) if chain.first().is_some_and(|own| is_version_1(own)) => {
                return Err(version_1());
            }
            Some((chain, key)) => {
                let certified = certified(chain, key, &provider);
                let certified = certified.map_err(|error| refused_key(&error))?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
        };
        config.resumption = Resumption::store(Arc::new(Tickets::default()));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(RustlsConfig(Arc::new(config)))
    }

    /// The same, for a full handshake: it neither resumes a session nor remembers its own.
    pub(super) fn without_resumption(&self) -> Self {
        let mut config = ClientConfig::clone(&self.0);
        config.resumption = Resumption::disabled();
        RustlsConfig(Arc::new(config))
    }
}

/// rustls's algorithms, but in TLS 1.3 with AES-128-GCM first, as browsers have it: its handshake
/// needs SHA-256, for which processors have instructions, and not the slower SHA-384.
fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    let suites = &mut provider.cipher_suites;
    if let Some(at) = suites.iter().position(|known| known.suite() == TLS13_AES_128_GCM_SHA256) {
        suites[..=at].rotate_right(1);
    }
    provider
}

/// What decides whether a server is trusted.
fn verifier(
    settings: &Settings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    #[cfg(all(feature = "platform-verifier", any(windows, target_vendor = "apple")))]
    if settings.roots == Some(TrustRoots::System) {
        return super::platform_verifier::verifier(settings, provider);
    }
    Ok(Arc::new(Verifier {
        anchors: anchors(settings.roots.unwrap_or_default(), settings.ca_pem.as_deref())?,
        crls: settings.crl_pem.as_deref().map_or(Ok(Vec::new()), revocation_lists)?,
        pins: parse_pins(settings)?,
        algorithms: provider.signature_verification_algorithms,
    }))
}

/// The CAs that are trusted, at least one.
fn anchors(
    roots: TrustRoots,
    ca_pem: Option<&[u8]>,
) -> Result<Cow<'static, [TrustAnchor<'static>]>, Error> {
    let mut anchors = match roots {
        TrustRoots::Bundled => Cow::Borrowed(webpki_roots::TLS_SERVER_ROOTS),
        TrustRoots::System => Cow::Owned(system_roots::anchors()?),
        TrustRoots::None => Cow::Borrowed(&[][..]),
    };
    if let Some(pem) = ca_pem {
        for certificate in certificates("ca_pem", pem)? {
            let anchor =
                webpki::anchor_from_trusted_cert(&certificate).map_err(|_| unreadable("ca_pem"))?;
            anchors.to_mut().push(anchor.to_owned());
        }
    }
    if anchors.is_empty() {
        return Err(nobody_is_trusted());
    }
    Ok(anchors)
}

fn version_1() -> Error {
    let problem = "holds a certificate of X.509 version 1, which TLS libraries no longer take";
    let remedy = "ask who issued it for one of version 3, for client authentication \
                  (openssl x509 -req makes one with -extfile)";
    Error::setting("client_cert_pem", problem, remedy)
}

fn refused_key(error: &rustls::Error) -> Error {
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            let problem = "does not belong to client_cert_pem";
            Error::setting("client_key_pem", problem, "give the key of the first certificate")
        }
        rustls::Error::InvalidCertificate(_) => unreadable("client_cert_pem"),
        _ => {
            let remedy = "use RSA with 2048 to 8192 bits, P-256, P-384 or Ed25519";
            Error::setting("client_key_pem", "is of a kind that is not supported", remedy)
        }
    }
}
