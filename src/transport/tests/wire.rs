//! What goes over the wire, and how often.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rustls::{HandshakeKind, ServerConnection};

use super::peer::{
    Ca, OK, OK_BODY, Peer, Tls, attempt, linger, post, read_request, request, settings, transport,
};
use crate::error::{ErrorKind, ErrorPhase};
use crate::memory::SecretBuf;
use crate::transport::{HttpsTransport, Settings, Transport};

#[test]
fn a_request_says_what_it_must_and_an_answer_keeps_what_matters() {
    let (sender, requests) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::tls(Ca::trusted().vendor().server_config(), move |_, stream| {
        let request = read_request(stream).unwrap();
        sender.lock().unwrap().send(String::from_utf8(request).unwrap()).unwrap();
        stream.write_all(OK).unwrap();
    });
    let response = post(&transport(), peer.url()).unwrap();
    assert_eq!(
        requests.recv().unwrap(),
        format!(
            "POST /token HTTP/1.1\r\ncontent-length: 29\r\nuser-agent: caretoken/{}\r\n\
             host: vendor.test:{}\r\nauthorization: Basic ZmFrZTpmYWtl\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\ngrant_type=client_credentials",
            env!("CARGO_PKG_VERSION"),
            peer.address.port(),
        )
    );
    assert_eq!(response.status(), 200);
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    assert_eq!(response.header("date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(response.header("x-other"), None);
    assert_eq!(response.body().expose_secret(), OK_BODY);
}

/// The lengths of the application data records in what a client wrote.
fn data_records(mut written: &[u8]) -> Vec<usize> {
    const APPLICATION_DATA: u8 = 23;
    let mut lengths = Vec::new();
    while let Some((header, rest)) = written.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if header[0] == APPLICATION_DATA {
            lengths.push(length);
        }
        written = &rest[length..];
    }
    lengths
}

#[test]
fn head_and_body_leave_in_one_record_and_one_write() {
    let (sender, reads) = mpsc::channel();
    let sender = Mutex::new(sender);
    let config = Ca::trusted().vendor().server_config_of(&[&rustls::version::TLS12]);
    let peer = Peer::tcp(move |_, mut stream| {
        let mut session = ServerConnection::new(Arc::clone(&config)).unwrap();
        while session.is_handshaking() {
            session.complete_io(&mut stream).unwrap();
        }
        for _ in 0..2 {
            // Whatever one write brought can be read at once.
            let mut raw = vec![0; 64 * 1024];
            let amount = stream.read(&mut raw).unwrap();
            session.read_tls(&mut &raw[..amount]).unwrap();
            session.process_new_packets().unwrap();
            let mut plain = vec![0; 64 * 1024];
            let whole = session.reader().read(&mut plain).unwrap();
            plain.truncate(whole);
            sender.lock().unwrap().send((data_records(&raw[..amount]).len(), plain)).unwrap();
            session.writer().write_all(OK).unwrap();
            session.complete_io(&mut stream).unwrap();
        }
        linger(&stream);
    });
    let transport = transport();
    for _ in 0..2 {
        post(&transport, peer.url()).unwrap();
        let (records, plain) = reads.recv().unwrap();
        assert_eq!(records, 1);
        assert!(plain.starts_with(b"POST "));
        assert!(plain.ends_with(b"grant_type=client_credentials"));
    }
}

#[test]
fn a_tls_1_3_handshake_ends_in_the_write_that_brings_the_request() {
    let (sender, flights) = mpsc::channel();
    let sender = Mutex::new(sender);
    let config = Ca::trusted().vendor().server_config();
    let peer = Peer::tcp(move |_, mut stream| {
        let mut session = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut flights = 0;
        let mut plain = vec![0; 4096];
        loop {
            session.read_tls(&mut stream).unwrap();
            flights += 1;
            session.process_new_packets().unwrap();
            while session.wants_write() {
                session.write_tls(&mut stream).unwrap();
            }
            match session.reader().read(&mut plain) {
                Ok(amount) if plain[..amount].ends_with(b"client_credentials") => break,
                _ => {}
            }
        }
        sender.lock().unwrap().send(flights).unwrap();
        session.writer().write_all(OK).unwrap();
        session.write_tls(&mut stream).unwrap();
        linger(&stream);
    });
    post(&transport(), peer.url()).unwrap();
    assert_eq!(flights.recv().unwrap(), 2, "the hello, then all the rest");
}

#[test]
fn a_connection_is_kept_and_costs_no_thread() {
    let peer = Peer::answering(OK);
    let transport = transport();
    post(&transport, peer.url()).unwrap();
    let threads = threads();
    for _ in 0..1000 {
        post(&transport, peer.url()).unwrap();
    }
    assert_eq!(peer.accepted(), 1);
    assert!(self::threads() <= threads + OTHER_TESTS);
}

/// Tests run in threads too, beside this one; a leak of one thread per fetch would be 1000.
const OTHER_TESTS: usize = 100;

#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[cfg(not(target_os = "linux"))]
fn threads() -> usize {
    0
}

/// A peer that tells for each connection whether it resumed a session.
fn telling_resumption(
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> (Peer, mpsc::Receiver<bool>) {
    let (sender, resumed) = mpsc::channel();
    let sender = Mutex::new(sender);
    let config = Ca::trusted().vendor().server_config_of(versions);
    let peer = Peer::tls(config, move |_, stream: &mut Tls| {
        read_request(stream).unwrap();
        let kind = stream.conn.handshake_kind();
        sender.lock().unwrap().send(kind == Some(HandshakeKind::Resumed)).unwrap();
        stream.write_all(OK).unwrap();
    });
    (peer, resumed)
}

#[test]
fn a_reconnect_resumes_the_session() {
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let (peer, resumed) = telling_resumption(&[version]);
        let keep_none = Settings { max_idle_age: Duration::ZERO, ..settings() };
        let transport = HttpsTransport::new(keep_none).unwrap();
        for expected in [false, true, true] {
            post(&transport, peer.url()).unwrap();
            assert_eq!(resumed.recv().unwrap(), expected, "{version:?}");
        }
        assert_eq!(peer.accepted(), 3);
    }
}

#[test]
fn a_connection_that_the_server_closed_is_not_used() {
    let peer = Peer::tls(Ca::trusted().vendor().server_config(), |_, stream| {
        read_request(stream).unwrap();
        stream.write_all(OK).unwrap();
    });
    let transport = transport();
    let mut once = request(peer.url());
    once.parts().replayable = false;
    for expected in 1..=3 {
        transport.send(&once, &attempt(Duration::from_secs(20))).unwrap();
        assert_eq!(peer.accepted(), expected);
        peer.wait_until_closed(expected);
    }
}

/// Answers once on its first connection and hangs up when the second request is there.
pub(super) fn closing_under_the_second_request(
    said_first: &'static [u8],
) -> (Peer, Arc<AtomicBool>) {
    let secret_seen_twice = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&secret_seen_twice);
    let peer = Peer::tcp(move |number, mut stream| {
        read_request(&mut stream).unwrap();
        stream.write_all(OK).unwrap();
        if read_request(&mut stream).is_ok() && number == 0 {
            seen.store(true, Ordering::SeqCst);
            stream.write_all(said_first).unwrap();
            linger(&stream);
        } else {
            let _ = stream.write_all(OK);
        }
    });
    (peer, secret_seen_twice)
}

