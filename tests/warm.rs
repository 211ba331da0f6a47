//! A thousand fetches on a kept connection: no thread appears, not for a moment, and nothing stays.

// With the C ABI the library has an allocator of its own.
#![cfg(not(feature = "capi"))]

mod support;

#[path = "hostile/measure.rs"]
mod measure;
#[path = "hostile/peer.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod peer;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use caretoken::{Client, Pattern, TrustRoots};
use measure::{open_files, peak_growth, threads, threads_ever};
use peer::{Act, Over, Peers};
use support::TestClock;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
    Content-Length: 50\r\n\r\n{\"access_token\":\"fake-token\",\"expires_in\":3600000}";

const ANSWER_EACH: Act = |wire, _| loop {
    wire.read_request()?;
    wire.write_all(OK)?;
};

#[test]
fn a_thousand_warm_fetches_bring_no_thread_and_leave_nothing() {
    peer::serve([(Over::Tls, ANSWER_EACH)].into_iter());
    let peers = Peers::start("a_thousand_warm_fetches_bring_no_thread_and_leave_nothing");
    let clock = TestClock::new();
    let client = Client::builder(Pattern {
        base_url: format!("https://localhost:{}", peers.ports()[0]),
        client_id: "fake-client".into(),
        client_secret: "fake-client-secret".into(),
    })
    .clock(Arc::clone(&clock) as _)
    .proxy("off")
    .roots(TrustRoots::None)
    .ca_pem(peers.ca_pem.as_str())
    .build()
    .unwrap();
    let fetch = || {
        // The token at hand is too old then.
        clock.advance(Duration::from_secs(3600));
        client.token().unwrap();
    };
    let before_any = (threads_ever(), threads());
    fetch();
    let and_one = before_any.0.map(|threads| threads + 1);
    assert_eq!(threads_ever(), and_one, "the first looks the name up in a thread");
    while threads() != before_any.1 {
        std::thread::yield_now();
    }
    // What the first few leave, such as tables of a size, they leave once.
    (0..10).for_each(|_| fetch());

    let counts = || (threads_ever(), threads(), open_files());
    let before = counts();
    let ((), growth) = peak_growth(|| (0..1000).for_each(|_| fetch()));
    assert_eq!(counts(), before);
    assert!(growth < 64 * 1024, "{growth} bytes");
    assert_eq!(client.stats().fetches, 1011);
}
