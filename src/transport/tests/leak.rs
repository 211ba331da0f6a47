//! Whoever is not the vendor gets no byte of a secret.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::peer::{
    Ca, HOST, Identity, Peer, attempt, linger, parsed, post, read_request, request, settings,
    transport,
};
use crate::error::ErrorKind;
use crate::transport::{HttpsTransport, ProbeOutcome, Settings, Transport};

/// What the test requests hold of secrets.
const SECRETS: [&[u8]; 2] = [b"ZmFrZTpmYWtl", b"client_credentials"];

/// A TLS server that never answers and tells what it could read of each connection.
fn listening(config: Arc<ServerConfig>) -> (Peer, mpsc::Receiver<Vec<u8>>) {
    let (sender, heard) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::tcp(move |_, stream| {
        let session = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(session, stream);
        let mut request = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(amount @ 1..) = stream.read(&mut piece) {
            request.extend_from_slice(&piece[..amount]);
            if SECRETS.iter().all(|secret| has(&request, secret)) {
                break;
            }
        }
        sender.lock().unwrap().send(request).unwrap();
    });
    (peer, heard)
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn self_signed() -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([HOST.to_owned()]).unwrap().self_signed(&key).unwrap();
    Identity { certificate_pem: certificate.pem(), certificate: certificate.into(), key }
}

#[test]
fn a_server_that_is_not_believed_hears_nothing() {
    let ca = Ca::trusted();
    let dated = |from, to| {
        ca.issue(&[HOST], |params| {
            (params.not_before, params.not_after) =
                (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        })
    };
    let pinning = Settings { pins: vec![format!("{}=", "A".repeat(43))], ..settings() };
    for (identity, settings, is_believed) in [
        (ca.vendor(), settings(), true),
        (ca.vendor(), pinning, false),
        (ca.issue(&["other.test"], |_| {}), settings(), false),
        (Ca::new("Unknown").vendor(), settings(), false),
        (self_signed(), settings(), false),
        (dated(2020, 2021), settings(), false),
        (dated(2090, 2091), settings(), false),
    ] {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let (peer, heard) = listening(identity.server_config_of(&[version]));
            let transport = HttpsTransport::new(settings.clone()).unwrap();
            let error = post(&transport, peer.url()).unwrap_err();
            let heard = heard.recv().unwrap();
            assert_eq!(error.kind() != ErrorKind::Tls, is_believed, "{error}");
            assert_eq!(heard.is_empty(), !is_believed, "{error}");
            assert_eq!(SECRETS.iter().all(|secret| has(&heard, secret)), is_believed);
        }
    }
}

#[test]
fn a_server_without_tls_hears_nothing_in_plain() {
    let (sender, heard) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::tcp(move |_, mut stream: TcpStream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        sender.lock().unwrap().send(all).unwrap();
    });
    post(&transport(), peer.url()).unwrap_err();
    let heard = heard.recv().unwrap();
    assert!(SECRETS.iter().all(|secret| !has(&heard, secret)));
}

#[test]
fn without_tls_nothing_leaves_this_machine_whatever_its_name_resolves_to() {
    let peer = Peer::plain(super::peer::OK);
    let url = |host: &str| format!("http://{host}:{}/token", peer.address.port());
    let (here, elsewhere) = ([127, 0, 0, 1], [192, 0, 2, 1]);
    for (addresses, is_sent) in [
        (&[here][..], true),
        (&[here, here], true),
        (&[elsewhere], false),
        // Not even to the first: who answers is a matter of luck.
        (&[here, elsewhere], false),
        (&[[0, 0, 0, 0]], false),
    ] {
        let before = peer.accepted();
        let resolve = addresses.iter().map(|ip| ("localhost".into(), (*ip).into())).collect();
        let as_set = HttpsTransport::new(Settings { resolve, ..settings() }).unwrap();
        let found = addresses.iter().map(|ip| (*ip, 0).into()).collect::<Vec<SocketAddr>>();
        let looked_up = HttpsTransport::with_lookup(settings(), move |_| Ok(found.clone()));
        for transport in [as_set, looked_up] {
            let result = post(&transport, url("localhost"));
            assert_eq!(result.is_ok(), is_sent, "{addresses:?}: {result:?}");
            let Err(error) = result else { continue };
            assert_eq!(error.kind(), ErrorKind::InvalidSetting, "{error}");
            assert_eq!(error.field(), Some("plain_http_to_loopback"));
            assert!(error.message().contains("localhost"), "{error}");

            let report =
                transport.probe(&parsed(url("localhost")), &attempt(Duration::from_secs(20)));
            assert!(matches!(report.steps[0].outcome, ProbeOutcome::Failed(_)), "{report:?}");
        }
        assert_eq!(peer.accepted() - before, if is_sent { 2 } else { 0 }, "{addresses:?}");
    }
    // With TLS the certificate says who answers.
    let resolve = vec![("localhost".into(), Ipv4Addr::new(192, 0, 2, 1).into())];
    let transport = HttpsTransport::new(Settings { resolve, ..settings() }).unwrap();
    let soon = attempt(Duration::from_millis(20));
    let error = transport.send(&request("https://localhost/token"), &soon).unwrap_err();
    assert_ne!(error.kind(), ErrorKind::InvalidSetting, "{error}");
    // A mapped address is what it maps to, where the system connects to it at all.
    let mapped = post(&transport, url("[::ffff:127.0.0.1]"));
    match cfg!(windows) {
        true => assert_ne!(mapped.unwrap_err().kind(), ErrorKind::InvalidSetting),
        false => assert_eq!(mapped.unwrap().status(), 200),
    }
}

#[test]
fn nobody_is_visited_because_of_a_redirect() {
    let elsewhere = Peer::answering(super::peer::OK);
    let port = elsewhere.address.port();
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for location in [
            // Believed, as the vendor itself is.
            format!("https://{HOST}:{port}/token"),
            format!("http://127.0.0.1:{port}/"),
            format!("//{HOST}:{port}/"),
        ] {
            let head = format!(
                "HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
            );
            let config = Ca::trusted().vendor().server_config();
            let peer = Peer::tls(config, move |_, stream| {
                read_request(stream).unwrap();
                stream.write_all(head.as_bytes()).unwrap();
                linger(&stream.sock);
            });
            assert_eq!(post(&transport(), peer.url()).unwrap().status(), status);
            assert_eq!(elsewhere.accepted(), 0, "{status} to {location}");
        }
    }
}
