//! Opening a tunnel through a proxy: HTTP `CONNECT` or SOCKS 5.

use std::net::{IpAddr, SocketAddr};

use super::login::{Login, Permit};
use super::selection::{Protocol, Proxy};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::life::lockout::{self, PasswordOutcome};
use crate::memory::SecretBuf;
use crate::transport::attempt::Attempt;
use crate::transport::head::{Head, HeadError, HeadReader};
use crate::transport::read_buffer::ReadBuffer;
use crate::transport::resolve::Resolver;
use crate::transport::socket::Socket;
use crate::transport::url::{Host, Origin};

const PHASE: ErrorPhase = ErrorPhase::Proxy;

impl Proxy {
    /// Turns `socket`, which is connected to the proxy, into a tunnel to `origin`.
    pub(in crate::transport) fn tunnel(
        &self,
        socket: Socket,
        origin: &Origin,
        resolver: &Resolver,
        attempt: &Attempt,
    ) -> Result<Socket, Error> {
        let mut handshake = Handshake { socket, attempt, received: ReadBuffer::default() };
        match self.protocol {
            Protocol::Connect => self.open_with_connect(&mut handshake, origin)?,
            Protocol::Socks5 => {
                let found =
                    resolver.resolve(&origin.host, origin.port, attempt, ErrorPhase::Resolve)?;
                let address = found.first().copied();
                self.open_with_socks(&mut handshake, origin, address)?;
            }
            Protocol::Socks5h => self.open_with_socks(&mut handshake, origin, None)?,
        }
        handshake.into_tunnel()
    }

    fn open_with_connect(
        &self,
        handshake: &mut Handshake<'_>,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut request = SecretBuf::with_capacity(512);
        let target = origin.to_string();
        for part in ["CONNECT ", &target, " HTTP/1.1\r\nhost: ", &target, "\r\n"] {
            request.push(part.as_bytes());
        }
        let Some(login) = &self.login else {
            request.push(b"\r\n");
            return handshake.request_tunnel(&request);
        };
        request.push(b"proxy-authorization: Basic ");
        request.push(login.basic().expose_secret());
        request.push(b"\r\n\r\n");
        let permit = handshake.permit(login)?;
        let answer = handshake.request_tunnel(&request);
        let taken = match &answer {
            Ok(()) => PasswordOutcome::Accepted,
            Err(error) => {
                error.http_status().map_or(PasswordOutcome::Unknown, lockout::outcome_of_status)
            }
        };
        permit.conclude(taken, answer)
    }

