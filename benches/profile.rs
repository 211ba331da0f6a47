//! What reading a profile costs: `cargo bench --bench profile` reads each file of `profiles/` and
//! `profiles/examples/` many times and prints, tab-separated, name, bytes, measured, limit.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use caretoken::Profile;

const READINGS: u32 = 2_000;
const MOST_MICROSECONDS: f64 = 100.0;

/// The best of some rounds, in microseconds: what else the machine does only makes it slower.
fn best_of_rounds(mut work: impl FnMut()) -> f64 {
    let rounds = (0..5).map(|_| {
        let start = Instant::now();
        (0..READINGS).for_each(|_| work());
        start.elapsed().as_secs_f64() * 1e6 / f64::from(READINGS)
    });
    rounds.fold(f64::INFINITY, f64::min)
}

/// The profiles of a folder, by name.
fn profiles(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_profile = |path: &PathBuf| {
        path.extension().is_some_and(|end| end == "json") && !path.ends_with("profile.schema.json")
    };
    let mut found: Vec<_> = files.filter(is_profile).collect();
    found.sort();
    found
}

fn main() {
    println!("name\tbytes\tmicroseconds to read\tlimit");
    let mut slowest = 0.0_f64;
    for path in [profiles("profiles"), profiles("profiles/examples")].concat() {
        let text = fs::read_to_string(&path).unwrap();
        let took =
            best_of_rounds(|| drop(black_box(Profile::from_json(black_box(&text)).unwrap())));
        slowest = slowest.max(took);
        let name = path.file_stem().unwrap().to_string_lossy();
        println!("{name}\t{}\t{took:.1}\t{MOST_MICROSECONDS:.0}", text.len());
    }
    assert!(slowest <= MOST_MICROSECONDS, "{slowest} µs is too slow");
}
