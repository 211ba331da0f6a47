//! Profile and answer in, grant out, or the vendor's error.
//!
//! No part of a body reaches an error: only codes that look like codes, ids that look like ids, and
//! the names of fields that the profile itself knows.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::json::{Defect, Json};
use crate::life::expiry::End;
use crate::memory::{Secret, SecretBuf};
use crate::profile::{Code, CodeAt, ExpiryKind, Path, Profile};
use crate::transport::Response;

/// What a successful answer grants, as the vendor wrote it.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) access_token: SecretBuf,
    pub(crate) refresh_token: Option<SecretBuf>,
    /// `None` where the answer names no scopes: as requested then (RFC 6749 §5.1).
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) end: End,
    pub(crate) request_id: Option<Box<str>>,
    pub(crate) extras: Vec<(&'static str, SecretBuf)>,
}

/// What an answer says.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The refresh token of a success, also where the rest of it cannot be used: the old one may be
    /// dead already.
    pub(crate) refresh_token: Option<SecretBuf>,
    pub(crate) grant: Result<Grant, Error>,
}

/// Reads an answer. `secrets` are those of the request: an id or code that repeats one of them, or a
/// token of this answer, is dropped.
pub(crate) fn read(profile: &Profile, response: &Response, secrets: &[&Secret]) -> Reading {
    let parsed = Json::parse(response.body().expose_secret());
    let grant = read_grant(profile, response, &parsed, secrets);
    let is_success = profile.answer.success.contains(&response.status());
    let refresh_token = match (&grant, &parsed, profile.answer.refresh_token) {
        (Ok(grant), ..) => grant.refresh_token.clone(),
        (Err(_), Ok(json), Some(path)) if is_success && is_flagged(profile, json) => {
            json.text_at(path).filter(|text| !text.is_empty()).map(SecretBuf::from)
        }
        _ => None,
    };
    Reading { refresh_token, grant }
}

/// Whether the body says that it is a success, where the vendor has a flag for that.
fn is_flagged(profile: &Profile, json: &Json) -> bool {
    profile.answer.success_flag.is_none_or(|flag| matches!(json.at(flag), Some(Json::Bool(true))))
}

fn read_grant(
    profile: &Profile,
    response: &Response,
    parsed: &Result<Json, Defect>,
    secrets: &[&Secret],
) -> Result<Grant, Error> {
    let tokens = [Some(profile.answer.access_token), profile.answer.refresh_token];
    let tokens =
        tokens.into_iter().flatten().filter_map(|path| parsed.as_ref().ok()?.text_at(path));
    let secrets: Vec<&str> =
        secrets.iter().map(|secret| secret.expose_secret()).chain(tokens).collect();
    let secrets = secrets.as_slice();
    let status_is_right = profile.answer.success.contains(&response.status());
    let failure = || error_of(profile, response, parsed.as_ref(), secrets);
    if !status_is_right {
        return Err(failure());
    }
    let json = parsed.as_ref().map_err(|defect| unreadable(*defect).with_status(response.status()));
    let json = json.map_err(|error| error.with_vendor(profile.vendor))?;
    if let Some(flag) = profile.answer.success_flag {
        match json.at(flag) {
            Some(Json::Bool(true)) => {}
            Some(Json::Bool(false)) => return Err(failure()),
            found => {
                return Err(malformed(profile, response, flag, Problem::of(found, "a boolean")));
            }
        }
    }
    grant(profile, response, json, secrets)
}

fn grant(
    profile: &Profile,
    response: &Response,
    json: &Json,
    secrets: &[&str],
) -> Result<Grant, Error> {
    let answer = &profile.answer;
    let wrong = |path, problem| malformed(profile, response, path, problem);
    let optional_text =
        |path: Option<Path>| match path.and_then(|path| Some((path, json.at(path)?))) {
            None => Ok(None),
            Some((path, found)) => match found.text() {
                Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
                None => Err(wrong(path, Problem::of(Some(found), "a string"))),
            },
        };

    let access_token = match optional_text(Some(answer.access_token))? {
        Some(token) if is_graphic(token) => token,
        Some(_) => return Err(wrong(answer.access_token, Problem::NotAToken)),
        None => return Err(wrong(answer.access_token, Problem::Missing)),
    };
    if let (Some(path), Some(token_type)) = (answer.token_type, optional_text(answer.token_type)?) {
        if !token_type.eq_ignore_ascii_case("bearer") {
            return Err(wrong(path, Problem::NotBearer));
        }
    }
    let refresh_token = optional_text(answer.refresh_token)?;
    let scopes = match answer.scope.and_then(|path| Some((path, json.at(path)?))) {
        None => None,
        Some((path, found)) => {
            Some(scopes(found).ok_or_else(|| wrong(path, Problem::of(Some(found), "scopes")))?)
        }
    };
    let end = end(profile, json.at(answer.expiry.path)).map_err(|problem| {
        with_answer(Error::new(ErrorKind::InvalidLifetime, ErrorPhase::Read), profile, response)
            .with_message(format!("{} {problem}", answer.expiry.path.join(".")))
    })?;
    let extras = answer.extras.iter();
    let extras = extras.filter_map(|(name, path)| Some((*name, scalar_text(json.at(path)?)?)));
    let extras = extras.collect();
    let request_id = id_at(json, answer.request_id, secrets);
    let access_token = SecretBuf::from(access_token);
    let refresh_token = refresh_token.map(SecretBuf::from);
    Ok(Grant { access_token, refresh_token, scopes, end, request_id, extras })
}

