//! The operating system's TLS (feature `native-tls`), for sites that must use it: SChannel on
//! Windows, Secure Transport on macOS, OpenSSL elsewhere.
//!
//! It has buffers of its own, which caretoken cannot wipe.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use native_tls::{
    Certificate, HandshakeError, Identity, MidHandshakeTlsStream, Protocol, TlsConnector, TlsStream,
};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, PeerIncompatible};

use super::certificate::describe_certificate;
use super::errors::{nobody_is_trusted, unreadable};
use super::explain::{explain, hung_up};
use super::pem::{certificates, identity};
use super::pins::{Pin, is_pinned_server, parse_pins};
use super::refusal::{Check, Refusal};
use super::session::server_name;
use crate::error::{Error, ErrorPhase};
use crate::transport::attempt::Attempt;
use crate::transport::channel::{Channel, READ_SIZE};
use crate::transport::read_buffer::{ReadBuffer, Received};
use crate::transport::settings::{Settings, TrustRoots};
use crate::transport::socket::Socket;
use crate::transport::url::Host;

/// A checked configuration.
#[derive(Clone)]
pub(in crate::transport) struct NativeConfig {
    connector: TlsConnector,
    pins: Vec<Pin>,
}

impl NativeConfig {
    pub(super) fn new(settings: &Settings) -> Result<Self, Error> {
        if settings.roots == Some(TrustRoots::Bundled) {
            let problem = "asks for the bundled roots, which the system's TLS cannot take";
            let remedy = "leave it out, or set roots=system, roots=none or tls=rustls";
            return Err(Error::setting("roots", problem, remedy));
        }
        if settings.crl_pem.is_some() {
            let problem = "has no effect with the system's TLS";
            let remedy = "leave it out, revocation is the system's to check; or set tls=rustls";
            return Err(Error::setting("crl_pem", problem, remedy));
        }
        let only_ours = settings.roots == Some(TrustRoots::None);
        let mut builder = TlsConnector::builder();
        builder.min_protocol_version(Some(Protocol::Tlsv12)).disable_built_in_roots(only_ours);
        match &settings.ca_pem {
            None if only_ours => return Err(nobody_is_trusted()),
            None => {}
            Some(pem) => {
                for der in certificates("ca_pem", pem)? {
                    let certificate =
                        Certificate::from_der(&der).map_err(|_| unreadable("ca_pem"))?;
                    builder.add_root_certificate(certificate);
                }
            }
        }
        if let Some(identity) = system_identity(settings)? {
            builder.identity(identity);
        }
        let connector = builder.build().map_err(|error| match error.to_string() {
            why if why.contains("key values mismatch") => {
                let problem = "does not belong to client_cert_pem";
                Error::setting("client_key_pem", problem, "give the key of the first certificate")
            }
            why => {
                let problem = format!("cannot be set up with the system's TLS: {why}");
                Error::setting("tls", problem, "repair the system's TLS, or set tls=rustls")
            }
        })?;
        Ok(NativeConfig { connector, pins: parse_pins(settings)? })
    }

    /// Opens a session: the handshake.
    pub(super) fn open(
        &self,
        host: &Host,
        socket: Socket,
        attempt: &Attempt,
    ) -> Result<NativeSession, Error> {
        let peer = format!("{host} at {}", socket.peer());
        let name = server_name(host)?;
        let is_broken = Arc::new(AtomicBool::new(false));
        let pipe = Pipe { socket, is_broken: Arc::clone(&is_broken) };
        attempt.remaining(ErrorPhase::Tls)?;
        let mut shaking = self.connector.connect(&name.to_str(), pipe);
        let stream = loop {
            shaking = match shaking {
                Ok(stream) => break stream,
                Err(HandshakeError::WouldBlock(mut unfinished)) => {
                    wait(&mut unfinished, attempt)?;
                    unfinished.handshake()
                }
                Err(HandshakeError::Failure(error)) => {
                    let text = error.to_string();
                    return Err(match known(&text, &name) {
                        // What the text says is the reason, even if sending the alert failed.
                        Some(error) => explain(&error, &peer, ErrorPhase::Tls),
                        None if is_broken.load(Ordering::Relaxed) => hung_up(&peer),
                        None => explain(&rustls::Error::General(text), &peer, ErrorPhase::Tls),
                    });
                }
            };
        };
        let session = NativeSession { stream, name, peer };
        let certificate = session.certificate().unwrap_or_else(|| Vec::new().into());
        if !is_pinned_server(&self.pins, &certificate) {
            let refusal = Refusal::new(Check::Pin, &certificate, &session.name).into_rustls();
            return Err(explain(&refusal, &session.peer, ErrorPhase::Tls));
        }
        Ok(session)
    }
}

