//! Servers to talk to, certificates for them, and requests for our side.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, RevokedCertParams, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::error::Error;
use crate::memory::SecretBuf;
use crate::transport::{
    Attempt, CancelSource, HttpsTransport, Method, ProxyChoice, Request, RequestParts, Response,
    Settings, Transport, TrustRoots, Url,
};

/// Long enough for anything that should succeed.
const AMPLE: Duration = Duration::from_secs(20);

/// The host that the test certificates are for.
pub(super) const HOST: &str = "vendor.test";

/// An answer that keeps the connection.
pub(super) const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
    Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Other: 1\r\nContent-Length: 15\r\n\r\n{\"fake\":\"token\"";

/// The body of [`OK`].
pub(super) const OK_BODY: &[u8] = b"{\"fake\":\"token\"";

/// A certificate authority, as a vendor's or a hospital's.
pub(super) struct Ca {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(super) struct Identity {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) certificate_pem: String,
    pub(super) key: KeyPair,
}

impl Ca {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Ca { pem, issuer: Issuer::new(params, key) }
    }

    /// The one that the tests' clients trust.
    pub(super) fn trusted() -> &'static Ca {
        static CA: OnceLock<Ca> = OnceLock::new();
        CA.get_or_init(|| Ca::new("Trusted Test CA"))
    }

    pub(super) fn issue(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let certificate_pem = certificate.pem();
        Identity { certificate: certificate.into(), certificate_pem, key }
    }

    /// Another authority below this one, and its certificate.
    pub(super) fn intermediate(&self, name: &str, serial: u64) -> (Ca, CertificateDer<'static>) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(serial.into());
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let pem = certificate.pem();
        (Ca { pem, issuer: Issuer::new(params, key) }, certificate.into())
    }

    /// Its list of revoked certificates of the year 2020, PEM.
    pub(super) fn revoking(&self, serials: &[u64]) -> String {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: (*serial).into(),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2020, 2, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    pub(super) fn vendor(&self) -> Identity {
        self.issue(&[HOST, "127.0.0.1"], |_| {})
    }
}

impl Identity {
    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        self.server_config_of(rustls::ALL_VERSIONS)
    }

    pub(super) fn server_config_of(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)
            .unwrap();
        Arc::new(config)
    }
}

/// A listener that hands each connection, with its number, to a thread of its own.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
}

impl Peer {
    pub(super) fn tcp(handle: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let closed = Arc::new(AtomicUsize::new(0));
        let (count, handle) = (Arc::clone(&accepted), Arc::new(handle));
        let count_closed = Arc::clone(&closed);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let (handle, closed) = (Arc::clone(&handle), Arc::clone(&count_closed));
                thread::spawn(move || {
                    handle(number, stream.unwrap());
                    closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Peer { address, accepted, closed }
    }

    pub(super) fn tls(
        config: Arc<ServerConfig>,
        handle: impl Fn(usize, &mut Tls) + Send + Sync + 'static,
    ) -> Peer {
        Peer::tcp(move |number, stream| {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(session, stream);
            handle(number, &mut stream);
            stream.conn.send_close_notify();
            let _ = stream.flush();
            linger(&stream.sock);
        })
    }

    /// Blocks until the peer has closed so many connections.
    pub(super) fn wait_until_closed(&self, count: usize) {
        let until = Instant::now() + AMPLE;
        while self.closed.load(Ordering::SeqCst) < count {
            assert!(Instant::now() < until, "the peer does not close");
            thread::yield_now();
        }
    }

    /// Answers every request on every connection with `answer`.
    pub(super) fn answering(answer: &'static [u8]) -> Peer {
        Peer::tls(Ca::trusted().vendor().server_config(), move |_, stream| {
            while read_request(stream).is_ok() && stream.write_all(answer).is_ok() {}
        })
    }

    /// The same without TLS.
    pub(super) fn plain(answer: impl Into<Vec<u8>>) -> Peer {
        let answer = answer.into();
        Peer::tcp(
            move |_, mut stream| {
                while read_request(&mut stream).is_ok() && stream.write_all(&answer).is_ok() {}
            },
        )
    }

    /// How many connections it has had.
    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(super) fn url(&self) -> String {
        format!("https://{HOST}:{}/token", self.address.port())
    }

    pub(super) fn plain_url(&self) -> String {
        format!("http://{}/token", self.address)
    }
}

pub(super) type Tls = StreamOwned<ServerConnection, TcpStream>;

/// Ends the connection without a reset, which could overtake the last bytes: a reset is what
/// closing with unread bytes means.
pub(super) fn linger(mut stream: &TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let _ = io::copy(&mut stream, &mut io::sink());
}

/// Reads one request, head and body.
pub(super) fn read_request(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let head = request.windows(4).position(|part| part == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
            let length = text.split_once("content-length: ").map_or("0", |(_, rest)| rest);
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            if request.len() >= head + 4 + length {
                return Ok(request);
            }
        }
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            amount => request.extend_from_slice(&chunk[..amount]),
        }
    }
}

