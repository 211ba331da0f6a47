//! Every step ends with its attempt: 50 ms after the deadline and 100 ms after a cancel.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::peer::{Ca, HOST, OK, Peer, attempt, post, read_request, request, settings, transport};
use crate::error::{ErrorKind, Phase};
use crate::secret::Secret;
use crate::transport::connect::connect;
use crate::transport::{
    Attempt, CancelSource, HttpsTransport, ProxyChoice, Request, Settings, Transport,
};

pub(super) const TIME: Duration = Duration::from_millis(120);
pub(super) const GRACE: Duration = Duration::from_millis(50);
const CANCEL_GRACE: Duration = Duration::from_millis(100);

/// Sends with a deadline, then with a cancel, and checks that both end in `phase`, and soon.
pub(super) fn ends_in(phase: Phase, transport: &HttpsTransport, request: &Request) {
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

/// An address where connections neither succeed nor fail: a listener whose queue is full.
struct BlackHole {
    address: SocketAddr,
    _kept: Vec<Socket>,
}

impl BlackHole {
    fn new(ip: Ipv4Addr, port: u16) -> BlackHole {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((ip, port)).into()).unwrap();
        listener.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut kept = vec![listener];
        for _ in 0..4 {
            let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            filler.set_nonblocking(true).unwrap();
            let _ = filler.connect(&address);
            kept.push(filler);
        }
        BlackHole { address: address.as_socket().unwrap(), _kept: kept }
    }
}

#[test]
fn a_lookup_that_hangs() {
    fn hang(_: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        thread::sleep(Duration::from_secs(3));
        Err(io::ErrorKind::TimedOut.into())
    }
    let transport = HttpsTransport::with_lookup(settings(), hang);
    ends_in(Phase::Resolve, &transport, &request("https://elsewhere.test/token"));
}

#[test]
fn lookups_that_nobody_waits_for_are_bounded() {
    fn hang(_: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        thread::sleep(Duration::from_secs(3));
        Err(io::ErrorKind::TimedOut.into())
    }
    let transport = HttpsTransport::with_lookup(settings(), hang);
    let request = request("https://elsewhere.test/token");
    let kinds: Vec<_> = (0..12)
        .map(|_| transport.send(&request, &attempt(Duration::from_millis(5))).unwrap_err().kind())
        .collect();
    assert_eq!(kinds[..8], [ErrorKind::Timeout; 8]);
    assert_eq!(kinds[8..], [ErrorKind::Resolve; 4]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_address_that_does_not_answer() {
    let hole = BlackHole::new(Ipv4Addr::LOCALHOST, 0);
    let url = format!("https://{}/token", hole.address);
    ends_in(Phase::Connect, &transport(), &request(url.clone()));
    let error = transport().send(&request(url), &attempt(TIME)).unwrap_err();
    assert!(error.message().contains(&format!("{}: no reply", hole.address)), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_address_that_hangs_does_not_cost_the_deadline() {
    let peer = Peer::answering(OK);
    let hanging = Ipv4Addr::new(127, 0, 0, 9);
    let _hole = BlackHole::new(hanging, peer.address.port());
    let resolve = vec![(HOST.into(), hanging.into()), (HOST.into(), Ipv4Addr::LOCALHOST.into())];
    let transport = HttpsTransport::new(Settings { resolve, ..settings() }).unwrap();
    let start = Instant::now();
    post(&transport, peer.url()).unwrap();
    assert!(start.elapsed() < Duration::from_millis(600), "{:?}", start.elapsed());
    // A short deadline is shared fairly.
    let transport = HttpsTransport::new(Settings {
        resolve: vec![(HOST.into(), hanging.into()), (HOST.into(), Ipv4Addr::LOCALHOST.into())],
        ..settings()
    });
    let time = Duration::from_millis(200);
    transport.unwrap().send(&request(peer.url()), &attempt(time)).unwrap();
}

#[test]
fn a_server_that_does_not_shake_hands() {
    ends_in(Phase::Tls, &transport(), &request(silent().url()));
}

#[test]
fn a_server_that_does_not_read() {
    // More than the system's buffers take, and not through `send`, which would wipe it all.
    let bytes = vec![b'x'; 16 << 20];
    let peer = silent();
    soon(GRACE, || {
        let mut socket = connect(&[peer.address], &attempt(TIME), Phase::Connect).unwrap();
        let error = socket.write_all(&bytes, &attempt(TIME), Phase::Send).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, Phase::Send));
    });
}

#[test]
fn a_server_that_does_not_answer() {
    let config = Ca::trusted().vendor().server_config();
    let peer = Peer::tls(config, |_, stream| {
        read_request(stream).unwrap();
        thread::sleep(Duration::from_secs(5));
    });
    ends_in(Phase::Receive, &transport(), &request(peer.url()));
}

#[test]
fn a_server_that_stops_in_the_middle() {
    let peer = Peer::tcp(|_, mut stream| {
        read_request(&mut stream).unwrap();
        stream.write_all(&OK[..OK.len() - 3]).unwrap();
        thread::sleep(Duration::from_secs(5));
    });
    ends_in(Phase::Receive, &transport(), &request(peer.plain_url()));
}

#[test]
fn a_proxy_that_does_not_answer() {
    for scheme in ["http", "socks5h"] {
        let url = Secret::from(format!("{scheme}://{}", silent().address));
        let proxy = ProxyChoice::Url(url);
        let transport = HttpsTransport::new(Settings { proxy, ..settings() }).unwrap();
        ends_in(Phase::Proxy, &transport, &request(format!("https://{HOST}/token")));
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
