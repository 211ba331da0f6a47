//! Through proxies: those of this file, and real ones where they are installed.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use super::peer::{HOST, OK, Peer, attempt, get, linger, post, settings};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::Secret;
use crate::transport::{HttpsTransport, ProxyChoice, Settings, Transport};

/// A transport that goes through the proxy at `url`.
pub(super) fn through(url: String) -> HttpsTransport {
    let proxy = ProxyChoice::Url(Secret::from(url));
    HttpsTransport::new(Settings { proxy, ..settings() }).unwrap()
}

/// Copies both ways until either side ends.
pub(super) fn tunnel(client: TcpStream, server: TcpStream) {
    let copy = |mut from: TcpStream, mut to: TcpStream| {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        })
    };
    let there = copy(client.try_clone().unwrap(), server.try_clone().unwrap());
    copy(server, client);
    there.join().unwrap();
}

/// Reads up to an empty line.
pub(super) fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap() == 0 {
            break;
        }
        head.extend_from_slice(&byte);
    }
    String::from_utf8(head).unwrap()
}

/// An HTTP proxy that answers `reply`, and then connects to whatever port was asked for on
/// loopback. It tells the heads of the requests.
fn http_proxy(reply: &'static str) -> (Peer, mpsc::Receiver<String>) {
    let (sender, heads) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::tcp(move |_, mut client| {
        let head = read_head(&mut client);
        let target = head.split(' ').nth(1).unwrap_or_default();
        let port: u16 = target.rsplit(':').next().unwrap().parse().unwrap();
        sender.lock().unwrap().send(head).unwrap();
        client.write_all(reply.as_bytes()).unwrap();
        if reply.contains(" 200 ") {
            tunnel(client, TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap());
        } else {
            linger(&client);
        }
    });
    (peer, heads)
}

const OPEN: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

#[test]
fn an_http_proxy_opens_a_tunnel_and_sees_no_secret() {
    let (peer, (proxy, heads)) = (Peer::answering(OK), http_proxy(OPEN));
    let transport = through(format!("http://user:p%40ss@{}", proxy.address));
    for _ in 0..3 {
        assert_eq!(post(&transport, peer.url()).unwrap().status(), 200);
    }
    assert_eq!((proxy.accepted(), peer.accepted()), (1, 1), "the tunnel is kept");
    let target = format!("{HOST}:{}", peer.address.port());
    assert_eq!(
        heads.recv().unwrap(),
        format!(
            "CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\
             proxy-authorization: Basic dXNlcjpwQHNz\r\n\r\n"
        )
    );
}

#[test]
fn a_secret_target_is_no_matter_of_the_proxy() {
    let (peer, (proxy, heads)) = (Peer::answering(OK), http_proxy(OPEN));
    let transport = through(format!("http://{}", proxy.address));
    let ample = attempt(Duration::from_secs(20));
    let response = transport.send(&get(peer.url(), "/fake-key?fake-value"), &ample).unwrap();
    assert_eq!(response.status(), 200);
    let target = format!("{HOST}:{}", peer.address.port());
    assert_eq!(
        heads.recv().unwrap(),
        format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n")
    );
}

fn proxy_error(login: &str, reply: &'static str, kind: ErrorKind) -> Error {
    let (peer, (proxy, _heads)) = (Peer::answering(OK), http_proxy(reply));
    let transport = through(format!("http://{login}{}", proxy.address));
    let error = post(&transport, peer.url()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (kind, ErrorPhase::Proxy), "{error}");
    assert!(error.message().contains(&proxy.address.to_string()), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert_eq!(peer.accepted(), 0);
    error
}

#[test]
fn a_proxy_that_wants_other_credentials_is_not_the_vendor() {
    for login in ["", "user:hunter2@"] {
        let error = proxy_error(
            login,
            "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Negotiate\r\n\
             Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
            ErrorKind::ProxyLoginRejected,
        );
        assert_eq!(error.http_status(), Some(407));
        assert!(error.message().contains("407, offering Negotiate, Basic"), "{error}");
        assert!(error.remedy().contains("Basic only"), "{error}");
    }
}

#[test]
fn a_proxy_that_refuses_or_fails_is_not_the_vendor() {
    for (reply, problem) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\nsecret page", "HTTP 403"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "HTTP 502"),
        ("HTTP/1.1 302 Found\r\nLocation: https://portal.test/\r\n\r\n", "HTTP 302"),
        ("<html>portal</html>", "does not speak HTTP"),
        ("", "closed the connection"),
        ("HTTP/1.1 2", "closed the connection"),
        ("HTTP/1.1 201 OK\r\n\r\nmore", "more than its answer"),
    ] {
        for login in ["", "user:hunter2@"] {
            let is_refusal = reply.contains("403") && !login.is_empty();
            let kind = if is_refusal { ErrorKind::ProxyLoginRejected } else { ErrorKind::Proxy };
            let error = proxy_error(login, reply, kind);
            assert!(error.message().contains(problem), "{reply}: {error}");
            assert!(!error.message().contains("page"), "{error}");
        }
    }
}

