//! Profile and answer in, grant out, or the vendor's error.
//!
//! No part of a body reaches an error: only codes that look like codes, ids that look like ids, and
//! the names of fields that the profile itself knows.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use crate::date::{parse_http_date, parse_rfc3339};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::json::{Defect, Json};
use crate::life::expiry::{End, jwt_end};
use crate::memory::SecretBuf;
use crate::profile::redact::id_at;
use crate::profile::refusal::{error_of, with_answer};
use crate::profile::source::text_at;
use crate::profile::vocabulary::{
    Answer, Definition, Expiry, Literal, Pointer, RefreshLife, Source, Span, Success, TimeFormat,
};
use crate::transport::{Response, Url, cookie_flaw};

/// What a successful answer grants, as the vendor wrote it.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) access_token: SecretBuf,
    /// `None` where the answer names no scopes: as requested then (RFC 6749 §5.1).
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) end: End,
    pub(crate) request_id: Option<Box<str>>,
    pub(crate) extras: Vec<(Arc<str>, SecretBuf)>,
}

/// What an answer says.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The refresh token of a success, also where the rest of it cannot be used: the old one may be
    /// dead already.
    pub(crate) refresh_token: Option<SecretBuf>,
    /// How long the vendor lets that live, where the profile says where to look.
    pub(crate) refresh_life: Option<Duration>,
    pub(crate) grant: Result<Grant, Error>,
}

/// Reads an answer to the token request, or to that of a refresh. `secrets` are those of the request:
/// an id or code that repeats one of them, or a token of this answer, is dropped.
pub(crate) fn read(
    definition: &Definition,
    answer: &Answer,
    response: &Response,
    secrets: &[&str],
) -> Reading {
    let body = Body::of(definition, response);
    let tokens = [Some(&answer.access_token), answer.refresh_token.as_ref()];
    let tokens = tokens.into_iter().flatten().filter_map(|at| body.text(at));
    let secrets = secrets.iter().copied().chain(tokens);
    let secrets: Vec<&str> = secrets.collect();
    let success = body.success(&answer.success, &secrets);
    let is_success = success.is_ok();
    let found = answer.refresh_token.as_ref().filter(|_| is_success);
    let found = found.and_then(|at| body.text(at)).filter(|text| !text.is_empty());
    let life = match definition.refresh.as_ref().and_then(|refresh| refresh.life.as_ref()) {
        Some(RefreshLife::Fixed(life)) => Some(*life),
        Some(RefreshLife::In(span)) => body.json.as_ref().ok().and_then(|json| {
            Some(Duration::from_millis(span_of(span, json.at(&span.at.0)?).ok()?.unsigned_abs()))
        }),
        None => None,
    };
    Reading {
        refresh_token: found.map(SecretBuf::from),
        refresh_life: life,
        grant: success.and_then(|()| body.grant(answer, &secrets)),
    }
}

/// Reads the answer to a step; `sent_to` is the URL of its request.
pub(crate) fn read_step(
    definition: &Definition,
    step: usize,
    response: &Response,
    sent_to: &Url,
    secrets: &[&str],
) -> Result<Vec<SecretBuf>, Error> {
    let step = &definition.steps[step];
    let body = Body::of(definition, response);
    body.success(&step.success, secrets)?;
    let values = step.values.iter().map(|value| {
        let wrong = |problem| body.malformed(&value.source, problem);
        let text = match &value.source {
            Source::Pointer(pointer) => body.scalar(pointer)?,
            source => body.text(source).map(SecretBuf::from),
        };
        let text = text.filter(|text| !text.is_empty()).ok_or_else(|| wrong(Problem::Missing))?;
        let is_there = |text: &SecretBuf| {
            let url = text.expose_text().and_then(|text| Url::parse(text).ok());
            url.is_some_and(|url| url.is_under(sent_to) && !url.path().contains('?'))
        };
        match value.is_url && !is_there(&text) {
            true => Err(wrong(Problem::ElsewhereUrl)),
            false => Ok(text),
        }
    });
    values.collect()
}

/// An answer with its body parsed.
struct Body<'a> {
    definition: &'a Definition,
    response: &'a Response,
    json: Result<Json, Defect>,
}

impl<'a> Body<'a> {
    fn of(definition: &'a Definition, response: &'a Response) -> Self {
        Body { definition, response, json: Json::parse(response.body().expose_secret()) }
    }