fn system_identity(settings: &Settings) -> Result<Option<Identity>, Error> {
    const FORM: &str = "-----BEGIN PRIVATE KEY-----";
    // Errors in the PEM itself are the same as with rustls.
    if identity(settings)?.is_none() {
        return Ok(None);
    }
    let (Some(chain), Some(key)) = (&settings.client_cert_pem, &settings.client_key_pem) else {
        return Ok(None);
    };
    let key = key.expose_secret();
    let unusable = |_| {
        let problem = "cannot be used with the system's TLS";
        let remedy = "give it as PKCS#8, for example by: openssl pkcs8 -topk8 -nocrypt -in key.pem; \
                      on Windows it must be an RSA key";
        Error::setting("client_key_pem", problem, remedy)
    };
    // The library does not accept text before the key.
    let key = &key[key.find(FORM).unwrap_or_default()..];
    Identity::from_pkcs8(chain, key.as_bytes()).map(Some).map_err(unusable)
}

fn wait(unfinished: &mut MidHandshakeTlsStream<Pipe>, attempt: &Attempt) -> Result<(), Error> {
    unfinished.get_mut().socket.wait(attempt, ErrorPhase::Tls)
}

/// The error that the system's TLS gets at the end of a connection.
const END: io::ErrorKind = io::ErrorKind::UnexpectedEof;

/// The socket as the system's TLS sees it. It never blocks. The end of the connection is an error, since
/// TLS announces its own end.
struct Pipe {
    socket: Socket,
    /// Whether it ended or failed. Shared, because a handshake that fails drops the pipe.
    is_broken: Arc<AtomicBool>,
}

