//! The log, at its most talkative and from every crate in the process, holds no secret.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Mutex;
use std::time::Duration;

use caretoken::Builder;
use caretoken_sandbox::{Fault, Sandbox, Vendor};
use log::{LevelFilter, Log, Metadata, Record};

/// Keeps everything that is logged.
struct Everything(Mutex<Vec<(String, String)>>);

static LOG: Everything = Everything(Mutex::new(Vec::new()));

impl Log for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = (record.target().to_owned(), record.args().to_string());
        self.0.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

/// A secret that shares no piece with anything that may be logged.
fn random() -> String {
    let number = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", number(), number())
}

/// Any piece of a secret this long gives it away.
const PIECE: usize = 8;

#[test]
fn at_trace_level_no_crate_logs_a_piece_of_a_secret() {
    let sandbox = Sandbox::start().unwrap();
    log::set_logger(&LOG).unwrap();
    log::set_max_level(LevelFilter::Trace);

    let mut secrets = Vec::new();
    for vendor in Vendor::ALL {
        let mut builder = Builder::by_name(vendor.name()).unwrap().timeout(Duration::from_secs(5));
        builder.set("base_url", sandbox.base_url(vendor)).unwrap();
        builder.set("ca_pem", sandbox.ca_pem()).unwrap();
        for (name, given) in sandbox.credentials(vendor) {
            let is_secret = ["secret", "password", "psk", "key"].iter().any(|s| name.ends_with(s));
            let value = if is_secret { random() } else { given.clone() };
            if is_secret {
                assert!(sandbox.set_credential(vendor, name, &value));
                secrets.push(value.clone());
            }
            builder.set(name, value).unwrap();
        }
        if vendor == Vendor::Parchment {
            builder.set("scopes", "create:patient").unwrap();
        }
        let client = builder.build().unwrap();
        for fault in [None, Some(Fault::BrokenJson), Some(Fault::CutDuring), Some(Fault::Outage)] {
            if let Some(fault) = fault {
                sandbox.inject(vendor, fault);
            }
            if let Ok(token) = client.token() {
                secrets.push(token.access_token().expose_secret().to_owned());
                secrets.extend(token.refresh_token().map(|t| t.expose_secret().to_owned()));
                client.reject(&token);
            }
        }
    }
    log::set_max_level(LevelFilter::Off);

    let lines = LOG.0.lock().unwrap();
    let from = |wanted: &str| lines.iter().filter(|(target, _)| target.starts_with(wanted)).count();
    assert!(from("caretoken") > 10, "our own events are there");
    assert!(from("ureq_proto") > 100, "and what ureq carries, as it sees it");
    assert!(lines.iter().any(|(_, line)| line.contains("event=fetched vendor=edvak took_ms=")));

    let mut pieces = 0;
    for secret in &secrets {
        for piece in secret.as_bytes().windows(PIECE) {
            pieces += 1;
            let piece = std::str::from_utf8(piece).unwrap();
            let line = lines.iter().find(|(_, line)| line.contains(piece));
            assert!(line.is_none(), "{line:?} has a piece of a secret");
        }
    }
    assert!(pieces > 1000, "{pieces}");
}
