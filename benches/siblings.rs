//! What a sibling costs: `cargo bench --bench siblings` makes ten thousand and prints, tab-separated,
//! name, measured, limit.

use std::fs;
use std::time::Instant;

use caretoken::{Client, Parchment};

const SIBLINGS: usize = 10_000;
const MOST_BYTES: f64 = 2048.0;
const MOST_MICROSECONDS: f64 = 20.0;

fn main() {
    let first = Client::builder(Parchment {
        base_url: "https://api.sandbox.parchmenthealth.io/external".into(),
        partner_id: "fake-partner".into(),
        partner_secret: "fake-partner-secret".into(),
        organization_id: "fake-organization".into(),
        organization_secret: "fake-organization-secret".into(),
        user_id: "fake-user".into(),
        ..Parchment::default()
    })
    .scopes(["create:patient", "read:patient"])
    .build()
    .unwrap();
    let secrets: usize =
        ["fake-partner", "fake-partner-secret", "fake-organization", "fake-organization-secret"]
            .iter()
            .map(|secret| secret.len())
            .sum::<usize>()
            + "fake-user-0000".len();

    let mut siblings = Vec::with_capacity(SIBLINGS);
    let before = resident_bytes();
    let start = Instant::now();
    for number in 0..SIBLINGS {
        let user = format!("fake-user-{number:04}");
        siblings.push(first.sibling().set("user_id", user).unwrap().build().unwrap());
    }
    let took = start.elapsed().as_secs_f64() * 1e6 / SIBLINGS as f64;
    let bytes = (resident_bytes() - before) / SIBLINGS as f64 - secrets as f64;

    println!("name\tmeasured\tlimit");
    println!("bytes per sibling, without its secrets\t{bytes:.0}\t{MOST_BYTES:.0}");
    println!("microseconds to make one\t{took:.1}\t{MOST_MICROSECONDS:.0}");
    assert_eq!(siblings.len(), SIBLINGS);
}

/// This process's resident memory; Linux only.
fn resident_bytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024.0
}
