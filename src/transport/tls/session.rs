//! One TLS session.
//!
//! It uses rustls's unbuffered interface, so that every buffer is ours: it has the right size and is
//! wiped after each answer, and the request leaves in the same write as the end of the handshake.
//! rustls's buffered interface decrypts in a buffer of its own, where the last answer would stay for
//! as long as the connection is idle.

use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus,
};
use rustls::{CommonState, ProtocolVersion};

use super::certificate::describe_certificate;
use super::config::RustlsConfig;
use super::explain::{explain, hung_up};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::transport::attempt::Attempt;
use crate::transport::channel::{Channel, READ_SIZE};
use crate::transport::read_buffer::{ReadBuffer, Received};
use crate::transport::socket::Socket;
use crate::transport::url::{Host, without_dot};

/// The most that may wait undecrypted: the largest handshake message (64 KiB) and its framing.
const MAX_INCOMING: usize = 96 * 1024;

/// How many reads an idle connection may bring before it counts as broken.
const MAX_LATE_READS: usize = 4;

/// What encryption adds to a record of at most 16 KiB, and a little more.
const RECORD_OVERHEAD: usize = 64;

pub(super) struct Session {
    tls: UnbufferedClientConnection,
    incoming: ReadBuffer,
    /// Records on their way out: never plaintext.
    outgoing: Vec<u8>,
    socket: Socket,
    /// Whether the peer has closed properly; rustls says so only once.
    closed: bool,
    /// For messages: who this is.
    peer: String,
}

/// Where `advance` stopped.
enum State {
    /// `outgoing` must be sent before anything else can happen.
    MustSend,
    /// More must be read before anything else can happen.
    MustRead,
    /// The handshake is done; nothing else to do.
    Ready,
    /// Plaintext arrived.
    Data,
    /// The peer has closed properly.
    Closed,
}

impl Session {
    /// Opens a session: the handshake. Its last message may be unsent still: it leaves with the first
    /// request.
    pub(super) fn open(
        config: &RustlsConfig,
        host: &Host,
        socket: Socket,
        attempt: &Attempt,
    ) -> Result<Self, Error> {
        let peer = format!("{host} at {}", socket.peer());
        let failed = |error: &rustls::Error| explain(error, &peer, ErrorPhase::Tls);
        let tls = UnbufferedClientConnection::new(Arc::clone(&config.0), server_name(host)?)
            .map_err(|error| failed(&error))?;
        let (incoming, outgoing) = (ReadBuffer::default(), Vec::new());
        let mut session = Session { tls, incoming, outgoing, socket, closed: false, peer };
        session.handshake(attempt)?;
        Ok(session)
    }

    fn handshake(&mut self, attempt: &Attempt) -> Result<(), Error> {
        // A server sends nothing before the request, unless it refuses the connection.
        let mut early = ReadBuffer::default();
        loop {
            match self.advance(&mut early, attempt, ErrorPhase::Tls)? {
                State::Ready => return Ok(()),
                State::Data => return Err(self.answered_early()),
                State::MustSend => self.flush(attempt, ErrorPhase::Tls)?,
                State::MustRead => {
                    self.flush(attempt, ErrorPhase::Tls)?;
                    if self.read(attempt, ErrorPhase::Tls)? == 0 {
                        return Err(self.hung_up());
                    }
                }
                State::Closed => return Err(self.hung_up()),
            }
        }
    }

