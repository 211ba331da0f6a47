//! Opening a connection: addresses race, so that one that hangs costs little.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::socket::{SLICE, Socket, reason, wait};
use super::{Attempt, limits};
use crate::error::{Error, ErrorKind, ErrorPhase};

/// How long the last address started has for itself (RFC 8305 §5, "Connection Attempt Delay").
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to the first of `addresses` that answers.
///
/// They are started one after the other, families in turn, each as soon as the one before failed
/// or had its head start; none is given up before the attempt is.
pub(super) fn connect(
    addresses: &[SocketAddr],
    attempt: &Attempt,
    phase: ErrorPhase,
) -> Result<Socket, Error> {
    let mut race = Race::new(phase).map_err(|error| not_begun(phase, &error))?;
    let mut waiting = in_turn(addresses).into_iter().peekable();
    let mut next_start = Instant::now();
    loop {
        let left = attempt.remaining(phase).map_err(|error| race.told(error))?;
        if let Some(winner) = race.winner() {
            return Ok(winner.into_socket(race));
        }
        let now = Instant::now();
        if race.running.is_empty() || now >= next_start {
            match waiting.next() {
                Some(address) => {
                    race.start(address);
                    next_start = now + HEAD_START.min(left / (waiting.len() as u32 + 2));
                    continue;
                }
                None if race.running.is_empty() => return Err(race.lost()),
                None => {}
            }
        }
        let until_start = match waiting.peek() {
            Some(_) => next_start.saturating_duration_since(now),
            None => SLICE,
        };
        race.wait(until_start.min(left).min(SLICE))?;
    }
}

/// One candidate that has not answered yet.
struct Runner {
    stream: TcpStream,
    address: SocketAddr,
}

impl Runner {
    fn into_socket(self, race: Race) -> Socket {
        Socket::new(self.stream, race.poll, race.events, self.address)
    }

    /// `None` as long as the outcome is open.
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

struct Race {
    phase: ErrorPhase,
    poll: Poll,
    events: Events,
    running: Vec<Runner>,
    failed: Vec<(SocketAddr, io::Error)>,
}

impl Race {
    fn new(phase: ErrorPhase) -> io::Result<Self> {
        let (running, failed) = (Vec::new(), Vec::new());
        Ok(Race { phase, poll: Poll::new()?, events: Events::with_capacity(4), running, failed })
    }

    fn start(&mut self, address: SocketAddr) {
        match self.try_start(address) {
            Ok(stream) => self.running.push(Runner { stream, address }),
            Err(error) => self.failed.push((address, error)),
        }
    }

    fn try_start(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(address)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(0), both)?;
        Ok(stream)
    }

    fn wait(&mut self, slice: Duration) -> Result<(), Error> {
        wait(&mut self.poll, &mut self.events, slice).map_err(|error| not_begun(self.phase, &error))
    }

    /// Takes out the first that is connected, and those that failed.
    fn winner(&mut self) -> Option<Runner> {
        let mut place = 0;
        while let Some(runner) = self.running.get(place) {
            match runner.outcome() {
                None => place += 1,
                Some(Ok(())) => return Some(self.running.swap_remove(place)),
                Some(Err(error)) => {
                    let runner = self.running.remove(place);
                    self.failed.push((runner.address, error));
                }
            }
        }
        None
    }

    /// The error when every address failed.
    fn lost(&self) -> Error {
        let error = broken(self.phase, &self.story());
        self.failed.iter().fold(error, |error, (_, why)| limits::remedied(error, why))
    }

    /// The error of an attempt that ended meanwhile, told with the addresses tried.
    fn told(&self, error: Error) -> Error {
        let message = format!("{} while connecting ({})", error.message(), self.story());
        error.with_message(message)
    }

    /// `10.0.0.1:443: connection refused, 10.0.0.2:443: no reply`.
    fn story(&self) -> String {
        let failed = self.failed.iter().map(|(address, why)| format!("{address}: {}", reason(why)));
        let silent = self.running.iter().map(|runner| format!("{}: no reply", runner.address));
        failed.chain(silent).collect::<Vec<_>>().join(", ")
    }
}

/// The error when no address can even be tried.
fn not_begun(phase: ErrorPhase, why: &io::Error) -> Error {
    limits::remedied(broken(phase, &reason(why)), why)
}

fn broken(phase: ErrorPhase, story: &str) -> Error {
    if phase == ErrorPhase::Proxy {
        let message = format!("no connection to the proxy ({story})");
        return Error::new(ErrorKind::Proxy, phase).with_message(message);
    }
    Error::new(ErrorKind::Connect, phase).with_message(format!("no connection ({story})"))
}

/// The addresses with families alternating, beginning with that of the first (RFC 8305 §4).
fn in_turn(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
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
        assert_eq!(in_turn(&given), wanted);
        assert!(in_turn(&[]).is_empty());
    }
}
