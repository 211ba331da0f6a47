//! No exit by accident: whatever a vendor answers, no secret and no piece of one shows in an error,
//! a `Debug`, a log line, an event or a panic message.

mod support;

use std::collections::HashSet;
use std::panic;
use std::sync::{Arc, Mutex, Once, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use caretoken::transport::Response;
use caretoken::{Client, ClientBuilder, Error, ErrorPhase, Secret, SecretBuf};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use support::{Script, TestClock};

/// Everything that went to the log or to a panic message since the last look.
static SAID: Mutex<String> = Mutex::new(String::new());

struct Listener;

impl log::Log for Listener {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        say(&format!("{} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

fn say(text: &str) {
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    said.push_str(text);
    said.push('\n');
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Listener).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            say(&info.to_string());
            before(info);
        }));
    });
}

/// Each form in which a secret might show.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let json = serde_json::to_string(secret).unwrap();
    let percent: String = secret
        .bytes()
        .map(|b| match b {
            b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect();
    let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
    let mut forms = vec![
        ("plain", secret.to_owned()),
        ("JSON", json[1..json.len() - 1].to_owned()),
        ("percent-encoded", percent),
        ("upper-case hex", hex.to_uppercase()),
        ("hex", hex),
    ];
    for offset in 0..3 {
        let shifted = [vec![0; offset], secret.as_bytes().to_vec()].concat();
        let whole = (4 * offset).div_ceil(3)..4 * shifted.len() / 3;
        forms.push(("Base64", STANDARD.encode(&shifted)[whole.clone()].to_owned()));
        forms.push(("Base64 for URLs", URL_SAFE_NO_PAD.encode(&shifted)[whole].to_owned()));
    }
    forms
}

/// Finds no eight bytes in a row of any form.
fn check_free(what: &str, shown: &str, secrets: &[String]) -> Result<(), TestCaseError> {
    let pieces: HashSet<&[u8]> = shown.as_bytes().windows(8).collect();
    for (index, secret) in secrets.iter().enumerate() {
        for (form, text) in forms(secret) {
            let found = text.as_bytes().windows(8).find(|piece| pieces.contains(piece));
            prop_assert!(found.is_none(), "secret {index} shows, {form}, in {what}: {shown}");
        }
    }
    Ok(())
}

/// All that an error tells.
fn told(error: &Error) -> String {
    let mut all = format!("{error}\n{error:?}\n{error:#?}\n");
    let texts = [error.message(), error.remedy(), error.kind().name(), error.phase().name()];
    let optional = [error.field(), error.vendor(), error.vendor_code(), error.request_id()];
    for text in texts.into_iter().chain(optional.into_iter().flatten()) {
        all.push_str(text);
        all.push('\n');
    }
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        all.push_str(&format!("{inner} {inner:?}\n"));
        source = inner.source();
    }
    all
}

/// What the vendor asks for, but for the base URL.
fn secret_names(builder: &ClientBuilder) -> Vec<String> {
    let secret = builder.parameters().filter(|known| known.is_secret());
    secret.map(|known| known.name().to_owned()).collect()
}

/// A builder of each vendor with these credentials, by name.
fn builder(vendor: &str, secrets: &[String]) -> ClientBuilder {
    let mut builder = ClientBuilder::by_name(vendor).unwrap();
    let path = if vendor == "parchment" { "/external" } else { "" };
    builder = builder.set("base_url", format!("https://vendor.example{path}")).unwrap();
    if vendor == "parchment" {
        builder = builder.set("scopes", "create:patient").unwrap();
    }
    for (name, secret) in secret_names(&builder).iter().zip(secrets) {
        builder = builder.set(name, secret.as_str()).unwrap();
    }
    builder
}

/// A body that has the text wherever a vendor's answer can have text, as value and as key.
fn echo(shape: usize, text: &str, token: &str) -> String {
    let (text, token) =
        (serde_json::to_string(text).unwrap(), serde_json::to_string(token).unwrap());
    match shape {
        0 => format!(
            r#"{{"error":{text},"error_description":{text},"requestId":{text},"code":{text},
            "message":{text},"meta":{{"request_id":{text},"url":{text},"code":201}},"status":"x",
            "success":false,"statusCode":400,"errors":{text},"type":{text}}}"#
        ),
        1 => format!(
            r#"{{"error":{{"code":{text},"type":{text},"message":{text},"requestId":{text},
            "invalid":[{{"entry":{text},"rules":[{{"rule":{text}}}]}}]}},
            "meta":{{"code":422,"request_id":{text},"type":{text},"url":{text}}},{text}:{text}}}"#
        ),
        2 => {
            format!(r#"{{"errors":{{{text}:[{text}]}},"error":{{{text}:{text}}},"success":false}}"#)
        }
        3 => format!(
            r#"{{"success":true,"statusCode":200,"requestId":{text},"access_token":{token},
            "refresh_token":{text},"token_type":"bearer","expires_in":3600000,"scope":{text},
            "patient":{text},"tenant":{text},"user_id":{text},"meta":{{"request_id":{text}}},
            "data":{{"accessToken":{token},"value":{token},"expiresIn":3600,"expires_in":3600,
            "expires_at":1705315800,"tokenType":"Bearer","scope":{text},"scopes":[{text}],
            "details":{{"scope":{text},"refresh_token":{text}}}}}}}"#
        ),
        4 => format!(
            r#"{{"access_token":{token},"token_type":{text},"expires_in":{text},"success":{text}}}"#
        ),
        5 => format!(r#"{{"access_token":{token},{text}:1,{text}:2}}"#),
        6 => format!("<html>{text}{token}"),
        _ => format!(r#"{{"data":{{"accessToken":{token},"value":{token}"#),
    }
}

