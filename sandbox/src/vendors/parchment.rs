//! Parchment Health.

use std::time::Duration;

use serde_json::{Value, json};

use super::behaviour::Behaviour;
use crate::answer::Answer;
use crate::player::Refusal;
use crate::request::RecordedRequest;
use crate::state::{State, TokenFormat};
use crate::vendor::Vendor;

const ME: Vendor = Vendor::Parchment;

pub(super) static BEHAVIOUR: Behaviour = Behaviour {
    base_path: "/external",
    token_path: "/external/v1/token",
    resource_path: "/external/v1/patients",
    credentials: &[
        ("partner_id", "fake-parchment-partner"),
        ("partner_secret", "fake-partner-secret-not-real"),
        ("organization_id", "fake-parchment-organization"),
        ("organization_secret", "fake-organization-secret-not-real"),
        ("user_id", "fake-parchment-user"),
    ],
    scopes: KNOWN_SCOPES,
    token_format: TokenFormat::Jwt,
    token_life: Duration::from_secs(3600),
    success: 200,
    expiry_pointer: "/data/expiresIn",
    wrong_unit: |seconds| seconds.saturating_mul(1000),
    token,
    resource,
    refuse,
};

const KNOWN_SCOPES: &[&str] = &[
    "create:patient",
    "read:patient",
    "update:patient",
    "read:patient_prescription",
    "create:user",
    "read:user",
    "read:users",
    "update:user",
    "delete:user",
    "read:custom_drug",
    "create:custom_drug",
    "update:custom_drug",
    "delete:custom_drug",
];

/// Header, the credential it carries, and what is said when it is wrong.
const HEADERS: [(&str, &str, &str); 5] = [
    ("x-partner-id", "partner_id", "Invalid partner credentials provided."),
    ("x-partner-secret", "partner_secret", "Invalid partner credentials provided."),
    ("x-organization-id", "organization_id", "Invalid organization credentials provided."),
    ("x-organization-secret", "organization_secret", "Invalid organization credentials provided."),
    ("x-user-id", "user_id", "Invalid user provided."),
];

fn token(state: &mut State, request: &RecordedRequest) -> Result<Answer, Answer> {
    for (header, credential, detail) in HEADERS {
        match request.header(header).unwrap_or_default() {
            "" => return Err(unauthorized(state, &format!("Missing required header {header}."))),
            sent if !state.of(ME).expects(credential, sent) => {
                return Err(unauthorized(state, detail));
            }
            _ => {}
        }
    }

    let requested =
        requested_scopes(request, &state.of(ME).scopes).map_err(|invalid| invalid.answer(state))?;
    let allowed = &state.of(ME).scopes;
    let granted: Vec<String> =
        requested.into_iter().filter(|scope| allowed.contains(scope)).collect();
    if granted.is_empty() {
        return Err(insufficient_scope(state));
    }

    let grant = state.grant(ME);
    let data = json!({
        "accessToken": grant.access_token,
        "expiresIn": grant.life.as_secs(),
        "tokenType": "Bearer",
        "scope": granted,
    });
    Ok(success(state, "Token generated successfully", data))
}

/// Why a body was refused.
enum Invalid {
    NotJson,
    Fields(Vec<Value>),
}

impl Invalid {
    fn answer(self, state: &mut State) -> Answer {
        match self {
            Invalid::NotJson => {
                let error = json!({
                    "type": "https://parchment.health/errors/bad-request",
                    "title": "Bad Request",
                    "detail": "The request body is not valid JSON.",
                });
                problem(state, 400, 400, error)
            }
            // The documents show these two numbers together, unlike as they are.
            Invalid::Fields(fields) => {
                let error = json!({
                    "type": "https://parchment.health/errors/validation-error",
                    "title": "Validation failed",
                    "detail": "There were some problems with your input.",
                    "validation": fields,
                });
                problem(state, 400, 422, error)
            }
        }
    }
}

