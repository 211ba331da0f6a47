//! What a fetch costs, beside libcurl with cJSON, stock ureq, and bare rustls.
//!
//! `cargo bench --bench fetch [-- ROUNDS]` runs all of them against one nginx, TLS 1.3 on loopback,
//! in alternating rounds. Each is a process of its own that does as it is told on its input (see
//! `benches/fetch.c`); this program starts itself anew for those in Rust. README.md says what the
//! rows mean.

#[path = "../tests/c/artifact.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod artifact;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use caretoken::{Client, Pattern, Token, TrustRoots};
use nix::time::{ClockId, clock_gettime};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

const ROUNDS: usize = 25;
const THREADS: usize = 2;
/// Per round, how long two threads fetch as fast as they can.
const RACE_MS: u64 = 60;
const TOKEN_LENGTH: usize = 1024;
const USER: &str = "fake-client-id";
const PASSWORD: &str = "fake-client-secret-0123456789";
const PATH: &str = "/api/auth/token";
const BODY: &str = "grant_type=client_credentials";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
/// [`USER`] and [`PASSWORD`], as HTTP Basic has them.
const BASIC: &str = "Basic ZmFrZS1jbGllbnQtaWQ6ZmFrZS1jbGllbnQtc2VjcmV0LTAxMjM0NTY3ODk=";

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Cold,
    Reconnect,
    Warm,
}

/// With how many fetches each round measures.
const ROWS: [(Row, usize); 3] = [(Row::Cold, 12), (Row::Reconnect, 16), (Row::Warm, 100)];

impl Row {
    fn name(self) -> &'static str {
        match self {
            Row::Cold => "cold",
            Row::Reconnect => "reconnect",
            Row::Warm => "warm",
        }
    }

    fn named(name: &str) -> Row {
        *[Row::Cold, Row::Reconnect, Row::Warm].iter().find(|row| row.name() == name).unwrap()
    }
}

const OURS: &str = "ours, Rust";
const OURS_C: &str = "ours, C ABI";
const CURL: &str = "libcurl + cJSON";
const UREQ: &str = "stock ureq";
const BARE: &str = "bare rustls";
const BARE_UREQ: &str = "ureq on bare rustls";
const PARTIES: [&str; 6] = [OURS, OURS_C, CURL, UREQ, BARE, BARE_UREQ];

/// Row, peer, the peer's row, and the most that ours may take of it.
const GOALS: [(Row, &str, Row, Option<f64>); 11] = [
    (Row::Cold, CURL, Row::Cold, Some(0.60)),
    (Row::Cold, BARE, Row::Cold, Some(1.10)),
    (Row::Cold, UREQ, Row::Cold, None),
    (Row::Reconnect, CURL, Row::Cold, Some(0.45)),
    (Row::Reconnect, BARE, Row::Reconnect, Some(1.10)),
    (Row::Reconnect, CURL, Row::Reconnect, None),
    (Row::Reconnect, UREQ, Row::Reconnect, None),
    (Row::Warm, CURL, Row::Warm, Some(0.85)),
    (Row::Warm, BARE, Row::Warm, Some(1.15)),
    (Row::Warm, BARE_UREQ, Row::Warm, None),
    (Row::Warm, UREQ, Row::Warm, None),
];

fn main() {
    match env::var("FETCH_PARTY").as_deref() {
        Ok(UREQ) => serve::<Stock>(),
        Ok(BARE) => serve::<Bare>(),
        Ok(BARE_UREQ) => serve::<BareUreq>(),
        Ok(_) => serve::<Ours>(),
        Err(_) => compare(),
    }
}

// ---- The comparison ----

#[derive(Default)]
struct Samples {
    nanoseconds: Vec<f64>,
    cpu: f64,
    per_second: Vec<f64>,
}

