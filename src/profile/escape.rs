//! Values inside other texts: each escape is exact, and lets nothing out of the place it stands in.

use std::slice;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::memory::SecretBuf;
use crate::transport::header_flaw;

/// The language of the text around a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// A string of JSON or GraphQL.
    Json,
    /// Text or a quoted attribute of XML.
    Xml,
    /// A part of a URL or form.
    Url,
    /// A quoted string of a header.
    Quoted,
}

impl Escape {
    /// The names that a profile has for them.
    pub(crate) const NAMES: [(&str, Escape); 4] = [
        ("json", Escape::Json),
        ("xml", Escape::Xml),
        ("url", Escape::Url),
        ("quoted", Escape::Quoted),
    ];

    pub(crate) fn parse(name: &str) -> Option<Escape> {
        Escape::NAMES.iter().find(|(known, _)| *known == name).map(|(_, escape)| *escape)
    }

    /// Appends `text`, escaped. Fails, with what is wrong with the text, where no escape helps; then
    /// nothing is appended.
    pub(crate) fn push(self, out: &mut SecretBuf, text: &str) -> Result<(), &'static str> {
        match self {
            Escape::Json => push_json(out, text),
            Escape::Xml if text.contains(is_not_xml) => {
                return Err("has a character that XML cannot carry");
            }
            Escape::Xml => push_xml(out, text),
            Escape::Url => push_encoded(out, text, RESERVED),
            Escape::Quoted => {
                // Between the quotes, spaces may stand at the ends.
                header_flaw(text.trim_matches(' ')).map_or(Ok(()), Err)?;
                push_replaced(out, text, |byte| match byte {
                    b'"' => Some(b"\\\""),
                    b'\\' => Some(b"\\\\"),
                    _ => None,
                });
            }
        }
        Ok(())
    }
}

/// Appends a segment of a URL's path. Fails, with what is wrong with the text, where it would be none
/// or another one.
pub(crate) fn push_path_segment(out: &mut SecretBuf, text: &str) -> Result<(), &'static str> {
    match text {
        "" => Err("is empty"),
        // No encoding helps: servers and proxies decode it first.
        "." | ".." => Err("is a dot segment, which leads to another path"),
        _ => {
            push_encoded(out, text, RESERVED);
            Ok(())
        }
    }
}

/// Appends a name or value of `application/x-www-form-urlencoded`.
pub(crate) fn push_form(out: &mut SecretBuf, text: &str) {
    for piece in utf8_percent_encode(text, FORM) {
        out.push(if piece == "%20" { b"+" } else { piece.as_bytes() });
    }
}

/// Appends a half of HTTP Basic as RFC 6749 §2.3.1 wants it. Not as in a form: some servers take the `+`
/// of a space to the letter.
pub(crate) fn push_percent(out: &mut SecretBuf, text: &str) {
    push_encoded(out, text, FORM);
}

/// What the URL standard's `application/x-www-form-urlencoded` serializer encodes.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// All but the unreserved characters of URLs (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn push_encoded(out: &mut SecretBuf, text: &str, encoded: &'static AsciiSet) {
    for piece in utf8_percent_encode(text, encoded) {
        out.push(piece.as_bytes());
    }
}

