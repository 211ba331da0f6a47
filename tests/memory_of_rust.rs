//! What a Rust program leaves in memory, with the usual allocator and with one that wipes. The rows
//! of C programs are in `memory.rs`.

// With the feature `capi` the library brings an allocator, and nothing is the usual one.
#![cfg(all(target_os = "linux", not(feature = "capi")))]

#[allow(dead_code, reason = "used in part by each test program")]
#[path = "memory/child.rs"]
mod child;
#[path = "memory/made_up.rs"]
mod made_up;
#[allow(dead_code, reason = "used in part by each test program")]
#[path = "memory/scan.rs"]
mod scan;
#[path = "memory/switched.rs"]
mod switched;

use std::env;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use caretoken::{Client, ClientBuilder, EventKind, Token};
use caretoken_sandbox::{Fault, Sandbox, Vendor};
use child::{Subject, unbuffered};
use made_up::{sandbox, token_and};
use scan::{Found, Needles};
use switched::IS_WIPING;
use zeroize::Zeroizing;

const ASKED: &str = "CARETOKEN_MEMORY_SUBJECT";

/// Not a claim: the child that the others look into, when one of them has started it.
#[test]
fn the_subject() {
    let Ok(allocator) = env::var(ASKED) else { return };
    IS_WIPING.store(allocator == "wiping", Ordering::Relaxed);
    let (mut orders, mut replies) = (unbuffered(0, false), unbuffered(1, true));
    let mut builder: Option<ClientBuilder> = None;
    let mut client: Option<Client> = None;
    let mut tokens: Vec<Token> = Vec::new();
    let mut planted: Vec<Vec<u8>> = Vec::new();
    let panics = Arc::new(AtomicBool::new(false));
    let text = |len: [u8; 4], orders: &mut dyn Read| {
        let mut bytes = Zeroizing::new(vec![0; u32::from_ne_bytes(len) as usize]);
        orders.read_exact(&mut bytes).unwrap();
        bytes
    };
    loop {
        let (mut letter, mut len) = ([0], [0; 4]);
        if orders.read_exact(&mut letter).is_err() {
            return;
        }
        orders.read_exact(&mut len).unwrap();
        let first = text(len, &mut orders);
        orders.read_exact(&mut len).unwrap();
        let second = text(len, &mut orders);
        let first = std::str::from_utf8(&first).unwrap();
        let mut reply = |bytes: &[u8]| {
            replies.write_all(&[0x1e]).unwrap();
            replies.write_all(&u32::try_from(bytes.len()).unwrap().to_ne_bytes()).unwrap();
            replies.write_all(bytes).unwrap();
        };
        match letter[0] {
            b'c' => {
                let panics = Arc::clone(&panics);
                let fresh = ClientBuilder::by_name(first).unwrap().on_event(move |event| {
                    if event.kind == EventKind::Fetched && panics.load(Ordering::Relaxed) {
                        panic!("in a callback");
                    }
                });
                builder = Some(fresh);
                reply(b"0");
            }
            b's' => {
                let value = std::str::from_utf8(&second).unwrap();
                builder = Some(builder.take().unwrap().set(first, value).unwrap());
                reply(b"0");
            }
            b'n' => {
                client = Some(builder.take().unwrap().build().unwrap());
                reply(b"0");
            }
            b't' => {
                let timeout = Duration::from_millis(first.parse().unwrap());
                match client.as_ref().unwrap().token_within(timeout) {
                    Ok(fresh) => {
                        reply(fresh.access_token().expose_secret().as_bytes());
                        tokens.push(fresh);
                    }
                    Err(_) => reply(b"1"),
                }
            }
            // Panics in a callback while a fresh token is in hand.
            b'P' => {
                panics.store(true, Ordering::Relaxed);
                let client = client.as_ref().unwrap();
                let fetch = std::panic::AssertUnwindSafe(|| client.token().map(drop));
                reply(if std::panic::catch_unwind(fetch).is_err() { b"panicked" } else { b"0" });
            }
            b'f' => {
                (builder, client) = (None, None);
                tokens.clear();
                reply(b"");
            }
            b'p' => {
                planted.push(second.to_vec());
                reply(b"");
            }
            other => panic!("no order is called {other}"),
        }
    }
}

