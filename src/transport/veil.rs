//! Keeps an answer's body unreadable while ureq handles it.
//!
//! ureq writes all it reads to the log at trace level and keeps it in buffers that nobody wipes. So
//! it gets zeroes in the body's place, and what comes out at the other end is replaced by the body.
//! The head and the framing of chunks stay as they are: ureq must understand them.

use httparse::{EMPTY_HEADER, Response, Status};

use crate::memory::{SecretBuf, wipe};

/// The body of one answer as it came, and how far the answer has come.
#[derive(Default)]
pub(super) struct Veil {
    place: Place,
    /// How many bytes of heads there were.
    heads: usize,
    body: SecretBuf,
}

/// Where in the answer the next byte stands (RFC 9112 §6 and §7.1).
enum Place {
    Head(Vec<u8>),
    Body,
    ChunkSize(Vec<u8>),
    Chunk(usize),
    ChunkEnd,
    /// What follows the last chunk, and how much of it there was.
    Trailer(usize),
}

impl Default for Place {
    fn default() -> Self {
        Place::Head(Vec::new())
    }
}

/// The most that is read before an answer's body: status lines and headers.
pub(super) const LONGEST_HEAD: usize = 16 * 1024;
/// As many as ureq takes: an answer that only one of the two understood would not be covered.
pub(super) const MOST_HEADERS: usize = 128;
const LONGEST_CHUNK_LINE: usize = 256;
const LONGEST_TRAILER: usize = 4 * 1024;

/// Why an answer cannot be covered.
#[derive(Debug)]
pub(super) enum Unveilable {
    /// Its heads, interim ones included, do not come to an end.
    LongHead,
    /// One of its heads has more than [`MOST_HEADERS`].
    ManyHeaders,
    /// It is not HTTP/1.
    NotHttp,
    /// Nobody could say where its body begins and ends.
    Framing,
}

impl Veil {
    /// Covers what of `bytes`, the next piece of the answer, belongs to the body.
    pub(super) fn cover(&mut self, mut bytes: &mut [u8]) -> Result<(), Unveilable> {
        while !bytes.is_empty() {
            let used = match &mut self.place {
                Place::Head(begun) => {
                    as_any_interim_answer(begun, bytes);
                    let before = begun.len();
                    // Mostly it comes in one piece.
                    let end = if before == 0 {
                        end_of_head(bytes)?
                    } else {
                        begun.extend_from_slice(bytes);
                        end_of_head(begun)?
                    };
                    let used = match end {
                        None if before == 0 => {
                            begun.extend_from_slice(bytes);
                            bytes.len()
                        }
                        None => bytes.len(),
                        Some((length, next)) => {
                            self.place = next;
                            length - before
                        }
                    };
                    self.heads += used;
                    if self.heads > LONGEST_HEAD {
                        return Err(Unveilable::LongHead);
                    }
                    used
                }
                Place::Body => self.cover_all(bytes),
                Place::ChunkSize(line) => {
                    let end = bytes.iter().position(|byte| *byte == b'\n');
                    let used = end.map_or(bytes.len(), |end| end + 1);
                    line.extend_from_slice(&bytes[..used]);
                    if end.is_some() {
                        self.place = after_chunk_size(line);
                    } else if line.len() > LONGEST_CHUNK_LINE {
                        return Err(Unveilable::Framing);
                    }
                    used
                }
                Place::Chunk(left) => {
                    let used = bytes.len().min(*left);
                    *left -= used;
                    if *left == 0 {
                        self.place = Place::ChunkEnd;
                    }
                    self.cover_all(&mut bytes[..used])
                }
                Place::ChunkEnd => match bytes.iter().position(|byte| *byte == b'\n') {
                    None => bytes.len(),
                    Some(end) => {
                        self.place = Place::ChunkSize(Vec::new());
                        end + 1
                    }
                },
                Place::Trailer(length) => {
                    *length += bytes.len();
                    if *length > LONGEST_TRAILER {
                        return Err(Unveilable::Framing);
                    }
                    bytes.len()
                }
            };
            bytes = &mut bytes[used..];
        }
        Ok(())
    }

    fn cover_all(&mut self, bytes: &mut [u8]) -> usize {
        self.body.push(bytes);
        wipe(bytes);
        bytes.len()
    }

    /// The body, which ended after `length` bytes: what stood behind it was none of it.
    pub(super) fn body(&mut self, length: usize) -> SecretBuf {
        let mut body = std::mem::take(&mut self.body);
        body.truncate(length);
        body
    }
}

