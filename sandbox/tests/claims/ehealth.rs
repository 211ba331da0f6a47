use caretoken_sandbox::{Sandbox, Vendor};
use serde_json::{Value, json};

use crate::support::*;

const ME: Vendor = Vendor::Ehealth;

fn call(sandbox: &Sandbox) -> Call {
    Call::token(sandbox, ME)
}

/// The error's type; empty when it has none.
fn assert_error(answer: &Answer, status: u16) -> String {
    let body = answer.json();
    assert_eq!(answer.status, status, "{body}");
    assert_eq!(members(&body), ["error", "meta"]);
    assert_eq!(members(&body["meta"]), ["code", "request_id", "type", "url"]);
    assert_eq!(body["meta"]["code"], status);
    assert!(body["error"]["message"].is_string());
    body["error"]["type"].as_str().unwrap_or_default().to_owned()
}

fn refresh_token(answer: &Answer) -> Option<String> {
    answer.json()["data"]["details"]["refresh_token"].as_str().map(str::to_owned)
}

#[test]
fn a_right_request_gets_the_documented_201() {
    let sandbox = sandbox();
    let answer = call(&sandbox).send(&sandbox);
    let body = answer.json();
    assert_eq!(answer.status, 201);
    assert_eq!(members(&body), ["data", "meta"]);
    assert_eq!(body["meta"]["code"], 201);
    assert_eq!(body["meta"]["type"], "object");
    assert_eq!(body["meta"]["url"], format!("{}/oauth/tokens", sandbox.origin()));
    assert!(body["meta"]["request_id"].as_str().unwrap().starts_with("req-"));
    let data = &body["data"];
    assert_eq!(members(data), ["details", "expires_at", "id", "name", "user_id", "value"]);
    assert_eq!(members(&data["details"]), ["client_id", "grant_type", "scope"]);
    assert_eq!(data["name"], "change_password_token");
    assert_eq!(data["details"]["grant_type"], "refresh_token");
    assert_eq!(data["details"]["client_id"], sandbox.credential(ME, "client_id"));
    assert!(data["details"]["scope"].as_str().unwrap().contains("patients:view"));
    assert!(close(data["expires_at"].as_u64().unwrap(), unix_now() + 30 * 24 * 3600));
    assert!(!data["value"].as_str().unwrap().contains('.'));
}

#[test]
fn the_refresh_token_is_reusable() {
    let sandbox = sandbox();
    assert_ne!(fetch(&sandbox, ME), fetch(&sandbox, ME));
}

#[test]
fn a_request_id_is_echoed() {
    let sandbox = sandbox();
    let good = call(&sandbox).with("x-request-id", "mine-1").send(&sandbox);
    let bad = call(&sandbox).with("x-request-id", "mine-2").body("{}").send(&sandbox);
    assert_eq!(good.json()["meta"]["request_id"], "mine-1");
    assert_eq!(bad.json()["meta"]["request_id"], "mine-2");
}

#[test]
fn each_failure_has_its_type() {
    let sandbox = sandbox();
    let wrong = |name: &'static str| {
        let answer = call(&sandbox).edit(|b| b["token"][name] = json!("wrong")).send(&sandbox);
        assert_error(&answer, 401)
    };
    assert_eq!(wrong("client_id"), "invalid_client");
    assert_eq!(wrong("client_secret"), "invalid_client");
    assert_eq!(wrong("refresh_token"), "token_not_found");
    assert_eq!(wrong("grant_type"), "invalid_grant");

    sandbox.expire_refresh_token(true);
    assert_eq!(assert_error(&call(&sandbox).send(&sandbox), 401), "token_expired");
    sandbox.expire_refresh_token(false);
    sandbox.revoke_access(true);
    assert_eq!(assert_error(&call(&sandbox).send(&sandbox), 401), "access_denied");
    sandbox.revoke_access(false);
    assert_eq!(call(&sandbox).send(&sandbox).status, 201);
}