#[test]
fn a_replayable_request_goes_out_again_when_a_kept_connection_dies_unheard() {
    let (peer, second) = closing_under_the_second_request(b"");
    let transport = transport();
    post(&transport, peer.plain_url()).unwrap();
    assert_eq!(post(&transport, peer.plain_url()).unwrap().status(), 200);
    assert!(second.load(Ordering::SeqCst));
    assert_eq!(peer.accepted(), 2);
}

#[test]
fn any_other_request_is_reported_instead() {
    let (peer, _) = closing_under_the_second_request(b"");
    let transport = transport();
    let mut once = request(peer.plain_url());
    once.parts().replayable = false;
    transport.send(&once, &attempt(Duration::from_secs(20))).unwrap();
    let error = transport.send(&once, &attempt(Duration::from_secs(20))).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::ConnectionLost, ErrorPhase::Send));
    assert_eq!(peer.accepted(), 1);
}

#[test]
fn nothing_goes_out_again_once_an_answer_has_begun() {
    let (peer, _) = closing_under_the_second_request(b"HTTP/1.1 2");
    let transport = transport();
    post(&transport, peer.plain_url()).unwrap();
    let error = post(&transport, peer.plain_url()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::ConnectionLost, ErrorPhase::Receive));
    assert_eq!(peer.accepted(), 1);
}

#[test]
fn a_fresh_connection_that_dies_is_not_replayed() {
    let peer = Peer::tcp(|_, mut stream| {
        read_request(&mut stream).unwrap();
        linger(&stream);
    });
    let error = post(&transport(), peer.plain_url()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::ConnectionLost, ErrorPhase::Receive));
    assert!(error.message().contains(&peer.address.to_string()), "{error}");
    assert_eq!(peer.accepted(), 1);
}

