//! The built-in transport: HTTP/1.1 by ureq, over connections of our own.

use std::borrow::Cow;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use super::agent::{Exchange, agent};
use super::connect::connect;
use super::examine::Examination;
use super::header::check_user_agent;
use super::link::Link;
use super::proxy::{Proxies, Proxy};
use super::resolve::Resolver;
use super::settings::Settings;
use super::tls::{Session, TlsConfig};
use super::url::{Host, Origin, Url, is_loopback};
use super::walk::walk;
use super::{Attempt, MAX_ANSWER, Request, Response, Transport};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::PerProcess;
use crate::memory::{SecretBuf, wipe_dead_stack};

/// Carries requests over TLS, directly or through a proxy, on connections that it keeps for a
/// while. Every step ends with its attempt.
pub(crate) struct HttpsTransport {
    agent: PerProcess<ureq::Agent>,
    /// For examinations, which go the same way without the agent.
    routes: Arc<Routes>,
    user_agent: Cow<'static, str>,
}

/// How connections are opened.
pub(super) struct Routes {
    pub(super) resolver: Resolver,
    pub(super) proxies: Proxies,
    pub(super) tls: TlsConfig,
}

impl HttpsTransport {
    /// Checks all settings; nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSetting`], naming the setting.
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        let resolver = Resolver::new(overrides(&settings.resolve)?);
        HttpsTransport::with_resolver(settings, resolver)
    }

    #[cfg(test)]
    pub(super) fn with_lookup(
        settings: Settings,
        lookup: impl Fn(&str) -> std::io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        let mut resolver = Resolver::new(Vec::new());
        resolver.lookup = Arc::new(lookup);
        HttpsTransport::with_resolver(settings, resolver).unwrap()
    }

    fn with_resolver(settings: Settings, resolver: Resolver) -> Result<Self, Error> {
        check_user_agent(&settings.user_agent)?;
        let routes = Arc::new(Routes {
            resolver,
            proxies: Proxies::new(&settings.proxy)?,
            tls: TlsConfig::new(&settings)?,
        });
        let (user_agent, max_idle_age) = (settings.user_agent, settings.max_idle_age);
        // A forked child must touch neither its parent's connections nor the lock of their pool.
        let (by, name) = (Arc::clone(&routes), user_agent.clone());
        let agent = PerProcess::new(move || agent(Arc::clone(&by), &name, max_idle_age));
        Ok(HttpsTransport { agent, routes, user_agent })
    }

    fn exchange(&self, request: &Request, exchange: &Rc<Exchange>) -> Result<Response, Error> {
        let stand_in = vec![0; request.body().len()];
        let built = ureq::http::Request::post(request.url().uri().clone())
            .body(&stand_in[..])
            .map_err(|_| Error::new(ErrorKind::Internal, ErrorPhase::Configure))?;
        let agent = self.agent.get();
        exchange.run(|| {
            let answer = agent.run(built);
            let mut answer = answer.map_err(|error| exchange.meaning(error))?;
            let body = read_body(&mut answer, exchange)?;
            let headers = Response::HEADERS.iter();
            let headers: Vec<_> = headers
                .filter_map(|name| Some((*name, answer.headers().get(*name)?.to_str().ok()?)))
                .collect();
            Ok(Response::new(answer.status().as_u16(), &headers, body))
        })
    }
}

impl Transport for HttpsTransport {
    fn send(&self, request: &Request, attempt: &Attempt) -> Result<Response, Error> {
        attempt.remaining(ErrorPhase::Connect)?;
        let exchange = Exchange::new(request, attempt, false)?;
        match self.exchange(request, &exchange) {
            Err(_) if exchange.met_stale.get() && request.is_replayable() => {
                let fresh = Exchange::new(request, attempt, true)?;
                self.exchange(request, &fresh)
            }
            outcome => outcome,
        }
    }

    fn examine(&self, url: &Url, attempt: &Attempt) -> Examination {
        walk(&self.routes, url, &self.user_agent, attempt)
    }
}

impl Routes {
    /// A new connection to `origin`, ready for a request.
    pub(super) fn open(&self, origin: &Origin, attempt: &Attempt) -> Result<Link, Error> {
        let proxy = self.proxies.for_origin(origin);
        let addresses = self.resolve(origin, proxy, attempt)?;
        let mut socket = connect(&addresses, attempt, Routes::connect_phase(proxy))?;
        if let Some(proxy) = proxy {
            socket = proxy.tunnel(socket, origin, &self.resolver, attempt)?;
        }
        if !origin.tls {
            return Ok(Link::plain(origin.clone(), socket));
        }
        let session = Session::open(&self.tls, &origin.host, socket, attempt);
        // It goes deeper than what follows, over what rendering the request has left there.
        wipe_dead_stack();
        Ok(Link::tls(origin.clone(), session?))
    }

    /// Where to connect to: the proxy, or else the origin itself.
    pub(super) fn resolve(
        &self,
        origin: &Origin,
        proxy: Option<&Proxy>,
        attempt: &Attempt,
    ) -> Result<Vec<SocketAddr>, Error> {
        let addresses = match proxy {
            Some(Proxy { host, port, .. }) => {
                self.resolver.resolve(host, *port, attempt, ErrorPhase::Proxy)?
            }
            None => {
                self.resolver.resolve(&origin.host, origin.port, attempt, ErrorPhase::Resolve)?
            }
        };
        if !origin.tls {
            check_loopback(&origin.host, &addresses)?;
        }
        Ok(addresses)
    }

    /// What a failure to connect is about.
    pub(super) fn connect_phase(proxy: Option<&Proxy>) -> ErrorPhase {
        if proxy.is_some() { ErrorPhase::Proxy } else { ErrorPhase::Connect }
    }
}

/// Without TLS nothing leaves this machine, whatever the settings or DNS say of the name.
fn check_loopback(host: &Host, addresses: &[SocketAddr]) -> Result<(), Error> {
    match addresses.iter().find(|address| !is_loopback(address.ip())) {
        None => Ok(()),
        Some(address) => Err(Error::setting(
            "plain_http_to_loopback",
            format!("sends to this machine only, and {host} leads to {}", address.ip()),
            "use https, or correct the setting resolve, the hosts file or DNS",
        )),
    }
}

/// Lets ureq read the body as far as it may go.
fn read_body(
    answer: &mut ureq::http::Response<ureq::Body>,
    exchange: &Exchange,
) -> Result<SecretBuf, Error> {
    // They are zeroes; how many there are is what counts.
    let (mut zeroes, mut length) = ([0; 2 * 1024], 0);
    let mut reader = answer.body_mut().as_reader();
    loop {
        match reader.read(&mut zeroes).map_err(|error| exchange.meaning(error.into()))? {
            0 => return Ok(exchange.body(length)),
            amount => length += amount,
        }
        if length > MAX_ANSWER {
            return Err(exchange.told(Error::new(ErrorKind::AnswerTooLarge, ErrorPhase::Receive)));
        }
    }
}

fn overrides(given: &[(String, IpAddr)]) -> Result<Vec<(Host, IpAddr)>, Error> {
    const FORM: &str = "write the host as in base_url, without scheme and port";
    let parse = |(name, address): &(String, IpAddr)| {
        let host = match Host::parse(name) {
            Ok(host @ Host::Name(_)) => return Ok((host, *address)),
            other => other,
        };
        let remedy = host.err().map_or(FORM.to_owned(), |flaw| flaw.remedy_with(FORM));
        Err(Error::setting("resolve", "names a host that is not a valid DNS name", remedy))
    };
    given.iter().map(parse).collect()
}
