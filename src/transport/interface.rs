//! What every transport does.

use super::attempt::Attempt;
use super::message::{Request, Response};
use super::probe_report::Probe;
use super::url::Url;
use crate::error::Error;
#[cfg(doc)]
use {super::message::MAX_ANSWER, crate::error::ErrorPhase};

/// Carries requests to a vendor. Used from many threads at once.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and returns the answer, whatever its status.
    ///
    /// - Sends it to the host of its [`url`](Request::url), with its [`target`](Request::target) as path
    ///   and query, which may be secret.
    /// - Ends at most 50 ms after `attempt`'s deadline and 100 ms after it is cancelled.
    /// - Follows no redirects.
    /// - Does not send the request again once any of it may have reached the vendor. Only a
    ///   [replayable](Request::is_replayable) one may be sent again, once, when a kept connection
    ///   ended before any of the answer came.
    /// - Reads at most [`MAX_ANSWER`] bytes of body, and the headers in [`Response::HEADERS`] and
    ///   [`Request::answer_headers`].
    /// - Wipes its copies of request and answer.
    ///
    /// # Errors
    /// When there is no answer. The error's [`phase`](Error::phase) says how far the request came:
    /// before [`ErrorPhase::Send`] the vendor cannot have seen it.
    fn send(&self, request: &Request, attempt: &Attempt) -> Result<Response, Error>;

    /// Tries each step that [`send`](Transport::send) would take to `url` and reports what it found,
    /// for [`Client::doctor`](crate::Client::doctor). At the end it may send one request without
    /// credentials and return the answer.
    ///
    /// Ends as [`send`](Transport::send) does. Default: skips every step.
    fn probe(&self, url: &Url, attempt: &Attempt) -> Probe {
        let _ = (url, attempt);
        Probe::skipped("not examined: the transport is the program's own")
    }
}
