//! How often a password may be sent while nobody knows how it was taken.
//!
//! Many login services lock an account after a few wrong passwords. A refusal that says so is easy:
//! the password is not sent again. But an answer may leave it open whether the password was wrong (a
//! 500, say), or there may be no answer at all. Each such sending may have counted towards a lock, so
//! the pauses between them grow until no 15 minutes have more than five.

use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_secs(10);
const GROWTH: u32 = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// How long a password that was refused outright is not sent again.
pub(crate) const REFUSAL_MEMORY: Duration = LONGEST_PAUSE;

/// What became of a password that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It was accepted.
    Yes,
    /// It was refused, or what came with it was.
    No,
    /// Nobody knows.
    Open,
}

/// What an HTTP refusal says about the password that came with the request: 408 (timeout), 425 (too
/// early) and 429 (too many requests) may have been given before anybody looked at it, and so may
/// whatever is not a 4xx.
pub(crate) fn refused_with(status: u16) -> Taken {
    match status {
        408 | 425 | 429 => Taken::Open,
        400..500 => Taken::No,
        _ => Taken::Open,
    }
}

/// The pause after so many sendings in a row of which nobody knows how they were taken.
pub(crate) fn pause(open: u32) -> Duration {
    let factor = GROWTH.saturating_pow(open.saturating_sub(1));
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
            assert_eq!(refused_with(status), Taken::No, "{status}");
        }
        for status in [0, 200, 302, 408, 425, 429, 500, 502, 503, 511, 599, 600] {
            assert_eq!(refused_with(status), Taken::Open, "{status}");
        }
    }
}
