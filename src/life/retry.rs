//! How long to wait before asking again. Pure: randomness comes in as a number from 0 to 1.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::life::expiry::date_ms;
use crate::life::lockout::PasswordOutcome;

/// How often one call asks the vendor at most.
pub(crate) const MOST_ATTEMPTS: u32 = 4;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// No vendor may stop us for longer with a `Retry-After`.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

const FIRST_COOL_DOWN: Duration = Duration::from_secs(1);
const LONGEST_COOL_DOWN: Duration = Duration::from_secs(60);

/// One attempt that failed, as far as it matters for making another in the same call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed<'a> {
    pub(crate) error: &'a Error,
    /// How many attempts the call has made.
    pub(crate) attempts: u32,
    /// The time the call has left; `None` if it has ended.
    pub(crate) time_left: Option<Duration>,
    /// Whether the caller has a token that is still good.
    pub(crate) has_token: bool,
    /// Whether other credentials were set since the attempt began.
    pub(crate) has_new_credentials: bool,
    /// The outcome of a password that was sent with it and could lock an account.
    pub(crate) password: Option<PasswordOutcome>,
    /// Whether the vendor takes no harm from a request that comes twice.
    pub(crate) replay_is_harmless: bool,
}

/// How long to wait before asking again in the same call; `None` if that is of no use, not safe, or
/// too late.
pub(crate) fn pause_before_retry(failed: Failed<'_>, random: f64) -> Option<Duration> {
    let error = failed.error;
    let left = failed.time_left.filter(|_| failed.attempts < MOST_ATTEMPTS)?;
    if is_rejection(error.kind()) && failed.has_new_credentials {
        // The rejected credentials were replaced meanwhile.
        return Some(Duration::ZERO);
    }
    // An attempt has all the time of its call.
    let has_ended = matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Cancelled);
    let has_sent_password = failed.password.is_some() || error.has_sent_password();
    let is_safe = failed.replay_is_harmless
        || error.kind() == ErrorKind::RateLimited
        || !error.phase().may_have_reached_the_vendor();
    // One attempt is enough where there is a token: there will be others before it ends.
    if failed.has_token || has_ended || has_sent_password || !is_safe || !error.is_retryable() {
        return None;
    }
    let pause = doubled(FIRST_PAUSE, failed.attempts.saturating_sub(1), LONGEST_PAUSE);
    let pause = at_least(error, pause.mul_f64(random));
    (pause < left).then_some(pause)
}

/// Whether the vendor said no to the credentials: asking again can lock an account.
pub(crate) fn is_rejection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::CredentialsRejected
            | ErrorKind::SignInRequired
            | ErrorKind::AccessRevoked
            | ErrorKind::AccessDenied
            | ErrorKind::ScopeRefused
    )
}

/// `wait`, or what the vendor's `Retry-After` asks for, whichever is longer: it can never make us
/// come sooner.
pub(crate) fn at_least(error: &Error, wait: Duration) -> Duration {
    error.retry_after().map_or(wait, |asked| asked.min(LONGEST_RETRY_AFTER).max(wait))
}