impl Pipe {
    fn noted(&self, result: io::Result<Option<usize>>) -> io::Result<usize> {
        match result {
            Ok(Some(amount)) => Ok(amount),
            Ok(None) => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => {
                self.is_broken.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match self.socket.read_now(into) {
            Ok(Some(0)) => Err(END.into()),
            read => read,
        };
        self.noted(read)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.socket.write_now(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One session.
pub(super) struct NativeSession {
    stream: TlsStream<Pipe>,
    name: ServerName<'static>,
    /// For messages: who this is.
    peer: String,
}

impl NativeSession {
    /// Repeats `act` until it need not wait any more; `None` when the peer has cut the connection.
    fn until_done(
        &mut self,
        attempt: &Attempt,
        phase: ErrorPhase,
        mut act: impl FnMut(&mut TlsStream<Pipe>) -> io::Result<usize>,
    ) -> Result<Option<usize>, Error> {
        attempt.remaining(phase)?;
        loop {
            match act(&mut self.stream) {
                Ok(amount) => return Ok(Some(amount)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.get_mut().socket.wait(attempt, phase)?;
                }
                Err(error) if error.kind() == END => return Ok(None),
                Err(error) if self.stream.get_ref().is_broken.load(Ordering::Relaxed) => {
                    return Err(self.socket().lost(&error, phase));
                }
                Err(error) => {
                    let text = error.to_string();
                    let error = known(&text, &self.name).unwrap_or(rustls::Error::General(text));
                    return Err(explain(&error, &self.peer, phase));
                }
            }
        }
    }

    fn certificate(&self) -> Option<CertificateDer<'static>> {
        Some(self.stream.peer_certificate().ok()??.to_der().ok()?.into())
    }
}

impl Channel for NativeSession {
    fn send(&mut self, request: &[u8], _: &mut ReadBuffer, attempt: &Attempt) -> Result<(), Error> {
        let mut rest = request;
        while !rest.is_empty() {
            match self.until_done(attempt, ErrorPhase::Send, |stream| stream.write(rest))? {
                Some(sent) => rest = &rest[sent..],
                None => return Err(self.socket().lost(&END.into(), ErrorPhase::Send)),
            }
        }
        self.until_done(attempt, ErrorPhase::Send, |stream| stream.flush().map(|()| 0))?;
        Ok(())
    }

    fn receive(&mut self, received: &mut ReadBuffer, attempt: &Attempt) -> Result<Received, Error> {
        let room = received.spare(READ_SIZE);
        Ok(match self.until_done(attempt, ErrorPhase::Receive, |stream| stream.read(room))? {
            None => Received::Truncated,
            Some(0) => Received::End,
            Some(amount) => {
                received.filled(amount);
                Received::Data
            }
        })
    }

    fn is_quiet(&mut self, _: &Attempt) -> bool {
        let read = self.stream.read(&mut [0]);
        matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Its buffers are the system's.
    fn rest(&mut self) -> bool {
        self.stream.buffered_read_size().is_ok_and(|amount| amount == 0)
    }

    /// The certificate in one line. Version and cipher suite are not shown.
    fn describe(&self) -> String {
        let certificate = self.certificate();
        let told = certificate.map(|der| format!("; {}", describe_certificate(&der)));
        format!("the system's TLS{}", told.unwrap_or_default())
    }

    fn socket(&self) -> &Socket {
        &self.stream.get_ref().socket
    }
}

/// Parts of the messages with which the system's TLS refuses a certificate, and what they mean. Those of
/// OpenSSL are words, those of Windows are numbers, since its words are in the user's language.
static REFUSALS: [(&str, Check); 17] = [
    ("certificate has expired", Check::Expired(Cow::Borrowed("has expired"))),
    ("certificate is not yet valid", Check::NotYetValid(Cow::Borrowed("is not valid yet"))),
    ("issuer certificate", Check::UnknownIssuer),
    ("unable to verify the first certificate", Check::UnknownIssuer),
    ("self-signed certificate", Check::UnknownIssuer),
    ("self signed certificate", Check::UnknownIssuer),
    ("ostname mismatch", Check::WrongName { names: Vec::new() }),
    ("IP address mismatch", Check::WrongName { names: Vec::new() }),
    ("certificate revoked)", Check::Revoked),
    ("certificate purpose", Check::Purpose),
    // CERT_E_EXPIRED, CERT_E_UNTRUSTEDROOT, CERT_E_CHAINING, CERT_E_CN_NO_MATCH, CERT_E_REVOKED,
    // CRYPT_E_REVOKED, CERT_E_WRONG_USAGE
    ("os error -2146762495", Check::Expired(Cow::Borrowed("has expired or is not valid yet"))),
    ("os error -2146762487", Check::UnknownIssuer),
    ("os error -2146762486", Check::UnknownIssuer),
    ("os error -2146762481", Check::WrongName { names: Vec::new() }),
    ("os error -2146762484", Check::Revoked),
    ("os error -2146885616", Check::Revoked),
    ("os error -2146762480", Check::Purpose),
];

/// The error of rustls that means the same as `text` of the system's TLS, if that is known.
fn known(text: &str, name: &ServerName<'_>) -> Option<rustls::Error> {
    let says = |words: &str| text.contains(words);
    Some(if let Some((_, check)) = REFUSALS.iter().find(|(words, _)| says(words)) {
        // The library does not give the certificate itself.
        Refusal::new(check.clone(), &Vec::new().into(), name).into_rustls()
    } else if let Some(alert) = alert(text) {
        rustls::Error::AlertReceived(alert)
    } else if says("unsupported protocol") {
        PeerIncompatible::ServerDoesNotSupportTls12Or13.into()
    } else if says("wrong version number") || says("packet length too long") {
        rustls::Error::PeerSentOversizedRecord
    } else {
        return None;
    })
}

/// The alert that OpenSSL has received: `…:SSL alert number 42`, and perhaps more.
fn alert(text: &str) -> Option<AlertDescription> {
    let (_, rest) = text.split_once("SSL alert number ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse::<u8>().ok().map(AlertDescription::from)
}
