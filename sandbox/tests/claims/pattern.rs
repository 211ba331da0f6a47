use caretoken_sandbox::{Sandbox, Vendor};

use crate::support::*;

const ME: Vendor = Vendor::Pattern;

fn call(sandbox: &Sandbox) -> Call {
    Call::token(sandbox, ME)
}

#[test]
fn a_right_request_gets_the_documented_answer_in_milliseconds() {
    let sandbox = sandbox();
    let answer = call(&sandbox).send(&sandbox);
    let body = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(members(&body), ["access_token", "expires_in", "token_type"]);
    assert_eq!(body["expires_in"], 3_600_000);
    assert_eq!(body["token_type"], "bearer");
    let payload = jwt_payload(&answer.access_token(ME));
    assert_eq!(payload["exp"].as_u64().unwrap() - payload["iat"].as_u64().unwrap(), 3600);
}

#[test]
fn wrong_basic_credentials_get_401() {
    let sandbox = sandbox();
    let id = sandbox.credential(ME, "client_id");
    let secret = sandbox.credential(ME, "client_secret");
    for authorization in [
        basic(&id, "wrong"),
        basic("wrong", &secret),
        basic(&id, ""),
        "Basic !!!".to_owned(),
        "Basic".to_owned(),
        basic(&id, &secret).replace("Basic", "Bearer"),
    ] {
        let answer = call(&sandbox).with("authorization", &authorization).send(&sandbox);
        assert_eq!(answer.status, 401, "{authorization}");
        assert_eq!(answer.json()["error"], "invalid_client");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"));
    }
    assert_eq!(call(&sandbox).without("authorization").send(&sandbox).status, 401);
}

#[test]
fn a_secret_may_hold_colons() {
    let sandbox = sandbox();
    assert!(sandbox.set_credential(ME, "client_secret", "fake:with:colons:not-real"));
    assert_eq!(call(&sandbox).send(&sandbox).status, 200);
}

#[test]
fn accept_content_type_and_grant_type_are_checked() {
    let sandbox = sandbox();
    for (call, code) in [
        (call(&sandbox).with("accept", "text/html"), "invalid_request"),
        (call(&sandbox).with("content-type", "application/json"), "invalid_request"),
        (call(&sandbox).body(""), "invalid_request"),
        (call(&sandbox).body("grant_type="), "invalid_request"),
        (call(&sandbox).body("grant_type=password"), "unsupported_grant_type"),
    ] {
        let answer = call.send(&sandbox);
        assert_eq!(answer.status, 422);
        assert_eq!(answer.json()["error"], code);
    }
}

#[test]
fn another_method_is_not_found() {
    let sandbox = sandbox();
    let answer = call(&sandbox).method("GET").send(&sandbox);
    assert_eq!((answer.status, answer.header("allow")), (404, Some("POST")));
}

#[test]
fn the_resource_refuses_with_401() {
    let sandbox = sandbox();
    assert_eq!(probe(&sandbox, ME, &fetch(&sandbox, ME)), 200);
    assert_eq!(probe(&sandbox, ME, "made-up"), 401);
}
