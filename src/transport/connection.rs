//! One connection to an origin, plain or TLS.

use std::io;
use std::net::SocketAddr;

use super::attempt::Attempt;
use super::read_buffer::{ReadBuffer, Received};
use super::socket::Socket;
use super::tls::Session;
use super::url::Origin;
use crate::error::{Error, ErrorPhase};

/// How much is read from a plain socket at once.
const READ_SIZE: usize = 4 * 1024;

/// A connection that carries one request at a time.
pub(super) struct Connection {
    pub(super) origin: Origin,
    channel: Channel,
    /// Whether it has carried a request before.
    pub(super) is_reused: bool,
    /// Whether any byte of the current answer has come.
    pub(super) heard: bool,
}

enum Channel {
    Plain(Socket),
    Tls(Box<Session>),
}

impl Connection {
    pub(super) fn plain(origin: Origin, socket: Socket) -> Self {
        Connection::new(origin, Channel::Plain(socket))
    }

    pub(super) fn tls(origin: Origin, session: Session) -> Self {
        Connection::new(origin, Channel::Tls(Box::new(session)))
    }

    fn new(origin: Origin, channel: Channel) -> Self {
        Connection { origin, channel, is_reused: false, heard: false }
    }

    /// Sends all of `request`, in one write where the system takes it. What arrives meanwhile is
    /// appended to `received`.
    pub(super) fn send(
        &mut self,
        request: &[u8],
        received: &mut ReadBuffer,
        attempt: &Attempt,
    ) -> Result<(), Error> {
        let sent = match &mut self.channel {
            Channel::Plain(socket) => socket.write_all(request, attempt, ErrorPhase::Send),
            Channel::Tls(session) => session.send(request, received, attempt),
        };
        self.heard |= !received.unread().is_empty();
        sent
    }

    /// Waits for more of the answer and appends it to `received`.
    pub(super) fn receive(
        &mut self,
        received: &mut ReadBuffer,
        attempt: &Attempt,
    ) -> Result<Received, Error> {
        let outcome = match &mut self.channel {
            Channel::Plain(socket) => read_plain(socket, received, attempt),
            Channel::Tls(session) => session.receive(received, attempt),
        }?;
        self.heard |= outcome == Received::Data;
        Ok(outcome)
    }

    /// Whether the connection is open and nothing has arrived on it, as it must be before a request.
    pub(super) fn is_quiet(&mut self, attempt: &Attempt) -> bool {
        match &mut self.channel {
            Channel::Plain(socket) => matches!(socket.read_now(&mut [0]), Ok(None)),
            Channel::Tls(session) => session.is_quiet(attempt),
        }
    }

    /// Wipes all that is left of the last request, before the connection waits for the next one.
    /// Returns `false` if the peer sent more than its answer.
    pub(super) fn rest(&mut self) -> bool {
        (self.is_reused, self.heard) = (true, false);
        match &mut self.channel {
            Channel::Plain(_) => true,
            Channel::Tls(session) if session.has_unread() => false,
            Channel::Tls(session) => {
                session.rest();
                true
            }
        }
    }

    /// Whether it was kept from an earlier request and brought nothing since.
    pub(super) fn is_stale(&self) -> bool {
        self.is_reused && !self.heard
    }

    /// The error for a connection that ended too early.
    pub(super) fn ended(&self, phase: ErrorPhase) -> Error {
        self.socket().lost(&io::ErrorKind::UnexpectedEof.into(), phase)
    }

    /// Who is at the other end: the server, or the proxy on the way to it.
    pub(super) fn peer(&self) -> SocketAddr {
        self.socket().peer()
    }

    fn socket(&self) -> &Socket {
        match &self.channel {
            Channel::Plain(socket) => socket,
            Channel::Tls(session) => session.socket(),
        }
    }
}

fn read_plain(
    socket: &mut Socket,
    received: &mut ReadBuffer,
    attempt: &Attempt,
) -> Result<Received, Error> {
    let amount = socket.read(received.spare(READ_SIZE), attempt, ErrorPhase::Receive)?;
    received.filled(amount);
    Ok(if amount == 0 { Received::End } else { Received::Data })
}
