//! The only place that knows ureq, TLS, proxies and sockets.
//!
//! A [`Transport`] carries one [`Request`] to the vendor and brings the [`Response`] back. The
//! built-in one speaks HTTPS; a host may inject its own (for an HTTP stack it already has, or for
//! tests) with [`ClientBuilder::transport`](crate::ClientBuilder::transport).

mod agent;
mod buffer;
mod connect;
mod date;
mod desk;
mod examine;
mod header;
mod helper;
mod https;
mod limits;
mod link;
mod login;
mod monitor;
mod proxy;
mod resolve;
mod settings;
mod socket;
mod target;
mod tls;
mod veil;
mod walk;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::SecretBuf;

pub use examine::{Examination, Outcome, Step};
pub(crate) use header::{check_user_agent, header_flaw};
pub(crate) use https::HttpsTransport;
pub(crate) use settings::{ProxyChoice, Settings};
pub use settings::{TlsStack, TrustRoots};
pub(crate) use target::Target;

/// The most that is read of an answer's body, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;

/// Carries requests to a vendor. Used from many threads at once.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and returns the answer, whatever its status.
    ///
    /// Must end at most 50 ms after `attempt`'s deadline and 100 ms after it is cancelled, must not
    /// follow redirects, must not send the request again by itself once any of it may have reached
    /// the vendor (except a [replayable](Request::is_replayable) one, once, when a kept connection
    /// ended before any of the answer came), must read at most [`MAX_ANSWER`] bytes of body, and must wipe its copies of
    /// request and answer.
    ///
    /// # Errors
    /// When there is no answer. The error's [`phase`](Error::phase) says how far the request came:
    /// before [`ErrorPhase::Send`] the vendor cannot have seen it.
    fn send(&self, request: &Request, attempt: &Attempt) -> Result<Response, Error>;

    /// Walks the way that [`send`](Transport::send) would take to `url` and says what it found at
    /// each step, for [`Client::doctor`](crate::Client::doctor). At the end it may send one request
    /// without credentials and hand over the answer.
    ///
    /// Must end as [`send`](Transport::send) must. Default: examines nothing.
    fn examine(&self, url: &str, attempt: &Attempt) -> Examination {
        let _ = (url, attempt);
        Examination::skipped("not examined: the transport is the program's own")
    }
}

/// A token request: always `POST`, with a body. Its values are secret.
pub struct Request(Arc<Content>);

/// What a request consists of; shared by all who work on it, so that there is one copy.
struct Content {
    url: Arc<str>,
    headers: Vec<(&'static str, SecretBuf)>,
    body: SecretBuf,
    replayable: bool,
}

impl Request {
    pub(crate) fn new(
        url: Arc<str>,
        headers: Vec<(&'static str, SecretBuf)>,
        body: SecretBuf,
        replayable: bool,
    ) -> Self {
        Request(Arc::new(Content { url, headers, body, replayable }))
    }

    /// To change it, while it is not shared.
    #[cfg(test)]
    fn content(&mut self) -> &mut Content {
        Arc::get_mut(&mut self.0).unwrap()
    }

    /// The same request.
    fn share(&self) -> Self {
        Request(Arc::clone(&self.0))
    }

    /// The absolute URL of the token endpoint. Never holds a credential.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    fn shared_url(&self) -> &Arc<str> {
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
    body: SecretBuf,
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

/// What one attempt may use: time until a deadline, unless it is cancelled first.
#[derive(Clone, Debug)]
pub struct Attempt {
    deadline: Instant,
    cancel: CancelToken,
}

impl Attempt {
    pub(crate) fn new(deadline: Instant, cancel: CancelToken) -> Self {
        Attempt { deadline, cancel }
    }

    /// When the attempt must be over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the call was cancelled. Poll it at least every 50 ms while blocked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// The time left.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] or [`ErrorKind::Cancelled`], in `phase`, when there is none.
    pub fn remaining(&self, phase: ErrorPhase) -> Result<Duration, Error> {
        if self.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, phase));
        }
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(Error::new(ErrorKind::Timeout, phase)),
            left => Ok(left),
        }
    }
}

/// Hands out tokens, and cancels all that it has handed out so far.
#[derive(Default, Debug)]
pub(crate) struct CancelSource(Arc<AtomicU64>);

impl CancelSource {
    pub(crate) fn token(&self) -> CancelToken {
        CancelToken { now: Arc::clone(&self.0), born: self.0.load(Ordering::Acquire) }
    }

    pub(crate) fn cancel(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// Tells whether its source was cancelled after it was handed out.
#[derive(Clone, Debug)]
pub(crate) struct CancelToken {
    now: Arc<AtomicU64>,
    born: u64,
}

impl CancelToken {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.now.load(Ordering::Acquire) != self.born
    }
}
