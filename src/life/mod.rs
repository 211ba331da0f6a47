//! When a token is good: pure decisions at the core, the clock injected at the edge.
//!
//! Knows neither vendors nor sockets: it is handed what was fetched, and says what to do next.

pub(crate) mod clock;
pub(crate) mod expiry;
pub(crate) mod flight;
pub(crate) mod outlook;
pub(crate) mod retry;
pub(crate) mod slot;
pub(crate) mod window;

pub use clock::{Clock, SystemClock};

/// The primitives that `flight` and `slot` stand on: the standard ones, or those of the model
/// checker, which runs every interleaving.
mod sync {
    #[cfg(caretoken_loom)]
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
    #[cfg(not(caretoken_loom))]
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
}
