//! Opening a socket to the first address of a host that answers ("Happy Eyeballs", RFC 8305), so that
//! an address that hangs costs little.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::attempt::Attempt;
use super::limits;
use super::socket::{POLL_INTERVAL, Socket, reason, wait};
use crate::error::{Error, ErrorKind, ErrorPhase};

/// How long the last address started has, before the next is started too (RFC 8305 §5, "Connection
/// Attempt Delay").
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first of `addresses` that answers.
///
/// They are started one after the other, families in turn, each as soon as the one before failed or
/// had its delay. None is given up before the attempt is.
pub(super) fn connect(
    addresses: &[SocketAddr],
    attempt: &Attempt,
    phase: ErrorPhase,
) -> Result<Socket, Error> {
    let mut candidates = Candidates::new(phase).map_err(|error| not_begun(phase, &error))?;
    let mut waiting = interleaved(addresses).into_iter().peekable();
    let mut next_start = Instant::now();
    loop {
        let left = attempt.remaining(phase).map_err(|error| candidates.with_summary(error))?;
        if let Some(connected) = candidates.connected() {
            return Ok(connected.into_socket(candidates));
        }
        let now = Instant::now();
        if candidates.pending.is_empty() || now >= next_start {
            match waiting.next() {
                Some(address) => {
                    candidates.start(address);
                    next_start = now + ATTEMPT_DELAY.min(left / (waiting.len() as u32 + 2));
                    continue;
                }
                None if candidates.pending.is_empty() => return Err(candidates.all_failed()),
                None => {}
            }
        }
        let until_start = match waiting.peek() {
            Some(_) => next_start.saturating_duration_since(now),
            None => POLL_INTERVAL,
        };
        candidates.wait(until_start.min(left).min(POLL_INTERVAL))?;
    }
}

/// An address that was started and has not failed.
struct Candidate {
    stream: TcpStream,
    address: SocketAddr,
}

impl Candidate {
    fn into_socket(self, candidates: Candidates) -> Socket {
        Socket::new(self.stream, candidates.poll, candidates.events, self.address)
    }

    /// `None` while it is still connecting.
    fn outcome(&self) -> Option<io::Result<()>> {
        match self.stream.take_error() {
            Ok(Some(error)) | Err(error) => return Some(Err(error)),
            Ok(None) => {}
        }
        match self.stream.peer_addr() {
            Ok(_) => Some(Ok(())),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// The addresses that were started.
struct Candidates {
    phase: ErrorPhase,
    poll: Poll,
    events: Events,
    pending: Vec<Candidate>,
    failed: Vec<(SocketAddr, io::Error)>,
}

impl Candidates {
    fn new(phase: ErrorPhase) -> io::Result<Self> {
        let (pending, failed) = (Vec::new(), Vec::new());
        Ok(Candidates {
            phase,
            poll: Poll::new()?,
            events: Events::with_capacity(4),
            pending,
            failed,
        })
    }

    fn start(&mut self, address: SocketAddr) {
        match self.try_start(address) {
            Ok(stream) => self.pending.push(Candidate { stream, address }),
            Err(error) => self.failed.push((address, error)),
        }
    }

    fn try_start(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(address)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(0), both)?;
        Ok(stream)
    }

    fn wait(&mut self, time: Duration) -> Result<(), Error> {
        wait(&mut self.poll, &mut self.events, time).map_err(|error| not_begun(self.phase, &error))
    }

    /// Takes out the first that is connected, and those that failed.
    fn connected(&mut self) -> Option<Candidate> {
        let mut place = 0;
        while let Some(candidate) = self.pending.get(place) {
            match candidate.outcome() {
                None => place += 1,
                Some(Ok(())) => return Some(self.pending.swap_remove(place)),
                Some(Err(error)) => {
                    let candidate = self.pending.remove(place);
                    self.failed.push((candidate.address, error));
                }
            }
        }
        None
    }

    /// The error when every address failed.
    fn all_failed(&self) -> Error {
        let error = broken(self.phase, &self.summary());
        self.failed.iter().fold(error, |error, (_, why)| limits::remedied(error, why))
    }

    /// Adds the addresses tried to the error of an attempt that ended meanwhile.
    fn with_summary(&self, error: Error) -> Error {
        let message = format!("{} while connecting ({})", error.message(), self.summary());
        error.with_message(message)
    }

    /// `10.0.0.1:443: connection refused, 10.0.0.2:443: no reply`.
    fn summary(&self) -> String {
        let failed = self.failed.iter().map(|(address, why)| format!("{address}: {}", reason(why)));
        let silent =
            self.pending.iter().map(|candidate| format!("{}: no reply", candidate.address));
        failed.chain(silent).collect::<Vec<_>>().join(", ")
    }
}

/// The error when no address can even be tried.
fn not_begun(phase: ErrorPhase, why: &io::Error) -> Error {
    limits::remedied(broken(phase, &reason(why)), why)
}

fn broken(phase: ErrorPhase, summary: &str) -> Error {
    if phase == ErrorPhase::Proxy {
        let message = format!("no connection to the proxy ({summary})");
        return Error::new(ErrorKind::Proxy, phase).with_message(message);
    }
    Error::new(ErrorKind::Connect, phase).with_message(format!("no connection ({summary})"))
}

/// The addresses with families alternating, beginning with that of the first (RFC 8305 §4).
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        addresses.iter().copied().rev().partition(|address| address.is_ipv6() == first_is_v6);
    let mut ordered = Vec::with_capacity(addresses.len());
    while ordered.len() < addresses.len() {
        ordered.extend(first.pop());
        ordered.extend(second.pop());
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_keep_their_order() {
        let parse = |text: &str| text.parse::<SocketAddr>().unwrap();
        let given = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].map(parse);
        let wanted = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"].map(parse);
        assert_eq!(interleaved(&given), wanted);
        assert!(interleaved(&[]).is_empty());
    }
}
