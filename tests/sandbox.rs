//! The whole way, over real HTTPS, against the sandbox.

use std::time::Duration;

use caretoken::{Client, ClientBuilder, Error, ErrorKind, ErrorPhase, Token};
use caretoken_sandbox::{Fault, Sandbox, Vendor};

fn builder(sandbox: &Sandbox, vendor: Vendor) -> ClientBuilder {
    let mut builder = ClientBuilder::by_name(vendor.name()).unwrap();
    builder = builder.set("base_url", sandbox.base_url(vendor)).unwrap();
    builder = builder.set("ca_pem", sandbox.ca_pem()).unwrap();
    for (name, value) in sandbox.credentials(vendor) {
        builder = builder.set(name, value.as_str()).unwrap();
    }
    if vendor == Vendor::Parchment {
        builder = builder.set("scopes", "create:patient read:patient").unwrap();
    }
    builder.timeout(Duration::from_secs(20))
}

fn client(sandbox: &Sandbox, vendor: Vendor) -> Client {
    builder(sandbox, vendor).build().unwrap()
}

fn start() -> Sandbox {
    Sandbox::start().unwrap()
}

fn accepts(sandbox: &Sandbox, vendor: Vendor, token: &Token) -> bool {
    sandbox.accepts(vendor, token.access_token().expose_secret())
}

/// The error of one call against a fault that stays.
fn error_with(vendor: Vendor, fault: Fault) -> Error {
    let sandbox = start();
    // The others end long before, after the pauses between the attempts.
    let never_ends = matches!(fault, Fault::DelayBefore(_) | Fault::DelayDuring(_));
    let time = Duration::from_millis(if never_ends { 900 } else { 20_000 });
    sandbox.inject_always(vendor, Some(fault));
    builder(&sandbox, vendor).timeout(time).build().unwrap().token().unwrap_err()
}

#[test]
fn each_vendor_gives_a_token_that_its_resource_accepts() {
    let sandbox = start();
    for vendor in Vendor::ALL {
        let client = client(&sandbox, vendor);
        let token = client.token().unwrap();
        assert!(accepts(&sandbox, vendor, &token), "{vendor:?}");
        client.token().unwrap();
        assert_eq!(sandbox.requests(vendor), 1);
        assert!(client.clock_skew_ms().is_some_and(|skew| skew.abs() < 5000));
        assert!(!token.lifetime_was_cut());
    }
}

#[test]
fn a_wrong_secret_is_the_operators_matter_at_every_vendor() {
    for (vendor, name) in [
        (Vendor::Parchment, "partner_secret"),
        (Vendor::Ehealth, "client_secret"),
        (Vendor::Edvak, "password"),
        (Vendor::Pattern, "client_secret"),
    ] {
        let sandbox = start();
        let client = builder(&sandbox, vendor).set(name, "fake-wrong").unwrap().build().unwrap();
        for _ in 0..10 {
            let error = client.token().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{vendor:?}: {error}");
        }
        assert_eq!(sandbox.requests(vendor), 1);
        client.set_credential(name, sandbox.credential(vendor, name)).unwrap();
        client.token().unwrap();
    }
}

#[test]
fn a_dead_refresh_token_and_a_revoked_access_are_told_apart() {
    let sandbox = start();
    sandbox.expire_refresh_token(true);
    let error = client(&sandbox, Vendor::Ehealth).token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignInRequired, "{error}");
    sandbox.expire_refresh_token(false);
    sandbox.revoke_access(true);
    let error = client(&sandbox, Vendor::Ehealth).token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessRevoked, "{error}");

    let sandbox = start();
    sandbox.old_error_shape(true);
    let old =
        builder(&sandbox, Vendor::Ehealth).set("refresh_token", "fake-unknown-token").unwrap();
    let error = old.build().unwrap().token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignInRequired, "{error}");
}

#[test]
fn unknown_and_narrowed_scopes_are_told_apart() {
    let sandbox = start();
    let unknown = builder(&sandbox, Vendor::Parchment).scopes(["read:everything"]);
    let error = unknown.build().unwrap().token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ScopeRefused, "{error}");
    sandbox.set_allowed_scopes(Vendor::Parchment, &["read:patient"]);
    let token = client(&sandbox, Vendor::Parchment).token().unwrap();
    assert_eq!(token.scopes(), ["read:patient"]);
    assert_eq!(token.missing_scopes(), ["create:patient"]);
}

