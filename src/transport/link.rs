//! One connection to an origin, plain or TLS.

use std::io;
use std::net::SocketAddr;

use super::Attempt;
use super::buffer::Window;
use super::socket::Socket;
use super::tls::Session;
use super::url::Origin;
use crate::error::{Error, ErrorPhase};

/// How much is read from a plain socket at once.
const READ_SIZE: usize = 4 * 1024;

/// What came when something was waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrived {
    /// Bytes.
    Some,
    /// The peer's proper end.
    End,
    /// An end that TLS did not vouch for: anybody on the way can cause it.
    Cut,
}

/// A connection that carries one request at a time.
pub(super) struct Link {
    pub(super) origin: Origin,
    channel: Channel,
    /// Whether it has carried a request before.
    pub(super) reused: bool,
    /// Whether any byte of the current answer has come.
    pub(super) heard: bool,
}

enum Channel {
    Plain(Socket),
    Tls(Box<Session>),
}

impl Link {
    pub(super) fn plain(origin: Origin, socket: Socket) -> Self {
        Link::new(origin, Channel::Plain(socket))
    }

    pub(super) fn tls(origin: Origin, session: Session) -> Self {
        Link::new(origin, Channel::Tls(Box::new(session)))
    }

    fn new(origin: Origin, channel: Channel) -> Self {
        Link { origin, channel, reused: false, heard: false }
    }

    /// Sends all of `request`, in one write where the system takes it. What the peer says
    /// meanwhile goes to `received`.
    pub(super) fn send(
        &mut self,
        request: &[u8],
        received: &mut Window,
        attempt: &Attempt,
    ) -> Result<(), Error> {
        match &mut self.channel {
            Channel::Plain(socket) => socket.write_all(request, attempt, ErrorPhase::Send),
            Channel::Tls(session) => session.send(request, received, attempt),
        }
    }

    /// Waits for more of the answer and appends it to `received`.
    pub(super) fn receive(
        &mut self,
        received: &mut Window,
        attempt: &Attempt,
    ) -> Result<Arrived, Error> {
        let arrived = match &mut self.channel {
            Channel::Plain(socket) => read_plain(socket, received, attempt)?,
            Channel::Tls(session) => session.receive(received, attempt)?,
        };
        self.heard |= arrived == Arrived::Some;
        Ok(arrived)
    }

    /// Whether the connection is open and silent, as one that waits for a request must be.
    pub(super) fn is_quiet(&mut self, attempt: &Attempt) -> bool {
        match &mut self.channel {
            Channel::Plain(socket) => matches!(socket.read_now(&mut [0]), Ok(None)),
            Channel::Tls(session) => session.is_quiet(attempt),
        }
    }

    /// Gets ready to wait for the next request, holding nothing of the last one. `false` if the
    /// peer has said more than it should.
    pub(super) fn rest(&mut self) -> bool {
        (self.reused, self.heard) = (true, false);
        match &mut self.channel {
            Channel::Plain(_) => true,
            Channel::Tls(session) if session.has_unread() => false,
            Channel::Tls(session) => {
                session.rest();
                true
            }
        }
    }

    /// Wipes what has been dealt with of the answer.
    pub(super) fn wipe(&mut self) {
        if let Channel::Tls(session) = &mut self.channel {
            session.wipe();
        }
    }

    /// Whether it was kept from an earlier request and has not been heard of since.
    pub(super) fn went_stale(&self) -> bool {
        self.reused && !self.heard
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
    received: &mut Window,
    attempt: &Attempt,
) -> Result<Arrived, Error> {
    let amount = socket.read(received.spare(READ_SIZE), attempt, ErrorPhase::Receive)?;
    received.filled(amount);
    Ok(if amount == 0 { Arrived::End } else { Arrived::Some })
}
