//! Walks the way to the vendor, one step at a time, on a connection of its own.
//!
//! What goes out at the end is a GET without credentials. GET is safe (RFC 9110 §9.2.1): no vendor
//! takes it for an attempt to sign in, so it can lock no account and trip no guard against guessed
//! passwords, as an empty POST may. That a token endpoint answers it with 404 or 405 is as good as
//! any other answer: it came all the way.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use httparse::{EMPTY_HEADER, Status};

use super::agent::{long_head, many_headers, not_http};
use super::buffer::Window;
use super::connect::connect;
use super::examine::{Examination, Outcome, STEPS, Step};
use super::https::Routes;
use super::link::{Arrived, Link};
use super::tls::Session;
use super::url::{Host, Url};
use super::veil::{LONGEST_HEAD, MOST_HEADERS};
use super::{Attempt, Response};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::SecretBuf;

/// Examines the way that requests to `url` take.
pub(super) fn walk(routes: &Routes, url: &Url, user_agent: &str, attempt: &Attempt) -> Examination {
    let mut log = Log(Vec::new());
    let answer = log.walk(routes, url, user_agent, attempt);
    for name in STEPS.iter().skip(log.0.len()) {
        log.skip(name, "not reached");
    }
    Examination { steps: log.0, answer }
}

/// The steps so far.
struct Log(Vec<Step>);

impl Log {
    /// Takes the steps of [`Routes::open`], and one request; ends at the first that fails.
    fn walk(
        &mut self,
        routes: &Routes,
        url: &Url,
        user_agent: &str,
        attempt: &Attempt,
    ) -> Option<Response> {
        let origin = url.origin();
        let proxy = routes.proxies.for_origin(origin);
        let of_proxy = if proxy.is_some() { "the proxy " } else { "" };
        let addresses = self.step("resolve", || {
            let addresses = routes.resolve(origin, proxy, attempt)?;
            let host = proxy.map_or(&origin.host, |proxy| &proxy.host);
            let is_set = routes.resolver.known(host).next().is_some();
            let found = addresses_of(host, &addresses, is_set);
            Ok((addresses, format!("{of_proxy}{found}")))
        })?;
        let mut socket = self.step("connect", || {
            let socket = connect(&addresses, attempt, Routes::connect_phase(proxy))?;
            let found = format!("to {of_proxy}{}", socket.peer());
            Ok((socket, found))
        })?;
        match proxy {
            None => self.skip("proxy", &routes.proxies.why_not()),
            Some(proxy) => {
                socket = self.step("proxy", || {
                    let tunnel = proxy.tunnel(socket, origin, &routes.resolver, attempt)?;
                    Ok((tunnel, format!("{proxy} opened the way to {origin}")))
                })?;
            }
        }
        let link = if origin.tls {
            self.step("tls", || {
                let config = routes.tls.without_resumption();
                let session = Session::open(&config, &origin.host, socket, attempt)?;
                let found = session.describe();
                Ok((Link::tls(origin.clone(), session), found))
            })?
        } else {
            self.skip("tls", "not used: plain http to this machine itself");
            Link::plain(origin.clone(), socket)
        };
        let answer = self.step("request", || {
            let answer = ask(link, url, user_agent, attempt)?;
            let found = format!("HTTP {} to a GET without credentials", answer.status());
            Ok((answer, found))
        })?;
        self.judge(answer.status());
        Some(answer)
    }

    /// Takes one step, which gives what the next one needs, and what it found.
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

    /// Not inlined: nobody is in a hurry here.
    #[inline(never)]
    fn note(&mut self, name: &'static str, found: Result<String, Error>, took: Duration) {
        self.0.push(match found {
            Ok(found) => Step::new(name, Outcome::Ok, took, found),
            Err(error) => Step::failed(name, error, took),
        });
    }

    fn skip(&mut self, name: &'static str, why: &str) {
        self.0.push(Step::skipped(name, why));
    }

    /// Warns of a status that bodes ill for token requests, too.
    fn judge(&mut self, status: u16) {
        let why = match status {
            300..400 => "; a redirect, which is never followed: check base_url",
            500.. => "; the vendor's service, or a gateway in front of it, is in trouble",
            _ => return,
        };
        if let Some(step) = self.0.last_mut() {
            step.outcome = Outcome::Warning;
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
fn ask(mut link: Link, url: &Url, user_agent: &str, attempt: &Attempt) -> Result<Response, Error> {
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: {}\r\nuser-agent: {user_agent}\r\n\
         accept: application/json\r\nconnection: close\r\n\r\n",
        url.request_target(),
        url.origin().authority()
    );
    let mut received = Window::default();
    match link.send(request.as_bytes(), &mut received, attempt) {
        // A peer that closes while we send may have said why: the reading will tell.
        Err(error) if error.kind() != ErrorKind::ConnectionLost => return Err(error),
        _ => {}
    }
    let mut read = 0;
    loop {
        let mut headers = [EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let parsed = head.parse(received.unread());
        match (parsed, head.code.unwrap_or_default()) {
            (Err(httparse::Error::TooManyHeaders), _) => return Err(many_headers()),
            (Err(_), _) => return Err(not_http("its head makes no sense")),
            (Ok(Status::Complete(length)), 100..200) => {
                received.consume(length);
                continue;
            }
            (Ok(Status::Complete(_)), status) => return Ok(of_head(status, head.headers)),
            (Ok(Status::Partial), _) => {}
        }
        if read > LONGEST_HEAD {
            return Err(long_head());
        }
        let before = received.unread().len();
        if link.receive(&mut received, attempt)? != Arrived::Some {
            return Err(link.ended(ErrorPhase::Receive));
        }
        read += received.unread().len() - before;
    }
}

/// The answer without its body, which nobody reads.
fn of_head(status: u16, headers: &[httparse::Header<'_>]) -> Response {
    let read = headers.iter().filter_map(|header| {
        let value = std::str::from_utf8(header.value).ok()?;
        let is_read = |name: &&str| name.eq_ignore_ascii_case(header.name);
        Response::HEADERS.iter().any(is_read).then_some((header.name, value))
    });
    Response::new(status, &read.collect::<Vec<_>>(), SecretBuf::default())
}
