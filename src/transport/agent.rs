//! ureq on our connections.
//!
//! ureq speaks HTTP and keeps the pool; resolving, connecting, TLS and waiting are ours, so that
//! every step ends with its attempt. It never sees a secret: it gets no headers and zeroes for the body,
//! which are put in on the way out, and a [veiled](super::veil) answer.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ureq::Error as UreqError;
use ureq::config::{AutoHeaderValue, Config};
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use super::desk::Desk;
use super::header::header_flaw;
use super::https::Routes;
use super::link::{Arrived, Link};
use super::target::{Flaw, Target};
use super::veil::{LONGEST_HEAD, MOST_HEADERS, Unveilable, Veil};
use super::{Attempt, Request};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::SecretBuf;

/// How many connections may wait for their next request. One client rarely needs two.
const MOST_IDLE: usize = 8;

/// A ureq agent that connects by `routes`.
pub(super) fn agent(routes: Arc<Routes>, user_agent: &str, max_idle_age: Duration) -> ureq::Agent {
    let config = Config::builder()
        .user_agent(user_agent)
        .accept(AutoHeaderValue::None)
        .accept_encoding(AutoHeaderValue::None)
        // Proxies are part of the routes.
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(LONGEST_HEAD)
        .max_idle_connections(MOST_IDLE)
        .max_idle_connections_per_host(MOST_IDLE)
        .max_idle_age(max_idle_age)
        .build();
    ureq::Agent::with_parts(config, Dialer(routes), Unresolved)
}

/// What the connector and the connections must know of the call that they work for.
pub(super) struct Exchange {
    attempt: Attempt,
    request: Request,
    /// Whether a kept connection will not do.
    fresh: bool,
    veil: RefCell<Veil>,
    /// A kept connection ended before any byte of the answer: the server had most likely closed it
    /// before it saw the request.
    pub(super) met_stale: Cell<bool>,
    /// Whether the peer has ended the connection.
    ended: Cell<bool>,
    /// Who is at the other end.
    answerer: Cell<Option<SocketAddr>>,
}

thread_local! {
    /// ureq calls back on the thread that called it, and hands nothing through.
    static CURRENT: RefCell<Option<Rc<Exchange>>> = const { RefCell::new(None) };
}

