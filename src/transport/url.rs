//! URLs and the authorities in them, parsed strictly by RFC 3986.
//!
//! Every URL, host and port from outside is parsed here, so that one text cannot lead to two
//! different servers.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use http::Uri;

use crate::error::Error;

/// The absolute `https` or `http` URL of a token endpoint. It never holds a credential.
///
/// It is parsed once, when the client is built, and then passed on parsed.
#[derive(Clone)]
pub struct Url {
    /// The scheme and the host are in lower case, a port that is the scheme's default is left out.
    text: Box<str>,
    /// Where the path begins in `text`.
    path: usize,
    origin: Origin,
    /// The same URL in the type that the HTTP library takes.
    uri: Uri,
}

/// Scheme, host and port: what a kept connection belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) tls: bool,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

/// A host as the URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// An IP address, written without brackets.
    Ip(IpAddr),
    /// A DNS name in lower case.
    Name(String),
}

/// What is wrong with a URL, and what would be right. Never a part of the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UrlError {
    /// Follows the name of the setting.
    pub(super) problem: &'static str,
    /// What is to be done about it, if the form of the setting does not say it all.
    pub(super) remedy: Option<&'static str>,
}

impl UrlError {
    pub(super) const fn new(problem: &'static str) -> Self {
        UrlError { problem, remedy: None }
    }

    const fn with_remedy(problem: &'static str, remedy: &'static str) -> Self {
        UrlError { problem, remedy: Some(remedy) }
    }

    /// The error about the setting of that name, which has this form.
    pub(crate) fn in_setting(self, name: impl Into<Cow<'static, str>>, form: &str) -> Error {
        Error::setting(name, self.problem, self.remedy_with(form))
    }

    pub(super) fn remedy_with(self, form: &str) -> String {
        match self.remedy {
            None => form.to_owned(),
            Some(remedy) => format!("{remedy}; {form}"),
        }
    }
}

const HOST: UrlError = UrlError::new("has an invalid host name");
const PORT: UrlError =
    UrlError::with_remedy("has an invalid port", "a port is a decimal number from 1 to 65535");
/// The URL standard takes such a host for an address (WHATWG URL, "ends in a number checker").
const LIKE_AN_ADDRESS: UrlError = UrlError::with_remedy(
    "has a host that looks like an IPv4 address and is none",
    "write the address in full, as four decimal numbers",
);
const NOT_ASCII: UrlError = UrlError::with_remedy(
    "has characters outside ASCII",
    "write an international host name in its xn-- form",
);

impl Url {
    /// Parses an absolute `https` or `http` URL.
    pub(crate) fn parse(url: &str) -> Result<Self, UrlError> {
        let Parts { scheme, authority, path } = Parts::of(url)?;
        let tls = match scheme {
            None => return Err(UrlError::new("is not an absolute URL")),
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => true,
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => false,
            Some(_) => return Err(UrlError::new("is not https")),
        };
        if path.contains('#') {
            return Err(UrlError::new("has a fragment"));
        }
        let Authority { user_info, host, port } = Authority::parse(authority)?;
        if user_info.is_some() {
            let remedy = "give credentials by their names, not in the URL";
            return Err(UrlError::with_remedy("has user information in it", remedy));
        }
        let port = port.unwrap_or(default_port(tls));
        Url::new(Origin { tls, host, port }, path)
    }

    fn new(origin: Origin, path: &str) -> Result<Self, UrlError> {
        let scheme = if origin.tls { "https" } else { "http" };
        let base = format!("{scheme}://{}", origin.authority());
        let text = format!("{base}{path}");
        let uri = text.parse().map_err(|_| UrlError::new("is not a valid URL"))?;
        Ok(Url { text: text.into(), path: base.len(), origin, uri })
    }