/// The scopes that a valid body asks for. An allowed scope is known even when it is not
/// documented, because the vendor's list grows.
fn requested_scopes(request: &RecordedRequest, allowed: &[String]) -> Result<Vec<String>, Invalid> {
    let known = |scope: &str| KNOWN_SCOPES.contains(&scope) || allowed.iter().any(|s| s == scope);
    // A body of another type is not looked at, so all its fields count as missing.
    let body: Value = if request.is("application/json") {
        serde_json::from_slice(&request.body).map_err(|_| Invalid::NotJson)?
    } else {
        Value::Null
    };

    let mut invalid = Vec::new();
    let mut complain = |field: &str, message: String| {
        invalid.push(json!({"field": field, "message": message, "code": "VALIDATION_ERROR"}));
    };
    match &body["grantType"] {
        Value::Null => complain("grantType", "Required".to_owned()),
        Value::String(grant) if grant == "client_credentials" => {}
        _ => complain("grantType", "Invalid enum value. Expected 'client_credentials'".to_owned()),
    }
    let mut scopes = Vec::new();
    match &body["scope"] {
        Value::Null => complain("scope", "Required".to_owned()),
        Value::Array(list) if list.is_empty() => {
            complain("scope", "At least one scope is required".to_owned());
        }
        Value::Array(list) => {
            for scope in list {
                match scope.as_str().filter(|scope| known(scope)) {
                    Some(scope) => scopes.push(scope.to_owned()),
                    None => complain(
                        "scope",
                        format!("Invalid enum value. Expected '{}'", KNOWN_SCOPES.join("' | '")),
                    ),
                }
            }
        }
        _ => complain("scope", "Expected array".to_owned()),
    }
    if invalid.is_empty() { Ok(scopes) } else { Err(Invalid::Fields(invalid)) }
}

fn resource(state: &mut State, request: &RecordedRequest) -> Result<Answer, Answer> {
    if !state.admits(ME, request) {
        return Err(unauthorized(state, "Invalid or expired access token."));
    }
    let secret = request.header("x-organization-secret").unwrap_or_default();
    if !state.of(ME).expects("organization_secret", secret) {
        return Err(unauthorized(state, "Invalid organization credentials provided."));
    }
    let data = json!([{"id": "fake-patient-1", "firstName": "Fake", "lastName": "Patient"}]);
    Ok(success(state, "Patients retrieved successfully", data))
}

fn refuse(state: &mut State, _: &RecordedRequest, refusal: Refusal) -> Answer {
    let (status, kind, title, detail) = match refusal {
        Refusal::NotFound => (404, "not-found", "Not Found", "No such endpoint."),
        Refusal::RateLimited => (429, "rate-limit", "Too Many Requests", "Rate limit exceeded."),
        Refusal::Outage => {
            (503, "service-unavailable", "Service Unavailable", "Please try again later.")
        }
    };
    let kind = format!("https://parchment.health/errors/{kind}");
    problem(state, status, status, json!({"type": kind, "title": title, "detail": detail}))
}

fn unauthorized(state: &mut State, detail: &str) -> Answer {
    let error = json!({
        "type": "https://parchment.health/errors/authentication-required",
        "title": "Unauthorized",
        "detail": detail,
    });
    problem(state, 401, 401, error)
}

fn insufficient_scope(state: &mut State) -> Answer {
    let error = json!({
        "type": "https://parchment.health/errors/insufficient-scope",
        "title": "Forbidden",
        "detail": "None of the requested scopes is approved for your organization.",
    });
    problem(state, 403, 403, error)
}

fn success(state: &mut State, message: &str, data: Value) -> Answer {
    let body = json!({
        "success": true,
        "statusCode": 200,
        "message": message,
        "data": data,
        "timestamp": state.timestamp(),
        "requestId": request_id(state),
        "meta": {"apiVersion": "1.0", "responseTime": 125},
    });
    Answer::json(200, &body)
}

fn problem(state: &mut State, status: u16, status_in_body: u16, error: Value) -> Answer {
    // The format of request ids is not fixed; the documents show this one for input errors.
    let request_id = match status_in_body {
        422 => format!("1-{}-{}", state.hex(8), state.hex(24)),
        _ => request_id(state),
    };
    let body = json!({
        "success": false,
        "statusCode": status_in_body,
        "error": error,
        "timestamp": state.timestamp(),
        "requestId": request_id,
        "meta": {"apiVersion": "1.0"},
    });
    Answer::json(status, &body)
}

fn request_id(state: &mut State) -> String {
    format!("req_{}_{}", state.now_ms(), state.hex(8))
}
