//! The TLS that the settings ask for: rustls, or the system's (feature `native-tls`).

use super::config::RustlsConfig;
#[cfg(feature = "native-tls")]
use super::native::NativeConfig;
use super::session::Session;
use crate::error::Error;
use crate::transport::attempt::Attempt;
use crate::transport::channel::Channel;
use crate::transport::settings::{Settings, TlsStack};
use crate::transport::socket::Socket;
use crate::transport::url::Host;

/// A checked configuration, shared by every session of a transport.
pub(in crate::transport) enum TlsConfig {
    Rustls(RustlsConfig),
    #[cfg(feature = "native-tls")]
    System(NativeConfig),
}

impl TlsConfig {
    pub(in crate::transport) fn new(settings: &Settings) -> Result<Self, Error> {
        match settings.tls_stack {
            TlsStack::Rustls => RustlsConfig::new(settings).map(TlsConfig::Rustls),
            #[cfg(feature = "native-tls")]
            TlsStack::System => NativeConfig::new(settings).map(TlsConfig::System),
            #[cfg(not(feature = "native-tls"))]
            TlsStack::System => {
                Err(super::errors::missing_feature("tls", "the system's TLS", "native-tls"))
            }
        }
    }

    /// The same, for a full handshake. The system's TLS decides for itself what it resumes.
    pub(in crate::transport) fn without_resumption(&self) -> Self {
        match self {
            TlsConfig::Rustls(config) => TlsConfig::Rustls(config.without_resumption()),
            #[cfg(feature = "native-tls")]
            TlsConfig::System(config) => TlsConfig::System(config.clone()),
        }
    }

    /// Opens a session on `socket` with the server of that name. The last message of the handshake
    /// may be unsent still: it leaves with the first request.
    pub(in crate::transport) fn open(
        &self,
        host: &Host,
        socket: Socket,
        attempt: &Attempt,
    ) -> Result<Box<dyn Channel>, Error> {
        Ok(match self {
            TlsConfig::Rustls(config) => Box::new(Session::open(config, host, socket, attempt)?),
            #[cfg(feature = "native-tls")]
            TlsConfig::System(config) => Box::new(config.open(host, socket, attempt)?),
        })
    }
}
