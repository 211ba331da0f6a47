//! The profiles of the standard grants (RFC 6749, RFC 7523): requests byte for byte, and answers.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use caretoken::{Client, ClientBuilder, ErrorKind};
use support::assertion::{is_uuid, verified};
use support::{NOW_MS, Script, Sent, TestClock};

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn builder(name: &str, values: &[(&str, &str)]) -> ClientBuilder {
    let mut builder = ClientBuilder::by_name(name).unwrap();
    builder = builder.set("token_url", "https://as.example/oauth2/token").unwrap();
    for (name, value) in values {
        builder = builder.set(name, *value).unwrap();
    }
    builder
}

fn build(builder: ClientBuilder) -> (Client, Arc<Script>, Arc<TestClock>) {
    let (script, clock) = (Script::new(), TestClock::new());
    let client = builder.transport(script.clone()).clock(clock.clone()).build();
    (client.unwrap_or_else(|error| panic!("{error}")), script, clock)
}

const CLIENT: [(&str, &str); 2] =
    [("client_id", "fake-client"), ("client_secret", "fake secret/1")];
const USER: [(&str, &str); 2] =
    [("username", "fake.user@clinic.example"), ("password", "fake p&ss")];

#[test]
fn client_credentials_go_by_basic_percent_encoded() {
    let scopes = ["system/Patient.read", "openid"];
    let (client, script, _) = build(builder("oauth2-client-credentials", &CLIENT).scopes(scopes));
    script.answer(200, &golden("oauth2-client-credentials.answer.json"));
    let token = client.token().unwrap();
    assert_eq!(script.sent()[0].golden(), golden("oauth2-client-credentials.request"));
    assert_eq!(token.authorization().expose_secret(), "Bearer 2YotnFZFEjr1zCsicMWpAA");
    assert_eq!((token.header(), token.token_type()), ("authorization", "Bearer"));
    assert_eq!(token.lifetime(), Duration::from_secs(3600));
    assert_eq!(token.missing_scopes(), ["openid"]);
}

#[test]
fn client_credentials_go_in_the_body_where_the_server_wants_that() {
    let builder = builder("oauth2-client-credentials", &CLIENT);
    let (client, script, _) = build(builder.set("client_authentication", "body").unwrap());
    script.answer(200, &golden("oauth2-client-credentials.answer.json"));
    client.token().unwrap();
    assert_eq!(script.sent()[0].golden(), golden("oauth2-client-credentials-body.request"));
}

#[test]
fn a_password_is_sent_once_and_the_refresh_token_that_it_brought_from_then_on() {
    let (client, script, clock) = build(builder("oauth2-password", &[CLIENT, USER].concat()));
    for _ in 0..2 {
        script.answer(200, &golden("oauth2-password.answer.json"));
    }
    let token = client.token().unwrap();
    assert_eq!(token.refresh_token().unwrap().expose_secret(), "tGzv3JOkF0XG5Qx2TlKWIA");
    clock.advance(token.lifetime());
    client.token().unwrap();
    let sent = script.sent();
    assert_eq!(sent[0].golden(), golden("oauth2-password.request"));
    assert_eq!(sent[1].golden(), golden("oauth2-password-refresh.request"));
}

#[test]
fn a_public_client_has_no_secret_and_its_id_in_the_body() {
    let values = [&CLIENT[..1], &USER, &[("client_authentication", "body")]].concat();
    let (client, script, _) = build(builder("oauth2-password", &values));
    script.answer(200, &golden("oauth2-password.answer.json"));
    client.token().unwrap();
    assert_eq!(script.sent()[0].golden(), golden("oauth2-password-public.request"));
}

