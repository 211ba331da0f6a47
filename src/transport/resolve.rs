//! Looking up host names within a deadline.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::{io, mem};

use super::attempt::Attempt;
use super::monitor::Monitor;
use super::socket::reason;
use super::url::Host;
use super::{limits, system_thread};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::{Owned, PerProcess};

/// The most lookups that somebody waits for at once. Further callers wait for their turn.
const MAX_AWAITED: usize = 8;

/// The most lookups in all. The system's resolver cannot be interrupted: a lookup that nobody waits for
/// any more keeps its thread until the resolver gives up.
const MAX_LOOKUPS: usize = 24;

/// The most lookups of one name: one that hangs, and another that may do better.
const MAX_PER_NAME: usize = 2;

/// The most addresses of one host that are tried.
const MAX_ADDRESSES: usize = 8;

/// Asks for the addresses of a name; their ports do not matter.
pub(super) type Lookup = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

fn ask_the_system(name: &str) -> io::Result<Vec<SocketAddr>> {
    match (name, 0).to_socket_addrs() {
        Ok(found) => Ok(found.take(MAX_ADDRESSES).collect()),
        Err(error) => Err(limits::out_of_files().unwrap_or(error)),
    }
}

/// Finds the addresses of hosts: from the overrides first, then from the system.
pub(super) struct Resolver {
    overrides: Vec<(Host, IpAddr)>,
    /// Asks the system; tests replace it.
    pub(super) lookup: Arc<Lookup>,
    /// The pending ones. A forked child has none: it does not have the threads either.
    lookups: PerProcess<Lookups>,
}

/// The pending lookups, the oldest first.
type Lookups = Monitor<Vec<PendingLookup>>;

/// A lookup that the system has not answered.
struct PendingLookup {
    name: Box<str>,
    answer: Arc<Answer>,
    /// How many callers wait for the answer.
    waiting: usize,
}

type Answer = OnceLock<io::Result<Vec<SocketAddr>>>;

/// The answer that a caller waits for, and the thread if the caller started it.
type Joined = (Arc<Answer>, Option<JoinHandle<()>>);

impl Resolver {
    pub(super) fn new(overrides: Vec<(Host, IpAddr)>) -> Self {
        let lookups = PerProcess::new(Lookups::default);
        Resolver { overrides, lookup: Arc::new(ask_the_system), lookups }
    }

    /// The addresses that the settings give for `host`.
    pub(super) fn known(&self, host: &Host) -> impl Iterator<Item = IpAddr> {
        self.overrides.iter().filter(move |(name, _)| name.is_same_as(host)).map(|(_, ip)| *ip)
    }

    /// The addresses of `host`, at least one.
    pub(super) fn resolve(
        &self,
        host: &Host,
        port: u16,
        attempt: &Attempt,
        phase: ErrorPhase,
    ) -> Result<Vec<SocketAddr>, Error> {
        let known = self.known(host);
        let known: Vec<_> = known.map(|ip| SocketAddr::new(ip, port)).collect();
        match host {
            _ if !known.is_empty() => Ok(known),
            Host::Ip(ip) => Ok(vec![SocketAddr::new(*ip, port)]),
            Host::Name(name) => {
                let mut found = self.look_up(name, attempt, phase)?;
                found.iter_mut().for_each(|address| address.set_port(port));
                Ok(found)
            }
        }
    }

    /// Asks the system on another thread and waits for the answer.
    fn look_up(
        &self,
        name: &str,
        attempt: &Attempt,
        phase: ErrorPhase,
    ) -> Result<Vec<SocketAddr>, Error> {
        let told = |error: Error, what: &str| {
            let message = format!("{} while {what} {name}", error.message());
            error.with_message(message)
        };
        let lookups = self.lookups.get();
        let answer = lookups
            .wait_for(attempt, phase, |all| self.join(name, all, &lookups))
            .map_err(|error| told(error, "waiting for a turn to look up"))?
            .map_err(|error| unresolved(name, phase, &error))?;
        let (answer, begun) = answer;
        let waiter = Waiter { answer, lookups };
        waiter
            .lookups
            .wait_for(attempt, phase, |_| waiter.answer.get().map(|_| ()))
            .map_err(|error| told(error, "looking up"))?;
        if let Some(thread) = begun {
            // It has answered and is ending. Joined, so that a program that exits now does not cut it off.
            let _it_does_not_panic = thread.join();
        }
        match waiter.answer.get() {
            Some(Ok(addresses)) if !addresses.is_empty() => Ok(addresses.clone()),
            Some(Err(error)) => Err(unresolved(name, phase, error)),
            _ => Err(unresolved(name, phase, &io::Error::other("it has no address"))),
        }
    }