    /// Lets rustls process what arrived, until it needs or returns something.
    fn advance(
        &mut self,
        plain: &mut ReadBuffer,
        attempt: &Attempt,
        phase: ErrorPhase,
    ) -> Result<State, Error> {
        loop {
            let UnbufferedStatus { discard, state } =
                self.tls.process_tls_records(self.incoming.unread_mut());
            let mut used = discard;
            let state = match state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    append(&mut self.outgoing, 0, |room| data.encode(room))
                        .map_err(|()| internal(phase))?;
                    None
                }
                Ok(ConnectionState::TransmitTlsData(mut data)) => {
                    // If application data may follow at once, it leaves with the request.
                    let may_wait = data.may_encrypt_app_data().is_some();
                    data.done();
                    (!may_wait).then_some(State::MustSend)
                }
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(|error| explain(&error, &self.peer, phase))?;
                        plain.push(record.payload);
                        used += record.discard;
                    }
                    Some(State::Data)
                }
                Ok(ConnectionState::WriteTraffic(_)) if !self.closed => Some(State::Ready),
                Ok(ConnectionState::BlockedHandshake) => Some(State::MustRead),
                Ok(_) => {
                    self.closed = true;
                    Some(State::Closed)
                }
                Err(error) => {
                    let error = explain(&error, &self.peer, phase);
                    self.incoming.consume(used);
                    self.send_alert(attempt);
                    return Err(error);
                }
            };
            self.incoming.consume(used);
            if let Some(state) = state {
                return Ok(state);
            }
        }
    }

    fn encrypt(&mut self, plaintext: &[u8]) -> Result<(), Error> {
        let room = plaintext.len() + RECORD_OVERHEAD * (1 + plaintext.len() / 0x4000);
        match self.tls.process_tls_records(self.incoming.unread_mut()).state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                append(&mut self.outgoing, room, |room| traffic.encrypt(plaintext, room))
                    .map_err(|()| internal(ErrorPhase::Send))
            }
            _ => Err(internal(ErrorPhase::Send)),
        }
    }

    fn flush(&mut self, attempt: &Attempt, phase: ErrorPhase) -> Result<(), Error> {
        let sent = self.socket.write_all(&self.outgoing, attempt, phase);
        self.outgoing.clear();
        sent
    }

    fn read(&mut self, attempt: &Attempt, phase: ErrorPhase) -> Result<usize, Error> {
        if self.incoming.unread().len() > MAX_INCOMING {
            let message = format!("{} sends TLS messages without end", self.peer);
            return Err(Error::new(ErrorKind::Tls, phase).with_message(message));
        }
        let amount = self.socket.read(self.incoming.spare(READ_SIZE), attempt, phase)?;
        self.incoming.filled(amount);
        Ok(amount)
    }

    /// Sends the alert about an error of ours, if that can be done at once: it helps whoever reads the
    /// server's log.
    fn send_alert(&mut self, attempt: &Attempt) {
        if let Ok(ConnectionState::EncodeTlsData(mut alert)) =
            self.tls.process_tls_records(self.incoming.unread_mut()).state
        {
            let encoded = append(&mut self.outgoing, 0, |room| alert.encode(room));
            if encoded.is_ok() && !attempt.is_cancelled() {
                // The handshake has failed anyway.
                let _ = self.socket.write_now(&self.outgoing);
            }
        }
        self.outgoing.clear();
    }

    fn hung_up(&self) -> Error {
        hung_up(&self.peer)
    }

    fn hung_up_in(&self, phase: ErrorPhase) -> Error {
        let message = format!("{} closed the connection", self.peer);
        Error::new(ErrorKind::ConnectionLost, phase).with_message(message)
    }

    fn answered_early(&self) -> Error {
        let message = format!("{} answered before it was asked", self.peer);
        Error::new(ErrorKind::AnswerNotJson, ErrorPhase::Tls).with_message(message)
    }
}

impl Channel for Session {
    /// Encrypts `request` into one record where it fits and sends it in one write.
    fn send(
        &mut self,
        request: &[u8],
        received: &mut ReadBuffer,
        attempt: &Attempt,
    ) -> Result<(), Error> {
        loop {
            match self.advance(received, attempt, ErrorPhase::Send)? {
                State::Ready => break,
                State::Data => {}
                State::MustSend => self.flush(attempt, ErrorPhase::Send)?,
                State::MustRead | State::Closed => return Err(self.hung_up_in(ErrorPhase::Send)),
            }
        }
        self.encrypt(request)?;
        self.flush(attempt, ErrorPhase::Send)
    }

