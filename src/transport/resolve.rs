//! Looking up host names within a deadline.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use super::Attempt;
use super::socket::SLICE;
use super::target::Host;
use crate::error::{Error, ErrorKind, Phase};

/// How many lookups may hang at once. The system's resolver cannot be interrupted: a lookup that
/// nobody waits for any more keeps its thread until the resolver gives up.
const MAX_LOOKUPS: usize = 8;

/// The most addresses of one host that are tried.
const MAX_ADDRESSES: usize = 8;

pub(super) type Lookup = fn(&str, u16) -> io::Result<Vec<SocketAddr>>;

fn ask_the_system(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok((name, port).to_socket_addrs()?.take(MAX_ADDRESSES).collect())
}

/// Finds the addresses of hosts: from the overrides first, then from the system.
pub(super) struct Resolver {
    overrides: Vec<(Host, IpAddr)>,
    /// What asks the system; tests put other things here.
    pub(super) lookup: Lookup,
    /// Each lookup under way holds a clone.
    lookups: Arc<()>,
}

impl Resolver {
    pub(super) fn new(overrides: Vec<(Host, IpAddr)>) -> Self {
        Resolver { overrides, lookup: ask_the_system, lookups: Arc::new(()) }
    }

    /// The addresses that the settings give for `host`.
    pub(super) fn known(&self, host: &Host) -> impl Iterator<Item = IpAddr> {
        self.overrides.iter().filter(move |(name, _)| name == host).map(|(_, ip)| *ip)
    }

    /// The addresses of `host`, at least one.
    pub(super) fn resolve(
        &self,
        host: &Host,
        port: u16,
        attempt: &Attempt,
        phase: Phase,
    ) -> Result<Vec<SocketAddr>, Error> {
        let known = self.known(host);
        let known: Vec<_> = known.map(|ip| SocketAddr::new(ip, port)).collect();
        match host {
            _ if !known.is_empty() => Ok(known),
            Host::Ip(ip) => Ok(vec![SocketAddr::new(*ip, port)]),
            Host::Name(name) => self.look_up(name, port, attempt, phase),
        }
    }

    /// Asks in a thread that lives as long as the lookup, since the call cannot be interrupted.
    fn look_up(
        &self,
        name: &str,
        port: u16,
        attempt: &Attempt,
        phase: Phase,
    ) -> Result<Vec<SocketAddr>, Error> {
        let guard = Arc::clone(&self.lookups);
        if Arc::strong_count(&guard) > MAX_LOOKUPS + 1 {
            return Err(unresolved(name, phase, "too many earlier lookups are still unanswered"));
        }
        let (sender, answer) = mpsc::sync_channel(1);
        let (lookup, wanted) = (self.lookup, name.to_owned());
        let work = move || {
            let found = lookup(&wanted, port);
            drop(guard);
            // Nobody listens any more when the attempt is over.
            let _ = sender.send(found);
        };
        thread::Builder::new()
            .name("caretoken-dns".into())
            .spawn(work)
            .map_err(|error| unresolved(name, phase, &error.to_string()))?;
        loop {
            let slice = attempt.remaining(phase).map_err(|error| told(error, name))?.min(SLICE);
            match answer.recv_timeout(slice) {
                Ok(found) => return found_some(found, name, phase),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(unresolved(name, phase, "the lookup broke off"));
                }
            }
        }
    }
}

fn found_some(
    found: io::Result<Vec<SocketAddr>>,
    name: &str,
    phase: Phase,
) -> Result<Vec<SocketAddr>, Error> {
    match found {
        Ok(addresses) if !addresses.is_empty() => Ok(addresses),
        Ok(_) => Err(unresolved(name, phase, "it has no address")),
        Err(error) => Err(unresolved(name, phase, &error.to_string())),
    }
}

fn unresolved(name: &str, phase: Phase, why: &str) -> Error {
    if phase == Phase::Proxy {
        let message = format!("the proxy's host name {name} did not resolve ({why})");
        return Error::new(ErrorKind::Proxy, phase).with_message(message);
    }
    Error::new(ErrorKind::Resolve, phase)
        .with_message(format!("the host name {name} did not resolve ({why})"))
}

fn told(error: Error, name: &str) -> Error {
    let message = format!("{} while looking up {name}", error.message());
    error.with_message(message)
}
