//! Which proxy to use, and how to get through it.

use std::env;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use httparse::{EMPTY_HEADER, Status};
use zeroize::Zeroize;

use super::Attempt;
use super::buffer::Window;
use super::login::{Login, Permit};
use super::resolve::Resolver;
use super::settings::ProxyChoice;
use super::socket::Socket;
use super::target::{Authority, Flaw, Host, Origin, Parts, parse_port, split_port};
use super::veil::MOST_HEADERS;
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::life::lockout::{self, Taken};
use crate::memory::SecretBuf;

const PHASE: ErrorPhase = ErrorPhase::Proxy;
const FIELD: &str = "proxy";

/// The most a proxy may say before the tunnel is open.
const MAX_REPLY: usize = 16 * 1024;

/// Decides which way a request goes.
pub(super) struct Proxies {
    proxy: Option<Proxy>,
    /// Set when the choice comes from the environment, which has exceptions.
    except: Option<Exceptions>,
}

impl Proxies {
    pub(super) fn new(choice: &ProxyChoice) -> Result<Self, Error> {
        match choice {
            ProxyChoice::Off => Ok(Proxies { proxy: None, except: None }),
            ProxyChoice::Environment => Proxies::from_variables(|name| env::var(name).ok()),
            ProxyChoice::Url(url) => {
                let proxy = Proxy::of_setting(url.expose_secret())?;
                Ok(Proxies { proxy: Some(proxy), except: None })
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
        let except = either("no_proxy", "NO_PROXY").map(|(_, list)| list).unwrap_or_default();
        Ok(Proxies { proxy, except: Some(Exceptions::parse(&except)) })
    }

    /// The proxy to reach `origin` through, if any.
    ///
    /// Plain http goes to this machine only, and never through a proxy.
    pub(super) fn for_origin(&self, origin: &Origin) -> Option<&Proxy> {
        let excepted = |list: &Exceptions| {
            origin.host.is_loopback() || list.contain(&origin.host, origin.port)
        };
        let direct = !origin.tls || self.except.as_ref().is_some_and(excepted);
        self.proxy.as_ref().filter(|_| !direct)
    }

    /// Why there is none for an origin.
    pub(super) fn why_not(&self) -> String {
        match &self.proxy {
            None => "none is set".into(),
            Some(proxy) => format!("{proxy} is set, but not used for this host"),
        }
    }
}

/// A proxy and how to speak to it.
pub(super) struct Proxy {
    protocol: Protocol,
    pub(super) host: Host,
    pub(super) port: u16,
    login: Option<Login>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Protocol {
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
        Proxy::parse(url).map_err(|flaw| flaw.in_setting(FIELD, FORM))
    }

    /// Reads what an environment variable says. As curl does, a URL without scheme is taken for an
    /// HTTP proxy.
    fn of_variable(name: &str, url: &str) -> Result<Self, Error> {
        Proxy::parse(url).map_err(|flaw| {
            let problem = format!("from the variable {name} {}", flaw.problem);
            Error::setting(FIELD, problem, flaw.remedy_with(FORM))
        })
    }

    fn parse(url: &str) -> Result<Self, Flaw> {
        let Parts { scheme, authority, path } = Parts::of(url)?;
        let scheme = scheme.unwrap_or("http").to_ascii_lowercase();
        let (protocol, usual_port) = match scheme.as_str() {
            "http" => (Protocol::Connect, 80),
            "socks5" => (Protocol::Socks5, 1080),
            "socks5h" => (Protocol::Socks5h, 1080),
            _ => return Err(Flaw::new("has a scheme other than http, socks5 and socks5h")),
        };
        let Authority { user_info, host, port } = Authority::parse(authority)?;
        if !matches!(path, "" | "/") {
            return Err(Flaw::new("has a path, query or fragment"));
        }
        let login = user_info.map(Login::parse).transpose()?;
        Ok(Proxy { protocol, host, port: port.unwrap_or(usual_port), login })
    }

    /// Makes a connection to the proxy one to `origin`.
    pub(super) fn tunnel(
        &self,
        socket: Socket,
        origin: &Origin,
        resolver: &Resolver,
        attempt: &Attempt,
    ) -> Result<Socket, Error> {
        let mut dialogue = Dialogue { socket, attempt, unread: Window::default() };
        match self.protocol {
            Protocol::Connect => self.connect_http(&mut dialogue, origin)?,
            Protocol::Socks5 => {
                let found =
                    resolver.resolve(&origin.host, origin.port, attempt, ErrorPhase::Resolve)?;
                let address = found.first().copied();
                self.connect_socks(&mut dialogue, origin, address)?;
            }
            Protocol::Socks5h => self.connect_socks(&mut dialogue, origin, None)?,
        }
        dialogue.into_tunnel()
    }

    fn connect_http(&self, dialogue: &mut Dialogue<'_>, origin: &Origin) -> Result<(), Error> {
        let mut request = SecretBuf::with_capacity(512);
        let target = origin.to_string();
        for part in ["CONNECT ", &target, " HTTP/1.1\r\nhost: ", &target, "\r\n"] {
            request.push(part.as_bytes());
        }
        let Some(login) = &self.login else {
            request.push(b"\r\n");
            return dialogue.ask_http(&request);
        };
        request.push(b"proxy-authorization: Basic ");
        request.push(login.basic().expose_secret());
        request.push(b"\r\n\r\n");
        let permit = dialogue.permit(login)?;
        let answer = dialogue.ask_http(&request);
        let taken = match &answer {
            Ok(()) => Taken::Yes,
            Err(error) => error.http_status().map_or(Taken::Open, lockout::refused_with),
        };
        permit.conclude(taken, answer)
    }

    fn connect_socks(
        &self,
        dialogue: &mut Dialogue<'_>,
        origin: &Origin,
        address: Option<SocketAddr>,
    ) -> Result<(), Error> {
        const NO_LOGIN: u8 = 0;
        const LOGIN: u8 = 2;
        const NONE_OF_THESE: u8 = 0xff;
        let offer: &[u8] = if self.login.is_some() { &[5, 2, NO_LOGIN, LOGIN] } else { &[5, 1, 0] };
        dialogue.say(offer)?;
        let [version, method] = dialogue.hear_exactly()?;
        match (version, method, &self.login) {
            (5, NO_LOGIN, _) => {}
            (5, LOGIN, Some(login)) => dialogue.log_in(login)?,
            (5, LOGIN | NONE_OF_THESE, None) => {
                return Err(dialogue.wants_login("it wants a user name and password", CREDENTIALS));
            }
            (5, NONE_OF_THESE, Some(_)) => {
                return Err(dialogue.refused("it wants other credentials", CREDENTIALS));
            }
            _ => return Err(dialogue.refused("it does not speak SOCKS 5", ADDRESS)),
        }
        dialogue.say(&socks_request(origin, address))?;
        let [version, reply, _, kind] = dialogue.hear_exactly()?;
        if version != 5 {
            return Err(dialogue.refused("it does not speak SOCKS 5", ADDRESS));
        }
        if reply != 0 {
            let why = format!("{} for {origin}", socks_reply(reply));
            return Err(
                dialogue.refused(&why, "ask who runs the proxy whether it may reach the vendor")
            );
        }
        dialogue.skip_bound_address(kind)
    }
}

/// Its URL, without credentials.
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

const CREDENTIALS: &str = "give the proxy's user name and password in its URL";
const ADDRESS: &str = "check the proxy's scheme, host and port";

fn socks_request(origin: &Origin, address: Option<SocketAddr>) -> Vec<u8> {
    let mut message = vec![5, 1, 0];
    let ip = |ip: IpAddr, message: &mut Vec<u8>| match ip {
        IpAddr::V4(ip) => {
            message.push(1);
            message.extend(ip.octets());
        }
        IpAddr::V6(ip) => {
            message.push(4);
            message.extend(ip.octets());
        }
    };
    match (address, &origin.host) {
        (Some(address), _) => ip(address.ip(), &mut message),
        (None, Host::Ip(address)) => ip(*address, &mut message),
        (None, Host::Name(name)) => {
            // A DNS name has at most 253 characters.
            message.extend([3, name.len() as u8]);
            message.extend(name.as_bytes());
        }
    }
    message.extend(origin.port.to_be_bytes());
    message
}

/// RFC 1928 §6.
fn socks_reply(code: u8) -> &'static str {
    match code {
        1 => "it failed",
        2 => "its rules forbid the connection",
        3 => "it found the network unreachable",
        4 => "it found the host unreachable",
        5 => "the connection was refused",
        6 => "it got no reply in time",
        _ => "it refused",
    }
}

/// What is said to a proxy, and heard from it, before the tunnel is open.
struct Dialogue<'a> {
    socket: Socket,
    attempt: &'a Attempt,
    unread: Window,
}

