//! What happens inside a client, for logs and monitoring. Never a secret.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::error::Error;

/// Something that happened in a client.
///
/// Also written to the [`log`] crate, with the target `caretoken`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The client's vendor, such as `pattern`.
    pub vendor: &'static str,
    /// How long it took, for `Fetched` and `FetchFailed`.
    pub took: Option<Duration>,
    /// For `Fetched`, `LifetimeCut` and `LifetimeImplausible` the token's life, for `ServedOldToken`
    /// what is left of it, for `CoolingDown` how long the vendor is left in peace, for `FetchFailed`
    /// the pause before the next attempt, for `SignInDue` the time until then.
    pub span: Option<Duration>,
    /// Why, for `FetchFailed`, `ServedOldToken`, `CoolingDown` and `LifetimeImplausible`.
    pub error: Option<Error>,
}

/// The kinds of [`Event`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A request goes out to the vendor.
    FetchStarted,
    /// It brought a token.
    Fetched,
    /// It did not.
    FetchFailed,
    /// A refresh failed and the old token, still good, was returned.
    ServedOldToken,
    /// The vendor is not asked for a while.
    CoolingDown,
    /// The vendor replaced the refresh token.
    Rotated,
    /// A token was reported as refused, and dropped.
    TokenRejected,
    /// The vendor gave a longer life than is plausible; it was cut.
    LifetimeCut,
    /// The vendor gave a shorter life than is plausible; the error says what to ask the vendor.
    LifetimeImplausible,
    /// A person must sign in again before long: the refresh token, and with it the access, ends.
    SignInDue,
}

impl EventKind {
    /// The stable name, such as `fetch_started`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventKind::FetchStarted => "fetch_started",
            EventKind::Fetched => "fetched",
            EventKind::FetchFailed => "fetch_failed",
            EventKind::ServedOldToken => "served_old_token",
            EventKind::CoolingDown => "cooling_down",
            EventKind::Rotated => "rotated",
            EventKind::TokenRejected => "token_rejected",
            EventKind::LifetimeCut => "lifetime_cut",
            EventKind::LifetimeImplausible => "lifetime_implausible",
            EventKind::SignInDue => "sign_in_due",
        }
    }

    pub(crate) fn level(self) -> log::Level {
        match self {
            EventKind::FetchStarted => log::Level::Debug,
            EventKind::Fetched | EventKind::Rotated => log::Level::Info,
            EventKind::FetchFailed
            | EventKind::ServedOldToken
            | EventKind::CoolingDown
            | EventKind::TokenRejected
            | EventKind::LifetimeCut
            | EventKind::LifetimeImplausible
            | EventKind::SignInDue => log::Level::Warn,
        }
    }
}

impl Event {
    pub(crate) fn new(kind: EventKind, vendor: &'static str) -> Self {
        Event { kind, vendor, took: None, span: None, error: None }
    }
}

/// One line of `name=value` pairs.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event={} vendor={}", self.kind.name(), self.vendor)?;
        if let Some(took) = self.took {
            write!(f, " took_ms={}", took.as_millis())?;
        }
        if let Some(span) = self.span {
            write!(f, " span_ms={}", span.as_millis())?;
        }
        match &self.error {
            Some(error) => write!(f, " error={} detail=\"{error}\"", error.kind().name()),
            None => Ok(()),
        }
    }
}

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

/// A counter that threads do not fight over.
///
/// The first threads of a process have a stripe each, which they alone write to, without a locked
/// instruction; all later ones share the rest.
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