fn compare() {
    if let Some(missing) = missing() {
        println!("skipped: {missing} is missing");
        println!("install: apt-get install gcc nginx libcurl4-openssl-dev libcjson-dev");
        return;
    }
    let rounds = env::args().find_map(|argument| argument.parse().ok()).unwrap_or(ROUNDS);
    let server = Server::start();
    let mut parties = PARTIES.map(|name| Party::start(name, &server));
    let mut samples: BTreeMap<(usize, Row), Samples> = BTreeMap::new();
    for round in 0..rounds {
        for (row, count) in ROWS {
            for step in 0..parties.len() {
                // Nobody always follows the same neighbour.
                let place = if round % 2 == 0 { step } else { parties.len() - 1 - step };
                let all = samples.entry((place, row)).or_default();
                let answer = parties[place].ask(&format!("{} {count}", row.name()));
                let mut numbers = answer.split(' ').map(|number| number.parse::<f64>().unwrap());
                all.cpu += numbers.next().unwrap();
                all.nanoseconds.extend(numbers);
                let answer = parties[place].ask(&format!("threads {} {RACE_MS}", row.name()));
                all.per_second.push(answer.parse().unwrap());
            }
        }
    }
    samples.values_mut().for_each(|all| all.nanoseconds.sort_by(f64::total_cmp));
    let place = |name| PARTIES.iter().position(|party| *party == name).unwrap();
    let median = |name, row| quantile(&samples[&(place(name), row)].nanoseconds, 0.5) / 1e3;

    println!("name\tours µs\tpeer µs\tratio\tgoal\tverdict");
    for (row, peer, peer_row, goal) in GOALS {
        for us in [OURS, OURS_C] {
            let (ours, theirs) = (median(us, row), median(peer, peer_row));
            let (ratio, row, peer_row) = (ours / theirs, row.name(), peer_row.name());
            let verdict = match goal {
                None => "–\t–".into(),
                Some(goal) => {
                    format!("{goal:.2}\t{}", if ratio <= goal { "ok" } else { "missed" })
                }
            };
            println!(
                "{row}, {us} / {peer} {peer_row}\t{ours:.0}\t{theirs:.0}\t{ratio:.2}\t{verdict}"
            );
        }
    }
    println!();
    println!("name\tmedian µs\tmean µs\tp99 µs\tCPU µs\tper second, {THREADS} threads");
    for ((place, row), all) in &samples {
        let (sorted, count) = (&all.nanoseconds, all.nanoseconds.len() as f64);
        let mut per_second = all.per_second.clone();
        per_second.sort_by(f64::total_cmp);
        println!(
            "{}, {}\t{:.0}\t{:.0}\t{:.0}\t{:.0}\t{:.0}",
            PARTIES[*place],
            row.name(),
            quantile(sorted, 0.5) / 1e3,
            sorted.iter().sum::<f64>() / count / 1e3,
            quantile(sorted, 0.99) / 1e3,
            all.cpu / count / 1e3,
            quantile(&per_second, 0.5),
        );
    }
    println!();
    println!("name\tpeak memory MiB");
    for party in &mut parties {
        let kibibytes: f64 = party.ask("memory").parse().unwrap();
        println!("{}\t{:.1}", party.name, kibibytes / 1024.0);
    }
}

fn quantile(sorted: &[f64], quantile: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * quantile).round() as usize]
}

/// What cannot be found of what the peers need.
fn missing() -> Option<&'static str> {
    let silent = |command: &mut Command| {
        let streams = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        streams.status().is_ok_and(|status| status.success())
    };
    let has_header = |name| silent(Command::new("cc").args(["-E", "-include", name, "-xc", "-"]));
    if !silent(Command::new("cc").arg("--version")) {
        Some("a C compiler")
    } else if !silent(Command::new("nginx").arg("-v")) {
        Some("nginx")
    } else if !has_header("curl/curl.h") {
        Some("libcurl's header")
    } else if !has_header("cjson/cJSON.h") {
        Some("cJSON's header")
    } else {
        None
    }
}

