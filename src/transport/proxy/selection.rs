//! Which proxy is used, as the setting or the environment says.

use std::env;
use std::fmt;

use zeroize::Zeroize;

use super::login::Login;
use super::no_proxy::NoProxy;
use crate::error::Error;
use crate::transport::settings::ProxyChoice;
use crate::transport::url::{Authority, Host, Origin, Parts, UrlError};

const FIELD: &str = "proxy";

/// Chooses the proxy for a host, if any.
pub(in crate::transport) struct Proxies {
    proxy: Option<Proxy>,
    /// Set when the choice comes from the environment.
    no_proxy: Option<NoProxy>,
}

impl Proxies {
    pub(in crate::transport) fn new(choice: &ProxyChoice) -> Result<Self, Error> {
        match choice {
            ProxyChoice::Off => Ok(Proxies { proxy: None, no_proxy: None }),
            ProxyChoice::Environment => Proxies::from_variables(|name| env::var(name).ok()),
            ProxyChoice::Url(url) => {
                let proxy = Proxy::of_setting(url.expose_secret())?;
                Ok(Proxies { proxy: Some(proxy), no_proxy: None })
            }
        }
    }

    fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let either = |lower: &'static str, upper: &'static str| {
            [lower, upper].into_iter().find_map(|name| {
                get(name).filter(|value| !value.trim().is_empty()).map(|value| (name, value))
            })
        };
        let found =
            either("https_proxy", "HTTPS_PROXY").or_else(|| either("all_proxy", "ALL_PROXY"));
        let proxy = match found {
            None => None,
            Some((variable, mut url)) => {
                let proxy = Proxy::of_variable(variable, url.trim());
                url.zeroize();
                Some(proxy?)
            }
        };
        let list = either("no_proxy", "NO_PROXY").map(|(_, list)| list).unwrap_or_default();
        Ok(Proxies { proxy, no_proxy: Some(NoProxy::parse(&list)) })
    }

    /// The proxy to reach `origin` through, if any.
    ///
    /// Plain http goes to this machine only, and never through a proxy.
    pub(in crate::transport) fn for_origin(&self, origin: &Origin) -> Option<&Proxy> {
        let excepted =
            |list: &NoProxy| origin.host.is_loopback() || list.contains(&origin.host, origin.port);
        let direct = !origin.tls || self.no_proxy.as_ref().is_some_and(excepted);
        self.proxy.as_ref().filter(|_| !direct)
    }

    /// Why there is none for an origin.
    pub(in crate::transport) fn why_not(&self) -> String {
        match &self.proxy {
            None => "none is set".into(),
            Some(proxy) => format!("{proxy} is set, but not used for this host"),
        }
    }
}

/// A proxy and how to speak to it.
pub(in crate::transport) struct Proxy {
    pub(super) protocol: Protocol,
    pub(in crate::transport) host: Host,
    pub(in crate::transport) port: u16,
    pub(super) login: Option<Login>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    /// HTTP `CONNECT` (RFC 9110 §9.3.6).
    Connect,
    /// SOCKS 5 (RFC 1928) to an address that we look up.
    Socks5,
    /// SOCKS 5 to a name that the proxy looks up.
    Socks5h,
}

const FORM: &str = "write it as http://host:port or socks5h://user:password@host:port";

impl Proxy {
    /// Reads the setting, which has a scheme.
    fn of_setting(url: &str) -> Result<Self, Error> {
        if !url.contains("://") {
            let problem = "is neither a URL nor environment or off";
            return Err(Error::setting(FIELD, problem, FORM));
        }
        Proxy::parse(url).map_err(|error| error.in_setting(FIELD, FORM))
    }

    /// Reads what an environment variable says. As curl does, a URL without scheme is taken for an
    /// HTTP proxy.
    fn of_variable(name: &str, url: &str) -> Result<Self, Error> {
        Proxy::parse(url).map_err(|error| {
            let problem = format!("from the variable {name} {}", error.problem);
            Error::setting(FIELD, problem, error.remedy_with(FORM))
        })
    }