fn subject(allocator: &str) -> Subject {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "the_subject", "--nocapture"]).env(ASKED, allocator);
    Subject::start(&mut command)
}

/// One row: what happens in the child before the look, with the token to look for.
type Act = fn(&mut Subject, &Sandbox, Vendor) -> String;

fn known_token(vendor: Vendor) -> String {
    made_up::text(&format!("broken answer of {}", vendor.name()), made_up::PLAIN, 300)
}

const ROWS: &[(&str, Act)] = &[
    ("freed", |subject, _, _| {
        let token = subject.fetch(30_000);
        subject.free();
        token
    }),
    ("idle", |subject, _, _| subject.fetch(30_000)),
    ("401, freed", |subject, sandbox, vendor| {
        let token = known_token(vendor);
        let body = format!(r#"{{"error":"invalid_client","echo":"{token}"}}"#).into_bytes();
        let (headers, content_type) = (Vec::new(), "application/json".to_owned());
        sandbox.inject(vendor, Fault::Status { status: 401, headers, body, content_type });
        assert_eq!(subject.fetch(30_000), "1");
        subject.free();
        token
    }),
    ("cut, freed", |subject, sandbox, vendor| {
        sandbox.inject_always(vendor, Some(Fault::CutDuring));
        assert_eq!(subject.fetch(3_000), "1");
        subject.free();
        known_token(vendor)
    }),
    ("timeout, freed", |subject, sandbox, vendor| {
        sandbox.inject_always(vendor, Some(Fault::DelayDuring(Duration::from_secs(2))));
        assert_eq!(subject.fetch(500), "1");
        subject.free();
        known_token(vendor)
    }),
    ("panic, freed", |subject, sandbox, vendor| {
        let token = known_token(vendor);
        let answer = format!(
            r#"{{"success":true,"access_token":"{token}","token_type":"bearer","expires_in":3600000,
            "token":{{"access_token":"{token}","expires_in":900,"token_type":"Bearer"}},
            "data":{{"accessToken":"{token}","value":"{token}","expiresIn":3600,"tokenType":"Bearer",
            "expires_at":99999999999}}}}"#
        );
        sandbox.inject(vendor, Fault::Json(serde_json::from_str(&answer).unwrap()));
        assert_eq!(subject.fetch_in_a_panic(), "panicked");
        subject.free();
        token
    }),
];

fn measure(allocator: &str, act: Act, vendor: Vendor) -> Found {
    let (sandbox, credentials) = sandbox(vendor);
    let mut subject = subject(allocator);
    subject.client(&sandbox, vendor, &credentials);
    subject.build();
    let token = act(&mut subject, &sandbox, vendor);
    let needles = Needles::of(&token_and(&credentials, &token));
    let found = subject.look(&needles);
    subject.plant(&needles);
    found
}

#[test]
fn with_the_wiping_allocator_a_rust_program_leaves_no_copy_either() {
    for (row, act) in ROWS {
        for vendor in Vendor::ALL {
            let found = measure("wiping", *act, vendor);
            assert!(
                found.open.is_empty(),
                "{row}, {}: {:?} {:?}",
                vendor.name(),
                found.open,
                found.places
            );
        }
    }
}

/// Printed, not asserted: what the README says about programs without the wiping allocator.
#[test]
fn the_table_for_rust_programs_with_the_usual_allocator() {
    println!("secrets with copies outside the protected store, usual allocator");
    println!("moment\t{}", Vendor::ALL.map(Vendor::name).join("\t"));
    for (row, act) in ROWS {
        let counts = Vendor::ALL.map(|vendor| measure("usual", *act, vendor).secrets().to_string());
        println!("{row}\t{}", counts.join("\t"));
    }
}
