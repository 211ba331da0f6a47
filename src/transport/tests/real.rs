//! Against the real programs: nginx, openssl, tinyproxy, microsocks. Where one is missing its tests
//! say so and pass.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::date_time_ymd;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::peer::{
    Ca, HOST, Identity, OK_BODY, Peer, attempt, openssl, post, read_request, request, settings,
    transport,
};
use super::proxies::through;
use super::trust::with_identity;
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::SecretBuf;
use crate::transport::{HttpsTransport, Settings, Transport};

/// A program that runs until it is dropped, with a folder of its own.
pub(super) struct Program {
    child: Child,
    port: u16,
    /// Removed when the program has ended.
    folder: Folder,
}

impl Program {
    /// Starts `name` with what `arguments` makes of its folder and a free port, and waits until it
    /// listens there. `None` where it is not installed.
    fn start(name: &str, arguments: impl Fn(&Path, u16) -> Vec<String>) -> Option<Program> {
        let folder = Folder::new();
        for _ in 0..5 {
            let port = free_port();
            let mut command = Command::new(name);
            command.args(arguments(&folder.0, port)).current_dir(&folder.0);
            // Some of them end with their input.
            let output = fs::File::create(folder.0.join(OUTPUT)).unwrap();
            command.stdin(Stdio::piped()).stdout(output).stderr(Stdio::null());
            let Ok(mut child) = command.spawn() else {
                super::skipped(name);
                return None;
            };
            if listens(&mut child, port) {
                return Some(Program { child, port, folder });
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("{name} does not start in {}", folder.0.display());
    }

    pub(super) fn url(&self) -> String {
        format!("https://{HOST}:{}/token", self.port)
    }

    /// What it printed until it ended by itself.
    fn output(&mut self) -> Vec<u8> {
        assert!(self.child.wait().unwrap().success());
        fs::read(self.folder.0.join(OUTPUT)).unwrap()
    }
}

/// The file that takes what a program prints.
const OUTPUT: &str = "output";

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A temporary folder.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("caretoken-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::File::create(self.0.join(name)).unwrap().write_all(content.as_ref()).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn listens(child: &mut Child, port: u16) -> bool {
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}

/// nginx with `extra` in its server block, answering [`OK_BODY`] unless `extra` says otherwise.
pub(super) fn nginx(extra: &str) -> Option<Program> {
    let identity = Ca::trusted().vendor();
    let location = if extra.contains("location") {
        String::new()
    } else {
        let body = std::str::from_utf8(OK_BODY).unwrap();
        format!("location / {{ default_type application/json; return 200 '{body}'; }}")
    };
    Program::start("nginx", |folder, port| {
        fs::write(folder.join("key.pem"), identity.key.serialize_pem()).unwrap();
        fs::write(folder.join("cert.pem"), &identity.certificate_pem).unwrap();
        fs::write(folder.join("ca.pem"), &Ca::trusted().pem).unwrap();
        let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {kind};"))
            .concat();
        let config = format!(
            "daemon off; master_process off; pid pid; error_log error.log;
             events {{ worker_connections 64; }}
             http {{
               access_log off; {paths}
               server {{
                 listen 127.0.0.1:{port} ssl;
                 ssl_certificate cert.pem; ssl_certificate_key key.pem;
                 {extra}
                 {location}
               }}
             }}"
        );
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let folder = folder.display();
        vec!["-p".into(), format!("{folder}/"), "-c".into(), "nginx.conf".into()]
    })
}

#[test]
fn nginx_with_one_tls_version() {
    for version in ["TLSv1.2", "TLSv1.3"] {
        let config = format!(
            "ssl_protocols {version};
             location / {{ default_type application/json; return 200 $ssl_protocol; }}"
        );
        let Some(nginx) = nginx(&config) else { return };
        let transport = transport();
        for _ in 0..3 {
            let response = post(&transport, nginx.url()).unwrap();
            assert_eq!(response.header("content-type"), Some("application/json"));
            assert_eq!(response.body().expose_secret(), version.as_bytes());
        }
    }
}

#[test]
fn nginx_that_resumes_sessions() {
    for version in ["TLSv1.2", "TLSv1.3"] {
        let config = format!(
            "ssl_protocols {version}; ssl_session_cache shared:s:1m;
             location / {{ return 200 $ssl_session_reused; }}"
        );
        let Some(nginx) = nginx(&config) else { return };
        let keep_none = Settings { max_idle_age: Duration::ZERO, ..settings() };
        let transport = HttpsTransport::new(keep_none).unwrap();
        for reused in [".", "r", "r"] {
            let response = post(&transport, nginx.url()).unwrap();
            assert_eq!(response.body().expose_secret(), reused.as_bytes(), "{version}");
        }
    }
}

#[test]
fn nginx_that_wants_a_client_certificate() {
    let Some(nginx) = nginx(
        "ssl_client_certificate ca.pem; ssl_verify_client on;
         location / { return 200 $ssl_client_verify; }",
    ) else {
        return;
    };
    let own = Ca::trusted().issue(&["clinic.test"], |_| {});
    let response = post(&with_identity(&own), nginx.url()).unwrap();
    assert_eq!(response.body().expose_secret(), b"SUCCESS");
    // nginx takes the handshake and answers 400.
    assert_eq!(post(&transport(), nginx.url()).unwrap().status(), 400);
}

/// A relay to `server` that tells what it said in answer to each request.
fn overheard(server: &Program) -> (Peer, mpsc::Receiver<String>) {
    let (sender, said) = mpsc::channel();
    let sender = Mutex::new(sender);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(Ca::trusted().pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (config, port) = (Arc::new(config), server.port);
    let peer = Peer::tls(Ca::trusted().vendor().server_config(), move |_, stream| {
        let session = ClientConnection::new(Arc::clone(&config), HOST.try_into().unwrap()).unwrap();
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let mut upstream = StreamOwned::new(session, socket);
        upstream.write_all(&read_request(stream).unwrap()).unwrap();
        let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
        while !answer.ends_with(b"the end") && !answer.ends_with(b"\r\n0\r\n\r\n") {
            let amount = upstream.read(&mut piece).unwrap();
            answer.extend_from_slice(&piece[..amount]);
        }
        stream.write_all(&answer).unwrap();
        sender.lock().unwrap().send(String::from_utf8(answer).unwrap()).unwrap();
    });
    (peer, said)
}

#[test]
fn nginx_that_answers_in_chunks() {
    let origin = Peer::plain(
        &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"[..],
    );
    let config =
        format!("location / {{ proxy_http_version 1.1; proxy_pass http://{}; }}", origin.address);
    let Some(nginx) = nginx(&config) else { return };
    let transport = transport();
    for _ in 0..2 {
        assert_eq!(post(&transport, nginx.url()).unwrap().body().expose_secret(), b"abcde");
    }
    let (relay, said) = overheard(&nginx);
    assert_eq!(post(&transport, relay.url()).unwrap().body().expose_secret(), b"abcde");
    assert!(said.recv().unwrap().contains("Transfer-Encoding: chunked"));
}

#[test]
fn nginx_that_says_100_continue() {
    let origin = Peer::plain(&b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nthe end"[..]);
    let config = format!("location / {{ proxy_pass http://{}; }}", origin.address);
    let Some(nginx) = nginx(&config) else { return };
    let (relay, said) = overheard(&nginx);
    for url in [nginx.url(), relay.url()] {
        let mut expecting = request(url);
        expecting.parts().headers.push(("expect".into(), SecretBuf::from("100-continue")));
        let response = transport().send(&expecting, &attempt(Duration::from_secs(20))).unwrap();
        assert_eq!(response.body().expose_secret(), b"the end");
    }
    let said = said.recv().unwrap();
    assert!(said.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{said}");
}

/// Sends a request that may go out once only, and returns the number of nginx's connection.
fn connection(transport: &HttpsTransport, nginx: &Program) -> Vec<u8> {
    let mut once = request(nginx.url());
    once.parts().replayable = false;
    let response = transport.send(&once, &attempt(Duration::from_secs(20))).unwrap();
    response.body().expose_secret().to_vec()
}

#[test]
fn nginx_that_soon_closes_kept_connections() {
    let Some(nginx) = nginx("keepalive_timeout 1s; location / { return 200 $connection; }") else {
        return;
    };
    let transport = transport();
    let first = connection(&transport, &nginx);
    assert_eq!(connection(&transport, &nginx), first, "it is kept for a while");
    thread::sleep(Duration::from_millis(1200));
    assert_ne!(connection(&transport, &nginx), first);
}

#[test]
fn nginx_that_closes_every_few_requests() {
    let Some(nginx) = nginx("keepalive_requests 3; location / { return 200 $connection; }") else {
        return;
    };
    let transport = transport();
    let mut connections: Vec<_> = (0..10).map(|_| connection(&transport, &nginx)).collect();
    connections.dedup();
    assert_eq!(connections.len(), 4);
}

/// `openssl s_server` with a certificate and further options. It prints what it is sent, and ends
/// after one connection besides that which looked whether it listens.
fn s_server(certificate: &[u8], key: &[u8], options: &[&str]) -> Option<Program> {
    Program::start("openssl", |folder, port| {
        fs::write(folder.join("cert.pem"), certificate).unwrap();
        fs::write(folder.join("key.pem"), key).unwrap();
        let port = port.to_string();
        let base = ["s_server", "-quiet", "-naccept", "2", "-accept", &port];
        let identity = ["-cert", "cert.pem", "-key", "key.pem"];
        base.iter().chain(&identity).chain(options).map(|word| (*word).to_owned()).collect()
    })
}

/// Checks that we refuse `server`, and that it heard nothing but that.
fn refused_by_us(server: Program) -> Error {
    refused_with(settings(), server)
}

fn refused_with(settings: Settings, mut server: Program) -> Error {
    let transport = HttpsTransport::new(settings).unwrap();
    let error = post(&transport, server.url()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
    assert!(error.message().contains(&format!("127.0.0.1:{}", server.port)), "{error}");
    assert_eq!(server.output(), b"");
    error
}

#[test]
fn openssl_with_a_certificate_that_is_right() {
    let Identity { certificate_pem, key, .. } = Ca::trusted().vendor();
    let key = key.serialize_pem();
    let Some(mut server) = s_server(certificate_pem.as_bytes(), key.as_bytes(), &[]) else {
        return;
    };
    // It listens, and says nothing.
    let soon = attempt(Duration::from_millis(500));
    let error = transport().send(&request(server.url()), &soon).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, ErrorPhase::Receive), "{error}");
    let heard = String::from_utf8(server.output()).unwrap();
    assert!(heard.contains("Basic ZmFrZTpmYWtl") && heard.ends_with("client_credentials"));
}

#[test]
fn openssl_with_certificates_that_are_wrong() {
    let ca = Ca::trusted();
    let expired = ca.issue(&[HOST], |params| {
        (params.not_before, params.not_after) =
            (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    });
    let future = ca.issue(&[HOST], |params| {
        (params.not_before, params.not_after) =
            (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1));
    });
    let wrong_host = ca.issue(&["other.test"], |_| {});
    let wrong_ca = Ca::new("Inspecting Proxy").vendor();
    for (identity, said) in [
        (expired, "expired on Fri, 01 Jan 2021"),
        (future, "is valid from Sun, 01 Jan 2090"),
        (wrong_host, "other.test"),
        (wrong_ca, "\"Inspecting Proxy\""),
    ] {
        let Identity { certificate_pem, key, .. } = identity;
        let key = key.serialize_pem();
        let Some(server) = s_server(certificate_pem.as_bytes(), key.as_bytes(), &[]) else {
            return;
        };
        let error = refused_by_us(server);
        assert!(error.message().contains(said), "{error}");
    }
}

#[test]
fn openssl_with_a_certificate_it_signed_itself() {
    let Some(key) = openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout"], b"") else {
        return;
    };
    let name = format!("subjectAltName=DNS:{HOST}");
    let make = ["req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=self", "-addext", &name];
    let certificate = openssl(&make, &key).unwrap();
    let server = s_server(&certificate, &key, &[]).unwrap();
    let error = refused_by_us(server);
    assert!(error.message().contains("self-signed"), "{error}");
}

#[test]
fn openssl_with_a_certificate_signed_with_sha_1() {
    let folder = Folder::new();
    let make =
        |arguments: &str, input: &[u8]| openssl(&arguments.split(' ').collect::<Vec<_>>(), input);
    let Some(ca_key) = make("genrsa 2048", b"") else { return };
    let ca = make("req -x509 -key /dev/stdin -subj /CN=Old", &ca_key).unwrap();
    let key = make("genrsa 2048", b"").unwrap();
    let csr = make("req -new -key /dev/stdin -subj /CN=vendor", &key).unwrap();
    folder.write("ca.key", &ca_key);
    folder.write("ca.pem", &ca);
    folder.write("ext", format!("subjectAltName=DNS:{HOST}"));
    let at = folder.0.display();
    let sign = format!(
        "x509 -req -sha1 -CA {at}/ca.pem -CAkey {at}/ca.key -set_serial 1 -extfile {at}/ext"
    );
    let certificate = make(&sign, &csr).unwrap();
    let server = s_server(&certificate, &key, &["-cipher", "ALL:@SECLEVEL=0"]).unwrap();
    let trusting = Settings { ca_pem: Some(ca), ..settings() };
    let error = refused_with(trusting, server);
    assert!(error.message().contains("SHA-1"), "{error}");
}

#[test]
fn openssl_with_tls_1_1_only() {
    let Identity { certificate_pem, key, .. } = Ca::trusted().vendor();
    let key = key.serialize_pem();
    let old = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
    let Some(server) = s_server(certificate_pem.as_bytes(), key.as_bytes(), &old) else { return };
    let error = refused_by_us(server);
    assert!(error.message().contains("neither TLS 1.2 nor 1.3"), "{error}");
}

/// tinyproxy with `extra` in its configuration.
fn tinyproxy(extra: &str) -> Option<Program> {
    Program::start("tinyproxy", |folder, port| {
        let config = format!("Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 10\n{extra}\n");
        fs::write(folder.join("config"), config).unwrap();
        vec!["-d".into(), "-c".into(), "config".into()]
    })
}

/// The peer by address: a proxy that is a program of its own knows no test names.
fn by_address(peer: &Peer) -> String {
    format!("https://{}/token", peer.address)
}

#[test]
fn tinyproxy_with_and_without_a_login() {
    let peer = Peer::answering(super::peer::OK);
    let Some(open) = tinyproxy("") else { return };
    let transport = through(format!("http://127.0.0.1:{}", open.port));
    assert_eq!(post(&transport, by_address(&peer)).unwrap().status(), 200);

    let closed = tinyproxy("BasicAuth user hunter2").unwrap();
    let transport = through(format!("http://user:hunter2@127.0.0.1:{}", closed.port));
    assert_eq!(post(&transport, by_address(&peer)).unwrap().status(), 200);
    for login in ["", "user:wrong@"] {
        let transport = through(format!("http://{login}127.0.0.1:{}", closed.port));
        let error = post(&transport, by_address(&peer)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProxyLoginRejected, "{error}");
        assert_eq!(error.http_status(), Some(if login.is_empty() { 407 } else { 401 }));
    }
    let transport = through(format!("http://127.0.0.1:{}", open.port));
    let nobody = format!("https://127.0.0.1:{}/", free_port());
    let error = post(&transport, nobody).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Proxy, ErrorPhase::Proxy), "{error}");
}

#[test]
fn microsocks_with_and_without_a_login() {
    let peer = Peer::answering(super::peer::OK);
    let start = |login: &[&str]| {
        Program::start("microsocks", |_, port| {
            let port = port.to_string();
            let base = ["-i", "127.0.0.1", "-p", &port];
            base.iter().chain(login).map(|word| (*word).to_owned()).collect()
        })
    };
    let Some(open) = start(&[]) else { return };
    for scheme in ["socks5", "socks5h"] {
        let transport = through(format!("{scheme}://127.0.0.1:{}", open.port));
        assert_eq!(post(&transport, by_address(&peer)).unwrap().status(), 200);
    }
    let closed = start(&["-u", "user", "-P", "hunter2"]).unwrap();
    let transport = through(format!("socks5h://user:hunter2@127.0.0.1:{}", closed.port));
    assert_eq!(post(&transport, by_address(&peer)).unwrap().status(), 200);
    for login in ["", "user:wrong@"] {
        let transport = through(format!("socks5h://{login}127.0.0.1:{}", closed.port));
        let error = post(&transport, by_address(&peer)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProxyLoginRejected, "{error}");
    }
}
