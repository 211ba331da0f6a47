//! A TCP socket on which every wait ends with its attempt.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Poll};

use super::attempt::Attempt;
use super::limits;
use crate::error::{Error, ErrorKind, ErrorPhase};

/// The longest wait before looking whether the attempt was cancelled or is over.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A connected socket. It does not block: waiting is done with a [`Poll`] of its own, at most
/// [`POLL_INTERVAL`] at a time. Socket timeouts would save two system calls, but on Windows they
/// leave a socket in an undefined state.
pub(super) struct Socket {
    stream: TcpStream,
    poll: Poll,
    events: Events,
    peer: SocketAddr,
    /// Whether the last read found nothing and nobody waited since. Then the next read waits first.
    drained: bool,
}

impl Socket {
    /// `stream` must be connected to `peer` and registered with `poll` for reading and writing.
    pub(super) fn new(stream: TcpStream, poll: Poll, events: Events, peer: SocketAddr) -> Self {
        // Everything leaves in one write, so Nagle's algorithm could only delay it. Where this fails,
        // the connection is slower and works.
        let _ = stream.set_nodelay(true);
        Socket { stream, poll, events, peer, drained: false }
    }

    /// Who is at the other end.
    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Reads what has come, waiting for it if need be. `0` means that the peer has ended.
    pub(super) fn read(
        &mut self,
        into: &mut [u8],
        attempt: &Attempt,
        phase: ErrorPhase,
    ) -> Result<usize, Error> {
        if self.drained {
            self.wait(attempt, phase)?;
        } else {
            self.remaining(attempt, phase)?;
        }
        loop {
            match self.read_now(into) {
                Ok(Some(amount)) => return Ok(amount),
                Ok(None) => self.wait(attempt, phase)?,
                Err(error) => return Err(self.lost(&error, phase)),
            }
        }
    }

    /// Reads what has come; `None` if nothing has.
    pub(super) fn read_now(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        let read = without_waiting(|| self.stream.read(into));
        self.drained = matches!(read, Ok(None));
        read
    }

    /// Writes all of `bytes`, waiting for room if need be.
    pub(super) fn write_all(
        &mut self,
        mut bytes: &[u8],
        attempt: &Attempt,
        phase: ErrorPhase,
    ) -> Result<(), Error> {
        while !bytes.is_empty() {
            self.remaining(attempt, phase)?;
            match self.write_now(bytes) {
                Ok(Some(0)) => return Err(self.lost(&io::ErrorKind::WriteZero.into(), phase)),
                Ok(Some(amount)) => bytes = &bytes[amount..],
                Ok(None) => self.wait(attempt, phase)?,
                Err(error) => return Err(self.lost(&error, phase)),
            }
        }
        Ok(())
    }

    /// Writes what there is room for; `None` if there is none.
    pub(super) fn write_now(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        without_waiting(|| self.stream.write(bytes))
    }

    /// Waits for something to happen, at most for [`POLL_INTERVAL`].
    pub(super) fn wait(&mut self, attempt: &Attempt, phase: ErrorPhase) -> Result<(), Error> {
        let time = self.remaining(attempt, phase)?.min(POLL_INTERVAL);
        self.drained = false;
        wait(&mut self.poll, &mut self.events, time).map_err(|error| self.lost(&error, phase))
    }

    fn remaining(&self, attempt: &Attempt, phase: ErrorPhase) -> Result<Duration, Error> {
        attempt.remaining(phase).map_err(|error| {
            let message = format!("{} while waiting for {}", error.message(), self.peer);
            error.with_message(message)
        })
    }

    /// The error for a connection that ended or broke in `phase`.
    pub(super) fn lost(&self, error: &io::Error, phase: ErrorPhase) -> Error {
        let kind =
            if phase == ErrorPhase::Proxy { ErrorKind::Proxy } else { ErrorKind::ConnectionLost };
        Error::new(kind, phase).with_message(format!(
            "the connection to {} broke: {}",
            self.peer,
            reason(error)
        ))
    }
}

/// Waits at most `time` for something to happen.
pub(super) fn wait(poll: &mut Poll, events: &mut Events, time: Duration) -> io::Result<()> {
    match poll.poll(events, Some(time)) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

fn without_waiting(mut act: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match act() {
            Ok(amount) => return Ok(Some(amount)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// An I/O error in a few words, the same on every platform where it can be.
pub(super) fn reason(error: &io::Error) -> String {
    if let Some(limit) = limits::words(error) {
        return limit.into();
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset => "reset by the other side".into(),
        io::ErrorKind::ConnectionAborted => "aborted".into(),
        io::ErrorKind::BrokenPipe => "closed by the other side".into(),
        io::ErrorKind::UnexpectedEof => "ended by the other side".into(),
        io::ErrorKind::TimedOut => "no reply".into(),
        io::ErrorKind::HostUnreachable => "host unreachable".into(),
        io::ErrorKind::NetworkUnreachable => "network unreachable".into(),
        io::ErrorKind::PermissionDenied => "forbidden by this machine".into(),
        _ => error.to_string(),
    }
}
