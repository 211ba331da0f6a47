//! What happens where the system does not let memory be locked: a warning, or an error if asked for.

#![cfg(target_os = "linux")]

#[path = "c/artifact.rs"]
mod artifact;
#[path = "c/programs.rs"]
mod programs;
mod support;

use std::env;
use std::io::Write as _;
use std::process::Command;
use std::sync::Mutex;

use artifact::{have, run};
use caretoken::{Client, Error, ErrorKind};
use caretoken_sandbox::{Sandbox, Vendor};
use programs::{compile, tell};
use support::{Script, TestClock, pattern, plain};

static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Listener;

impl log::Log for Listener {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target() == "caretoken"
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.level() == log::Level::Warn {
            WARNINGS.lock().unwrap().push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

fn client(strict: bool) -> Result<Client, Error> {
    let script = Script::new();
    script.token("one", 3600);
    let builder = pattern().transport(script).clock(TestClock::new());
    builder.require_locked_memory(strict).build()
}

/// A command that runs its arguments in a process that may lock so much memory.
fn limited(kib: u32) -> Command {
    // Root may lock what it likes, unless it gives that right up.
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    let mut command = match is_root {
        true => Command::new("setpriv"),
        false => Command::new("sh"),
    };
    if is_root {
        command.args(["--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock", "sh"]);
    }
    command.args(["-c", &format!("ulimit -l {kib} && exec \"$@\""), "sh"]);
    command
}

/// Runs a test of this program again, in a process that may lock so much memory. `false` where that
/// cannot be arranged.
fn again_with(kib: u32, test: &str) -> bool {
    if env::var_os("CARETOKEN_LIMITED").is_some() {
        return true;
    }
    let mut command = limited(kib);
    command.arg(env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    match command.env("CARETOKEN_LIMITED", "1").output() {
        Err(_) => drop(writeln!(std::io::stderr(), "skipped: needs setpriv")),
        Ok(output) => {
            let shown = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    false
}

#[test]
fn where_nothing_can_be_locked_one_warning_is_logged_and_all_goes_on() {
    log::set_logger(&Listener).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    if !again_with(0, "where_nothing_can_be_locked_one_warning_is_logged_and_all_goes_on") {
        return;
    }
    for _ in 0..3 {
        let client = client(false).unwrap();
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        client.set_credential("client_secret", "fake-other-secret").unwrap();
    }
    let warnings = WARNINGS.lock().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("event=memory_not_locked "), "{warnings:?}");
}

#[test]
fn where_nothing_can_be_locked_a_strict_client_is_not_built() {
    if !again_with(0, "where_nothing_can_be_locked_a_strict_client_is_not_built") {
        return;
    }
    let error = client(true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSetting);
    assert_eq!(error.field(), Some("require_locked_memory"));
    let mut builder = pattern();
    builder = builder.set("require_locked_memory", "true").unwrap();
    assert_eq!(builder.build().unwrap_err().field(), Some("require_locked_memory"));
}

#[test]
fn where_a_private_key_or_a_proxys_login_cannot_be_locked_a_strict_client_is_not_built() {
    let name =
        "where_a_private_key_or_a_proxys_login_cannot_be_locked_a_strict_client_is_not_built";
    if !again_with(8, name) {
        return;
    }
    // Enough for the credentials, too little for this.
    let long = "x".repeat(8 * 1024);
    let strict = || pattern().require_locked_memory(true);
    for builder in [
        strict().client_certificate("no certificate", long.as_str()),
        strict().proxy(format!("socks5h://fake-user:{long}@proxy.example:1080")),
    ] {
        assert_eq!(builder.build().unwrap_err().field(), Some("require_locked_memory"));
    }
}

#[test]
fn a_strict_client_takes_no_credential_that_cannot_be_locked() {
    if !again_with(8, "a_strict_client_takes_no_credential_that_cannot_be_locked") {
        return;
    }
    let client = client(true).unwrap();
    let error = client.set_credential("client_secret", "x".repeat(8 * 1024)).unwrap_err();
    assert_eq!(error.field(), Some("require_locked_memory"));
    client.set_credential("client_secret", "fake-other-secret").unwrap();
}

#[test]
fn a_small_limit_is_used_before_memory_stays_unlocked() {
    if !again_with(16, "a_small_limit_is_used_before_memory_stays_unlocked") {
        return;
    }
    // Less than a whole region, enough for the credentials, too little for the next token.
    let client = client(true).unwrap();
    let error = client.token().unwrap_err();
    assert_eq!(error.field(), Some("require_locked_memory"));
    assert_eq!(client.stats().fetches, 0, "a token was fetched that could not be kept");
}

#[test]
fn a_strict_client_works_where_memory_can_be_locked() {
    if client(false).is_ok_and(|_| client(true).is_err()) {
        println!("skipped: this process is out of locked memory");
        return;
    }
    let client = client(true).unwrap();
    assert_eq!(plain(&client.token().unwrap()), "fake-one");
    client.set_credential("client_secret", "fake-other-secret").unwrap();
}

/// A C program that keeps all its tokens comes to the edge of every limit.
#[test]
fn what_a_strict_client_gives_to_c_is_locked_whatever_the_limit() {
    if !have(&["cc", "setpriv"]) {
        return;
    }
    let program = compile("locked_memory", &["locked_memory.c"], &[]);
    let mut most = 0;
    // From 8000 on, a token may need more than the room that is taken before it is fetched.
    let rows = Vendor::ALL.into_iter().flat_map(|v| [(v, 3000), (v, 8000), (v, 14_000)]);
    for (vendor, padding) in rows {
        let sandbox = Sandbox::start().unwrap();
        sandbox.set_token_padding(vendor, padding);
        for kib in (4..=96).step_by(4) {
            let before = sandbox.requests(vendor);
            let mut command = limited(kib);
            tell(command.arg(&program).arg(vendor.name()), &sandbox, &program);
            let tokens: u64 = run(&mut command).trim().parse().unwrap();
            let in_vain = sandbox.requests(vendor) - before - tokens;
            assert!(in_vain <= u64::from(padding > 3000), "{}, {kib} KiB", vendor.name());
            most = most.max(tokens);
        }
    }
    assert!(most > 3, "no limit has room for {most} tokens");
}