/// Shows `100 Continue` as `103`, if its last digit is in `bytes`, which follow what has `begun` the
/// head. Either is an interim answer and may have headers (RFC 9110 §15.2); ureq takes an error from
/// those of a 100.
fn as_any_interim_answer(begun: &[u8], bytes: &mut [u8]) {
    const CONTINUE: [&[u8]; 2] = [b"HTTP/1.1 100", b"HTTP/1.0 100"];
    let begins_with = |start: &[u8]| begun.iter().chain(&*bytes).take(start.len()).eq(start);
    let is_continue = CONTINUE.into_iter().any(begins_with);
    let last_digit = (CONTINUE[0].len() - 1).checked_sub(begun.len());
    if let Some(last_digit) = last_digit.filter(|_| is_continue) {
        bytes[last_digit] = b'3';
    }
}

/// The length of the head, once it is whole, and what follows it. Interim answers (1xx) are
/// followed by another head.
fn end_of_head(bytes: &[u8]) -> Result<Option<(usize, Place)>, Unveilable> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut response = Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Unveilable::ManyHeaders),
        Err(_) => return Err(Unveilable::NotHttp),
    };
    let codings = response.headers.iter();
    let mut codings =
        codings.filter(|header| header.name.eq_ignore_ascii_case("transfer-encoding"));
    let mut headers = response.headers.iter();
    let is_sized = headers.any(|header| header.name.eq_ignore_ascii_case("content-length"));
    let next = match (response.code, codings.next(), codings.next()) {
        (Some(100..200), ..) => Place::Head(Vec::new()),
        (_, None, None) => Place::Body,
        (_, Some(only), None)
            if only.value.trim_ascii().eq_ignore_ascii_case(b"chunked") && !is_sized =>
        {
            Place::ChunkSize(Vec::new())
        }
        // Codings that nobody asked for, or two lengths for one body (RFC 9112 §6.3).
        _ => return Err(Unveilable::Framing),
    };
    Ok(Some((length, next)))
}

fn after_chunk_size(line: &[u8]) -> Place {
    match httparse::parse_chunk_size(line) {
        Ok(Status::Complete((_, 0))) => Place::Trailer(0),
        Ok(Status::Complete((_, size))) => {
            Place::Chunk(usize::try_from(size).unwrap_or(usize::MAX))
        }
        // ureq will refuse it; until then, nothing may show.
        _ => Place::Body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `answer` in pieces of `size`; returns what ureq would see.
    fn covered(answer: &str, size: usize) -> (Vec<u8>, Veil) {
        let mut veil = Veil::default();
        let mut seen = Vec::new();
        for piece in answer.as_bytes().chunks(size) {
            let mut piece = piece.to_vec();
            veil.cover(&mut piece).unwrap();
            seen.extend(piece);
        }
        (seen, veil)
    }

    const BODY: &str = "a body that is long enough not to look like random bytes by chance";

    #[test]
    fn a_plain_body_is_covered_and_comes_out_as_it_was() {
        let head =
            "HTTP/1.1 100 Continue\r\nx: y\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 66\r\n\r\n";
        let shown = head.replace("100", "103");
        for size in [1, 2, 7, 1000] {
            let (seen, mut veil) = covered(&format!("{head}{BODY}"), size);
            let (seen_head, body) = seen.split_at(head.len());
            assert_eq!(seen_head, shown.as_bytes(), "{size}");
            assert_eq!(body, [0; BODY.len()], "{size}");
            assert_eq!(veil.body(BODY.len()).expose_secret(), BODY.as_bytes(), "{size}");
        }
    }

    #[test]
    fn of_a_chunked_body_only_the_data_is_covered() {
        let (first, second) = BODY.split_at(16);
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n";
        let answer =
            format!("{head}10\r\n{first}\r\n32;x=y\r\n{second}\r\n0\r\nx-trailer: 1\r\n\r\n");
        for size in [1, 3, 1000] {
            let (seen, mut veil) = covered(&answer, size);
            let (mut at, mut data) = (head.len() + 4, Vec::new());
            data.extend_from_slice(&seen[at..at + 16]);
            at += 16 + 2 + 8;
            data.extend_from_slice(&seen[at..at + 50]);
            assert_eq!(&seen[at + 50..], b"\r\n0\r\nx-trailer: 1\r\n\r\n", "{size}");
            assert_eq!(data, [0; BODY.len()], "{size}");
            assert_eq!(veil.body(BODY.len()).expose_secret(), BODY.as_bytes(), "{size}");
        }
    }

    #[test]
    fn behind_a_chunk_size_that_is_none_nothing_shows() {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n";
        let (seen, _) = covered(&format!("{head}{BODY}"), 1000);
        assert_ne!(&seen[head.len()..], BODY.as_bytes());
    }
}
