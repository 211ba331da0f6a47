//! How often a password may be sent while its outcome is unknown.
//!
//! Many login services lock an account after a few wrong passwords. A password that was refused is
//! not sent again. But an answer may not tell whether the password was wrong (a 500, say), or there
//! may be no answer at all. Each such attempt may count towards a lock, so the pauses between them
//! grow: there are at most five in any 15 minutes.

use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_secs(10);
const GROWTH: u32 = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// How long a password that was refused outright is not sent again.
pub(crate) const REFUSAL_MEMORY: Duration = LONGEST_PAUSE;

/// What became of a password that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasswordOutcome {
    Accepted,
    /// It was refused, or what came with it was.
    Rejected,
    Unknown,
}

/// What an HTTP refusal says about the password of its request. A server may answer 408 (timeout),
/// 425 (too early), 429 (too many requests) and anything but a 4xx without a look at the password.
pub(crate) fn outcome_of_status(status: u16) -> PasswordOutcome {
    match status {
        408 | 425 | 429 => PasswordOutcome::Unknown,
        400..500 => PasswordOutcome::Rejected,
        _ => PasswordOutcome::Unknown,
    }
}

/// The pause after so many unknown outcomes in a row.
pub(crate) fn pause(unknown: u32) -> Duration {
    let factor = GROWTH.saturating_pow(unknown.saturating_sub(1));
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_their_limit() {
        let seconds: Vec<_> = (1..7).map(|open| pause(open).as_secs()).collect();
        assert_eq!(seconds, [10, 40, 160, 640, 900, 900]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }

    #[test]
    fn no_quarter_of_an_hour_has_more_than_five_sendings() {
        let mut sent = vec![Duration::ZERO];
        for open in 1..40 {
            sent.push(sent[sent.len() - 1] + pause(open));
        }
        for first in &sent {
            let quarter = *first..*first + Duration::from_secs(15 * 60);
            assert!(sent.iter().filter(|at| quarter.contains(*at)).count() <= 5, "{first:?}");
        }
    }

    #[test]
    fn only_a_plain_refusal_says_that_the_password_was_taken_for_wrong() {
        for status in [400, 401, 403, 404, 407, 409, 422, 499] {
            assert_eq!(outcome_of_status(status), PasswordOutcome::Rejected, "{status}");
        }
        for status in [0, 200, 302, 408, 425, 429, 500, 502, 503, 511, 599, 600] {
            assert_eq!(outcome_of_status(status), PasswordOutcome::Unknown, "{status}");
        }
    }
}
