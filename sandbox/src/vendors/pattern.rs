//! Pattern Health.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::behaviour::Behaviour;
use crate::answer::{Answer, TEXT};
use crate::player::Refusal;
use crate::request::RecordedRequest;
use crate::state::{State, TokenFormat};
use crate::vendor::Vendor;

const ME: Vendor = Vendor::Pattern;

pub(super) static BEHAVIOUR: Behaviour = Behaviour {
    base_path: "",
    token_path: "/api/auth/token",
    resource_path: "/api/groups",
    credentials: &[
        ("client_id", "fake-pattern-client"),
        ("client_secret", "fake-pattern-secret-not-real"),
    ],
    scopes: &[],
    token_format: TokenFormat::Jwt,
    token_life: Duration::from_secs(3600),
    success: 200,
    expiry_pointer: "/expires_in",
    wrong_unit: |milliseconds| milliseconds / 1000,
    token,
    resource,
    refuse,
};

fn token(state: &mut State, request: &RecordedRequest) -> Result<Answer, Answer> {
    if !client_is_known(state, request) {
        return Err(error(401, "invalid_client", "Client authentication failed.")
            .header("www-authenticate", "Basic realm=\"fake\""));
    }
    if !accepts_json(request) {
        return Err(error(422, "invalid_request", "Accept must be application/json."));
    }
    let fields = request.form().map_err(|why| error(422, "invalid_request", why))?;
    match fields.get("grant_type").map(String::as_str).unwrap_or_default() {
        "client_credentials" => {}
        "" => return Err(error(422, "invalid_request", "grant_type is required.")),
        _ => return Err(error(422, "unsupported_grant_type", "grant_type is not supported.")),
    }

    let grant = state.grant(ME);
    let body = json!({
        "access_token": grant.access_token,
        "expires_in": u64::try_from(grant.life.as_millis()).unwrap_or(u64::MAX),
        "token_type": "bearer",
    });
    Ok(Answer::json(200, &body))
}

fn client_is_known(state: &State, request: &RecordedRequest) -> bool {
    let pair = request
        .authorization("basic")
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .and_then(|decoded| String::from_utf8(decoded).ok());
    // A client id ends at the first colon (RFC 7617); a secret may hold more of them.
    pair.as_deref().and_then(|pair| pair.split_once(':')).is_some_and(|(id, secret)| {
        let ours = state.of(ME);
        ours.expects("client_id", id) && ours.expects("client_secret", secret)
    })
}

fn accepts_json(request: &RecordedRequest) -> bool {
    let accept = request.header("accept").unwrap_or_default();
    accept.split([',', ';']).any(|range| range.trim().eq_ignore_ascii_case("application/json"))
}

fn resource(state: &mut State, request: &RecordedRequest) -> Result<Answer, Answer> {
    if !state.admits(ME, request) {
        return Err(Answer::with(401, TEXT, "Unauthorized"));
    }
    Ok(Answer::json(200, &json!([{"id": "fake-group-1", "name": "Fake group"}])))
}

/// No error body is documented: these are plain text, the token endpoint's are RFC 6749 §5.2.
fn refuse(_: &mut State, _: &RecordedRequest, refusal: Refusal) -> Answer {
    match refusal {
        Refusal::NotFound => Answer::with(404, TEXT, "Not Found"),
        Refusal::RateLimited => Answer::with(429, TEXT, "Too Many Requests"),
        Refusal::Outage => Answer::with(503, TEXT, "Service Unavailable"),
    }
}

fn error(status: u16, code: &str, description: &str) -> Answer {
    Answer::json(status, &json!({"error": code, "error_description": description}))
}
