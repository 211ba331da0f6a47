//! When a token is good, and when to ask for another: pure decisions. The clock is injected.
//!
//! Nothing here knows vendors or sockets. It is told what was fetched and says what to do next.
//!
//! - [`clock`]: the two clocks, and points in time by both.
//! - [`expiry`]: how long a token lives, from what the vendor says and what can be checked.
//! - [`window`]: fresh, due for a refresh, expired.
//! - [`retry`], [`lockout`]: whether and when to ask again after a failure.
//! - [`breaker`]: what the last fetches mean for the next call.
//! - [`snapshot`], [`single_flight`]: shared by threads.

pub(crate) mod breaker;
pub(crate) mod clock;
pub(crate) mod expiry;
pub(crate) mod lockout;
pub(crate) mod retry;
pub(crate) mod single_flight;
pub(crate) mod snapshot;
mod sync;
pub(crate) mod window;

pub use clock::{Clock, SystemClock};