    /// Joins a pending lookup of `name`, or starts one; `None` if the caller must wait for its turn.
    fn join(
        &self,
        name: &str,
        all: &mut Vec<PendingLookup>,
        lookups: &Arc<Owned<Lookups>>,
    ) -> Option<io::Result<Joined>> {
        let of_the_name = all.iter().filter(|lookup| *lookup.name == *name).count();
        let latest = all.iter_mut().rev().find(|lookup| *lookup.name == *name);
        let latest = latest.filter(|one| one.waiting > 0 || of_the_name == MAX_PER_NAME);
        if let Some(lookup) = latest {
            lookup.waiting += 1;
            return Some(Ok((Arc::clone(&lookup.answer), None)));
        }
        let awaited = all.iter().filter(|lookup| lookup.waiting > 0).count();
        if awaited >= MAX_AWAITED || all.len() >= MAX_LOOKUPS {
            return None;
        }
        let answer = Arc::default();
        let thread = match self.begin(name, &answer, lookups) {
            Ok(thread) => thread,
            Err(error) => return Some(Err(error)),
        };
        all.push(PendingLookup { name: name.into(), answer: Arc::clone(&answer), waiting: 1 });
        Some(Ok((answer, Some(thread))))
    }

    /// Starts a lookup on a thread of its own, which keeps nothing else alive.
    fn begin(
        &self,
        name: &str,
        answer: &Arc<Answer>,
        lookups: &Arc<Owned<Lookups>>,
    ) -> io::Result<JoinHandle<()>> {
        let (lookup, name) = (Arc::clone(&self.lookup), name.to_owned());
        let (answer, lookups) = (Arc::clone(answer), Arc::clone(lookups));
        system_thread::spawn("caretoken-dns", move || {
            let found = Err(io::Error::other("the lookup broke off"));
            let mut asking = LookupThread { answer, lookups, found };
            asking.found = lookup(&name);
        })
    }
}

/// A caller that waits for an answer.
struct Waiter {
    answer: Arc<Answer>,
    lookups: Arc<Owned<Lookups>>,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.lookups.change(|all| {
            let mut all = all.iter_mut();
            if let Some(own) = all.find(|lookup| Arc::ptr_eq(&lookup.answer, &self.answer)) {
                own.waiting -= 1;
            }
        });
    }
}

/// A lookup, on its thread.
struct LookupThread {
    answer: Arc<Answer>,
    lookups: Arc<Owned<Lookups>>,
    found: io::Result<Vec<SocketAddr>>,
}

impl Drop for LookupThread {
    fn drop(&mut self) {
        let found = mem::replace(&mut self.found, Ok(Vec::new()));
        self.lookups.change(|all| {
            let _it_is_the_only_one = self.answer.set(found);
            all.retain(|one| !Arc::ptr_eq(&one.answer, &self.answer));
        });
    }
}

