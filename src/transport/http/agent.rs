//! The ureq agent, and our connections as ureq sees them.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ureq::Error as UreqError;
use ureq::config::{AutoHeaderValue, Config};
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector as UreqConnector, LazyBuffers, NextTimeout, Transport,
};

use super::answer::read_answer;
use super::exchange::Exchange;
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::transport::attempt::Attempt;
use crate::transport::connection::Connection;
use crate::transport::connector::Connector;
use crate::transport::message::{Method, Request, Response};
use crate::transport::read_buffer::ReadBuffer;

/// How many connections may wait for their next request. One client rarely needs two.
const MAX_IDLE_CONNECTIONS: usize = 8;

/// The sizes of ureq's buffers, in bytes: the input holds an empty answer.
const INPUT_SIZE: usize = 64;
const OUTPUT_SIZE: usize = 2 * 1024;

/// Sends requests on connections that it opens with a [`Connector`] and keeps for a while.
pub(in crate::transport) struct Agent(ureq::Agent);

impl Agent {
    pub(in crate::transport) fn new(
        connector: Arc<Connector>,
        user_agent: &str,
        max_idle_age: Duration,
    ) -> Self {
        let config = Config::builder()
            .user_agent(user_agent)
            .accept(AutoHeaderValue::None)
            .accept_encoding(AutoHeaderValue::None)
            // The connector knows the proxies.
            .proxy(None)
            .max_idle_connections(MAX_IDLE_CONNECTIONS)
            .max_idle_connections_per_host(MAX_IDLE_CONNECTIONS)
            .max_idle_age(max_idle_age)
            .build();
        Agent(ureq::Agent::with_parts(config, PoolConnector(connector), NoResolver))
    }

    /// Sends `request` and reads the answer. A replayable request is sent once more, on a new
    /// connection, if a kept one ended before any of the answer came.
    pub(in crate::transport) fn send(
        &self,
        request: &Request,
        attempt: &Attempt,
    ) -> Result<Response, Error> {
        let exchange = Exchange::new(request, attempt, false)?;
        match self.run(&exchange) {
            Err(_) if exchange.met_stale.get() && request.is_replayable() => {
                self.run(&Exchange::new(request, attempt, true)?)
            }
            result => result,
        }
    }

    fn run(&self, exchange: &Rc<Exchange>) -> Result<Response, Error> {
        let internal = |phase| Error::new(ErrorKind::Internal, phase);
        let request = &exchange.request;
        let zeroes = vec![0; request.body().len()];
        let head = ureq::http::Request::builder()
            .method(request.method().as_str())
            .uri(request.url().uri().clone());
        let run = || match request.method() {
            Method::Get if !request.has_body() => self.0.run(head.body(())?),
            // ureq tells the length of a slice, even if that is zero.
            _ => self.0.run(head.body(&zeroes[..])?),
        };
        exchange.run(run).map_err(|error| match error {
            // All that can happen on the way are errors of ours, in `carry`'s wrapping.
            UreqError::Other(error) => {
                error.downcast().map_or_else(|_| internal(ErrorPhase::Receive), |error| *error)
            }
            _ => internal(ErrorPhase::Receive),
        })?;
        exchange.response.take().ok_or_else(|| internal(ErrorPhase::Receive))
    }
}

/// Wraps an error of ours, so that it comes through ureq unharmed.
fn carry(error: Error) -> UreqError {
    UreqError::Other(Box::new(error))
}

/// Leaves resolving to the connector: a kept connection needs none.
#[derive(Debug)]
struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, UreqError> {
        Ok(self.empty())
    }
}

/// Opens connections for ureq's pool.
struct PoolConnector(Arc<Connector>);

impl fmt::Debug for PoolConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolConnector")
    }
}

impl UreqConnector for PoolConnector {
    type Out = PoolConnection;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<PoolConnection>, UreqError> {
        let exchange = Exchange::current().map_err(carry)?;
        let origin = exchange.request.url().origin();
        let connection = self.0.open(origin, &exchange.attempt).map_err(carry)?;
        Ok(Some(PoolConnection {
            connection,
            is_tls: origin.tls,
            received: ReadBuffer::default(),
            buffers: LazyBuffers::new(INPUT_SIZE, OUTPUT_SIZE),
            written: Vec::new(),
        }))
    }
}

/// One connection, as ureq sees it.
struct PoolConnection {
    connection: Connection,
    is_tls: bool,
    /// What came of the answer; ureq does not see it.
    received: ReadBuffer,
    buffers: LazyBuffers,
    /// What ureq wrote of the request: its head without our target and headers, and zeroes.
    written: Vec<u8>,
}

impl fmt::Debug for PoolConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolConnection")
    }
}

impl PoolConnection {
    /// Notes when a kept connection turns out to be dead.
    fn failed(&self, error: Error, exchange: &Exchange) -> UreqError {
        // The handshake of a kept connection is long over: a TLS error comes after the request.
        let error = match self.connection.is_reused && error.phase() == ErrorPhase::Tls {
            true => error.with_phase(ErrorPhase::Receive),
            false => error,
        };
        if error.kind() != ErrorKind::ConnectionLost || !self.connection.is_stale() {
            return carry(error);
        }
        exchange.met_stale.set(true);
        carry(Error::new(ErrorKind::ConnectionLost, ErrorPhase::Send).with_message(format!(
            "{} closed the kept connection as the request was sent",
            self.connection.origin
        )))
    }
}

impl Transport for PoolConnection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    /// ureq writes head and body one after the other; they leave together, in one record.
    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), UreqError> {
        let exchange = Exchange::current().map_err(carry)?;
        self.written.extend(self.buffers.output().iter().take(amount));
        let Some(message) = exchange.message(&self.written) else { return Ok(()) };
        self.written.clear();
        let message = message.expose_secret();
        match self.connection.send(message, &mut self.received, &exchange.attempt) {
            // A peer that closes while we send may have said why: reading will tell.
            Err(error) if error.kind() != ErrorKind::ConnectionLost => {
                Err(self.failed(error, &exchange))
            }
            _ => Ok(()),
        }
    }

    /// Reads the whole answer, and shows ureq an empty one.
    fn await_input(&mut self, _: NextTimeout) -> Result<bool, UreqError> {
        let exchange = Exchange::current().map_err(carry)?;
        let request = &exchange.request;
        let (connection, received) = (&mut self.connection, &mut self.received);
        let answer = read_answer(request, connection, received, &exchange.attempt);
        let (response, keeps) = answer.map_err(|error| self.failed(error, &exchange))?;
        exchange.response.replace(Some(response));
        let empty = if keeps { EMPTY } else { EMPTY_AND_CLOSE };
        self.buffers.input_append_buf()[..empty.len()].copy_from_slice(empty);
        self.buffers.input_appended(empty.len());
        Ok(true)
    }

    /// ureq asks after an answer, and again before it sends the next request on the kept connection:
    /// only then does it matter what the peer has done meanwhile.
    fn is_open(&mut self) -> bool {
        let Ok(exchange) = Exchange::current() else { return false };
        let has_just_answered = self.connection.heard;
        self.received.wipe();
        !exchange.needs_new_connection
            && self.connection.rest()
            && (has_just_answered || self.connection.channel.is_quiet(&exchange.attempt))
    }

    fn is_tls(&self) -> bool {
        self.is_tls
    }
}

/// The answer that ureq sees where the connection can carry another request.
const EMPTY: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
/// The answer that ureq sees where it cannot.
const EMPTY_AND_CLOSE: &[u8] = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