/// Looks at every byte, since that takes many at a time.
fn is_graphic(text: &str) -> bool {
    text.bytes().fold(true, |all, byte| all & byte.is_ascii_graphic())
}

/// An array of strings, or one string with spaces in between (RFC 6749 §3.3).
fn scopes(json: &Json) -> Option<Vec<String>> {
    match json {
        Json::Array(items) => items.iter().map(|item| item.text().map(str::to_owned)).collect(),
        _ => Some(json.text()?.split_ascii_whitespace().map(str::to_owned).collect()),
    }
}

fn scalar_text(json: &Json) -> Option<SecretBuf> {
    match json {
        Json::Text(text) => Some(text.clone()),
        Json::Integer(number) => Some(number.to_string().as_str().into()),
        Json::Number(number) => Some(number.to_string().as_str().into()),
        Json::Bool(value) => Some(value.to_string().as_str().into()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn end(profile: &Profile, json: Option<&Json>) -> Result<End, &'static str> {
    let expiry = &profile.answer.expiry;
    let count = match json {
        None => return Err("is missing"),
        Some(Json::Integer(number)) => *number,
        Some(Json::Number(number)) => return Err(not_whole(*number)),
        // Some servers write numbers as strings.
        Some(Json::Text(text)) => {
            let text = text.expose_text().unwrap_or_default().trim();
            match (text.parse::<i64>(), text.parse::<f64>().map(Json::of_number)) {
                (Ok(number), _) | (_, Ok(Json::Integer(number))) => number,
                (_, Ok(Json::Number(number))) => return Err(not_whole(number)),
                _ => return Err("is not a number"),
            }
        }
        Some(_) => return Err("is not a number"),
    };
    match count {
        ..0 => return Err("is negative"),
        0 => return Err("is zero"),
        1.. => {}
    }
    let milliseconds = count.checked_mul(expiry.unit.milliseconds()).ok_or("is out of range")?;
    Ok(match expiry.kind {
        ExpiryKind::In => End::In(Duration::from_millis(milliseconds.unsigned_abs())),
        ExpiryKind::At => End::At(milliseconds),
    })
}

fn not_whole(number: f64) -> &'static str {
    match number {
        n if n.is_finite() && n < 0.0 => "is negative",
        n if n.is_finite() && n.fract() != 0.0 => "is not a whole number",
        _ => "is out of range",
    }
}

/// What is wrong with a member that the profile names.
enum Problem {
    Missing,
    Not { wanted: &'static str, found: &'static str },
    NotAToken,
    NotBearer,
}

impl Problem {
    fn of(found: Option<&Json>, wanted: &'static str) -> Self {
        let found = match found {
            None => return Problem::Missing,
            Some(Json::Null) => "null",
            Some(Json::Bool(_)) => "a boolean",
            Some(Json::Integer(_) | Json::Number(_)) => "a number",
            Some(Json::Text(_)) => "a string",
            Some(Json::Array(_)) => "an array",
            Some(Json::Object(_)) => "an object",
        };
        Problem::Not { wanted, found }
    }
}

fn malformed(profile: &Profile, response: &Response, path: Path, problem: Problem) -> Error {
    let path = path.join(".");
    let message = match problem {
        Problem::Missing => format!("the answer has no {path}"),
        Problem::Not { wanted, found } => format!("the answer's {path} is {found}, not {wanted}"),
        Problem::NotAToken => {
            format!("the answer's {path} has characters that no bearer token can have")
        }
        Problem::NotBearer => format!("the answer's {path} is not bearer"),
    };
    with_answer(Error::new(ErrorKind::AnswerMalformed, ErrorPhase::Read), profile, response)
        .with_message(message)
}

fn unreadable(defect: Defect) -> Error {
    let kind = match defect {
        Defect::TooDeep | Defect::DuplicateKey => ErrorKind::AnswerMalformed,
        _ => ErrorKind::AnswerNotJson,
    };
    Error::new(kind, ErrorPhase::Read).with_message(format!("the answer {defect}"))
}

fn with_answer(error: Error, profile: &Profile, response: &Response) -> Error {
    error.with_vendor(profile.vendor).with_status(response.status())
}

/// What a refusal means.
fn error_of(
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

const MAX_CODE: usize = 64;
const MAX_ID: usize = 128;

fn id_at(json: &Json, path: Option<Path>, secrets: &[&str]) -> Option<Box<str>> {
    plain(json.text_at(path?)?, MAX_ID, secrets)
}

/// The text, if it is short, plain and shares no piece with a secret.
fn plain(text: &str, longest: usize, secrets: &[&str]) -> Option<Box<str>> {
    let is_plain = (1..=longest).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:+/=".contains(&b));
    (is_plain && !secrets.iter().any(|secret| shares_a_piece(text, secret))).then(|| text.into())
}

/// Whether `text` holds eight bytes in a row of `secret`, or all of a shorter one: as it is, in hex,
/// or in Base64. Other encodings of it need characters that no plain text has.
fn shares_a_piece(text: &str, secret: &str) -> bool {
    let is_in = |text: &[u8], form: &[u8]| {
        let piece = form.len().min(PIECE);
        form.windows(piece).any(|known| text.windows(piece).any(|found| found == known))
    };
    if secret.len() < SHORTEST_SECRET {
        return false;
    }
    if is_in(text.as_bytes(), secret.as_bytes()) {
        return true;
    }
    let mut hex = SecretBuf::with_capacity(2 * secret.len());
    for byte in secret.bytes() {
        hex.push(&[byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]));
    }
    // Base64 looks different at each offset within a group of three bytes.
    let base64 = |offset: usize| {
        let mut shifted = SecretBuf::with_capacity(offset + secret.len());
        shifted.push(&[0; 2][..offset]);
        shifted.push(secret.as_bytes());
        let (mut encoded, length) = (SecretBuf::default(), 4 * shifted.len().div_ceil(3));
        // There is room for all of it.
        let _ = encoded.append(length, |room| STANDARD.encode_slice(shifted.expose_secret(), room));
        // Characters at the ends hold bits of the neighbours.
        encoded.truncate(4 * shifted.len() / 3);
        encoded.remove_first((4 * offset).div_ceil(3));
        encoded
    };
    let standard = text.replace('-', "+").replace('_', "/");
    is_in(text.to_ascii_lowercase().as_bytes(), hex.expose_secret())
        || (0..3).any(|offset| is_in(standard.as_bytes(), base64(offset).expose_secret()))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

const PIECE: usize = 8;
/// Anything shorter occurs in ids by chance.
const SHORTEST_SECRET: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::{ehealth, parchment, pattern};

    fn answer(profile: &Profile, status: u16, body: &str) -> Result<Grant, Error> {
        let response = Response::new(status, &[], SecretBuf::from(body.as_bytes()));
        read(profile, &response, &[]).grant
    }

    fn pattern_life(expires_in: &str) -> Result<End, Error> {
        let body = format!(r#"{{"access_token":"fake-token"{expires_in}}}"#);
        answer(&pattern::PROFILE, 200, &body).map(|grant| grant.end)
    }

    #[test]
    fn lifetimes_are_read_in_the_profiles_unit() {
        let hour = Ok(End::In(Duration::from_secs(3600)));
        for written in [
            "3600000",
            "\"3600000\"",
            "\" 3600000 \"",
            "3600000.0",
            "3.6e6",
            "\"3600000.0\"",
            "\"3.6e6\"",
        ] {
            let end = pattern_life(&format!(r#","expires_in":{written}"#));
            assert_eq!(end.map_err(|e| e.to_string()), hour, "{written}");
        }
    }

    #[test]
    fn a_senseless_lifetime_is_told_apart() {
        for (written, expected) in [
            ("", "is missing"),
            (r#","expires_in":null"#, "is missing"),
            (r#","expires_in":-1"#, "is negative"),
            (r#","expires_in":-0.5"#, "is negative"),
            (r#","expires_in":0"#, "is zero"),
            (r#","expires_in":"0""#, "is zero"),
            (r#","expires_in":3600.5"#, "is not a whole number"),
            (r#","expires_in":"3600.5""#, "is not a whole number"),
            (r#","expires_in":1e300"#, "is out of range"),
            (r#","expires_in":18446744073709551615"#, "is out of range"),
            (r#","expires_in":"99999999999999999999""#, "is out of range"),
            (r#","expires_in":"NaN""#, "is out of range"),
            (r#","expires_in":"soon""#, "is not a number"),
            (r#","expires_in":"""#, "is not a number"),
            (r#","expires_in":true"#, "is not a number"),
            (r#","expires_in":[3600000]"#, "is not a number"),
        ] {
            let error = pattern_life(written).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidLifetime, "{written}");
            assert_eq!(error.message(), format!("expires_in {expected}"), "{written}");
        }
        let far = r#"{"data":{"value":"fake","expires_at":9223372036854775807}}"#;
        let error = answer(&ehealth::PROFILE, 201, far).unwrap_err();
        assert_eq!(error.message(), "data.expires_at is out of range");
    }

    #[test]
    fn an_answer_of_another_shape_names_the_member() {
        for (body, expected) in [
            ("{}", "the answer has no access_token"),
            ("[]", "the answer has no access_token"),
            ("3", "the answer has no access_token"),
            (r#"{"access_token":null}"#, "the answer has no access_token"),
            (r#"{"access_token":""}"#, "the answer has no access_token"),
            (r#"{"access_token":5}"#, "the answer's access_token is a number, not a string"),
            (r#"{"access_token":{}}"#, "the answer's access_token is an object, not a string"),
            (
                r#"{"access_token":"fake\r\nx: y"}"#,
                "the answer's access_token has characters that no bearer token can have",
            ),
            (
                r#"{"access_token":"fake","token_type":"mac"}"#,
                "the answer's token_type is not bearer",
            ),
            (
                r#"{"access_token":"fake","token_type":1}"#,
                "the answer's token_type is a number, not a string",
            ),
        ] {
            let error = answer(&pattern::PROFILE, 200, body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AnswerMalformed, "{body}");
            assert_eq!(error.message(), expected);
            assert_eq!(error.http_status(), Some(200));
        }
        let error = answer(&parchment::PROFILE, 200, r#"{"data":{}}"#).unwrap_err();
        assert_eq!(error.message(), "the answer has no success");
        let error = answer(&parchment::PROFILE, 200, r#"{"success":"yes"}"#).unwrap_err();
        assert_eq!(error.message(), "the answer's success is a string, not a boolean");
    }

    #[test]
    fn an_answer_that_is_no_json_says_what_it_is_instead() {
        for (body, kind, expected) in [
            ("", ErrorKind::AnswerNotJson, "the answer is empty"),
            ("<html>", ErrorKind::AnswerNotJson, "the answer is HTML"),
            ("OK", ErrorKind::AnswerNotJson, "the answer is not JSON"),
            (
                "{\"access_token\":",
                ErrorKind::AnswerNotJson,
                "the answer is JSON cut off before its end",
            ),
            (
                "{\"access_token\":\"a\",\"access_token\":\"b\"}",
                ErrorKind::AnswerMalformed,
                "the answer has the same key twice in one object",
            ),
            (
                "{\"a\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}",
                ErrorKind::AnswerMalformed,
                "the answer is nested too deeply",
            ),
        ] {
            let error = answer(&pattern::PROFILE, 200, body).unwrap_err();
            assert_eq!((error.kind(), error.message()), (kind, expected));
        }
    }

    #[test]
    fn a_status_decides_where_no_rule_does() {
        for (status, kind) in [
            (200, ErrorKind::UnexpectedStatus),
            (204, ErrorKind::UnexpectedStatus),
            (301, ErrorKind::Redirected),
            (307, ErrorKind::Redirected),
            (400, ErrorKind::RequestRefused),
            (404, ErrorKind::EndpointNotFound),
            (405, ErrorKind::RequestRefused),
            (408, ErrorKind::Unavailable),
            (409, ErrorKind::RequestRefused),
            (422, ErrorKind::RequestRefused),
            (429, ErrorKind::RateLimited),
            (500, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
            (599, ErrorKind::Unavailable),
            (700, ErrorKind::UnexpectedStatus),
        ] {
            // eHealth's only success is 201.
            let error = answer(&ehealth::PROFILE, status, "").unwrap_err();
            assert_eq!((error.kind(), error.http_status()), (kind, Some(status)));
        }
    }

    #[test]
    fn a_refresh_token_is_found_in_every_success_and_in_no_refusal() {
        let found = |profile: &Profile, status, body: &str| {
            let response = Response::new(status, &[], SecretBuf::from(body.as_bytes()));
            let found = read(profile, &response, &[]).refresh_token;
            found.map(|token| token.expose_text().unwrap().to_owned())
        };
        let new = Some("fake-new".to_owned());
        let whole = r#"{"data":{"value":"fake","expires_at":1900000000,"details":{"refresh_token":"fake-new"}}}"#;
        let bare = r#"{"data":{"details":{"refresh_token":"fake-new"}}}"#;
        for body in [whole, bare] {
            assert_eq!(found(&ehealth::PROFILE, 201, body), new, "{body}");
            for status in [200, 400, 500] {
                assert_eq!(found(&ehealth::PROFILE, status, body), None, "{status}");
            }
        }
        for useless in [
            r#"{"data":{"details":{"refresh_token":""}}}"#,
            r#"{"data":{"details":{"refresh_token":5}}}"#,
            "{}",
            "",
            "<html>",
        ] {
            assert_eq!(found(&ehealth::PROFILE, 201, useless), None, "{useless}");
        }
        // No vendor has both yet, so a profile is put together.
        let mut flagged = parchment::PROFILE.clone();
        flagged.answer.refresh_token = Some(&["data", "refreshToken"]);
        let body =
            |flag: &str| format!(r#"{{"success":{flag},"data":{{"refreshToken":"fake-new"}}}}"#);
        assert_eq!(found(&flagged, 200, &body("true")), new);
        for flag in ["false", "null", "1", r#""true""#] {
            assert_eq!(found(&flagged, 200, &body(flag)), None, "{flag}");
        }
        flagged.answer.refresh_token = None;
        assert_eq!(found(&flagged, 200, &body("true")), None);
    }

    #[test]
    fn a_refusal_tells_that_its_body_is_no_json() {
        let error = answer(&pattern::PROFILE, 503, "<html>down</html>").unwrap_err();
        assert_eq!(error.message(), "the vendor's service is unavailable; the answer is HTML");
        // That it says nothing is no news in a refusal.
        let error = answer(&pattern::PROFILE, 503, "").unwrap_err();
        assert_eq!(error.message(), "the vendor's service is unavailable");
    }

    #[test]
    fn codes_and_ids_are_shown_only_when_plain_and_free_of_secrets() {
        let secrets = ["fake-secret-0123456789", "hunter"];
        let shown = |text: &str| plain(text, MAX_ID, &secrets).is_some();
        assert!(shown("req_1705312200000_pqr678"));
        assert!(shown("1-68a44ded-5c4fdd75455250d518c3bab2"));
        assert!(!shown(""));
        assert!(!shown(&"x".repeat(129)));
        assert!(!shown("has space"));
        assert!(!shown("req-fake-secret-0123456789"));
        assert!(!shown("req-01234567"));
        assert!(shown("req_0123456"));
        assert!(!shown("req-hunter2"));
    }

    #[test]
    fn a_secret_of_four_bytes_is_looked_for_and_a_shorter_one_is_not() {
        let shown = |secret: &str| plain("req-pin4", MAX_ID, &[secret]).is_some();
        assert!(!shown("pin4"));
        assert!(shown("pin"));
        assert!(shown(""));
    }

    #[test]
    fn an_id_that_repeats_an_encoded_secret_is_not_shown() {
        let secret = "f\u{e4}ke>secret?0123456789";
        let shown = |text: &str| plain(text, MAX_ID, &[secret]).is_some();
        let url_safe = base64::engine::general_purpose::URL_SAFE;
        for around in ["", "a", "ab", "abc", "client:"] {
            let pair = format!("{around}{secret}{around}");
            for encoded in [STANDARD.encode(&pair), url_safe.encode(&pair)] {
                assert!(!shown(&encoded), "{around}");
                assert!(!shown(&format!("req:{}", &encoded[12..22])), "{around}");
            }
        }
        // The first eight characters are enough, whatever stands before the secret.
        let short = "fake>sec";
        let shown = |text: &str| plain(text, MAX_ID, &[short]).is_some();
        for (before, from) in [("", 0), ("a", 2), ("ab", 3)] {
            let encoded = STANDARD.encode(format!("{before}{short}"));
            assert!(!shown(&encoded[from..from + 8]), "{before}");
        }
        let shown = |text: &str| plain(text, MAX_ID, &[secret]).is_some();
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for part in [&hex[..], &hex[10..18], &hex[11..19]] {
            assert!(!shown(part) && !shown(&part.to_uppercase()), "{part}");
        }
        assert!(shown(&STANDARD.encode("another one, of a request")));
    }
}