fn secret() -> impl Strategy<Value = String> {
    // No colon: an id in HTTP Basic cannot have one.
    "[A-Za-z0-9!#-9;-~]{24,60}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128,
        rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_shows_whatever_the_vendor_answers(
        secrets in prop::collection::vec(secret(), 6),
        token in "[A-Za-z0-9._~+/-]{40,80}",
        vendor in prop::sample::select(vec!["parchment", "ehealth", "edvak", "pattern"]),
        status in prop::sample::select(vec![200, 201, 307, 400, 401, 403, 404, 422, 429, 500, 503]),
        shape in 0..8_usize,
        echoed in 0..7_usize,
        form in 0..11_usize,
    ) {
        listen();
        SAID.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let builder = builder(vendor, &secrets);
        let mut known: Vec<String> = secrets.clone();
        known.truncate(secret_names(&builder).len());
        if shape >= 3 {
            known.push(token.clone());
        }
        let echoed = forms(&known[echoed % known.len()]).swap_remove(form).1;

        let (script, clock) = (Script::new(), TestClock::new());
        let headers = [("date", echoed.as_str()), ("retry-after", &echoed), ("content-type", &echoed)];
        for _ in 0..4 {
            script.answer_with(status, &headers, &echo(shape, &echoed, &token));
        }
        let events = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&events);
        let builder = builder.transport(script).clock(clock).on_event(move |event| {
            seen.lock().unwrap().push_str(&format!("{event} {event:?}\n"));
        });
        check_free("ClientBuilder", &format!("{builder:?}"), &known)?;
        let client = builder.build().unwrap();
        check_free("Client", &format!("{client:?}"), &known)?;
        match client.token() {
            Ok(token) => check_free("Token", &format!("{token:?} {:?} {:?}", token.access_token(), token.authorization()), &known)?,
            Err(error) => check_free("Error", &told(&error), &known)?,
        }
        check_free("events", &events.lock().unwrap(), &known)?;
        check_free("log", &SAID.lock().unwrap_or_else(PoisonError::into_inner), &known)?;
    }

    #[test]
    fn no_secret_shows_when_it_is_set_wrongly(secret in secret(), vendor in prop::sample::select(vec!["parchment", "ehealth", "edvak", "pattern"])) {
        let known = [secret.clone()];
        let bad = [format!("{secret}\n"), format!("\0{secret}"), format!("{secret}\u{1b}"), format!(" {secret}"), format!("{secret}:ä")];
        let names = secret_names(&ClientBuilder::by_name(vendor).unwrap());
        let settings = ["base_url", "timeout_ms", "percent_encode_credentials", "user_agent", "proxy", "pins", "resolve", "roots", "tls", "ca_pem", "ca_file", "crl_pem", "crl_file", "client_key_pem"];
        for name in names.iter().map(String::as_str).chain(settings).chain(["no_such_name"]) {
            for value in &bad {
                let builder = ClientBuilder::by_name(vendor).unwrap();
                if let Err(error) = builder.set(name, value.as_str()).and_then(ClientBuilder::build) {
                    check_free(name, &told(&error), &known)?;
                }
            }
        }
        // The value in the name's place.
        let error = ClientBuilder::by_name(vendor).unwrap().set(&secret, "client_secret").unwrap_err();
        check_free("swapped", &told(&error), &known)?;
        let error = ClientBuilder::by_name(&secret).unwrap_err();
        check_free("vendor", &told(&error), &known)?;
    }

    #[test]
    fn no_secret_shows_in_debug(secret in secret()) {
        let known = [secret.clone()];
        let response = Response::new(200, &[("date", &secret)], SecretBuf::from(secret.as_bytes()));
        let shown = format!("{:?} {:?} {response:?}", Secret::from(secret.as_str()), SecretBuf::from(secret.as_bytes()));
        check_free("Debug", &shown, &known)?;
        let error = Error::new(caretoken::ErrorKind::Internal, ErrorPhase::Read);
        check_free("Error", &told(&error), &known)?;
        let credentials = caretoken::Pattern { base_url: "https://vendor.example".into(), client_id: "fake".into(), client_secret: secret.into() };
        check_free("Pattern", &format!("{credentials:?} {:?}", Client::builder(credentials.clone())), &known)?;
    }
}
