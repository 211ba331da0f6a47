//! Reading an answer from a connection, into memory that is wiped.

use httparse::{Status, parse_chunk_size};

use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::{SecretBuf, clear_registers};
use crate::transport::attempt::Attempt;
use crate::transport::connection::Connection;
use crate::transport::head::{CODING, FRAMING, Framing, HeadError, HeadReader, not_http};
use crate::transport::message::{MAX_ANSWER, Request, Response};
use crate::transport::read_buffer::{ReadBuffer, Received};

/// The longest line with the size of a chunk, its extensions included, in bytes.
const MAX_CHUNK_LINE: usize = 256;

/// The most that is read after the last chunk, in bytes.
const MAX_TRAILERS: usize = 4 * 1024;

/// Reads the answer to `request`, which was sent, through `received`. Also returns whether the
/// connection can carry another request.
pub(super) fn read_answer(
    request: &Request,
    connection: &mut Connection,
    received: &mut ReadBuffer,
    attempt: &Attempt,
) -> Result<(Response, bool), Error> {
    AnswerReader { request, connection, received, attempt }.read()
}

struct AnswerReader<'a> {
    request: &'a Request,
    connection: &'a mut Connection,
    /// What came and was not read yet.
    received: &'a mut ReadBuffer,
    attempt: &'a Attempt,
}

impl AnswerReader<'_> {
    fn read(&mut self) -> Result<(Response, bool), Error> {
        let (mut response, framing, mut keeps_connection) = self.head()?;
        let mut body = SecretBuf::default();
        match framing {
            Framing::Length(length) => self.append(&mut body, length)?,
            Framing::Chunked => keeps_connection &= self.chunks(&mut body)?,
            Framing::UntilEnd => {
                keeps_connection = false;
                loop {
                    let length = self.received.unread().len();
                    self.append(&mut body, length as u64)?;
                    if !self.receive()? {
                        break;
                    }
                }
            }
        }
        response.body = body;
        Ok((response, keeps_connection && self.received.unread().is_empty()))
    }

    /// Reads the head of the answer, after those of interim answers. Returns the answer without its
    /// body, how that ends, and whether the connection is to be kept.
    fn head(&mut self) -> Result<(Response, Framing, bool), Error> {
        let mut reader = HeadReader::default();
        loop {
            let Some(head) =
                reader.read(self.received.unread()).map_err(|error| self.unreadable(error))?
            else {
                self.receive_more()?;
                continue;
            };
            let length = head.length;
            if head.is_interim() {
                self.received.consume(length);
                continue;
            }
            let headers = head.texts(|name| {
                let mut needed = self.request.answer_headers();
                Response::is_read(name) || needed.any(|known| known.eq_ignore_ascii_case(name))
            });
            let response = Response::new(head.status, &headers, SecretBuf::default());
            let (framing, keeps_connection) =
                (head.framing().map_err(|error| self.unreadable(error))?, head.keeps_connection());
            self.received.consume(length);
            return Ok((response, framing, keeps_connection));
        }
    }

    /// Reads `length` bytes of the body.
    fn append(&mut self, body: &mut SecretBuf, length: u64) -> Result<(), Error> {
        let mut left = usize::try_from(length).unwrap_or(usize::MAX);
        if left > MAX_ANSWER - body.len() {
            return Err(self.wrong(Error::new(ErrorKind::AnswerTooLarge, ErrorPhase::Receive)));
        }
        while left > 0 {
            let unread = self.received.unread();
            let piece = &unread[..left.min(unread.len())];
            body.push(piece);
            left -= piece.len();
            let length = piece.len();
            self.received.consume(length);
            if left > 0 {
                self.receive_more()?;
            }
        }
        Ok(())
    }

    /// Reads a chunked body (RFC 9112 §7.1). Returns whether the connection is still open.
    fn chunks(&mut self, body: &mut SecretBuf) -> Result<bool, Error> {
        loop {
            let size = self.chunk_size()?;
            if size == 0 {
                return self.skip_trailers();
            }
            self.append(body, size)?;
            while self.received.unread().len() < 2 {
                self.receive_more()?;
            }
            if !self.received.unread().starts_with(b"\r\n") {
                return Err(self.malformed("its chunks do not fit together"));
            }
            self.received.consume(2);
        }
    }

    fn chunk_size(&mut self) -> Result<u64, Error> {
        loop {
            let unread = self.received.unread();
            match parse_chunk_size(unread) {
                Ok(Status::Complete((length, _))) if length > MAX_CHUNK_LINE => {
                    return Err(self.malformed(CODING));
                }
                Ok(Status::Complete((length, size))) => {
                    self.received.consume(length);
                    return Ok(size);
                }
                Ok(Status::Partial) if unread.len() > MAX_CHUNK_LINE => {
                    return Err(self.malformed(CODING));
                }
                Ok(Status::Partial) => self.receive_more()?,
                Err(_) => return Err(self.malformed(FRAMING)),
            }
        }
    }

    /// Skips what follows the last chunk, to an empty line or the end of the connection: nothing of
    /// the body can be missing there. Returns whether the connection is still open.
    fn skip_trailers(&mut self) -> Result<bool, Error> {
        let mut skipped = 0;
        loop {
            let unread = self.received.unread();
            match unread.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    let is_empty = matches!(unread[..end], [] | [b'\r']);
                    skipped += end + 1;
                    self.received.consume(end + 1);
                    if is_empty {
                        return Ok(true);
                    }
                }
                None if skipped + unread.len() > MAX_TRAILERS => return Err(self.malformed(CODING)),
                None if !self.receive()? => return Ok(false),
                None => {}
            }
            if skipped > MAX_TRAILERS {
                return Err(self.malformed(CODING));
            }
        }
    }

    fn receive_more(&mut self) -> Result<(), Error> {
        if self.receive()? {
            return Ok(());
        }
        let error = Error::new(ErrorKind::ConnectionLost, ErrorPhase::Receive);
        Err(self.wrong(error.with_message("the answer ended before it was complete")))
    }

    /// Waits for more; `false` at the proper end of the connection.
    fn receive(&mut self) -> Result<bool, Error> {
        if self.connection.heard {
            // The first part of the answer was copied through registers, and a wait may be long.
            clear_registers();
        }
        match self.connection.receive(self.received, self.attempt)? {
            Received::Data => Ok(true),
            Received::End if self.connection.heard => Ok(false),
            Received::End | Received::Truncated => Err(self.connection.ended(ErrorPhase::Receive)),
        }
    }

    /// Adds who answered to an error about the answer. An error of the connection says so already.
    fn wrong(&self, error: Error) -> Error {
        let message = format!("{} (from {})", error.message(), self.connection.peer());
        error.with_message(message)
    }

    fn malformed(&self, how: &str) -> Error {
        self.wrong(not_http(how))
    }

    fn unreadable(&self, error: HeadError) -> Error {
        self.wrong(error.in_answer())
    }
}
