//! Requests of every form on the wire, and what of their answers is kept.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Mutex, Once, mpsc};
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};

use super::peer::{
    Ca, OK, OK_BODY, Peer, attempt, get, linger, read_request, request, settings, transport,
};
use super::wire::closing_under_the_second_request;
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::SecretBuf;
use crate::transport::{
    HttpsTransport, Method, ProxyChoice, Request, Response, Settings, Transport,
};

const AMPLE: Duration = Duration::from_secs(20);

/// What must not be seen of [`SECRET_TARGET`].
const SECRET: &str = "fake-hidden-value";
const SECRET_TARGET: &str = "/key/fake-hidden-value?q=%22fake-hidden-value%22";

fn send(transport: &HttpsTransport, request: &Request) -> Result<Response, Error> {
    transport.send(request, &attempt(AMPLE))
}

/// A peer that tells each request and answers [`OK`].
fn telling() -> (Peer, mpsc::Receiver<String>) {
    let (sender, requests) = mpsc::channel();
    let sender = Mutex::new(sender);
    let peer = Peer::tls(Ca::trusted().vendor().server_config(), move |_, stream| {
        while let Ok(request) = read_request(stream) {
            sender.lock().unwrap().send(String::from_utf8(request).unwrap()).unwrap();
            stream.write_all(OK).unwrap();
        }
    });
    (peer, requests)
}

fn sent_by_default(peer: &Peer) -> String {
    let (version, port) = (env!("CARGO_PKG_VERSION"), peer.address.port());
    format!("user-agent: caretoken/{version}\r\nhost: vendor.test:{port}\r\n")
}

#[test]
fn a_get_says_nothing_of_a_body() {
    let (peer, requests) = telling();
    let transport = transport();
    for target in ["/token?a=b%20c&d", SECRET_TARGET, "/", "//", "/token"] {
        let response = send(&transport, &get(peer.url(), target)).unwrap();
        assert_eq!(response.body().expose_secret(), OK_BODY);
        let default = sent_by_default(&peer);
        assert_eq!(
            requests.recv().unwrap(),
            format!("GET {target} HTTP/1.1\r\n{default}x-key: fake-key\r\n\r\n")
        );
    }
    assert_eq!(peer.accepted(), 1, "the connection is kept, whatever the target");
}

#[test]
fn the_target_is_that_of_the_url_unless_another_is_given() {
    let (peer, requests) = telling();
    let origin = peer.url().replace("/token", "");
    for (end, target) in [("", "/"), ("?q", "/?q"), ("/a%2Fb/?c=d", "/a%2Fb/?c=d")] {
        let mut plain = get(format!("{origin}{end}"), "");
        plain.parts().target = None;
        assert_eq!(plain.target(), target);
        send(&transport(), &plain).unwrap();
        assert!(requests.recv().unwrap().starts_with(&format!("GET {target} HTTP/1.1\r\nuser-")));
    }
    let secret = get(format!("{origin}/plain"), SECRET_TARGET);
    assert_eq!((secret.url().path(), &*secret.target()), ("/plain", SECRET_TARGET));
}

#[test]
fn a_post_has_a_length_even_without_a_body() {
    let (peer, requests) = telling();
    for body in [None, Some(SecretBuf::default()), Some(SecretBuf::from("fake"))] {
        let mut posted = get(peer.url(), SECRET_TARGET);
        posted.parts().method = Method::Post;
        posted.parts().body = body;
        send(&transport(), &posted).unwrap();
        let (length, body) = (posted.body().len(), posted.body().expose_text().unwrap());
        let default = sent_by_default(&peer);
        assert_eq!(
            requests.recv().unwrap(),
            format!(
                "POST {SECRET_TARGET} HTTP/1.1\r\ncontent-length: {length}\r\n{default}\
                 x-key: fake-key\r\n\r\n{body}"
            )
        );
    }
    assert!(!get(peer.url(), "/").has_body() && request(peer.url()).has_body());
}

#[test]
fn a_target_cannot_smuggle_a_line() {
    let peer = Peer::plain(OK);
    for end in ["\r\nb: c", "\n", "\r", "\0", "\t", "\x7f", " ", " HTTP/1.1\r\n\r\n", "#top", "ä"]
    {
        let refused = get(peer.plain_url(), &format!("{SECRET_TARGET}{end}"));
        let error = send(&transport(), &refused).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidSetting, Some("url")));
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    }
    for target in ["", "token", "?q", "*", "http://other.test/"] {
        let error = send(&transport(), &get(peer.plain_url(), target)).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidSetting, Some("url")));
    }
    let mut binary = get(peer.plain_url(), "");
    binary.parts().target = Some(SecretBuf::from(&b"/\xff"[..]));
    assert_eq!(send(&transport(), &binary).unwrap_err().field(), Some("url"));
    assert_eq!(peer.accepted(), 0);
}