#[test]
fn a_refused_refresh_token_is_followed_by_the_password_in_the_same_call() {
    let (client, script, clock) = build(builder("oauth2-password", &[CLIENT, USER].concat()));
    script.answer(200, &golden("oauth2-password.answer.json"));
    let token = client.token().unwrap();
    clock.advance(token.lifetime());
    script.answer(400, r#"{"error":"invalid_grant"}"#);
    script.answer(200, r#"{"access_token":"fake-other","expires_in":3600}"#);
    assert_eq!(support::plain(&client.token().unwrap()), "fake-other");
    let grants = |sent: &Sent| sent.body.split('&').next().unwrap().to_owned();
    let grants: Vec<_> = script.sent().iter().map(grants).collect();
    assert_eq!(grants, ["grant_type=password", "grant_type=refresh_token", "grant_type=password"]);
    // That one brought no refresh token, and the old one is dead: the password again.
    clock.advance(Duration::from_secs(3600));
    script.answer(200, &golden("oauth2-password.answer.json"));
    client.token().unwrap();
    assert_eq!(grants_of(&script).last().unwrap(), "grant_type=password");
}

fn grants_of(script: &Script) -> Vec<String> {
    script.sent().iter().map(|sent| sent.body.split('&').next().unwrap().to_owned()).collect()
}

#[test]
fn a_refused_password_is_not_sent_again() {
    let (client, script, clock) = build(builder("oauth2-password", &[CLIENT, USER].concat()));
    script.answer(400, r#"{"error":"invalid_grant"}"#);
    for _ in 0..3 {
        assert_eq!(client.token().unwrap_err().kind(), ErrorKind::CredentialsRejected);
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(script.requests(), 1);
}

#[test]
fn a_failing_refresh_does_not_count_as_a_failed_password() {
    let (client, script, clock) = build(builder("oauth2-password", &[CLIENT, USER].concat()));
    script.answer(200, &golden("oauth2-password.answer.json"));
    let token = client.token().unwrap();
    clock.advance(token.lifetime());
    script.answer(503, "");
    assert_eq!(client.token().unwrap_err().kind(), ErrorKind::Unavailable);
    // A password whose outcome is unknown would close the way for ten seconds at least.
    clock.advance(Duration::from_secs(2));
    script.answer(200, &golden("oauth2-password.answer.json"));
    client.token().unwrap();
    assert_eq!(grants_of(&script)[1..], ["grant_type=refresh_token"; 2]);
}

#[test]
fn new_credentials_end_what_the_old_ones_brought() {
    let (client, script, clock) = build(builder("oauth2-password", &[CLIENT, USER].concat()));
    for _ in 0..2 {
        script.answer(200, &golden("oauth2-password.answer.json"));
    }
    let token = client.token().unwrap();
    client.set_credential("password", "fake-new-password").unwrap();
    clock.advance(token.lifetime());
    client.token().unwrap();
    assert!(script.sent()[1].body.contains("password=fake-new-password"));
}

#[test]
fn a_refresh_token_is_replaced_by_the_one_of_the_answer() {
    let values = [&CLIENT[..], &[("refresh_token", "fake-refresh-token")]].concat();
    let (client, script, clock) = build(builder("oauth2-refresh-token", &values));
    for _ in 0..2 {
        script.answer(200, &golden("oauth2-refresh-token.answer.json"));
    }
    let token = client.token().unwrap();
    clock.advance(token.lifetime());
    client.token().unwrap();
    let sent = script.sent();
    assert_eq!(sent[0].golden(), golden("oauth2-refresh-token.request"));
    assert!(sent[1].body.ends_with("refresh_token=fake-next-refresh-token"));
    script.answer(400, r#"{"error":"invalid_grant"}"#);
    clock.advance(token.lifetime());
    assert_eq!(client.token().unwrap_err().kind(), ErrorKind::SignInRequired);
}

const KEY: &str = include_str!("keys/rfc7515-a2.pkcs1.pem");

fn jwt_bearer(values: &[(&str, &str)]) -> ClientBuilder {
    builder(
        "oauth2-jwt-bearer",
        &[&[("issuer", "fake-issuer"), ("private_key", KEY)], values].concat(),
    )
}

/// The body's field; an assertion needs no decoding.
fn assertion(sent: &Sent) -> String {
    let field = sent.body.split('&').find_map(|field| field.strip_prefix("assertion="));
    field.unwrap().to_owned()
}

#[test]
fn a_signed_assertion_is_what_rfc_7523_says_and_a_new_one_each_time() {
    let (client, script, clock) =
        build(jwt_bearer(&[("key_id", "key-1")]).scopes(["system/Patient.read"]));
    for _ in 0..2 {
        script.answer(200, &golden("oauth2-jwt-bearer.answer.json"));
    }
    let token = client.token().unwrap();
    // The answer does not say how long.
    assert_eq!(token.lifetime(), Duration::from_secs(300));
    clock.advance(token.lifetime());
    client.token().unwrap();
    let sent = script.sent();
    let first = assertion(&sent[0]);
    assert_eq!(sent[0].golden().replace(&first, "ASSERTION"), golden("oauth2-jwt-bearer.request"));
    let first = verified(&first, KEY);
    assert_eq!(first.header, serde_json::json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"}));
    let claims = first.claims;
    let now_s = NOW_MS / 1000;
    assert_eq!(claims["iss"], "fake-issuer");
    assert_eq!(claims["sub"], "fake-issuer");
    assert_eq!(claims["aud"], "https://as.example/oauth2/token");
    assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(now_s), Some(now_s + 300)));
    assert_eq!(claims.as_object().unwrap().len(), 6);
    assert!(is_uuid(claims["jti"].as_str().unwrap()), "{claims}");
    assert_ne!(claims["jti"], verified(&assertion(&sent[1]), KEY).claims["jti"]);
}

#[test]
fn what_an_assertion_says_can_be_set() {
    let values =
        [("subject", "fake-subject"), ("audience", "https://as.example"), ("algorithm", "PS384")];
    let (client, script, _) = build(jwt_bearer(&values));
    script.answer(200, &golden("oauth2-jwt-bearer.answer.json"));
    client.token().unwrap();
    let assertion = verified(&assertion(&script.sent()[0]), KEY);
    assert_eq!(assertion.header["alg"], "PS384");
    let claims = assertion.claims;
    assert_eq!(
        (&claims["sub"], &claims["aud"]),
        (&"fake-subject".into(), &"https://as.example".into())
    );
}

#[test]
fn a_key_that_does_not_fit_is_told_when_the_client_is_built() {
    let error = jwt_bearer(&[("algorithm", "ES256")]).build().unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidSetting, Some("private_key")));
    let error = builder("oauth2-jwt-bearer", &[]).set("private_key", "fake-key").unwrap_err();
    assert_eq!(error.field(), Some("private_key"));
    assert!(!error.to_string().contains("fake-key"), "{error}");
}
