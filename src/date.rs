//! Dates for people, in UTC.

use std::time::{Duration, UNIX_EPOCH};

/// `Sat, 21 Nov 2026 19:14:11 GMT` of a Unix time in milliseconds; `None` before 1970 and after the
/// year 9999, where the dates of HTTP (RFC 9110 §5.6.7) and of X.509 end.
pub(crate) fn http_date(unix_ms: i64) -> Option<String> {
    const LAST_MS: u64 = 253_402_300_799_999;
    let ms = u64::try_from(unix_ms).ok().filter(|ms| *ms <= LAST_MS)?;
    Some(httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_http_cannot_write_is_none() {
        let date = |unix_ms| http_date(unix_ms).unwrap_or_default();
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(1_700_000_000_000), "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(date(253_402_300_799_999), "Fri, 31 Dec 9999 23:59:59 GMT");
        for impossible in [i64::MIN, -1, 253_402_300_800_000, i64::MAX] {
            assert_eq!(http_date(impossible), None);
        }
    }
}
