//! The doctor: what it finds on the way, where it stops, and what it never tells.

#[path = "support/mod.rs"]
mod support;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use caretoken::{
    Client, ClientBuilder, DoctorReport, ErrorKind, ErrorPhase, ProbeOutcome, ProbeStep,
};
use caretoken_sandbox::{Fault, Options, Sandbox, Vendor};

/// Secrets that nothing else looks like.
const ODD: &str = "odd-7Qz";

fn start() -> Sandbox {
    Sandbox::start().unwrap()
}

/// Settings for the way only: no credentials.
fn way(sandbox: &Sandbox, vendor: Vendor) -> ClientBuilder {
    let mut builder = ClientBuilder::by_name(vendor.name()).unwrap();
    builder = builder.set("base_url", sandbox.base_url(vendor)).unwrap();
    builder = builder.set("ca_pem", sandbox.ca_pem()).unwrap();
    builder.proxy("off").timeout(Duration::from_secs(20))
}

/// A client whose credentials are all odd.
fn client(sandbox: &Sandbox, vendor: Vendor) -> Client {
    odd(way(sandbox, vendor)).build().unwrap()
}

fn odd(mut builder: ClientBuilder) -> ClientBuilder {
    let secret = builder.parameters().filter(|known| known.is_secret());
    let names: Vec<_> = secret.map(|known| known.name().to_owned()).collect();
    for name in &names {
        builder = builder.set(name, format!("{ODD}-{name}")).unwrap();
    }
    if names.iter().any(|name| name == "partner_id") {
        builder = builder.set("scopes", "create:patient").unwrap();
    }
    builder
}

fn step<'a>(report: &'a DoctorReport, name: &str) -> &'a ProbeStep {
    report.steps().iter().find(|step| step.name == name).unwrap()
}

/// The names of how the steps ended, in order.
fn outcomes(report: &DoctorReport) -> Vec<&'static str> {
    report.steps().iter().map(|step| step.outcome.name()).collect()
}

const HEALTHY: [&str; 6] = ["ok", "ok", "skipped", "ok", "ok", "ok"];

#[test]
fn the_way_to_each_vendor_is_healthy_and_no_credential_arrives() {
    let sandbox = start();
    for vendor in Vendor::ALL {
        let client = client(&sandbox, vendor);
        let report = client.doctor();
        let text = report.to_string();
        assert!(report.is_healthy() && report.error().is_none(), "{text}");
        assert_eq!(outcomes(&report), HEALTHY, "{text}");
        let names: Vec<_> = report.steps().iter().map(|step| step.name).collect();
        assert_eq!(names, ["resolve", "connect", "proxy", "tls", "request", "clock"]);
        assert!(text.ends_with("result   healthy"), "{text}");
        for known in [vendor.name(), &sandbox.base_url(vendor), env!("CARGO_PKG_VERSION")] {
            assert!(text.contains(known), "{known} in {text}");
        }
        assert!(text.contains(std::env::consts::OS), "{text}");
        assert!(!text.contains(ODD), "{text}");
        assert!(!format!("{report:?}").contains(ODD));

        assert_eq!(sandbox.requests(vendor), 1);
        let request = sandbox.last_request(vendor).unwrap();
        assert_eq!((request.method.as_str(), request.body.as_slice()), ("GET", &b""[..]));
        let mut names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "connection", "host", "user-agent"]);
        assert!(!format!("{request:?}").contains(ODD));

        // Nothing of it stays with the client.
        assert!(client.peek().is_none() && client.clock_skew_ms().is_none());
        assert_eq!(client.stats().fetches, 0);
    }
}

#[test]
fn each_step_says_what_it_found() {
    let sandbox = start();
    let report = client(&sandbox, Vendor::Pattern).doctor();
    let finding = |name| step(&report, name).finding.as_str();
    assert!(finding("resolve").starts_with("localhost: "), "{report}");
    assert!(finding("resolve").contains("127.0.0.1"), "{report}");
    let port = sandbox.origin().rsplit(':').next().unwrap().to_owned();
    assert!(finding("connect").ends_with(&format!(":{port}")), "{report}");
    assert_eq!(finding("proxy"), "none is set");
    assert_eq!(
        finding("tls"),
        "TLS 1.3, TLS_AES_128_GCM_SHA256; certificate of \"localhost\" issued by \"caretoken \
         sandbox CA (not for real use)\", valid 1975-01-01 to 4096-01-01"
    );
    assert!(finding("request").starts_with("HTTP 4"), "{report}");
    assert!(finding("clock").contains("this machine's clock"), "{report}");
    assert!(step(&report, "tls").took > Duration::ZERO);
}

