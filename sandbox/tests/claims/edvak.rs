use caretoken_sandbox::{Sandbox, Vendor};

use crate::support::*;

const ME: Vendor = Vendor::Edvak;

fn call(sandbox: &Sandbox) -> Call {
    Call::token(sandbox, ME)
}

fn with_field(sandbox: &Sandbox, name: &str, value: &str) -> Call {
    let fields = ["client_id", "client_secret", "username", "password"].map(|field| {
        let value = if field == name { value.to_owned() } else { sandbox.credential(ME, field) };
        (field, value)
    });
    call(sandbox).body(form(&fields))
}

#[test]
fn a_right_request_gets_the_documented_answer() {
    let sandbox = sandbox();
    let answer = call(&sandbox).send(&sandbox);
    let body = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(members(&body), ["message", "token"]);
    let token = &body["token"];
    assert_eq!(
        members(token),
        [
            "access_token",
            "expires_in",
            "not-before-policy",
            "patient",
            "refresh_expires_in",
            "refresh_token",
            "scope",
            "session_state",
            "tenant",
            "token_type"
        ]
    );
    assert_eq!(token["expires_in"], 900);
    assert_eq!(token["refresh_expires_in"], 8_208_000);
    assert_eq!(token["not-before-policy"], 1_741_856_296);
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["patient"], "3");
    assert_eq!(token["tenant"], "TENANT_AB");
    assert_eq!(token["session_state"].as_str().unwrap().len(), 36);
    assert!(token["scope"].as_str().unwrap().contains("patient/Patient.rs tenant"));
    let access = jwt_payload(&answer.access_token(ME));
    let refresh = jwt_payload(token["refresh_token"].as_str().unwrap());
    assert_eq!(access["exp"].as_u64().unwrap() - access["iat"].as_u64().unwrap(), 900);
    assert_ne!(access["jti"], refresh["jti"]);
}

#[test]
fn the_credentials_hold_what_a_form_must_escape() {
    let sandbox = sandbox();
    let password = sandbox.credential(ME, "password");
    assert!(['+', '&', '%', ' '].iter().all(|odd| password.contains(*odd)));
    let raw = ["client_id", "client_secret", "username", "password"]
        .map(|name| format!("{name}={}", sandbox.credential(ME, name)))
        .join("&");
    assert_eq!(call(&sandbox).body(raw).send(&sandbox).status, 400);
}

#[test]
fn a_wrong_credential_gets_403() {
    let sandbox = sandbox();
    for name in ["client_id", "client_secret", "username", "password"] {
        let answer = with_field(&sandbox, name, "wrong").send(&sandbox);
        assert_eq!(answer.status, 403, "{name}");
        assert!(answer.json()["message"].is_string());
    }
}

#[test]
fn a_missing_or_unexpected_field_or_another_type_gets_400() {
    let sandbox = sandbox();
    let good = call(&sandbox);
    for name in ["client_id", "client_secret", "username", "password"] {
        assert_eq!(with_field(&sandbox, name, "").send(&sandbox).status, 400);
    }
    for more in ["grant_type=password", "scope=openid", "username=twice", "x"] {
        let body = format!("{}&{more}", good.body);
        assert_eq!(good.clone().body(body).send(&sandbox).status, 400, "{more}");
    }
    let json = good.clone().with("content-type", "application/json");
    assert_eq!(json.send(&sandbox).status, 400);
    let parameter = "application/x-www-form-urlencoded;charset=UTF-8";
    assert_eq!(good.with("content-type", parameter).send(&sandbox).status, 200);
}

#[test]
fn five_wrong_passwords_lock_the_account() {
    let sandbox = sandbox();
    let wrong = with_field(&sandbox, "password", "wrong");
    for _ in 0..4 {
        wrong.send(&sandbox);
    }
    assert_eq!(call(&sandbox).send(&sandbox).status, 200, "four are forgiven");
    for _ in 0..5 {
        assert!(!sandbox.locked());
        wrong.send(&sandbox);
    }
    assert!(sandbox.locked());
    assert_eq!(call(&sandbox).send(&sandbox).status, 403);
    sandbox.unlock();
    assert_eq!(call(&sandbox).send(&sandbox).status, 200);
}

#[test]
fn a_wrong_client_secret_does_not_lock_the_account() {
    let sandbox = sandbox();
    for _ in 0..6 {
        with_field(&sandbox, "client_secret", "wrong").send(&sandbox);
    }
    assert_eq!(call(&sandbox).send(&sandbox).status, 200);
}

#[test]
fn another_method_is_not_found() {
    let sandbox = sandbox();
    assert_eq!(call(&sandbox).method("GET").send(&sandbox).status, 404);
}

#[test]
fn the_resource_refuses_with_403() {
    let sandbox = sandbox();
    let token = fetch(&sandbox, ME);
    assert_eq!(probe(&sandbox, ME, &token), 200);
    assert_eq!(probe(&sandbox, ME, "made-up"), 403);
    let bare = Call::resource(&sandbox, ME, &token).without("authorization");
    assert_eq!(bare.send(&sandbox).status, 403);
}
