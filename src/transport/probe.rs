//! Tries the way to the vendor one step at a time, on a connection of its own.
//!
//! At the end it sends a GET without credentials. GET is safe (RFC 9110 §9.2.1): no vendor takes it
//! for an attempt to sign in, so it cannot lock an account or trip a guard against guessed
//! passwords, as an empty POST might. A token endpoint mostly answers it with 404 or 405. That is as
//! good as any other answer: the request came all the way.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::channel::Channel;
use super::connect::connect;
use super::connection::Connection;
use super::connector::Connector;
use super::head::{HeadError, HeadReader};
use super::message::Response;
use super::probe_report::{Probe, ProbeOutcome, ProbeStep, STEPS};
use super::read_buffer::{ReadBuffer, Received};
use super::url::{Host, Url};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::SecretBuf;

/// Tries each step that a request to `url` takes.
pub(super) fn probe(
    connector: &Connector,
    url: &Url,
    user_agent: &str,
    attempt: &Attempt,
) -> Probe {
    let mut steps = Steps(Vec::new());
    let answer = steps.take(connector, url, user_agent, attempt);
    for name in STEPS.iter().skip(steps.0.len()) {
        steps.skip(name, "not reached");
    }
    Probe::new(steps.0, answer)
}

/// The steps so far.
struct Steps(Vec<ProbeStep>);

impl Steps {
    /// Takes the steps of [`Connector::open`] and sends one request. Ends at the first that fails.
    fn take(
        &mut self,
        connector: &Connector,
        url: &Url,
        user_agent: &str,
        attempt: &Attempt,
    ) -> Option<Response> {
        let origin = url.origin();
        let proxy = connector.proxies.for_origin(origin);
        let of_proxy = if proxy.is_some() { "the proxy " } else { "" };
        let addresses = self.step("resolve", || {
            let addresses = connector.resolve(origin, proxy, attempt)?;
            let host = proxy.map_or(&origin.host, |proxy| &proxy.host);
            let is_set = connector.resolver.known(host).next().is_some();
            let found = addresses_of(host, &addresses, is_set);
            Ok((addresses, format!("{of_proxy}{found}")))
        })?;
        let mut socket = self.step("connect", || {
            let socket = connect(&addresses, attempt, Connector::connect_phase(proxy))?;
            let found = format!("to {of_proxy}{}", socket.peer());
            Ok((socket, found))
        })?;
        match proxy {
            None => self.skip("proxy", &connector.proxies.why_not()),
            Some(proxy) => {
                socket = self.step("proxy", || {
                    let tunnel = proxy.tunnel(socket, origin, &connector.resolver, attempt)?;
                    Ok((tunnel, format!("{proxy} opened the way to {origin}")))
                })?;
            }
        }
        let channel: Box<dyn Channel> = if origin.tls {
            self.step("tls", || {
                let config = connector.tls.without_resumption();
                let session = config.open(&origin.host, socket, attempt)?;
                let found = session.describe();
                Ok((session, found))
            })?
        } else {
            self.skip("tls", "not used: plain http to this machine itself");
            Box::new(socket)
        };
        let connection = Connection::new(origin, channel);
        let answer = self.step("request", || {
            let answer = get(connection, url, user_agent, attempt)?;
            let found = format!("HTTP {} to a GET without credentials", answer.status());
            Ok((answer, found))
        })?;
        self.judge(answer.status());
        Some(answer)
    }

    /// Takes one step, which returns what the next one needs, and what it found.
    fn step<T>(
        &mut self,
        name: &'static str,
        take: impl FnOnce() -> Result<(T, String), Error>,
    ) -> Option<T> {
        let start = Instant::now();
        let (value, found) = match take() {
            Ok((value, found)) => (Some(value), Ok(found)),
            Err(error) => (None, Err(error)),
        };
        self.note(name, found, start.elapsed());
        value
    }

    /// Not inlined, to use less of the stack; a probe may be slow.
    #[inline(never)]
    fn note(&mut self, name: &'static str, found: Result<String, Error>, took: Duration) {
        self.0.push(match found {
            Ok(found) => ProbeStep::new(name, ProbeOutcome::Ok, took, found),
            Err(error) => ProbeStep::failed(name, error, took),
        });
    }

    fn skip(&mut self, name: &'static str, why: &str) {
        self.0.push(ProbeStep::skipped(name, why));
    }

    /// Warns of a status that token requests will probably get, too.
    fn judge(&mut self, status: u16) {
        let why = match status {
            300..400 => "; a redirect, which is never followed: check base_url",
            500.. => "; the vendor's service, or a gateway in front of it, is in trouble",
            _ => return,
        };
        if let Some(step) = self.0.last_mut() {
            step.outcome = ProbeOutcome::Warning;
            step.finding.push_str(why);
        }
    }
}

#[inline(never)]
fn addresses_of(host: &Host, addresses: &[SocketAddr], is_set: bool) -> String {
    let ips: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    let ips = ips.join(", ");
    match host {
        Host::Ip(_) => format!("{ips} (an address already)"),
        Host::Name(name) if is_set => format!("{name}: {ips} (as set; DNS was not asked)"),
        Host::Name(name) => format!("{name}: {ips}"),
    }
}

/// Sends a GET without credentials and reads the head of the answer.
#[inline(never)]
fn get(
    mut connection: Connection,
    url: &Url,
    user_agent: &str,
    attempt: &Attempt,
) -> Result<Response, Error> {
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: {}\r\nuser-agent: {user_agent}\r\n\
         accept: application/json\r\nconnection: close\r\n\r\n",
        url.request_target(),
        url.origin().authority()
    );
    let mut received = ReadBuffer::default();
    match connection.send(request.as_bytes(), &mut received, attempt) {
        // A peer that closes while we send may have said why: reading will tell.
        Err(error) if error.kind() != ErrorKind::ConnectionLost => return Err(error),
        _ => {}
    }
    let mut reader = HeadReader::default();
    loop {
        match reader.read(received.unread()).map_err(HeadError::in_answer)? {
            Some(head) if head.is_interim() => {
                let length = head.length;
                received.consume(length);
            }
            Some(head) => {
                let headers = head.texts(Response::is_read);
                return Ok(Response::new(head.status, &headers, SecretBuf::default()));
            }
            None => {
                if connection.receive(&mut received, attempt)? != Received::Data {
                    return Err(connection.ended(ErrorPhase::Receive));
                }
            }
        }
    }
}
