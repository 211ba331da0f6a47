//! Servers that mean harm, or are broken beyond hope.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::peer::{
    Ca, OK, OK_BODY, Peer, attempt, linger, post, read_request, request, settings, transport,
};
use crate::error::{ErrorKind, ErrorPhase};
use crate::transport::{HttpsTransport, MAX_ANSWER, Settings, Transport};

/// A peer that answers with `piece` again and again, after `start`, until we hang up.
fn endless(start: &'static [u8], piece: &'static [u8]) -> Peer {
    Peer::tcp(move |_, mut stream| {
        read_request(&mut stream).unwrap();
        let mut going = stream.write_all(start);
        while going.is_ok() {
            going = stream.write_all(piece);
        }
    })
}

#[test]
fn endless_answers_are_cut_off() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let peers = [
        endless(b"HTTP/1.1 200 OK\r\nx: ", b"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"),
        endless(b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n"),
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        endless(b"", b"\r\n\r\n\r\n\r\n"),
        endless(chunked, b"10\r\n0123456789abcdef\r\n"),
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"0123456789abcdef"),
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n", b"0"),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", b"0"),
    ];
    for (number, peer) in peers.iter().enumerate() {
        let error = post(&transport(), peer.plain_url()).unwrap_err();
        let found = (error.kind(), error.phase());
        assert_eq!(found, (ErrorKind::AnswerTooLarge, ErrorPhase::Receive), "{number}: {error}");
    }
}

#[test]
fn what_is_not_http_1_is_told_so() {
    let answers: [&[u8]; 17] = [
        b"<html>hello</html>",
        b"{\"access_token\":\"x\"}",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n0",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"\x16\x03\x03\x00\x02\x02\x28",
    ];
    for answer in answers {
        let peer = Peer::plain(answer);
        let error = post(&transport(), peer.plain_url()).unwrap_err();
        let found = (error.kind(), error.phase());
        let shown = String::from_utf8_lossy(answer);
        assert_eq!(found, (ErrorKind::AnswerNotJson, ErrorPhase::Receive), "{shown}: {error}");
        assert!(!error.to_string().contains("access_token"), "{error}");
    }
}

#[test]
fn an_endless_chunk_extension_is_not_read_to_its_end() {
    let start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;";
    let error = post(&transport(), endless(start, b"xxxxxxxx").plain_url()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AnswerNotJson);
    // Nor is a long one taken that comes in one piece.
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long = format!("{head}2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(300));
    let error = post(&transport(), Peer::plain(long.leak().as_bytes()).plain_url()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AnswerNotJson);
    let start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    let error = post(&transport(), endless(start, b"x: y\r\n").plain_url()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AnswerNotJson);
}

#[test]
fn an_answer_cut_anywhere_is_a_lost_connection() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n";
    // Once the last chunk is announced nothing of the body can be missing.
    let complete = chunked.len() - 2;
    for (answer, complete) in [(OK, OK.len()), (&chunked[..], complete)] {
        for end in 0..complete {
            let peer = Peer::tcp(move |_, mut stream| {
                read_request(&mut stream).unwrap();
                stream.write_all(&answer[..end]).unwrap();
                linger(&stream);
            });
            let error = post(&transport(), peer.plain_url()).unwrap_err();
            let found = (error.kind(), error.phase());
            assert_eq!(
                found,
                (ErrorKind::ConnectionLost, ErrorPhase::Receive),
                "at {end}: {error}"
            );
        }
    }
}

#[test]
fn an_end_that_tls_does_not_vouch_for_is_not_an_end() {
    let config = Ca::trusted().vendor().server_config();
    let peer = Peer::tcp(move |_, stream| {
        let session = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut stream = rustls::StreamOwned::new(session, stream);
        read_request(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{}").unwrap();
        stream.flush().unwrap();
        linger(&stream.sock);
    });
    let error = post(&transport(), peer.url()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::ConnectionLost, ErrorPhase::Receive));
}

