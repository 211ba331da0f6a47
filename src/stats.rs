//! What a client has done, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Counters of one client since it was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientStats {
    /// Calls answered with a cached token.
    pub hits: u64,
    /// Requests sent to the vendor.
    pub fetches: u64,
    /// Requests that brought no token.
    pub failures: u64,
    /// Calls that waited for another thread's fetch.
    pub waits: u64,
    /// When a person must sign in again, as things stand: when both the refresh token and the token
    /// got with it will have ended. `None` where the refresh token's end is not known, see
    /// [`ClientBuilder::refresh_token_expires_at`](crate::ClientBuilder::refresh_token_expires_at).
    pub sign_in_due_at: Option<SystemTime>,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) hits: Striped,
    pub(crate) fetches: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) waits: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> ClientStats {
        ClientStats {
            hits: self.hits.sum(),
            fetches: self.fetches.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            waits: self.waits.load(Ordering::Relaxed),
            sign_in_due_at: None,
        }
    }
}

/// A counter without contention. The first threads of a process have a stripe each, which they alone
/// write to, without a locked instruction. All later threads share the other stripes.
#[derive(Default)]
pub(crate) struct Striped([Stripe; OWNED + SHARED]);

const OWNED: usize = 6;
const SHARED: usize = 2;

/// A cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Stripe(AtomicU64);

impl Striped {
    /// Counts one, for the thread of that number.
    #[inline]
    pub(crate) fn increment(&self, thread: usize) {
        match thread {
            owned @ ..OWNED => {
                let count = &self.0[owned].0;
                count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            }
            shared => {
                self.0[OWNED + shared % SHARED].0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn sum(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_increment_is_lost_however_many_threads_there_are() {
        let counter = Striped::default();
        std::thread::scope(|scope| {
            for _ in 0..3 * (OWNED + SHARED) {
                scope
                    .spawn(|| (0..10_000).for_each(|_| counter.increment(crate::thread::number())));
            }
        });
        assert_eq!(counter.sum(), 3 * (OWNED + SHARED) as u64 * 10_000);
    }
}