#[test]
fn a_rotated_refresh_token_goes_on_working() {
    let sandbox = start();
    sandbox.rotate_refresh_tokens(true);
    let client = client(&sandbox, Vendor::Ehealth);
    for _ in 0..2 {
        let token = client.token().unwrap();
        assert!(accepts(&sandbox, Vendor::Ehealth, &token));
        client.reject(&token);
    }
    client.token().unwrap();
    assert_eq!(sandbox.requests(Vendor::Ehealth), 3);
}

#[test]
fn a_skewed_vendor_clock_changes_no_life() {
    for hours in [-6, 9] {
        let sandbox = start();
        sandbox.set_clock_skew(hours * 3600);
        sandbox.set_token_life(Vendor::Ehealth, Duration::from_secs(900));
        let client = client(&sandbox, Vendor::Ehealth);
        let life = client.token().unwrap().lifetime();
        assert!((898..=902).contains(&life.as_secs()), "{life:?}");
        let skew = client.clock_skew_ms().unwrap();
        assert!((skew - hours * 3_600_000).abs() < 5000, "{skew}");
    }
}

#[test]
fn one_bad_answer_is_made_good_where_that_is_safe() {
    let sandbox = start();
    for fault in [Fault::Outage, Fault::CutBefore, Fault::CutDuring] {
        sandbox.inject(Vendor::Pattern, fault);
        client(&sandbox, Vendor::Pattern).token().unwrap();
    }
    for fault in [Fault::Outage, Fault::CutBefore, Fault::CutDuring] {
        sandbox.inject(Vendor::Edvak, fault);
        client(&sandbox, Vendor::Edvak).token().unwrap_err();
    }
    assert_eq!(sandbox.requests(Vendor::Edvak), 3);
}

#[test]
fn a_rate_limit_is_waited_out_when_there_is_time() {
    let sandbox = start();
    sandbox.inject(Vendor::Pattern, Fault::RateLimited { retry_after: Some("1".into()) });
    sandbox.inject(Vendor::Parchment, Fault::RateLimited { retry_after: None });
    client(&sandbox, Vendor::Pattern).token().unwrap();
    client(&sandbox, Vendor::Parchment).token().unwrap();
    let error =
        error_with(Vendor::Pattern, Fault::RateLimited { retry_after: Some("3600".into()) });
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
}

#[test]
fn answers_that_are_no_answers_are_told_apart() {
    for (fault, kind) in [
        (Fault::BrokenJson, ErrorKind::AnswerNotJson),
        (Fault::Html, ErrorKind::AnswerNotJson),
        (Fault::Empty, ErrorKind::AnswerNotJson),
        (Fault::Oversize(65 * 1024), ErrorKind::AnswerTooLarge),
        (Fault::Oversize(usize::MAX), ErrorKind::AnswerTooLarge),
        (Fault::OversizeChunked(65 * 1024), ErrorKind::AnswerTooLarge),
        (Fault::Outage, ErrorKind::Unavailable),
        (Fault::CutBefore, ErrorKind::ConnectionLost),
        (Fault::CutDuring, ErrorKind::ConnectionLost),
        (Fault::DelayBefore(Duration::from_secs(30)), ErrorKind::Timeout),
        (Fault::DelayDuring(Duration::from_secs(30)), ErrorKind::Timeout),
        (Fault::Redirect("https://evil.example/".into()), ErrorKind::Redirected),
    ] {
        let shown = format!("{fault:?}");
        let error = error_with(Vendor::Pattern, fault);
        assert_eq!(error.kind(), kind, "{shown}: {error}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let (sandbox, elsewhere) = (start(), start());
    let target = format!("{}/api/auth/token", elsewhere.origin());
    sandbox.inject_always(Vendor::Pattern, Some(Fault::Redirect(target)));
    let error = client(&sandbox, Vendor::Pattern).token().unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Redirected, Some(307)));
    assert_eq!(elsewhere.connections(), 0);
    assert_eq!(sandbox.requests(Vendor::Pattern), 1);
}

