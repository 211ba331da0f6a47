//! A request to a vendor, and its answer.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::url::Url;
use crate::memory::SecretBuf;

/// The most that is read of an answer's body, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;

/// What a request asks of the resource (RFC 9110 §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Method {
    /// `POST`.
    #[default]
    Post,
    /// `GET`. Such a request has no body.
    Get,
}

impl Method {
    /// The method as the request line has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Get => "GET",
        }
    }
}

/// A request. Its values are secret.
pub struct Request(Arc<Content>);

/// What requests share, so that there is one copy of the secrets.
struct Content {
    parts: RequestParts,
    /// The body of a request that has none.
    no_body: SecretBuf,
}

/// What a request is made of.
pub(crate) struct RequestParts {
    pub(crate) method: Method,
    /// Nothing in it is secret.
    pub(crate) url: Arc<Url>,
    /// Path and query where they are not those of `url`.
    pub(crate) target: Option<SecretBuf>,
    /// In lower case.
    pub(crate) headers: Vec<(Arc<str>, SecretBuf)>,
    /// None for a `GET`.
    pub(crate) body: Option<SecretBuf>,
    pub(crate) replayable: bool,
    /// The headers of the answer that are needed, besides [`Response::HEADERS`].
    pub(crate) answer_headers: Vec<Arc<str>>,
}

impl Request {
    pub(crate) fn new(parts: RequestParts) -> Self {
        Request(Arc::new(Content { parts, no_body: SecretBuf::default() }))
    }

    /// The parts, to change them before the request is shared.
    #[cfg(test)]
    pub(super) fn parts(&mut self) -> &mut RequestParts {
        &mut Arc::get_mut(&mut self.0).unwrap().parts
    }

    /// Another handle of the same request.
    pub(super) fn share(&self) -> Self {
        Request(Arc::clone(&self.0))
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.0.parts.method
    }

    /// The absolute URL of the endpoint, without anything secret. What is sent after the host is the
    /// [`target`](Request::target), which may be another than the path here.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0.parts.url
    }

    /// Path and query exactly as they are sent, encoded already. They may be secret: do not log them,
    /// and wipe your copies.
    #[must_use]
    pub fn target(&self) -> Cow<'_, str> {
        match &self.0.parts.target {
            // What is no text is no target either, and neither is an empty one.
            Some(target) => Cow::Borrowed(target.expose_text().unwrap_or_default()),
            None => self.url().request_target(),
        }
    }

    /// The headers in order, names in lower case, values UTF-8, without `host` and `content-length`.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &SecretBuf)> {
        self.0.parts.headers.iter().map(|(name, value)| (&**name, value))
    }

    /// Whether there is a body. A `POST` without one still says `content-length: 0`.
    #[must_use]
    pub fn has_body(&self) -> bool {
        self.0.parts.body.is_some()
    }

    /// The body; empty where there is none.
    #[must_use]
    pub fn body(&self) -> &SecretBuf {
        self.0.parts.body.as_ref().unwrap_or(&self.0.no_body)
    }

    /// The headers that the answer must have besides [`Response::HEADERS`], if the vendor sends them.
    pub fn answer_headers(&self) -> impl Iterator<Item = &str> {
        self.0.parts.answer_headers.iter().map(|name| &**name)
    }

    /// Whether sending it twice is harmless. If so, a transport may send it once more when a kept
    /// connection turns out to be closed and nothing was answered; otherwise it must report that.
    #[must_use]
    pub fn is_replayable(&self) -> bool {
        self.0.parts.replayable
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("url", &self.url())
            .field("headers", &names)
            .finish()
    }
}

/// An answer: status, the headers that matter, body.
pub struct Response {
    status: u16,
    /// Where the name and the value of each header stand in `text`.
    headers: Vec<(Range<usize>, Range<usize>)>,
    /// All names and values in one piece: a token may be among them.
    text: SecretBuf,
    pub(super) body: SecretBuf,
}

impl Response {
    /// The headers that caretoken reads of every answer. A transport may leave out all others but
    /// those that the request [names](Request::answer_headers).
    pub const HEADERS: &'static [&'static str] = &["content-type", "date", "retry-after"];

    /// Whether a header of this name is one of [`HEADERS`](Response::HEADERS).
    pub(super) fn is_read(name: &str) -> bool {
        Self::HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// An answer with all these headers. A name may be there several times, in any case.
    #[must_use]
    pub fn new(status: u16, headers: &[(&str, &str)], body: SecretBuf) -> Self {
        let length = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let mut text = SecretBuf::with_capacity(length);
        let mut put = |part: &str| {
            let start = text.len();
            text.push(part.as_bytes());
            start..text.len()
        };
        let headers = headers.iter().map(|(name, value)| (put(name), put(value))).collect();
        Response { status, headers, text, body }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of that name, in any case. It may be secret.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_values(name).next()
    }

    /// All headers of that name in order, as there are several of `set-cookie`. They may be secret.
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &str> {
        let text = self.text.expose_text().unwrap_or_default();
        let part = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        let headers = self.headers.iter();
        let named = headers.filter(move |(known, _)| part(known).eq_ignore_ascii_case(name));
        named.map(move |(_, value)| part(value))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &SecretBuf {
        &self.body
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).field("body", &self.body).finish()
    }
}