#[test]
fn a_redirect_is_an_answer_like_any_other() {
    let elsewhere = Peer::tcp(|_, _: TcpStream| {});
    let answer = format!(
        "HTTP/1.1 307 Moved\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
        elsewhere.address
    );
    let peer = Peer::answering(answer.leak().as_bytes());
    assert_eq!(post(&transport(), peer.url()).unwrap().status(), 307);
    assert_eq!(elsewhere.accepted(), 0);
}

#[test]
fn an_error_status_is_an_answer_like_any_other() {
    for status in [400, 401, 403, 404, 429, 500, 503, 599] {
        let peer = Peer::plain(format!(
            "HTTP/1.1 {status} X\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{{}}"
        ));
        let response = post(&transport(), peer.plain_url()).unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.header("retry-after"), Some("7"));
        assert_eq!(response.body().expose_secret(), b"{}");
    }
}

#[test]
fn every_proper_framing_is_understood() {
    let answers: [(&[u8], &[u8]); 10] = [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", b"abcd"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\n\r\nabcd", b"abcd"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", b"a"),
        (
            b"HTTP/1.1 100 Continue\r\nDate: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
            b"a",
        ),
        (b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", b"a"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n",
            b"abcd",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nTrailer: x\r\n\r\n",
            b"ab",
        ),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", b"ab"),
    ];
    for (answer, body) in answers {
        let peer = Peer::plain(answer);
        let transport = transport();
        for _ in 0..2 {
            let response = post(&transport, peer.plain_url()).unwrap();
            assert_eq!(response.body().expose_secret(), body);
        }
        assert_eq!(peer.accepted(), 1, "{}", String::from_utf8_lossy(answer));
    }
}

#[test]
fn a_connection_is_closed_where_the_answer_says_so() {
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n",
    ];
    for answer in answers {
        let peer = Peer::plain(answer);
        let transport = transport();
        for expected in 1..=2 {
            let response = post(&transport, peer.plain_url()).unwrap();
            assert_eq!(response.body().expose_secret(), b"ab");
            assert_eq!(peer.accepted(), expected, "{}", String::from_utf8_lossy(answer));
        }
    }
}

#[test]
fn a_body_may_end_with_the_connection() {
    let peer = Peer::tls(Ca::trusted().vendor().server_config(), |_, stream| {
        read_request(stream).unwrap();
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n{\"a\":1}").unwrap();
    });
    let response = post(&transport(), peer.url()).unwrap();
    assert_eq!(response.body().expose_secret(), b"{\"a\":1}");
}

#[test]
fn a_header_value_cannot_smuggle_a_line() {
    let peer = Peer::plain(OK);
    for bad in ["a\r\nb: c", "a\nb", "a\0b", "a\x7fb"] {
        let mut request = request(peer.plain_url());
        request.parts().headers.push(("x-key".into(), SecretBuf::from(bad)));
        let error = transport().send(&request, &attempt(Duration::from_secs(20))).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidSetting, Some("x-key")));
    }
    assert_eq!(peer.accepted(), 0);
}

#[test]
fn a_body_of_many_records_arrives_whole() {
    let (sender, bodies) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::tls(Ca::trusted().vendor().server_config(), move |_, stream| {
        let request = read_request(stream).unwrap();
        sender.lock().unwrap().send(request.len()).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n").unwrap();
        stream.write_all(&[b'y'; 65536]).unwrap();
    });
    let mut large = request(peer.url());
    large.parts().body = Some(SecretBuf::from(&[b'x'; 300_000][..]));
    let response = transport().send(&large, &attempt(Duration::from_secs(20))).unwrap();
    assert!(bodies.recv().unwrap() > 300_000);
    assert_eq!(response.body().expose_secret(), [b'y'; 65536]);
}

#[test]
fn many_threads_share_a_transport() {
    let peer = Peer::answering(OK);
    let transport = transport();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(post(&transport, peer.url()).unwrap().status(), 200);
                }
            });
        }
    });
    let busy = peer.accepted();
    assert!(busy < 640, "{busy} connections for 640 requests");
}

#[test]
fn a_connection_that_waited_too_long_is_closed() {
    let peer = Peer::answering(OK);
    let max_idle_age = Duration::from_millis(20);
    let transport = HttpsTransport::new(Settings { max_idle_age, ..settings() }).unwrap();
    post(&transport, peer.url()).unwrap();
    std::thread::sleep(max_idle_age);
    post(&transport, peer.url()).unwrap();
    assert_eq!(peer.accepted(), 2);
}

#[test]
fn a_transport_may_talk_to_several_hosts() {
    let peers = [Peer::answering(OK), Peer::answering(OK)];
    let transport = transport();
    for _ in 0..3 {
        for peer in &peers {
            assert_eq!(post(&transport, peer.url()).unwrap().status(), 200);
        }
    }
    assert!(peers.iter().all(|peer| peer.accepted() == 1));
}
