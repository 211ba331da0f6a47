//! Dates as people and vendors write them.

use std::time::{Duration, UNIX_EPOCH};

/// The last millisecond of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;

/// `Sat, 21 Nov 2026 19:14:11 GMT` of a Unix time in milliseconds; `None` before 1970 and after the
/// year 9999, where the dates of HTTP (RFC 9110 §5.6.7) and of X.509 end.
pub(crate) fn http_date(unix_ms: i64) -> Option<String> {
    let ms = u64::try_from(unix_ms).ok().filter(|_| unix_ms <= LAST_MS)?;
    Some(httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(ms)))
}

/// A date of HTTP (RFC 9110 §5.6.7) as Unix milliseconds.
pub(crate) fn parse_http_date(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The days from the first day of the year 1 to the first of 1970.
const DAYS_TO_1970: i64 = 719_162;

/// `2026-11-24T08:22:20Z` (RFC 3339) of a Unix time in milliseconds; `None` outside of the years 1 to
/// 9999.
pub(crate) fn rfc3339(unix_ms: i64) -> Option<String> {
    let days = unix_ms.div_euclid(DAY_MS) + DAYS_TO_1970;
    if days < 0 || unix_ms > LAST_MS {
        return None;
    }
    // Years are shorter than this, so it may be some years later.
    let mut year = 1 + days / 366;
    while days_before(year + 1) <= days {
        year += 1;
    }
    let (mut month, mut day) = (1, days - days_before(year));
    while day >= days_in(year, month) {
        day -= days_in(year, month);
        month += 1;
    }
    let second = unix_ms.rem_euclid(DAY_MS) / 1000;
    let mut text = String::with_capacity(20);
    for (number, mut unit, end) in [
        (year, 1000, '-'),
        (month, 10, '-'),
        (day + 1, 10, 'T'),
        (second / 3600, 10, ':'),
        (second / 60 % 60, 10, ':'),
        (second % 60, 10, 'Z'),
    ] {
        while unit > 0 {
            text.push(char::from(b'0' + (number / unit % 10) as u8));
            unit /= 10;
        }
        text.push(end);
    }
    Some(text)
}

/// A date of RFC 3339 as Unix milliseconds. Besides, a space may stand for the `T`, the offset may
/// lack its colon, and without an offset it is UTC.
pub(crate) fn parse_rfc3339(text: &str) -> Option<i64> {
    let rest = &mut text.as_bytes();
    let year = number(rest, 4)?;
    expect(rest, b"-")?;
    let month = number(rest, 2)?;
    expect(rest, b"-")?;
    let day = number(rest, 2)?;
    expect(rest, b"Tt ")?;
    let hour = number(rest, 2)?;
    expect(rest, b":")?;
    let minute = number(rest, 2)?;
    expect(rest, b":")?;
    let second = number(rest, 2)?;
    let mut ms = 0;
    if expect(rest, b".").is_some() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (fraction, behind) = rest.split_at_checked(digits).filter(|_| digits > 0)?;
        for place in 0..3 {
            ms = 10 * ms + fraction.get(place).map_or(0, |digit| i64::from(digit - b'0'));
        }
        *rest = behind;
    }
    let offset = match expect(rest, b"Zz+-") {
        None | Some(b'Z' | b'z') => 0,
        Some(sign) => {
            let hours = number(rest, 2)?;
            let _ = expect(rest, b":");
            let minutes = number(rest, 2).filter(|minutes| hours < 24 && *minutes < 60)?;
            if sign == b'-' { -(60 * hours + minutes) } else { 60 * hours + minutes }
        }
    };
    let is_date =
        year > 0 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 60 || !rest.is_empty() {
        return None;
    }
    // Unix time has no leap second: it is the end of the second before.
    let (second, ms) = if second == 60 { (59, 999) } else { (second, ms) };
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    let days = days_before(year) - DAYS_TO_1970 + months + day - 1;
    Some(days * DAY_MS + ((60 * hour + minute - offset) * 60 + second) * 1000 + ms)
}

/// Takes a number of so many digits.
fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (number, behind) = rest.split_at_checked(digits)?;
    *rest = behind;
    number.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| 10 * number + i64::from(digit - b'0'))
    })
}

/// Takes one of these bytes, if it is next.
fn expect(rest: &mut &[u8], bytes: &[u8]) -> Option<u8> {
    let (byte, behind) = rest.split_first().filter(|(byte, _)| bytes.contains(byte))?;
    *rest = behind;
    Some(*byte)
}

