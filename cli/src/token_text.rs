//! How the parts of a token are written.

use caretoken::Token;
use jiff::Timestamp;

/// `Authorization: Bearer …`, or what the profile has in its place.
pub(crate) fn header_line(token: &Token) -> String {
    format!("{}: {}", capitalized(token.header()), token.authorization().expose_secret())
}

/// `x-token` as `X-Token`.
pub(crate) fn capitalized(header: &str) -> String {
    let words = header.split('-').map(|word| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => String::new(),
    });
    words.collect::<Vec<_>>().join("-")
}

/// The end of its life by RFC 3339 and as Unix milliseconds.
pub(crate) fn end(token: &Token) -> (String, i64) {
    let end = Timestamp::try_from(token.expires_at()).unwrap_or(Timestamp::MAX);
    (format!("{end:.3}"), end.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_written_as_people_write_them() {
        for (name, expected) in [
            ("authorization", "Authorization"),
            ("x-os-api-token", "X-Os-Api-Token"),
            ("cookie", "Cookie"),
            ("x--a", "X--A"),
        ] {
            assert_eq!(capitalized(name), expected);
        }
    }
}
