//! Dates for people, in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `Sat, 21 Nov 2026 19:14:11 GMT`.
pub(super) fn date(time: SystemTime) -> String {
    // RFC 9110 dates end in the year 9999, and so do those of X.509.
    const END: Duration = Duration::from_secs(253_402_300_800);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) if since < END => httpdate::fmt_http_date(time),
        _ => "an impossible date".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_beyond_what_http_can_write_is_no_panic() {
        let at = |seconds| date(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(at(253_402_300_799), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(at(253_402_300_800), "an impossible date");
        assert_eq!(date(UNIX_EPOCH - Duration::from_secs(1)), "an impossible date");
    }
}
