//! However many calls, clients and siblings there are: a proxy's login goes out as rarely as a
//! directory account bears it.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use caretoken::{Client, ErrorKind, Pattern};
use support::TestClock;

/// An HTTP proxy that answers every CONNECT with `reply` and hangs up.
struct Proxy {
    port: u16,
    /// How often it was asked, with a login or without.
    asked: Arc<AtomicUsize>,
}

impl Proxy {
    fn start(reply: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 4096];
                let amount = stream.read(&mut head).unwrap_or_default();
                if head[..amount].starts_with(b"CONNECT ") {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                let _as_far_as_they_listen = stream.write_all(reply.as_bytes());
            }
        });
        Proxy { port, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// A client that goes through it, on a clock that makes nobody wait.
    fn client(&self, login: &str) -> Client {
        let builder = Client::builder(Pattern {
            base_url: "https://vendor.example".into(),
            client_id: "fake-client".into(),
            client_secret: "fake-client-secret".into(),
        });
        let builder = builder.proxy(format!("http://{login}127.0.0.1:{}", self.port));
        builder.clock(TestClock::new()).timeout(Duration::from_secs(20)).build().unwrap()
    }
}

const LOGIN: &str = "fake-user:fake-password@";

#[test]
fn a_login_that_was_refused_goes_out_once() {
    let proxy = Proxy::start("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n");
    let client = proxy.client(LOGIN);
    for call in 0..5 {
        for client in [&client, &client.sibling().build().unwrap()] {
            let error = client.token().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ProxyLoginRejected, "{call}: {error}");
            assert!(error.message().contains("not being sent again before"), "{error}");
            assert!(error.retry_after() <= Some(Duration::from_secs(900)), "{error}");
            assert!(error.retry_after() > Some(Duration::from_secs(800)), "{error}");
            assert!(!error.to_string().contains("fake-"), "{error}");
        }
        assert!(!client.doctor().is_healthy());
    }
    assert_eq!(proxy.asked(), 1);
}

#[test]
fn a_login_with_an_open_outcome_goes_out_once_in_a_call_and_rarely_in_several() {
    let proxy = Proxy::start("HTTP/1.1 502 No\r\n\r\n");
    let client = proxy.client(LOGIN);
    let error = client.token().unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Proxy, Some(502)), "{error}");
    assert!(error.message().contains("not being sent again before"), "{error}");
    assert_eq!(proxy.asked(), 1);
    for _ in 0..5 {
        for client in [&client, &client.sibling().build().unwrap()] {
            let error = client.token().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
            assert!(error.message().contains("not being sent again before"), "{error}");
        }
    }
    assert_eq!(proxy.asked(), 1);
}

#[test]
fn without_a_login_a_refusal_is_final_and_a_failure_is_tried_again() {
    let proxy = Proxy::start("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n");
    let error = proxy.client("").token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProxyLoginRejected, "{error}");
    assert_eq!(proxy.asked(), 1);

    let proxy = Proxy::start("HTTP/1.1 502 No\r\n\r\n");
    let error = proxy.client("").token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
    assert_eq!(proxy.asked(), 4);
}
