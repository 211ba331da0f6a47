//! What a refusal means: the profile's rules, then RFC 6749 §5.2, then the HTTP status.

use std::borrow::Cow;

use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::json::{Defect, Json};
use crate::profile::redact::{MAX_CODE, id_at, plain};
use crate::profile::vocabulary::{Code, CodeAt, Definition, STANDARD_RULES};
use crate::transport::Response;

/// Adds whose answer it is and its status.
pub(super) fn with_answer(error: Error, definition: &Definition, response: &Response) -> Error {
    error.with_vendor(&definition.name).with_status(response.status())
}

/// The error for a refusal. `secrets` are those of the request and of the answer.
pub(super) fn error_of(
    definition: &Definition,
    response: &Response,
    json: Result<&Json, &Defect>,
    secrets: &[&str],
) -> Error {
    let refusals = &definition.refusals;
    let http_status = response.status();
    let body = json.ok();
    let status = refusals
        .status
        .as_ref()
        .and_then(|pointer| match body?.at(&pointer.0)? {
            Json::Integer(status) => u16::try_from(*status).ok().filter(|s| *s >= 400),
            _ => None,
        })
        .unwrap_or(http_status);
    let code = body.and_then(|json| refusals.codes.iter().find_map(|at| code_at(json, at)));
    let code = code.as_deref();
    let faults = body.map(|json| faults(definition, json)).unwrap_or_default();

    let rule = refusals.rules.iter().find(|rule| {
        (rule.statuses.is_empty() || rule.statuses.contains(&status))
            && match &rule.code {
                Code::Any => true,
                Code::Absent => code.is_none() && body.is_some(),
                Code::OneOf(wanted) => code.is_some_and(|code| wanted.iter().any(|w| **w == *code)),
            }
            && rule.field.as_deref().is_none_or(|wanted| faults.contains(&wanted))
    });
    // A redirect is a redirect, whatever its body says.
    let is_redirect = (300..400).contains(&http_status);
    let standard = || STANDARD_RULES.iter().find(|(known, _)| code == Some(*known));
    let kind = match rule.map(|rule| rule.kind).or_else(|| Some(standard()?.1)) {
        Some(kind) if !is_redirect => kind,
        _ => kind_of_status(status),
    };
    let mut error = with_answer(Error::new(kind, ErrorPhase::Read), definition, response)
        .with_vendor_code(code.and_then(|code| plain(code, MAX_CODE, secrets)))
        .with_request_id(id_at(response, body, refusals.request_id.as_ref(), secrets));
    if let Some(remedy) = rule.and_then(|rule| rule.remedy.as_deref()) {
        error = error.with_remedy(remedy.to_owned());
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

fn code_at<'a>(json: &'a Json, at: &CodeAt) -> Option<Cow<'a, str>> {
    let text = match at {
        CodeAt::Text(pointer) => match json.at(&pointer.0)? {
            Json::Integer(number) => return Some(Cow::Owned(number.to_string())),
            found => found.text(),
        },
        CodeAt::LastSegment(pointer) => {
            json.text_at(&pointer.0)?.trim_end_matches('/').rsplit('/').next()
        }
        CodeAt::Key(pointer) => match json.at(&pointer.0)? {
            Json::Object(members) => match members.as_slice() {
                [(key, _)] => key.expose_text().filter(|key| *key != "message"),
                _ => None,
            },
            _ => None,
        },
    };
    text.filter(|code| !code.is_empty()).map(Cow::Borrowed)
}

/// The listed faulty fields that are ours: parameters and `scope`.
fn faults<'a>(definition: &'a Definition, json: &Json) -> Vec<&'a str> {
    let Some((list, name)) = &definition.refusals.faults else { return Vec::new() };
    let Some(Json::Array(items)) = json.at(&list.0) else { return Vec::new() };
    let named: Vec<&str> = items.iter().filter_map(|item| item.text_at(&name.0)).collect();
    let known = definition.parameters.iter().map(|parameter| &*parameter.name);
    let is_named = |ours: &&str| {
        // `$.token.refresh_token`, `scope[0]` and `scope` all name a field.
        let mut parts = named.iter().flat_map(|name| name.split(['.', '[', ']', '$', '/']));
        parts.any(|part| part == *ours)
    };
    known.chain(["scope"]).filter(is_named).collect()
}