#[test]
fn a_proxy_that_never_ends_its_answer_is_left() {
    let proxy = Peer::tcp(|_, mut client| {
        read_head(&mut client);
        while client.write_all(b"HTTP/1.1 100 Continue\r\nx: yyyyyyyyyyyyyyyyyyyyy\r\n\r\n").is_ok()
        {
        }
    });
    let error = post(&through(format!("http://{}", proxy.address)), format!("https://{HOST}/"));
    assert!(error.unwrap_err().message().contains("too long"));
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let address = Peer::plain(OK).address;
    let gone = (Ipv4Addr::new(127, 0, 0, 7), address.port());
    for scheme in ["http", "socks5", "socks5h"] {
        let url = format!("{scheme}://{}:{}", gone.0, gone.1);
        let error = post(&through(url), format!("https://{HOST}/")).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Proxy, ErrorPhase::Proxy), "{error}");
        assert!(error.message().contains(&format!("{}:{}", gone.0, gone.1)), "{error}");
    }
}

#[test]
fn plain_http_never_goes_through_a_proxy() {
    let (peer, (proxy, _heads)) = (Peer::plain(OK), http_proxy(OPEN));
    let transport = through(format!("http://{}", proxy.address));
    assert_eq!(post(&transport, peer.plain_url()).unwrap().status(), 200);
    assert_eq!(proxy.accepted(), 0);
}

/// A SOCKS 5 proxy that follows `replies` step by step and tells what it heard. A reply that ends
/// in success opens the tunnel to the port that was asked for.
fn socks_proxy(replies: &'static [&'static [u8]]) -> (Peer, mpsc::Receiver<Vec<u8>>) {
    let (sender, heard) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::tcp(move |_, mut client| {
        let mut last = Vec::new();
        for reply in replies {
            let mut bytes = [0; 600];
            let amount = client.read(&mut bytes).unwrap();
            last = bytes[..amount].to_vec();
            sender.lock().unwrap().send(last.clone()).unwrap();
            client.write_all(reply).unwrap();
        }
        let Some((_, port)) = last.split_last_chunk::<2>() else { return };
        match replies.last() {
            Some([5, 0, ..]) => {
                let port = u16::from_be_bytes(*port);
                tunnel(client, TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap());
            }
            _ => linger(&client),
        }
    });
    (peer, heard)
}

const GRANTED: &[u8] = &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
const GRANTED_BY_NAME: &[u8] = &[5, 0, 0, 3, 3, b'a', b'b', b'c', 0, 1];

#[test]
fn a_socks_proxy_looks_names_up_where_the_scheme_says_so() {
    for (scheme, address) in [
        ("socks5h", [&[3, HOST.len() as u8], HOST.as_bytes()].concat()),
        ("socks5", vec![1, 127, 0, 0, 1]),
    ] {
        let (peer, (proxy, heard)) = (Peer::answering(OK), socks_proxy(&[&[5, 0], GRANTED]));
        let transport = through(format!("{scheme}://{}", proxy.address));
        assert_eq!(post(&transport, peer.url()).unwrap().status(), 200);
        assert_eq!(heard.recv().unwrap(), [5, 1, 0]);
        let port = peer.address.port().to_be_bytes();
        assert_eq!(heard.recv().unwrap(), [&[5, 1, 0], &address[..], &port].concat());
    }
}

#[test]
fn a_socks_proxy_gets_user_and_password_when_it_asks() {
    let (peer, (proxy, heard)) =
        (Peer::answering(OK), socks_proxy(&[&[5, 2], &[1, 0], GRANTED_BY_NAME]));
    let transport = through(format!("socks5h://user:p%40ss@{}", proxy.address));
    assert_eq!(post(&transport, peer.url()).unwrap().status(), 200);
    assert_eq!(heard.recv().unwrap(), [5, 2, 0, 2]);
    assert_eq!(heard.recv().unwrap(), b"\x01\x04user\x04p@ss");
}

#[test]
fn a_socks_proxy_that_refuses_is_not_the_vendor() {
    let cases: [(&'static [&'static [u8]], &str); 9] = [
        (&[&[5, 0xff]], "other credentials"),
        (&[&[4, 0]], "does not speak SOCKS 5"),
        (&[b"HTTP/1.1 400 Bad Request\r\n\r\n"], "does not speak SOCKS 5"),
        (&[&[5, 2], &[1, 1]], "refused the user name or password"),
        (&[&[5, 0], &[5, 2, 0, 1]], "rules forbid"),
        (&[&[5, 0], &[5, 4, 0, 1]], "host unreachable"),
        (&[&[5, 0], &[5, 0, 0, 9]], "does not speak SOCKS 5"),
        (&[&[5, 0], &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]], "more than its answer"),
        (&[&[5]], "closed the connection"),
    ];
    for (replies, problem) in cases {
        let (proxy, _heard) = socks_proxy(replies);
        let transport = through(format!("socks5h://user:hunter2@{}", proxy.address));
        let error = post(&transport, format!("https://{HOST}:1/")).unwrap_err();
        let found = (error.kind(), error.phase());
        let kind = match problem {
            "refused the user name or password" => ErrorKind::ProxyLoginRejected,
            _ => ErrorKind::Proxy,
        };
        assert_eq!(found, (kind, ErrorPhase::Proxy), "{replies:?}: {error}");
        assert!(error.message().contains(problem), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