#[test]
fn a_token_and_its_connection_are_left_alone() {
    let sandbox = start();
    let mut builder = way(&sandbox, Vendor::Pattern);
    for (name, value) in sandbox.credentials(Vendor::Pattern) {
        builder = builder.set(name, value.as_str()).unwrap();
    }
    let client = builder.build().unwrap();
    let token = client.token().unwrap();
    assert!(client.doctor().is_healthy());
    assert_eq!(support::plain(&client.token().unwrap()), support::plain(&token));
    // A full handshake, so that the certificate is looked at; the kept connection is still good.
    assert_eq!((sandbox.connections(), sandbox.resumed_handshakes()), (2, 0));
    client.reject(&token);
    client.token().unwrap();
    assert_eq!(sandbox.connections(), 2);
}

#[test]
fn no_credentials_are_needed() {
    let sandbox = start();
    for vendor in Vendor::ALL {
        let report = way(&sandbox, vendor).doctor().unwrap();
        assert!(report.is_healthy(), "{report}");
    }
    let error = ClientBuilder::by_name("pattern").unwrap().doctor().unwrap_err();
    assert_eq!((error.field(), error.vendor()), (Some("base_url"), Some("pattern")));
}

#[test]
fn over_plain_http_there_is_no_tls_to_examine() {
    let options = Options { plain_http: true, ..Options::default() };
    let sandbox = Sandbox::start_with(options).unwrap();
    let mut builder = ClientBuilder::by_name("edvak").unwrap().plain_http_to_loopback(true);
    builder = builder.set("base_url", sandbox.base_url(Vendor::Edvak)).unwrap();
    let report = builder.doctor().unwrap();
    assert!(report.is_healthy(), "{report}");
    assert_eq!(outcomes(&report), ["ok", "ok", "skipped", "skipped", "ok", "ok"]);
}

/// The error of the one step that failed; all before it are well, all after it are skipped.
fn failure(
    report: &DoctorReport,
    name: &str,
    kind: ErrorKind,
    phase: ErrorPhase,
) -> caretoken::Error {
    assert!(!report.is_healthy(), "{report}");
    let failed = report.steps().iter().position(|step| step.name == name).unwrap();
    for (index, step) in report.steps().iter().enumerate() {
        match (&step.outcome, index.cmp(&failed)) {
            (ProbeOutcome::Ok | ProbeOutcome::Skipped, std::cmp::Ordering::Less) => {}
            (ProbeOutcome::Failed(_), std::cmp::Ordering::Equal) => {}
            (ProbeOutcome::Skipped, std::cmp::Ordering::Greater) => {
                assert_eq!((step.finding.as_str(), step.took), ("not reached", Duration::ZERO));
            }
            _ => panic!("{} in {report}", step.name),
        }
    }
    let error = report.error().unwrap().clone();
    assert_eq!((error.kind(), error.phase()), (kind, phase), "{report}");
    let text = report.to_string();
    assert!(text.contains(&format!("not healthy: {name} failed ({}", kind.name())), "{text}");
    assert!(text.contains(error.message()) && text.contains(error.remedy()), "{text}");
    error
}

#[test]
fn nobody_listening_ends_it_at_connect() {
    let sandbox = start();
    let builder = way(&sandbox, Vendor::Pattern);
    drop(sandbox);
    let report = builder.doctor().unwrap();
    let error = failure(&report, "connect", ErrorKind::Connect, ErrorPhase::Connect);
    assert!(error.message().contains("127.0.0.1"), "{error}");
    assert!(error.message().contains("connection refused"), "{error}");
}

#[test]
fn an_unknown_ca_is_named() {
    let (sandbox, other) = (start(), start());
    let mut builder =
        ClientBuilder::by_name("pattern").unwrap().proxy("off").ca_pem(other.ca_pem());
    builder = builder.set("base_url", sandbox.base_url(Vendor::Pattern)).unwrap();
    let report = builder.doctor().unwrap();
    let error = failure(&report, "tls", ErrorKind::Tls, ErrorPhase::Tls);
    assert!(error.message().contains("caretoken sandbox CA"), "{error}");
    assert!(step(&report, "tls").finding.contains("caretoken sandbox CA"), "{report}");
    assert_eq!(sandbox.requests(Vendor::Pattern), 0);
}

#[test]
fn a_name_that_does_not_resolve_ends_it_at_once() {
    // RFC 6761 §6.4: resolvers answer for `.invalid` without asking anybody.
    let builder = ClientBuilder::by_name("pattern").unwrap().proxy("off");
    let mut builder = builder.timeout(Duration::from_secs(20));
    builder = builder.set("base_url", "https://vendor.invalid").unwrap();
    let report = builder.doctor().unwrap();
    let error = failure(&report, "resolve", ErrorKind::Resolve, ErrorPhase::Resolve);
    assert!(error.message().contains("vendor.invalid"), "{error}");
}