#[test]
fn a_missing_field_is_named() {
    let sandbox = sandbox();
    for value in [Value::Null, json!(""), json!(1)] {
        let answer = call(&sandbox).edit(|b| b["token"]["grant_type"] = value).send(&sandbox);
        assert_eq!(assert_error(&answer, 422), "request_malformed");
        assert_eq!(answer.json()["error"]["invalid"][0]["entry"], "$.grant_type");
    }
    for name in ["client_id", "client_secret", "refresh_token"] {
        for (value, rule) in
            [(Value::Null, "required"), (json!(""), "required"), (json!(1), "cast")]
        {
            let answer = call(&sandbox).edit(|b| b["token"][name] = value).send(&sandbox);
            assert_eq!(assert_error(&answer, 422), "validation_failed");
            let invalid = &answer.json()["error"]["invalid"];
            assert_eq!(invalid[0]["entry"], format!("$.{name}"));
            assert_eq!(invalid[0]["rules"][0]["rule"], rule);
            assert!(invalid[0]["rules"][0]["description"].is_string());
        }
    }
}

#[test]
fn a_body_without_token_gets_400() {
    let sandbox = sandbox();
    for call in [
        call(&sandbox).body("{}"),
        call(&sandbox).body("not json"),
        call(&sandbox).body(r#"{"token":"x"}"#),
        call(&sandbox).body(""),
        call(&sandbox).with("content-type", "application/x-www-form-urlencoded"),
    ] {
        assert_eq!(assert_error(&call.send(&sandbox), 400), "");
    }
}

#[test]
fn the_older_generation_names_the_error_by_its_key() {
    let sandbox = sandbox();
    sandbox.old_error_shape(true);
    let answer = call(&sandbox).edit(|b| b["token"]["refresh_token"] = json!("x")).send(&sandbox);
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json(), json!({"error": {"invalid_grant": "Token not found."}}));
    let answer = call(&sandbox).edit(|b| b["token"]["client_id"] = json!("x")).send(&sandbox);
    assert_eq!(answer.json()["error"]["invalid_client"], "Invalid client id or secret.");
}

#[test]
fn a_wrong_gateway_key_never_passes_and_a_missing_one_when_required_does_not() {
    let sandbox = sandbox();
    let psk = sandbox.credential(ME, "custom_psk");
    let key = sandbox.credential(ME, "api_key");
    let both = call(&sandbox).with("x-custom-psk", &psk).with("api-key", &key);
    for required in [false, true] {
        sandbox.require_gateway_keys(required);
        assert_eq!(both.send(&sandbox).status, 201);
        let wrong_psk = both.clone().with("x-custom-psk", "wrong").send(&sandbox);
        assert_eq!(assert_error(&wrong_psk, 403), "forbidden");
        let wrong_key = both.clone().with("api-key", "wrong").send(&sandbox);
        assert_eq!(assert_error(&wrong_key, 403), "access_denied");
    }
    let no_key = both.clone().without("api-key").send(&sandbox);
    assert_eq!(assert_error(&no_key, 401), "");
    assert_eq!(no_key.json()["error"]["message"], "API-KEY header required");
    let no_psk = both.clone().without("x-custom-psk").send(&sandbox);
    assert_eq!(assert_error(&no_psk, 403), "forbidden");
    sandbox.require_gateway_keys(false);
    assert_eq!(call(&sandbox).send(&sandbox).status, 201);
}

#[test]
fn a_rotated_refresh_token_replaces_the_old_one() {
    let sandbox = sandbox();
    sandbox.rotate_refresh_tokens(true);
    let old = call(&sandbox);
    let fresh = refresh_token(&old.send(&sandbox)).unwrap();
    assert_eq!(fresh, sandbox.credential(ME, "refresh_token"));
    assert_eq!(assert_error(&old.send(&sandbox), 401), "token_not_found");

    let next = refresh_token(&call(&sandbox).send(&sandbox)).unwrap();
    assert_ne!(next, fresh);
    sandbox.rotate_refresh_tokens(false);
    assert_eq!(refresh_token(&call(&sandbox).send(&sandbox)), None);

    let last = call(&sandbox);
    assert_eq!(sandbox.rotate_refresh_token_now(), sandbox.credential(ME, "refresh_token"));
    assert_eq!(assert_error(&last.send(&sandbox), 401), "token_not_found");
}

#[test]
fn another_method_is_not_found() {
    let sandbox = sandbox();
    assert_eq!(assert_error(&call(&sandbox).method("GET").send(&sandbox), 404), "not_found");
}

#[test]
fn the_resource_accepts_its_own_token_only() {
    let sandbox = sandbox();
    let answer = Call::resource(&sandbox, ME, &fetch(&sandbox, ME)).send(&sandbox);
    assert_eq!(answer.status, 200);
    assert!(answer.json()["data"].is_array());
    let refused = Call::resource(&sandbox, ME, "made-up").send(&sandbox);
    assert_eq!(assert_error(&refused, 401), "access_denied");
}
