//! eHealth Ukraine (ESOZ).

use std::time::Duration;

use serde_json::{Value, json};

use super::behaviour::Behaviour;
use crate::answer::Answer;
use crate::player::Refusal;
use crate::request::RecordedRequest;
use crate::state::{State, TokenFormat};
use crate::vendor::Vendor;

const ME: Vendor = Vendor::Ehealth;

pub(super) static BEHAVIOUR: Behaviour = Behaviour {
    base_path: "",
    token_path: "/oauth/tokens",
    resource_path: "/api/patients",
    credentials: &[
        ("client_id", "fake-ehealth-client"),
        ("client_secret", "fake-ehealth-secret-not-real"),
        ("refresh_token", "fake-refresh-token-not-real"),
        ("custom_psk", "fake-custom-psk-not-real"),
        ("api_key", "fake-api-key-not-real"),
    ],
    scopes: &[
        "capitation_contracts:view",
        "capitation_contracts:create",
        "patients:view",
        "patients:create",
    ],
    token_format: TokenFormat::Opaque,
    token_life: Duration::from_secs(30 * 24 * 3600),
    success: 201,
    expiry_pointer: "/data/expires_at",
    wrong_unit: |seconds| seconds.saturating_mul(1000),
    token,
    resource,
    refuse,
};

const REQUIRED: [&str; 3] = ["client_id", "client_secret", "refresh_token"];

fn token(state: &mut State, request: &RecordedRequest) -> Result<Answer, Answer> {
    pass_gateway(state, request)?;
    let fields = token_fields(state, request)?;
    let sent = |name: &str| fields[name].as_str().unwrap_or_default();

    let ours = state.of(ME);
    if !ours.expects("client_id", sent("client_id"))
        || !ours.expects("client_secret", sent("client_secret"))
    {
        let message = "Invalid client id or secret.";
        return Err(refused(state, request, "invalid_client", message));
    }
    if !ours.expects("refresh_token", sent("refresh_token")) {
        return Err(refused(state, request, "token_not_found", "Token not found."));
    }
    if state.refresh_token_expired {
        return Err(refused(state, request, "token_expired", "Token expired."));
    }
    if state.access_revoked {
        let message = "Resource owner revoked access for the client.";
        return Err(refused(state, request, "access_denied", message));
    }

    let mut details = json!({
        "scope": state.of(ME).scopes.join(" "),
        "grant_type": "refresh_token",
        "client_id": sent("client_id"),
    });
    if state.refresh_tokens_rotate {
        details["refresh_token"] = rotate(state).into();
    }
    let grant = state.grant(ME);
    let data = json!({
        "value": grant.access_token,
        "user_id": "3ff33ced-69dc-415a-b231-c6446898335a",
        // The documents show this name, which says nothing about the token.
        "name": "change_password_token",
        "id": state.uuid(),
        "expires_at": grant.expires_at_ms / 1000,
        "details": details,
    });
    Ok(respond(state, request, 201, "data", data))
}

/// Replaces the refresh token; the old one dies.
pub(crate) fn rotate(state: &mut State) -> String {
    let fresh = format!("fake-rotated-refresh-token-{}", state.hex(32));
    state.of_mut(ME).set_credential("refresh_token", &fresh);
    fresh
}

/// The members of `token`, once all that must be there is.
fn token_fields(state: &mut State, request: &RecordedRequest) -> Result<Value, Answer> {
    let body = match request.is("application/json") {
        true => serde_json::from_slice(&request.body).unwrap_or(Value::Null),
        false => Value::Null,
    };
    let token = &body["token"];
    if !token.is_object() {
        let error = json!({"message": "Bad request: the body has no token."});
        return Err(respond(state, request, 400, "error", error));
    }
    // Of the grant the server asks first: which one it is decides what else is required.
    match token["grant_type"].as_str().filter(|grant| !grant.is_empty()) {
        None => {
            let invalid = vec![broken_rule("grant_type", "required", "can't be blank")];
            let message = "Request must include grant_type.";
            return Err(unprocessable(state, request, "request_malformed", message, invalid));
        }
        Some("refresh_token") => {}
        Some(_) => {
            return Err(refused(state, request, "invalid_grant", "Grant type not allowed."));
        }
    }
    let invalid: Vec<Value> = REQUIRED
        .iter()
        .filter_map(|name| match &token[name] {
            Value::Null => Some(broken_rule(name, "required", "can't be blank")),
            Value::String(value) if value.is_empty() => {
                Some(broken_rule(name, "required", "can't be blank"))
            }
            Value::String(_) => None,
            _ => Some(broken_rule(name, "cast", "is invalid")),
        })
        .collect();
    if !invalid.is_empty() {
        let message = "Validation failed.";
        return Err(unprocessable(state, request, "validation_failed", message, invalid));
    }
    Ok(token.clone())
}

