//! The profiles in `profiles/examples`: each request byte for byte, and the token of the vendor's own
//! sample.
//!
//! The golden files are there to be compared with the vendors' pages by a person.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use caretoken::{Client, ClientBuilder, ErrorKind, Profile, Token};
use serde_json::{Value, json};
use support::assertion::{Assertion, is_uuid, verified};
use support::{NOW_DATE, Script, Sent, TestClock};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn golden(file: &str) -> Option<String> {
    fs::read_to_string(folder("tests/golden/examples").join(file)).ok()
}

fn table(file: &str) -> Value {
    serde_json::from_str(&golden(file).unwrap()).unwrap()
}

fn names() -> Vec<String> {
    let files = fs::read_dir(folder("profiles/examples")).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> =
        files.filter_map(|file| Some(file.strip_suffix(".json")?.to_owned())).collect();
    names.sort();
    names
}

/// The key that the values name, one of `tests/keys`.
fn private_key(name: &str) -> String {
    let values = table("values.json");
    let file = values[name]["private_key"].as_str().unwrap();
    fs::read_to_string(folder("tests/keys").join(file)).unwrap()
}

fn builder(name: &str) -> ClientBuilder {
    let path = folder("profiles/examples").join(format!("{name}.json"));
    let profile = Profile::from_file(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(profile.name(), name);
    let mut builder = Client::builder(profile);
    for (parameter, value) in table("values.json")[name].as_object().unwrap() {
        builder = match value {
            Value::Array(scopes) => {
                builder.scopes(scopes.iter().map(|scope| scope.as_str().unwrap()))
            }
            _ if parameter == "private_key" => builder.set(parameter, private_key(name)).unwrap(),
            value => builder.set(parameter, value.as_str().unwrap()).unwrap(),
        };
    }
    builder
}

/// Lets the script answer as `NAME.answer.json` or `NAME.answer` says, which has headers first.
fn answer(script: &Script, name: &str) {
    if let Some(body) = golden(&format!("{name}.answer.json")) {
        script.answer(200, &body);
        return;
    }
    let text = golden(&format!("{name}.answer")).unwrap();
    let (head, body) = match text.strip_prefix('\n') {
        Some(body) => ("", body),
        None => text.split_once("\n\n").unwrap_or((text.trim_end(), "")),
    };
    let mut headers: Vec<_> = head.lines().map(|line| line.split_once(": ").unwrap()).collect();
    if !headers.iter().any(|(name, _)| *name == "date") {
        headers.push(("date", NOW_DATE));
    }
    script.answer_with(200, &headers, body.trim_end_matches('\n'));
}

struct Called {
    client: Client,
    script: Arc<Script>,
    clock: Arc<TestClock>,
    token: Token,
}

fn call(name: &str) -> Called {
    let (script, clock) = (Script::new(), TestClock::new());
    for step in 1.. {
        let step = format!("{name}.step{step}");
        match golden(&format!("{step}.request")) {
            Some(_) => answer(&script, &step),
            None => break,
        }
    }
    answer(&script, name);
    let builder = builder(name).transport(script.clone()).clock(clock.clone());
    let client = builder.build().unwrap_or_else(|error| panic!("{name}: {error}"));
    let token = client.token().unwrap_or_else(|error| panic!("{name}: {error}"));
    Called { client, script, clock, token }
}

/// The golden form of a request. A signed assertion is another each time: what `NAME.assertion.json`
/// says is compared with what it says, but for `jti`, and `ASSERTION` stands in its place.
fn sent_as(name: &str, sent: &Sent) -> String {
    let field = sent.body.split('&').find_map(|field| field.strip_prefix("client_assertion="));
    let Some(jwt) = field else { return sent.golden() };
    let Assertion { header, mut claims } = verified(jwt, &private_key(name));
    assert!(claims["jti"].as_str().is_some_and(is_uuid), "{name}: {claims}");
    claims["jti"] = "JTI".into();
    let wanted = table(&format!("{name}.assertion.json"));
    assert_eq!(json!({"header": header, "claims": claims}), wanted, "{name}");
    sent.golden().replace(jwt, "ASSERTION")
}

#[test]
fn every_example_sends_what_its_page_says() {
    for name in names() {
        let sent = call(&name).script.sent();
        for (index, sent) in sent.iter().enumerate() {
            let step = golden(&format!("{name}.step{}.request", index + 1));
            let wanted = step.or_else(|| golden(&format!("{name}.request"))).unwrap();
            assert_eq!(sent_as(&name, sent), wanted, "{name}, request {}", index + 1);
        }
    }
}

#[test]
fn every_example_reads_the_token_of_its_sample() {
    let expected = table("expected.json");
    for name in names() {
        let Called { client, token, .. } = call(&name);
        let expected = &expected[&name];
        assert_eq!(token.vendor(), name);
        assert_eq!(token.authorization().expose_secret(), expected["authorization"], "{name}");
        assert_eq!(token.header(), expected["header"], "{name}");
        let scopes = expected["scopes"].as_array().unwrap().as_slice();
        assert_eq!(token.scopes(), scopes, "{name}");
        let extras = expected["extras"].as_object().unwrap();
        assert_eq!(token.extra_names().count(), extras.len(), "{name}");
        for (extra, value) in extras {
            assert_eq!(token.extra(extra), value.as_str(), "{name}");
        }
        let life = expected["life_s"].as_u64().map(Duration::from_secs);
        match life {
            Some(life) => assert_eq!(token.lifetime(), life, "{name}"),
            // Until it is refused, and then it is gone.
            None => {
                assert!(token.lifetime() > Duration::from_secs(9 * 365 * 86_400), "{name}");
                assert!(client.reject(&token) && client.peek().is_none(), "{name}");
            }
        }
        assert!(!token.lifetime_was_cut(), "{name}");
        let refresh_token = token.refresh_token().map(|token| token.expose_secret());
        assert_eq!(refresh_token, expected["refresh_token"].as_str(), "{name}");
    }
}

#[test]
fn a_refusal_in_the_words_of_its_server_says_who_acts() {
    let (environment, key) = ("environment in base_url", "register the public key");
    let refusals = [
        ("nhs-england", 401, "invalid_request", ErrorKind::CredentialsRejected, environment),
        ("nhs-england", 401, "public_key error", ErrorKind::CredentialsRejected, environment),
        ("nhs-england", 403, "public_key error", ErrorKind::AccessDenied, key),
        ("nhs-england", 400, "invalid_request", ErrorKind::RequestRefused, ""),
        ("medplum", 400, "invalid_request", ErrorKind::CredentialsRejected, "jwksUri"),
        ("oracle-health-jwt", 401, "invalid_client", ErrorKind::CredentialsRejected, ""),
    ];
    for (name, status, code, kind, remedy) in refusals {
        let script = Script::new();
        let body = json!({"error": code, "message_id": "fake-message-id"});
        script.answer(status, &body.to_string());
        let builder = builder(name).transport(script.clone()).clock(TestClock::new());
        let error = builder.build().unwrap().token().unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.remedy().contains(remedy), "{name}: {error}");
        let request_id = (name == "nhs-england").then_some("fake-message-id");
        assert_eq!(error.request_id(), request_id, "{name}");
        assert_eq!(script.requests(), 1, "{name}: {status} {code}");
    }
}

#[test]
fn redox_renews_its_token_by_a_request_of_its_own() {
    let Called { client, script, clock, token } = call("redox-legacy");
    clock.advance(token.lifetime());
    answer(&script, "redox-legacy");
    client.token().unwrap();
    let sent = script.sent();
    assert_eq!(sent[1].golden(), golden("redox-legacy.refresh.request").unwrap());
}

#[test]
fn every_golden_file_belongs_to_an_example() {
    let names: BTreeSet<_> = names().into_iter().collect();
    assert!(names.len() >= 10, "{names:?}");
    for file in fs::read_dir(folder("tests/golden/examples")).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let name = file.split('.').next().unwrap();
        assert!(names.contains(name) || ["values", "expected"].contains(&name), "{file}");
    }
    let list = fs::read_to_string(folder("profiles/examples/README.md")).unwrap();
    for name in &names {
        assert!(list.contains(&format!("({name}.json)")), "{name} is not in the table");
    }
}
