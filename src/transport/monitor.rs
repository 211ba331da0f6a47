//! State that several calls share, and wait for changes of.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::attempt::Attempt;
use super::socket::POLL_INTERVAL;
use crate::error::{Error, ErrorPhase};

/// A lock with a condition variable, where every wait ends with its attempt.
///
/// Keep it in a [`PerProcess`](crate::memory::PerProcess): a fork may copy it while it is locked.
#[derive(Default)]
pub(super) struct Monitor<T> {
    state: Mutex<T>,
    changed: Condvar,
}

impl<T> Monitor<T> {
    fn lock(&self) -> MutexGuard<'_, T> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and lets all waiters look at it again.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits until `look` returns something. It may change the state then.
    pub(super) fn wait_for<R>(
        &self,
        attempt: &Attempt,
        phase: ErrorPhase,
        mut look: impl FnMut(&mut T) -> Option<R>,
    ) -> Result<R, Error> {
        let mut state = self.lock();
        loop {
            if let Some(found) = look(&mut state) {
                return Ok(found);
            }
            let time = attempt.remaining(phase)?.min(POLL_INTERVAL);
            let woken = self.changed.wait_timeout(state, time);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