/// How long not to ask the vendor after failures in a row: exponential, the upper half of it
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

    use crate::error::ErrorPhase;

    fn failed(error: &Error) -> Failed<'_> {
        Failed {
            error,
            attempts: 1,
            time_left: Some(Duration::from_secs(60)),
            has_token: false,
            has_new_credentials: false,
            password: None,
            replay_is_harmless: true,
        }
    }

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, ErrorPhase::Read)
    }

    #[test]
    fn pauses_double_and_are_jittered_down_to_nothing() {
        let down = error(ErrorKind::Unavailable);
        let pause =
            |attempts, random| pause_before_retry(Failed { attempts, ..failed(&down) }, random);
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!([1, 2, 3].map(|n| pause(n, 1.0)), [ms(200), ms(400), ms(800)]);
        assert_eq!((pause(3, 0.5), pause(3, 0.0)), (ms(400), ms(0)));
        // A call makes four attempts at most.
        assert_eq!((pause(4, 0.0), pause(u32::MAX, 0.0)), (None, None));
    }

    #[test]
    fn another_attempt_is_made_only_where_it_is_of_use_and_safe() {
        let down = error(ErrorKind::Unavailable);
        let base = failed(&down);
        let is_made = |failed: Failed<'_>| pause_before_retry(failed, 0.5).is_some();
        assert!(is_made(base));
        assert!(!is_made(Failed { has_token: true, ..base }));
        assert!(!is_made(Failed { time_left: None, ..base }));
        assert!(!is_made(Failed { time_left: Some(Duration::from_millis(100)), ..base }));
        assert!(is_made(Failed { time_left: Some(Duration::from_millis(101)), ..base }));
        assert!(!is_made(Failed { password: Some(PasswordOutcome::Unknown), ..base }));
        // Replays that may do harm: only where the vendor cannot have acted.
        let careful = Failed { replay_is_harmless: false, ..base };
        assert!(!is_made(careful));
        let slow_down = error(ErrorKind::RateLimited);
        assert!(is_made(Failed { error: &slow_down, ..careful }));
        for (phase, expected) in [
            (ErrorPhase::Connect, true),
            (ErrorPhase::Tls, true),
            (ErrorPhase::Send, false),
            (ErrorPhase::Receive, false),
        ] {
            let lost = Error::new(ErrorKind::ConnectionLost, phase);
            assert_eq!(is_made(Failed { error: &lost, ..careful }), expected, "{phase:?}");
        }
        for kind in [ErrorKind::Timeout, ErrorKind::Cancelled, ErrorKind::AnswerMalformed] {
            let error = Error::new(kind, ErrorPhase::Connect);
            assert!(!is_made(Failed { error: &error, ..base }), "{kind:?}");
        }
        let proxy = Error::new(ErrorKind::Proxy, ErrorPhase::Proxy);
        assert!(is_made(Failed { error: &proxy, ..base }));
        let proxy = proxy.with_password_sent();
        assert!(!is_made(Failed { error: &proxy, ..base }));
    }

    #[test]
    fn new_credentials_are_tried_at_once_where_the_old_ones_were_rejected() {
        let rejected = error(ErrorKind::CredentialsRejected);
        let base = Failed { password: Some(PasswordOutcome::Rejected), ..failed(&rejected) };
        let replaced = Failed { has_new_credentials: true, has_token: true, ..base };
        assert_eq!(pause_before_retry(base, 1.0), None);
        assert_eq!(pause_before_retry(replaced, 1.0), Some(Duration::ZERO));
        assert_eq!(pause_before_retry(Failed { attempts: 4, ..replaced }, 1.0), None);
        assert_eq!(pause_before_retry(Failed { time_left: None, ..replaced }, 1.0), None);
    }

    #[test]
    fn a_retry_after_never_shortens_a_pause_nor_stops_us_for_more_than_an_hour() {
        let asked = |seconds| {
            let wait = Duration::from_secs(seconds);
            error(ErrorKind::RateLimited).with_retry_after(Some(wait))
        };
        let seconds = Duration::from_secs;
        assert_eq!(pause_before_retry(failed(&asked(7)), 1.0), Some(seconds(7)));
        assert_eq!(pause_before_retry(failed(&asked(0)), 1.0), Some(Duration::from_millis(200)));
        assert_eq!(pause_before_retry(failed(&asked(60)), 1.0), None);
        let day = asked(86_400);
        let patient = Failed { time_left: Some(seconds(4000)), ..failed(&day) };
        assert_eq!(pause_before_retry(patient, 1.0), Some(seconds(3600)));
        assert_eq!(at_least(&asked(0), seconds(3)), seconds(3));
        assert_eq!(at_least(&error(ErrorKind::RateLimited), seconds(3)), seconds(3));
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
