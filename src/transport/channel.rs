//! The stream of bytes that a connection consists of: plain, or in TLS.

use super::attempt::Attempt;
use super::read_buffer::{ReadBuffer, Received};
use super::socket::Socket;
use crate::error::{Error, ErrorPhase};

/// How much is read at once, in bytes; a token's answer mostly fits.
pub(super) const READ_SIZE: usize = 4 * 1024;

/// A socket, or a TLS session on one.
pub(super) trait Channel: Send + Sync {
    /// Sends all of `request`, in one write where the system takes it. What arrives meanwhile is
    /// appended to `received`.
    fn send(
        &mut self,
        request: &[u8],
        received: &mut ReadBuffer,
        attempt: &Attempt,
    ) -> Result<(), Error>;

    /// Waits for something to arrive and appends it to `received`.
    fn receive(&mut self, received: &mut ReadBuffer, attempt: &Attempt) -> Result<Received, Error>;

    /// Whether it is open and nothing has arrived.
    fn is_quiet(&mut self, attempt: &Attempt) -> bool;

    /// Wipes the buffers before the next request. `false` if something is in them still.
    fn rest(&mut self) -> bool;

    fn socket(&self) -> &Socket;

    /// The security of the channel in one line, for people.
    fn describe(&self) -> String;
}

impl Channel for Socket {
    fn send(&mut self, request: &[u8], _: &mut ReadBuffer, attempt: &Attempt) -> Result<(), Error> {
        self.write_all(request, attempt, ErrorPhase::Send)
    }

    fn receive(&mut self, received: &mut ReadBuffer, attempt: &Attempt) -> Result<Received, Error> {
        let amount = self.read(received.spare(READ_SIZE), attempt, ErrorPhase::Receive)?;
        received.filled(amount);
        Ok(if amount == 0 { Received::End } else { Received::Data })
    }

    fn is_quiet(&mut self, _: &Attempt) -> bool {
        matches!(self.read_now(&mut [0]), Ok(None))
    }

    fn rest(&mut self) -> bool {
        true
    }

    fn socket(&self) -> &Socket {
        self
    }

    fn describe(&self) -> String {
        "not encrypted".to_owned()
    }
}