#[test]
fn an_address_that_was_set_is_told_as_such() {
    let sandbox = start();
    let port = sandbox.origin().rsplit(':').next().unwrap().to_owned();
    let mut builder = way(&sandbox, Vendor::Pattern);
    builder = builder.set("base_url", format!("https://vendor.invalid:{port}")).unwrap();
    builder = builder.set("resolve", "vendor.invalid=127.0.0.1").unwrap();
    let report = builder.doctor().unwrap();
    assert_eq!(
        step(&report, "resolve").finding,
        "vendor.invalid: 127.0.0.1 (as set; DNS was not asked)"
    );
    // Its certificate is for another name.
    let error = failure(&report, "tls", ErrorKind::Tls, ErrorPhase::Tls);
    assert!(error.message().contains("is for other names"), "{error}");
}

#[test]
fn a_skewed_clock_is_told_and_is_no_illness() {
    for (seconds, words) in [(6 * 3600, "s behind"), (-6 * 3600, "s ahead of")] {
        let sandbox = start();
        sandbox.set_clock_skew(seconds);
        let report = client(&sandbox, Vendor::Pattern).doctor();
        let clock = step(&report, "clock");
        assert_eq!(clock.outcome.name(), "warning", "{report}");
        assert!(clock.finding.contains(words) && clock.finding.contains(" 21"), "{report}");
        assert!(report.is_healthy(), "{report}");
        assert!(report.to_string().ends_with("healthy, with warnings"), "{report}");
    }
    let sandbox = start();
    sandbox.inject(Vendor::Pattern, Fault::NoDate);
    let report = client(&sandbox, Vendor::Pattern).doctor();
    assert_eq!(step(&report, "clock").outcome.name(), "skipped", "{report}");
}

#[test]
fn an_answer_that_bodes_ill_is_a_warning() {
    for (fault, status) in [
        (Fault::Outage, "HTTP 503"),
        (Fault::Redirect("https://evil.example/?odd-location".into()), "HTTP 307"),
    ] {
        let sandbox = start();
        sandbox.inject(Vendor::Pattern, fault);
        let report = client(&sandbox, Vendor::Pattern).doctor();
        let request = step(&report, "request");
        assert_eq!(request.outcome.name(), "warning", "{report}");
        assert!(request.finding.starts_with(status), "{report}");
        assert!(report.is_healthy(), "{report}");
        assert!(!report.to_string().contains("odd-location"), "{report}");
    }
}

#[test]
fn a_cut_connection_ends_it_at_the_request() {
    let sandbox = start();
    sandbox.inject(Vendor::Pattern, Fault::CutBefore);
    let report = client(&sandbox, Vendor::Pattern).doctor();
    failure(&report, "request", ErrorKind::ConnectionLost, ErrorPhase::Receive);
}

#[test]
fn it_ends_with_its_deadline() {
    let sandbox = start();
    sandbox.inject_always(Vendor::Pattern, Some(Fault::DelayBefore(Duration::from_secs(30))));
    let begin = Instant::now();
    let report = client(&sandbox, Vendor::Pattern).doctor_within(Duration::from_millis(800));
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    failure(&report, "request", ErrorKind::Timeout, ErrorPhase::Receive);
    let report = client(&sandbox, Vendor::Pattern).doctor_within(Duration::ZERO);
    assert_eq!(report.error().unwrap().kind(), ErrorKind::Timeout, "{report}");
}

#[test]
fn it_can_be_cancelled() {
    let sandbox = start();
    sandbox.inject_always(Vendor::Pattern, Some(Fault::DelayBefore(Duration::from_secs(30))));
    let client = client(&sandbox, Vendor::Pattern);
    let begin = Instant::now();
    let report = thread::scope(|scope| {
        let doctor = scope.spawn(|| client.doctor());
        while sandbox.requests(Vendor::Pattern) == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        client.cancel();
        doctor.join().unwrap()
    });
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    failure(&report, "request", ErrorKind::Cancelled, ErrorPhase::Receive);
}

#[test]
fn a_transport_of_the_programs_own_is_not_examined() {
    let (client, script, _) = support::scripted();
    let report = client.doctor();
    assert!(!report.is_healthy() && report.error().is_none(), "{report}");
    assert_eq!(outcomes(&report), ["skipped"; 6]);
    assert!(report.to_string().ends_with("result   not examined"), "{report}");
    assert_eq!(script.requests(), 0);
}

/// A proxy that says `reply` to the first request of each connection, and if that is a success
/// carries the rest to where it was asked to. The other end gets the requests.
fn http_proxy(reply: &'static str) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, heads) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (sender, mut stream) = (sender.clone(), stream.unwrap());
            thread::spawn(move || {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    head.extend(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let to = head.split(' ').nth(1).unwrap().to_owned();
                sender.send(head).unwrap();
                stream.write_all(reply.as_bytes()).unwrap();
                if reply.starts_with("HTTP/1.1 2") {
                    carry(stream, TcpStream::connect(to).unwrap());
                }
            });
        }
    });
    (port, heads)
}

