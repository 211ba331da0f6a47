//! The server: listeners, TLS, HTTP, and the way of one request from arrival to answer.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::HandshakeKind;

use crate::answer::{Answer, TEXT};
use crate::body::{Delivery, SteppedBody};
use crate::certificate::Tls;
use crate::fault::Fault;
use crate::player::Player;
use crate::reply::{Reply, reply};
use crate::request::{BODY_LIMIT, RecordedRequest};
use crate::state::State;
use crate::vendor::{Endpoint, Vendor, VendorId};

const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// What the connections and the owner of the sandbox share.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Whom it plays, by their ids.
    pub(crate) players: Vec<Arc<dyn Player>>,
    on_refusal: Option<fn(&str)>,
    pub(crate) connections: AtomicU64,
    pub(crate) resumed_handshakes: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        state: State,
        players: Vec<Arc<dyn Player>>,
        on_refusal: Option<fn(&str)>,
    ) -> Shared {
        Shared {
            state: Mutex::new(state),
            players,
            on_refusal,
            connections: AtomicU64::new(0),
            resumed_handshakes: AtomicU64::new(0),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose URL it is. A profile goes before the vendors, and an endpoint before a wrong URL.
    fn route(&self, origin: &str, path: &str) -> Option<(VendorId, Endpoint)> {
        let state = self.state();
        let (vendors, profiles) = self.players.split_at(Vendor::ALL.len());
        let profiles =
            || profiles.iter().enumerate().map(|(at, one)| (VendorId::of_profile(at), one));
        let vendors = vendors.iter().enumerate().map(|(at, one)| (VendorId(at), one));
        let mut all = profiles().chain(vendors);
        let found = all.find_map(|(id, one)| Some((id, one.route(&state, origin, path)?)));
        found.or_else(|| {
            let (owner, _) = profiles().find(|(_, one)| one.owns(&state, origin, path))?;
            Some((owner, Endpoint::Token))
        })
    }

    /// Keeps and tells why a request was refused.
    fn refused(&self, vendor: VendorId, why: &str) {
        let name = {
            let mut state = self.state();
            let vendor = state.of_mut(vendor);
            vendor.last_refusal = Some(why.to_owned());
            vendor.name().to_owned()
        };
        self.tell(&format!("{name}: {why}"));
    }

    fn tell(&self, refusal: &str) {
        if let Some(on_refusal) = self.on_refusal {
            on_refusal(refusal);
        }
    }
}

/// Binds the port on both loopback addresses, or on IPv4 alone where there is no IPv6.
///
/// Both, because `localhost` may mean either, and another program's answer on the other one would
/// baffle.
pub(crate) fn bind(port: u16) -> io::Result<Vec<TcpListener>> {
    const TRIES: u32 = 20;
    let mut tried = 0;
    loop {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        tried += 1;
        let listeners = match TcpListener::bind((Ipv6Addr::LOCALHOST, v4.local_addr()?.port())) {
            Ok(v6) => vec![v4, v6],
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if port == 0 && tried < TRIES {
                    continue;
                }
                return Err(error);
            }
            Err(_) => vec![v4],
        };
        for listener in &listeners {
            listener.set_nonblocking(true)?;
        }
        return Ok(listeners);
    }
}

/// How connections are secured; none speaks HTTP.
#[derive(Clone)]
pub(crate) struct Security {
    pub(crate) tls: Tls,
    pub(crate) own: TlsAcceptor,
    /// Whether the sandbox's own address speaks TLS, too; tunnels always do.
    pub(crate) is_on: bool,
}

/// The way by which requests come.
#[derive(Clone)]
struct Way {
    security: Security,
    scheme: &'static str,
    /// Host and port at the end of a tunnel.
    tunnel: Option<String>,
    /// Whether there is nothing here but the proxy.
    is_proxy: bool,
    client_certificate: Option<Vec<u8>>,
}

/// Takes connections until the runtime ends.
pub(crate) async fn accept(
    listener: tokio::net::TcpListener,
    security: Security,
    shared: Arc<Shared>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(connection(stream, security.clone(), Arc::clone(&shared)));
            }
            // Out of file descriptors, most likely: they come back as connections end.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn connection(stream: TcpStream, security: Security, shared: Arc<Shared>) {
    // Small answers must not wait for the acknowledgement of the one before.
    let _slower_without = stream.set_nodelay(true);
    let acceptor = security.own.clone();
    let way = Way {
        is_proxy: security.is_on,
        security,
        scheme: "http",
        tunnel: None,
        client_certificate: None,
    };
    // The first byte of TLS is no letter: the proxy is at the same port.
    let mut first = [0];
    if !way.is_proxy {
        return speak(stream, way, shared).await;
    }
    match tokio::time::timeout(HANDSHAKE_LIMIT, stream.peek(&mut first)).await {
        Ok(Ok(1)) if first[0].is_ascii_alphabetic() => speak(stream, way, shared).await,
        Ok(Ok(1)) => handshake(stream, &acceptor, way, shared).await,
        _ => {}
    }
}

