//! How often a proxy is sent its login, by all calls of a transport together.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::peer::{HOST, OK, Peer, attempt, linger, parsed, post, request};
use super::proxies::{read_head, through, tunnel};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::transport::{Attempt, CancelSource, HttpsTransport, Transport};

/// What a proxy does with a login that it has heard.
type Act = Box<dyn Fn(usize, &mut TcpStream, u16) + Send + Sync>;

/// A proxy, the transport that goes through it, and how often it has heard the login.
struct Proxy {
    peer: Peer,
    transport: HttpsTransport,
    heard: Arc<AtomicUsize>,
}

/// An HTTP proxy. `act` gets the number of the login, and the port that was asked for.
fn http(act: impl Fn(usize, &mut TcpStream, u16) + Send + Sync + 'static) -> Proxy {
    let listen = move |heard: &AtomicUsize, act: &Act, mut client: TcpStream| {
        let head = read_head(&mut client);
        let Some(target) = head.split(' ').nth(1) else { return };
        let port = target.rsplit(':').next().unwrap().parse().unwrap();
        let number = heard.fetch_add(usize::from(head.contains("proxy-auth")), Ordering::SeqCst);
        act(number, &mut client, port);
    };
    proxy("http", listen, Box::new(act))
}

/// A SOCKS 5 proxy that wants a login.
fn socks(act: impl Fn(usize, &mut TcpStream, u16) + Send + Sync + 'static) -> Proxy {
    let listen = move |heard: &AtomicUsize, act: &Act, mut client: TcpStream| {
        let mut bytes = [0; 600];
        if !client.read(&mut bytes).is_ok_and(|amount| amount > 0) {
            return;
        }
        client.write_all(&[5, 2]).unwrap();
        if client.read(&mut bytes).is_ok_and(|amount| amount > 0) {
            act(heard.fetch_add(1, Ordering::SeqCst), &mut client, 0);
        }
    };
    proxy("socks5h", listen, Box::new(act))
}

fn proxy(
    scheme: &str,
    listen: impl Fn(&AtomicUsize, &Act, TcpStream) + Send + Sync + 'static,
    act: Act,
) -> Proxy {
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    let peer = Peer::tcp(move |_, client| listen(&count, &act, client));
    let transport = through(format!("{scheme}://user:hunter2@{}", peer.address));
    Proxy { peer, transport, heard }
}

/// Says `reply` and ends.
fn say(reply: &'static [u8]) -> impl Fn(usize, &mut TcpStream, u16) + Send + Sync + 'static {
    move |_, client, _| {
        client.write_all(reply).unwrap();
        linger(client);
    }
}

/// Opens the way.
fn open(client: &mut TcpStream, port: u16) {
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    tunnel(client.try_clone().unwrap(), server);
}

impl Proxy {
    fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }

    fn error(&self, attempt: &Attempt) -> Error {
        let error = self.transport.send(&request(format!("https://{HOST}:1/")), attempt);
        let error = error.unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        error
    }
}

fn ample() -> Attempt {
    attempt(Duration::from_secs(20))
}

/// Checks that the error says for how long the login is not sent: `seconds`, or a little less.
#[track_caller]
fn says_until_when(error: &Error, seconds: u64) {
    assert!(error.message().contains("not being sent again before "), "{error}");
    assert!(error.message().ends_with(" GMT"), "{error}");
    let left = error.retry_after().unwrap();
    let most = Duration::from_secs(seconds);
    assert!(left <= most && left > most - Duration::from_secs(5), "{left:?}");
}

