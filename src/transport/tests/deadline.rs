//! Every step ends with its attempt: 50 ms after the deadline and 100 ms after a cancel.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::peer::{Ca, HOST, OK, Peer, attempt, post, read_request, request, settings, transport};
use crate::error::{ErrorKind, ErrorPhase};
use crate::memory::Secret;
use crate::transport::connect::connect;
use crate::transport::{
    Attempt, CancelSource, HttpsTransport, ProxyChoice, Request, Settings, Transport,
};

pub(super) const TIME: Duration = Duration::from_millis(120);
pub(super) const GRACE: Duration = Duration::from_millis(50);
const CANCEL_GRACE: Duration = Duration::from_millis(100);

/// Sends with a deadline, then with a cancel, and checks that both end in `phase`, and soon.
pub(super) fn ends_in(phase: ErrorPhase, transport: &HttpsTransport, request: &Request) {
    soon(GRACE, || {
        let error = transport.send(request, &attempt(TIME)).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, phase), "{error}");
    });
    soon(CANCEL_GRACE, || {
        let source = CancelSource::default();
        let attempt = Attempt::new(Instant::now() + Duration::from_secs(20), source.token());
        let canceller = thread::spawn(move || {
            thread::sleep(TIME);
            source.cancel();
        });
        let error = transport.send(request, &attempt).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Cancelled, phase), "{error}");
        canceller.join().unwrap();
    });
}

/// Checks that `call` takes [`TIME`] and at most `grace` more. A busy machine may need a few tries
/// to give us the processor in time.
pub(super) fn soon(grace: Duration, call: impl Fn()) {
    let mut taken = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        call();
        taken.push(start.elapsed());
        assert!(start.elapsed() >= TIME - Duration::from_millis(1));
        if start.elapsed() < TIME + grace {
            return;
        }
    }
    panic!("took {taken:?} instead of {TIME:?}");
}

/// Accepts and then says nothing.
pub(super) fn silent() -> Peer {
    Peer::tcp(|_, stream: TcpStream| {
        thread::sleep(Duration::from_secs(5));
        drop(stream);
    })
}

#[test]
fn a_lookup_that_hangs() {
    fn hang(_: &str) -> io::Result<Vec<SocketAddr>> {
        thread::sleep(Duration::from_secs(3));
        Err(io::ErrorKind::TimedOut.into())
    }
    let transport = HttpsTransport::with_lookup(settings(), hang);
    ends_in(ErrorPhase::Resolve, &transport, &request("https://elsewhere.test/token"));
}

#[test]
fn a_server_that_does_not_shake_hands() {
    ends_in(ErrorPhase::Tls, &transport(), &request(silent().url()));
}

#[test]
fn a_server_that_does_not_read() {
    // More than the system's buffers take, and not through `send`, which would wipe it all.
    let bytes = vec![b'x'; 16 << 20];
    let peer = silent();
    soon(GRACE, || {
        let mut socket = connect(&[peer.address], &attempt(TIME), ErrorPhase::Connect).unwrap();
        let error = socket.write_all(&bytes, &attempt(TIME), ErrorPhase::Send).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, ErrorPhase::Send));
    });
}

#[test]
fn a_server_that_does_not_answer() {
    let config = Ca::trusted().vendor().server_config();
    let peer = Peer::tls(config, |_, stream| {
        read_request(stream).unwrap();
        thread::sleep(Duration::from_secs(5));
    });
    ends_in(ErrorPhase::Receive, &transport(), &request(peer.url()));
}

#[test]
fn a_server_that_stops_in_the_middle() {
    let peer = Peer::tcp(|_, mut stream| {
        read_request(&mut stream).unwrap();
        stream.write_all(&OK[..OK.len() - 3]).unwrap();
        thread::sleep(Duration::from_secs(5));
    });
    ends_in(ErrorPhase::Receive, &transport(), &request(peer.plain_url()));
}

#[test]
fn a_proxy_that_does_not_answer() {
    for scheme in ["http", "socks5h"] {
        let url = Secret::from(format!("{scheme}://{}", silent().address));
        let proxy = ProxyChoice::Url(url);
        let transport = HttpsTransport::new(Settings { proxy, ..settings() }).unwrap();
        ends_in(ErrorPhase::Proxy, &transport, &request(format!("https://{HOST}/token")));
    }
}

#[test]
fn an_attempt_that_is_over_sends_nothing() {
    let peer = Peer::plain(OK);
    let transport = transport();
    let error = transport.send(&request(peer.plain_url()), &attempt(Duration::ZERO)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(!error.phase().may_have_reached_the_vendor());
    post(&transport, peer.plain_url()).unwrap();
    // Not on a kept connection either.
    let error = transport.send(&request(peer.plain_url()), &attempt(Duration::ZERO)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(!error.phase().may_have_reached_the_vendor(), "{error}");
}