async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    acceptor: &TlsAcceptor,
    way: Way,
    shared: Arc<Shared>,
) {
    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
        let session = stream.get_ref().1;
        if session.handshake_kind() == Some(HandshakeKind::Resumed) {
            shared.resumed_handshakes.fetch_add(1, Ordering::SeqCst);
        }
        let chain = session.peer_certificates().unwrap_or_default();
        let client_certificate = chain.first().map(|certificate| certificate.to_vec());
        speak(stream, Way { scheme: "https", is_proxy: false, client_certificate, ..way }, shared)
            .await;
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    way: Way,
    shared: Arc<Shared>,
) {
    let service = service_fn(move |request| {
        let (way, shared) = (way.clone(), Arc::clone(&shared));
        async move { respond(&way, &shared, request).await }
    });
    let _a_client_that_left_is_no_news = hyper::server::conn::http1::Builder::new()
        .auto_date_header(false)
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

/// What a CONNECT leads to: never another host, always the sandbox, under the name asked for.
///
/// Boxed, because a tunnel is a connection in which again all of this happens.
fn tunnel(
    request: Request<Incoming>,
    way: Way,
    shared: Arc<Shared>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let target = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let target = target.to_ascii_lowercase();
        let host = target.rsplit_once(':').map_or(target.as_str(), |(host, _)| host).to_owned();
        let acceptor = way.security.tls.acceptor_for(&host);
        if let Ok(stream) = hyper::upgrade::on(request).await {
            let target = target.strip_suffix(":443").unwrap_or(&target).to_owned();
            let way = Way { tunnel: Some(target), ..way };
            handshake(TokioIo::new(stream), &acceptor, way, shared).await;
        }
    })
}

/// The connection is to end without an answer.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// The life of a request.
async fn respond(
    way: &Way,
    shared: &Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<SteppedBody>, Cut> {
    let odd = |status, why| Ok(http_response(plain(shared, Answer::with(status, TEXT, why))));
    if request.method() == Method::CONNECT && way.scheme == "http" {
        tokio::spawn(tunnel(request, way.clone(), Arc::clone(shared)));
        return Ok(Response::new(SteppedBody::new(Vec::new(), Delivery::Whole)));
    }
    if way.is_proxy {
        return odd(400, "this port speaks HTTPS, and is an HTTP proxy for CONNECT alone");
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.to_ascii_lowercase();
    if way.tunnel.as_ref().is_some_and(|end| host.strip_suffix(":443").unwrap_or(&host) != end) {
        return odd(421, "the host header is not the host that the tunnel leads to");
    }
    let origin = format!("{}://{host}", way.scheme);
    let Some((vendor, endpoint)) = shared.route(&origin, request.uri().path()) else {
        shared.tell(&format!("nobody is played at this path of {origin}"));
        return odd(404, "no vendor has this path");
    };
    let fault = shared.state().arrive(vendor, &endpoint);
    let Some(request) = record(request, origin, way.client_certificate.clone()).await else {
        return odd(413, "request body too large");
    };
    let player = &*shared.players[vendor.0];
    if !matches!(endpoint, Endpoint::Resource) {
        shared.state().of_mut(vendor).record(request.clone());
    }
    if let Some(Fault::DelayBefore(pause)) = fault {
        tokio::time::sleep(pause).await;
    }
    let reply = match endpoint {
        Endpoint::Token => reply(&mut shared.state(), player, &request, fault),
        Endpoint::Step | Endpoint::Resource => {
            let answer = player.answer(&mut shared.state(), &endpoint, &request);
            Some(plain(shared, answer))
        }
    };
    if let Some(why) = reply.as_ref().and_then(|reply| reply.answer.why.as_ref()) {
        shared.refused(vendor, why);
    }
    reply.map(http_response).ok_or(Cut)
}

fn plain(shared: &Shared, answer: Answer) -> Reply {
    Reply { answer, delivery: Delivery::Whole, date: Some(shared.state().date(0)) }
}

/// The request with its body; none when the body is too large or breaks off.
async fn record(
    request: Request<Incoming>,
    origin: String,
    client_certificate: Option<Vec<u8>>,
) -> Option<RecordedRequest> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT).collect().await.ok()?;
    let headers = head.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Some(RecordedRequest {
        method: head.method.as_str().to_owned(),
        path: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        headers: headers.collect(),
        body: body.to_bytes().to_vec(),
        origin,
        client_certificate,
    })
}

/// The answer as HTTP.
fn http_response(reply: Reply) -> Response<SteppedBody> {
    let Reply { answer, delivery, date } = reply;
    let mut response = Response::new(SteppedBody::new(answer.body, delivery));
    let headers = response.headers_mut();
    let fixed =
        [(CONTENT_TYPE, Some(answer.content_type).filter(|value| !value.is_empty())), (DATE, date)];
    for (name, value) in fixed {
        if let Some(value) = value {
            let Ok(value) = HeaderValue::try_from(value) else { return impossible() };
            headers.insert(name, value);
        }
    }
    for (name, value) in answer.headers {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
        else {
            return impossible();
        };
        if name == DATE {
            headers.insert(name, value);
        } else if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            headers.append(name, value);
        }
    }
    match StatusCode::from_u16(answer.status) {
        Ok(status) if !status.is_informational() => *response.status_mut() = status,
        _ => return impossible(),
    }
    response
}

fn impossible() -> Response<SteppedBody> {
    let why = "the fault asks for an answer that HTTP cannot express";
    let mut response = Response::new(SteppedBody::new(why.into(), Delivery::Whole));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
