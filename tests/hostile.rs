//! Whatever a server does, a fetch ends in time, with the right error, in less than 1 MiB, and
//! leaves no file open behind it. The servers run in a process of their own.

// With the C ABI the library has an allocator of its own.
#![cfg(not(feature = "capi"))]

mod support;

#[path = "hostile/measure.rs"]
#[allow(dead_code, reason = "the threads are another test's")]
mod measure;
#[path = "hostile/peer.rs"]
mod peer;

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use caretoken::{Client, ClientBuilder, ErrorKind, ErrorPhase, Pattern, TrustRoots};
use measure::{open_files, peak_growth};
use peer::{Act, Over, Peers, Wire};
use support::TestClock;

const MOST_MEMORY: usize = 1024 * 1024;

/// For what ends by itself, long before.
const AMPLE: Duration = Duration::from_secs(5);
/// For what would never end.
const SHORT: Duration = Duration::from_millis(300);
/// How late a busy machine may be; `transport/tests/deadline.rs` is stricter.
const GRACE: Duration = Duration::from_millis(500);

/// What a fetch must come to; `None` is a token.
type Outcome = Option<(ErrorKind, ErrorPhase)>;

struct Server {
    name: &'static str,
    over: &'static [Over],
    act: Act,
    outcome: Outcome,
    fetches: usize,
}

const HTTP: &[Over] = &[Over::Plain, Over::Tls];
const PLAIN: &[Over] = &[Over::Plain];
const NO_TLS: &[Over] = &[Over::NoTls];
const TLS: &[Over] = &[Over::Tls];
const TICKETS: &[Over] = &[Over::TlsWithTickets];
const PROXY: &[Over] = &[Over::Proxy];