#[test]
fn a_login_that_the_proxy_refused_is_not_sent_again() {
    let replies = [
        http(say(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n")),
        http(say(b"HTTP/1.1 401 No\r\n\r\n")),
        http(say(b"HTTP/1.1 403 No\r\n\r\n")),
        http(say(b"HTTP/1.1 400 No\r\n\r\n")),
        socks(say(&[1, 1])),
        socks(say(&[1, 0xff])),
    ];
    for proxy in replies {
        for call in 0..4 {
            let error = proxy.error(&ample());
            assert_eq!(error.kind(), ErrorKind::ProxyLoginRejected, "{error}");
            assert_eq!(error.phase(), ErrorPhase::Proxy);
            assert_eq!(error.message().contains("rejected the login before"), call > 0, "{error}");
            says_until_when(&error, 900);
        }
        // Nor does an examination send it.
        let report = proxy.transport.probe(&parsed(format!("https://{HOST}:1/")), &ample());
        let found = &report.steps[2].finding;
        assert!(found.contains("rejected the login before"), "{report:?}");
        assert_eq!(proxy.heard(), 1);
    }
}

#[test]
fn an_examination_is_the_first_to_be_refused() {
    let proxy = http(say(b"HTTP/1.1 407 No\r\n\r\n"));
    proxy.transport.probe(&parsed(format!("https://{HOST}:1/")), &ample());
    assert_eq!(proxy.error(&ample()).kind(), ErrorKind::ProxyLoginRejected);
    assert_eq!(proxy.heard(), 1);
}

#[test]
fn while_nobody_knows_how_it_was_taken_it_is_not_sent_again_at_once() {
    let silent = |_: usize, client: &mut TcpStream, _: u16| {
        let _until_we_hang_up = client.read(&mut [0]);
    };
    // Enough for a busy machine to say something, too.
    let soon = Duration::from_millis(400);
    let ample_time = Duration::from_secs(20);
    for (proxy, time, kind) in [
        (http(say(b"HTTP/1.1 502 No\r\n\r\n")), ample_time, ErrorKind::Proxy),
        (http(say(b"HTTP/1.1 429 No\r\n\r\n")), ample_time, ErrorKind::Proxy),
        (http(say(b"HTTP/1.1 302 No\r\n\r\n")), ample_time, ErrorKind::Proxy),
        (http(say(b"HTTP/1.1 100 Continue\r\n\r\n")), ample_time, ErrorKind::Proxy),
        (http(say(b"HTTP/1.1 40")), ample_time, ErrorKind::Proxy),
        (http(say(b"220 fake mail server\r\n")), ample_time, ErrorKind::Proxy),
        (http(say(b"")), ample_time, ErrorKind::Proxy),
        (http(silent), soon, ErrorKind::Timeout),
        (socks(say(b"")), ample_time, ErrorKind::Proxy),
        (socks(say(&[1])), ample_time, ErrorKind::Proxy),
        (socks(silent), soon, ErrorKind::Timeout),
    ] {
        let error = proxy.error(&attempt(time));
        assert_eq!((error.kind(), error.phase()), (kind, ErrorPhase::Proxy), "{error}");
        assert!(error.has_sent_password(), "{error}");
        assert!(error.message().contains("nobody knows how the proxy took the login"), "{error}");
        says_until_when(&error, 10);
        is_not_sent_again(&proxy);
    }
}

/// Checks that calls soon after one with an open outcome do without the proxy.
fn is_not_sent_again(proxy: &Proxy) {
    for _ in 0..3 {
        let error = proxy.error(&ample());
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Proxy, ErrorPhase::Proxy), "{error}");
        assert!(error.has_sent_password(), "{error}");
        assert!(error.message().starts_with("nobody knows how the proxy at"), "{error}");
        says_until_when(&error, 10);
    }
    assert_eq!(proxy.heard(), 1);
}

/// Cancels a call that waits for a silent proxy to take the login, after `meanwhile`.
fn cancelled(meanwhile: impl FnOnce(&Proxy)) -> (Proxy, Error) {
    let proxy = http(|_, client, _| {
        let _until_we_hang_up = client.read(&mut [0]);
    });
    let source = CancelSource::default();
    let attempt = Attempt::new(ample().deadline(), source.token());
    let error = thread::scope(|scope| {
        let call = scope.spawn(|| proxy.error(&attempt));
        until(|| proxy.heard() == 1);
        meanwhile(&proxy);
        source.cancel();
        call.join().unwrap()
    });
    (proxy, error)
}

