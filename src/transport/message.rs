//! A request to a vendor, and its answer.

use std::fmt;
use std::sync::Arc;

use super::url::Url;
use crate::memory::SecretBuf;

/// The most that is read of an answer's body, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;

/// A token request: always `POST`, with a body. Its values are secret.
pub struct Request(Arc<Content>);

/// The parts of a request. They are shared, so that there is one copy of the secrets.
pub(super) struct Content {
    pub(super) url: Arc<Url>,
    pub(super) headers: Vec<(&'static str, SecretBuf)>,
    pub(super) body: SecretBuf,
    pub(super) replayable: bool,
}

impl Request {
    pub(crate) fn new(
        url: Arc<Url>,
        headers: Vec<(&'static str, SecretBuf)>,
        body: SecretBuf,
        replayable: bool,
    ) -> Self {
        Request(Arc::new(Content { url, headers, body, replayable }))
    }

    /// The parts, to change them before the request is shared.
    #[cfg(test)]
    pub(super) fn content(&mut self) -> &mut Content {
        Arc::get_mut(&mut self.0).unwrap()
    }

    /// Another handle of the same request.
    pub(super) fn share(&self) -> Self {
        Request(Arc::clone(&self.0))
    }

    /// The absolute URL of the token endpoint.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0.url
    }

    /// The headers in order, names in lower case, values UTF-8, without `host` and `content-length`.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &SecretBuf)> {
        self.0.headers.iter().map(|(name, value)| (*name, value))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &SecretBuf {
        &self.0.body
    }

    /// Whether sending it twice is harmless. If so, a transport may send it once more when a kept
    /// connection turns out to be closed and nothing was answered; otherwise it must report that.
    #[must_use]
    pub fn is_replayable(&self) -> bool {
        self.0.replayable
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("Request").field("url", &self.url()).field("headers", &names).finish()
    }
}

/// An answer: status, the headers that matter, body.
pub struct Response {
    status: u16,
    headers: Vec<(&'static str, Box<str>)>,
    pub(super) body: SecretBuf,
}

impl Response {
    /// The headers that caretoken reads; a transport may leave all others out.
    pub const HEADERS: &'static [&'static str] = &["content-type", "date", "retry-after"];

    /// An answer. Header names are compared without case; those that are not read are dropped.
    #[must_use]
    pub fn new(status: u16, headers: &[(&str, &str)], body: SecretBuf) -> Self {
        let read = |name: &str| {
            Self::HEADERS.iter().copied().find(|known| known.eq_ignore_ascii_case(name))
        };
        let headers =
            headers.iter().filter_map(|(name, value)| Some((read(name)?, (*value).into())));
        Response { status, headers: headers.collect(), body }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
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
