//! The time that one attempt has, and its cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, ErrorPhase};

/// What one attempt may use: time until a deadline, unless it is cancelled first.
#[derive(Clone, Debug)]
pub struct Attempt {
    deadline: Instant,
    cancel: CancelToken,
}

impl Attempt {
    pub(crate) fn new(deadline: Instant, cancel: CancelToken) -> Self {
        Attempt { deadline, cancel }
    }

    /// When the attempt must be over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the call was cancelled. Poll it at least every 50 ms while blocked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// The time left.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] or [`ErrorKind::Cancelled`], in `phase`, when there is none.
    pub fn remaining(&self, phase: ErrorPhase) -> Result<Duration, Error> {
        if self.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, phase));
        }
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(Error::new(ErrorKind::Timeout, phase)),
            left => Ok(left),
        }
    }
}

/// Hands out tokens, and cancels all that it has handed out so far.
#[derive(Default, Debug)]
pub(crate) struct CancelSource(Arc<AtomicU64>);

impl CancelSource {
    pub(crate) fn token(&self) -> CancelToken {
        CancelToken { now: Arc::clone(&self.0), born: self.0.load(Ordering::Acquire) }
    }

    pub(crate) fn cancel(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// Tells whether its source was cancelled after it was handed out.
#[derive(Clone, Debug)]
pub(crate) struct CancelToken {
    now: Arc<AtomicU64>,
    born: u64,
}

impl CancelToken {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.now.load(Ordering::Acquire) != self.born
    }
}
