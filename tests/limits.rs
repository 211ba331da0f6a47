//! A process that has run out of something is told so, instead of being sent to look at its network.

#![cfg(target_os = "linux")]

mod support;

use std::fs::File;

use caretoken::{Client, Error, ErrorKind, ErrorPhase, Pattern};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use support::TestClock;

/// The error of a fetch from `host`, where nobody listens.
fn error_of(host: &str) -> Error {
    let client = Client::builder(Pattern {
        base_url: format!("https://{host}:1"),
        client_id: "fake-client".into(),
        client_secret: "fake-client-secret".into(),
    });
    // Its clock makes nobody wait before the next attempt.
    let client = client.proxy("off").clock(TestClock::new()).build().unwrap();
    client.token().unwrap_err()
}

/// What can be opened until there is no more.
fn open_all() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[test]
fn a_process_without_a_file_descriptor_left_is_told_so() {
    // Few, so that they are soon used up.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 64, most).unwrap();
    for (host, left, kind, phase) in [
        ("localhost", 0, ErrorKind::Resolve, ErrorPhase::Resolve),
        ("127.0.0.1", 0, ErrorKind::Connect, ErrorPhase::Connect),
        // Enough to wait for a socket, and not for the socket.
        ("127.0.0.1", 1, ErrorKind::Connect, ErrorPhase::Connect),
    ] {
        let mut files = open_all();
        files.truncate(files.len() - left);
        let error = error_of(host);
        drop(files);
        assert_eq!((error.kind(), error.phase()), (kind, phase), "{error}");
        assert!(error.message().contains("too many files and sockets open"), "{error}");
        assert!(error.remedy().contains("ulimit -n"), "{error}");

        let error = error_of(host);
        assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
        assert_eq!(error.remedy(), ErrorKind::Connect.remedy());
    }
}
