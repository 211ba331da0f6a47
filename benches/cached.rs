//! What a cached token costs, beside a C program that keeps one behind a mutex and hands out copies.
//!
//! `cargo bench --bench cached` prints one line per row, tab-separated: name, ours, peer, ratio.
//! All are medians over alternating rounds in one run, in nanoseconds per call, for a token of 1 KiB.

#[path = "../tests/c/artifact.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod artifact;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use caretoken::{Client, ClientBuilder};
use caretoken_sandbox::{Sandbox, Vendor};

const ROUNDS: usize = 15;
const CALLS: u32 = 400_000;

/// Measurements by name and number of threads, in nanoseconds per call.
type Samples = BTreeMap<(String, usize), Vec<f64>>;

fn main() {
    let sandbox = Sandbox::start().unwrap();
    sandbox.set_token_padding(Vendor::Pattern, 1024 - 264);
    let client = client(&sandbox);
    let size = client.token().unwrap().access_token().expose_secret().len();

    let program = compile();
    let ca_file = program.with_extension("pem");
    std::fs::write(&ca_file, sandbox.ca_pem()).unwrap();
    let mut samples = Samples::new();
    for _ in 0..ROUNDS {
        let mut command = Command::new(&program);
        command.env("LD_LIBRARY_PATH", &artifact::artifact().libraries);
        command.env("CARETOKEN_CA_FILE", &ca_file);
        command.env("PATTERN_BASE_URL", sandbox.base_url(Vendor::Pattern));
        for (name, value) in sandbox.credentials(Vendor::Pattern) {
            command.env(format!("PATTERN_{}", name.to_uppercase()), value);
        }
        for line in artifact::run(&mut command).lines() {
            let fields: Vec<_> = line.split('\t').collect();
            let key = (fields[0].to_owned(), fields[1].parse().unwrap());
            samples.entry(key).or_default().push(fields[2].parse().unwrap());
        }
        for threads in [1, 2] {
            let key = ("rust".to_owned(), threads);
            samples.entry(key).or_default().push(rust_handles(&client, threads));
        }
    }

    println!("# nanoseconds per call; a token of {size} B");
    println!("name\tthreads\tours\tpeer\tratio\tgoal");
    for threads in [1, 2] {
        let peer = median(&mut samples, "peer", threads);
        for (name, key, goals) in [
            ("handle, Rust", "rust", [0.75, 0.35]),
            ("handle, C ABI", "handle", [0.75, 0.35]),
            ("authorization into my buffer, C ABI", "authorization", [0.85, 0.25]),
        ] {
            let ours = median(&mut samples, key, threads);
            let (ratio, goal) = (ours / peer, goals[threads - 1]);
            println!("{name}\t{threads}\t{ours:.1}\t{peer:.1}\t{ratio:.2}\t{goal:.2}");
        }
    }
}

fn compile() -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-cached");
    let mut command = Command::new("cc");
    command.args(["-std=c99", "-O2", "-pthread", "-Wall", "-Wextra", "-Werror", "-I"]);
    command.arg(artifact::root().join("include")).arg(artifact::root().join("benches/cached.c"));
    command.arg("-L").arg(&artifact::artifact().libraries).arg("-lcaretoken");
    artifact::run(command.arg("-o").arg(&program));
    program
}

fn client(sandbox: &Sandbox) -> Client {
    let mut builder = ClientBuilder::by_name("pattern").unwrap();
    builder = builder.set("base_url", sandbox.base_url(Vendor::Pattern)).unwrap();
    builder = builder.set("ca_pem", sandbox.ca_pem()).unwrap();
    for (name, value) in sandbox.credentials(Vendor::Pattern) {
        builder = builder.set(name, value.as_str()).unwrap();
    }
    builder.build().unwrap()
}

fn rust_handles(client: &Client, threads: usize) -> f64 {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    drop(black_box(client.token().unwrap()));
                }
            });
        }
    });
    start.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

fn median(samples: &mut Samples, name: &str, threads: usize) -> f64 {
    let samples = samples.get_mut(&(name.to_owned(), threads)).unwrap();
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