    /// Whether it is a success, or else the vendor's error.
    fn success(&self, success: &Success, secrets: &[&str]) -> Result<(), Error> {
        let failure = || Err(error_of(self.definition, self.response, self.json.as_ref(), secrets));
        if !success.statuses.contains(&self.response.status()) {
            return failure();
        }
        if let Some((pointer, wanted)) = &success.flag {
            let json = self.json()?;
            match (json.at(&pointer.0), wanted) {
                (Some(Json::Bool(found)), Literal::Bool(wanted)) if found == wanted => {}
                (Some(Json::Integer(found)), Literal::Integer(wanted)) if found == wanted => {}
                (Some(Json::Text(found)), Literal::Text(wanted))
                    if found.expose_secret() == wanted.as_bytes() => {}
                // Another value of that type is the vendor's no.
                (Some(Json::Bool(_)), Literal::Bool(_)) => return failure(),
                (Some(Json::Integer(_)), Literal::Integer(_)) => return failure(),
                (Some(Json::Text(_)), Literal::Text(_)) => return failure(),
                (found, wanted) => {
                    let wanted = match wanted {
                        Literal::Bool(_) => "a boolean",
                        Literal::Integer(_) => "a whole number",
                        Literal::Text(_) => "a string",
                    };
                    return Err(self.malformed(pointer, Problem::of(found, wanted)));
                }
            }
        }
        if let (Some(pointer), Ok(json)) = (&success.refused_if, &self.json) {
            if json.at(&pointer.0).is_some_and(is_something) {
                return failure();
            }
        }
        Ok(())
    }

    fn json(&self) -> Result<&Json, Error> {
        self.json.as_ref().map_err(|defect| {
            let error = unreadable(*defect).with_status(self.response.status());
            error.with_vendor(&self.definition.name)
        })
    }

    /// The text at a source, if there is one.
    fn text(&self, source: &Source) -> Option<&str> {
        text_at(self.response, self.json.as_ref().ok(), source)
    }

    /// The text at a source. Something else there is an error, nothing is `None`.
    fn optional_text(&self, source: &Source) -> Result<Option<&str>, Error> {
        let Source::Pointer(pointer) = source else {
            return Ok(self.text(source).filter(|text| !text.is_empty()));
        };
        self.pointed(pointer)
    }

    fn pointed(&self, pointer: &Pointer) -> Result<Option<&str>, Error> {
        let Some(found) = self.json()?.at(&pointer.0) else { return Ok(None) };
        match found.text() {
            Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            None => Err(self.malformed(pointer, Problem::of(Some(found), "a string"))),
        }
    }

    /// A text, number or boolean as text.
    fn scalar(&self, pointer: &Pointer) -> Result<Option<SecretBuf>, Error> {
        let Some(found) = self.json()?.at(&pointer.0) else { return Ok(None) };
        match scalar_text(found) {
            Some(text) => Ok(Some(text)),
            None => Err(self.malformed(pointer, Problem::of(Some(found), "a string"))),
        }
    }

    fn grant(&self, answer: &Answer, secrets: &[&str]) -> Result<Grant, Error> {
        let source = &answer.access_token;
        let access_token = match self.optional_text(source)? {
            Some(token) if self.fits_its_header(token) => token,
            Some(_) => return Err(self.malformed(source, Problem::NotAToken)),
            None => return Err(self.malformed(source, Problem::Missing)),
        };
        if let Some((pointer, types)) = &answer.token_type {
            let found = self.pointed(pointer)?;
            let is_known =
                |found: &str| types.iter().any(|known| known.eq_ignore_ascii_case(found));
            if found.is_some_and(|found| !is_known(found)) {
                return Err(self.malformed(pointer, Problem::OtherType(types.join(" or "))));
            }
        }
        if let Some(source) = &answer.refresh_token {
            self.optional_text(source)?;
        }
        let scopes =
            match &answer.scope {
                None => None,
                Some(pointer) => match self.json()?.at(&pointer.0) {
                    None => None,
                    Some(found) => Some(self.scopes(found).ok_or_else(|| {
                        self.malformed(pointer, Problem::of(Some(found), "scopes"))
                    })?),
                },
            };
        let end = self.end(answer, access_token)?;
        let json = self.json.as_ref().ok();
        let extras = answer.extras.iter().filter_map(|(name, pointer)| {
            Some((Arc::clone(name), scalar_text(json?.at(&pointer.0)?)?))
        });
        let extras = extras.collect();
        let request_id = id_at(self.response, json, answer.request_id.as_ref(), secrets);
        let access_token = SecretBuf::from(access_token);
        Ok(Grant { access_token, scopes, end, request_id, extras })
    }

    /// Whether the token can stand where the profile uses it, and leave it no other way than it came.
    fn fits_its_header(&self, token: &str) -> bool {
        let usage = &self.definition.usage;
        let is_enclosed = !usage.after.is_empty()
            || usage.before.contains(['"', '='])
            || &*usage.header == "cookie";
        is_graphic(token) && (!is_enclosed || cookie_flaw(token).is_none())
    }