/// A process that fetches as it is told.
struct Party {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Party {
    fn start(name: &'static str, server: &Server) -> Party {
        let mut command = match name {
            OURS_C => {
                Command::new(compile("fetch-caretoken", &["-DWITH_CARETOKEN", "-lcaretoken"]))
            }
            CURL => Command::new(compile("fetch-libcurl", &["-lcurl", "-lcjson"])),
            _ => Command::new(env::current_exe().unwrap()),
        };
        if name == OURS_C {
            command.env("LD_LIBRARY_PATH", &artifact::artifact().libraries);
        }
        let mut child = command
            .env("FETCH_PARTY", name)
            .env("FETCH_BASE_URL", format!("https://127.0.0.1:{}", server.port))
            .env("FETCH_PORT", server.port.to_string())
            .env("FETCH_CA_FILE", server.folder.join("ca.pem"))
            .env("FETCH_USER", USER)
            .env("FETCH_PASSWORD", PASSWORD)
            .env("FETCH_TOKEN_LENGTH", TOKEN_LENGTH.to_string())
            // Nobody's environment may put a proxy in the way.
            .env("NO_PROXY", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Party { name, input: child.stdin.take().unwrap(), output, child }
    }

    fn ask(&mut self, what: &str) -> String {
        writeln!(self.input, "{what}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "{} ended", self.name);
        line.trim_end().to_owned()
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn compile(name: &str, arguments: &[&str]) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-O2", "-pthread", "-Wall", "-Wextra", "-Werror", "-I"]);
    command.arg(artifact::root().join("include")).arg(artifact::root().join("benches/fetch.c"));
    command.arg("-L").arg(&artifact::artifact().libraries).args(arguments);
    artifact::run(command.arg("-o").arg(&program));
    program
}

/// nginx, with a certificate for 127.0.0.1: nobody has a name to look up.
struct Server {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Server {
    fn start() -> Server {
        let folder = env::temp_dir().join(format!("caretoken-fetch-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();

        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Bench CA");
        let ca_key = KeyPair::generate().unwrap();
        write("ca.pem", &params.self_signed(&ca_key).unwrap().pem());
        let ca = Issuer::new(params, ca_key);
        // rcgen's default key is P-256.
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        write("cert.pem", &params.signed_by(&key, &ca).unwrap().pem());
        write("key.pem", &key.serialize_pem());

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {kind};"))
            .concat();
        let token = "fake".repeat(TOKEN_LENGTH / 4);
        let answer =
            format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3600000}}"#);
        let config = format!(
            "daemon off; master_process off; pid pid; error_log error.log;
             events {{ worker_connections 512; }}
             http {{
               access_log off; {temporary}
               keepalive_requests 100000000;
               keepalive_timeout 1h;
               server {{
                 listen 127.0.0.1:{port} ssl;
                 ssl_protocols TLSv1.3;
                 ssl_certificate cert.pem; ssl_certificate_key key.pem;
                 location = {PATH} {{ default_type {JSON}; return 200 '{answer}'; }}
               }}
             }}"
        );
        write("nginx.conf", &config);
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&folder).args(["-c", "nginx.conf", "-e", "error.log"]);
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        let server = Server { child, port, folder };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < until, "nginx does not start");
            thread::sleep(Duration::from_millis(10));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

// ---- The parties in Rust ----

/// What lives on between fetches, and how one is made.
trait Fetcher {
    fn new(row: Row) -> Self;
    /// Makes sure that the next fetch is one.
    fn prepare(&mut self) {}
    /// Returns the length of the token.
    fn fetch(&mut self) -> usize;
}

fn variable(name: &str) -> String {
    env::var(name).unwrap()
}

fn ca_pem() -> Vec<u8> {
    fs::read(variable("FETCH_CA_FILE")).unwrap()
}

fn serve<F: Fetcher>() {
    let (mut reconnecting, mut warm) = (F::new(Row::Reconnect), F::new(Row::Warm));
    for line in io::stdin().lines() {
        let line = line.unwrap();
        match *line.split(' ').collect::<Vec<_>>() {
            ["memory"] => println!("{}", peak_memory()),
            ["threads", row, milliseconds] => {
                let span = Duration::from_millis(milliseconds.parse().unwrap());
                println!("{:.0}", race::<F>(Row::named(row), span));
            }
            [row, count] => {
                let row = Row::named(row);
                let kept = match row {
                    Row::Cold => None,
                    Row::Reconnect => Some(&mut reconnecting),
                    Row::Warm => Some(&mut warm),
                };
                println!("{}", measure(row, kept, count.parse().unwrap()));
            }
            _ => panic!("{line}?"),
        }
    }
}

fn fetch<F: Fetcher>(row: Row, kept: Option<&mut F>) {
    let length = match kept {
        Some(kept) => kept.fetch(),
        None => F::new(row).fetch(),
    };
    assert_eq!(length, TOKEN_LENGTH);
}

fn measure<F: Fetcher>(row: Row, mut kept: Option<&mut F>, count: usize) -> String {
    // The first one warms the caches that other parties have used meanwhile.
    kept.iter_mut().for_each(|kept| kept.prepare());
    fetch(row, kept.as_deref_mut());
    let mut took = Vec::with_capacity(count);
    let cpu_start = cpu();
    for _ in 0..count {
        kept.iter_mut().for_each(|kept| kept.prepare());
        let start = Instant::now();
        fetch(row, kept.as_deref_mut());
        took.push(start.elapsed().as_nanos());
    }
    let numbers = [(cpu() - cpu_start).as_nanos()].into_iter().chain(took);
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
}

fn race<F: Fetcher>(row: Row, span: Duration) -> f64 {
    let barrier = Barrier::new(THREADS);
    let run = || {
        let mut kept = (row != Row::Cold).then(|| F::new(row));
        fetch(row, kept.as_mut());
        barrier.wait();
        let (end, mut count) = (Instant::now() + span, 0_u32);
        while Instant::now() < end {
            kept.iter_mut().for_each(F::prepare);
            fetch(row, kept.as_mut());
            count += 1;
        }
        count
    };
    let count: u32 = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(run));
        threads.map(|thread| thread.join().unwrap()).iter().sum()
    });
    f64::from(count) / span.as_secs_f64()
}

fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap().into()
}

/// In KiB.
fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

struct Ours {
    client: Client,
    token: Option<Token>,
}

impl Fetcher for Ours {
    fn new(row: Row) -> Self {
        let mut builder = Client::builder(Pattern {
            base_url: variable("FETCH_BASE_URL"),
            client_id: USER.into(),
            client_secret: PASSWORD.into(),
        });
        builder = builder.roots(TrustRoots::None).ca_pem(ca_pem());
        if row == Row::Reconnect {
            builder = builder.max_idle(Duration::ZERO);
        }
        Ours { client: builder.build().unwrap(), token: None }
    }

