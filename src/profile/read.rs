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
use crate::transport::{Response, Url};

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
        let failure = || {
            Err(error_of(self.definition, self.response, self.json.as_ref(), secrets))
        };
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
            Some(token) if is_graphic(token) => token,
            Some(_) => return Err(self.malformed(source, Problem::NotAToken)),
            None => return Err(self.malformed(source, Problem::Missing)),
        };
        if let Some((pointer, types)) = &answer.token_type {
            let found = self.pointed(pointer)?;
            let is_known = |found: &str| types.iter().any(|known| known.eq_ignore_ascii_case(found));
            if found.is_some_and(|found| !is_known(found)) {
                return Err(self.malformed(pointer, Problem::OtherType(types.join(" or "))));
            }
        }
        if let Some(source) = &answer.refresh_token {
            self.optional_text(source)?;
        }
        let scopes = match &answer.scope {
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
        let (pointer, read, default): (_, &dyn Fn(&Json) -> Result<End, &'static str>, _) =
            match &answer.expiry {
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
                format!("the answer's {place} is no URL, or one of a host that the profile does not name")
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
            match (text.parse::<i64>(), text.parse::<f64>().map(Json::of_number)) {
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
    Not { wanted: &'static str, found: &'static str },
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
