//! The windows of a token's life: when to refresh early, and when there is no choice.

use std::time::Duration;

use crate::life::clock::Moment;
use crate::life::expiry::Life;

/// What a token's remaining life asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Use it.
    Fresh,
    /// Use it, and let one caller refresh it.
    Advisory,
    /// Wait for the refresh; use it only if that fails.
    Mandatory,
    /// Never use it.
    Expired,
}

const MOST_ADVISORY: Duration = Duration::from_secs(5 * 60);
const MOST_MANDATORY: Duration = Duration::from_secs(30);

/// How long before its end a token of that life becomes due.
///
/// A fraction of the life, so that a short-lived token is cached at all and a vendor that re-issues
/// late does not see a storm.
fn advisory(life: Duration) -> Duration {
    MOST_ADVISORY.min(life / 5)
}

/// How long before its end callers no longer get the old token while a refresh can still be had.
fn mandatory(life: Duration) -> Duration {
    MOST_MANDATORY.min(life / 10)
}

/// The turning points of one token's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// When its request was sent: the life counts from here.
    pub(crate) sent: Moment,
    pub(crate) advisory: Moment,
    pub(crate) mandatory: Moment,
    pub(crate) end: Moment,
}

impl Times {
    pub(crate) fn new(sent: Moment, life: Life) -> Self {
        let before_end = |window| sent.plus(life.span - window);
        Times {
            sent,
            advisory: before_end(advisory(life.span)),
            mandatory: before_end(mandatory(life.span)),
            end: sent.plus(life.span),
        }
    }

    #[inline]
    pub(crate) fn stage(&self, now: Moment) -> Stage {
        if !self.advisory.has_come(now) {
            Stage::Fresh
        } else if !self.mandatory.has_come(now) {
            Stage::Advisory
        } else if !self.end.has_come(now) {
            Stage::Mandatory
        } else {
            Stage::Expired
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_shrink_with_the_life() {
        let seconds = Duration::from_secs;
        for (life, advisory_s, mandatory_s) in
            [(10, 2, 1), (900, 180, 30), (3600, 300, 30), (30 * 86_400, 300, 30)]
        {
            assert_eq!(advisory(seconds(life)), seconds(advisory_s), "{life}");
            assert_eq!(mandatory(seconds(life)), seconds(mandatory_s), "{life}");
        }
        assert_eq!(advisory(Duration::from_millis(50)), Duration::from_millis(10));
    }

    fn at(ms: i64) -> Moment {
        Moment { monotonic_ms: ms.unsigned_abs(), wall_ms: ms }
    }

    fn hour() -> Times {
        Times::new(at(0), Life { span: Duration::from_secs(3600), was_cut: false })
    }

    #[test]
    fn each_stage_begins_where_its_window_does() {
        for (left_ms, expected) in [
            (3_600_000, Stage::Fresh),
            (300_001, Stage::Fresh),
            (300_000, Stage::Advisory),
            (30_001, Stage::Advisory),
            (30_000, Stage::Mandatory),
            (1, Stage::Mandatory),
            (0, Stage::Expired),
        ] {
            assert_eq!(hour().stage(at(3_600_000 - left_ms)), expected, "{left_ms}");
        }
    }

    #[test]
    fn either_clock_can_end_a_life() {
        let suspended = Moment { monotonic_ms: 1, wall_ms: 3_600_000 };
        assert_eq!(hour().stage(suspended), Stage::Expired);
        let stepped_back = Moment { monotonic_ms: 3_600_000, wall_ms: -3_600_000 };
        assert_eq!(hour().stage(stepped_back), Stage::Expired);
    }
}
