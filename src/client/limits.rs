//! How long one call may take.

use std::time::Duration;

use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::life::Clock;
use crate::transport::{CancelSource, CancelToken};

/// One call's deadline, by the client's clock, and its cancellation.
#[derive(Clone)]
pub(super) struct Limits {
    began_ms: u64,
    deadline_ms: u64,
    pub(super) cancel: CancelToken,
}

/// How long a caller that has a good token waits for a newer one at most.
const LONGEST_EARLY_REFRESH: Duration = Duration::from_secs(5);

impl Limits {
    pub(super) fn new(clock: &dyn Clock, timeout: Duration, cancel: &CancelSource) -> Self {
        let began_ms = clock.monotonic_ms();
        let deadline_ms = began_ms.saturating_add(milliseconds(timeout));
        Limits { began_ms, deadline_ms, cancel: cancel.token() }
    }

    /// The limits for a caller that has a good token already.
    pub(super) fn with_token(&self) -> Self {
        let early_ms = self.began_ms.saturating_add(milliseconds(LONGEST_EARLY_REFRESH));
        Limits { deadline_ms: self.deadline_ms.min(early_ms), ..self.clone() }
    }

    /// The time left, or the error that there is none.
    pub(super) fn time_left(&self, clock: &dyn Clock) -> Result<Duration, Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, ErrorPhase::Wait));
        }
        match self.deadline_ms.saturating_sub(clock.monotonic_ms()) {
            0 => Err(Error::new(ErrorKind::Timeout, ErrorPhase::Wait)),
            left => Ok(Duration::from_millis(left)),
        }
    }
}

/// A part of a millisecond counts as a whole one: only zero is zero.
fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
