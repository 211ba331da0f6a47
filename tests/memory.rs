//! Nothing left behind: how many copies of its secrets a process has in memory, moment by moment.
//!
//! A child process does the work, this one looks through all of the child's readable memory. Each
//! row ends with a control: a planted copy in every form must be found. The rows that must have no
//! copies go through the shared library that C programs get; those of a Rust program are printed.

#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "used in part by each test program")]
#[path = "c/artifact.rs"]
mod artifact;
#[allow(dead_code, reason = "used in part by each test program")]
#[path = "memory/child.rs"]
mod child;
#[path = "memory/keys.rs"]
mod keys;
#[path = "memory/made_up.rs"]
mod made_up;
#[path = "memory/scan.rs"]
mod scan;
#[path = "memory/server.rs"]
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use artifact::{artifact, have, root, run};
use caretoken_sandbox::{Fault, Sandbox, Vendor};
use child::{Subject, assert_finds_all};
use made_up::{sandbox, token_and};
use scan::{Found, Needles};

/// The C program, linked with the shared library.
fn c_program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("memory");
        fs::create_dir_all(&directory).unwrap();
        let program = directory.join("memory");
        let mut compiler = Command::new("cc");
        compiler.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-pthread", "-I"]);
        compiler.arg(root().join("include")).arg(root().join("tests/c/memory.c"));
        compiler.arg("-L").arg(&artifact().libraries).arg("-lcaretoken");
        // Lazy binding spills vector registers, and with them pieces of what was copied last, to
        // the stack at the first call of each function.
        compiler.arg("-Wl,-z,now");
        // Another run of this test may be executing it.
        let fresh = directory.join(format!("memory.{}", std::process::id()));
        run(compiler.arg("-o").arg(&fresh));
        fs::rename(fresh, &program).unwrap();
        program
    })
}

/// A C program with a client of that vendor, not yet built; `None` where there is no C compiler.
fn c_subject(
    sandbox: &Sandbox,
    vendor: Vendor,
    credentials: &[(String, String)],
) -> Option<Subject> {
    if !have(&["cc"]) {
        return None;
    }
    let mut subject = c_process();
    subject.client(sandbox, vendor, credentials);
    Some(subject)
}

/// The C program in a directory of its own, where the kernel may write a core.
fn c_process() -> Subject {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("memory/{}.{number}", std::process::id());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited; exec \"$0\""]).arg(c_program());
    command.current_dir(&directory).env("LD_LIBRARY_PATH", &artifact().libraries);
    let mut subject = Subject::start(&mut command);
    subject.directory = Some(directory);
    subject
}

/// Looks, for each vendor, at a C program that has fetched a token, and at its secrets.
fn with_a_token(look: impl Fn(Vendor, Subject, &[(String, String)])) {
    for vendor in Vendor::ALL {
        let (sandbox, credentials) = sandbox(vendor);
        let Some(mut subject) = c_subject(&sandbox, vendor, &credentials) else { return };
        subject.build();
        let token = subject.fetch(30_000);
        look(vendor, subject, &token_and(&credentials, &token));
    }
}

#[track_caller]
fn assert_none(row: &str, whose: &str, found: &Found) {
    println!("{row}\t{whose}\t{} copies in {} KiB", found.secrets(), found.bytes / 1024);
    assert!(found.bytes > 100_000, "nothing was read");
    assert!(found.open.is_empty(), "{row}, {whose}: {:?} {:?}", found.open, found.places);
    assert!(found.passing.is_empty(), "{row}, {whose}: {:?}", found.passing);
}

#[test]
fn after_client_and_token_are_freed_there_is_no_copy() {
    with_a_token(|vendor, mut subject, secrets| {
        let needles = Needles::of(secrets);
        subject.free();
        let found = subject.look(&needles);
        assert_none("freed", vendor.name(), &found);
        assert!(found.protected.is_empty(), "{:?}", found.protected);
        subject.plant(&needles);
    });
}

#[test]
fn while_the_client_idles_there_are_copies_in_the_protected_store_alone() {
    with_a_token(|vendor, mut subject, secrets| {
        let needles = Needles::of(secrets);
        let found = subject.look(&needles);
        assert_none("idle", vendor.name(), &found);
        for (name, _) in secrets {
            assert!(found.protected.contains_key(&(name.clone(), "plain")), "{name} is not kept");
        }
        subject.plant(&needles);
    });
}

