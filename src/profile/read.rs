//! Profile and answer in, grant out, or the vendor's error.
//!
//! No part of a body reaches an error: only codes that look like codes, ids that look like ids, and
//! the names of fields that the profile itself knows.

use std::io::Write;
use std::time::Duration;

use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::json::{Defect, Json};
use crate::life::expiry::End;
use crate::memory::{Secret, SecretBuf};
use crate::profile::redact::id_at;
use crate::profile::refusal::{error_of, with_answer};
use crate::profile::vocabulary::{ExpiryKind, Path, Profile};
use crate::transport::Response;

/// What a successful answer grants, as the vendor wrote it.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) access_token: SecretBuf,
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
    let success = parsed.as_ref().ok().filter(|json| is_success && is_flagged(profile, json));
    let found = success.and_then(|json| json.text_at(profile.answer.refresh_token?));
    let refresh_token = found.filter(|text| !text.is_empty()).map(SecretBuf::from);
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
    optional_text(answer.refresh_token)?;
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
    Ok(Grant { access_token, scopes, end, request_id, extras })
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
    let mut text = SecretBuf::default();
    let written = match json {
        Json::Text(text) => return Some(text.clone()),
        Json::Integer(number) => write!(text, "{number}"),
        Json::Number(number) => write!(text, "{number}"),
        Json::Bool(value) => write!(text, "{value}"),
        Json::Null | Json::Array(_) | Json::Object(_) => return None,
    };
    written.ok().map(|()| text)
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
}
