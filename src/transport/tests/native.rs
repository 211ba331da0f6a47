//! The system's TLS.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::deadline::{GRACE, TIME, ends_in, silent, soon};
use super::peer::{
    Ca, HOST, Identity, OK, OK_BODY, Peer, Tls, attempt, linger, openssl_identity, parsed, post,
    read_request, request, settings,
};
use super::settings::refused;
use super::trust::{mutual, pin, serving};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::Secret;
use crate::transport::connect::connect;
use crate::transport::read_buffer::ReadBuffer;
use crate::transport::tls::TlsConfig;
use crate::transport::url::Host;
use crate::transport::{HttpsTransport, ProbeOutcome, Settings, TlsStack, Transport, TrustRoots};

fn system() -> Settings {
    Settings { tls_stack: TlsStack::System, ..settings() }
}

fn transport() -> HttpsTransport {
    HttpsTransport::new(system()).unwrap()
}

#[test]
fn requests_go_out_on_a_kept_connection() {
    for version in rustls::ALL_VERSIONS {
        let config = Ca::trusted().vendor().server_config_of(&[version]);
        let peer = Peer::tls(config, |_, stream| {
            while read_request(stream).is_ok() && stream.write_all(OK).is_ok() {}
        });
        let transport = transport();
        for _ in 0..3 {
            let response = post(&transport, peer.url()).unwrap();
            assert_eq!(response.body().expose_secret(), OK_BODY);
        }
        assert_eq!(peer.accepted(), 1);
    }
}

#[test]
fn a_connection_that_the_server_closed_is_not_used() {
    // When the client looks, the end has come, since the peer still waits for ours.
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::tls(Ca::trusted().vendor().server_config(), move |_, stream| {
        read_request(stream).unwrap();
        stream.write_all(OK).unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        sender.lock().unwrap().send(()).unwrap();
    });
    let (transport, mut once) = (transport(), request(peer.url()));
    once.parts().replayable = false;
    for _ in 0..3 {
        let response = transport.send(&once, &attempt(Duration::from_secs(20))).unwrap();
        assert_eq!(response.status(), 200);
        receiver.recv().unwrap();
    }
    assert_eq!(peer.accepted(), 3);
}

#[test]
fn an_answer_of_many_records_comes_whole() {
    const LENGTH: usize = 60_000;
    let peer = Peer::tls(Ca::trusted().vendor().server_config(), |_, stream| {
        read_request(stream).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&[b'x'; LENGTH]).unwrap();
    });
    assert_eq!(post(&transport(), peer.url()).unwrap().body().len(), LENGTH);
}

/// Without a length, only TLS tells the end from a cut.
#[test]
fn an_answer_that_is_cut_off_is_not_taken_for_a_whole_one() {
    fn endless(stream: &mut Tls) {
        read_request(stream).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"fake\":1}").unwrap();
    }
    let config = Ca::trusted().vendor().server_config();
    let peer = Peer::tls(Arc::clone(&config), |_, stream| endless(stream));
    assert_eq!(post(&transport(), peer.url()).unwrap().status(), 200);
    let peer = Peer::tls(config, |_, stream| {
        endless(stream);
        // Before it can say that this is the end.
        linger(&stream.sock);
    });
    let error = post(&transport(), peer.url()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::ConnectionLost, ErrorPhase::Receive));
}