impl Exchange {
    pub(super) fn new(
        request: &Request,
        attempt: &Attempt,
        fresh: bool,
    ) -> Result<Rc<Self>, Error> {
        // ureq would check them, but sees none.
        let mut values = request.headers();
        let flaw = values.find_map(|(name, value)| {
            let flaw = value.expose_text().map_or(Some("is not text"), header_flaw);
            Some((name, flaw?))
        });
        if let Some((name, problem)) = flaw {
            return Err(Error::setting(name, problem, "correct the credential"));
        }
        Ok(Rc::new(Exchange {
            attempt: attempt.clone(),
            request: request.share(),
            fresh,
            veil: RefCell::new(Veil::default()),
            met_stale: Cell::new(false),
            ended: Cell::new(false),
            answerer: Cell::new(None),
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

    fn current() -> Result<Rc<Exchange>, UreqError> {
        let current = CURRENT.with(|current| current.borrow().clone());
        current.ok_or_else(|| carry(Error::new(ErrorKind::Internal, ErrorPhase::Connect)))
    }

    /// Covers the next piece of the answer.
    fn cover(&self, bytes: &mut [u8]) -> Result<(), UreqError> {
        self.veil.borrow_mut().cover(bytes).map_err(|unveilable| match unveilable {
            Unveilable::LongHead => carry(long_head()),
            Unveilable::ManyHeaders => carry(many_headers()),
            Unveilable::NotHttp => carry(not_http("its head makes no sense")),
            Unveilable::Framing => carry(not_http(
                "it has a transfer coding that nobody asked for, or chunks without end",
            )),
        })
    }

    /// The answer's body, of which ureq has handed out `length` zeroes.
    pub(super) fn body(&self, length: usize) -> SecretBuf {
        self.veil.borrow_mut().body(length)
    }

    /// The request as it goes out, once `written` is all of what ureq has to write.
    fn message(&self, written: &[u8]) -> Option<SecretBuf> {
        let body = self.request.body();
        // The body that ureq knows is all zeroes: nothing in it looks like the end of a head.
        let head = &written[..written.len().checked_sub(body.len())?];
        let lines = head.strip_suffix(b"\r\n").filter(|lines| lines.ends_with(b"\r\n"))?;
        let headers = || self.request.headers().map(|(name, value)| (name, value.expose_secret()));
        let of_headers: usize = headers().map(|(name, value)| name.len() + value.len() + 4).sum();
        let mut message = SecretBuf::with_capacity(written.len() + of_headers);
        message.push(lines);
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

/// Wraps an error of ours, so that it comes through ureq unharmed.
fn carry(error: Error) -> UreqError {
    UreqError::Other(Box::new(error))
}

/// A token endpoint's URL begins with `base_url`.
pub(super) fn unusable(flaw: Flaw) -> Error {
    flaw.in_setting("base_url", "give it as https://HOST or https://HOST:PORT")
}

pub(super) fn not_http(how: &str) -> Error {
    Error::new(ErrorKind::AnswerNotJson, ErrorPhase::Receive)
        .with_message(format!("the answer is not proper HTTP/1.1: {how}"))
}

impl Exchange {
    /// What an error of ureq means: mostly it is one of ours, coming back.
    pub(super) fn meaning(&self, error: UreqError) -> Error {
        let internal = || Error::new(ErrorKind::Internal, ErrorPhase::Receive);
        match error {
            UreqError::Other(error) => match error.downcast::<Error>() {
                Ok(error) => self.told(*error),
                Err(_) => internal(),
            },
            // ureq can go no further with what it has.
            UreqError::BodyStalled if !self.ended.get() => {
                self.told(not_http("its chunks do not fit together"))
            }
            UreqError::BodyStalled => self.told(incomplete()),
            UreqError::Protocol(_) => self.told(not_http("its head or its framing makes no sense")),
            UreqError::LargeResponseHeader(..) => self.told(long_head()),
            UreqError::Io(error) => match error.downcast::<UreqError>() {
                Ok(inner) => self.meaning(inner),
                Err(_) => self.told(incomplete()),
            },
            _ => internal(),
        }
    }

    /// Says who answered, where `error` is about the answer and not about the connection, which is
    /// told with its address already.
    pub(super) fn told(&self, error: Error) -> Error {
        let is_of_answer =
            matches!(error.kind(), ErrorKind::AnswerTooLarge | ErrorKind::AnswerNotJson)
                || error.message() == INCOMPLETE;
        match self.answerer.get().filter(|_| is_of_answer) {
            None => error,
            Some(peer) => {
                let message = format!("{} (from {peer})", error.message());
                error.with_message(message)
            }
        }
    }
}

pub(super) fn long_head() -> Error {
    Error::new(ErrorKind::AnswerTooLarge, ErrorPhase::Receive)
        .with_message("the answer is too large: its headers exceed 16 KiB")
}

pub(super) fn many_headers() -> Error {
    let message = format!("the answer is too large: it has more than {MOST_HEADERS} headers");
    Error::new(ErrorKind::AnswerTooLarge, ErrorPhase::Receive).with_message(message)
}

const INCOMPLETE: &str = "the answer ended before it was complete";

fn incomplete() -> Error {
    Error::new(ErrorKind::ConnectionLost, ErrorPhase::Receive).with_message(INCOMPLETE)
}

/// Leaves resolving to the connector: a kept connection needs none.
#[derive(Debug)]
struct Unresolved;

impl Resolver for Unresolved {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, UreqError> {
        Ok(self.empty())
    }
}

/// Opens connections for ureq.
struct Dialer(Arc<Routes>);

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}

impl Connector for Dialer {
    type Out = Wire;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Wire>, UreqError> {
        let exchange = Exchange::current()?;
        let target = Target::parse(&details.uri.to_string());
        let target = target.map_err(|flaw| carry(unusable(flaw)))?;
        let link = self.0.open(&target.origin, &exchange.attempt).map_err(carry)?;
        let is_tls = target.origin.tls;
        Ok(Some(Wire { link, is_tls, desk: Desk::default() }))
    }
}

/// One connection, as ureq sees it.
struct Wire {
    link: Link,
    is_tls: bool,
    desk: Desk,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// Notes when a kept connection turns out to be dead.
    fn explain(&self, error: Error, exchange: &Exchange) -> UreqError {
        // The handshake of a kept connection is long over: whatever TLS says comes after the request.
        let error = match self.link.reused && error.phase() == ErrorPhase::Tls {
            true => error.with_phase(ErrorPhase::Receive),
            false => error,
        };
        if error.kind() != ErrorKind::ConnectionLost || !self.link.went_stale() {
            return carry(error);
        }
        exchange.met_stale.set(true);
        carry(Error::new(ErrorKind::ConnectionLost, ErrorPhase::Send).with_message(format!(
            "{} closed the kept connection as the request was sent",
            self.link.origin
        )))
    }
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.desk
    }

    /// ureq writes head and body one after the other; they leave together, in one record.
    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), UreqError> {
        let exchange = Exchange::current()?;
        let Some(message) = exchange.message(self.desk.write(amount)) else { return Ok(()) };
        self.desk.clear_output();
        let sent = self.desk.take_in(
            |input| self.link.send(message.expose_secret(), input, &exchange.attempt),
            |new| exchange.cover(new),
        )?;
        match sent {
            // A peer that closes while we send may have said why: the reading will tell.
            Err(error) if error.kind() != ErrorKind::ConnectionLost => {
                Err(self.explain(error, &exchange))
            }
            _ => Ok(()),
        }
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, UreqError> {
        let exchange = Exchange::current()?;
        exchange.answerer.set(Some(self.link.peer()));
        let arrived = self.desk.take_in(
            |input| self.link.receive(input, &exchange.attempt),
            |new| exchange.cover(new),
        )?;
        self.link.wipe();
        match arrived.map_err(|error| self.explain(error, &exchange))? {
            Arrived::Some => Ok(true),
            Arrived::End if self.link.heard => {
                exchange.ended.set(true);
                Ok(false)
            }
            Arrived::End | Arrived::Cut => {
                Err(self.explain(self.link.ended(ErrorPhase::Receive), &exchange))
            }
        }
    }

    /// ureq asks after an answer, and again before it sends the next request on the kept connection:
    /// only then does it matter what the peer has done meanwhile.
    fn is_open(&mut self) -> bool {
        let Ok(exchange) = Exchange::current() else { return false };
        let has_just_answered = self.link.heard;
        let is_clear = self.desk.is_clear();
        self.desk.wipe();
        !exchange.fresh
            && is_clear
            && self.link.rest()
            && (has_just_answered || self.link.is_quiet(&exchange.attempt))
    }

    fn is_tls(&self) -> bool {
        self.is_tls
    }
}
