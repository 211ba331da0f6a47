//! Profile and credentials in, request out.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::{Secret, SecretBuf};
use crate::profile::credentials::Credentials;
use crate::profile::escape::{push_form, push_percent};
use crate::profile::vocabulary::{Body, FormPart, HeaderPart, JsonPart, Profile};
use crate::transport::{Request, Url};

/// What a request is made of, besides the profile.
pub(crate) struct Inputs<'a> {
    pub(crate) url: &'a Arc<Url>,
    pub(crate) credentials: &'a Credentials,
    pub(crate) scopes: &'a [String],
    /// Percent-encode the two halves of HTTP Basic first (RFC 6749 §2.3.1).
    pub(crate) percent_encode_basic: bool,
}

/// Renders the request. Fails only where the checks on the way in have a hole.
pub(crate) fn render(profile: &Profile, inputs: &Inputs<'_>) -> Result<Request, Error> {
    let (content_type, body) = match &profile.body {
        Body::Json(members) => ("application/json", json_body(members, inputs)?),
        Body::Form(fields) => ("application/x-www-form-urlencoded", form_body(fields, inputs)),
    };
    let mut headers = Vec::with_capacity(2 + profile.headers.len());
    headers.push(("content-type", SecretBuf::from(content_type)));
    headers.push(("accept", SecretBuf::from("application/json")));
    for (name, part) in profile.headers {
        if let Some(value) = header(part, inputs)? {
            headers.push((name, value));
        }
    }
    let replayable = profile.replay_is_harmless;
    Ok(Request::new(Arc::clone(inputs.url), headers, body, replayable))
}

fn header(part: &HeaderPart, inputs: &Inputs<'_>) -> Result<Option<SecretBuf>, Error> {
    let credential = |name| inputs.credentials.get(name);
    Ok(match part {
        HeaderPart::Credential(name) => {
            credential(name).map(|value| SecretBuf::from(value.expose_secret()))
        }
        HeaderPart::Bearer(name) => credential(name).map(|token| {
            let mut value = SecretBuf::with_capacity(BEARER.len() + token.len());
            value.push(BEARER);
            value.push(token.expose_secret().as_bytes());
            value
        }),
        HeaderPart::Basic { user, password } => match (credential(user), credential(password)) {
            (Some(user), Some(password)) => {
                Some(basic(user, password, inputs.percent_encode_basic)?)
            }
            _ => None,
        },
    })
}

fn basic(user: &Secret, password: &Secret, percent_encode: bool) -> Result<SecretBuf, Error> {
    let mut pair = SecretBuf::with_capacity(3 * (user.len() + password.len()) + 1);
    for (half, end) in [(user, &b":"[..]), (password, b"")] {
        match percent_encode {
            true => push_percent(&mut pair, half.expose_secret()),
            false => pair.push(half.expose_secret().as_bytes()),
        }
        pair.push(end);
    }
    let (scheme, length) = (b"Basic ", pair.len().div_ceil(3) * 4);
    let mut value = SecretBuf::with_capacity(scheme.len() + length);
    value.push(scheme);
    value
        .append(length, |room| BASE64.encode_slice(pair.expose_secret(), room))
        .map_err(|_| unrenderable())?;
    Ok(value)
}

fn json_body(
    members: &'static [(&'static str, JsonPart)],
    inputs: &Inputs<'_>,
) -> Result<SecretBuf, Error> {
    let mut body = SecretBuf::with_capacity(TYPICAL_BODY);
    json_object(&mut body, members, inputs).map_err(|_| unrenderable())?;
    Ok(body)
}

/// serde_json writes pieces of the strings straight into the wiped buffer.
fn json_object(
    body: &mut SecretBuf,
    members: &'static [(&'static str, JsonPart)],
    inputs: &Inputs<'_>,
) -> std::io::Result<()> {
    let mut separator = &b"{"[..];
    for (name, part) in members {
        if matches!(part, JsonPart::Credential(name) if inputs.credentials.get(name).is_none()) {
            continue;
        }
        body.push(separator);
        separator = b",";
        serde_json::to_writer(&mut *body, name)?;
        body.push(b":");
        match part {
            JsonPart::Text(text) => serde_json::to_writer(&mut *body, text)?,
            JsonPart::Credential(name) => {
                let value = inputs.credentials.get(name).map(Secret::expose_secret);
                serde_json::to_writer(&mut *body, &value)?;
            }
            JsonPart::ScopeArray => serde_json::to_writer(&mut *body, inputs.scopes)?,
            JsonPart::Object(members) => json_object(body, members, inputs)?,
        }
    }
    body.push(b"}");
    Ok(())
}

fn form_body(fields: &'static [(&'static str, FormPart)], inputs: &Inputs<'_>) -> SecretBuf {
    let mut body = SecretBuf::with_capacity(TYPICAL_BODY);
    for (name, part) in fields {
        let value = match part {
            FormPart::Text(text) => Some(*text),
            FormPart::Credential(name) => inputs.credentials.get(name).map(Secret::expose_secret),
        };
        let Some(value) = value else { continue };
        if !body.is_empty() {
            body.push(b"&");
        }
        push_form(&mut body, name);
        body.push(b"=");
        push_form(&mut body, value);
    }
    body
}

const BEARER: &[u8] = b"Bearer ";

/// Enough for every body of ordinary credentials, so that the buffer seldom grows.
const TYPICAL_BODY: usize = 1024;

fn unrenderable() -> Error {
    Error::new(ErrorKind::Internal, ErrorPhase::Configure)
}
