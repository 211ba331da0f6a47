//! The server: listeners, TLS, HTTP, and the way of one request from arrival to answer.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::HandshakeKind;

use crate::answer::{Answer, TEXT};
use crate::body::{Delivery, SteppedBody};
use crate::fault::Fault;
use crate::reply::{Reply, reply};
use crate::request::{BODY_LIMIT, RecordedRequest};
use crate::state::State;
use crate::vendor::Endpoint;
use crate::vendors;

const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// What the connections and the owner of the sandbox share.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) connections: AtomicU64,
    pub(crate) resumed_handshakes: AtomicU64,
}

impl Shared {
    pub(crate) fn new(state: State) -> Shared {
        Shared {
            state: Mutex::new(state),
            connections: AtomicU64::new(0),
            resumed_handshakes: AtomicU64::new(0),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Takes connections until the runtime ends.
pub(crate) async fn accept(
    listener: tokio::net::TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(connection(stream, tls.clone(), Arc::clone(&shared)));
            }
            // Out of file descriptors, most likely: they come back as connections end.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    // Small answers must not wait for the acknowledgement of the one before.
    let _slower_without = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return speak(stream, shared).await;
    };
    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_LIMIT, tls.accept(stream)).await {
        if stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
            shared.resumed_handshakes.fetch_add(1, Ordering::SeqCst);
        }
        speak(stream, shared).await;
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { respond(&shared, request).await }
    });
    let _a_client_that_left_is_no_news = hyper::server::conn::http1::Builder::new()
        .auto_date_header(false)
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
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
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<SteppedBody>, Cut> {
    let Some((vendor, endpoint)) = vendors::route(request.uri().path()) else {
        return Ok(http_response(plain(
            shared,
            Answer::with(404, TEXT, "no vendor has this path"),
        )));
    };
    let fault = shared.state().arrive(vendor, &endpoint);
    let Some(request) = record(request).await else {
        return Ok(http_response(plain(shared, Answer::with(413, TEXT, "request body too large"))));
    };
    if let Endpoint::Resource = endpoint {
        let answer = vendors::answer(&mut shared.state(), vendor, &endpoint, &request);
        return Ok(http_response(plain(shared, answer)));
    }
    shared.state().of_mut(vendor).last_request = Some(request.clone());
    if let Some(Fault::DelayBefore(pause)) = fault {
        tokio::time::sleep(pause).await;
    }
    reply(&mut shared.state(), vendor, &request, fault).map(http_response).ok_or(Cut)
}

fn plain(shared: &Shared, answer: Answer) -> Reply {
    Reply { answer, delivery: Delivery::Whole, date: Some(shared.state().date(0)) }
}

/// The request with its body; none when the body is too large or breaks off.
async fn record(request: Request<Incoming>) -> Option<RecordedRequest> {
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
