//! A host with several addresses, some of which lead nowhere.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::deadline::{TIME, ends_in};
use super::peer::{HOST, OK, Peer, attempt, post, request, settings, transport};
use crate::error::ErrorPhase;
use crate::transport::{HttpsTransport, Settings, Transport};

/// An address where connections neither succeed nor fail: a listener whose queue is full.
struct BlackHole {
    address: SocketAddr,
    _kept: Vec<Socket>,
}

impl BlackHole {
    fn new(ip: impl Into<IpAddr>, port: u16) -> BlackHole {
        let wanted = SocketAddr::from((ip.into(), port));
        let socket = || Socket::new(Domain::for_address(wanted), Type::STREAM, None).unwrap();
        let listener = socket();
        listener.bind(&wanted.into()).unwrap();
        listener.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut kept = vec![listener];
        for _ in 0..4 {
            let filler = socket();
            filler.set_nonblocking(true).unwrap();
            let _ = filler.connect(&address);
            kept.push(filler);
        }
        BlackHole { address: address.as_socket().unwrap(), _kept: kept }
    }
}

/// A transport that knows [`HOST`] by these addresses.
fn by(addresses: &[IpAddr]) -> HttpsTransport {
    let resolve = addresses.iter().map(|address| (HOST.into(), *address)).collect();
    HttpsTransport::new(Settings { resolve, ..settings() }).unwrap()
}

#[test]
fn an_address_that_does_not_answer() {
    let hole = BlackHole::new(Ipv4Addr::LOCALHOST, 0);
    let url = format!("https://{}/token", hole.address);
    ends_in(ErrorPhase::Connect, &transport(), &request(url.clone()));
    let error = transport().send(&request(url), &attempt(TIME)).unwrap_err();
    assert!(error.message().contains(&format!("{}: no reply", hole.address)), "{error}");
}

/// Checks that `hanging` before a good address costs little of an ample deadline, and not all of a
/// short one.
fn costs_little(hanging: IpAddr) {
    let peer = Peer::answering(OK);
    let _hole = BlackHole::new(hanging, peer.address.port());
    let addresses = [hanging, Ipv4Addr::LOCALHOST.into()];
    let start = Instant::now();
    post(&by(&addresses), peer.url()).unwrap();
    assert!(start.elapsed() < Duration::from_millis(600), "{:?}", start.elapsed());
    // A short deadline is shared fairly.
    let time = Duration::from_millis(200);
    by(&addresses).send(&request(peer.url()), &attempt(time)).unwrap();
}

#[test]
fn an_address_that_hangs_does_not_cost_the_deadline() {
    costs_little(Ipv4Addr::new(127, 0, 0, 9).into());
}

#[test]
fn nor_does_one_of_ipv6() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        // Not a program that somebody could install.
        let _ = writeln!(std::io::stderr(), "not tested: this machine has no IPv6");
        return;
    }
    costs_little(Ipv6Addr::LOCALHOST.into());
}

#[test]
fn an_address_that_refuses_is_passed_over() {
    let peer = Peer::answering(OK);
    let refusing = [Ipv4Addr::new(127, 0, 0, 7), Ipv4Addr::new(127, 0, 0, 8)].map(IpAddr::from);
    let addresses = [refusing[0], refusing[1], Ipv4Addr::LOCALHOST.into()];
    let start = Instant::now();
    post(&by(&addresses), peer.url()).unwrap();
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
    assert_eq!(peer.accepted(), 1);
}
