//! The head of an HTTP/1.1 answer: status line and headers (RFC 9112 §4 to §6).
//!
//! This is the only place that reads one: for a fetch, for a probe, and for a proxy's reply to
//! `CONNECT`.

use httparse::{EMPTY_HEADER, Header, Status};

use crate::error::{Error, ErrorKind, ErrorPhase};

/// The most that is read of an answer before its body, interim answers included, in bytes.
const MAX_HEADS: usize = 16 * 1024;

/// The most headers that one head may have.
const MAX_HEADERS: usize = 128;

/// Why a head cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HeadError {
    /// It is longer than [`MAX_HEADS`].
    TooLong,
    /// It has more than [`MAX_HEADERS`].
    TooManyHeaders,
    /// It is not HTTP/1.
    Malformed,
    /// It has a transfer coding other than chunked, which nobody asked for, or a length besides a
    /// transfer coding (RFC 9112 §6.3): nobody could say where the body ends.
    Coding,
    /// It has a content length that is no number, or more than one.
    Length,
}

impl HeadError {
    /// The error for a vendor's answer with such a head.
    pub(super) fn in_answer(self) -> Error {
        let too_large = |how: String| {
            Error::new(ErrorKind::AnswerTooLarge, ErrorPhase::Receive)
                .with_message(format!("the answer is too large: {how}"))
        };
        match self {
            HeadError::TooLong => too_large("its headers exceed 16 KiB".to_owned()),
            HeadError::TooManyHeaders => {
                too_large(format!("it has more than {MAX_HEADERS} headers"))
            }
            HeadError::Malformed => not_http("its head makes no sense"),
            HeadError::Coding => not_http(CODING),
            HeadError::Length => not_http(FRAMING),
        }
    }
}

/// The message about a body whose end cannot be found.
pub(super) const FRAMING: &str = "its head or its framing makes no sense";

/// The message about transfer codings.
pub(super) const CODING: &str =
    "it has a transfer coding that nobody asked for, or chunks without end";

/// The error for an answer that breaks the rules of HTTP.
pub(super) fn not_http(how: &str) -> Error {
    Error::new(ErrorKind::AnswerNotJson, ErrorPhase::Receive)
        .with_message(format!("the answer is not proper HTTP/1.1: {how}"))
}

/// How the end of a body is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// By its length in bytes.
    Length(u64),
    Chunked,
    /// By the end of the connection.
    UntilEnd,
}

/// Reads the heads of one answer: those of interim answers, and its own.
#[derive(Default)]
pub(super) struct HeadReader {
    /// The length of the heads before this one.
    passed: usize,
}

/// A whole head.
pub(super) struct Head<'a> {
    pub(super) status: u16,
    /// Its length in bytes.
    pub(super) length: usize,
    is_http_1_0: bool,
    headers: Vec<Header<'a>>,
}

impl HeadReader {
    /// Reads the head that `received` begins with; `None` if it is not whole yet.
    pub(super) fn read<'a>(&mut self, received: &'a [u8]) -> Result<Option<Head<'a>>, HeadError> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let (length, is_whole) = match parsed.parse(received) {
            Ok(Status::Complete(length)) => (length, true),
            Ok(Status::Partial) => (received.len(), false),
            Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooManyHeaders),
            Err(_) => return Err(HeadError::Malformed),
        };
        if self.passed + length > MAX_HEADS {
            return Err(HeadError::TooLong);
        }
        if !is_whole {
            return Ok(None);
        }
        let status = parsed.code.filter(|status| (100..1000).contains(status));
        self.passed += length;
        Ok(Some(Head {
            status: status.ok_or(HeadError::Malformed)?,
            length,
            is_http_1_0: parsed.version == Some(0),
            headers: parsed.headers.to_vec(),
        }))
    }
}

