//! The log, at its most talkative and from every crate in the process, holds no secret.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use caretoken::{Client, ClientBuilder, ErrorKind, Pattern};
use caretoken_sandbox::{Fault, Sandbox, Vendor};
use log::{LevelFilter, Log, Metadata, Record};

/// Keeps everything that is logged.
struct Everything(Mutex<Vec<(String, String)>>);

static LOG: Everything = Everything(Mutex::new(Vec::new()));

impl Everything {
    /// Also after another test has failed.
    fn lines(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = (record.target().to_owned(), record.args().to_string());
        self.lines().push(line);
    }

    fn flush(&self) {}
}

/// Begins to keep what is logged; the tests of this file share it.
fn listen() {
    static BEGIN: Once = Once::new();
    BEGIN.call_once(|| {
        log::set_logger(&LOG).unwrap();
        log::set_max_level(LevelFilter::Trace);
    });
}

/// Checks that no line so far has a piece of one of `secrets`; returns how many pieces there were.
fn assert_unlogged(secrets: &[String]) -> usize {
    let lines = LOG.lines();
    let mut pieces = 0;
    for secret in secrets {
        for piece in secret.as_bytes().windows(PIECE) {
            pieces += 1;
            let piece = std::str::from_utf8(piece).unwrap();
            let line = lines.iter().find(|(_, line)| line.contains(piece));
            assert!(line.is_none(), "{line:?} has a piece of a secret");
        }
    }
    pieces
}

/// A secret that shares no piece with anything that may be logged.
fn random() -> String {
    let number = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", number(), number())
}

/// Any piece of a secret this long gives it away.
const PIECE: usize = 8;

#[test]
fn at_trace_level_no_crate_logs_a_piece_of_a_secret() {
    let sandbox = Sandbox::start().unwrap();
    listen();

    let mut secrets = Vec::new();
    for vendor in Vendor::ALL {
        let mut builder =
            ClientBuilder::by_name(vendor.name()).unwrap().timeout(Duration::from_secs(5));
        builder = builder.set("base_url", sandbox.base_url(vendor)).unwrap();
        builder = builder.set("ca_pem", sandbox.ca_pem()).unwrap();
        for (name, given) in sandbox.credentials(vendor) {
            let is_secret = ["secret", "password", "psk", "key"].iter().any(|s| name.ends_with(s));
            let value = if is_secret { random() } else { given.clone() };
            if is_secret {
                assert!(sandbox.set_credential(vendor, name, &value));
                secrets.push(value.clone());
            }
            builder = builder.set(name, value).unwrap();
        }
        if vendor == Vendor::Parchment {
            builder = builder.set("scopes", "create:patient").unwrap();
        }
        let client = builder.build().unwrap();
        for fault in [None, Some(Fault::BrokenJson), Some(Fault::CutDuring), Some(Fault::Outage)] {
            if let Some(fault) = fault {
                sandbox.inject(vendor, fault);
            }
            if let Ok(token) = client.token() {
                secrets.push(token.access_token().expose_secret().to_owned());
                secrets.extend(token.refresh_token().map(|t| t.expose_secret().to_owned()));
                client.reject(&token);
            }
        }
    }
    let pieces = assert_unlogged(&secrets);
    assert!(pieces > 1000, "{pieces}");

    let lines = LOG.lines();
    let from = |wanted: &str| lines.iter().filter(|(target, _)| target.starts_with(wanted)).count();
    assert!(from("caretoken") > 10, "our own events are there");
    assert!(from("ureq_proto") > 100, "and what ureq carries, as it sees it");
    assert!(lines.iter().any(|(_, line)| line.contains("event=fetched vendor=edvak took_ms=")));
}

/// A server on loopback, without TLS, that gives each request `answer`; its port.
fn server(answer: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _some = stream.read(&mut request);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    port
}

/// Fetches from a server that sends `token` with `head` before it.
fn fetch(head: &str, token: &str) -> Result<caretoken::Token, caretoken::Error> {
    let body = format!(r#"{{"access_token":"{token}","expires_in":3600000}}"#);
    let length = body.len();
    let port = server(format!("{head}content-length: {length}\r\n\r\n{body}"));
    Client::builder(Pattern {
        base_url: format!("http://127.0.0.1:{port}"),
        client_id: "fake-client".into(),
        client_secret: random().into(),
    })
    .plain_http_to_loopback(true)
    .timeout(Duration::from_secs(5))
    .build()
    .unwrap()
    .token()
}

#[test]
fn an_answer_with_many_headers_is_read_and_its_token_is_not_logged() {
    const LIMIT: usize = 128;
    listen();
    let head = |headers| format!("HTTP/1.1 200 OK\r\n{}", "x-a: b\r\n".repeat(headers - 1));
    for headers in [1, 64, 65, 100, LIMIT] {
        let secret = random();
        let result = fetch(&head(headers), &secret);
        assert_unlogged(std::slice::from_ref(&secret));
        let token = result.unwrap_or_else(|error| panic!("{headers}: {error}"));
        assert_eq!(token.access_token().expose_secret(), secret);
    }
    for headers in [LIMIT + 1, 1000] {
        let secret = random();
        let error = fetch(&head(headers), &secret).unwrap_err();
        assert_unlogged(&[secret]);
        assert_eq!(error.kind(), ErrorKind::AnswerTooLarge, "{error}");
        assert!(error.message().contains("more than 128 headers"), "{error}");
    }
}

#[test]
fn what_follows_a_head_that_is_not_http_is_not_logged() {
    listen();
    for head in ["HTTP/1.1 200 OK\r\nno header\r\n", "HTTP/2 200\r\n", "HTTP/1.1 2x0 OK\r\n", ""] {
        let secret = random();
        let error = fetch(head, &secret).unwrap_err();
        assert_unlogged(&[secret]);
        assert_eq!(error.kind(), ErrorKind::AnswerNotJson, "{error}");
    }
}