#[test]
fn a_core_dump_of_the_idle_process_has_no_copy() {
    if !have(&["gdb"]) {
        return;
    }
    with_a_token(|vendor, mut subject, secrets| {
        let needles = Needles::of(secrets);
        let dump = |subject: &Subject| {
            let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("memory/core");
            let process = subject.id().to_string();
            run(Command::new("gcore").arg("-o").arg(&prefix).arg(&process));
            let core = prefix.with_extension(process);
            let found = scan::file(&core, &needles).unwrap();
            fs::remove_file(core).unwrap();
            found
        };
        assert_none("core dump", vendor.name(), &dump(&subject));
        subject.plant(&needles);
        assert_finds_all(&dump(&subject), &needles);
    });
}

#[test]
fn what_the_library_leaves_in_registers_reaches_neither_a_signal_handlers_stack_nor_a_core() {
    for is_freed in [false, true] {
        with_a_token(|vendor, mut subject, secrets| {
            let needles = Needles::of(secrets);
            subject.hit();
            if is_freed {
                subject.free();
            }
            assert_none("registers", vendor.name(), &subject.look(&needles));
            if let Some(found) = subject.core_by_signal(&needles) {
                assert_none("core by a signal", vendor.name(), &found);
            }
        });
    }
    // The control: what is in registers alone is found, in both places.
    let secrets = [("control".to_owned(), made_up::text("control", made_up::PLAIN, 48))];
    let needles = Needles::of(&secrets);
    for looks in [true, false] {
        if !have(&["cc"]) {
            return;
        }
        let mut subject = c_process();
        subject.load_registers(&needles, looks);
        // On the stack, where the signal's frame was, and where the program has stored them.
        let seen = subject.look(&needles).open.values().sum::<usize>();
        assert!(if looks { seen >= 4 } else { seen == 0 }, "{looks}: {seen}");
        if let Some(found) = subject.core_by_signal(&needles) {
            assert!(!found.open.is_empty(), "registers are not in the core");
        }
    }
}

#[test]
fn a_core_made_in_the_middle_of_a_fetch_has_no_copy() {
    if !have(&["cc"]) {
        return;
    }
    for vendor in Vendor::ALL {
        let (sandbox, credentials) = sandbox(vendor);
        let path = sandbox.base_url(vendor).replace(&sandbox.origin(), "");
        let token = made_up::text(vendor.name(), made_up::PLAIN, 300);
        let secrets = token_and(&credentials, &token);
        let needles = Needles::of(&secrets);
        let answer = broken_json(&token);
        for (row, shown) in [("waiting for an answer", 0), ("half an answer", answer.len() - 100)] {
            let server = server::Ca::new().serve(&answer, shown, false);
            let mut subject = c_process();
            let base_url = server.base_url.clone() + &path;
            subject.client_at(&base_url, &server.ca_pem, vendor, &credentials);
            subject.build();
            subject.begin_to_fetch();
            server.stopped.recv().unwrap();
            let has_token =
                |found: &Found| found.passing.keys().any(|(name, _)| name == "access token");
            let patience = Instant::now() + Duration::from_secs(20);
            let found = loop {
                let found = subject.look(&needles);
                if shown == 0 || has_token(&found) {
                    break found;
                }
                assert!(Instant::now() < patience, "{row}: the token is not under way");
            };
            for (name, _) in &credentials {
                let is_there = found.passing.keys().any(|(found, _)| found == name);
                assert!(is_there, "{row}: {name} is not under way: {:?}", found.passing);
            }
            if let Some(found) = subject.core_by_signal(&needles) {
                assert_none(row, vendor.name(), &found);
            }
        }
    }
}