impl<'a> Head<'a> {
    /// Whether another head follows (RFC 9110 §15.2). What follows a 101 is not HTTP.
    pub(super) fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..200)
    }

    /// The values of the headers of this name.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let named =
            self.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value)
    }

    /// The values of the headers of this name, which are lists with commas.
    fn elements(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.values(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
    }

    /// The headers in order whose names are wanted and whose values are text.
    pub(super) fn texts(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<(&'a str, &'a str)> {
        let wanted = self.headers.iter().filter(|header| is_wanted(header.name));
        let texts = wanted
            .filter_map(|Header { name, value }| Some((*name, std::str::from_utf8(value).ok()?)));
        texts.collect()
    }

    /// How the end of the body is found (RFC 9112 §6.3).
    pub(super) fn framing(&self) -> Result<Framing, HeadError> {
        let mut codings = self.values("transfer-encoding");
        let mut lengths = self.elements("content-length").map(decimal);
        let framing = match (codings.next(), lengths.next()) {
            (None, None) => Framing::UntilEnd,
            (None, Some(length)) if lengths.all(|other| other == length) => {
                Framing::Length(length.ok_or(HeadError::Length)?)
            }
            (None, Some(_)) => return Err(HeadError::Length),
            (Some(coding), None)
                if coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none() =>
            {
                Framing::Chunked
            }
            (Some(_), _) => return Err(HeadError::Coding),
        };
        let has_body = !matches!(self.status, 100..200 | 204 | 304);
        Ok(if has_body { framing } else { Framing::Length(0) })
    }

    /// Whether the connection may carry another request after this answer (RFC 9112 §9.3).
    pub(super) fn keeps_connection(&self) -> bool {
        let has = |option: &[u8]| {
            self.elements("connection").any(|given| given.eq_ignore_ascii_case(option))
        };
        // A coding in an answer of HTTP/1.0 casts doubt on its framing (RFC 9112 §6.1).
        let is_in_doubt = self.is_http_1_0 && self.values("transfer-encoding").next().is_some();
        let is_persistent = !self.is_http_1_0 || has(b"keep-alive");
        self.status != 101 && !has(b"close") && is_persistent && !is_in_doubt
    }
}

/// A number as RFC 9110 §8.6 has it: digits and nothing else.
fn decimal(text: &[u8]) -> Option<u64> {
    let is_decimal = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok()?.parse().ok().filter(|_| is_decimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<Option<Head<'_>>, HeadError> {
        HeadReader::default().read(head.as_bytes())
    }

    #[track_caller]
    fn whole(head: &str) -> Head<'_> {
        read(head).unwrap().unwrap()
    }

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let text = "HTTP/1.1 401 No\r\nDate: today\r\nx: \u{fe}\r\ny: 1\r\nX: 2\r\n\r\nbody";
        let end = text.len() - "body".len();
        for length in 0..end {
            assert!(HeadReader::default().read(&text.as_bytes()[..length]).unwrap().is_none());
        }
        let head = whole(text);
        assert_eq!((head.status, head.length), (401, end));
        let texts = [("Date", "today"), ("x", "\u{fe}"), ("X", "2")];
        assert_eq!(head.texts(|name| name != "y"), texts);
        assert_eq!(head.values("x").count(), 2);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let many = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));
        assert!(read(&many(MAX_HEADERS)).unwrap().is_some());
        for (text, error) in [
            ("<html>", HeadError::Malformed),
            ("HTTP/2 200 OK\r\n\r\n", HeadError::Malformed),
            ("HTTP/1.1 000 x\r\n\r\n", HeadError::Malformed),
            ("HTTP/1.1 099 x\r\n\r\n", HeadError::Malformed),
            (&many(MAX_HEADERS + 1), HeadError::TooManyHeaders),
            (&format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(MAX_HEADS)), HeadError::TooLong),
            (&"\r\n".repeat(MAX_HEADS), HeadError::TooLong),
        ] {
            assert_eq!(read(text).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn interim_answers_count_towards_the_limit() {
        let interim = "HTTP/1.1 103 Hints\r\n\r\n";
        let mut reader = HeadReader::default();
        for _ in 0..MAX_HEADS / interim.len() {
            assert!(reader.read(interim.as_bytes()).unwrap().unwrap().is_interim());
        }
        assert_eq!(reader.read(interim.as_bytes()).err(), Some(HeadError::TooLong));
    }

    #[test]
    fn the_framing_is_what_the_rfc_says() {
        for (headers, expected) in [
            ("", Ok(Framing::UntilEnd)),
            ("Content-Length: 4\r\n", Ok(Framing::Length(4))),
            ("content-length: 4, 4\r\nContent-Length:4\r\n", Ok(Framing::Length(4))),
            ("Content-Length: 4\r\nContent-Length: 5\r\n", Err(HeadError::Length)),
            ("Content-Length: \r\n", Err(HeadError::Length)),
            ("Content-Length: +4\r\n", Err(HeadError::Length)),
            ("Content-Length: x, x\r\n", Err(HeadError::Length)),
            ("Content-Length: 18446744073709551615\r\n", Ok(Framing::Length(u64::MAX))),
            ("Content-Length: 18446744073709551616\r\n", Err(HeadError::Length)),
            ("Transfer-Encoding: Chunked\r\n", Ok(Framing::Chunked)),
            ("Transfer-Encoding: gzip, chunked\r\n", Err(HeadError::Coding)),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                Err(HeadError::Coding),
            ),
            ("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", Err(HeadError::Coding)),
        ] {
            let text = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
            assert_eq!(whole(&text).framing(), expected, "{headers}");
        }
        let old = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(whole(old).framing(), Ok(Framing::Chunked));
        for status in [101, 204, 304] {
            let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 4\r\n\r\n");
            assert_eq!(whole(&text).framing(), Ok(Framing::Length(0)), "{status}");
        }
    }

    #[test]
    fn the_connection_is_kept_unless_the_answer_says_otherwise() {
        for (text, kept) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n\r\n", false),
            ("HTTP/1.1 101 Switch\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", true),
            (
                "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nTransfer-Encoding: chunked\r\n\r\n",
                false,
            ),
        ] {
            assert_eq!(whole(text).keeps_connection(), kept, "{text}");
        }
    }
}