#[test]
fn a_reset_in_the_middle_is_a_lost_connection() {
    let peer = Peer::tcp(|_, mut stream| {
        // Closing with unread bytes resets the connection.
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab").unwrap();
    });
    let error = post(&transport(), peer.plain_url()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
}

#[test]
fn an_answer_before_the_request_does_not_reach_the_next_caller() {
    // The second answer comes unasked, right behind the first or a moment later.
    let config = Ca::trusted().vendor().server_config();
    let peer = Peer::tls(config, |number, stream| {
        read_request(stream).unwrap();
        stream.write_all(OK).unwrap();
        if number == 0 {
            stream.flush().unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil").unwrap();
        }
        while read_request(stream).is_ok() && stream.write_all(OK).is_ok() {}
    });
    let transport = transport();
    post(&transport, peer.url()).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let response = post(&transport, peer.url()).unwrap();
    assert_ne!(response.body().expose_secret(), b"evil");
    assert_eq!(peer.accepted(), 2);
}

#[test]
fn a_request_that_is_refused_before_it_is_read_has_an_answer() {
    let peer = Peer::tcp(|_, mut stream| {
        stream
            .write_all(b"HTTP/1.1 413 Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        linger(&stream);
    });
    assert_eq!(post(&transport(), peer.plain_url()).unwrap().status(), 413);
}

#[test]
fn one_byte_at_a_time_is_an_answer_if_it_ends_in_time() {
    let peer = Peer::tls(Ca::trusted().vendor().server_config(), |_, stream| {
        read_request(stream).unwrap();
        for byte in OK {
            stream.write_all(&[*byte]).unwrap();
            stream.flush().unwrap();
        }
    });
    assert_eq!(post(&transport(), peer.url()).unwrap().status(), 200);
}

#[test]
fn one_byte_a_moment_ends_with_the_deadline() {
    let peer = Peer::tls(Ca::trusted().vendor().server_config(), |_, stream| {
        read_request(stream).unwrap();
        for byte in OK.iter().cycle() {
            if stream.write_all(&[*byte]).and_then(|()| stream.flush()).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let attempt = attempt(Duration::from_millis(150));
    let error = transport().send(&request(peer.url()), &attempt).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, ErrorPhase::Receive));
}

#[test]
fn a_compressed_bomb_is_neither_asked_for_nor_inflated() {
    let mut answer =
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 60000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 60_000, 0x1f);
    let response = post(&transport(), Peer::plain(answer).plain_url()).unwrap();
    assert_eq!(response.body().len(), 60_000);
}

#[test]
fn an_answer_of_the_largest_size_is_read() {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {MAX_ANSWER}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + MAX_ANSWER, b'x');
    let response = post(&transport(), Peer::plain(answer).plain_url()).unwrap();
    assert_eq!(response.body().len(), MAX_ANSWER);
}

#[test]
fn a_port_that_does_not_speak_tls_is_told_so() {
    for greeting in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-x\r\n", b"220 smtp\r\n"] {
        let peer = Peer::tcp(move |_, mut stream| {
            stream.write_all(greeting).unwrap();
            linger(&stream);
        });
        let error = post(&transport(), peer.url()).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
        assert!(error.message().contains("not TLS"), "{error}");
    }
}

#[test]
fn a_server_that_hangs_up_during_the_handshake_is_named() {
    let peer = Peer::tcp(|_, stream| linger(&stream));
    let error = post(&transport(), peer.url()).unwrap_err();
    assert_eq!(
        (error.kind(), error.phase()),
        (ErrorKind::ConnectionLost, ErrorPhase::Tls),
        "{error}"
    );
    assert!(error.message().contains(&peer.address.to_string()), "{error}");
}

#[test]
fn a_refused_connection_names_every_address() {
    let peer = Peer::plain(OK);
    let port = peer.address.port();
    let closed = |last: u8| std::net::Ipv4Addr::new(127, 0, 0, last).into();
    let resolve = vec![("vendor.test".into(), closed(2)), ("vendor.test".into(), closed(3))];
    let transport = HttpsTransport::new(Settings { resolve, ..settings() }).unwrap();
    let error = post(&transport, peer.url()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Connect, ErrorPhase::Connect));
    for address in ["127.0.0.2", "127.0.0.3"] {
        let told = format!("{address}:{port}: connection refused");
        assert!(error.message().contains(&told), "{error}");
    }
}

/// A relay to `server` that lets the first `after` bytes of what it says pass, and then spoils it.
fn relay(
    server: &Peer,
    after: usize,
    spoil: impl Fn(&mut TcpStream, u8) + Sync + Send + 'static,
) -> Peer {
    let server = server.address;
    Peer::tcp(move |_, mut client| {
        let mut upstream = TcpStream::connect(server).unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        let mut passed = 0;
        let mut byte = [0];
        while upstream.read(&mut byte).is_ok_and(|read| read == 1) {
            if passed == after {
                spoil(&mut client, byte[0]);
            } else if client.write_all(&byte).is_err() {
                return;
            }
            passed += 1;
        }
        let _ = client.shutdown(std::net::Shutdown::Both);
    })
}

#[test]
fn a_connection_spoilt_anywhere_brings_the_true_answer_or_an_error() {
    let server = Peer::answering(OK);
    let short = Duration::from_millis(250);
    for after in (0..1000).step_by(37) {
        let cut = relay(&server, after, |client, _| {
            let _ = client.shutdown(std::net::Shutdown::Both);
        });
        let flip = relay(&server, after, |client, byte| {
            let _ = client.write_all(&[byte ^ 0x55]);
        });
        for spoilt in [cut, flip] {
            match transport().send(&request(spoilt.url()), &attempt(short)) {
                // Not every byte of a record's frame matters, but every byte of its content does.
                Ok(response) => assert_eq!(response.body().expose_secret(), OK_BODY),
                Err(error) => {
                    let expected = [ErrorKind::Tls, ErrorKind::ConnectionLost, ErrorKind::Timeout];
                    assert!(expected.contains(&error.kind()), "after {after}: {error}");
                }
            }
        }
    }
}
