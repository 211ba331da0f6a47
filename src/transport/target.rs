//! Where a request goes: a URL, taken apart and checked.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use http::Uri;

use crate::error::Error;

/// The parts of a token endpoint's URL that a connection and a request line need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(super) origin: Origin,
    /// What follows `POST` in the request line.
    pub(super) path: String,
}

/// Scheme, host and port: what a kept connection belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) tls: bool,
    pub(super) host: Host,
    pub(super) port: u16,
}

/// A host as the URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// An IP address, written without brackets.
    Ip(IpAddr),
    /// A DNS name in lower case.
    Name(String),
}

impl Target {
    /// Takes `url` apart.
    ///
    /// # Errors
    /// When it is not an absolute `https` or `http` URL of a valid host, or holds a user name or
    /// a fragment. The error names `base_url`, since that is where every URL starts.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        if !url.is_ascii() {
            return Err(unusable("has characters outside ASCII", IDNA));
        }
        if url.contains('#') {
            return Err(unusable("has a fragment (#…)", PLAIN));
        }
        let uri: Uri = url.parse().map_err(|_| unusable("is not a URL", PLAIN))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(unusable("is not an https URL", PLAIN)),
        };
        let authority = uri.authority().ok_or_else(|| unusable("has no host", PLAIN))?;
        if authority.as_str().contains('@') {
            return Err(unusable("holds a user name or password", "give credentials by name"));
        }
        let host = Host::parse(authority.host())
            .ok_or_else(|| unusable("has a host name that is not valid", IDNA))?;
        let rest = authority.as_str().get(authority.host().len()..).unwrap_or_default();
        let port = match rest.strip_prefix(':') {
            None => default_port(tls),
            Some(digits) => parse_port(digits)
                .ok_or_else(|| unusable("has a port that is not in 1 to 65535", PLAIN))?,
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.into() } else { format!("/{path}") };
        Ok(Target { origin: Origin { tls, host, port }, path })
    }
}

const PLAIN: &str = "give it as https://host or https://host:port/path";
const IDNA: &str =
    "write international names in their ASCII form (xn--…), IPv6 addresses in brackets";

fn unusable(problem: &'static str, remedy: &'static str) -> Error {
    Error::setting("base_url", problem, remedy)
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// A decimal port from 1 to 65535, without sign or spaces.
pub(super) fn parse_port(digits: &str) -> Option<u16> {
    let decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| decimal && *port != 0)
}

impl Origin {
    /// The value of a `Host` header: without the port if it is the scheme's own.
    pub(super) fn authority(&self) -> String {
        if self.port == default_port(self.tls) { self.host.to_string() } else { self.to_string() }
    }

    /// Whether it names this machine: `localhost` or a loopback address.
    pub(super) fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Ip(address) => address.to_canonical().is_loopback(),
            Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }
}

/// `host:port`, IPv6 addresses in brackets.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Host {
    /// An IP address (IPv6 in brackets) or a DNS name (RFC 1123 §2.1: letters, digits, hyphens).
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
            return Some(Host::Ip(address.into()));
        }
        if let Ok(address) = text.parse() {
            return Some(Host::Ip(address));
        }
        is_dns_name(text).then(|| Host::Name(text.to_ascii_lowercase()))
    }
}

/// Whether it is a host as URLs name it.
pub(crate) fn is_host(text: &str) -> bool {
    Host::parse(text).is_some()
}

fn is_dns_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or_default();
    // A last label of digits alone can only be a mistyped IPv4 address.
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253 && !numeric && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len())
        && label.bytes().all(known)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Host::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, printed, path) in [
            ("https://api.example.com", "api.example.com:443", "/"),
            ("https://API.example.com:443/a?b=c", "api.example.com:443", "/a?b=c"),
            ("https://api.example.com:8443/t", "api.example.com:8443", "/t"),
            ("http://[::1]:8080/t", "[::1]:8080", "/t"),
            ("http://127.0.0.1/?q", "127.0.0.1:80", "/?q"),
            ("https://xn--mnchen-3ya.example./", "xn--mnchen-3ya.example.:443", "/"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!(target.origin.to_string(), printed, "{url}");
            assert_eq!(target.path, path, "{url}");
        }
    }

    #[test]
    fn an_unusable_url_is_named() {
        for (url, problem) in [
            ("", "is not a URL"),
            ("api.example.com", "is not an https URL"),
            ("ftp://api.example.com/", "is not an https URL"),
            ("https://münchen.example/", "characters outside ASCII"),
            ("https://user:pass@api.example.com/", "user name or password"),
            ("https://api.example.com/#top", "fragment"),
            ("https://api.example.com:0/", "port"),
            ("https://api.example.com:65536/", "port"),
            ("https://api.example.com:/", "port"),
            ("https://api..example.com/", "host name"),
            ("https://-api.example.com/", "host name"),
            ("https://300.1.1.1/", "host name"),
            ("https://[::g]/", "host name"),
            ("https://[::1/", "not a URL"),
        ] {
            let error = Target::parse(url).unwrap_err();
            assert_eq!(error.field(), Some("base_url"), "{url}");
            assert!(error.message().contains(problem), "{url}: {error}");
            assert!(!error.to_string().contains("pass@"), "{error}");
        }
    }

    #[test]
    fn loopback_is_recognised_by_name_and_address() {
        for (url, is) in [
            ("https://localhost", true),
            ("https://a.localhost", true),
            ("https://127.9.9.9", true),
            ("https://[::1]", true),
            ("https://[::ffff:127.0.0.1]", true),
            ("https://notlocalhost", false),
            ("https://10.0.0.1", false),
        ] {
            assert_eq!(Target::parse(url).unwrap().origin.is_loopback(), is, "{url}");
        }
    }
}