fn broken_rule(name: &str, rule: &str, description: &str) -> Value {
    json!({"entry": format!("$.{name}"), "rules": [{"rule": rule, "description": description}]})
}

fn resource(state: &mut State, request: &RecordedRequest) -> Result<Answer, Answer> {
    pass_gateway(state, request)?;
    if !state.admits(ME, request) {
        let error = json!({"type": "access_denied", "message": "Invalid access token."});
        return Err(respond(state, request, 401, "error", error));
    }
    let data = json!([{"id": "fake-patient-1", "first_name": "Fake", "last_name": "Patient"}]);
    Ok(respond(state, request, 200, "data", data))
}

/// The gateway in front of everything. A wrong key never passes; a missing one does unless keys
/// are required, because not every installation has the gateway.
fn pass_gateway(state: &mut State, request: &RecordedRequest) -> Result<(), Answer> {
    let (status, error) = match key_fault(state, request) {
        None => return Ok(()),
        Some(KeyFault::NoApiKey) => (401, json!({"message": "API-KEY header required"})),
        Some(KeyFault::WrongApiKey) => {
            (403, json!({"type": "access_denied", "message": "Invalid API-KEY."}))
        }
        Some(KeyFault::Psk) => (403, json!({"type": "forbidden", "message": "Forbidden."})),
    };
    Err(respond(state, request, status, "error", error))
}

enum KeyFault {
    Psk,
    NoApiKey,
    WrongApiKey,
}

fn key_fault(state: &State, request: &RecordedRequest) -> Option<KeyFault> {
    match request.header("x-custom-psk") {
        Some(psk) if !state.of(ME).expects("custom_psk", psk) => return Some(KeyFault::Psk),
        None if state.gateway_keys_required => return Some(KeyFault::Psk),
        _ => {}
    }
    match request.header("api-key") {
        Some(key) if !state.of(ME).expects("api_key", key) => Some(KeyFault::WrongApiKey),
        None if state.gateway_keys_required => Some(KeyFault::NoApiKey),
        _ => None,
    }
}

fn refuse(state: &mut State, request: &RecordedRequest, refusal: Refusal) -> Answer {
    let (status, kind, message) = match refusal {
        Refusal::NotFound => (404, "not_found", "Not found."),
        Refusal::RateLimited => (429, "too_many_requests", "Too many requests."),
        Refusal::Outage => (503, "service_unavailable", "Service unavailable."),
    };
    respond(state, request, status, "error", json!({"type": kind, "message": message}))
}

/// The 401 that every OAuth failure gets.
fn refused(state: &mut State, request: &RecordedRequest, kind: &str, message: &str) -> Answer {
    if state.old_error_shape {
        // The older generation knew one word for every dead refresh token.
        let kind = if kind.starts_with("token_") { "invalid_grant" } else { kind };
        return Answer::json(401, &json!({"error": {kind: message}}));
    }
    respond(state, request, 401, "error", json!({"type": kind, "message": message}))
}

fn unprocessable(
    state: &mut State,
    request: &RecordedRequest,
    kind: &str,
    message: &str,
    invalid: Vec<Value>,
) -> Answer {
    let error = json!({"type": kind, "message": message, "invalid": invalid});
    respond(state, request, 422, "error", error)
}

fn respond(
    state: &mut State,
    request: &RecordedRequest,
    status: u16,
    member: &str,
    value: Value,
) -> Answer {
    let request_id = match request.header("x-request-id") {
        Some(sent) if !sent.is_empty() => sent.to_owned(),
        _ => format!("req-{}", state.hex(32)),
    };
    let kind = if value.is_array() { "list" } else { "object" };
    let url = format!("{}{}", state.origin, request.path);
    let meta = json!({"code": status, "url": url, "type": kind, "request_id": request_id});
    Answer::json(status, &json!({"meta": meta, member: value}))
}