    /// An array of strings, or one string with spaces in between (RFC 6749 §3.3), or what the profile
    /// has there.
    fn scopes(&self, json: &Json) -> Option<Vec<String>> {
        if let Json::Array(items) = json {
            return items.iter().map(|item| item.text().map(str::to_owned)).collect();
        }
        let text = json.text()?;
        let separator = self.definition.scopes.as_ref().map_or(" ", |scopes| &scopes.separator);
        let parts = text.split(|c: char| c.is_ascii_whitespace());
        let parts = parts.flat_map(|part| part.split(separator));
        Some(parts.filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    fn end(&self, answer: &Answer, access_token: &str) -> Result<End, Error> {
        let wrong = |place: &dyn std::fmt::Display, problem: &str| {
            let error = Error::new(ErrorKind::InvalidLifetime, ErrorPhase::Read);
            with_answer(error, self.definition, self.response)
                .with_message(format!("{place} {problem}"))
        };
        type Read<'r> = &'r dyn Fn(&Json) -> Result<End, &'static str>;
        let (pointer, read, default): (_, Read<'_>, _) = match &answer.expiry {
            Expiry::Life(life) => return Ok(End::In(*life)),
            Expiry::UntilRefused => return Ok(End::Never),
            Expiry::Jwt(default) => {
                return match (jwt_end(access_token), default) {
                    (Some(end_ms), _) => Ok(End::At(end_ms)),
                    (None, Some(default)) => Ok(End::In(*default)),
                    (None, None) => {
                        Err(wrong(&answer.access_token, "is no JWT that says when it ends"))
                    }
                };
            }
            Expiry::In(span, default) => (
                &span.at,
                &|json: &Json| {
                    let ms = span_of(span, json)?;
                    Ok(End::In(Duration::from_millis(ms.unsigned_abs())))
                },
                default,
            ),
            Expiry::At(pointer, format, default) => {
                (pointer, &|json: &Json| time_of(*format, json).map(End::At), default)
            }
        };
        match (self.json()?.at(&pointer.0), default) {
            (Some(found), _) => read(found).map_err(|problem| wrong(pointer, problem)),
            (None, Some(default)) => Ok(End::In(*default)),
            (None, None) => Err(wrong(pointer, "is missing")),
        }
    }

    fn malformed(&self, place: &dyn std::fmt::Display, problem: Problem) -> Error {
        let message = match problem {
            Problem::Missing => format!("the answer has no {place}"),
            Problem::Not { wanted, found } => {
                format!("the answer's {place} is {found}, not {wanted}")
            }
            Problem::NotAToken => {
                format!("the answer's {place} has characters that no bearer token can have")
            }
            Problem::OtherType(types) => format!("the answer's {place} is not {types}"),
            Problem::ElsewhereUrl => {
                format!(
                    "the answer's {place} is no URL, or one of a host that the profile does not name"
                )
            }
        };
        let error = Error::new(ErrorKind::AnswerMalformed, ErrorPhase::Read);
        with_answer(error, self.definition, self.response).with_message(message)
    }
}

/// Whether a member that is there only in refusals says something.
fn is_something(json: &Json) -> bool {
    match json {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Integer(number) => *number != 0,
        Json::Number(_) => true,
        Json::Text(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(members) => !members.is_empty(),
    }
}

/// Looks at every byte, since that takes many at a time.
fn is_graphic(text: &str) -> bool {
    text.bytes().fold(true, |all, byte| all & byte.is_ascii_graphic())
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

/// A whole number above zero.
fn count(json: &Json) -> Result<i64, &'static str> {
    let count = match json {
        Json::Integer(number) => *number,
        Json::Number(number) => return Err(not_whole(*number)),
        // Some servers write numbers as strings.
        Json::Text(text) => {
            let text = text.expose_text().unwrap_or_default().trim();
            match (text.parse::<i64>(), serde_json::from_str(text).map(Json::of_number)) {
                (Ok(number), _) | (_, Ok(Json::Integer(number))) => number,
                (_, Ok(Json::Number(number))) => return Err(not_whole(number)),
                _ => return Err("is not a number"),
            }
        }
        _ => return Err("is not a number"),
    };
    match count {
        ..0 => Err("is negative"),
        0 => Err("is zero"),
        1.. => Ok(count),
    }
}

/// In milliseconds.
fn span_of(span: &Span, json: &Json) -> Result<i64, &'static str> {
    count(json)?.checked_mul(span.unit.1).ok_or("is out of range")
}

/// In Unix milliseconds.
fn time_of(format: TimeFormat, json: &Json) -> Result<i64, &'static str> {
    let text = || json.text().map(str::trim).ok_or("is not a string");
    match format {
        TimeFormat::Seconds => count(json)?.checked_mul(1000).ok_or("is out of range"),
        TimeFormat::Milliseconds => count(json),
        TimeFormat::Rfc3339 => parse_rfc3339(text()?).ok_or("is not a date of RFC 3339"),
        TimeFormat::HttpDate => parse_http_date(text()?).ok_or("is not a date of HTTP"),
    }
}

fn not_whole(number: f64) -> &'static str {
    match number {
        n if n.is_finite() && n < 0.0 => "is negative",
        n if n.is_finite() && n.fract() != 0.0 => "is not a whole number",
        _ => "is out of range",
    }
}