#[test]
fn a_wrong_unit_is_cut_or_short_but_never_weeks() {
    let sandbox = start();
    for vendor in [Vendor::Parchment, Vendor::Edvak] {
        sandbox.inject(vendor, Fault::WrongUnit);
        let token = client(&sandbox, vendor).token().unwrap();
        assert!(token.lifetime() <= Duration::from_secs(24 * 60 * 60), "{vendor:?}");
    }
    // A JWT's own end corrects the unit; Pattern's seconds read as milliseconds stay short.
    sandbox.inject(Vendor::Pattern, Fault::WrongUnit);
    let token = client(&sandbox, Vendor::Pattern).token().unwrap();
    assert!(token.lifetime() <= Duration::from_secs(4));
}

#[test]
fn a_server_with_an_unknown_certificate_gets_no_credential() {
    let sandbox = start();
    let stranger = ClientBuilder::by_name("pattern").unwrap();
    let mut stranger = stranger.timeout(Duration::from_secs(5));
    stranger = stranger.set("base_url", sandbox.base_url(Vendor::Pattern)).unwrap();
    for (name, value) in sandbox.credentials(Vendor::Pattern) {
        stranger = stranger.set(name, value.as_str()).unwrap();
    }
    let error = stranger.build().unwrap().token().unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
    assert_eq!(sandbox.requests(Vendor::Pattern), 0);
}

#[test]
fn nobody_listening_is_a_connect_error() {
    let sandbox = start();
    let builder = builder(&sandbox, Vendor::Pattern).timeout(Duration::from_secs(2));
    drop(sandbox);
    let error = builder.build().unwrap().token().unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Connect, ErrorPhase::Connect), "{error}");
}

#[test]
fn the_request_on_the_wire_is_the_rendered_one() {
    let sandbox = start();
    let client = builder(&sandbox, Vendor::Pattern).user_agent("hospital/1.0").build().unwrap();
    client.token().unwrap();
    let request = sandbox.last_request(Vendor::Pattern).unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/api/auth/token"));
    assert_eq!(request.body, b"grant_type=client_credentials");
    assert_eq!(request.header("user-agent"), Some("hospital/1.0"));
    assert_eq!(request.header("content-length"), Some("29"));
    assert_eq!(request.header("accept"), Some("application/json"));
    let host = sandbox.origin().trim_start_matches("https://").to_owned();
    assert_eq!(request.header("host"), Some(host.as_str()));
    let mut names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "authorization", "content-length", "content-type", "host", "user-agent"]
    );
}

#[test]
fn siblings_share_the_connection_and_nothing_else() {
    let sandbox = start();
    let first = client(&sandbox, Vendor::Parchment);
    let token = first.token().unwrap();
    for user in ["fake-user-2", "fake-user-3"] {
        let sibling = first.sibling().set("user_id", user).unwrap().scopes(["read:patient"]);
        let sibling = sibling.build().unwrap();
        assert!(sibling.peek().is_none());
        // The sandbox knows one user only; what matters is who asked, and over which connection.
        let error = sibling.token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
        let request = sandbox.last_request(Vendor::Parchment).unwrap();
        assert_eq!(request.header("x-user-id"), Some(user));
        assert!(request.body.ends_with(br#""scope":["read:patient"]}"#));
        assert_eq!(sibling.stats().fetches, 1);
    }
    let twin = first.sibling().build().unwrap();
    assert!(accepts(&sandbox, Vendor::Parchment, &twin.token().unwrap()));
    assert_eq!(
        first.token().unwrap().access_token().expose_secret(),
        token.access_token().expose_secret()
    );
    assert_eq!(sandbox.connections(), 1);
    assert_eq!(first.stats().fetches, 1);
}

#[test]
fn a_sibling_cannot_change_the_transport_it_shares() {
    let sandbox = start();
    let first = client(&sandbox, Vendor::Pattern);
    let error = first.sibling().ca_pem(sandbox.ca_pem()).build().unwrap_err();
    assert_eq!(error.field(), Some("transport"));
    let error = first.sibling().set("client_id", "fake:id").unwrap_err();
    assert_eq!(error.field(), Some("client_id"));
}
