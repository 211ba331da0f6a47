//! Servers that mean harm, in a process of their own, so that what they take is not counted.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, thread};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the client believes the server to be, and what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Over {
    /// A server without TLS, and so it is.
    Plain,
    /// A server with TLS, and so it is.
    Tls,
    /// The same, with more tickets for further sessions than anybody has use for.
    TlsWithTickets,
    /// A server with TLS; but what comes is what the act sends.
    NoTls,
    /// An HTTP proxy; but what comes is what the act sends.
    Proxy,
}

pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// What a server does with a connection and its number.
pub(crate) type Act = fn(&mut Wire, usize) -> io::Result<()>;

const ASKED: &str = "CARETOKEN_HOSTILE_PEERS";

/// The servers, until this is dropped.
pub(crate) struct Peers {
    child: Child,
    ports: Vec<u16>,
    pub(crate) ca_pem: String,
}

impl Peers {
    /// Starts this program again with the test of this name, which must call [`serve`] at once. No
    /// other test may be in the program: it would take memory and threads of its own.
    pub(crate) fn start(test: &str) -> Peers {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args([test, "--exact"]).env(ASKED, "1");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        let (ca_pem, ports) = said.trim_end().split_once(' ').unwrap();
        let ca_pem = String::from_utf8(STANDARD.decode(ca_pem).unwrap()).unwrap();
        let ports = ports.split(' ').map(|port| port.parse().unwrap()).collect();
        Peers { child, ports, ca_pem }
    }

    /// The ports of the servers, in the order that [`serve`] was given.
    pub(crate) fn ports(&self) -> &[u16] {
        &self.ports
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Plays the servers if this process was started for it, and returns otherwise.
pub(crate) fn serve(servers: impl Iterator<Item = (Over, Act)>) {
    if env::var_os(ASKED).is_none() {
        return;
    }
    let (config, ca_pem) = identity();
    let mut said = STANDARD.encode(ca_pem);
    for (over, act) in servers {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        said += &format!(" {}", listener.local_addr().unwrap().port());
        let tickets = if matches!(over, Over::TlsWithTickets) { 400 } else { 2 };
        let config = matches!(over, Over::Tls | Over::TlsWithTickets).then(|| {
            let mut config = config.clone();
            config.send_tls13_tickets = tickets;
            Arc::new(config)
        });
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let mut wire = Wire::new(stream, config.clone());
                // A client that has had enough hangs up.
                thread::spawn(move || act(&mut wire, number).and_then(|()| wire.end()));
            }
        });
    }
    said.push('\n');
    // Not by `eprint!`, which the test runner would keep to itself.
    io::stderr().write_all(said.as_bytes()).unwrap();
    let _until_the_parent_ends = io::stdin().read(&mut [0]);
    std::process::exit(0);
}

/// A server's settings for 127.0.0.1, and the CA to trust.
fn identity() -> (ServerConfig, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Hostile Test CA");
    let key = KeyPair::generate().unwrap();
    let ca_pem = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.into()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        );
    (config.unwrap(), ca_pem)
}

impl Wire {
    fn new(stream: TcpStream, config: Option<Arc<ServerConfig>>) -> Wire {
        match config {
            None => Wire::Plain(stream),
            Some(config) => {
                let session = ServerConnection::new(config).unwrap();
                Wire::Tls(Box::new(StreamOwned::new(session, stream)))
            }
        }
    }

    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        match self {
            Wire::Plain(stream) => stream,
            Wire::Tls(stream) => &mut stream.sock,
        }
    }

    /// Reads one request, head and body.
    pub(crate) fn read_request(&mut self) -> io::Result<()> {
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\ngrant_type=client_credentials") {
            self.read_exact(&mut byte)?;
            request.push(byte[0]);
        }
        Ok(())
    }

    /// Says `piece` until the client hangs up.
    pub(crate) fn repeat(&mut self, piece: &[u8]) -> io::Result<()> {
        loop {
            self.write_all(piece)?;
        }
    }

    /// Ends without the reset that closing with unread bytes means.
    fn end(&mut self) -> io::Result<()> {
        if let Wire::Tls(stream) = self {
            stream.conn.send_close_notify();
            stream.flush()?;
        }
        let socket = self.socket();
        socket.shutdown(Shutdown::Write)?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        io::copy(socket, &mut io::sink()).map(drop)
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.read(into),
            Wire::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.write(bytes),
            Wire::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(stream) => stream.flush(),
            Wire::Tls(stream) => stream.flush(),
        }
    }
}
