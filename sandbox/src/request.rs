//! What arrived, and the few ways in which the vendors look at it.

use std::collections::BTreeMap;

/// The largest request body that is read; a token request is far smaller.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// A request as it arrived at a vendor's token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The method, in upper case.
    pub method: String,
    /// The path, with the query when there was one.
    pub path: String,
    /// The headers in the order of arrival: name in lower case, value with any byte outside
    /// UTF-8 replaced. A header that came twice is listed twice, side by side.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// Scheme and host of the URL, as the client has them: `https://localhost:PORT`, or through
    /// the proxy such as `https://api.acme.example`.
    pub origin: String,
    /// The client's certificate in DER, where it showed one.
    pub client_certificate: Option<Vec<u8>>,
}

impl RecordedRequest {
    /// The first value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether the content type is `media_type`, whatever its parameters.
    pub(crate) fn is(&self, media_type: &str) -> bool {
        let sent = self.header("content-type").unwrap_or_default();
        sent.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
    }

    /// What follows `scheme` in the `Authorization` header.
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (sent, rest) = self.header("authorization")?.split_once(' ')?;
        sent.eq_ignore_ascii_case(scheme).then_some(rest.trim_start())
    }

    /// The body as form fields, or why it is none.
    ///
    /// Stricter than a browser's reading, because a stray `%` or `+` in a password is exactly the
    /// mistake to catch: only what the form encoding itself produces is accepted.
    pub(crate) fn form(&self) -> Result<BTreeMap<String, String>, &'static str> {
        if !self.is("application/x-www-form-urlencoded") {
            return Err("Content-Type must be application/x-www-form-urlencoded");
        }
        form_fields(&self.body, b"")
    }
}

/// The fields of a form or a query, in which the bytes of `plain` may stand as they are.
pub(crate) fn form_fields(
    encoded: &[u8],
    plain: &[u8],
) -> Result<BTreeMap<String, String>, &'static str> {
    let mut fields = BTreeMap::new();
    for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let mut half = || halves.next().and_then(|half| form_decode(half, plain));
        let (Some(name), Some(value)) = (half(), half()) else {
            return Err("the body is not form-encoded");
        };
        if fields.insert(name, value).is_some() {
            return Err("a field was sent twice");
        }
    }
    Ok(fields)
}

fn form_decode(encoded: &[u8], plain: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' | b'~' => *byte,
            _ if plain.contains(byte) => *byte,
            _ => return None,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: &u8) -> Option<u8> {
    char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Result<BTreeMap<String, String>, &'static str> {
        RecordedRequest {
            method: "POST".into(),
            path: "/".into(),
            headers: vec![(
                "content-type".into(),
                "Application/X-WWW-Form-Urlencoded; charset=UTF-8".into(),
            )],
            body: body.into(),
            origin: String::new(),
            client_certificate: None,
        }
        .form()
    }

    #[test]
    fn a_form_is_decoded() {
        let fields = form("a=1%2B1&b=x+y%20z&c=").unwrap();
        assert_eq!(fields["a"], "1+1");
        assert_eq!(fields["b"], "x y z");
        assert_eq!(fields["c"], "");
    }

    #[test]
    fn what_no_encoder_produces_is_refused() {
        for body in
            ["a", "a=%", "a=%4", "a=%zz", "a=100%&b=1", "a=b=c", "a=x y", "a=%ff", "a=1&a=1"]
        {
            assert!(form(body).is_err(), "{body}");
        }
    }
}
