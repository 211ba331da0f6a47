//! rustls or the system's TLS, as the settings say (feature `native-tls`).

use super::{config, native, session};
use crate::error::Error;
use crate::transport::attempt::Attempt;
use crate::transport::read_buffer::{ReadBuffer, Received};
use crate::transport::settings::{Settings, TlsStack};
use crate::transport::socket::Socket;
use crate::transport::url::Host;

/// A checked configuration, shared by every session of a transport.
pub(in crate::transport) enum TlsConfig {
    Rustls(config::TlsConfig),
    System(native::NativeConfig),
}

/// One session.
#[expect(clippy::large_enum_variant, reason = "a connection keeps it in a box")]
pub(in crate::transport) enum Session {
    Rustls(session::Session),
    System(native::NativeSession),
}

impl TlsConfig {
    pub(in crate::transport) fn new(settings: &Settings) -> Result<Self, Error> {
        match settings.tls_stack {
            TlsStack::Rustls => config::TlsConfig::new(settings).map(TlsConfig::Rustls),
            TlsStack::System => native::NativeConfig::new(settings).map(TlsConfig::System),
        }
    }

    /// The same, for a full handshake. The system's TLS decides for itself what it resumes.
    pub(in crate::transport) fn without_resumption(&self) -> Self {
        match self {
            TlsConfig::Rustls(config) => TlsConfig::Rustls(config.without_resumption()),
            TlsConfig::System(system) => TlsConfig::System(system.clone()),
        }
    }
}

/// Calls the session, whichever it is.
macro_rules! each {
    ($self:ident, $session:ident => $call:expr) => {
        match $self {
            Session::Rustls($session) => $call,
            Session::System($session) => $call,
        }
    };
}

impl Session {
    pub(in crate::transport) fn open(
        config: &TlsConfig,
        host: &Host,
        socket: Socket,
        attempt: &Attempt,
    ) -> Result<Self, Error> {
        match config {
            TlsConfig::Rustls(config) => {
                session::Session::open(config, host, socket, attempt).map(Session::Rustls)
            }
            TlsConfig::System(system) => system.open(host, socket, attempt).map(Session::System),
        }
    }

    pub(in crate::transport) fn send(
        &mut self,
        request: &[u8],
        plain: &mut ReadBuffer,
        attempt: &Attempt,
    ) -> Result<(), Error> {
        each!(self, session => session.send(request, plain, attempt))
    }

    pub(in crate::transport) fn receive(
        &mut self,
        plain: &mut ReadBuffer,
        attempt: &Attempt,
    ) -> Result<Received, Error> {
        each!(self, session => session.receive(plain, attempt))
    }

    pub(in crate::transport) fn is_quiet(&mut self, attempt: &Attempt) -> bool {
        each!(self, session => session.is_quiet(attempt))
    }

    pub(in crate::transport) fn rest(&mut self) {
        each!(self, session => session.rest());
    }

    pub(in crate::transport) fn has_unread(&self) -> bool {
        each!(self, session => session.has_unread())
    }

    pub(in crate::transport) fn describe(&self) -> String {
        each!(self, session => session.describe())
    }

    pub(in crate::transport) fn socket(&self) -> &Socket {
        each!(self, session => session.socket())
    }
}
