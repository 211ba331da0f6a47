//! What a refusal means: the profile's rules, then the HTTP status.

use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::json::{Defect, Json};
use crate::profile::redact::{MAX_CODE, id_at, plain};
use crate::profile::vocabulary::{Code, CodeAt, Profile};
use crate::transport::Response;

/// Adds whose answer it is and its status.
pub(super) fn with_answer(error: Error, profile: &Profile, response: &Response) -> Error {
    error.with_vendor(profile.vendor).with_status(response.status())
}

/// The error for a refusal. `secrets` are those of the request and of the answer.
pub(super) fn error_of(
    profile: &Profile,
    response: &Response,
    json: Result<&Json, &Defect>,
    secrets: &[&str],
) -> Error {
    let refusals = &profile.refusals;
    let http_status = response.status();
    let body = json.ok();
    let status = refusals
        .status
        .and_then(|path| match body?.at(path)? {
            Json::Integer(status) => u16::try_from(*status).ok().filter(|s| *s >= 400),
            _ => None,
        })
        .unwrap_or(http_status);
    let code = body.and_then(|json| refusals.codes.iter().find_map(|at| code_at(json, at)));
    let faults = body.map(|json| faults(profile, json)).unwrap_or_default();

    let rule = refusals.rules.iter().find(|rule| {
        rule.status.is_none_or(|wanted| wanted == status)
            && match rule.code {
                Code::Any => true,
                Code::Absent => code.is_none() && body.is_some(),
                Code::Is(wanted) => code == Some(wanted),
            }
            && rule.fault.is_none_or(|wanted| faults.contains(&wanted))
    });
    // A redirect is a redirect, whatever its body says.
    let is_redirect = (300..400).contains(&http_status);
    let kind = match rule.filter(|_| !is_redirect) {
        Some(rule) => rule.kind,
        None => kind_of_status(status),
    };
    let mut error = with_answer(Error::new(kind, ErrorPhase::Read), profile, response)
        .with_vendor_code(code.and_then(|code| plain(code, MAX_CODE, secrets)))
        .with_request_id(body.and_then(|json| id_at(json, refusals.request_id, secrets)));
    if let Some(remedy) = rule.and_then(|rule| rule.remedy) {
        error = error.with_remedy(remedy);
    }
    let detail = match json {
        _ if !faults.is_empty() => Some(format!(" ({})", faults.join(", "))),
        Err(defect) if *defect != Defect::Empty => Some(format!("; the answer {defect}")),
        _ => None,
    };
    match detail {
        Some(detail) => {
            let message = format!("{}{detail}", error.message());
            error.with_message(message)
        }
        None => error,
    }
}

/// RFC 9110 §15 and RFC 6585, for a token endpoint.
fn kind_of_status(status: u16) -> ErrorKind {
    match status {
        300..400 => ErrorKind::Redirected,
        401 => ErrorKind::CredentialsRejected,
        403 => ErrorKind::AccessDenied,
        404 | 410 => ErrorKind::EndpointNotFound,
        407 | 511 => ErrorKind::Proxy,
        408 | 425 => ErrorKind::Unavailable,
        429 => ErrorKind::RateLimited,
        400..500 => ErrorKind::RequestRefused,
        500..600 => ErrorKind::Unavailable,
        _ => ErrorKind::UnexpectedStatus,
    }
}

fn code_at<'a>(json: &'a Json, at: &CodeAt) -> Option<&'a str> {
    match at {
        CodeAt::Text(path) => json.text_at(path),
        CodeAt::LastSegment(path) => json.text_at(path)?.trim_end_matches('/').rsplit('/').next(),
        CodeAt::Key(path) => match json.at(path)? {
            Json::Object(members) => match members.as_slice() {
                [(key, _)] => key.expose_text().filter(|key| *key != "message"),
                _ => None,
            },
            _ => None,
        },
    }
    .filter(|code| !code.is_empty())
}

/// The listed faulty fields that are ours: credentials and `scope`.
fn faults(profile: &Profile, json: &Json) -> Vec<&'static str> {
    let Some(at) = &profile.refusals.faults else { return Vec::new() };
    let Some(Json::Array(items)) = json.at(at.list) else { return Vec::new() };
    let named: Vec<&str> = items.iter().filter_map(|item| item.text_at(&[at.field])).collect();
    let known = profile.credentials.iter().map(|credential| credential.name);
    let is_named = |ours: &&str| {
        // `$.token.refresh_token`, `scope[0]` and `scope` all name a field.
        let mut parts = named.iter().flat_map(|name| name.split(['.', '[', ']', '$', '/']));
        parts.any(|part| part == *ours)
    };
    known.chain(["scope"]).filter(is_named).collect()
}