const TOKEN: &[u8] = br#"{"access_token":"fake-token","expires_in":3600000}"#;
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
    Content-Length: 50\r\n\r\n{\"access_token\":\"fake-token\",\"expires_in\":3600000}";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

const A_TOKEN: Outcome = None;
const TIMEOUT: Outcome = Some((ErrorKind::Timeout, ErrorPhase::Receive));
const TOO_LARGE: Outcome = Some((ErrorKind::AnswerTooLarge, ErrorPhase::Receive));
const NOT_HTTP: Outcome = Some((ErrorKind::AnswerNotJson, ErrorPhase::Receive));
const NOT_JSON: Outcome = Some((ErrorKind::AnswerNotJson, ErrorPhase::Read));
const LOST: Outcome = Some((ErrorKind::ConnectionLost, ErrorPhase::Receive));
const BAD_TLS: Outcome = Some((ErrorKind::Tls, ErrorPhase::Tls));
const BAD_PROXY: Outcome = Some((ErrorKind::Proxy, ErrorPhase::Proxy));

/// A server that reads a request and then says `$start`, and `$piece` for ever.
macro_rules! endless {
    ($start:expr, $piece:expr) => {
        |wire, _| {
            wire.read_request()?;
            wire.write_all($start)?;
            wire.repeat($piece)
        }
    };
}

/// A server that reads a request, says `$answer` and ends.
macro_rules! once {
    ($answer:expr) => {
        |wire, _| {
            wire.read_request()?;
            wire.write_all($answer)
        }
    };
}

/// A server that greets with `$piece`, for ever.
macro_rules! greeting {
    ($piece:expr) => {
        |wire, _| wire.repeat($piece)
    };
}

const fn server(name: &'static str, over: &'static [Over], outcome: Outcome, act: Act) -> Server {
    Server { name, over, act, outcome, fetches: 1 }
}

/// A server that each of its connections finds one byte further.
const fn at_every_byte(name: &'static str, over: &'static [Over], act: Act) -> Server {
    // A fetch tries so many times.
    const ATTEMPTS: usize = 4;
    Server { fetches: OK.len().div_ceil(ATTEMPTS), ..server(name, over, LOST, act) }
}

const SERVERS: &[Server] = &[
    server("one that behaves", HTTP, A_TOKEN, once!(OK)),
    server("hundreds of tickets", TICKETS, A_TOKEN, once!(OK)),
    server("one byte a second", HTTP, TIMEOUT, |wire, _| {
        wire.read_request()?;
        wire.socket().set_read_timeout(Some(Duration::from_secs(1)))?;
        for byte in OK {
            wire.write_all(&[*byte])?;
            // The client says nothing, and hangs up in the end.
            if wire.read(&mut [0]).is_ok() {
                break;
            }
        }
        Ok(())
    }),
    server("single bytes for ever", PLAIN, TOO_LARGE, endless!(b"HTTP/1.1 200 OK\r\nx: ", b"y")),
    server("an endless header", HTTP, TOO_LARGE, endless!(b"HTTP/1.1 200 OK\r\nx: ", &[b'y'; 9000])),
    server("endless headers", HTTP, TOO_LARGE, endless!(b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n")),
    server("endless empty lines", HTTP, TOO_LARGE, endless!(b"", &[b'\n'; 4096])),
    server("endless chunks", HTTP, TOO_LARGE, endless!(CHUNKED, b"10\r\n0123456789abcdef\r\n")),
    server("endless chunks of one byte", HTTP, TOO_LARGE, endless!(CHUNKED, &b"1\r\n0\r\n".repeat(100))),
    server("a chunk of 16 EiB", HTTP, TOO_LARGE, |wire, _| {
        wire.read_request()?;
        wire.write_all(CHUNKED)?;
        wire.write_all(b"ffffffffffffffff\r\n")?;
        wire.repeat(&[b'0'; 16_000])
    }),
    server("an endless chunk size", HTTP, NOT_HTTP, endless!(CHUNKED, &[b'1'; 4096])),
    server("an endless chunk extension", HTTP, NOT_HTTP, |wire, _| {
        wire.read_request()?;
        wire.write_all(CHUNKED)?;
        wire.write_all(b"1;")?;
        wire.repeat(&[b'x'; 4096])
    }),
    server("endless trailers", HTTP, NOT_HTTP, |wire, _| {
        wire.read_request()?;
        wire.write_all(CHUNKED)?;
        wire.write_all(b"0\r\n")?;
        wire.repeat(b"x: y\r\n")
    }),
    server("an endless body", HTTP, TOO_LARGE, endless!(b"HTTP/1.1 200 OK\r\n\r\n", &[b'0'; 16_000])),
    server(
        "a length of 8 EiB",
        HTTP,
        TOO_LARGE,
        endless!(b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n", &[b'0'; 16_000]),
    ),
    server(
        "a length that is too long",
        HTTP,
        LOST,
        once!(b"HTTP/1.1 200 OK\r\nContent-Length: 51\r\n\r\n{\"access_token\":\"fake-token\",\"expires_in\":3600000}"),
    ),
    server(
        "a length that is too short",
        HTTP,
        NOT_JSON,
        once!(b"HTTP/1.1 200 OK\r\nContent-Length: 49\r\n\r\n{\"access_token\":\"fake-token\",\"expires_in\":3600000}"),
    ),
    server("a compressed bomb", HTTP, NOT_JSON, |wire, _| {
        wire.read_request()?;
        let bomb = bomb();
        let length = bomb.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n");
        wire.write_all(head.as_bytes())?;
        wire.write_all(&bomb)
    }),
    server("HTTP/0.9", HTTP, NOT_HTTP, once!(TOKEN)),
    server("an HTTP/2 preface", HTTP, NOT_HTTP, endless!(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\0\x04\0\0\0\0\0")),
    server("HTTP/2 settings", HTTP, NOT_HTTP, endless!(b"", b"\0\0\0\x04\0\0\0\0\0")),
    server("noise", HTTP, NOT_HTTP, endless!(b"\x16\x03", &[0xa5; 4096])),
    server("an answer before the request", HTTP, A_TOKEN, |wire, _| {
        wire.write_all(OK)?;
        wire.read_request()
    }),
    server("endless answers before the request", HTTP, A_TOKEN, |wire, _| wire.repeat(OK)),
    server("a thousand times 100 Continue", HTTP, TOO_LARGE, |wire, _| {
        wire.read_request()?;
        for _ in 0..1000 {
            wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        wire.write_all(OK)
    }),
    server("100 Continue for ever", HTTP, TOO_LARGE, endless!(b"", b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n")),
    server("a hundred times 100 Continue", HTTP, A_TOKEN, |wire, _| {
        wire.read_request()?;
        for _ in 0..100 {
            wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        wire.write_all(OK)
    }),
    server(
        "a redirect",
        HTTP,
        Some((ErrorKind::Redirected, ErrorPhase::Read)),
        endless!(b"HTTP/1.1 307 Moved\r\nLocation: https://elsewhere.test/\r\nContent-Length: 0\r\n\r\n", b"x"),
    ),
    server("an end before the answer", HTTP, LOST, |wire, _| wire.read_request()),
    server("keys that change for ever", TLS, TOO_LARGE, |wire, _| {
        wire.read_request()?;
        wire.write_all(b"HTTP/1.1 200 OK\r\nx: ")?;
        loop {
            if let Wire::Tls(stream) = wire {
                stream.conn.refresh_traffic_keys().map_err(io::Error::other)?;
            }
            wire.write_all(&[b'y'; 64])?;
        }
    }),
    at_every_byte("an end at every byte of the answer", HTTP, |wire, number| {
        wire.read_request()?;
        wire.write_all(&OK[..number % OK.len()])
    }),
    at_every_byte("a reset at every byte of the answer", PLAIN, |wire, number| {
        wire.read_exact(&mut [0; 100])?;
        wire.write_all(&OK[..number % OK.len()])?;
        // Without the end that is due, and with unread bytes: that is a reset.
        Err(io::ErrorKind::Other.into())
    }),
    server("silence instead of TLS", NO_TLS, Some((ErrorKind::Timeout, ErrorPhase::Tls)), |wire, _| {
        io::copy(wire, &mut io::sink()).map(drop)
    }),
    server("HTTP instead of TLS", NO_TLS, BAD_TLS, |wire, _| wire.write_all(OK)),
    // Record type 22, version, length 16384; of a message of the largest length.
    server("an endless handshake message", NO_TLS, BAD_TLS, |wire, _| {
        let mut record = [0; 5 + 16_384];
        record[..9].copy_from_slice(b"\x16\x03\x03\x40\x00\x02\xff\xff\xff");
        wire.write_all(&record)?;
        record[5..9].fill(0);
        wire.repeat(&record)
    }),
    server("endless empty records", NO_TLS, BAD_TLS, greeting!(b"\x16\x03\x03\x00\x00")),
    server("endless warnings", NO_TLS, BAD_TLS, greeting!(b"\x15\x03\x03\x00\x02\x01\x5a")),
    server("endless changes of cipher", NO_TLS, BAD_TLS, greeting!(b"\x14\x03\x03\x00\x01\x01")),
    server("a record that is too long", NO_TLS, BAD_TLS, greeting!(b"\x16\x03\x03\xff\xff")),
    server("a proxy with an endless header", PROXY, BAD_PROXY, |wire, _| {
        wire.write_all(b"HTTP/1.1 200 OK\r\nx: ")?;
        wire.repeat(&[b'y'; 4096])
    }),
    server("a proxy with endless headers", PROXY, BAD_PROXY, |wire, _| {
        wire.write_all(b"HTTP/1.1 200 OK\r\n")?;
        wire.repeat(b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")
    }),
    server("a proxy that says 100 for ever", PROXY, BAD_PROXY, greeting!(b"HTTP/1.1 100 Continue\r\n\r\n")),
    server("a proxy that is none", PROXY, BAD_PROXY, greeting!(b"220 fake mail server\r\n")),
];

/// 64 KiB that a gzip reader would inflate to some 10 MB: a zero, repeated 258 times again and
/// again (RFC 1951 §3.2.6; the codes of one repetition take 13 bits).
fn bomb() -> Vec<u8> {
    let mut bomb = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    let mut bits = Vec::from([true, true, false]);
    bits.extend([false, false, true, true, false, false, false, false]);
    while bits.len() < 8 * 65_000 {
        bits.extend([true, true, false, false, false, true, false, true]);
        bits.extend([false; 5]);
    }
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    bomb.extend(bits.chunks(8).map(byte));
    bomb
}

fn servers() -> impl Iterator<Item = (&'static Server, Over)> {
    SERVERS.iter().flat_map(|server| server.over.iter().map(move |over| (server, *over)))
}

fn builder(over: Over, port: u16, ca_pem: &str) -> ClientBuilder {
    let (scheme, host) = match over {
        Over::Plain => ("http", format!("127.0.0.1:{port}")),
        Over::Tls | Over::TlsWithTickets | Over::NoTls => ("https", format!("127.0.0.1:{port}")),
        Over::Proxy => ("https", "vendor.test".to_owned()),
    };
    let builder = Client::builder(Pattern {
        base_url: format!("{scheme}://{host}"),
        client_id: "fake-client".into(),
        client_secret: "fake-client-secret".into(),
    });
    let proxy = match over {
        Over::Proxy => format!("http://127.0.0.1:{port}"),
        _ => "off".to_owned(),
    };
    // Its clock makes nobody wait before the next attempt.
    let builder = builder.proxy(proxy).clock(TestClock::new()).plain_http_to_loopback(true);
    builder.roots(TrustRoots::None).ca_pem(ca_pem)
}

#[test]
fn whatever_a_server_does_costs_little_and_ends_in_time() {
    peer::serve(servers().map(|(server, over)| (over, server.act)));
    let peers = Peers::start("whatever_a_server_does_costs_little_and_ends_in_time");
    let mut wrong = Vec::new();
    for ((server, over), port) in servers().zip(peers.ports()) {
        let never_ends = matches!(server.outcome, Some((ErrorKind::Timeout, _)));
        let time = if never_ends { SHORT } else { AMPLE };
        let (mut most_memory, mut longest) = (0, Duration::ZERO);
        for _ in 0..server.fetches {
            let files = open_files();
            let client = builder(over, *port, &peers.ca_pem).timeout(time).build().unwrap();
            let start = Instant::now();
            let (result, memory) = peak_growth(|| client.token());
            let took = start.elapsed();
            drop(client);
            let outcome = result.as_ref().err().map(|error| (error.kind(), error.phase()));
            let is_right = outcome == server.outcome
                && took < time + GRACE
                && memory < MOST_MEMORY
                && open_files() == files;
            if !is_right {
                let files = (files, open_files());
                wrong.push(format!(
                    "{}, {over:?}: {result:?}, {memory} bytes, {took:?}, {files:?} files",
                    server.name
                ));
            }
            (most_memory, longest) = (most_memory.max(memory), longest.max(took));
        }
        println!("{:>4} KiB {longest:>10.1?}  {}, {over:?}", most_memory / 1024, server.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
