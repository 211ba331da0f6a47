use caretoken_sandbox::{Sandbox, Vendor};
use serde_json::{Value, json};

use crate::support::*;

const ME: Vendor = Vendor::Parchment;

fn call(sandbox: &Sandbox) -> Call {
    Call::token(sandbox, ME)
}

fn assert_problem(answer: &Answer, status: u16, status_in_body: u16, kind: &str) -> Value {
    let body = answer.json();
    assert_eq!(answer.status, status, "{body}");
    assert_eq!(
        members(&body),
        ["error", "meta", "requestId", "statusCode", "success", "timestamp"]
    );
    assert_eq!(body["success"], false);
    assert_eq!(body["statusCode"], status_in_body);
    assert_eq!(body["error"]["type"], format!("https://parchment.health/errors/{kind}"));
    assert!(body["error"]["title"].is_string() && body["error"]["detail"].is_string());
    assert!(!body["requestId"].as_str().unwrap().is_empty());
    body["error"].clone()
}

#[test]
fn a_right_request_gets_the_documented_answer() {
    let sandbox = sandbox();
    let answer = call(&sandbox).send(&sandbox);
    let body = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(
        members(&body),
        ["data", "message", "meta", "requestId", "statusCode", "success", "timestamp"]
    );
    assert_eq!(members(&body["data"]), ["accessToken", "expiresIn", "scope", "tokenType"]);
    assert_eq!(body["success"], true);
    assert_eq!(body["statusCode"], 200);
    assert_eq!(body["message"], "Token generated successfully");
    assert_eq!(body["data"]["expiresIn"], 3600);
    assert_eq!(body["data"]["tokenType"], "Bearer");
    assert_eq!(body["data"]["scope"], json!(["create:patient", "read:patient_prescription"]));
    assert_eq!(body["meta"], json!({"apiVersion": "1.0", "responseTime": 125}));
    assert!(body["requestId"].as_str().unwrap().starts_with("req_"));
    let timestamp = body["timestamp"].as_str().unwrap();
    assert!(timestamp.len() == 24 && timestamp.ends_with('Z'), "{timestamp}");

    let payload = jwt_payload(&answer.access_token(ME));
    assert!(close(payload["iat"].as_u64().unwrap(), unix_now()));
    assert_eq!(payload["exp"].as_u64().unwrap() - payload["iat"].as_u64().unwrap(), 3600);
}

#[test]
fn each_header_is_required_and_checked() {
    let sandbox = sandbox();
    for name in [
        "x-partner-id",
        "x-partner-secret",
        "x-organization-id",
        "x-organization-secret",
        "x-user-id",
    ] {
        for call in [
            call(&sandbox).without(name),
            call(&sandbox).with(name, ""),
            call(&sandbox).with(name, "wrong"),
        ] {
            assert_problem(&call.send(&sandbox), 401, 401, "authentication-required");
        }
    }
}

#[test]
fn a_wrong_secret_gets_parchments_401() {
    let sandbox = sandbox();
    let answer = call(&sandbox).with("x-partner-secret", "wrong").send(&sandbox);
    let error = assert_problem(&answer, 401, 401, "authentication-required");
    assert_eq!(error["title"], "Unauthorized");
    assert_eq!(error["detail"], "Invalid partner credentials provided.");
}

#[test]
fn a_malformed_body_gets_400_with_422_inside() {
    let sandbox = sandbox();
    let cases = [
        (call(&sandbox).edit(|b| b["scope"] = json!(["fly:plane"])), "scope"),
        (call(&sandbox).edit(|b| b["scope"] = json!([])), "scope"),
        (call(&sandbox).edit(|b| b["scope"] = json!("read:patient")), "scope"),
        (call(&sandbox).edit(|b| b["scope"] = json!([1])), "scope"),
        (call(&sandbox).body(r#"{"grantType":"client_credentials"}"#), "scope"),
        (call(&sandbox).edit(|b| b["grantType"] = json!("password")), "grantType"),
        (call(&sandbox).edit(|b| b["grantType"] = json!(null)), "grantType"),
        (call(&sandbox).with("content-type", "text/plain"), "grantType"),
        (call(&sandbox).body("[]"), "grantType"),
    ];
    for (call, field) in cases {
        let error = assert_problem(&call.send(&sandbox), 400, 422, "validation-error");
        assert_eq!(error["validation"][0]["field"], field);
        assert_eq!(error["validation"][0]["code"], "VALIDATION_ERROR");
        assert!(error["validation"][0]["message"].is_string());
    }
    assert_problem(&call(&sandbox).body("{").send(&sandbox), 400, 400, "bad-request");
}

#[test]
fn a_content_type_may_have_parameters() {
    let sandbox = sandbox();
    let call = call(&sandbox).with("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(call.send(&sandbox).status, 200);
}

#[test]
fn scopes_that_are_not_allowed_are_left_out_in_silence() {
    let sandbox = sandbox();
    sandbox.set_allowed_scopes(ME, &["read:patient_prescription", "read:user", "read:moon"]);
    let answer = call(&sandbox).send(&sandbox);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["data"]["scope"], json!(["read:patient_prescription"]));

    let new = call(&sandbox).edit(|b| b["scope"] = json!(["read:moon"])).send(&sandbox);
    assert_eq!(new.json()["data"]["scope"], json!(["read:moon"]));

    let none = call(&sandbox).edit(|b| b["scope"] = json!(["delete:user"])).send(&sandbox);
    assert_problem(&none, 403, 403, "insufficient-scope");
}

#[test]
fn the_bearer_that_one_page_shows_makes_no_difference() {
    let sandbox = sandbox();
    assert_eq!(call(&sandbox).with("authorization", "Bearer x").send(&sandbox).status, 200);
}

#[test]
fn another_method_is_not_found() {
    let sandbox = sandbox();
    for method in ["GET", "PUT"] {
        assert_problem(&call(&sandbox).method(method).send(&sandbox), 404, 404, "not-found");
    }
    assert_eq!(sandbox.requests(ME), 2);
}

#[test]
fn the_resource_wants_the_token_and_the_organizations_secret() {
    let sandbox = sandbox();
    let token = fetch(&sandbox, ME);
    let resource = Call::resource(&sandbox, ME, &token);
    let answer = resource.send(&sandbox);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["success"], true);
    for call in [
        resource.clone().without("x-organization-secret"),
        resource.clone().with("x-organization-secret", "wrong"),
        resource.clone().without("authorization"),
        resource.clone().with("authorization", &format!("Basic {token}")),
        Call::resource(&sandbox, ME, "made.up.token"),
    ] {
        assert_problem(&call.send(&sandbox), 401, 401, "authentication-required");
    }
    assert_eq!(sandbox.resource_requests(ME), 6);
}