fn carry(one: TcpStream, other: TcpStream) {
    let (mut one_way, mut into) = (one.try_clone().unwrap(), other.try_clone().unwrap());
    thread::spawn(move || io::copy(&mut one_way, &mut into));
    let (mut back, mut into) = (other, one);
    let _ended_either_way = io::copy(&mut back, &mut into);
}

#[test]
fn a_proxy_is_a_step_and_its_login_stays_secret() {
    let sandbox = start();
    let (port, heads) = http_proxy("HTTP/1.1 200 OK\r\n\r\n");
    let proxy = format!("http://{ODD}-user:{ODD}-password@127.0.0.1:{port}");
    let report = odd(way(&sandbox, Vendor::Pattern)).proxy(proxy).build().unwrap().doctor();
    assert!(report.is_healthy(), "{report}");
    assert_eq!(outcomes(&report), ["ok"; 6], "{report}");
    let origin = sandbox.origin().replace("https://", "");
    assert_eq!(
        step(&report, "proxy").finding,
        format!("http://127.0.0.1:{port} opened the way to {origin}")
    );
    assert_eq!(step(&report, "resolve").finding, "the proxy 127.0.0.1 (an address already)");
    assert_eq!(step(&report, "connect").finding, format!("to the proxy 127.0.0.1:{port}"));
    assert!(heads.recv().unwrap().contains("proxy-authorization: Basic "));
    assert!(!report.to_string().contains(ODD), "{report}");
    assert!(!format!("{report:?}").contains(ODD));
}

#[test]
fn a_proxy_that_refuses_ends_it_there() {
    let sandbox = start();
    let refusal = "HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n";
    let (port, _heads) = http_proxy(refusal);
    let proxy = format!("http://{ODD}-user:{ODD}-password@127.0.0.1:{port}");
    let report = odd(way(&sandbox, Vendor::Pattern)).proxy(proxy).build().unwrap().doctor();
    let error = failure(&report, "proxy", ErrorKind::ProxyLoginRejected, ErrorPhase::Proxy);
    assert_eq!(error.http_status(), Some(407));
    assert!(error.message().contains("NTLM"), "{error}");
    assert!(!report.to_string().contains(ODD), "{report}");

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let report = way(&sandbox, Vendor::Pattern).proxy(format!("http://{nobody}")).doctor().unwrap();
    failure(&report, "connect", ErrorKind::Proxy, ErrorPhase::Proxy);
    assert_eq!(sandbox.connections(), 0);
}

/// A server without TLS that answers every request with these bytes and hangs up.
fn raw_server(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _some = stream.read(&mut request);
            let _as_far_as_they_listen = stream.write_all(&answer);
        }
    });
    port
}

#[test]
fn a_hostile_answer_does_it_no_harm() {
    let endless = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"a: b\r\n".repeat(60), vec![b'x'; 100_000]];
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000);
    for (answer, kind) in [
        // What follows the head is nobody's concern.
        (b"HTTP/1.1 200 OK\r\n\r\n\x1b[2J".to_vec(), None),
        (b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), Some(ErrorKind::AnswerNotJson)),
        (b"HTTP/1.1 200 OK\r\nDate: \x1b[2J\r\n\r\n".to_vec(), Some(ErrorKind::AnswerNotJson)),
        (b"HTTP/1.1 200 OK\r\n".to_vec(), Some(ErrorKind::ConnectionLost)),
        (Vec::new(), Some(ErrorKind::ConnectionLost)),
        (endless.concat(), Some(ErrorKind::AnswerTooLarge)),
        (interim, Some(ErrorKind::AnswerTooLarge)),
    ] {
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let port = raw_server(answer);
        let mut builder = ClientBuilder::by_name("pattern").unwrap().plain_http_to_loopback(true);
        builder = builder.set("base_url", format!("http://127.0.0.1:{port}")).unwrap();
        let report = builder.timeout(Duration::from_secs(10)).doctor().unwrap();
        assert_eq!(report.error().map(caretoken::Error::kind), kind, "{shown}: {report}");
        assert!(!report.to_string().contains('\x1b'), "{shown}");
    }
}

#[test]
fn many_threads_may_ask_at_once() {
    let sandbox = start();
    let client = client(&sandbox, Vendor::Pattern);
    thread::scope(|scope| {
        let doctors: Vec<_> = (0..8).map(|_| scope.spawn(|| client.doctor())).collect();
        for doctor in doctors {
            let report = doctor.join().unwrap();
            assert!(report.is_healthy(), "{report}");
        }
    });
    assert_eq!(sandbox.requests(Vendor::Pattern), 8);
}
