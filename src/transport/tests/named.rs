//! An error on the way says where it happened: its phase, and the host or address that was tried.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use super::peer::{HOST, Peer, attempt, linger, read_request, request, settings};
use super::proxies::through;
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::Secret;
use crate::transport::{HttpsTransport, ProxyChoice, Settings, Transport};

fn error_of(transport: &HttpsTransport, url: String) -> Error {
    transport.send(&request(url), &attempt(Duration::from_millis(500))).unwrap_err()
}

#[track_caller]
fn check(error: &Error, kind: ErrorKind, phase: ErrorPhase, named: &str) {
    assert_eq!((error.kind(), error.phase()), (kind, phase), "{error}");
    assert_eq!(error.message().matches(named).count(), 1, "{named}: {error}");
    assert!(error.to_string().contains(&format!("phase {}", phase.name())), "{error}");
}

#[test]
fn a_name_that_does_not_resolve() {
    fn fail(_: &str) -> io::Result<Vec<SocketAddr>> {
        Err(io::Error::other("no such host"))
    }
    fn nothing(_: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(Vec::new())
    }
    for (lookup, why) in [(fail as fn(&str) -> _, "no such host"), (nothing, "no address")] {
        let transport = HttpsTransport::with_lookup(settings(), lookup);
        let error = error_of(&transport, "https://lost.test/".into());
        check(&error, ErrorKind::Resolve, ErrorPhase::Resolve, "lost.test");
        assert!(error.message().contains(why), "{error}");
        let proxy = ProxyChoice::Url(Secret::from("http://proxy.test:3128"));
        let transport = HttpsTransport::with_lookup(Settings { proxy, ..settings() }, lookup);
        let error = error_of(&transport, "https://lost.test/".into());
        check(&error, ErrorKind::Proxy, ErrorPhase::Proxy, "proxy.test");
    }
}

#[test]
fn a_server_that_gives_no_answer_or_no_proper_one() {
    let lost = ErrorKind::ConnectionLost;
    let cases: [(&'static [u8], &'static [u8], ErrorKind); 8] = [
        (b"", b"", lost),
        (b"HTTP/1.1 2", b"", lost),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"", lost),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{", b"", lost),
        (b"{}", b"", ErrorKind::AnswerNotJson),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", b"", ErrorKind::AnswerNotJson),
        (b"HTTP/1.1 200 OK\r\nx: ", &[b'y'; 1024], ErrorKind::AnswerTooLarge),
        (b"HTTP/1.1 200 OK\r\n\r\n", &[b'y'; 1024], ErrorKind::AnswerTooLarge),
    ];
    for (start, more, kind) in cases {
        let peer = Peer::tcp(move |_, mut stream| {
            read_request(&mut stream).unwrap();
            let mut going = stream.write_all(start);
            while going.is_ok() && !more.is_empty() {
                going = stream.write_all(more);
            }
            linger(&stream);
        });
        let error = error_of(&HttpsTransport::new(settings()).unwrap(), peer.plain_url());
        check(&error, kind, ErrorPhase::Receive, &peer.address.to_string());
    }
}

#[test]
fn a_server_or_proxy_that_says_nothing() {
    let silent = || {
        Peer::tcp(|_, mut stream| {
            let _until_we_hang_up = io::copy(&mut stream, &mut io::sink());
        })
    };
    let plain = HttpsTransport::new(settings()).unwrap();
    let timeout = ErrorKind::Timeout;
    let peer = silent();
    check(&error_of(&plain, peer.url()), timeout, ErrorPhase::Tls, &peer.address.to_string());
    let peer = silent();
    check(
        &error_of(&plain, peer.plain_url()),
        timeout,
        ErrorPhase::Receive,
        &peer.address.to_string(),
    );
    for scheme in ["http", "socks5"] {
        let peer = silent();
        let transport = through(format!("{scheme}://{}", peer.address));
        let error = error_of(&transport, format!("https://{HOST}/"));
        check(&error, timeout, ErrorPhase::Proxy, &peer.address.to_string());
    }
}
