//! What wiping costs: the allocator on a cold fetch and a cached hit, the protected store per text.
//!
//! Prints one line per figure: name, with, without, ratio; the times in microseconds. The sandbox
//! runs in a process of its own, with the usual allocator.

#[path = "../tests/memory/switched.rs"]
mod switched;

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::io::{Read, Write, stdin, stdout};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use caretoken::{Client, Pattern, Secret};
use caretoken_sandbox::{Sandbox, Vendor};
use switched::IS_WIPING;
use zeroize::Zeroizing;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ASKED: &str = "CARETOKEN_BENCH_SANDBOX";

fn main() -> Result<()> {
    if env::var_os(ASKED).is_some() {
        return serve();
    }
    let mut command = Command::new(env::current_exe()?);
    command.env(ASKED, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = command.spawn()?;
    let mut told = server.stdout.take().ok_or("no stdout")?;
    let mut text = Vec::new();
    while !text.ends_with(b"\n.\n") {
        let mut byte = [0];
        told.read_exact(&mut byte)?;
        text.push(byte[0]);
    }
    let text = String::from_utf8(text)?;
    let (base_url, ca_pem) = text.trim_end_matches("\n.\n").split_once('\n').ok_or("no CA")?;
    let client = || {
        let vendor = Pattern {
            base_url: base_url.into(),
            client_id: "fake-pattern-client".into(),
            client_secret: "fake-pattern-secret-not-real".into(),
        };
        Client::builder(vendor).ca_pem(ca_pem).build()
    };

    compare(
        "cold fetch, allocator",
        300,
        1,
        &mut |wiping| IS_WIPING.store(wiping, Ordering::Relaxed),
        &mut || client()?.token().map(drop),
    )?;
    let warm = client()?;
    compare(
        "cached hit, allocator",
        300,
        10_000,
        &mut |wiping| IS_WIPING.store(wiping, Ordering::Relaxed),
        &mut || warm.token().map(|token| drop(black_box(token))),
    )?;
    IS_WIPING.store(false, Ordering::Relaxed);
    let text = "x".repeat(1024);
    let protected = AtomicBool::new(false);
    compare(
        "1 KiB text, store against wiped heap",
        300,
        1_000,
        &mut |on| protected.store(on, Ordering::Relaxed),
        &mut || {
            match protected.load(Ordering::Relaxed) {
                true => drop(black_box(Secret::from(text.as_str()))),
                false => drop(black_box(Zeroizing::new(text.clone()))),
            }
            Ok(())
        },
    )?;
    drop(server.stdin.take());
    server.wait()?;
    Ok(())
}

fn serve() -> Result<()> {
    let sandbox = Sandbox::start()?;
    let mut out = stdout();
    write!(out, "{}\n{}\n.\n", sandbox.base_url(Vendor::Pattern), sandbox.ca_pem().trim())?;
    out.flush()?;
    // Until the other one is done.
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// The median of many turns, taken in turns so that both see the same machine.
fn compare(
    name: &str,
    turns: usize,
    repeats: u32,
    switch: &mut dyn FnMut(bool),
    work: &mut dyn FnMut() -> std::result::Result<(), caretoken::Error>,
) -> Result<()> {
    let mut times = [Vec::new(), Vec::new()];
    for turn in 0..2 * turns {
        switch(turn % 2 == 0);
        let start = Instant::now();
        for _ in 0..repeats {
            work()?;
        }
        times[turn % 2].push(start.elapsed().as_secs_f64() * 1e6 / f64::from(repeats));
    }
    let [with, without] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    writeln!(stdout(), "{name}\t{with:.3}\t{without:.3}\t{:.3}", with / without)?;
    Ok(())
}