fn refusal(identity: &Identity) -> Error {
    let peer = serving(identity);
    let error = post(&transport(), peer.url()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
    assert!(error.message().contains(&peer.address.to_string()), "{error}");
    error
}

#[cfg(not(target_vendor = "apple"))]
#[test]
fn a_refused_certificate_is_explained() {
    let dated = |from, to| {
        Ca::trusted().issue(&[HOST], |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        })
    };
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([HOST.to_owned()]).unwrap().self_signed(&key).unwrap();
    let certificate_pem = certificate.pem();
    let self_signed = Identity { certificate: certificate.into(), certificate_pem, key };
    for (identity, problem, remedy) in [
        (dated(2020, 2021), "has expired", "clock"),
        (dated(2090, 2091), "is not valid yet", "clock"),
        (Ca::new("Unknown").vendor(), "issuer that is not trusted", "ca_pem"),
        (self_signed, "issuer that is not trusted", "ca_pem"),
        (Ca::trusted().issue(&["other.test"], |_| {}), "is for other names", "base_url"),
    ] {
        let error = refusal(&identity);
        let says = format!("the certificate of {HOST}, ");
        assert!(error.message().starts_with(&says), "{error}");
        assert!(error.message().contains(problem), "{error}");
        assert!(error.remedy().contains(remedy), "{error}");
    }
}

#[test]
fn an_ip_address_is_verified_too() {
    let by_address = |identity: &Identity| {
        let peer = serving(identity);
        post(&transport(), format!("https://{}/token", peer.address))
    };
    assert_eq!(by_address(&Ca::trusted().vendor()).unwrap().status(), 200);
    let error = by_address(&Ca::trusted().issue(&[HOST], |_| {})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
}

#[test]
fn a_pinned_key_must_be_the_servers_own() {
    let identity = Ca::trusted().vendor();
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    let peer = Peer::tls(identity.server_config(), move |_, stream| {
        while read_request(stream).is_ok() && stream.write_all(OK).is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let pinned = |key: &KeyPair| {
        let settings = Settings { pins: vec![pin(key)], ..system() };
        post(&HttpsTransport::new(settings).unwrap(), peer.url())
    };
    assert_eq!(pinned(&identity.key).unwrap().status(), 200);
    let error = pinned(&KeyPair::generate().unwrap()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls));
    assert!(error.message().contains("issued by \"Trusted Test CA\", has a key"), "{error}");
    peer.wait_until_closed(2);
    assert_eq!(heard.load(Ordering::SeqCst), 1, "a server that is not pinned heard a request");
}

fn with_identity(certificate: &str, key: &[u8]) -> Settings {
    Settings {
        client_cert_pem: Some(certificate.into()),
        client_key_pem: Some(Secret::from(std::str::from_utf8(key).unwrap())),
        ..system()
    }
}

#[test]
fn a_client_certificate_is_shown_where_it_is_asked_for() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let peer = mutual(version);
        let shown = |identity: &Identity| {
            let key = format!("clinic's key\n{}", identity.key.serialize_pem());
            let settings = with_identity(&identity.certificate_pem, key.as_bytes());
            post(&HttpsTransport::new(settings).unwrap(), peer.url())
        };
        let own = Ca::trusted().issue(&["clinic.test"], |_| {});
        assert_eq!(shown(&own).unwrap().status(), 200);

        let error = post(&transport(), peer.url()).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
        assert!(error.remedy().contains("client_cert_pem"), "{error}");

        let error = shown(&Ca::new("Foreign CA").issue(&["clinic.test"], |_| {})).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
    }
}

#[test]
fn what_it_cannot_do_is_told_when_the_client_is_built() {
    refused(Settings { roots: Some(TrustRoots::Bundled), ..system() }, "roots", "bundled roots");
    refused(Settings { ca_pem: None, ..system() }, "ca_pem", "no other CA is trusted");
    let crl_pem = Some(Ca::trusted().revoking(&[7]).into());
    refused(Settings { crl_pem, ..system() }, "crl_pem", "no effect");
    let wrong = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    refused(Settings { ca_pem: Some(wrong), ..system() }, "ca_pem", "cannot be read");
    refused(Settings { pins: vec!["hunter2".into()], ..system() }, "pins", "not base64");
    HttpsTransport::new(Settings { roots: Some(TrustRoots::System), ..system() }).unwrap();

    let (one, other) = (Ca::trusted().vendor(), Ca::trusted().vendor());
    let (chain, key) = (one.certificate_pem.as_str(), other.key.serialize_pem());
    refused(with_identity(chain, key.as_bytes()), "client_key_pem", "does not belong");
    refused(with_identity(chain, b"hunter2"), "client_key_pem", "holds no private key");
    let Some((chain, key)) = openssl_identity("sec1") else { return };
    let chain = String::from_utf8(chain).unwrap();
    refused(with_identity(&chain, &key), "client_key_pem", "cannot be used with the system's");
}

