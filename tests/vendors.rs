//! Every vendor behaviour that its documents describe: requests byte for byte, answers, refusals.
//!
//! The golden files are there to be compared with the vendors' pages by a person.

mod support;

use std::path::Path;
use std::time::{Duration, SystemTime};

use caretoken::{Client, ClientBuilder, Ehealth, ErrorActor, ErrorKind, ErrorPhase, Token};
use support::{NOW_MS, Sent, edvak, ehealth, parchment, pattern, scripted_with};

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_vendor_has_its_golden_request_and_answer() {
    let unknown = ClientBuilder::by_name("no-such-vendor").unwrap_err();
    let names = unknown.remedy().strip_prefix("use one of: ").unwrap();
    let tests = concat!(include_str!("vendors.rs"), include_str!("standard.rs"));
    for name in names.split(", ") {
        for file in [format!("{name}.request"), format!("{name}.answer.json")] {
            assert!(!golden(&file).is_empty());
            assert!(tests.contains(&format!("\"{file}\"")), "no test reads {file}");
        }
    }
}

/// What one call sends, and what it makes of the answer.
fn call(
    builder: ClientBuilder,
    status: u16,
    body: &str,
) -> (Sent, Result<Token, caretoken::Error>) {
    let (client, script, _) = scripted_with(builder);
    script.answer(status, body);
    let result = client.token_within(Duration::from_millis(100));
    (script.sent().remove(0), result)
}

fn token(builder: ClientBuilder, status: u16, file: &str) -> Token {
    call(builder, status, &golden(file)).1.unwrap()
}

fn sends(builder: ClientBuilder, file: &str) {
    let (sent, _) = call(builder, 404, "");
    assert_eq!(sent.golden(), golden(file));
}

fn wall(ms_from_now: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis((NOW_MS + ms_from_now) as u64)
}

mod requests {
    use super::*;

    #[test]
    fn parchment_sends_five_headers_and_a_scope_array() {
        sends(parchment(), "parchment.request");
    }

    #[test]
    fn parchment_sends_a_bearer_only_when_the_caller_supplies_one() {
        let with_bearer = parchment().set("authorization_bearer", "fake-outer-token").unwrap();
        sends(with_bearer, "parchment-bearer.request");
    }

    #[test]
    fn ehealth_sends_everything_inside_token() {
        sends(ehealth(), "ehealth.request");
    }

    #[test]
    fn ehealth_sends_gateway_keys_when_set() {
        let by_name = ehealth().set("custom_psk", "fake-custom-psk").unwrap();
        sends(by_name.set("api_key", "fake-api-key").unwrap(), "ehealth-gateway.request");
        let typed = Client::builder(Ehealth {
            base_url: "https://api-preprod.ehealth.gov.ua".into(),
            client_id: "6498d88e-97fb-47e2-85a5-99e884f888aa".into(),
            client_secret: "fake-msp-secret".into(),
            refresh_token: "fake-refresh-token".into(),
            custom_psk: Some("fake-custom-psk".into()),
            api_key: Some("fake-api-key".into()),
        });
        sends(typed, "ehealth-gateway.request");
    }

    #[test]
    fn edvak_sends_a_form_without_grant_type_and_scope() {
        sends(edvak(), "edvak.request");
    }

    #[test]
    fn pattern_sends_basic_and_a_form() {
        sends(pattern(), "pattern.request");
    }

    #[test]
    fn pattern_joins_credentials_raw_unless_told_to_percent_encode() {
        let odd = |on| {
            pattern().set("client_secret", "fake: s+cr%t/ü").unwrap().percent_encode_credentials(on)
        };
        sends(odd(false), "pattern-raw.request");
        sends(odd(true), "pattern-percent-encoded.request");
    }