#[test]
fn nor_after_a_cancel() {
    let (proxy, error) = cancelled(|_| {});
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Cancelled, ErrorPhase::Proxy), "{error}");
    assert!(error.has_sent_password(), "{error}");
    says_until_when(&error, 10);
    is_not_sent_again(&proxy);
}

#[test]
fn a_login_that_was_accepted_goes_out_whatever_came_after() {
    // The tunnel leads to nobody who speaks TLS.
    let cut = http(say(b"HTTP/1.1 200 OK\r\n\r\n"));
    let more = http(say(b"HTTP/1.1 200 OK\r\n\r\nmore"));
    let unreachable = socks(|_, client, _| {
        client.write_all(&[1, 0]).unwrap();
        let _request = client.read(&mut [0; 600]);
        client.write_all(&[5, 4, 0, 1]).unwrap();
        linger(client);
    });
    for proxy in [cut, more, unreachable] {
        for call in 1..4 {
            let error = proxy.error(&ample());
            assert_ne!(error.kind(), ErrorKind::ProxyLoginRejected, "{error}");
            assert!(!error.has_sent_password() && error.retry_after().is_none(), "{error}");
            assert_eq!(proxy.heard(), call);
        }
    }
}

#[test]
fn a_proxy_that_never_got_the_login_may_be_asked_again() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let absent = through(format!("http://user:hunter2@{nobody}"));
    // It does not ask for the login.
    let generous = Peer::tcp(|_, mut client| {
        let _offer = client.read(&mut [0; 600]);
        client.write_all(&[5, 0]).unwrap();
        let _request = client.read(&mut [0; 600]);
        client.write_all(&[5, 4, 0, 1]).unwrap();
        linger(&client);
    });
    let generous = through(format!("socks5h://user:hunter2@{}", generous.address));
    for transport in [absent, generous] {
        for _ in 0..3 {
            let error = post(&transport, format!("https://{HOST}:1/")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
            assert!(!error.has_sent_password() && error.retry_after().is_none(), "{error}");
            assert!(!error.message().contains("login"), "{error}");
        }
    }
}

#[test]
fn without_a_login_nothing_is_remembered() {
    for (reply, kind) in [
        (&b"HTTP/1.1 407 No\r\n\r\n"[..], ErrorKind::ProxyLoginRejected),
        (b"HTTP/1.1 403 No\r\n\r\n", ErrorKind::Proxy),
        (b"HTTP/1.1 502 No\r\n\r\n", ErrorKind::Proxy),
    ] {
        let proxy = http(say(reply));
        let transport = through(format!("http://{}", proxy.peer.address));
        for call in 1..4 {
            let error = post(&transport, format!("https://{HOST}:1/")).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(!error.has_sent_password() && error.retry_after().is_none(), "{error}");
            assert_eq!(proxy.peer.accepted(), call);
        }
    }
    let wants_one = Peer::tcp(|_, mut client| {
        let _offer = client.read(&mut [0; 600]);
        client.write_all(&[5, 0xff]).unwrap();
        linger(&client);
    });
    let transport = through(format!("socks5h://{}", wants_one.address));
    let error = post(&transport, format!("https://{HOST}:1/")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProxyLoginRejected, "{error}");
}

const CALLERS: usize = 10;

/// Lets [`CALLERS`] ask at once, and the proxy answer only when all of them have come to it.
fn all_at_once(reply: &'static [u8]) -> (Proxy, Vec<Error>) {
    let come = Arc::new(AtomicUsize::new(0));
    let all = Arc::clone(&come);
    let proxy = http(move |_, client, _| {
        until(|| all.load(Ordering::SeqCst) == CALLERS);
        client.write_all(reply).unwrap();
        linger(client);
    });
    let errors = thread::scope(|scope| {
        let call = || proxy.error(&ample());
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(call)).collect();
        until(|| proxy.peer.accepted() == CALLERS);
        come.store(CALLERS, Ordering::SeqCst);
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    (proxy, errors)
}

fn until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "it never comes to that");
        thread::yield_now();
    }
}

