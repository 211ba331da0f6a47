//! Opening connections: resolve, connect, tunnel, TLS.

use std::net::{IpAddr, SocketAddr};

use super::attempt::Attempt;
use super::connect::connect;
use super::connection::Connection;
use super::proxy::{Proxies, Proxy};
use super::resolve::Resolver;
use super::settings::Settings;
use super::tls::TlsConfig;
use super::url::{Host, Origin, is_loopback};
use crate::error::{Error, ErrorPhase};
use crate::memory::wipe_dead_stack;

/// How connections are opened.
pub(super) struct Connector {
    pub(super) resolver: Resolver,
    pub(super) proxies: Proxies,
    pub(super) tls: TlsConfig,
}

impl Connector {
    /// Checks the settings.
    pub(super) fn new(settings: &Settings) -> Result<Self, Error> {
        Ok(Connector {
            resolver: Resolver::new(overrides(&settings.resolve)?),
            proxies: Proxies::new(&settings.proxy)?,
            tls: TlsConfig::new(settings)?,
        })
    }

    /// A new connection to `origin`, ready for a request.
    pub(super) fn open(&self, origin: &Origin, attempt: &Attempt) -> Result<Connection, Error> {
        let proxy = self.proxies.for_origin(origin);
        let addresses = self.resolve(origin, proxy, attempt)?;
        let mut socket = connect(&addresses, attempt, Connector::connect_phase(proxy))?;
        if let Some(proxy) = proxy {
            socket = proxy.tunnel(socket, origin, &self.resolver, attempt)?;
        }
        if !origin.tls {
            return Ok(Connection::new(origin, Box::new(socket)));
        }
        let session = self.tls.open(&origin.host, socket, attempt);
        // The handshake uses more of the stack than what follows, and rendering the request left
        // secrets there.
        wipe_dead_stack();
        Ok(Connection::new(origin, session?))
    }

    /// The addresses to connect to: those of the proxy, or else of the origin.
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

    /// The phase of an error while connecting.
    pub(super) fn connect_phase(proxy: Option<&Proxy>) -> ErrorPhase {
        if proxy.is_some() { ErrorPhase::Proxy } else { ErrorPhase::Connect }
    }
}

/// Without TLS nothing may leave this machine, whatever the settings or DNS say about the name.
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

fn overrides(given: &[(String, IpAddr)]) -> Result<Vec<(Host, IpAddr)>, Error> {
    const FORM: &str = "write the host as in base_url, without scheme and port";
    let parse = |(name, address): &(String, IpAddr)| {
        let host = match Host::parse(name) {
            Ok(host @ Host::Name(_)) => return Ok((host, *address)),
            other => other,
        };
        let remedy = host.err().map_or(FORM.to_owned(), |error| error.remedy_with(FORM));
        Err(Error::setting("resolve", "names a host that is not a valid DNS name", remedy))
    };
    given.iter().map(parse).collect()
}