/// The days from the first day of the year 1 to the first of `year`.
fn days_before(year: i64) -> i64 {
    let past = year - 1;
    365 * past + past / 4 - past / 100 + past / 400
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => days_before(year + 1) - days_before(year) - 337,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// The first millisecond of the year 1.
    const FIRST_MS: i64 = -62_135_596_800_000;

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

    #[test]
    fn a_date_of_http_is_read() {
        assert_eq!(parse_http_date("Tue, 14 Nov 2023 22:13:20 GMT"), Some(1_700_000_000_000));
        assert_eq!(parse_http_date("yesterday"), None);
    }

    #[test]
    fn a_date_of_rfc_3339_is_written_from_the_year_1_to_9999() {
        for (unix_ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (1_795_508_540_999, "2026-11-24T08:22:20Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (FIRST_MS, "0001-01-01T00:00:00Z"),
            (LAST_MS, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(unix_ms).as_deref(), Some(text));
        }
        for impossible in [i64::MIN, FIRST_MS - 1, LAST_MS + 1, i64::MAX] {
            assert_eq!(rfc3339(impossible), None);
        }
    }

    #[test]
    fn dates_of_rfc_3339_and_near_it_are_read() {
        for (text, unix_ms) in [
            // The examples of RFC 3339 §5.8.
            ("1985-04-12T23:20:50.52Z", 482_196_050_520),
            ("1996-12-19T16:39:57-08:00", 851_042_397_000),
            ("1990-12-31T23:59:60Z", 662_687_999_999),
            ("1990-12-31T15:59:60.5-08:00", 662_687_999_999),
            ("1937-01-01T12:00:27.87+00:20", -1_041_337_172_130),
            ("2023-11-14t22:13:20z", 1_700_000_000_000),
            ("2023-11-14 22:13:20", 1_700_000_000_000),
            ("2023-11-15T03:43:20+0530", 1_700_000_000_000),
            ("2023-11-14T22:13:20-00:00", 1_700_000_000_000),
            ("2023-11-14T22:13:20.1Z", 1_700_000_000_100),
            ("2023-11-14T22:13:20.01999999999999999999999999", 1_700_000_000_019),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("0001-01-01T00:00:00+00:01", FIRST_MS - 60_000),
            ("9999-12-31T23:59:59.999Z", LAST_MS),
        ] {
            assert_eq!(parse_rfc3339(text), Some(unix_ms), "{text}");
        }
    }

    #[test]
    fn a_date_that_is_none_is_not_guessed() {
        for text in [
            "",
            "2023-11-14",
            "2023-11-14T22:13Z",
            "2023-11-14  22:13:20Z",
            "2023-11-14_22:13:20Z",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20,5Z",
            "2023-11-14T22:13:20 Z",
            "2023-11-14T22:13:20ZZ",
            "2023-11-14T22:13:20+05",
            "2023-11-14T22:13:20+24:00",
            "2023-11-14T22:13:20+05:60",
            " 2023-11-14T22:13:20Z",
            "+023-11-14T22:13:20Z",
            "23-11-14T22:13:20Z",
            "2023-00-14T22:13:20Z",
            "2023-13-14T22:13:20Z",
            "2023-11-00T22:13:20Z",
            "2023-11-31T22:13:20Z",
            "2023-02-29T22:13:20Z",
            "1900-02-29T22:13:20Z",
            "0000-01-01T00:00:00Z",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:60:20Z",
            "2023-11-14T22:13:61Z",
            "2023-11-14T22:13:2\u{663}Z",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn each_part_of_a_year_follows_the_one_before() {
        let mut at = FIRST_MS;
        for year in 1..=9999 {
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for (text, days) in [
                (format!("{year:04}-01-01T00:00:00Z"), 59 + i64::from(is_leap)),
                (format!("{year:04}-03-01T00:00:00Z"), 306),
            ] {
                assert_eq!(parse_rfc3339(&text), Some(at));
                assert_eq!(rfc3339(at), Some(text));
                at += days * DAY_MS;
            }
        }
        assert_eq!(at, LAST_MS + 1);
    }

    /// Something like a date, mostly a wrong one.
    const DATE: &str = "[0-9]{3,5}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]\
        (\\.[0-9]{0,12})?(Z|z|[+-][0-9]{2}:?[0-9]{2})?";

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_back(unix_ms in FIRST_MS..=LAST_MS) {
            let text = rfc3339(unix_ms).unwrap();
            prop_assert_eq!(parse_rfc3339(&text), Some(unix_ms.div_euclid(1000) * 1000));
        }

        #[test]
        fn http_and_rfc_3339_mean_the_same_time(unix_ms in 0..=LAST_MS) {
            let (http, rfc3339) = (http_date(unix_ms).unwrap(), rfc3339(unix_ms).unwrap());
            prop_assert_eq!(parse_http_date(&http), parse_rfc3339(&rfc3339));
        }

        #[test]
        fn an_offset_moves_the_time(unix_ms in 0..LAST_MS, hours in 0..24_i64, minutes in 0..60_i64) {
            let text = rfc3339(unix_ms).unwrap();
            let local = format!("{}+{hours:02}:{minutes:02}", text.trim_end_matches('Z'));
            let utc = parse_rfc3339(&text).unwrap();
            prop_assert_eq!(parse_rfc3339(&local), Some(utc - (60 * hours + minutes) * 60_000));
        }

        #[test]
        fn no_text_makes_it_panic(any in any::<String>(), like in DATE) {
            parse_rfc3339(&any);
            prop_assert!(parse_rfc3339(&like).is_none_or(|ms| ms >= FIRST_MS - DAY_MS));
        }
    }
}