    /// The URL as text, such as `https://vendor.example/token`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port as text, such as `https://vendor.example:8443`: what stands before a
    /// [`Request::target`](super::Request::target).
    #[must_use]
    pub fn origin_str(&self) -> &str {
        &self.text[..self.path]
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether it leads to the host of `other` or to one below it in DNS, at the same port and over
    /// TLS alike.
    pub(crate) fn is_under(&self, other: &Url) -> bool {
        let (this, other) = (&self.origin, &other.origin);
        (this.tls, this.port) == (other.tls, other.port) && this.host.is_under(&other.host)
    }

    /// Path and query as they are written; may be empty.
    pub(crate) fn path(&self) -> &str {
        &self.text[self.path..]
    }

    /// What follows the method in the request line (RFC 9112 §3.2.1).
    pub(super) fn request_target(&self) -> Cow<'_, str> {
        match self.path() {
            "" => Cow::Borrowed("/"),
            path if path.starts_with('/') => Cow::Borrowed(path),
            query => Cow::Owned(format!("/{query}")),
        }
    }

    /// The URL in the type that the HTTP library takes.
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The same as of its text.
impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// The components of a URL, as they are written (RFC 3986 §3).
pub(super) struct Parts<'a> {
    /// What stands before `://`.
    pub(super) scheme: Option<&'a str>,
    pub(super) authority: &'a str,
    /// All that follows.
    pub(super) path: &'a str,
}

impl<'a> Parts<'a> {
    pub(super) fn of(url: &'a str) -> Result<Self, UrlError> {
        if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UrlError::new("has white space or control characters in it"));
        }
        if !url.is_ascii() {
            return Err(NOT_ASCII);
        }
        let (scheme, rest) = match url.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, url),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        Ok(Parts { scheme, authority, path })
    }
}

/// `user:password@host:port`, of which only the host is required (RFC 3986 §3.2).
pub(super) struct Authority<'a> {
    /// Still percent-encoded.
    pub(super) user_info: Option<&'a str>,
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, UrlError> {
        let (user_info, address) = match text.rsplit_once('@') {
            Some((user_info, address)) => (Some(user_info), address),
            None => (None, text),
        };
        if !user_info.unwrap_or_default().bytes().all(is_of_user_info) {
            return Err(USER_INFO);
        }
        let (host, port) = split_port(address)?;
        let host = Host::parse(host)?;
        let port = port.map(|digits| parse_port(digits).ok_or(PORT)).transpose()?;
        Ok(Authority { user_info, host, port })
    }
}

/// Also for what is wrong with the percent-encoding.
pub(super) const USER_INFO: UrlError = UrlError::with_remedy(
    "has a user name or password that is not percent-encoded UTF-8",
    "write special characters as %XX",
);

/// RFC 3986 §3.2.1.
fn is_of_user_info(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:".contains(&byte)
}

/// `host:port` or `host`, where an IPv6 address is in brackets.
pub(super) fn split_port(address: &str) -> Result<(&str, Option<&str>), UrlError> {
    let host = match address.find(']') {
        Some(bracket) if address.starts_with('[') => bracket + 1,
        _ => address.find(':').unwrap_or(address.len()),
    };
    match address.split_at(host) {
        (host, "") => Ok((host, None)),
        (host, rest) => rest.strip_prefix(':').map(|port| (host, Some(port))).ok_or(HOST),
    }
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Whether `text` can stand in a request line as path and query: it then ends neither itself nor the
/// line.
pub(super) fn is_request_target(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
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
}

/// `host:port`, IPv6 addresses in brackets.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Host {
    /// An IP address (IPv6 in brackets) or a DNS name (RFC 1123 §2.1: letters, digits, hyphens).
    pub(super) fn parse(text: &str) -> Result<Self, UrlError> {
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return address.map(|address| Host::Ip(address.into())).ok_or(HOST);
        }
        // Without brackets, an IPv6 address is none.
        if let Ok(address @ IpAddr::V4(_)) = text.parse() {
            return Ok(Host::Ip(address));
        }
        match is_dns_name(text) {
            true if ends_in_a_number(text) => Err(LIKE_AN_ADDRESS),
            true => Ok(Host::Name(text.to_ascii_lowercase())),
            false => Err(HOST),
        }
    }

    /// Whether both are the same. A dot at the end of a name, for the root of DNS, makes no difference
    /// (RFC 1034 §3.1).
    pub(super) fn is_same_as(&self, other: &Host) -> bool {
        match (self, other) {
            (Host::Name(name), Host::Name(other)) => without_dot(name) == without_dot(other),
            _ => self == other,
        }
    }

    /// Whether it is the same as `other`, or below its name in DNS. Nothing is below an address.
    fn is_under(&self, other: &Host) -> bool {
        match (self, other) {
            (Host::Name(name), Host::Name(other)) => {
                let front = without_dot(name).strip_suffix(without_dot(other));
                front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
            }
            _ => self == other,
        }
    }

    /// Whether it names this machine: `localhost` and what is below it (RFC 6761 §6.3), or a loopback
    /// address. Where a name leads is known when it is looked up.
    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Host::Ip(address) => is_loopback(*address),
            Host::Name(name) => {
                let name = without_dot(name);
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }
}

