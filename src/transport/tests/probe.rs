//! The way, examined, where it takes a server of our own to be so.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::peer::{Ca, Identity, OK, Peer, attempt, parsed, read_request, settings, transport};
use super::trust::mutual;
use crate::error::{ErrorKind, ErrorPhase};
use crate::memory::Secret;
use crate::transport::{
    HttpsTransport, Probe, ProbeOutcome, ProbeStep, ProxyChoice, Settings, Transport,
};

fn probe(transport: &HttpsTransport, url: &str) -> Probe {
    transport.probe(&parsed(url), &attempt(Duration::from_secs(20)))
}

fn step<'a>(found: &'a Probe, name: &str) -> &'a ProbeStep {
    found.steps.iter().find(|step| step.name == name).unwrap()
}

/// Answers each request, with an interim answer before.
fn serving(identity: &Identity, version: &'static rustls::SupportedProtocolVersion) -> Peer {
    Peer::tls(identity.server_config_of(&[version]), |_, stream| {
        while read_request(stream).is_ok() {
            let _ = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
            let _ = stream.write_all(OK);
        }
    })
}

#[test]
fn both_versions_of_tls_are_told_with_their_suites() {
    for (version, words) in [
        (&rustls::version::TLS12, "TLS 1.2, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;"),
        (&rustls::version::TLS13, "TLS 1.3, TLS_AES_128_GCM_SHA256;"),
    ] {
        let peer = serving(&Ca::trusted().vendor(), version);
        let found = probe(&transport(), &peer.url());
        let tls = &step(&found, "tls").finding;
        assert!(tls.starts_with(words) && tls.contains("issued by \"Trusted Test CA\""), "{tls}");
        let answer = found.answer.unwrap();
        assert_eq!((answer.status(), answer.body().len()), (200, 0));
        assert_eq!(answer.header("date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    }
}

#[test]
fn a_server_that_wants_our_certificate_is_told_at_either_end_of_the_handshake() {
    for (version, name) in [(&rustls::version::TLS12, "tls"), (&rustls::version::TLS13, "request")]
    {
        let found = probe(&transport(), &mutual(version).url());
        let ProbeOutcome::Failed(error) = &step(&found, name).outcome else {
            panic!("{:?}", found.steps)
        };
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
    }
}

#[test]
fn a_lookup_that_hangs_ends_with_the_deadline() {
    fn hang(_: &str) -> io::Result<Vec<SocketAddr>> {
        thread::sleep(Duration::from_secs(3));
        Err(io::ErrorKind::TimedOut.into())
    }
    let transport = HttpsTransport::with_lookup(settings(), hang);
    let begin = Instant::now();
    let found =
        transport.probe(&parsed("https://elsewhere.test/"), &attempt(Duration::from_millis(100)));
    assert!(begin.elapsed() < Duration::from_millis(1000), "{:?}", begin.elapsed());
    let ProbeOutcome::Failed(error) = &step(&found, "resolve").outcome else { panic!("{found:?}") };
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, ErrorPhase::Resolve));
    assert!(found.steps.iter().skip(1).all(|step| step.outcome.name() == "skipped"));
}

#[test]
fn a_proxy_that_is_set_and_not_used_is_told() {
    let proxy = ProxyChoice::Url(Secret::from("http://user:hush@127.0.0.1:9"));
    let transport = HttpsTransport::new(Settings { proxy, ..settings() }).unwrap();
    let peer = Peer::plain(OK);
    let found = probe(&transport, &peer.plain_url());
    let finding = &step(&found, "proxy").finding;
    assert!(found.answer.is_some());
    assert_eq!(finding, "http://127.0.0.1:9 is set, but not used for this host");
}