impl Dialogue<'_> {
    fn say(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.socket.write_all(bytes, self.attempt, PHASE)
    }

    /// Waits until the login may be sent, and makes sure that a proxy is still there to hear it.
    fn permit(&mut self, login: &Login) -> Result<Permit, Error> {
        let mut permit = login.permit(self.socket.peer(), self.attempt)?;
        let is_quiet =
            self.unread.unread().is_empty() && matches!(self.socket.read_now(&mut [0]), Ok(None));
        if !is_quiet {
            return Err(self.refused("it ended, or spoke before it was asked", ADDRESS));
        }
        self.attempt.remaining(PHASE)?;
        permit.sending();
        Ok(permit)
    }

    /// RFC 1929.
    fn log_in(&mut self, login: &Login) -> Result<(), Error> {
        let message = login.socks();
        let permit = self.permit(login)?;
        let said = self.say(message.expose_secret());
        let (taken, result) = match said.and_then(|()| self.hear_exactly()) {
            Ok([_, 0]) => (Taken::Yes, Ok(())),
            Ok(_) => {
                let why = "it refused the user name or password";
                (Taken::No, Err(self.refused(why, CREDENTIALS)))
            }
            Err(error) => (Taken::Open, Err(error)),
        };
        permit.conclude(taken, result)
    }

    fn ask_http(&mut self, request: &SecretBuf) -> Result<(), Error> {
        self.say(request.expose_secret())?;
        self.hear_head()
    }

    fn hear_more(&mut self) -> Result<(), Error> {
        if self.unread.unread().len() > MAX_REPLY {
            return Err(self.too_long());
        }
        let amount = self.socket.read(self.unread.spare(1024), self.attempt, PHASE)?;
        self.unread.filled(amount);
        if amount == 0 {
            return Err(self.refused("it closed the connection", ADDRESS));
        }
        Ok(())
    }

    fn hear_exactly<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        loop {
            if let Some(bytes) = self.unread.unread().first_chunk().copied() {
                self.unread.consume(N);
                return Ok(bytes);
            }
            self.hear_more()?;
        }
    }

    fn skip_bound_address(&mut self, kind: u8) -> Result<(), Error> {
        let length = match kind {
            1 => 4,
            3 => usize::from(self.hear_exactly::<1>()?[0]),
            4 => 16,
            _ => return Err(self.refused("it does not speak SOCKS 5", ADDRESS)),
        };
        for _ in 0..length + 2 {
            self.hear_exactly::<1>()?;
        }
        Ok(())
    }

    /// Hears the answer to `CONNECT` and passes over interim ones.
    fn hear_head(&mut self) -> Result<(), Error> {
        let mut passed = 0;
        while passed <= MAX_REPLY {
            let mut headers = [EMPTY_HEADER; MOST_HEADERS];
            let mut reply = httparse::Response::new(&mut headers);
            match reply.parse(self.unread.unread()) {
                Ok(Status::Partial) => self.hear_more()?,
                Err(httparse::Error::TooManyHeaders) => return Err(self.too_long()),
                Err(_) => return Err(self.refused("it does not speak HTTP", ADDRESS)),
                Ok(Status::Complete(length)) => {
                    let status = reply.code.unwrap_or_default();
                    match status {
                        100..300 => {}
                        407 => {
                            let schemes = auth_schemes(reply.headers);
                            let why = format!(
                                "it wants other credentials (HTTP 407, offering {schemes})"
                            );
                            let remedy = "give the proxy's user name and password in its URL; \
                                          caretoken speaks Basic only";
                            return Err(self.wants_login(&why, remedy).with_status(status));
                        }
                        _ => return Err(self.refused_with(status)),
                    }
                    self.unread.consume(length);
                    if status >= 200 {
                        return Ok(());
                    }
                    passed += length;
                }
            }
        }
        Err(self.too_long())
    }

    /// The tunnel, in which the proxy has nothing to say any more.
    fn into_tunnel(self) -> Result<Socket, Error> {
        if self.unread.unread().is_empty() {
            return Ok(self.socket);
        }
        Err(self.refused("it sent more than its answer", ADDRESS))
    }

    fn too_long(&self) -> Error {
        self.refused("its answer is too long", ADDRESS)
    }

    /// The error where it has got no login.
    fn wants_login(&self, why: &str, remedy: &'static str) -> Error {
        Error::new(ErrorKind::ProxyLoginRejected, PHASE)
            .with_message(self.refusal(why))
            .with_remedy(remedy)
    }

    fn refused_with(&self, status: u16) -> Error {
        let remedy = "ask who runs the proxy whether it may reach the vendor";
        self.refused(&format!("it answered HTTP {status}"), remedy).with_status(status)
    }

    fn refused(&self, why: &str, remedy: &'static str) -> Error {
        Error::new(ErrorKind::Proxy, PHASE).with_message(self.refusal(why)).with_remedy(remedy)
    }

    fn refusal(&self, why: &str) -> String {
        format!("the proxy at {} refused: {why}", self.socket.peer())
    }
}

