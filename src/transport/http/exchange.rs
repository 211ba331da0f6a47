//! One request and its answer, carried past ureq.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::SecretBuf;
use crate::transport::attempt::Attempt;
use crate::transport::header::header_flaw;
use crate::transport::message::{Request, Response};
use crate::transport::url::is_request_target;

/// What the connector and the connections must know of the call that they work for.
pub(super) struct Exchange {
    pub(super) attempt: Attempt,
    pub(super) request: Request,
    /// Whether a kept connection will not do.
    pub(super) needs_new_connection: bool,
    /// Whether a kept connection ended before any byte of the answer: the server had most likely
    /// closed it before it saw the request.
    pub(super) met_stale: Cell<bool>,
    pub(super) response: RefCell<Option<Response>>,
}

thread_local! {
    /// ureq calls back on the thread that called it, and passes nothing through.
    static CURRENT: RefCell<Option<Rc<Exchange>>> = const { RefCell::new(None) };
}

impl Exchange {
    pub(super) fn new(
        request: &Request,
        attempt: &Attempt,
        needs_new_connection: bool,
    ) -> Result<Rc<Self>, Error> {
        // ureq would check target and headers, but gets neither.
        if !is_request_target(&request.target()) {
            let problem = "has a path or query that a request line cannot carry";
            return Err(Error::setting("url", problem, "correct the credential"));
        }
        let mut values = request.headers();
        let flaw = values.find_map(|(name, value)| {
            let flaw = value.expose_text().map_or(Some("is not text"), header_flaw);
            Some((name, flaw?))
        });
        if let Some((name, problem)) = flaw {
            return Err(Error::setting(name.to_owned(), problem, "correct the credential"));
        }
        Ok(Rc::new(Exchange {
            attempt: attempt.clone(),
            request: request.share(),
            needs_new_connection,
            met_stale: Cell::new(false),
            response: RefCell::new(None),
        }))
    }

    /// Runs `call`, in which ureq works for this exchange.
    pub(super) fn run<R>(self: &Rc<Self>, call: impl FnOnce() -> R) -> R {
        struct Restore(Option<Rc<Exchange>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.with(|current| current.replace(self.0.take()));
            }
        }
        let _restore = Restore(CURRENT.with(|current| current.replace(Some(Rc::clone(self)))));
        call()
    }

    /// The exchange that ureq works for on this thread.
    pub(super) fn current() -> Result<Rc<Exchange>, Error> {
        let current = CURRENT.with(|current| current.borrow().clone());
        current.ok_or_else(|| Error::new(ErrorKind::Internal, ErrorPhase::Connect))
    }

    /// The request as it goes out, once `written` is all that ureq has to write.
    pub(super) fn message(&self, written: &[u8]) -> Option<SecretBuf> {
        let body = self.request.body();
        // The body that ureq knows is all zeroes: nothing in it looks like the end of a head.
        let head = &written[..written.len().checked_sub(body.len())?];
        let lines = head.strip_suffix(b"\r\n").filter(|lines| lines.ends_with(b"\r\n"))?;
        let line_end = lines.iter().position(|byte| *byte == b'\r')?;
        let (method, target) = (self.request.method().as_str(), self.request.target());
        let headers = || self.request.headers().map(|(name, value)| (name, value.expose_secret()));
        let of_headers: usize = headers().map(|(name, value)| name.len() + value.len() + 4).sum();
        let mut message = SecretBuf::with_capacity(written.len() + target.len() + of_headers);
        // The line that ureq wrote has the URL's own path.
        for piece in [method, " ", &target, " HTTP/1.1"] {
            message.push(piece.as_bytes());
        }
        message.push(&lines[line_end..]);
        for (name, value) in headers() {
            for piece in [name.as_bytes(), b": ", value, b"\r\n"] {
                message.push(piece);
            }
        }
        message.push(b"\r\n");
        message.push(body.expose_secret());
        Some(message)
    }
}