/// Whether an address is this machine's own loopback.
pub(super) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// A DNS name without the dot of the root at its end.
pub(super) fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn is_dns_name(text: &str) -> bool {
    let name = without_dot(text);
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len())
        && label.bytes().all(known)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether the last label is a decimal, octal or hexadecimal number.
fn ends_in_a_number(name: &str) -> bool {
    let last = without_dot(name).rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    hexadecimal.map_or_else(
        || last.bytes().all(|byte| byte.is_ascii_digit()),
        |digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
    )
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
    fn a_url_is_parsed() {
        for (url, origin, request_target) in [
            ("https://api.example.com", "api.example.com:443", "/"),
            ("https://API.example.COM:443/a?b=c", "api.example.com:443", "/a?b=c"),
            ("HTTPS://api.example.com:8443/t", "api.example.com:8443", "/t"),
            ("http://[::1]:8080/t", "[::1]:8080", "/t"),
            ("https://[0:0::ffff:7f00:1]", "[::ffff:127.0.0.1]:443", "/"),
            ("http://127.0.0.1?q", "127.0.0.1:80", "/?q"),
            ("http://127.0.0.1/?q", "127.0.0.1:80", "/?q"),
            ("https://xn--mnchen-3ya.example./", "xn--mnchen-3ya.example.:443", "/"),
            ("https://0x7f.example", "0x7f.example:443", "/"),
            ("https://127.0xfg", "127.0xfg:443", "/"),
        ] {
            let parsed = Url::parse(url).unwrap();
            assert_eq!(parsed.origin().to_string(), origin, "{url}");
            assert_eq!(parsed.request_target(), request_target, "{url}");
            assert_eq!(Url::parse(parsed.as_str()).unwrap().as_str(), parsed.as_str(), "{url}");
            assert_eq!(format!("{}{}", parsed.origin_str(), parsed.path()), parsed.as_str());
            assert!(!parsed.origin_str().ends_with('/'), "{url}");
        }
    }

    #[test]
    fn an_unusable_url_is_named() {
        for (url, problem) in [
            ("", "absolute"),
            ("api.example.com", "absolute"),
            ("ftp://api.example.com/", "https"),
            ("://api.example.com/", "https"),
            ("https://münchen.example/", "characters outside ASCII"),
            ("https://api.exa\u{2003}mple/", "white space"),
            ("https://user:pass@api.example.com/", "user information"),
            ("https://@api.example.com/", "user information"),
            ("https://api.example\\@other.example/", "percent-encoded"),
            ("https://api.example.com/#top", "fragment"),
            ("https://api.example.com#top", "fragment"),
            ("https://api.example.com:0/", "port"),
            ("https://api.example.com:65536/", "port"),
            ("https://api.example.com:/", "port"),
            ("https://api.example.com:-1/", "port"),
            ("https://a:b:[::1]:80/", "port"),
            ("https://::1/", "host name"),
            ("https://[::1]x:8080/", "host name"),
            ("https://x[::1]:8080/", "host name"),
            ("https://api..example.com/", "host name"),
            ("https://-api.example.com/", "host name"),
            ("https://api%2eexample/", "host name"),
            ("https://[::g]/", "host name"),
            ("https://[127.0.0.1]/", "host name"),
            ("https://[::1/", "host name"),
            ("https:///path", "host name"),
            ("https://.", "host name"),
            ("https://300.1.1.1/", "IPv4"),
            ("https://1.2.3.4./", "IPv4"),
            ("https://0177.0.0.1/", "IPv4"),
            ("https://example.0X7f/", "IPv4"),
            ("https://0x/", "IPv4"),
        ] {
            let error = Url::parse(url).unwrap_err();
            assert!(error.problem.contains(problem), "{url}: {error:?}");
        }
    }

    #[test]
    fn a_host_is_under_itself_and_the_names_above_it() {
        for (url, other, is) in [
            ("https://vendor.example/a", "https://vendor.example/b?c", true),
            ("https://vendor.example:443", "https://VENDOR.example", true),
            ("https://login.vendor.example", "https://vendor.example", true),
            ("https://a.b.vendor.example", "https://vendor.example", true),
            ("https://login.vendor.example.", "https://vendor.example", true),
            ("https://vendor.example", "https://vendor.example.", true),
            ("https://127.0.0.1:1", "https://127.0.0.1:1", true),
            ("https://[::1]", "https://[0:0::1]", true),
            ("https://vendor.example", "https://login.vendor.example", false),
            ("https://evilvendor.example", "https://vendor.example", false),
            ("https://vendor.example.evil", "https://vendor.example", false),
            ("https://vendor.example:8443", "https://vendor.example", false),
            ("http://vendor.example:443", "https://vendor.example", false),
            ("https://1.127.0.0.1.example", "https://127.0.0.1", false),
            ("https://127.0.0.2", "https://127.0.0.1", false),
            ("https://[::ffff:127.0.0.1]", "https://127.0.0.1", false),
            ("https://127.0.0.1", "https://vendor.example", false),
        ] {
            let (parsed, parsed_other) = (Url::parse(url).unwrap(), Url::parse(other).unwrap());
            assert_eq!(parsed.is_under(&parsed_other), is, "{url} under {other}");
        }
    }

    #[test]
    fn only_path_and_query_can_stand_in_a_request_line() {
        for good in ["/", "/a/b?c=d&e=%20", "/?q", "//a", "/~!\"$&'()*+,;=:@[\\]^_`{|}"] {
            assert!(is_request_target(good), "{good:?}");
        }
        for bad in [
            "",
            "a",
            "?q",
            "*",
            "https://a/",
            "/a b",
            "/a\r\nb: c",
            "/a\nb",
            "/a\tb",
            "/a\0",
            "/\x7f",
        ] {
            assert!(!is_request_target(bad), "{bad:?}");
        }
        for bad in ["/a#b", "/ä", "/\u{a0}", " /", "/ "] {
            assert!(!is_request_target(bad), "{bad:?}");
        }
    }

    #[test]
    fn loopback_is_recognised_by_name_and_address() {
        for (url, is) in [
            ("https://localhost", true),
            ("https://LOCALHOST.", true),
            ("https://a.localhost", true),
            ("https://127.9.9.9", true),
            ("https://[::1]", true),
            ("https://[::ffff:127.0.0.1]", true),
            ("https://notlocalhost", false),
            ("https://localhost.example", false),
            ("https://0.0.0.0", false),
            ("https://10.0.0.1", false),
        ] {
            assert_eq!(Url::parse(url).unwrap().origin().host.is_loopback(), is, "{url}");
        }
    }
}