/// What is wrong with a part that the profile names.
enum Problem {
    Missing,
    Not {
        wanted: &'static str,
        found: &'static str,
    },
    NotAToken,
    /// Of a token; what it may be.
    OtherType(String),
    /// A URL that leads elsewhere, or none.
    ElsewhereUrl,
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
    use crate::profile::parse;
    use crate::vendors::by_name;

    fn reading(definition: &Definition, status: u16, body: &str) -> Reading {
        let response = Response::new(status, &[], SecretBuf::from(body.as_bytes()));
        super::read(definition, &definition.answer, &response, &[])
    }

    fn answer(vendor: &str, status: u16, body: &str) -> Result<Grant, Error> {
        reading(&by_name(vendor).unwrap(), status, body).grant
    }

    fn pattern_life(expires_in: &str) -> Result<End, Error> {
        let body = format!(r#"{{"access_token":"fake-token"{expires_in}}}"#);
        answer("pattern", 200, &body).map(|grant| grant.end)
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
            (r#","expires_in":"NaN""#, "is not a number"),
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
        let error = answer("ehealth", 201, far).unwrap_err();
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
            let error = answer("pattern", 200, body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AnswerMalformed, "{body}");
            assert_eq!(error.message(), expected);
            assert_eq!(error.http_status(), Some(200));
        }
        let error = answer("parchment", 200, r#"{"data":{}}"#).unwrap_err();
        assert_eq!(error.message(), "the answer has no success");
        let error = answer("parchment", 200, r#"{"success":"yes"}"#).unwrap_err();
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
            let error = answer("pattern", 200, body).unwrap_err();
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
            let error = answer("ehealth", status, "").unwrap_err();
            assert_eq!((error.kind(), error.http_status()), (kind, Some(status)));
        }
    }

    #[test]
    fn a_refresh_token_is_found_in_every_success_and_in_no_refusal() {
        let found = |definition: &Definition, status, body: &str| {
            let found = reading(definition, status, body).refresh_token;
            found.map(|token| token.expose_text().unwrap().to_owned())
        };
        let ehealth = by_name("ehealth").unwrap();
        let new = Some("fake-new".to_owned());
        let whole = r#"{"data":{"value":"fake","expires_at":1900000000,"details":{"refresh_token":"fake-new"}}}"#;
        let bare = r#"{"data":{"details":{"refresh_token":"fake-new"}}}"#;
        for body in [whole, bare] {
            assert_eq!(found(&ehealth, 201, body), new, "{body}");
            for status in [200, 400, 500] {
                assert_eq!(found(&ehealth, status, body), None, "{status}");
            }
        }
        for useless in [
            r#"{"data":{"details":{"refresh_token":""}}}"#,
            r#"{"data":{"details":{"refresh_token":5}}}"#,
            "{}",
            "",
            "<html>",
        ] {
            assert_eq!(found(&ehealth, 201, useless), None, "{useless}");
        }
        // No vendor has both yet, so a profile is put together.
        let text = crate::vendors::text("parchment").unwrap();
        let flagged =
            text.replace(r#""scope": "/data/scope""#, r#""refresh_token": "/data/refreshToken""#);
        let flagged = parse(flagged.as_bytes()).unwrap();
        let body =
            |flag: &str| format!(r#"{{"success":{flag},"data":{{"refreshToken":"fake-new"}}}}"#);
        assert_eq!(found(&flagged, 200, &body("true")), new);
        for flag in ["false", "null", "1", r#""true""#] {
            assert_eq!(found(&flagged, 200, &body(flag)), None, "{flag}");
        }
        let parchment = by_name("parchment").unwrap();
        assert_eq!(found(&parchment, 200, &body("true")), None);
    }

    #[test]
    fn a_refusal_tells_that_its_body_is_no_json() {
        let error = answer("pattern", 503, "<html>down</html>").unwrap_err();
        assert_eq!(error.message(), "the vendor's service is unavailable; the answer is HTML");
        // That it says nothing is no news in a refusal.
        let error = answer("pattern", 503, "").unwrap_err();
        assert_eq!(error.message(), "the vendor's service is unavailable");
    }
}