/// What is no character of XML 1.0 (§2.2).
fn is_not_xml(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

fn push_xml(out: &mut SecretBuf, text: &str) {
    push_replaced(out, text, |byte| {
        Some(match byte {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            b'\'' => b"&apos;",
            // A reader makes these into a space or a line feed where they stand unescaped.
            b'\t' => b"&#9;",
            b'\n' => b"&#10;",
            b'\r' => b"&#13;",
            _ => return None,
        })
    });
}

/// Short escapes where JSON has them (RFC 8259 §7).
fn push_json(out: &mut SecretBuf, text: &str) {
    const HEX: &[u8] = b"0123456789abcdef";
    let mut rest = text.as_bytes();
    let is_escaped = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    while let Some(at) = rest.iter().position(is_escaped) {
        out.push(&rest[..at]);
        let byte = rest[at];
        match b"\"\\\x08\x09\x0a\x0c\x0d".iter().position(|known| *known == byte) {
            Some(index) => out.push(&[b'\\', b"\"\\btnfr"[index]]),
            None => {
                out.push(b"\\u00");
                out.push(&[b'0' + (byte >> 4), HEX[usize::from(byte & 0xf)]]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.push(rest);
}

/// Appends `text` with some ASCII characters replaced.
fn push_replaced(
    out: &mut SecretBuf,
    text: &str,
    replacement: impl Fn(u8) -> Option<&'static [u8]>,
) {
    for byte in text.as_bytes() {
        out.push(replacement(*byte).unwrap_or(slice::from_ref(byte)));
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn is_unreserved(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
    }

    fn pushed<T>(push: impl FnOnce(&mut SecretBuf) -> T) -> (T, String) {
        let mut out = SecretBuf::default();
        let result = push(&mut out);
        (result, out.expose_text().unwrap().to_owned())
    }

    fn escaped(escape: Escape, text: &str) -> Result<String, &'static str> {
        let (result, text) = pushed(|out| escape.push(out, text));
        result.map(|()| text)
    }

    fn segment(text: &str) -> Result<String, &'static str> {
        let (result, text) = pushed(|out| push_path_segment(out, text));
        result.map(|()| text)
    }

    fn encoded(push: fn(&mut SecretBuf, &str), text: &str) -> String {
        pushed(|out| push(out, text)).1
    }

    /// What a parser of XML reads; `None` where the text holds more than characters.
    fn unescaped_xml(text: &str) -> Option<String> {
        let mut value = String::new();
        let mut pieces = text.split('&');
        value.push_str(pieces.next()?);
        for piece in pieces {
            let (name, rest) = piece.split_once(';')?;
            value.push(match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => char::from_u32(name.strip_prefix('#')?.parse().ok()?)?,
            });
            value.push_str(rest);
        }
        (!text.contains(['<', '>', '"', '\'', '\t', '\n', '\r'])).then_some(value)
    }

    /// What a reader of RFC 9110 §5.6.4 reads; `None` where the string ends earlier or later.
    fn unquoted(text: &str) -> Option<String> {
        let (mut value, mut chars) = (String::new(), text.strip_prefix('"')?.chars());
        loop {
            match chars.next()? {
                '"' => return chars.next().is_none().then_some(value),
                '\\' => value.push(chars.next()?),
                c => value.push(c),
            }
        }
    }

    fn decoded(text: &str) -> String {
        percent_decode_str(text).decode_utf8().unwrap().into_owned()
    }

    #[test]
    fn each_escape_is_that_of_its_language() {
        for (escape, text, expected) in [
            (Escape::Json, "a\"b\\c\n\u{1f}</ä\u{2028}", "a\\\"b\\\\c\\n\\u001f</ä\u{2028}"),
            (
                Escape::Xml,
                "<a b='\"'>&\t\r\nä",
                "&lt;a b=&apos;&quot;&apos;&gt;&amp;&#9;&#13;&#10;ä",
            ),
            (
                Escape::Url,
                "a b/c?d#e&f=g%h+i~j._-*ä",
                "a%20b%2Fc%3Fd%23e%26f%3Dg%25h%2Bi~j._-%2A%C3%A4",
            ),
            (Escape::Quoted, " a\"b\\c, d=e ", " a\\\"b\\\\c, d=e "),
        ] {
            assert_eq!(escaped(escape, text).as_deref(), Ok(expected));
            assert_eq!(escaped(escape, "").as_deref(), Ok(""));
        }
        assert_eq!(encoded(push_form, "a b+c*~ä"), "a+b%2Bc*%7E%C3%A4");
        assert_eq!(encoded(push_percent, "a b+c*~ä"), "a%20b%2Bc*%7E%C3%A4");
    }

    #[test]
    fn what_no_escape_helps_is_refused_and_nothing_is_appended() {
        for (escape, texts) in [
            (
                Escape::Xml,
                &["a\0", "a\x08", "a\x0b", "a\x0c", "a\x1f", "a\u{fffe}", "a\u{ffff}"][..],
            ),
            (Escape::Quoted, &["a\r", "a\nb", "a\0", "a\tb", "a\x7f", "ä", "a\u{a0}"]),
        ] {
            for text in texts {
                let mut out = SecretBuf::from("before");
                assert!(escape.push(&mut out, text).is_err(), "{text:?}");
                assert_eq!(out.expose_text(), Some("before"));
            }
        }
    }

    #[test]
    fn a_segment_of_a_path_cannot_lead_elsewhere() {
        for flawed in ["", ".", ".."] {
            assert!(segment(flawed).is_err(), "{flawed}");
        }
        for (text, expected) in [
            ("...", "..."),
            ("a/../b", "a%2F..%2Fb"),
            ("%2e", "%252e"),
            ("a b", "a%20b"),
            (".a", ".a"),
        ] {
            assert_eq!(segment(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn escapes_have_names() {
        for (name, escape) in Escape::NAMES {
            assert_eq!(Escape::parse(name), Some(escape));
        }
        assert_eq!(Escape::parse("plain"), None);
        assert_eq!(Escape::parse("JSON"), None);
    }

    /// Texts full of what ends a place.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[\\\\\"'<>&;%=?#/ +\\x00-\\x1fa{}\u{85}\u{2028}\u{fffe}]{0,12}"
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn a_value_in_json_is_read_back_alone(value in text()) {
            let inner = format!("{{\"a\":\"{}\"}}", escaped(Escape::Json, &value).unwrap());
            let read = serde_json::from_str::<serde_json::Value>(&inner).unwrap();
            prop_assert_eq!(read, serde_json::json!({ "a": value }));
        }

        #[test]
        fn a_value_in_json_in_json_is_read_back_alone(value in text()) {
            let inner = format!("{{\"a\":\"{}\"}}", escaped(Escape::Json, &value).unwrap());
            let outer = format!("[\"{}\"]", escaped(Escape::Json, &inner).unwrap());
            let read = serde_json::from_str::<[String; 1]>(&outer).unwrap();
            prop_assert_eq!(&read[0], &inner);
            let read = serde_json::from_str::<serde_json::Value>(&read[0]).unwrap();
            prop_assert_eq!(read, serde_json::json!({ "a": value }));
        }

        #[test]
        fn a_value_in_xml_is_read_back_alone(value in text()) {
            match escaped(Escape::Xml, &value) {
                Ok(text) => prop_assert_eq!(unescaped_xml(&text), Some(value)),
                Err(_) => prop_assert!(value.contains(is_not_xml)),
            }
        }

        #[test]
        fn a_value_in_a_url_is_read_back_alone(value in text()) {
            let text = escaped(Escape::Url, &value).unwrap();
            prop_assert!(text.bytes().all(|byte| byte == b'%' || is_unreserved(byte)), "{}", text);
            prop_assert_eq!(decoded(&text), value);
        }

        #[test]
        fn a_segment_stays_one(value in text()) {
            if let Ok(text) = segment(&value) {
                prop_assert!(text.bytes().all(|byte| byte == b'%' || is_unreserved(byte)), "{}", text);
                prop_assert!(!matches!(&*text, "" | "." | ".."));
                prop_assert_eq!(decoded(&text), value);
            }
        }

        #[test]
        fn a_value_in_a_form_is_read_back_alone(value in text()) {
            for (text, plus) in [(encoded(push_form, &value), "%20"), (encoded(push_percent, &value), "+")] {
                prop_assert!(!text.contains(['&', '=', ' ', ';', '#', '?', '/']), "{}", text);
                prop_assert_eq!(decoded(&text.replace('+', plus)), value.as_str());
            }
        }

        #[test]
        fn a_value_in_a_quoted_string_is_read_back_alone(
            value in prop_oneof![text(), "[ -~]{0,20}", "[\\\\\" ,;=]{0,12}"],
        ) {
            match escaped(Escape::Quoted, &value) {
                Ok(text) => {
                    prop_assert_eq!(header_flaw(&format!("\"{text}\"")), None);
                    prop_assert_eq!(unquoted(&format!("\"{text}\"")), Some(value));
                }
                Err(_) => prop_assert!(value.bytes().any(|byte| !(b' '..=b'~').contains(&byte))),
            }
        }
    }
}