/// Settings that trust the test CA alone, find [`HOST`] on loopback and use no proxy.
pub(super) fn settings() -> Settings {
    Settings {
        roots: Some(TrustRoots::None),
        ca_pem: Some(Ca::trusted().pem.clone().into()),
        proxy: ProxyChoice::Off,
        resolve: vec![(HOST.into(), Ipv4Addr::LOCALHOST.into())],
        ..Settings::default()
    }
}

pub(super) fn transport() -> HttpsTransport {
    HttpsTransport::new(settings()).unwrap()
}

pub(super) fn parsed(url: impl AsRef<str>) -> Url {
    Url::parse(url.as_ref()).unwrap()
}

pub(super) fn request(url: impl AsRef<str>) -> Request {
    Request::new(RequestParts {
        method: Method::Post,
        url: Arc::new(parsed(url)),
        target: None,
        headers: vec![
            ("authorization".into(), SecretBuf::from("Basic ZmFrZTpmYWtl")),
            ("content-type".into(), SecretBuf::from("application/x-www-form-urlencoded")),
        ],
        body: Some(SecretBuf::from("grant_type=client_credentials")),
        replayable: true,
        answer_headers: Vec::new(),
    })
}

/// A GET with a header and this target, secret as it may be.
pub(super) fn get(url: impl AsRef<str>, target: &str) -> Request {
    Request::new(RequestParts {
        method: Method::Get,
        url: Arc::new(parsed(url)),
        target: Some(SecretBuf::from(target)),
        headers: vec![("x-key".into(), SecretBuf::from("fake-key"))],
        body: None,
        replayable: true,
        answer_headers: Vec::new(),
    })
}

pub(super) fn attempt(time: Duration) -> Attempt {
    Attempt::new(Instant::now() + time, CancelSource::default().token())
}

/// One POST to `url` with ample time.
pub(super) fn post(transport: &HttpsTransport, url: impl AsRef<str>) -> Result<Response, Error> {
    transport.send(&request(url), &attempt(AMPLE))
}

/// A certificate and its key as the `openssl` program writes them; `None` where there is none.
pub(super) fn openssl_identity(kind: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let key = match kind {
        "sec1" => openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout"], b"")?,
        "pkcs1" => openssl(&["genrsa", "-traditional", "2048"], b"")?,
        "pkcs8-rsa" => openssl(&["genrsa", "2048"], b"")?,
        _ => openssl(&["genpkey", "-algorithm", kind], b"")?,
    };
    let make = ["req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=clinic"];
    Some((openssl(&make, &key)?, key))
}

/// What `openssl` prints when it is run with `input`; `None`, and a word about it, where it is
/// missing.
pub(super) fn openssl(arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    use std::process::{Command, Stdio};
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        super::skipped("openssl");
        return None;
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    Some(output.stdout)
}
