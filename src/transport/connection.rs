//! A connection to an origin.

use std::io;
use std::net::SocketAddr;

use super::attempt::Attempt;
use super::channel::Channel;
use super::read_buffer::{ReadBuffer, Received};
use super::url::Origin;
use crate::error::{Error, ErrorPhase};

/// A connection that carries one request at a time.
pub(super) struct Connection {
    pub(super) origin: Origin,
    pub(super) channel: Box<dyn Channel>,
    /// Whether it has carried a request before.
    pub(super) is_reused: bool,
    /// Whether any byte of the current answer has come.
    pub(super) heard: bool,
}

impl Connection {
    pub(super) fn new(origin: &Origin, channel: Box<dyn Channel>) -> Self {
        Connection { origin: origin.clone(), channel, is_reused: false, heard: false }
    }

    /// Sends all of `request`. What arrives meanwhile is appended to `received`.
    pub(super) fn send(
        &mut self,
        request: &[u8],
        received: &mut ReadBuffer,
        attempt: &Attempt,
    ) -> Result<(), Error> {
        let sent = self.channel.send(request, received, attempt);
        self.heard |= !received.unread().is_empty();
        sent
    }

    /// Waits for more of the answer and appends it to `received`.
    pub(super) fn receive(
        &mut self,
        received: &mut ReadBuffer,
        attempt: &Attempt,
    ) -> Result<Received, Error> {
        let outcome = self.channel.receive(received, attempt)?;
        self.heard |= outcome == Received::Data;
        Ok(outcome)
    }

    /// Wipes all that is left of the last request, before the connection waits for the next one.
    /// Returns `false` if the peer sent more than its answer.
    pub(super) fn rest(&mut self) -> bool {
        (self.is_reused, self.heard) = (true, false);
        self.channel.rest()
    }

    /// Whether it was kept from an earlier request and brought nothing since.
    pub(super) fn is_stale(&self) -> bool {
        self.is_reused && !self.heard
    }

    /// The error for a connection that ended too early.
    pub(super) fn ended(&self, phase: ErrorPhase) -> Error {
        self.channel.socket().lost(&io::ErrorKind::UnexpectedEof.into(), phase)
    }

    /// The address of the server, or of the proxy on the way to it.
    pub(super) fn peer(&self) -> SocketAddr {
        self.channel.socket().peer()
    }
}
