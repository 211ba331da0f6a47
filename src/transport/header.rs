//! What may stand in a header.

use crate::error::Error;

/// Why `value` cannot be a header's value, if it cannot (RFC 9110 §5.5): only printable ASCII can,
/// with spaces inside. Nothing in it can end the line, and every server reads it alike.
pub(crate) fn header_flaw(value: &str) -> Option<&'static str> {
    if value.bytes().any(|byte| byte.is_ascii_control()) {
        Some("has a control character in it")
    } else if !value.is_ascii() {
        Some("has characters outside ASCII, which a header cannot carry")
    } else if value.trim() != value {
        Some("begins or ends with a space")
    } else {
        None
    }
}

/// Why `value` cannot be a cookie's value, if it cannot (RFC 6265 §4.1.1): nothing in it can end the
/// value, or a quoted string.
pub(crate) fn cookie_flaw(value: &str) -> Option<&'static str> {
    let is_octet = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    let flaw = "has a character that a cookie's value cannot have (RFC 6265)";
    (!value.bytes().all(is_octet)).then_some(flaw)
}

/// Whether `text` can be the `User-Agent`.
pub(crate) fn check_user_agent(text: &str) -> Result<(), Error> {
    if !text.is_empty() && header_flaw(text).is_none() {
        return Ok(());
    }
    Err(Error::setting(
        "user_agent",
        "is empty or has characters that a header cannot carry",
        "use printable ASCII, such as product/version",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_printable_ascii_with_spaces_inside_can_stand_in_a_header() {
        for good in ["", "a", "Basic ZmFrZQ==", "a b  c", "~!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}"] {
            assert_eq!(header_flaw(good), None, "{good:?}");
        }
        for bad in ["a\r\nb: c", "a\nb", "a\0b", "a\tb", "a\x7fb", "ä", "a\u{a0}", " a", "a ", " "]
        {
            assert!(header_flaw(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn a_user_agent_is_something() {
        check_user_agent("product/1.0 (comment)").unwrap();
        assert_eq!(check_user_agent("").unwrap_err().field(), Some("user_agent"));
        assert_eq!(check_user_agent(" a").unwrap_err().field(), Some("user_agent"));
    }
}