fn unresolved(name: &str, phase: ErrorPhase, why: &io::Error) -> Error {
    let (kind, whose) = match phase {
        ErrorPhase::Proxy => (ErrorKind::Proxy, "the proxy's"),
        _ => (ErrorKind::Resolve, "the"),
    };
    let message = format!("{whose} host name {name} did not resolve ({})", reason(why));
    limits::remedied(Error::new(kind, phase).with_message(message), why)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::Ipv4Addr;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::transport::attempt::CancelSource;

    /// A resolver whose lookups of names that begin with `slow` wait until they are let go.
    struct Fake {
        resolver: Resolver,
        gate: Arc<Gate>,
    }

    #[derive(Default)]
    struct Gate {
        is_open: Monitor<bool>,
        asked: Mutex<HashMap<String, usize>>,
        at_once: AtomicUsize,
        most_at_once: AtomicUsize,
    }

    const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    impl Gate {
        fn answer(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
            *self.asked.lock().unwrap().entry(name.to_owned()).or_default() += 1;
            let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
            if name.starts_with("slow") {
                let _let_go =
                    self.is_open.wait_for(&ample(), ErrorPhase::Resolve, |is| is.then_some(()));
            }
            assert_ne!(name, "panic.test");
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            Ok(vec![HERE])
        }

        fn open(&self) {
            self.is_open.change(|is_open| *is_open = true);
        }

        fn asked(&self, name: &str) -> usize {
            self.asked.lock().unwrap().get(name).copied().unwrap_or_default()
        }
    }

    impl Fake {
        fn new() -> Self {
            let gate = Arc::new(Gate::default());
            let mut resolver = Resolver::new(Vec::new());
            let asked = Arc::clone(&gate);
            resolver.lookup = Arc::new(move |name| asked.answer(name));
            Fake { resolver, gate }
        }

        fn look_up(&self, name: &str, attempt: &Attempt) -> Result<Vec<SocketAddr>, Error> {
            let host = Host::Name(name.to_owned());
            self.resolver.resolve(&host, 443, attempt, ErrorPhase::Resolve)
        }

        fn waiting(&self) -> usize {
            self.resolver.lookups.get().change(|all| all.iter().map(|one| one.waiting).sum())
        }

        /// Waits until so many callers wait for an answer.
        fn until_waiting(&self, count: usize) {
            until(|| self.waiting() == count);
        }

        /// Waits until so many lookups are under way.
        fn until_at_once(&self, count: usize) {
            until(|| self.gate.at_once.load(Ordering::SeqCst) == count);
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            self.gate.open();
        }
    }

    fn ample() -> Attempt {
        within(Duration::from_secs(20))
    }

    fn within(time: Duration) -> Attempt {
        Attempt::new(Instant::now() + time, CancelSource::default().token())
    }

    fn until(is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !is_so() {
            assert!(Instant::now() < end, "it never comes to that");
            thread::yield_now();
        }
    }

    #[test]
    fn callers_beyond_the_limit_wait_for_their_turn() {
        let fake = Fake::new();
        thread::scope(|scope| {
            let callers: Vec<_> = (0..5 * MAX_AWAITED)
                .map(|number| {
                    let fake = &fake;
                    scope.spawn(move || fake.look_up(&format!("slow-{number}.test"), &ample()))
                })
                .collect();
            fake.until_at_once(MAX_AWAITED);
            fake.gate.open();
            for caller in callers {
                assert_eq!(caller.join().unwrap().unwrap(), [SocketAddr::new(HERE.ip(), 443)]);
            }
        });
        assert_eq!(fake.gate.most_at_once.load(Ordering::SeqCst), MAX_AWAITED);
    }

    #[test]
    fn identical_names_share_one_lookup() {
        let fake = Fake::new();
        thread::scope(|scope| {
            let caller = || fake.look_up("slow.test", &ample()).unwrap();
            let callers: Vec<_> = (0..20).map(|_| scope.spawn(caller)).collect();
            fake.until_waiting(20);
            fake.gate.open();
            callers.into_iter().for_each(|caller| assert_eq!(caller.join().unwrap().len(), 1));
        });
        assert_eq!(fake.gate.asked("slow.test"), 1);
        // An answer is for those who waited for it.
        fake.look_up("slow.test", &ample()).unwrap();
        assert_eq!(fake.gate.asked("slow.test"), 2);
    }

    #[test]
    fn a_wait_for_a_turn_ends_with_its_attempt() {
        let fake = Fake::new();
        thread::scope(|scope| {
            for number in 0..MAX_AWAITED {
                let fake = &fake;
                scope.spawn(move || fake.look_up(&format!("slow-{number}.test"), &ample()));
            }
            fake.until_waiting(MAX_AWAITED);
            let attempt = within(Duration::from_millis(30));
            let error = fake.look_up("late.test", &attempt).unwrap_err();
            assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, ErrorPhase::Resolve));
            assert!(
                error.message().ends_with("waiting for a turn to look up late.test"),
                "{error}"
            );

            let source = CancelSource::default();
            let attempt = Attempt::new(ample().deadline(), source.token());
            source.cancel();
            let error = fake.look_up("late.test", &attempt).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            assert_eq!(fake.gate.asked("late.test"), 0);
            fake.gate.open();
        });
    }

    /// Looks a name up that hangs, and gives up.
    fn give_up(fake: &Fake, name: &str) {
        let error = fake.look_up(name, &within(Duration::from_millis(2))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }

    #[test]
    fn a_name_that_hangs_takes_two_threads_and_nobodys_turn() {
        let fake = Fake::new();
        for _ in 0..30 {
            give_up(&fake, "slow.test");
        }
        until(|| fake.gate.asked("slow.test") == MAX_PER_NAME);
        fake.look_up("healthy.test", &ample()).unwrap();
        // The last that was begun is not given up for lost.
        thread::scope(|scope| {
            let late = scope.spawn(|| fake.look_up("slow.test", &ample()));
            fake.until_waiting(1);
            fake.gate.open();
            late.join().unwrap().unwrap();
        });
        assert_eq!(fake.gate.asked("slow.test"), MAX_PER_NAME);
    }

    #[test]
    fn lookups_that_nobody_waits_for_are_bounded() {
        let fake = Fake::new();
        for number in 0..2 * MAX_LOOKUPS {
            give_up(&fake, &format!("slow-{number}.test"));
            if number < MAX_LOOKUPS - 1 {
                fake.look_up("healthy.test", &ample()).unwrap();
            }
        }
        fake.until_at_once(MAX_LOOKUPS);
        fake.gate.open();
        fake.look_up("healthy.test", &ample()).unwrap();
        fake.until_at_once(0);
        assert_eq!(fake.gate.most_at_once.load(Ordering::SeqCst), MAX_LOOKUPS);
    }

    #[test]
    fn a_lookup_that_panics_is_an_error_and_its_turn_is_given_back() {
        let fake = Fake::new();
        for _ in 0..=MAX_LOOKUPS {
            let error = fake.look_up("panic.test", &ample()).unwrap_err();
            assert!(error.message().contains("broke off"), "{error}");
        }
        fake.look_up("healthy.test", &ample()).unwrap();
    }

    #[test]
    fn an_override_counts_with_and_without_the_dot_of_the_root() {
        let name = |text: &str| Host::parse(text).unwrap();
        for given in ["vendor.test", "Vendor.test."] {
            let resolver = Resolver::new(vec![(name(given), HERE.ip())]);
            for host in ["vendor.test", "vendor.test."] {
                assert_eq!(resolver.known(&name(host)).next(), Some(HERE.ip()), "{given}");
            }
            assert_eq!(resolver.known(&name("a.vendor.test")).next(), None);
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_thread_that_asks_handles_no_signal_and_its_callers_mask_stays() {
        use nix::sys::signal::{SigSet, Signal};
        let mask = Arc::new(Mutex::new(SigSet::empty()));
        let seen = Arc::clone(&mask);
        let mut resolver = Resolver::new(Vec::new());
        resolver.lookup = Arc::new(move |_| {
            *seen.lock().unwrap() = SigSet::thread_get_mask()?;
            Ok(vec![HERE])
        });
        let before = SigSet::thread_get_mask().unwrap();
        let host = Host::Name("vendor.test".into());
        resolver.resolve(&host, 443, &ample(), ErrorPhase::Resolve).unwrap();
        assert_eq!(SigSet::thread_get_mask().unwrap(), before);
        let never = [Signal::SIGKILL, Signal::SIGSTOP];
        let blocked = mask.lock().unwrap();
        for signal in Signal::iterator().filter(|signal| !never.contains(signal)) {
            assert!(blocked.contains(signal), "{signal}");
            assert!(!before.contains(signal), "{signal}");
        }
    }
}
