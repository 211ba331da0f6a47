//! When a token is good: pure decisions at the core, the clock injected at the edge.
//!
//! Knows neither vendors nor sockets: it is handed what was fetched, and says what to do next.

pub(crate) mod breaker;
pub(crate) mod clock;
pub(crate) mod expiry;
pub(crate) mod lockout;
pub(crate) mod retry;
pub(crate) mod single_flight;
pub(crate) mod snapshot;
pub(crate) mod window;

pub use clock::{Clock, SystemClock};

/// The primitives that `single_flight` stands on. The crate in `model/` has the model checker's in their
/// place.
mod sync {
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
}