#[test]
fn a_replayable_get_goes_out_again_when_a_kept_connection_dies_unheard() {
    for is_replayable in [true, false] {
        let (peer, _) = closing_under_the_second_request(b"");
        let transport = transport();
        let mut request = get(peer.plain_url(), SECRET_TARGET);
        request.parts().replayable = is_replayable;
        send(&transport, &request).unwrap();
        match send(&transport, &request) {
            Ok(response) => assert_eq!((response.status(), is_replayable), (200, true)),
            Err(error) => {
                let found = (error.kind(), error.phase(), is_replayable);
                assert_eq!(found, (ErrorKind::ConnectionLost, ErrorPhase::Send, false));
                assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
            }
        }
        assert_eq!(peer.accepted(), if is_replayable { 2 } else { 1 });
    }
}

/// Keeps what is logged on threads that [`listen`].
struct Lines;

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        LINES.with_borrow(Option::is_some)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = record.args().to_string();
            LINES.with_borrow_mut(|lines| lines.as_mut().unwrap().push(line));
        }
    }

    fn flush(&self) {}
}

/// All that is logged on this thread while `act` runs, at trace level.
fn logged(act: impl FnOnce()) -> Vec<String> {
    static BEGIN: Once = Once::new();
    BEGIN.call_once(|| {
        log::set_logger(&Lines).unwrap();
        log::set_max_level(LevelFilter::Trace);
    });
    LINES.set(Some(Vec::new()));
    act();
    LINES.take().unwrap()
}

#[test]
fn a_secret_target_is_neither_logged_nor_shown() {
    let peer = Peer::answering(OK);
    let dead = Peer::tcp(|_, mut stream| {
        read_request(&mut stream).unwrap();
        linger(&stream);
    });
    let proxy = ProxyChoice::Url("http://127.0.0.1:1".into());
    let astray = HttpsTransport::new(Settings { proxy, ..settings() }).unwrap();
    for method in [Method::Get, Method::Post] {
        let hidden = |url: String| {
            let mut request = get(url, SECRET_TARGET);
            request.parts().method = method;
            request
        };
        let lines = logged(|| {
            let transport = transport();
            for _ in 0..2 {
                send(&transport, &hidden(peer.url())).unwrap();
            }
            for (transport, url) in [(&transport, dead.plain_url()), (&astray, peer.url())] {
                let error = send(transport, &hidden(url)).unwrap_err();
                assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
            }
        });
        let heads = lines.iter().filter(|line| line.contains("/token"));
        assert!(heads.count() >= 3, "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains(SECRET)), "{lines:?}");
        let shown = format!("{:?}", hidden(peer.url()));
        assert!(shown.contains("/token") && shown.contains("x-key"), "{shown}");
        assert!(!shown.contains(SECRET) && !shown.contains("fake-key"), "{shown}");
    }
}

#[test]
fn an_answer_has_the_headers_that_the_request_names_and_no_other() {
    let peer = Peer::plain(
        &b"HTTP/1.1 200 OK\r\nSet-Cookie: fake-a=1\r\nDate: today\r\nX-Other: fake-2\r\n\
        set-cookie: fake-b=3; Path=/\r\nX-Auth-Token: fake-4\r\nDATE: tomorrow\r\n\
        X-Binary: \xff\r\nContent-Length: 0\r\n\r\n"[..],
    );
    let mut naming = get(peer.plain_url(), "/");
    let names = ["x-auth-token", "set-cookie", "date", "x-binary", "x-absent"];
    naming.parts().answer_headers = names.map(Into::into).to_vec();
    assert!(naming.answer_headers().eq(names));
    let answer = send(&transport(), &naming).unwrap();
    let values = |name| answer.header_values(name).collect::<Vec<_>>();
    assert_eq!(values("set-cookie"), ["fake-a=1", "fake-b=3; Path=/"]);
    assert_eq!(values("X-AUTH-TOKEN"), ["fake-4"]);
    assert_eq!(values("date"), ["today", "tomorrow"], "once each, though named twice");
    for name in ["x-other", "content-length", "x-binary", "x-absent", ""] {
        assert_eq!(values(name), [""; 0], "{name}");
    }
    assert_eq!((answer.header("Set-Cookie"), answer.header("x-other")), (Some("fake-a=1"), None));
    assert!(!format!("{answer:?}").contains("fake"), "{answer:?}");

    let unnamed = send(&transport(), &get(peer.plain_url(), "/")).unwrap();
    assert_eq!((unnamed.header("date"), unnamed.header("set-cookie")), (Some("today"), None));
}

#[test]
fn an_answer_of_another_transport_keeps_every_header() {
    let headers = [("X-Token", "fake-1"), ("", "fake-2"), ("x-token", ""), ("x-Token", "fake-ü")];
    let answer = Response::new(200, &headers, SecretBuf::from("fake-body"));
    let values: Vec<_> = answer.header_values("x-tokeN").collect();
    assert_eq!(values, ["fake-1", "", "fake-ü"]);
    assert_eq!((answer.header(""), answer.header("x-toke")), (Some("fake-2"), None));
    assert!(!format!("{answer:?}").contains("fake"), "{answer:?}");
    assert_eq!(Response::new(200, &[], SecretBuf::default()).header("date"), None);
}