    /// Setting the id, even to the same, drops the cached token and nothing else. `reject` would
    /// do so too, but after three fresh tokens refused in a row the client stops fetching.
    fn prepare(&mut self) {
        self.client.set_credential("client_id", USER).unwrap();
        self.token = None;
    }

    fn fetch(&mut self) -> usize {
        let token = self.client.token().unwrap();
        let length = token.access_token().expose_secret().len();
        self.token = Some(token);
        length
    }
}

struct Stock {
    agent: ureq::Agent,
    url: String,
}

impl Fetcher for Stock {
    fn new(row: Row) -> Self {
        let ca = Certificate::from_pem(&ca_pem()).unwrap();
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[ca])).build();
        let mut config = ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(Duration::from_secs(30)));
        if row == Row::Reconnect {
            config = config.max_idle_age(Duration::ZERO);
        }
        let url = variable("FETCH_BASE_URL") + PATH;
        Stock { agent: config.build().into(), url }
    }

    fn fetch(&mut self) -> usize {
        let mut answer = self
            .agent
            .post(&self.url)
            .header("content-type", FORM)
            .header("accept", JSON)
            .header("authorization", BASIC)
            .send(BODY)
            .unwrap();
        parse(answer.status().as_u16(), &answer.body_mut().read_to_vec().unwrap())
    }
}

/// The least that can be done with rustls: no pool, no checks beyond those of TLS, no wiping.
struct Bare {
    config: Arc<ClientConfig>,
    request: String,
    port: u16,
    row: Row,
    open: Option<(ClientConnection, TcpStream)>,
}

impl Fetcher for Bare {
    fn new(row: Row) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&ca_pem()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let port = variable("FETCH_PORT").parse().unwrap();
        let request = format!(
            "POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: {FORM}\r\n\
             accept: {JSON}\r\nauthorization: {BASIC}\r\nuser-agent: bare\r\n\
             content-length: {}\r\n\r\n{BODY}",
            BODY.len()
        );
        Bare { config: Arc::new(config), request, port, row, open: None }
    }

    fn fetch(&mut self) -> usize {
        let open = self.open.take();
        let (mut tls, mut tcp) = open.unwrap_or_else(|| connect(&self.config, self.port));
        // Kept by rustls until the handshake is over; leaves with its last message.
        tls.writer().write_all(self.request.as_bytes()).unwrap();
        let mut answer = [0; 4096];
        let (mut length, mut whole) = (0, None);
        while whole.is_none_or(|(_, end)| length < end) {
            length += exchange(&mut tls, &mut tcp, &mut answer[length..]);
            whole = whole.or_else(|| framing(&answer[..length]));
        }
        if self.row == Row::Warm {
            self.open = Some((tls, tcp));
        }
        let (start, end) = whole.unwrap();
        parse(200, &answer[start..end])
    }
}

