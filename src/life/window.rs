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

/// The life of the refresh token, where it is known. It may end before that of the access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RefreshLife {
    /// When it began, or else when we learned of its end.
    pub(crate) since: Moment,
    pub(crate) end: Moment,
}

const MOST_NOTICE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl RefreshLife {
    /// When to use it a last time, if it ends before the access token: at 80 % of its life.
    fn due(self) -> Moment {
        self.since.plus(self.end.since(self.since) / 5 * 4)
    }

    fn ends_before(self, token: &Times) -> bool {
        self.end.wall_ms < token.end.wall_ms
    }

    /// Whether a token like this is to be refreshed at `due`: a token got since then is not.
    fn is_for(self, token: &Times) -> bool {
        self.ends_before(token) && !self.due().has_come(token.sent)
    }

    /// When nothing will do but a person's sign-in: when both the refresh token and the token that
    /// was got with it have ended.
    pub(crate) fn sign_in_due(self, token: Option<&Times>) -> Moment {
        match token {
            Some(token) if self.ends_before(token) => token.end,
            _ => self.end,
        }
    }

    /// When to say so: before the last fifth of the time until then, a week ahead at most.
    pub(crate) fn notice(self, token: Option<&Times>) -> Moment {
        let span = self.sign_in_due(token).since(self.since);
        self.since.plus(span - MOST_NOTICE.min(span / 5))
    }
}

/// What a token asks for, given the life of the refresh token that could replace it.
pub(crate) fn stage(token: &Times, refresh: Option<RefreshLife>, now: Moment) -> Stage {
    let by_token = token.stage(now);
    let is_due = refresh.is_some_and(|life| {
        life.is_for(token) && life.due().has_come(now) && !life.end.has_come(now)
    });
    if by_token == Stage::Fresh && is_due { Stage::Advisory } else { by_token }
}

/// Until when a token can be served without a look at anything else: `now`, unless it is fresh.
pub(crate) fn fresh_until(token: &Times, refresh: Option<RefreshLife>, now: Moment) -> Moment {
    if stage(token, refresh, now) != Stage::Fresh {
        return now;
    }
    let turns = refresh.into_iter().flat_map(|life| {
        let due = Some(life.due()).filter(|_| life.is_for(token));
        due.into_iter().chain([life.notice(Some(token))])
    });
    turns.filter(|turn| !turn.has_come(now)).fold(token.advisory, Moment::min)
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

    const DAY_MS: i64 = 86_400_000;

    fn day(n: i64) -> Moment {
        at(n * DAY_MS)
    }

    fn days(sent: i64, life: u64) -> Times {
        let span = Duration::from_secs(life * 86_400);
        Times::new(day(sent), Life { span, was_cut: false, is_short: false })
    }

    /// A refresh token of ten days.
    const REFRESH: RefreshLife = RefreshLife {
        since: Moment { monotonic_ms: 0, wall_ms: 0 },
        end: Moment { monotonic_ms: 864_000_000, wall_ms: 864_000_000 },
    };

    #[test]
    fn a_refresh_token_that_ends_first_is_used_before_its_end() {
        let month = days(0, 30);
        for (now, expected) in [
            (day(8).plus(Duration::ZERO), Stage::Advisory),
            (at(8 * DAY_MS - 1), Stage::Fresh),
            (at(10 * DAY_MS - 1), Stage::Advisory),
            // It is dead: asking is no use.
            (day(10), Stage::Fresh),
            (day(30), Stage::Expired),
        ] {
            assert_eq!(stage(&month, Some(REFRESH), now), expected, "{now:?}");
        }
        // What was got in that time is not replaced again.
        assert_eq!(stage(&days(8, 30), Some(REFRESH), day(9)), Stage::Fresh);
        // One that ends before its refresh token needs none of this.
        assert_eq!(stage(&days(0, 10), Some(REFRESH), day(9)), Stage::Fresh);
        assert_eq!(stage(&month, None, day(9)), Stage::Fresh);
    }

    #[test]
    fn a_sign_in_is_due_when_both_have_ended_and_told_days_ahead() {
        let month = days(0, 30);
        assert_eq!(REFRESH.sign_in_due(Some(&month)), day(30));
        assert_eq!(REFRESH.notice(Some(&month)), day(24));
        assert_eq!(REFRESH.notice(Some(&days(0, 60))), day(53));
        for short in [None, Some(days(0, 1))] {
            assert_eq!(REFRESH.sign_in_due(short.as_ref()), day(10));
            assert_eq!(REFRESH.notice(short.as_ref()), day(8));
        }
    }

    #[test]
    fn a_fresh_token_is_thought_about_at_each_turn() {
        let month = days(0, 30);
        let until = |now| fresh_until(&month, Some(REFRESH), now);
        assert_eq!(until(day(0)), day(8));
        assert_eq!(until(day(9)), day(9));
        assert_eq!(until(day(10)), day(24));
        assert_eq!(until(day(24)), month.advisory);
        assert_eq!(until(day(30)), day(30));
        assert_eq!(fresh_until(&month, None, day(0)), month.advisory);
    }

    #[test]
    fn an_end_that_is_past_when_it_is_learned_makes_nothing_due() {
        let past = RefreshLife { since: day(5), end: day(3) };
        assert_eq!(stage(&days(4, 30), Some(past), day(5)), Stage::Fresh);
        assert_eq!(past.notice(None), day(5));
    }

    fn hour() -> Times {
        Times::new(at(0), Life { span: Duration::from_secs(3600), was_cut: false, is_short: false })
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
