//! Single flight: one caller does a piece of work, the others wait for its outcome.

use std::sync::PoisonError;
use std::time::Duration;

use crate::life::sync::{Condvar, Mutex, MutexGuard};

#[cfg(caretoken_loom)]
use loom::thread::{ThreadId, current};
#[cfg(not(caretoken_loom))]
use std::thread::{ThreadId, current};

/// Lets one thread at a time do a piece of work whose outcome others wait for.
///
/// The lock guards a few words and is never held while anybody works.
pub(crate) struct SingleFlight<T> {
    state: Mutex<State<T>>,
    finished: Condvar,
}

struct State<T> {
    /// How many rounds have ended.
    rounds: u64,
    leader: Option<ThreadId>,
    waiters: usize,
    /// The outcome of the last round. It is dropped as soon as the last of its waiters has it.
    outcome: Option<T>,
}

/// What a caller is in the present round.
pub(crate) enum Role<'a, T> {
    /// The caller does the work, and then [finishes](Leader::finish).
    Leader(Leader<'a, T>),
    /// The caller has waited for another one's round; `None` if that was abandoned.
    Waiter(Option<T>),
    /// This very thread leads already: it came back in through a callback.
    Reentrant,
}

impl<T: Clone> SingleFlight<T> {
    pub(crate) fn new() -> Self {
        let state = State { rounds: 0, leader: None, waiters: 0, outcome: None };
        SingleFlight { state: Mutex::new(state), finished: Condvar::new() }
    }

    /// How many threads wait for the present round.
    #[cfg(all(test, not(caretoken_loom)))]
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiters
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leads, if nobody else does.
    pub(crate) fn try_lead(&self) -> Option<Leader<'_, T>> {
        let mut state = self.lock();
        state.leader.is_none().then(|| self.lead(&mut state))
    }

    fn lead(&self, state: &mut State<T>) -> Leader<'_, T> {
        state.leader = Some(current().id());
        Leader { flight: self }
    }

    /// Leads if nobody else does, else waits for the outcome of the present round.
    ///
    /// `time_left` is asked before each wait. Its error ends this caller's wait and no other's.
    pub(crate) fn join<E>(
        &self,
        time_left: impl Fn() -> Result<Duration, E>,
    ) -> Result<Role<'_, T>, E> {
        let mut state = self.lock();
        match state.leader {
            None => return Ok(Role::Leader(self.lead(&mut state))),
            Some(leader) if leader == current().id() => return Ok(Role::Reentrant),
            Some(_) => {}
        }
        let rounds = state.rounds;
        state.waiters += 1;
        let result = loop {
            if state.rounds != rounds {
                break Ok(Role::Waiter(state.outcome.clone()));
            }
            match time_left() {
                Err(error) => break Err(error),
                Ok(left) => {
                    let woken = self.finished.wait_timeout(state, left);
                    state = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        };
        state.waiters -= 1;
        if state.waiters == 0 {
            state.outcome = None;
        }
        result
    }

    /// Makes every waiter ask for its time left at once.
    pub(crate) fn wake(&self) {
        // The lock orders this after a waiter's last look at its time and before its sleep.
        drop(self.lock());
        self.finished.notify_all();
    }
}

/// The caller that does the work. If it is dropped without [`finish`](Leader::finish), by an early
/// return or a panic, the round counts as abandoned and a waiter takes over.
pub(crate) struct Leader<'a, T> {
    flight: &'a SingleFlight<T>,
}

impl<T> Leader<'_, T> {
    /// Ends the round with an outcome for all who wait.
    pub(crate) fn finish(self, outcome: T) {
        self.end(Some(outcome));
        std::mem::forget(self);
    }

    fn end(&self, outcome: Option<T>) {
        let mut state = self.flight.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.leader = None;
        state.rounds += 1;
        let has_waiters = state.waiters > 0;
        state.outcome = outcome.filter(|_| has_waiters);
        drop(state);
        if has_waiters {
            self.flight.finished.notify_all();
        }
    }
}

impl<T> Drop for Leader<'_, T> {
    fn drop(&mut self) {
        self.end(None);
    }
}

