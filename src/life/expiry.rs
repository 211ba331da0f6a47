//! How long a token lives, from what the vendor says and what can be checked.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::date::parse_http_date;
use crate::json::Json;
use crate::memory::SecretBuf;

/// When a grant ends, as the vendor says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// So long after the request.
    In(Duration),
    /// At this Unix time in milliseconds, by the vendor's clock.
    At(i64),
}

/// A token's life, counted from the moment its request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) span: Duration,
    /// The vendor said more than is plausible.
    pub(crate) was_cut: bool,
    /// It is shorter than is plausible.
    pub(crate) is_short: bool,
}

/// The lives that are plausible.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plausible {
    pub(crate) shortest: Duration,
    pub(crate) longest: Duration,
}

/// Decides the life. `None` if it is over already.
///
/// An absolute end is compared with the vendor's own clock (`server_ms`, from the answer's `Date`);
/// `local_ms` serves only where there is none. A JWT's `exp` (RFC 7519 §4.1.4) can only shorten.
pub(crate) fn life(
    end: End,
    access_token: &str,
    server_ms: Option<i64>,
    local_ms: i64,
    plausible: Plausible,
) -> Option<Life> {
    let until = |at: i64, now: i64| u64::try_from(at.saturating_sub(now)).unwrap_or(0);
    let said = match end {
        End::In(span) => span,
        End::At(at) => Duration::from_millis(until(at, server_ms.unwrap_or(local_ms))),
    };
    let jwt = jwt_times(access_token).and_then(|JwtTimes { exp, iat }| {
        // Without the vendor's clock, its own issue time is the better start than our clock. By no
        // clock is a time before 1970 still to come.
        let start = server_ms.or(iat).or((exp <= 0).then_some(0))?;
        Some(Duration::from_millis(until(exp, start)))
    });
    let shortened = jwt.map_or(said, |jwt| jwt.min(said));
    let span = shortened.min(plausible.longest);
    let (was_cut, is_short) = (shortened > plausible.longest, span < plausible.shortest);
    (!span.is_zero()).then_some(Life { span, was_cut, is_short })
}

/// A `Date` header (RFC 9110 §6.6.1) as Unix milliseconds.
pub(crate) fn date_ms(date: Option<&str>) -> Option<i64> {
    parse_http_date(date?)
}

/// In Unix milliseconds.
struct JwtTimes {
    exp: i64,
    iat: Option<i64>,
}

/// The times in a JWT's payload. Unverified: good enough to trust a token less, never more.
fn jwt_times(token: &str) -> Option<JwtTimes> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let payload = payload.trim_end_matches('=');
    let mut decoded = SecretBuf::default();
    decoded.append(payload.len(), |room| URL_SAFE_NO_PAD.decode_slice(payload, room)).ok()?;
    let claims = Json::parse(decoded.expose_secret()).ok()?;
    let time = |name| match claims.at(&[name])? {
        Json::Integer(seconds) => Some(seconds.saturating_mul(1000)),
        // Fractions of a second are allowed (RFC 7519 §2). What does not fit is cut, not ignored.
        Json::Number(seconds) => Some((seconds * 1000.0) as i64),
        _ => None,
    };
    Some(JwtTimes { exp: time("exp")?, iat: time("iat") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const PLAUSIBLE: Plausible = Plausible { shortest: Duration::from_secs(10), longest: DAY };
    const NOW: i64 = 1_700_000_000_000;

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn jwt(claims: &str) -> String {
        format!("e30.{}.fake-signature", URL_SAFE_NO_PAD.encode(claims))
    }

    fn span(end: End, token: &str, server_ms: Option<i64>) -> Option<Duration> {
        life(end, token, server_ms, NOW, PLAUSIBLE).map(|life| life.span)
    }

    #[test]
    fn an_absolute_end_is_measured_by_the_vendors_clock() {
        let skewed = NOW + 3 * 3_600_000;
        let end = End::At(skewed + 900_000);
        assert_eq!(span(end, "fake", Some(skewed)), Some(seconds(900)));
        assert_eq!(span(End::At(NOW + 900_000), "fake", None), Some(seconds(900)));
        assert_eq!(span(End::At(NOW), "fake", Some(NOW)), None);
        assert_eq!(span(End::At(i64::MAX), "fake", Some(i64::MIN)), Some(DAY));
    }

    #[test]
    fn a_jwt_can_only_shorten() {
        let hour = End::In(seconds(3600));
        let exp_in = |s: i64| jwt(&format!(r#"{{"exp":{}}}"#, NOW / 1000 + s));
        assert_eq!(span(hour, &exp_in(600), Some(NOW)), Some(seconds(600)));
        assert_eq!(span(hour, &exp_in(7200), Some(NOW)), Some(seconds(3600)));
        assert_eq!(span(hour, &exp_in(-1), Some(NOW)), None);
        // Our own clock may be wrong: without the vendor's it says nothing about `exp`.
        assert_eq!(span(hour, &exp_in(-1), None), Some(seconds(3600)));
        let issued = jwt(r#"{"iat":1000,"exp":1600}"#);
        assert_eq!(span(hour, &issued, None), Some(seconds(600)));
    }

    #[test]
    fn what_is_no_jwt_changes_nothing() {
        let hour = End::In(seconds(3600));
        for token in ["a.b.c", "a.!!.c", "..", "a.b", &jwt("[]"), &jwt(r#"{"exp":"soon"}"#)] {
            assert_eq!(span(hour, token, Some(NOW)), Some(seconds(3600)), "{token}");
        }
        assert_eq!(span(hour, &jwt(r#"{"exp":1e300}"#), Some(NOW)), Some(seconds(3600)));
        let fraction = jwt(&format!(r#"{{"exp":{}.5}}"#, NOW / 1000 + 60));
        assert_eq!(span(hour, &fraction, Some(NOW)), Some(Duration::from_millis(60_500)));
    }

    #[test]
    fn an_implausible_life_is_flagged_and_a_long_one_cut() {
        for (said, span, was_cut, is_short) in [
            (seconds(3_600_000), DAY, true, false),
            (DAY, DAY, false, false),
            (seconds(10), seconds(10), false, false),
            (Duration::from_millis(9999), Duration::from_millis(9999), false, true),
        ] {
            let life = life(End::In(said), "fake", None, NOW, PLAUSIBLE);
            assert_eq!(life, Some(Life { span, was_cut, is_short }), "{said:?}");
        }
    }

    #[test]
    fn a_jwt_time_that_does_not_fit_is_cut_and_not_ignored() {
        let hour = End::In(seconds(3600));
        for exp in ["-9223372036854775808", "-1e300", "-1", "0", "-0.5"] {
            let token = jwt(&format!(r#"{{"exp":{exp}}}"#));
            assert_eq!(span(hour, &token, Some(NOW)), None, "{exp}");
            assert_eq!(span(hour, &token, None), None, "{exp}");
        }
        for exp in ["9223372036854775807", "18446744073709551615", "1e300"] {
            let token = jwt(&format!(r#"{{"exp":{exp}}}"#));
            assert_eq!(span(hour, &token, Some(NOW)), Some(seconds(3600)), "{exp}");
        }
    }

    #[test]
    fn a_date_header_is_read() {
        assert_eq!(date_ms(Some("Tue, 14 Nov 2023 22:13:20 GMT")), Some(NOW));
        assert_eq!(date_ms(Some("yesterday")), None);
        assert_eq!(date_ms(None), None);
    }
}