#[test]
fn while_a_client_with_a_certificate_idles_its_key_is_in_the_protected_store_alone() {
    if !have(&["cc"]) {
        return;
    }
    for (kind, key) in keys::of_each_kind() {
        let numbers = keys::numbers(&key);
        let needles = Needles::of_numbers(&numbers);
        let ca = server::Ca::new();
        let answer = r#"{"access_token":"fake","token_type":"Bearer","expires_in":3600000}"#;
        let server = ca.serve(answer, answer.len(), true);
        let mut subject = c_process();
        let settings = [
            ("client_id", "fake-id".to_owned()),
            ("client_secret", "fake-secret".to_owned()),
            ("client_cert_pem", ca.certify(&key).pem()),
            ("client_key_pem", key.serialize_pem()),
            // The program has wiped what it read before when it gets to this.
            ("user_agent", "fake".to_owned()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value));
        subject.client_at(&server.base_url, &server.ca_pem, Vendor::Pattern, &settings);
        assert_only_kept("configured", kind, &numbers, &subject.look(&needles));
        subject.build();
        assert_only_kept("built", kind, &numbers, &subject.look(&needles));
        assert_eq!(subject.fetch(30_000), "fake");
        assert_only_kept("idle", kind, &numbers, &subject.look(&needles));
        subject.plant(&needles);
    }
}

/// The profile comes from a file, and the key signs an assertion in each request (RFC 7523).
#[test]
fn of_an_assertion_and_the_key_that_signed_it_there_is_no_copy_beside_the_protected_store() {
    if !have(&["cc"]) {
        return;
    }
    for (kind, key) in keys::of_each_kind() {
        let algorithm = match kind {
            "P-256" => "ES256",
            "RSA" => "RS256",
            // Profiles do not sign by Ed25519.
            _ => continue,
        };
        let numbers = keys::numbers(&key);
        let key_needles = Needles::of_numbers(&numbers);
        let token = made_up::text(kind, made_up::PLAIN, 300);
        let answer = format!(r#"{{"access_token":"{token}","expires_in":3600}}"#);
        let server = server::Ca::new().serve(&answer, answer.len(), false);
        let mut subject = c_process();
        let path = subject.directory.as_ref().unwrap().join("profile.json");
        fs::write(&path, SIGNING.replace("ALGORITHM", algorithm)).unwrap();
        let settings = [
            ("client_id", made_up::text("client_id", made_up::PLAIN, 48)),
            ("private_key", key.serialize_pem()),
            // The program has wiped what it read before when it gets to this.
            ("user_agent", "fake".to_owned()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value));
        subject.client_of_file(&path, &server.base_url, &server.ca_pem, &settings);
        assert_only_kept("configured", kind, &numbers, &subject.look(&key_needles));
        subject.build();
        assert_eq!(subject.fetch(30_000), token);

        let request = String::from_utf8(server.requests.recv().unwrap()).unwrap();
        let (_, assertion) = request.split_once("client_assertion=").unwrap();
        assert_eq!(assertion.split('.').count(), 3, "no JWT at the end of the form");
        let secrets = [("assertion", assertion), ("access token", &token)];
        let secrets = secrets.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let needles = Needles::of(&secrets);
        assert_only_kept("idle", kind, &numbers, &subject.look(&key_needles));
        let found = subject.look(&needles);
        assert_none("idle", kind, &found);
        assert!(found.protected.keys().all(|(name, _)| name == "access token"), "it is kept");
        assert!(!found.protected.is_empty(), "the scan does not know the token");

        subject.free();
        for needles in [&key_needles, &needles] {
            let found = subject.look(needles);
            assert_none("freed", kind, &found);
            assert!(found.protected.is_empty(), "{:?}", found.protected);
            subject.plant(needles);
        }
    }
}

const SIGNING: &str = r#"{
    "caretoken": 1,
    "name": "signing",
    "parameters": {
        "base_url": { "kind": "url" },
        "client_id": { "holder": true },
        "private_key": { "kind": "private_key" }
    },
    "values": {
        "assertion": {
            "jwt": {
                "alg": "ALGORITHM",
                "key": "{private_key}",
                "claims": { "iss": "{client_id}", "aud": "{endpoint}" }
            }
        }
    },
    "request": {
        "url": "{base_url}/token",
        "form": { "grant_type": "client_credentials", "client_assertion": "{assertion}" }
    },
    "answer": { "access_token": "/access_token", "expires": { "in": "/expires_in", "unit": "seconds" } }
}"#;