#[cfg(all(test, not(caretoken_loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    const LONG: Result<Duration, ()> = Ok(Duration::from_secs(60));

    /// Blocks until `count` threads wait for the present round.
    fn until_waiting<T: Clone>(flight: &SingleFlight<T>, count: usize) {
        while flight.waiting() != count {
            thread::yield_now();
        }
    }

    fn lead<'a>(flight: &'a SingleFlight<u32>) -> Leader<'a, u32> {
        match flight.join(|| LONG) {
            Ok(Role::Leader(leader)) => leader,
            _ => panic!("somebody else leads"),
        }
    }

    #[test]
    fn all_who_wait_get_what_the_leader_brings_and_nothing_stays_behind() {
        let flight = SingleFlight::new();
        let leader = lead(&flight);
        assert!(flight.try_lead().is_none());
        thread::scope(|scope| {
            let waiters: Vec<_> = (0..8).map(|_| scope.spawn(|| flight.join(|| LONG))).collect();
            until_waiting(&flight, 8);
            leader.finish(7);
            for waiter in waiters {
                assert!(matches!(waiter.join().unwrap(), Ok(Role::Waiter(Some(7)))));
            }
        });
        assert!(flight.state.lock().unwrap().outcome.is_none());
    }

    #[test]
    fn an_abandoned_round_lets_the_next_one_lead() {
        let flight = SingleFlight::new();
        let leader = lead(&flight);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| flight.join(|| LONG));
            until_waiting(&flight, 1);
            drop(leader);
            assert!(matches!(waiter.join().unwrap(), Ok(Role::Waiter(None))));
        });
        assert!(flight.try_lead().is_some());
    }

    #[test]
    fn a_waiters_own_limit_frees_only_that_waiter() {
        let flight = SingleFlight::new();
        let leader = lead(&flight);
        let (give_up, gave_up) = mpsc::channel();
        thread::scope(|scope| {
            let patient = scope.spawn(|| flight.join(|| LONG));
            let hasty = thread::Builder::new().spawn_scoped(scope, || {
                let ended = flight.join(|| Err("time is up"));
                give_up.send(()).unwrap();
                matches!(ended, Err("time is up"))
            });
            gave_up.recv().unwrap();
            until_waiting(&flight, 1);
            leader.finish(7);
            assert!(hasty.unwrap().join().unwrap());
            assert!(matches!(patient.join().unwrap(), Ok(Role::Waiter(Some(7)))));
        });
    }

    #[test]
    fn nothing_is_kept_for_nobody() {
        let flight = SingleFlight::new();
        lead(&flight).finish(7);
        assert!(flight.state.lock().unwrap().outcome.is_none());
    }

    #[test]
    fn who_is_woken_asks_for_its_time_at_once() {
        let flight = SingleFlight::new();
        let _leader = lead(&flight);
        let is_over = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let left = || match is_over.load(std::sync::atomic::Ordering::SeqCst) {
                    false => Ok(Duration::from_secs(600)),
                    true => Err("it is over"),
                };
                matches!(flight.join(left), Err("it is over"))
            });
            until_waiting(&flight, 1);
            is_over.store(true, std::sync::atomic::Ordering::SeqCst);
            flight.wake();
            assert!(waiter.join().unwrap());
        });
    }

    #[test]
    fn the_leader_cannot_wait_for_itself() {
        let flight = SingleFlight::new();
        let _leader = lead(&flight);
        assert!(matches!(flight.join(|| LONG), Ok(Role::Reentrant)));
    }
}

