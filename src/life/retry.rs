//! How long to wait before asking again. Pure: randomness comes in as a number from 0 to 1.

use std::time::Duration;

use crate::life::expiry::date_ms;

/// How often one call asks the vendor at most.
pub(crate) const MOST_ATTEMPTS: u32 = 4;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

const FIRST_COOL_DOWN: Duration = Duration::from_secs(1);
const LONGEST_COOL_DOWN: Duration = Duration::from_secs(60);

/// The pause before the next attempt within one call: exponential with full jitter.
pub(crate) fn pause(attempts: u32, random: f64) -> Duration {
    doubled(FIRST_PAUSE, attempts.saturating_sub(1), LONGEST_PAUSE).mul_f64(random)
}

/// How long to leave the vendor in peace after failures in a row: exponential, the upper half of it
/// jittered, so that it is never next to nothing.
pub(crate) fn cool_down(failures: u32, random: f64) -> Duration {
    let most = doubled(FIRST_COOL_DOWN, failures.saturating_sub(1), LONGEST_COOL_DOWN);
    most / 2 + (most / 2).mul_f64(random)
}

/// `first`, doubled `times` times, at most `longest`.
pub(crate) fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(longest)
}

/// A `Retry-After` header (RFC 9110 §10.2.3): seconds, or a date to be compared with the vendor's
/// own clock.
pub(crate) fn retry_after(header: Option<&str>, server_ms: i64) -> Option<Duration> {
    let header = header?.trim();
    if let Ok(seconds) = header.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let at = date_ms(Some(header))?;
    Some(Duration::from_millis(u64::try_from(at.saturating_sub(server_ms)).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_limit() {
        let pauses: Vec<_> = (1..8).map(|n| pause(n, 1.0).as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(pause(3, 0.0), Duration::ZERO);
        assert_eq!(pause(u32::MAX, 1.0), LONGEST_PAUSE);
    }

    #[test]
    fn cool_downs_double_and_keep_at_least_half() {
        let seconds: Vec<_> = (1..9).map(|n| cool_down(n, 1.0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(cool_down(1, 0.0), Duration::from_millis(500));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = 1_700_000_000_000;
        let seconds = |s| Some(Duration::from_secs(s));
        assert_eq!(retry_after(Some("7"), now), seconds(7));
        assert_eq!(retry_after(Some(" 7 "), now), seconds(7));
        assert_eq!(retry_after(Some("Tue, 14 Nov 2023 22:13:50 GMT"), now), seconds(30));
        assert_eq!(retry_after(Some("Tue, 14 Nov 2023 22:13:00 GMT"), now), seconds(0));
        for nonsense in ["", "-7", "7.5", "soon", "99999999999999999999"] {
            assert_eq!(retry_after(Some(nonsense), now), None, "{nonsense}");
        }
        assert_eq!(retry_after(None, now), None);
    }
}