/// Of each secret number there are copies, and all are where secrets stay.
#[track_caller]
fn assert_only_kept(row: &str, kind: &str, numbers: &[(String, Vec<u8>)], found: &Found) {
    println!("{row}\t{kind}\t{} numbers open in {} KiB", found.secrets(), found.bytes / 1024);
    assert!(found.open.is_empty(), "{row}, {kind}: {:?} {:?}", found.open, found.places);
    assert!(found.passing.is_empty(), "{row}, {kind}: {:?}", found.passing);
    // What is computed of an Ed25519 seed is not kept.
    let is_kept = |name: &String| found.protected.keys().any(|(found, _)| found == name);
    assert!(is_kept(&numbers[0].0), "{row}, {kind}: the scan does not know the key");
}

/// An answer with this token in all places where a vendor may have it, cut off before its end.
fn broken_json(token: &str) -> String {
    format!(
        r#"{{"success":true,"access_token":"{token}","data":{{"accessToken":"{token}","value":"{token}""#
    )
}

fn answer(status: u16, body: String) -> Fault {
    let content_type = "application/json".to_owned();
    Fault::Status { status, headers: Vec::new(), body: body.into_bytes(), content_type }
}

#[test]
fn after_a_failed_fetch_and_free_there_is_no_copy() {
    for vendor in Vendor::ALL {
        let success = if vendor == Vendor::Ehealth { 201 } else { 200 };
        let token = made_up::text(vendor.name(), made_up::PLAIN, 300);
        let (_, credentials) = sandbox(vendor);
        let echo = credentials.last().unwrap().1.clone();
        let failures = [
            ("401", answer(401, format!(r#"{{"error":"invalid_client","{echo}":"{token}"}}"#))),
            ("broken JSON", answer(success, broken_json(&token))),
            ("cut connection", Fault::CutDuring),
            ("timeout", Fault::DelayBefore(Duration::from_secs(2))),
            ("timeout in the body", Fault::DelayDuring(Duration::from_secs(2))),
            ("cancel", Fault::DelayBefore(Duration::from_secs(2))),
        ];
        for (row, fault) in failures {
            let (sandbox, credentials) = sandbox(vendor);
            let Some(mut subject) = c_subject(&sandbox, vendor, &credentials) else { return };
            subject.build();
            sandbox.inject_always(vendor, Some(fault));
            let status = match row {
                "cancel" => subject.fetch_and_cancel(),
                "timeout" | "timeout in the body" => subject.fetch(500),
                _ => subject.fetch(3_000),
            };
            assert!(status.len() < 5 && status != "0", "{row} did not fail");
            let needles = Needles::of(&token_and(&credentials, &token));
            subject.free();
            assert_none(row, vendor.name(), &subject.look(&needles));
            subject.plant(&needles);
        }
    }
}

#[test]
fn after_ten_thousand_fetches_on_eight_threads_and_free_there_is_no_copy() {
    for vendor in Vendor::ALL {
        let (sandbox, credentials) = sandbox(vendor);
        let Some(mut subject) = c_subject(&sandbox, vendor, &credentials) else { return };
        let holder = match vendor {
            Vendor::Parchment => "user_id",
            Vendor::Ehealth | Vendor::Edvak | Vendor::Pattern => "client_id",
        };
        let holder = credentials.iter().find(|(name, _)| name == holder).unwrap();
        let tokens = subject.fetch_many(10_000, holder);
        assert_eq!(tokens.len(), 8, "a thread failed");
        assert_eq!(sandbox.requests(vendor), 10_000);
        let mut secrets = credentials.clone();
        secrets.extend(tokens.into_iter().map(|token| ("access token".to_owned(), token)));
        let needles = Needles::of(&secrets);
        subject.free();
        assert_none("10,000 fetches", vendor.name(), &subject.look(&needles));
        subject.plant(&needles);
    }
}

#[test]
fn after_free_in_a_forked_child_there_is_no_copy_in_it() {
    with_a_token(|vendor, mut subject, secrets| {
        let needles = Needles::of(secrets);
        let forked = subject.fork();
        assert_ne!(forked, 0, "the forked child could not read the cached token");
        let found = scan::process(forked, &needles).unwrap();
        assert_none("forked child", vendor.name(), &found);
        assert!(found.protected.is_empty(), "{:?}", found.protected);
        // The forked child has copies of what was planted before the fork.
        subject.plant(&needles);
        let planted = subject.fork();
        assert_finds_all(&scan::process(planted, &needles).unwrap(), &needles);
        for process in [forked, planted] {
            run(Command::new("kill").arg(process.to_string()));
        }
    });
}