    fn open_with_socks(
        &self,
        handshake: &mut Handshake<'_>,
        origin: &Origin,
        address: Option<SocketAddr>,
    ) -> Result<(), Error> {
        const NO_LOGIN: u8 = 0;
        const LOGIN: u8 = 2;
        const NONE_OF_THESE: u8 = 0xff;
        let offer: &[u8] = if self.login.is_some() { &[5, 2, NO_LOGIN, LOGIN] } else { &[5, 1, 0] };
        handshake.send(offer)?;
        let [version, method] = handshake.receive_exactly()?;
        match (version, method, &self.login) {
            (5, NO_LOGIN, _) => {}
            (5, LOGIN, Some(login)) => handshake.log_in(login)?,
            (5, LOGIN | NONE_OF_THESE, None) => {
                return Err(handshake.wants_login("it wants a user name and password", CREDENTIALS));
            }
            (5, NONE_OF_THESE, Some(_)) => {
                return Err(handshake.refused("it wants other credentials", CREDENTIALS));
            }
            _ => return Err(handshake.refused("it does not speak SOCKS 5", ADDRESS)),
        }
        handshake.send(&socks_request(origin, address))?;
        let [version, reply, _, kind] = handshake.receive_exactly()?;
        if version != 5 {
            return Err(handshake.refused("it does not speak SOCKS 5", ADDRESS));
        }
        if reply != 0 {
            let why = format!("{} for {origin}", socks_reply(reply));
            return Err(
                handshake.refused(&why, "ask who runs the proxy whether it may reach the vendor")
            );
        }
        handshake.skip_bound_address(kind)
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

/// What goes on with the proxy before the tunnel is open.
struct Handshake<'a> {
    socket: Socket,
    attempt: &'a Attempt,
    received: ReadBuffer,
}

impl Handshake<'_> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.socket.write_all(bytes, self.attempt, PHASE)
    }

    /// Waits until the login may be sent, and makes sure that the proxy is still there.
    fn permit(&mut self, login: &Login) -> Result<Permit, Error> {
        let mut permit = login.permit(self.socket.peer(), self.attempt)?;
        let is_quiet =
            self.received.unread().is_empty() && matches!(self.socket.read_now(&mut [0]), Ok(None));
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
        let sent = self.send(message.expose_secret());
        let (taken, result) = match sent.and_then(|()| self.receive_exactly()) {
            Ok([_, 0]) => (PasswordOutcome::Accepted, Ok(())),
            Ok(_) => {
                let why = "it refused the user name or password";
                (PasswordOutcome::Rejected, Err(self.refused(why, CREDENTIALS)))
            }
            Err(error) => (PasswordOutcome::Unknown, Err(error)),
        };
        permit.conclude(taken, result)
    }

    fn request_tunnel(&mut self, request: &SecretBuf) -> Result<(), Error> {
        self.send(request.expose_secret())?;
        self.read_connect_reply()
    }

    fn receive_more(&mut self) -> Result<(), Error> {
        let amount = self.socket.read(self.received.spare(1024), self.attempt, PHASE)?;
        self.received.filled(amount);
        if amount == 0 {
            return Err(self.refused("it closed the connection", ADDRESS));
        }
        Ok(())
    }

    fn receive_exactly<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        loop {
            if let Some(bytes) = self.received.unread().first_chunk().copied() {
                self.received.consume(N);
                return Ok(bytes);
            }
            self.receive_more()?;
        }
    }

    fn skip_bound_address(&mut self, kind: u8) -> Result<(), Error> {
        let length = match kind {
            1 => 4,
            3 => usize::from(self.receive_exactly::<1>()?[0]),
            4 => 16,
            _ => return Err(self.refused("it does not speak SOCKS 5", ADDRESS)),
        };
        for _ in 0..length + 2 {
            self.receive_exactly::<1>()?;
        }
        Ok(())
    }

    /// Reads the reply to `CONNECT`, and passes over interim ones.
    fn read_connect_reply(&mut self) -> Result<(), Error> {
        let mut reader = HeadReader::default();
        loop {
            match reader.read(self.received.unread()) {
                Ok(None) => self.receive_more()?,
                Err(HeadError::TooLong | HeadError::TooManyHeaders) => return Err(self.too_long()),
                Err(_) => return Err(self.refused("it does not speak HTTP", ADDRESS)),
                Ok(Some(head)) => {
                    let (status, length) = (head.status, head.length);
                    match status {
                        100..300 => {}
                        407 => {
                            let schemes = auth_schemes(&head);
                            let why = format!(
                                "it wants other credentials (HTTP 407, offering {schemes})"
                            );
                            let remedy = "give the proxy's user name and password in its URL; \
                                          caretoken speaks Basic only";
                            return Err(self.wants_login(&why, remedy).with_status(status));
                        }
                        _ => return Err(self.refused_with(status)),
                    }
                    self.received.consume(length);
                    if status >= 200 {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The tunnel. From here on, what arrives must come from the origin.
    fn into_tunnel(self) -> Result<Socket, Error> {
        if self.received.unread().is_empty() {
            return Ok(self.socket);
        }
        Err(self.refused("it sent more than its answer", ADDRESS))
    }

    fn too_long(&self) -> Error {
        self.refused("its answer is too long", ADDRESS)
    }

    /// The error of a proxy that got no login.
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
fn auth_schemes(head: &Head<'_>) -> String {
    let names: Vec<_> = head
        .values("proxy-authenticate")
        .filter_map(|value| {
            let word = value.split(|byte| !byte.is_ascii_alphanumeric()).next()?;
            std::str::from_utf8(word).ok().filter(|word| (1..=20).contains(&word.len()))
        })
        .take(4)
        .collect();
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}
