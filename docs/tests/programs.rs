//! The manual's Rust programs, run against the sandbox with the variables that it exports. Those in C
//! and C++ are in `tests/manual.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use caretoken_sandbox::{Fault, Sandbox, Vendor};

const PROGRAMS: &[(&str, &str)] = &[
    ("edvak", env!("CARGO_BIN_EXE_edvak")),
    ("ehealth", env!("CARGO_BIN_EXE_ehealth")),
    ("errors", env!("CARGO_BIN_EXE_errors")),
    ("events", env!("CARGO_BIN_EXE_events")),
    ("first", env!("CARGO_BIN_EXE_first")),
    ("own_vendor", env!("CARGO_BIN_EXE_own_vendor")),
    ("parchment", env!("CARGO_BIN_EXE_parchment")),
    ("users", env!("CARGO_BIN_EXE_users")),
    ("wiping", env!("CARGO_BIN_EXE_wiping")),
];

/// The program, told where the sandbox is and what it takes.
fn program(name: &str, sandbox: &Sandbox) -> Command {
    let (_, path) = PROGRAMS.iter().find(|(known, _)| *known == name).unwrap();
    let mut command = Command::new(path);
    let ca_file =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.pem", std::process::id()));
    fs::write(&ca_file, sandbox.ca_pem()).unwrap();
    command.env("CARETOKEN_CA_FILE", ca_file);
    for vendor in Vendor::ALL {
        let prefix = vendor.name().to_uppercase();
        command.env(format!("{prefix}_BASE_URL"), sandbox.base_url(vendor));
        for (name, value) in sandbox.credentials(vendor) {
            command.env(format!("{prefix}_{}", name.to_uppercase()), value);
        }
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn printed(output: Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn run(name: &str, sandbox: &Sandbox) -> String {
    printed(program(name, sandbox).output().unwrap())
}

#[test]
fn every_rust_program_of_the_manual_is_built_and_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let rust = files.filter(|file| file.extension().is_some_and(|end| end == "rs"));
    let names: BTreeSet<_> =
        rust.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names, PROGRAMS.iter().map(|(name, _)| (*name).to_owned()).collect());
    let tests = include_str!("programs.rs");
    for name in names {
        assert!(tests.contains(&format!("(\"{name}\", &sandbox)")), "{name} is not run");
    }
}

#[test]
fn the_first_program_fetches_a_token_or_says_what_is_missing() {
    let sandbox = Sandbox::start().unwrap();
    assert!(run("first", &sandbox).starts_with("a token of "));
    assert_eq!(sandbox.requests(Vendor::Pattern), 1);
    let output = program("first", &sandbox).env_remove("PATTERN_CLIENT_ID").output().unwrap();
    assert!(!output.status.success());
    let output = program("first", &sandbox).env("PATTERN_CLIENT_ID", "").output().unwrap();
    assert!(text(&output.stderr).contains("client_id"), "{}", text(&output.stderr));
}

#[test]
fn parchments_program_tells_the_scope_that_was_not_granted() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.set_allowed_scopes(Vendor::Parchment, &["create:patient", "read:patient"]);
    let printed = run("parchment", &sandbox);
    assert!(printed.starts_with("not granted: delete:user\na token of "), "{printed}");
}

#[test]
fn ehealths_program_stores_a_rotated_refresh_token_and_tells_of_the_sign_in() {
    let sandbox = Sandbox::start().unwrap();
    assert!(!run("ehealth", &sandbox).contains("stored"));
    sandbox.rotate_refresh_tokens(true);
    sandbox.require_gateway_keys(true);
    let mut command = program("ehealth", &sandbox);
    // Over at the beginning of 2001.
    let output =
        command.env("EHEALTH_REFRESH_TOKEN_EXPIRES_AT_MS", "978307200000").output().unwrap();
    let told = text(&output.stderr);
    let printed = printed(output);
    assert!(printed.starts_with("stored a refresh token of "), "{printed}");
    assert!(printed.contains(" for the user "), "{printed}");
    assert!(!told.contains("fake"), "{told}");
}

#[test]
fn edvaks_program_prints_the_tenant_and_sends_a_wrong_password_once() {
    let sandbox = Sandbox::start().unwrap();
    assert!(run("edvak", &sandbox).contains(" bytes for the tenant "));
    let requests = sandbox.requests(Vendor::Edvak);
    let output = program("edvak", &sandbox).env("EDVAK_PASSWORD", "fake-wrong").output().unwrap();
    assert!(text(&output.stderr).contains("credentials"), "{}", text(&output.stderr));
    assert_eq!(sandbox.requests(Vendor::Edvak), requests + 1);
}

#[test]
fn the_program_with_a_profile_of_its_own_takes_what_the_profile_asks_for() {
    let sandbox = Sandbox::start().unwrap();
    let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/pattern.json");
    let output = program("own_vendor", &sandbox).arg(profile).output().unwrap();
    let printed = printed(output);
    assert!(printed.starts_with("authorization: ") && printed.ends_with(" bytes\n"), "{printed}");
}

#[test]
fn the_users_program_fetches_once_for_a_user() {
    let sandbox = Sandbox::start().unwrap();
    assert_eq!(run("users", &sandbox), "one token\n");
    assert_eq!(sandbox.requests(Vendor::Parchment), 1);
}

#[test]
fn the_program_about_errors_tells_whom_to_ask() {
    let sandbox = Sandbox::start().unwrap();
    assert_eq!(run("errors", &sandbox), "a token\n");
    let wrong = |variable: &str, value: &str| {
        let output = program("errors", &sandbox).env(variable, value).output().unwrap();
        assert!(!output.status.success());
        text(&output.stdout)
    };
    let rejected = wrong("PATTERN_CLIENT_SECRET", "fake-wrong");
    assert!(rejected.starts_with("alert the operator: "), "{rejected}");
    assert_eq!(wrong("PATTERN_BASE_URL", "fake"), "mend the program: base_url\n");
    let retry_after = Some("7".to_owned());
    sandbox.inject_always(Vendor::Pattern, Some(Fault::RateLimited { retry_after }));
    let later = wrong("PATTERN_UNUSED", "");
    assert_eq!(later, "queue the work, and try again in 7000 ms\n");
    sandbox.inject_always(Vendor::Pattern, Some(Fault::Html));
    assert!(wrong("PATTERN_UNUSED", "").starts_with("open a ticket at pattern, request "));
}

#[test]
fn the_program_about_events_sees_one_fetch_and_counts_two_calls() {
    let sandbox = Sandbox::start().unwrap();
    let output = program("events", &sandbox).output().unwrap();
    let told = text(&output.stderr);
    assert!(told.contains("event=fetch_started") && told.contains("event=fetched"), "{told}");
    assert_eq!(printed(output), "1 from the cache, 1 fetched, 0 failed\n");
}

#[test]
fn the_program_that_wipes_starts() {
    let sandbox = Sandbox::start().unwrap();
    assert_eq!(run("wiping", &sandbox), "");
}
