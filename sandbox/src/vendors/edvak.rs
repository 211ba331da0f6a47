//! Edvak (CCDA API).

use std::time::Duration;

use serde_json::json;

use super::behaviour::Behaviour;
use crate::answer::{Answer, HTML};
use crate::player::Refusal;
use crate::request::RecordedRequest;
use crate::state::{State, TokenFormat};
use crate::vendor::Vendor;

const ME: Vendor = Vendor::Edvak;

pub(super) static BEHAVIOUR: Behaviour = Behaviour {
    base_path: "",
    token_path: "/ccda/ccda/generate-token",
    resource_path: "/ccda/ccda/retrieve",
    // The odd characters are those that a form must escape.
    credentials: &[
        ("client_id", "fake-edvak-client"),
        ("client_secret", "fake-edvak-secret+not/real="),
        ("username", "fake.clinician@example.invalid"),
        ("password", "fake+pass & 100% not='real'?"),
    ],
    scopes: &[
        "patient/MedicationDispense.rs",
        "profile",
        "patient/Patient.rs",
        "tenant",
        "patient/ServiceRequest.rs",
        "patient",
        "fhirUser",
        "patient/Coverage.rs",
        "email",
    ],
    token_format: TokenFormat::Jwt,
    token_life: Duration::from_secs(900),
    success: 200,
    expiry_pointer: "/token/expires_in",
    wrong_unit: |seconds| seconds.saturating_mul(1000),
    token,
    resource,
    refuse,
};

const FIELDS: [&str; 4] = ["client_id", "client_secret", "username", "password"];

const REFRESH_SECONDS: u64 = 8_208_000;

fn token(state: &mut State, request: &RecordedRequest) -> Result<Answer, Answer> {
    let fields = request.form().map_err(|why| error(400, why))?;
    // Only what the documents name is sent to a vendor whose parser nobody has seen.
    if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(error(400, &format!("unexpected field {name}")));
    }
    let sent = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if let Some(name) = FIELDS.iter().find(|name| sent(name).is_empty()) {
        return Err(error(400, &format!("{name} is required")));
    }

    let right = |name: &str| state.of(ME).expects(name, sent(name));
    if !right("client_id") || !right("client_secret") {
        return Err(error(403, "Invalid client credentials"));
    }
    if !right("username") {
        return Err(error(403, "Invalid user credentials"));
    }
    if state.account_locked() {
        return Err(error(403, "Account locked"));
    }
    if !right("password") {
        state.bad_passwords += 1;
        return Err(error(403, "Invalid user credentials"));
    }
    state.bad_passwords = 0;

    let grant = state.grant(ME);
    let refresh_expiry = state.now_ms() + REFRESH_SECONDS * 1000;
    let body = json!({
        "message": "Token generated successfully",
        "token": {
            "access_token": grant.access_token,
            "expires_in": grant.life.as_secs(),
            "refresh_expires_in": REFRESH_SECONDS,
            "refresh_token": state.jwt(ME, refresh_expiry),
            "token_type": "Bearer",
            "not-before-policy": 1_741_856_296,
            "session_state": state.uuid(),
            "scope": state.of(ME).scopes.join(" "),
            "patient": "3",
            "tenant": "TENANT_AB",
        },
    });
    Ok(Answer::json(200, &body))
}

fn resource(state: &mut State, request: &RecordedRequest) -> Result<Answer, Answer> {
    if !state.admits(ME, request) {
        return Err(error(403, "Forbidden"));
    }
    Ok(Answer::json(200, &json!({"message": "CCDA retrieved successfully", "documents": []})))
}

fn refuse(_: &mut State, _: &RecordedRequest, refusal: Refusal) -> Answer {
    match refusal {
        Refusal::NotFound => error(404, "Not Found"),
        Refusal::RateLimited => error(429, "Too Many Requests"),
        // No error body is documented, so one of the shapes a client must bear is a proxy's page.
        Refusal::Outage => Answer::with(
            503,
            HTML,
            "<html><head><title>503 Service Temporarily Unavailable</title></head></html>",
        ),
    }
}

fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({"message": message}))
}