/// Compiled by the crate in `model/`: every interleaving of a few threads.
#[cfg(all(test, caretoken_loom))]
mod model_tests {
    use super::*;
    use crate::life::snapshot::Snapshot;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicUsize, Ordering};
    use loom::thread;

    struct World {
        current: Snapshot<Option<std::sync::Arc<u32>>>,
        flight: SingleFlight<u32>,
        fetches: AtomicUsize,
    }

    fn store(world: &World, value: std::sync::Arc<u32>) {
        world.current.update(|current| {
            *current = Some(std::sync::Arc::clone(&value));
            Some(())
        });
    }

    /// Drops `value` if it is the current one. Of many callers, one gets `true`.
    fn remove(world: &World, value: &std::sync::Arc<u32>) -> bool {
        let is_it = |current: &Option<std::sync::Arc<u32>>| {
            current.as_ref().is_some_and(|current| std::sync::Arc::ptr_eq(current, value))
        };
        let removed = world.current.update(|current| {
            if !is_it(current) {
                return None;
            }
            *current = None;
            Some(())
        });
        removed.is_some()
    }

    /// The client's loop, without clock and transport.
    fn get(world: &World) -> u32 {
        loop {
            if let Some(value) = &*world.current.load() {
                return **value;
            }
            match world.flight.join(|| Ok::<_, ()>(Duration::from_secs(60))) {
                Ok(Role::Leader(leader)) => {
                    if world.current.load().is_some() {
                        continue;
                    }
                    let value = world.fetches.fetch_add(1, Ordering::SeqCst) as u32;
                    store(world, std::sync::Arc::new(value));
                    leader.finish(value);
                    return value;
                }
                Ok(Role::Waiter(Some(value))) => return value,
                Ok(Role::Waiter(None)) => {}
                _ => panic!("nobody comes back in, and the time is long"),
            }
        }
    }

    /// All interleavings in which threads are interrupted up to three times: more find no more
    /// (Musuvathi and Qadeer, 2007) and take minutes.
    fn model(check: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(check);
    }

    fn world() -> Arc<World> {
        Arc::new(World {
            current: Snapshot::new(None),
            flight: SingleFlight::new(),
            fetches: AtomicUsize::new(0),
        })
    }

    #[test]
    fn three_callers_cause_one_fetch() {
        model(|| {
            let world = world();
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let world = Arc::clone(&world);
                    thread::spawn(move || get(&world))
                })
                .collect();
            let mine = get(&world);
            for other in others {
                assert_eq!(other.join().unwrap(), mine);
            }
            assert_eq!(world.fetches.load(Ordering::SeqCst), 1);
        });
    }

    #[test]
    fn two_reporters_of_one_value_cause_one_more_fetch() {
        model(|| {
            let world = world();
            let refused = std::sync::Arc::new(u32::MAX);
            store(&world, std::sync::Arc::clone(&refused));
            let report = |world: &World, refused: &std::sync::Arc<u32>| {
                let was_dropped = remove(world, refused);
                (was_dropped, get(world))
            };
            let other = {
                let (world, refused) = (Arc::clone(&world), std::sync::Arc::clone(&refused));
                thread::spawn(move || report(&world, &refused))
            };
            let mine = report(&world, &refused);
            let other = other.join().unwrap();
            assert!(mine.0 != other.0, "the value is dropped once");
            assert_eq!((mine.1, other.1), (0, 0));
            assert_eq!(world.fetches.load(Ordering::SeqCst), 1);
        });
    }

    #[test]
    fn an_abandoned_round_leaves_nobody_waiting() {
        model(|| {
            let world = world();
            let other = {
                let world = Arc::clone(&world);
                thread::spawn(move || get(&world))
            };
            if let Some(leader) = world.flight.try_lead() {
                drop(leader);
            }
            assert_eq!(other.join().unwrap(), 0);
        });
    }

    #[test]
    fn a_cancel_reaches_a_waiter_that_is_about_to_sleep() {
        model(|| {
            let flight = Arc::new(SingleFlight::<u32>::new());
            let cancelled = Arc::new(AtomicUsize::new(0));
            let leader = flight.try_lead().unwrap();
            let waiter = {
                let (flight, cancelled) = (Arc::clone(&flight), Arc::clone(&cancelled));
                thread::spawn(move || {
                    let time_left = || match cancelled.load(Ordering::SeqCst) {
                        0 => Ok(Duration::from_secs(60)),
                        _ => Err("cancelled"),
                    };
                    matches!(flight.join(time_left), Err("cancelled"))
                })
            };
            cancelled.store(1, Ordering::SeqCst);
            flight.wake();
            assert!(waiter.join().unwrap());
            drop(leader);
        });
    }
}