    /// Waits for plaintext and appends it to `received`.
    fn receive(&mut self, received: &mut ReadBuffer, attempt: &Attempt) -> Result<Received, Error> {
        loop {
            match self.advance(received, attempt, ErrorPhase::Receive)? {
                State::Data => {
                    // It was decrypted in place.
                    if self.incoming.unread().is_empty() {
                        self.incoming.wipe();
                    }
                    return Ok(Received::Data);
                }
                State::Closed => return Ok(Received::End),
                State::MustSend => self.flush(attempt, ErrorPhase::Receive)?,
                State::Ready | State::MustRead => {
                    if self.read(attempt, ErrorPhase::Receive)? == 0 {
                        return Ok(Received::Truncated);
                    }
                }
            }
        }
    }

    fn is_quiet(&mut self, attempt: &Attempt) -> bool {
        let mut received = ReadBuffer::default();
        for _ in 0..MAX_LATE_READS {
            match self.socket.read_now(self.incoming.spare(READ_SIZE)) {
                Ok(None) => return true,
                Ok(Some(0)) | Err(_) => return false,
                Ok(Some(amount)) => self.incoming.filled(amount),
            }
            // Late session tickets are welcome.
            if !matches!(
                self.advance(&mut received, attempt, ErrorPhase::Connect),
                Ok(State::Ready)
            ) {
                return false;
            }
        }
        false
    }

    fn rest(&mut self) -> bool {
        let is_empty = self.incoming.unread().is_empty();
        self.incoming.wipe();
        self.outgoing.clear();
        is_empty
    }

    /// Version, cipher suite and certificate in one line.
    fn describe(&self) -> String {
        describe(&self.tls)
    }

    fn socket(&self) -> &Socket {
        &self.socket
    }
}

/// `TLS 1.3, TLS_AES_128_GCM_SHA256; certificate of "X" issued by "Y", valid 2024-01-31 to 2025-01-31`
fn describe(session: &CommonState) -> String {
    let mut text = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        other => format!("{other:?}"),
    };
    if let Some(suite) = session.negotiated_cipher_suite() {
        // rustls writes TLS13_… where the registry of cipher suites has TLS_….
        text += &format!(", {:?}", suite.suite()).replace("TLS13_", "TLS_");
    }
    if let Some(certificate) = session.peer_certificates().and_then(<[_]>::first) {
        text += &format!("; {}", describe_certificate(certificate));
    }
    text
}

/// The name that the certificate must be for.
pub(super) fn server_name(host: &Host) -> Result<ServerName<'static>, Error> {
    match host {
        Host::Ip(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => ServerName::try_from(without_dot(name).to_owned()).map_err(|_| {
            Error::setting("base_url", "has a host name that is not valid", "correct it")
        }),
    }
}

/// Lets `write` append to `out`, with as much room as it needs.
fn append<E: NeedsRoom>(
    out: &mut Vec<u8>,
    mut room: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
) -> Result<(), ()> {
    let used = out.len();
    loop {
        out.resize(used + room, 0);
        match write(&mut out[used..]) {
            Ok(written) => {
                out.truncate(used + written);
                return Ok(());
            }
            Err(error) => match error.room_needed() {
                Some(needed) if needed > room => room = needed,
                _ => {
                    out.truncate(used);
                    return Err(());
                }
            },
        }
    }
}

trait NeedsRoom {
    fn room_needed(&self) -> Option<usize>;
}

impl NeedsRoom for EncodeError {
    fn room_needed(&self) -> Option<usize> {
        match self {
            EncodeError::InsufficientSize(InsufficientSizeError { required_size }) => {
                Some(*required_size)
            }
            EncodeError::AlreadyEncoded => None,
        }
    }
}

impl NeedsRoom for EncryptError {
    fn room_needed(&self) -> Option<usize> {
        match self {
            EncryptError::InsufficientSize(InsufficientSizeError { required_size }) => {
                Some(*required_size)
            }
            EncryptError::EncryptExhausted => None,
        }
    }
}

/// The error where rustls does what its documentation rules out.
fn internal(phase: ErrorPhase) -> Error {
    Error::new(ErrorKind::ConnectionLost, phase).with_message("the TLS session broke")
}