    #[test]
    fn json_bodies_escape_what_json_requires() {
        let odd = ehealth().set("client_secret", "fake \"quoted\" \\ back\tslash ü").unwrap();
        let (sent, _) = call(odd, 404, "");
        assert!(sent.body.contains(r#""client_secret":"fake \"quoted\" \\ back\tslash ü""#));
    }
}

mod answers {
    use super::*;

    #[test]
    fn parchments_token_is_in_data_and_counts_in_seconds() {
        let token = token(parchment(), 200, "parchment.answer.json");
        assert_eq!(
            token.access_token().expose_secret(),
            "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtleTEifQ..."
        );
        assert_eq!(
            token.authorization().expose_secret(),
            "Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtleTEifQ..."
        );
        assert_eq!(token.lifetime(), Duration::from_secs(3600));
        assert_eq!(token.expires_at(), wall(3_600_000));
        assert_eq!(token.scopes(), ["create:patient", "read:patient_prescription"]);
        assert!(token.missing_scopes().is_empty());
        assert_eq!(token.request_id(), Some("req_1705312200000_pqr678"));
        assert!(token.refresh_token().is_none());
        assert_eq!((token.vendor(), token.token_type()), ("parchment", "Bearer"));
    }

    #[test]
    fn parchments_silently_narrowed_scopes_are_reported() {
        let wide =
            parchment().scopes(["create:patient", "delete:user", "read:patient_prescription"]);
        let token = token(wide, 200, "parchment.answer.json");
        assert_eq!(token.missing_scopes(), ["delete:user"]);
    }

    #[test]
    fn ehealths_token_is_data_value_and_ends_at_a_unix_time() {
        // The page's example ends in 2017; the answer's Date says when that was.
        let (client, script, clock) = scripted_with(ehealth());
        let date = [("date", "Thu, 29 Jun 2017 15:03:11 GMT")];
        script.answer_with(201, &date, &golden("ehealth.answer.json"));
        let token = client.token().unwrap();
        assert_eq!(token.access_token().expose_secret(), "SnNRdCtvU0tTOENBV2dLRUZwNmIzZz09");
        assert_eq!(token.lifetime(), Duration::from_secs(1000));
        assert_eq!(token.time_left(), Duration::from_secs(1000));
        assert_eq!(
            token.scopes(),
            [
                "capitation_contracts:view",
                "capitation_contracts:create",
                "patients:view",
                "patients:create"
            ]
        );
        assert_eq!(token.request_id(), Some("req-adasdoijasdojsda"));
        assert_eq!(token.extra("user_id"), Some("3ff33ced-69dc-415a-b231-c6446898335a"));
        assert_eq!(client.clock_skew_ms(), Some(1_498_748_591_000 - NOW_MS));
        clock.advance(Duration::from_secs(999));
        assert_eq!(token.time_left(), Duration::from_secs(1));
    }

    #[test]
    fn ehealth_keeps_its_refresh_token_when_the_answer_has_none() {
        let (client, script, clock) = scripted_with(ehealth());
        let answer = |at: i64| {
            format!(r#"{{"data":{{"value":"fake-access","expires_at":{at},"details":{{}}}}}}"#)
        };
        script.answer_with(201, &[], &answer(NOW_MS / 1000 + 900));
        script.answer_with(201, &[], &answer(NOW_MS / 1000 + 9000));
        client.token().unwrap();
        clock.advance(Duration::from_secs(900));
        client.token().unwrap();
        let sent = script.sent();
        assert!(sent[1].body.contains(r#""refresh_token":"fake-refresh-token""#));
        assert_eq!(sent[0], sent[1]);
    }

    #[test]
    fn ehealth_goes_on_with_a_new_refresh_token() {
        let (client, script, clock) = scripted_with(ehealth());
        let answer = |at: i64| {
            format!(
                r#"{{"data":{{"value":"fake-access","expires_at":{at},
                     "details":{{"refresh_token":"fake-rotated"}}}}}}"#
            )
        };
        script.answer_with(201, &[], &answer(NOW_MS / 1000 + 900));
        script.answer_with(201, &[], &answer(NOW_MS / 1000 + 9000));
        let first = client.token().unwrap();
        assert_eq!(first.refresh_token().unwrap().expose_secret(), "fake-rotated");
        clock.advance(Duration::from_secs(900));
        client.token().unwrap();
        assert!(script.sent()[1].body.contains(r#""refresh_token":"fake-rotated""#));
    }

    #[test]
    fn edvaks_token_is_nested_and_has_further_fields() {
        let token = token(edvak(), 200, "edvak.answer.json");
        assert!(token.access_token().expose_secret().starts_with("ey2e8mzoih38wLeJH50QsrWp"));
        assert!(token.refresh_token().is_some());
        assert_eq!(token.lifetime(), Duration::from_secs(900));
        assert_eq!(
            token.scopes(),
            [
                "patient/MedicationDispense.rs",
                "profile",
                "patient/Patient.rs",
                "tenant",
                "patient/ServiceRequest.rs",
                "patient",
                "fhirUser",
                "patient/Coverage.rs",
                "email"
            ]
        );
        for (name, value) in [
            ("patient", "3"),
            ("tenant", "TENANT_AB"),
            ("session_state", "712430d3-da39-4cad-884b-862d32ac9c6d"),
            ("not-before-policy", "1741856296"),
            ("refresh_expires_in", "8208000"),
        ] {
            assert_eq!(token.extra(name), Some(value), "{name}");
        }
        assert_eq!(token.extra("scope"), None);
    }

    #[test]
    fn edvak_sends_the_password_again_on_expiry_not_the_refresh_token() {
        let (client, script, clock) = scripted_with(edvak());
        script.answer(200, &golden("edvak.answer.json"));
        script.answer_with(200, &[], &golden("edvak.answer.json"));
        client.token().unwrap();
        clock.advance(Duration::from_secs(900));
        client.token().unwrap();
        let sent = script.sent();
        assert_eq!(sent[0], sent[1]);
    }

    #[test]
    fn patterns_hour_is_an_hour() {
        let token = token(pattern(), 200, "pattern.answer.json");
        assert_eq!(token.authorization().expose_secret(), "Bearer BEARER_TOKEN");
        assert_eq!(token.lifetime(), Duration::from_secs(3600));
        assert!(!token.lifetime_was_cut());
        assert!(token.scopes().is_empty());
        assert!(token.refresh_token().is_none());
    }

    #[test]
    fn a_token_type_is_compared_without_case_and_must_be_bearer() {
        let answer = |token_type| {
            let body = golden("pattern.answer.json").replace("\"bearer\"", token_type);
            call(pattern(), 200, &body).1
        };
        assert!(answer("\"BEARER\"").is_ok());
        assert_eq!(answer("\"mac\"").unwrap_err().kind(), ErrorKind::AnswerMalformed);
    }

    #[test]
    fn an_implausible_life_is_cut_and_flagged() {
        // Seconds read as what they are not: a vendor that switches units must not give 41 days.
        let body = golden("parchment.answer.json").replace("3600", "3600000");
        let token = call(parchment(), 200, &body).1.unwrap();
        assert_eq!(token.lifetime(), Duration::from_secs(24 * 60 * 60));
        assert!(token.lifetime_was_cut());
    }

    #[test]
    fn a_jwts_own_end_can_only_shorten_the_life() {
        // {"exp":1700000600}: ten minutes after the answer's Date.
        let jwt = "e30.eyJleHAiOjE3MDAwMDA2MDB9.fake";
        let body = golden("pattern.answer.json").replace("BEARER_TOKEN", jwt);
        let token = call(pattern(), 200, &body).1.unwrap();
        assert_eq!(token.lifetime(), Duration::from_secs(600));
    }
}

/// One documented refusal.
struct Refusal {
    builder: fn() -> ClientBuilder,
    status: u16,
    body: &'static str,
    kind: ErrorKind,
    code: Option<&'static str>,
    request_id: Option<&'static str>,
}

#[test]
fn every_documented_refusal_has_its_own_meaning() {
    use ErrorKind::{
        AccessDenied, AccessRevoked, CredentialsRejected, EndpointNotFound, Proxy, RateLimited,
        RequestRefused, ScopeRefused, SignInRequired, Unavailable,
    };
    let refusal = |builder: fn() -> ClientBuilder, status, body, kind, code, request_id| Refusal {
        builder,
        status,
        body,
        kind,
        code,
        request_id,
    };
    let table = [
        refusal(
            parchment,
            401,
            r#"{"success":false,"statusCode":401,"error":{"type":"https://parchment.health/errors/authentication-required","title":"Unauthorized","detail":"Invalid partner credentials provided."},"timestamp":"2024-01-15T10:30:00.000Z","requestId":"req_1705312200000_vwx234","meta":{"apiVersion":"1.0"}}"#,
            CredentialsRejected,
            Some("authentication-required"),
            Some("req_1705312200000_vwx234"),
        ),
        // The HTTP status and the one in the body differ, as documented.
        refusal(
            parchment,
            400,
            r#"{"success":false,"statusCode":422,"error":{"type":"https://parchment.health/errors/validation-error","title":"Validation failed","detail":"There were some problems with your input.","validation":[{"field":"scope","message":"Invalid enum value.","code":"VALIDATION_ERROR"}]},"timestamp":"2024-01-15T10:30:00.000Z","requestId":"1-68a44ded-5c4fdd75455250d518c3bab2"}"#,
            ScopeRefused,
            Some("validation-error"),
            Some("1-68a44ded-5c4fdd75455250d518c3bab2"),
        ),
        refusal(
            parchment,
            400,
            r#"{"success":false,"statusCode":422,"error":{"type":"https://parchment.health/errors/validation-error","validation":[{"field":"grantType"}]}}"#,
            RequestRefused,
            Some("validation-error"),
            None,
        ),
        refusal(
            parchment,
            403,
            r#"{"success":false,"statusCode":403,"error":{"type":"https://parchment.health/errors/insufficient-scope"}}"#,
            ScopeRefused,
            Some("insufficient-scope"),
            None,
        ),
        refusal(
            parchment,
            429,
            r#"{"success":false,"statusCode":429,"error":{"type":"https://parchment.health/errors/rate-limit"}}"#,
            RateLimited,
            Some("rate-limit"),
            None,
        ),
        // HTTP says 200; the envelope says no.
        refusal(
            parchment,
            200,
            r#"{"success":false,"statusCode":401,"error":{"type":"https://parchment.health/errors/authentication-required"}}"#,
            CredentialsRejected,
            Some("authentication-required"),
            None,
        ),
        refusal(
            parchment,
            200,
            r#"{"success":false,"statusCode":503,"requestId":"req_9"}"#,
            Unavailable,
            None,
            Some("req_9"),
        ),
        refusal(parchment, 500, r#"{"success":false,"statusCode":500}"#, Unavailable, None, None),
        refusal(parchment, 503, "upstream timeout", Unavailable, None, None),
        refusal(
            ehealth,
            401,
            r#"{"meta":{"code":401,"url":"https://example.com","type":"object","request_id":"req-1"},"error":{"type":"invalid_client","message":"Invalid client id or secret."}}"#,
            CredentialsRejected,
            Some("invalid_client"),
            Some("req-1"),
        ),
        refusal(
            ehealth,
            401,
            r#"{"meta":{"request_id":"req-2"},"error":{"type":"token_not_found"}}"#,
            SignInRequired,
            Some("token_not_found"),
            Some("req-2"),
        ),
        refusal(
            ehealth,
            401,
            r#"{"error":{"type":"invalid_grant"}}"#,
            SignInRequired,
            Some("invalid_grant"),
            None,
        ),
        refusal(
            ehealth,
            401,
            r#"{"error":{"type":"token_expired"}}"#,
            SignInRequired,
            Some("token_expired"),
            None,
        ),
        // An older server generation.
        refusal(
            ehealth,
            401,
            r#"{"error":{"invalid_grant":"Token not found."}}"#,
            SignInRequired,
            Some("invalid_grant"),
            None,
        ),
        refusal(
            ehealth,
            401,
            r#"{"error":{"type":"access_denied"}}"#,
            AccessRevoked,
            Some("access_denied"),
            None,
        ),
        refusal(
            ehealth,
            401,
            r#"{"meta":{"request_id":"req-3"},"error":{"message":"API-KEY header required"}}"#,
            AccessDenied,
            None,
            Some("req-3"),
        ),
        refusal(
            ehealth,
            403,
            r#"{"error":{"type":"forbidden"}}"#,
            AccessDenied,
            Some("forbidden"),
            None,
        ),
        refusal(
            ehealth,
            403,
            r#"{"error":{"type":"access_denied"}}"#,
            AccessDenied,
            Some("access_denied"),
            None,
        ),
        refusal(
            ehealth,
            422,
            r#"{"error":{"type":"validation_failed","invalid":[{"entry":"$.refresh_token","rules":[{"rule":"required","description":"can't be blank"}]}]}}"#,
            RequestRefused,
            Some("validation_failed"),
            None,
        ),
        refusal(
            ehealth,
            422,
            r#"{"error":{"type":"request_malformed"}}"#,
            RequestRefused,
            Some("request_malformed"),
            None,
        ),
        refusal(ehealth, 400, "", RequestRefused, None, None),
        // About the person or the sign-in, not about client id and secret.
        refusal(
            ehealth,
            401,
            r#"{"error":{"type":"user_blocked"}}"#,
            SignInRequired,
            Some("user_blocked"),
            None,
        ),
        refusal(
            ehealth,
            401,
            r#"{"error":{"type":"invalid_user"}}"#,
            SignInRequired,
            Some("invalid_user"),
            None,
        ),
        refusal(
            ehealth,
            401,
            r#"{"error":{"type":"token_invalid"}}"#,
            SignInRequired,
            Some("token_invalid"),
            None,
        ),
        // Only a 401 whose body has no type is the gateway's missing key.
        refusal(
            ehealth,
            401,
            r#"{"error":{"type":"something_new"}}"#,
            CredentialsRejected,
            Some("something_new"),
            None,
        ),
        refusal(
            ehealth,
            401,
            r#"{"error":{"something_new":"In the older shape."}}"#,
            CredentialsRejected,
            Some("something_new"),
            None,
        ),
        refusal(ehealth, 401, "<html>Unauthorized</html>", CredentialsRejected, None, None),
        refusal(ehealth, 401, "", CredentialsRejected, None, None),
        refusal(ehealth, 407, "", Proxy, None, None),
        refusal(ehealth, 511, "<html>Log in</html>", Proxy, None, None),
        refusal(ehealth, 503, "<html>Bad gateway</html>", Unavailable, None, None),
        refusal(edvak, 403, "", CredentialsRejected, None, None),
        refusal(edvak, 401, "Unauthorized", CredentialsRejected, None, None),
        refusal(edvak, 404, "<html>Not Found</html>", EndpointNotFound, None, None),
        refusal(edvak, 500, r#"{"message":"Internal error"}"#, Unavailable, None, None),
        refusal(pattern, 401, "", CredentialsRejected, None, None),
        refusal(
            pattern,
            401,
            r#"{"error":"invalid_client","error_description":"unknown client"}"#,
            CredentialsRejected,
            Some("invalid_client"),
            None,
        ),
        refusal(
            pattern,
            400,
            r#"{"error":"invalid_scope"}"#,
            ScopeRefused,
            Some("invalid_scope"),
            None,
        ),
        refusal(pattern, 403, "", AccessDenied, None, None),
        refusal(pattern, 404, "", EndpointNotFound, None, None),
        refusal(pattern, 409, "", RequestRefused, None, None),
        refusal(pattern, 422, "", RequestRefused, None, None),
        refusal(pattern, 429, "", RateLimited, None, None),
        refusal(pattern, 500, "", Unavailable, None, None),
        refusal(pattern, 502, "", Unavailable, None, None),
    ];
    for Refusal { builder, status, body, kind, code, request_id } in table {
        let error = call_once(builder(), status, body);
        let seen = (error.kind(), error.vendor_code(), error.request_id(), error.http_status());
        assert_eq!(seen, (kind, code, request_id, Some(status)), "{status} {body}");
        assert_eq!(error.phase(), ErrorPhase::Read);
        assert_eq!(error.vendor(), Some(builder().build().unwrap().vendor()));
    }
}

/// The error of a single attempt.
fn call_once(builder: ClientBuilder, status: u16, body: &str) -> caretoken::Error {
    let (client, script, _) = scripted_with(builder.timeout(Duration::from_millis(1)));
    // Attempts beyond the first answer the same, whatever the pause before them.
    for _ in 0..4 {
        script.answer(status, body);
    }
    client.token().unwrap_err()
}

#[test]
fn six_different_refusals_ask_six_different_things_of_different_people() {
    let errors = [
        call_once(ehealth(), 401, r#"{"error":{"type":"invalid_client"}}"#),
        call_once(ehealth(), 401, r#"{"error":{"type":"token_not_found"}}"#),
        call_once(ehealth(), 401, r#"{"error":{"type":"access_denied"}}"#),
        call_once(
            parchment(),
            403,
            r#"{"success":false,"error":{"type":"https://parchment.health/errors/insufficient-scope"}}"#,
        ),
        call_once(pattern(), 429, ""),
        call_once(pattern(), 503, ""),
    ];
    let mut remedies: Vec<_> = errors.iter().map(|error| error.remedy()).collect();
    remedies.sort_unstable();
    remedies.dedup();
    assert_eq!(remedies.len(), 6);
    let retryable: Vec<_> = errors.iter().map(caretoken::Error::is_retryable).collect();
    assert_eq!(retryable, [false, false, false, false, true, true]);
    let actors: Vec<_> = errors.iter().map(caretoken::Error::actor).collect();
    assert_eq!(actors[..4], [ErrorActor::Operator; 4]);
    assert_eq!(actors[4..], [ErrorActor::Caller, ErrorActor::Vendor]);
}

#[test]
fn a_refusal_that_the_profile_knows_better_says_what_to_do() {
    for (error, remedy) in [
        (
            call_once(ehealth(), 401, r#"{"error":{"message":"API-KEY header required"}}"#),
            "api_key",
        ),
        (call_once(ehealth(), 403, ""), "custom_psk"),
        (call_once(edvak(), 403, ""), "the account may be locked"),
    ] {
        assert!(error.remedy().contains(remedy), "{error}");
    }
    let plain = call_once(ehealth(), 500, "");
    assert_eq!(plain.remedy(), ErrorKind::Unavailable.remedy());
}

#[test]
fn a_faulty_field_that_is_ours_is_named() {
    let error = call_once(
        ehealth(),
        422,
        r#"{"error":{"type":"validation_failed","invalid":[{"entry":"$.token.refresh_token"}]}}"#,
    );
    assert_eq!(error.message(), "the vendor refused the request as malformed (refresh_token)");
}

#[test]
fn no_part_of_a_body_reaches_an_error() {
    let secret = "fake-client-secret";
    for status in [200, 201, 302, 400, 401, 403, 429, 500] {
        for body in [
            format!(r#"{{"error":"{secret}","error_description":"canary words"}}"#),
            format!(r#"{{"error":{{"type":"{secret}","{secret}":"canary words"}}}}"#),
            format!(r#"{{"requestId":"{secret}","meta":{{"request_id":"{secret}"}}}}"#),
            format!(r#"{{"access_token":"canary","expires_in":"{secret}"}}"#),
            format!("canary {secret}"),
            format!("<html>canary {secret}</html>"),
        ] {
            for builder in [pattern, ehealth, edvak, parchment] {
                let builder = builder().set(&secret_name(builder), secret).unwrap();
                let error = call_once(builder, status, &body);
                for shown in [format!("{error}"), format!("{error:?}"), format!("{error:#?}")] {
                    assert!(!shown.contains(secret), "{shown}");
                    assert!(!shown.contains("canary"), "{shown}");
                }
            }
        }
    }
}

fn secret_name(builder: fn() -> ClientBuilder) -> String {
    let builder = builder();
    let mut names = builder.parameters().map(|known| known.name());
    names.find(|name| name.ends_with("secret")).unwrap().to_owned()
}

#[test]
fn debug_of_client_and_token_shows_no_secret() {
    let (client, script, _) = scripted_with(edvak());
    script.answer(200, &golden("edvak.answer.json"));
    let token: Token = client.token().unwrap();
    let shown = format!("{client:?} {token:?} {:?} {:?}", token.access_token(), edvak());
    for secret in ["fake-edvak-secret", "w+rd", "ey2e8mzoih38", "TENANT_AB"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let client = format!("{client:?}");
    assert!(client.contains("edvak") && client.contains("darwinapi.edvak.com"), "{client}");
}

#[test]
fn a_client_is_shared_between_threads() {
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_shared::<Client>();
    is_shared::<Token>();
}