    fn parse(url: &str) -> Result<Self, UrlError> {
        let Parts { scheme, authority, path } = Parts::of(url)?;
        let scheme = scheme.unwrap_or("http").to_ascii_lowercase();
        let (protocol, usual_port) = match scheme.as_str() {
            "http" => (Protocol::Connect, 80),
            "socks5" => (Protocol::Socks5, 1080),
            "socks5h" => (Protocol::Socks5h, 1080),
            _ => return Err(UrlError::new("has a scheme other than http, socks5 and socks5h")),
        };
        let Authority { user_info, host, port } = Authority::parse(authority)?;
        if !matches!(path, "" | "/") {
            return Err(UrlError::new("has a path, query or fragment"));
        }
        let login = user_info.map(Login::parse).transpose()?;
        Ok(Proxy { protocol, host, port: port.unwrap_or(usual_port), login })
    }
}

/// The proxy's URL, without credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            Protocol::Connect => "http",
            Protocol::Socks5 => "socks5",
            Protocol::Socks5h => "socks5h",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::url::Url;

    /// The proxy's address for `url`, given these variables.
    fn chosen(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let proxies = Proxies::from_variables(get).unwrap();
        let url = Url::parse(url).unwrap();
        let proxy = proxies.for_origin(url.origin())?;
        Some(format!("{:?} {}:{}", proxy.protocol, proxy.host, proxy.port))
    }

    #[test]
    fn the_environment_chooses_the_proxy() {
        let url = "https://api.example.com/";
        let connect = |host: &str| Some(format!("Connect {host}"));
        for (variables, wanted) in [
            (&[][..], None),
            (&[("HTTPS_PROXY", "http://a:1")], connect("a:1")),
            (&[("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:1")], connect("a:1")),
            (&[("https_proxy", ""), ("HTTPS_PROXY", " http://b:1 ")], connect("b:1")),
            (&[("ALL_PROXY", "socks5h://c")], Some("Socks5h c:1080".into())),
            (&[("all_proxy", "c:3128"), ("HTTPS_PROXY", "b:1")], connect("b:1")),
            (&[("HTTP_PROXY", "http://a:1"), ("http_proxy", "http://a:1")], None),
            (&[("HTTPS_PROXY", "a:1"), ("NO_PROXY", "*")], None),
        ] {
            assert_eq!(chosen(variables, url), wanted, "{variables:?}");
        }
    }

    #[test]
    fn exceptions_name_domains_addresses_and_nets() {
        for (list, url, excepted) in [
            ("example.com", "https://example.com/", true),
            ("example.com", "https://api.example.com/", true),
            (".example.com", "https://api.example.com/", true),
            ("*.example.com", "https://api.example.com/", true),
            ("EXAMPLE.com", "https://API.example.COM./", true),
            ("example.com", "https://notexample.com/", false),
            ("api.example.com", "https://example.com/", false),
            ("a.test, example.com b.test", "https://example.com/", true),
            ("example.com:443", "https://example.com/", true),
            ("example.com:8443", "https://example.com/", false),
            ("10.0.0.1", "https://10.0.0.1/", true),
            ("10.0.0.0/8", "https://10.200.0.1/", true),
            ("10.0.0.0/8", "https://11.0.0.1/", false),
            ("0.0.0.0/0", "https://11.0.0.1/", true),
            ("10.0.0.0/8", "https://[::1:2:3]/", false),
            ("fd00::/8", "https://[fd12::1]/", true),
            ("fd00::1", "https://[fd00::1]/", true),
            ("[fd00::1]:443", "https://[fd00::1]/", true),
            ("::/0", "https://[fd00::1]/", true),
            ("10.0.0.0/33, example.com:x, /, ,", "https://10.0.0.1/", false),
            ("", "https://localhost/", true),
            ("", "https://127.0.0.1/", true),
            ("", "https://[::1]/", true),
        ] {
            let variables = [("HTTPS_PROXY", "proxy:1"), ("NO_PROXY", list)];
            assert_eq!(chosen(&variables, url).is_none(), excepted, "{list} for {url}");
        }
    }

    #[test]
    fn a_bad_variable_is_named_and_not_shown() {
        let get = |name: &str| (name == "ALL_PROXY").then(|| "ftp://u:hunter2@p".to_owned());
        let Err(error) = Proxies::from_variables(get) else { panic!("accepted") };
        assert_eq!(error.field(), Some("proxy"));
        assert!(error.message().contains("ALL_PROXY"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
