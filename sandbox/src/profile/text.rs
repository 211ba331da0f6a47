//! A text with `{name}` in it, and the escapes that a value may have inside another language.

use serde::Deserialize;

/// A text of a profile: `{name}` and `{name:escape}` stand for values, `{{` and `}}` for braces.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
    /// As it stands in the file, for people.
    pub(crate) source: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Literal(String),
    Value { name: String, escape: Escape },
}

/// How a value is written inside another language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// As it is.
    None,
    Json,
    Xml,
    Url,
    Quoted,
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(source: String) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = source.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                literal.push_str(&rest[..1]);
                rest = after;
                continue;
            }
            let lonely = || format!("a brace without its other half in {source:?}");
            let (inside, after) =
                rest.strip_prefix('{').and_then(|text| text.split_once('}')).ok_or_else(lonely)?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            let (name, escape) = inside.split_once(':').unwrap_or((inside, ""));
            let escape = match escape {
                "" if !inside.contains(':') => Escape::None,
                "json" => Escape::Json,
                "xml" => Escape::Xml,
                "url" => Escape::Url,
                "quoted" => Escape::Quoted,
                _ => return Err(format!("there is no such escape in {source:?}")),
            };
            pieces.push(Piece::Value { name: name.to_owned(), escape });
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Template { pieces, source })
    }
}

impl Template {
    /// The names in it, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value { name, .. } => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// The name of the one value that is all of it.
    pub(crate) fn only_value(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Value { name, escape: Escape::None }] => Some(name),
            _ => None,
        }
    }
}

impl Escape {
    /// What is left of `text` once `value`, escaped so, is taken from its beginning.
    pub(crate) fn strip<'t>(self, text: &'t str, value: &str) -> Option<&'t str> {
        let (mut rest, mut wanted) = (text, value.as_bytes());
        while !wanted.is_empty() {
            let (unit, after) = self.first(rest)?;
            wanted = wanted.strip_prefix(unit.as_slice())?;
            rest = after;
        }
        Some(rest)
    }

    /// The longest beginning of `text` of at most `most` bytes that all fit, without the escapes,
    /// and what follows it.
    pub(crate) fn take(self, text: &str, most: usize, fits: fn(u8) -> bool) -> (String, &str) {
        let (mut taken, mut rest) = (String::new(), text);
        while taken.len() < most {
            match self.first(rest) {
                Some((unit, after)) if matches!(unit.as_slice(), [byte] if byte.is_ascii() && fits(*byte)) =>
                {
                    taken.push(char::from(unit[0]));
                    rest = after;
                }
                _ => break,
            }
        }
        (taken, rest)
    }

    /// All of `text` without the escapes; none where it is not written so.
    pub(crate) fn undone(self, text: &str) -> Option<String> {
        let (mut bytes, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let (unit, after) = self.first(rest)?;
            bytes.extend(unit);
            rest = after;
        }
        String::from_utf8(bytes).ok()
    }

    /// `value` as a signed text has it.
    pub(crate) fn applied(self, value: &str) -> String {
        match self {
            Escape::None => value.to_owned(),
            Escape::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Escape::Xml => {
                let mut text = value.replace('&', "&amp;");
                for (plain, entity) in
                    [('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&apos;")]
                {
                    text = text.replace(plain, entity);
                }
                text
            }
            Escape::Url => percent_encoded(value),
            Escape::Quoted => value.replace('\\', "\\\\").replace('"', "\\\""),
        }
    }

    /// The first character (of `url`: byte) of `text`, decoded, and what follows. None at the end,
    /// and where something stands that must have been escaped.
    fn first(self, text: &str) -> Option<(Vec<u8>, &str)> {
        let first = text.chars().next()?;
        let after = &text[first.len_utf8()..];
        let plain = || Some((first.to_string().into_bytes(), after));
        match (self, first) {
            (Escape::None, _) => plain(),
            (Escape::Json, '\\') => json_escape(after),
            (Escape::Json, '"' | '\0'..='\x1f') => None,
            (Escape::Xml, '&') => {
                let (entity, after) = after.split_once(';')?;
                Some((xml_entity(entity)?.to_string().into_bytes(), after))
            }
            (Escape::Xml, '<' | '>' | '"' | '\'') => None,
            (Escape::Url, '%') => {
                let byte = u8::try_from(hex(after, 2)?).ok()?;
                Some((vec![byte], &after[2..]))
            }
            (Escape::Url, _) if !first.is_ascii_alphanumeric() && !"-._~*".contains(first) => None,
            (Escape::Quoted, '\\') => {
                let second = after.chars().next()?;
                Some((second.to_string().into_bytes(), &after[second.len_utf8()..]))
            }
            (Escape::Quoted, '"') => None,
            _ => plain(),
        }
    }
}

/// What follows a backslash in a string of JSON.
fn json_escape(text: &str) -> Option<(Vec<u8>, &str)> {
    let after = text.get(1..)?;
    let decoded = match text.as_bytes()[0] {
        byte @ (b'"' | b'\\' | b'/') => char::from(byte),
        b'b' => '\x08',
        b'f' => '\x0c',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let unit = |text: &str| u16::try_from(hex(text, 4)?).ok();
            let high = unit(after)?;
            let low = after.get(4..6).filter(|text| *text == "\\u").and_then(|_| unit(&after[6..]));
            let pair = |units: &[u16]| char::decode_utf16(units.iter().copied()).next()?.ok();
            return match (pair(&[high]), low) {
                (Some(alone), _) => Some((alone.to_string().into_bytes(), &after[4..])),
                (None, Some(low)) => {
                    Some((pair(&[high, low])?.to_string().into_bytes(), &after[10..]))
                }
                (None, None) => None,
            };
        }
        _ => return None,
    };
    Some((decoded.to_string().into_bytes(), after))
}