#[test]
fn every_step_ends_with_its_attempt() {
    ends_in(ErrorPhase::Tls, &transport(), &request(silent().url()));
    let mute = Peer::tls(Ca::trusted().vendor().server_config(), |_, stream| {
        read_request(stream).unwrap();
        thread::sleep(Duration::from_secs(5));
    });
    ends_in(ErrorPhase::Receive, &transport(), &request(mute.url()));
}

#[test]
fn a_server_that_does_not_read_ends_with_its_attempt() {
    let peer = Peer::tls(Ca::trusted().vendor().server_config(), |_, stream| {
        stream.conn.complete_io(&mut stream.sock).unwrap();
        thread::sleep(Duration::from_secs(5));
    });
    let config = TlsConfig::new(&system()).unwrap();
    let host = Host::parse(HOST).unwrap();
    let bytes = vec![b'x'; 16 << 20];
    soon(GRACE, || {
        let attempt = attempt(TIME);
        let socket = connect(&[peer.address], &attempt, ErrorPhase::Connect).unwrap();
        let mut session = config.open(&host, socket, &attempt).unwrap();
        let error = session.send(&bytes, &mut ReadBuffer::default(), &attempt).unwrap_err();
        assert_eq!(
            (error.kind(), error.phase()),
            (ErrorKind::Timeout, ErrorPhase::Send),
            "{error}"
        );
    });
}

#[test]
fn a_server_without_tls_is_told() {
    let peer = Peer::tcp(|_, mut stream| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        linger(&stream);
    });
    let error = post(&transport(), peer.url()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
    assert!(error.message().contains("not TLS"), "{error}");
}

#[cfg(not(any(windows, target_vendor = "apple")))]
#[test]
fn a_server_with_tls_1_1_only_is_told() {
    // What it says to begin with: its alert 70, or a ServerHello of that version.
    let alert = b"\x15\x03\x02\x00\x02\x02\x46".to_vec();
    let mut hello = b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02".to_vec();
    hello.extend([7; 32]);
    hello.extend(b"\x00\xc0\x13\x00");
    for (says, told) in [(alert, "neither TLS 1.2 nor 1.3"), (hello, "no TLS newer than 1.1")] {
        let peer = Peer::tcp(move |_, mut stream| {
            stream.write_all(&says).unwrap();
            linger(&stream);
        });
        let error = post(&transport(), peer.url()).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
        assert!(error.message().contains(told), "{error}");
    }
}

#[test]
fn a_server_that_hangs_up_in_the_handshake_is_told() {
    let peer = Peer::tcp(|_, stream| linger(&stream));
    let error = post(&transport(), peer.url()).unwrap_err();
    assert_eq!(
        (error.kind(), error.phase()),
        (ErrorKind::ConnectionLost, ErrorPhase::Tls),
        "{error}"
    );
    assert!(error.message().contains("during the TLS handshake"), "{error}");
}

#[test]
fn the_doctor_shows_the_certificate() {
    let peer = Peer::answering(OK);
    let found = transport().probe(&parsed(peer.url()), &attempt(Duration::from_secs(20)));
    let step = found.steps.iter().find(|step| step.name == "tls").unwrap();
    assert!(matches!(step.outcome, ProbeOutcome::Ok), "{step:?}");
    assert!(step.finding.starts_with("the system's TLS; certificate of "), "{step:?}");
    assert!(step.finding.contains("issued by \"Trusted Test CA\", valid "), "{step:?}");
    assert_eq!(found.answer.unwrap().status(), 200);
}