/// The names of the schemes that a proxy offers, such as `Negotiate, NTLM`.
fn auth_schemes(headers: &[httparse::Header<'_>]) -> String {
    let offered = headers.iter().filter(|h| h.name.eq_ignore_ascii_case("proxy-authenticate"));
    let names: Vec<_> = offered
        .filter_map(|header| {
            let word = header.value.split(|byte| !byte.is_ascii_alphanumeric()).next()?;
            std::str::from_utf8(word).ok().filter(|word| (1..=20).contains(&word.len()))
        })
        .take(4)
        .collect();
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

/// The hosts that `NO_PROXY` excepts.
struct Exceptions(Vec<Exception>);

struct Exception {
    hosts: Hosts,
    port: Option<u16>,
}

enum Hosts {
    All,
    /// The name itself and everything below it.
    Below(String),
    /// The addresses that begin with the first bits of this one.
    Net(IpAddr, u8),
}

impl Exceptions {
    /// Entries that make no sense are passed over: the list is shared with other programs.
    fn parse(list: &str) -> Self {
        let entries = list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
        Exceptions(entries.filter_map(Exception::parse).collect())
    }

    fn contain(&self, host: &Host, port: u16) -> bool {
        self.0
            .iter()
            .any(|entry| entry.port.is_none_or(|only| only == port) && entry.hosts.contain(host))
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        // An IPv6 address without brackets has colons of its own, and no port.
        let bare = !entry.starts_with('[') && entry.matches(':').count() > 1;
        let (host, port) = if bare { (entry, None) } else { split_port(entry).ok()? };
        let port = match port {
            Some(digits) => Some(parse_port(digits)?),
            None => None,
        };
        Some(Exception { hosts: Hosts::parse(host)?, port })
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Hosts::All);
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address = address.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = address.parse::<IpAddr>() {
            let all = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.unwrap_or(all);
            return (bits <= all).then_some(Hosts::Net(address, bits));
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        let name = name.trim_matches('.').to_ascii_lowercase();
        (bits.is_none() && !name.is_empty()).then_some(Hosts::Below(name))
    }

    fn contain(&self, host: &Host) -> bool {
        match (self, host) {
            (Hosts::All, _) => true,
            (Hosts::Below(domain), Host::Name(name)) => {
                let below = name.trim_end_matches('.').strip_suffix(domain.as_str());
                below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            (Hosts::Net(IpAddr::V4(net), bits), Host::Ip(IpAddr::V4(ip))) => {
                let differ = net.to_bits() ^ ip.to_bits();
                differ.checked_shr(32 - u32::from(*bits)).unwrap_or(0) == 0
            }
            (Hosts::Net(IpAddr::V6(net), bits), Host::Ip(IpAddr::V6(ip))) => {
                let differ = net.to_bits() ^ ip.to_bits();
                differ.checked_shr(128 - u32::from(*bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::target::Target;

    /// The proxy's address for `url`, given these variables.
    fn chosen(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let proxies = Proxies::from_variables(get).unwrap();
        let origin = Target::parse(url).unwrap().origin;
        let proxy = proxies.for_origin(&origin)?;
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