/// The number that `text` begins with.
fn hex(text: &str, digits: usize) -> Option<u32> {
    let digits = text.get(..digits)?;
    let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| all)
}

fn xml_entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

/// Everything but the unreserved characters of RFC 3986 as `%XX`.
pub(crate) fn percent_encoded(value: &str) -> String {
    let bytes = value.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    bytes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Result<Template, String> {
        Template::try_from(text.to_owned())
    }

    #[test]
    fn names_escapes_and_braces_are_told_apart() {
        let parsed = template("a {{ {b} }} {c:json}").unwrap();
        assert_eq!(parsed.names().collect::<Vec<_>>(), ["b", "c"]);
        assert!(matches!(&parsed.pieces[0], Piece::Literal(text) if text == "a { "));
        assert!(matches!(&parsed.pieces[3], Piece::Value { escape: Escape::Json, .. }));
        assert_eq!(template("{b}").unwrap().only_value(), Some("b"));
        assert_eq!(template("{b:url}").unwrap().only_value(), None);
        for wrong in ["{", "}", "{a", "a}", "{a:}", "{a:b}", "{{a}"] {
            assert!(template(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_escape_is_undone_and_what_it_must_not_leave_is_refused() {
        for (escape, text, value) in [
            (Escape::Json, r#"a\"\\\u0041\ud83d\ude00\n/"#, "a\"\\A😀\n/"),
            (Escape::Xml, "a&lt;&gt;&amp;&quot;&apos;&#65;&#x42;", "a<>&\"'AB"),
            (Escape::Url, "a%20%2b%C3%A4~*", "a +ä~*"),
            (Escape::Quoted, r#"a\"\\b"#, r#"a"\b"#),
            (Escape::None, r#"a"\b"#, r#"a"\b"#),
        ] {
            assert_eq!(escape.undone(text).as_deref(), Some(value), "{escape:?}");
            assert_eq!(escape.strip(&format!("{text}!rest"), value), Some("!rest"));
            assert_eq!(escape.undone(&escape.applied(value)).as_deref(), Some(value));
        }
        for (escape, text) in [
            (Escape::Json, "\""),
            (Escape::Json, "\n"),
            (Escape::Json, "\\x"),
            (Escape::Json, "\\ud83d"),
            (Escape::Xml, "<"),
            (Escape::Xml, "&"),
            (Escape::Xml, "&nbsp;"),
            (Escape::Url, "+"),
            (Escape::Url, "%4"),
            (Escape::Url, "%+4"),
            (Escape::Url, "ä"),
            (Escape::Quoted, "\""),
            (Escape::Quoted, "\\"),
        ] {
            assert_eq!(escape.undone(text), None, "{escape:?} {text}");
        }
    }
}