fn connect(config: &Arc<ClientConfig>, port: u16) -> (ClientConnection, TcpStream) {
    let tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    tcp.set_nodelay(true).unwrap();
    let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
    (ClientConnection::new(Arc::clone(config), name).unwrap(), tcp)
}

/// Writes what there is to write, reads once, and returns how much plaintext that brought.
fn exchange(tls: &mut ClientConnection, tcp: &mut TcpStream, plain: &mut [u8]) -> usize {
    while tls.wants_write() {
        tls.write_tls(tcp).unwrap();
    }
    assert_ne!(tls.read_tls(tcp).unwrap(), 0);
    tls.process_new_packets().unwrap();
    match tls.reader().read(plain) {
        Ok(amount) => amount,
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            0
        }
    }
}

/// The least that ureq can do: it speaks HTTP and keeps the connection, with nothing around it.
struct BareUreq {
    agent: ureq::Agent,
    url: String,
}

impl Fetcher for BareUreq {
    fn new(row: Row) -> Self {
        let max_idle_age = Duration::from_secs(if row == Row::Warm { 3600 } else { 0 });
        let config = ureq::Agent::config_builder().max_idle_age(max_idle_age).build();
        let Bare { config: tls, port, .. } = Bare::new(row);
        let connector = BareConnector { config: tls, port };
        let agent = ureq::Agent::with_parts(config, connector, NoResolver);
        BareUreq { agent, url: variable("FETCH_BASE_URL") + PATH }
    }

    fn fetch(&mut self) -> usize {
        let request = self.agent.post(&self.url).header("content-type", FORM);
        let request = request.header("accept", JSON).header("authorization", BASIC);
        let mut answer = request.send(BODY).unwrap();
        parse(answer.status().as_u16(), &answer.body_mut().read_to_vec().unwrap())
    }
}

#[derive(Debug)]
struct BareConnector {
    config: Arc<ClientConfig>,
    port: u16,
}

impl Connector for BareConnector {
    type Out = BareWire;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<BareWire>, ureq::Error> {
        let (tls, tcp) = connect(&self.config, self.port);
        Ok(Some(BareWire { tls, tcp, buffers: LazyBuffers::new(4096, 4096) }))
    }
}

#[derive(Debug)]
struct BareWire {
    tls: ClientConnection,
    tcp: TcpStream,
    buffers: LazyBuffers,
}

impl Transport for BareWire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        // It leaves when the answer is waited for.
        self.tls.writer().write_all(&self.buffers.output()[..amount])?;
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        loop {
            let amount = exchange(&mut self.tls, &mut self.tcp, self.buffers.input_append_buf());
            if amount > 0 {
                self.buffers.input_appended(amount);
                return Ok(true);
            }
        }
    }

    fn is_open(&mut self) -> bool {
        true
    }

    fn is_tls(&self) -> bool {
        true
    }
}

/// The address is in the URL.
#[derive(Debug)]
struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(
        &self,
        _: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

/// Where the body starts and ends, once the head is whole.
fn framing(answer: &[u8]) -> Option<(usize, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    let start = match response.parse(answer).unwrap() {
        httparse::Status::Complete(start) => start,
        httparse::Status::Partial => return None,
    };
    assert_eq!(response.code, Some(200));
    let mut headers = response.headers.iter();
    let length = headers.find(|header| header.name.eq_ignore_ascii_case("content-length")).unwrap();
    Some((start, start + std::str::from_utf8(length.value).unwrap().parse::<usize>().unwrap()))
}

/// The length of the token.
fn parse(status: u16, body: &[u8]) -> usize {
    assert_eq!(status, 200);
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert!(answer["expires_in"].is_number());
    answer["access_token"].as_str().unwrap().to_owned().len()
}