#[test]
fn of_many_callers_one_tries_a_login_that_is_refused() {
    let (proxy, errors) = all_at_once(b"HTTP/1.1 407 No\r\n\r\n");
    assert_eq!(proxy.heard(), 1);
    for error in &errors {
        assert_eq!(error.kind(), ErrorKind::ProxyLoginRejected, "{error}");
    }
    let (proxy, errors) = all_at_once(b"HTTP/1.1 503 No\r\n\r\n");
    assert_eq!(proxy.heard(), 1);
    assert_eq!(errors.iter().filter(|error| error.has_sent_password()).count(), CALLERS);
}

#[test]
fn of_many_callers_all_use_a_login_that_one_has_seen_accepted() {
    let server = Peer::answering(OK);
    // The first is kept waiting until all have come; the others must be there at the same time.
    let open_tunnels = Arc::new(AtomicUsize::new(0));
    let opened = Arc::clone(&open_tunnels);
    let proxy = http(move |number, client, port| {
        if number > 0 {
            opened.fetch_add(1, Ordering::SeqCst);
            until(|| opened.load(Ordering::SeqCst) >= CALLERS - 1);
        } else {
            until(|| opened.load(Ordering::SeqCst) > 0);
            opened.store(0, Ordering::SeqCst);
        }
        open(client, port);
    });
    thread::scope(|scope| {
        let call = || proxy.transport.send(&request(server.url()), &ample()).unwrap().status();
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(call)).collect();
        until(|| proxy.peer.accepted() == CALLERS && proxy.heard() > 0);
        assert_eq!(proxy.heard(), 1);
        open_tunnels.store(1, Ordering::SeqCst);
        callers.into_iter().for_each(|caller| assert_eq!(caller.join().unwrap(), 200));
    });
    assert_eq!(proxy.heard(), CALLERS);
}

#[test]
fn a_wait_for_anothers_outcome_ends_with_its_attempt() {
    let (proxy, _) = cancelled(|proxy| {
        let error = proxy.error(&attempt(Duration::from_millis(30)));
        assert_eq!(
            (error.kind(), error.phase()),
            (ErrorKind::Timeout, ErrorPhase::Proxy),
            "{error}"
        );
        assert!(error.message().contains("how the proxy takes the login"), "{error}");
        assert!(!error.has_sent_password(), "{error}");
    });
    assert_eq!(proxy.heard(), 1);
}

#[test]
fn a_proxy_that_hung_up_meanwhile_does_not_count_as_having_heard_it() {
    // The first caller keeps the second waiting; the second's connection ends meanwhile.
    let (server, proxy_heard) = (Peer::answering(OK), Arc::new(AtomicUsize::new(0)));
    let has_ended = Arc::new(AtomicBool::new(false));
    let (heard, ended) = (Arc::clone(&proxy_heard), Arc::clone(&has_ended));
    let peer = Peer::tcp(move |number, mut client| match number {
        0 => {
            let head = read_head(&mut client);
            heard.fetch_add(1, Ordering::SeqCst);
            until(|| heard.load(Ordering::SeqCst) == 2);
            let target = head.split(' ').nth(1).unwrap();
            open(&mut client, target.rsplit(':').next().unwrap().parse().unwrap());
        }
        _ => {
            client.shutdown(std::net::Shutdown::Write).unwrap();
            ended.store(true, Ordering::SeqCst);
            linger(&client);
        }
    });
    let transport = through(format!("http://user:hunter2@{}", peer.address));
    thread::scope(|scope| {
        let first = scope.spawn(|| post(&transport, server.url()));
        until(|| proxy_heard.load(Ordering::SeqCst) == 1);
        let second = scope.spawn(|| post(&transport, server.url()));
        until(|| has_ended.load(Ordering::SeqCst));
        proxy_heard.store(2, Ordering::SeqCst);
        assert_eq!(first.join().unwrap().unwrap().status(), 200);
        let error = second.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
        assert!(!error.has_sent_password(), "{error}");
    });
}
