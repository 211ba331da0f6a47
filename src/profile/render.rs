//! Profile and credentials in, requests out.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::date::{http_date, rfc3339};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::{Secret, SecretBuf};
use crate::profile::credentials::Credentials;
use crate::profile::digest;
use crate::profile::escape::{self, Escape};
use crate::profile::jwt::SigningKey;
use crate::profile::vocabulary::{
    Body, Definition, How, JsonTemplate, Jwt, JwtKey, Piece, RequestTemplate, Slot, Text,
    TimeFormat, UrlStart, UrlTemplate,
};
use crate::transport::{Request, RequestParts, Url, cookie_flaw, header_flaw};

/// What requests are made of, besides the profile.
pub(crate) struct Inputs<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) credentials: &'a Credentials,
    pub(crate) scopes: &'a [String],
    /// Whether to percent-encode the two halves of HTTP Basic first (RFC 6749 §2.3.1); `None` as the
    /// profile says.
    pub(crate) percent_encode_basic: Option<bool>,
    /// In Unix milliseconds.
    pub(crate) now_ms: i64,
    /// The refresh token that came with an earlier answer.
    pub(crate) refresh_token: Option<&'a Secret>,
}

/// The requests of one attempt, one after the other.
pub(crate) struct Rendering<'a> {
    inputs: Inputs<'a>,
    /// Made before the first request that uses it; `None` in it where it is absent.
    derived: Vec<Option<Option<SecretBuf>>>,
    /// The values that the steps gave so far.
    step_values: Vec<SecretBuf>,
    scopes: Option<String>,
    endpoint: Option<String>,
}

/// Why a value cannot stand where it should.
type Flaw = &'static str;

impl<'a> Rendering<'a> {
    pub(crate) fn new(inputs: Inputs<'a>) -> Self {
        let definition = inputs.definition;
        let scopes = definition.scopes.as_ref().filter(|_| !inputs.scopes.is_empty());
        let scopes = scopes.map(|known| inputs.scopes.join(&known.separator));
        let derived = definition.derived.iter().map(|_| None).collect();
        Rendering { inputs, derived, step_values: Vec::new(), scopes, endpoint: None }
    }

    /// The request of a step.
    pub(crate) fn step(&mut self, index: usize) -> Result<Request, Error> {
        self.request(&self.inputs.definition.steps[index].request, index)
    }

    /// The token request.
    pub(crate) fn token(&mut self) -> Result<Request, Error> {
        let definition = self.inputs.definition;
        if let UrlStart::Step(_) = definition.request.url.start {
            let url = self.url_of_step(&definition.request.url)?;
            self.endpoint = Some(url.as_str().to_owned());
        }
        self.request(&definition.request, definition.steps.len())
    }

    /// The request that renews a token.
    pub(crate) fn refresh(&mut self) -> Result<Request, Error> {
        let definition = self.inputs.definition;
        match &definition.refresh {
            Some(refresh) => self.request(&refresh.request, definition.steps.len() + 1),
            None => Err(unrenderable()),
        }
    }

    /// Takes note of what a step gave.
    pub(crate) fn add(&mut self, values: Vec<SecretBuf>) {
        self.step_values.extend(values);
    }

    /// Everything in the requests that must not be shown.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let derived = self.derived.iter().flatten().flatten();
        let made = derived.chain(&self.step_values).filter_map(SecretBuf::expose_text);
        let given = self.inputs.credentials.secrets().chain(self.inputs.refresh_token);
        given.map(Secret::expose_secret).chain(made)
    }

    fn request(&mut self, template: &'a RequestTemplate, index: usize) -> Result<Request, Error> {
        for derived in &template.derived {
            if self.derived[*derived].is_none() {
                self.derived[*derived] = Some(self.derive(*derived)?);
            }
        }
        let known = self.inputs.credentials.prepared().ok_or_else(unrenderable)?;
        let url = match &known.urls[index] {
            Some(url) => Arc::clone(url),
            None => Arc::new(self.url_of_step(&template.url)?),
        };
        let target = self.target(template, &url)?;
        let mut headers = Vec::with_capacity(template.headers.len());
        for (name, text) in &template.headers {
            if let Some(value) = self.text(text, push_raw)? {
                // What the caller gave was checked before; what an answer gave was not.
                if let Some(flaw) = value.expose_text().and_then(header_flaw) {
                    return Err(self.flaw(first_slot(text), flaw));
                }
                if &**name == "cookie" {
                    self.check_cookie(text)?;
                }
                headers.push((Arc::clone(name), value));
            }
        }
        let body = match &template.body {
            Body::None => None,
            Body::Json(template) => {
                let mut body = SecretBuf::with_capacity(TYPICAL_BODY);
                self.json(&mut body, template)?;
                Some(body)
            }
            Body::Form(fields) => {
                let mut body = SecretBuf::with_capacity(TYPICAL_BODY);
                self.fields(&mut body, fields, escape::push_form)?;
                Some(body)
            }
            Body::Text(text) => self.text(text, push_raw)?,
        };
        Ok(Request::new(RequestParts {
            method: template.method,
            url,
            target,
            headers,
            body,
            // One that is different each time is made anew instead.
            replayable: self.inputs.definition.replay_is_harmless && !template.is_fresh,
            answer_headers: template.answer_headers.clone(),
        }))
    }

    fn check_cookie(&self, text: &Text) -> Result<(), Error> {
        let mut values = text.slots().filter(|(_, escape)| *escape != Some(Escape::Url));
        let flaw = |(slot, _)| Some((slot, self.value(slot).and_then(cookie_flaw)?));
        match values.find_map(flaw) {
            None => Ok(()),
            Some((slot, flaw)) => Err(self.flaw(slot, flaw)),
        }
    }

    /// The value that a placeholder stands for.
    fn value(&self, slot: Slot) -> Option<&str> {
        match slot {
            Slot::Parameter(index) => self.inputs.credentials.text_at(index),
            Slot::Scopes => self.scopes.as_deref(),
            Slot::Derived(index) => self.derived[index].as_ref()?.as_ref()?.expose_text(),
            Slot::Step(index) => self.step_values.get(index)?.expose_text(),
            Slot::Endpoint => match &self.endpoint {
                Some(endpoint) => Some(endpoint),
                None => self.inputs.credentials.endpoint().map(|url| url.as_str()),
            },
            Slot::RefreshToken => self.inputs.refresh_token.map(Secret::expose_secret),
            Slot::AccessToken => None,
        }
    }

    fn has_all(&self, text: &Text) -> bool {
        text.slots().all(|(slot, _)| self.value(slot).is_some())
    }

    /// Appends a text whose values are all there, each piece encoded for its place.
    fn push(
        &self,
        buffer: &mut SecretBuf,
        text: &Text,
        encode: fn(&mut SecretBuf, &str),
    ) -> Result<(), Error> {
        for piece in &*text.0 {
            match piece {
                Piece::Literal(literal) => encode(buffer, literal),
                Piece::Value(slot, escape) => {
                    let value = self.value(*slot).unwrap_or_default();
                    match escape {
                        None => encode(buffer, value),
                        Some(escape) => {
                            let mut escaped = SecretBuf::with_capacity(2 * value.len());
                            escape
                                .push(&mut escaped, value)
                                .map_err(|flaw| self.flaw(*slot, flaw))?;
                            encode(buffer, escaped.expose_text().unwrap_or_default());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The text, if none of its values is absent.
    fn text(
        &self,
        text: &Text,
        encode: fn(&mut SecretBuf, &str),
    ) -> Result<Option<SecretBuf>, Error> {
        if !self.has_all(text) {
            return Ok(None);
        }
        // Nothing but exact room: what a buffer grows out of is wiped, but takes time.
        let length = text.0.iter().map(|piece| match piece {
            Piece::Literal(literal) => literal.len(),
            Piece::Value(slot, None) => self.value(*slot).map_or(0, str::len),
            Piece::Value(slot, Some(_)) => 2 * self.value(*slot).map_or(0, str::len),
        });
        let mut buffer = SecretBuf::with_capacity(length.sum());
        self.push(&mut buffer, text, encode)?;
        Ok(Some(buffer))
    }

    /// Names and values of a form or query, without those that are absent.
    fn fields(
        &self,
        buffer: &mut SecretBuf,
        fields: &[(Box<str>, Text)],
        encode: fn(&mut SecretBuf, &str),
    ) -> Result<(), Error> {
        let mut is_first = true;
        for (name, text) in fields {
            if !self.has_all(text) {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                buffer.push(b"&");
            }
            encode(buffer, name);
            buffer.push(b"=");
            self.push(buffer, text, encode)?;
        }
        Ok(())
    }

    /// The path and query that are sent, where they are not those of the URL.
    fn target(&self, template: &RequestTemplate, url: &Url) -> Result<Option<SecretBuf>, Error> {
        if template.query.is_empty() && !template.url.has_hidden_path {
            return Ok(None);
        }
        let mut target = SecretBuf::with_capacity(TYPICAL_BODY);
        match template.url.has_hidden_path {
            true => {
                // What the URL begins with is what a value of the caller or a step says.
                let start = match &template.url.start {
                    UrlStart::Host(_) => None,
                    UrlStart::Parameter(index) => self.value(Slot::Parameter(*index)),
                    UrlStart::Step(index) => self.value(Slot::Step(*index)),
                };
                push_raw(&mut target, path_of(start));
                for piece in &*template.url.path.0 {
                    match piece {
                        Piece::Literal(literal) => push_raw(&mut target, literal),
                        Piece::Value(slot, _) => {
                            let value = self.value(*slot).unwrap_or_default();
                            escape::push_path_segment(&mut target, value)
                                .map_err(|flaw| self.flaw(*slot, flaw))?;
                        }
                    }
                }
            }
            false => push_raw(&mut target, url.path()),
        }
        if target.is_empty() {
            target.push(b"/");
        }
        let path = target.len();
        target.push(b"?");
        self.fields(&mut target, &template.query, escape::push_percent)?;
        if target.len() == path + 1 {
            target.truncate(path);
        }
        Ok(Some(target))
    }

    /// The URL of a request that begins with what a step said.
    fn url_of_step(&self, template: &UrlTemplate) -> Result<Url, Error> {
        let UrlStart::Step(index) = template.start else { return Err(unrenderable()) };
        let mut text = self.value(Slot::Step(index)).unwrap_or_default().to_owned();
        for piece in &*template.path.0 {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Value(..) => text.push('*'),
            }
        }
        Url::parse(&text).map_err(|_| self.flaw(Slot::Step(index), "is no URL"))
    }

    /// A value cannot stand where it should. What the caller gave was checked before; this is a step's.
    fn flaw(&self, slot: Slot, flaw: Flaw) -> Error {
        let definition = self.inputs.definition;
        match slot {
            Slot::Parameter(index) => {
                let name = definition.parameters[index].name.to_string();
                Error::setting(name, flaw, "check that it is the credential itself")
            }
            Slot::Step(index) => {
                let values = definition.steps.iter().flat_map(|step| &step.values);
                let name = values.map(|value| &*value.name).nth(index).unwrap_or_default();
                Error::new(ErrorKind::AnswerMalformed, ErrorPhase::Read)
                    .with_message(format!("the value {name} of an earlier answer {flaw}"))
            }
            Slot::RefreshToken => Error::new(ErrorKind::AnswerMalformed, ErrorPhase::Read)
                .with_message(format!("the refresh token of an earlier answer {flaw}")),
            _ => Error::setting("profile", format!("makes a value that {flaw}"), "correct it"),
        }
    }

    fn json(&self, body: &mut SecretBuf, template: &JsonTemplate) -> Result<(), Error> {
        match template {
            JsonTemplate::Raw(text) => push_raw(body, text),
            JsonTemplate::Text(text) => {
                body.push(b"\"");
                self.push(body, text, push_json)?;
                body.push(b"\"");
            }
            JsonTemplate::Number(slot) => push_raw(body, self.value(*slot).unwrap_or("null")),
            JsonTemplate::ScopeArray => {
                let written = serde_json::to_writer(&mut *body, self.inputs.scopes);
                written.map_err(|_| unrenderable())?;
            }
            JsonTemplate::Array(items) => {
                body.push(b"[");
                let mut is_first = true;
                for item in items.iter().filter(|item| self.is_there(item)) {
                    if !std::mem::take(&mut is_first) {
                        body.push(b",");
                    }
                    self.json(body, item)?;
                }
                body.push(b"]");
            }
            JsonTemplate::Object(members) => {
                body.push(b"{");
                self.members(body, members, true)?;
                body.push(b"}");
            }
        }
        Ok(())
    }

    /// The members of an object, without its braces.
    fn members(
        &self,
        body: &mut SecretBuf,
        members: &[(Box<str>, JsonTemplate)],
        mut is_first: bool,
    ) -> Result<(), Error> {
        for (name, member) in members {
            if !self.is_there(member) {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                body.push(b",");
            }
            push_raw(body, name);
            body.push(b":");
            self.json(body, member)?;
        }
        Ok(())
    }

    fn is_there(&self, template: &JsonTemplate) -> bool {
        match template {
            JsonTemplate::Text(text) => self.has_all(text),
            JsonTemplate::Number(slot) => self.value(*slot).is_some(),
            JsonTemplate::ScopeArray => self.scopes.is_some(),
            JsonTemplate::Raw(_) | JsonTemplate::Array(_) | JsonTemplate::Object(_) => true,
        }
    }

    /// A derived value; `None` where it is absent.
    fn derive(&self, index: usize) -> Result<Option<SecretBuf>, Error> {
        let definition = self.inputs.definition;
        let derived = &definition.derived[index];
        let is_chosen = |(parameter, choices): &(usize, Vec<Box<str>>)| {
            let value = self.inputs.credentials.text_at(*parameter);
            value.is_some_and(|value| choices.iter().any(|choice| **choice == *value))
        };
        if !derived.when.iter().all(is_chosen) {
            return Ok(None);
        }
        let raw = |text: &Text| self.text(text, push_raw);
        Ok(match &derived.how {
            How::Basic { user, password, percent_encode } => self.basic(
                user,
                password,
                self.inputs.percent_encode_basic.unwrap_or(*percent_encode),
            )?,
            How::Text(texts) => match texts.iter().find(|text| self.has_all(text)) {
                Some(text) => raw(text)?,
                None => None,
            },
            How::Uuid => Some(SecretBuf::from(&*self.uuid()?)),
            How::Now(format) => Some(SecretBuf::from(&*self.now(*format)?)),
            How::Sha256(text, encoding) => {
                raw(text)?.map(|text| digest::sha256(text.expose_secret(), *encoding))
            }
            How::Hmac { hash, key, text, encoding } => match (raw(key)?, raw(text)?) {
                (Some(key), Some(text)) => {
                    Some(digest::hmac(*hash, key.expose_secret(), text.expose_secret(), *encoding))
                }
                _ => None,
            },
            How::Jwt(jwt) => self.jwt(index, jwt)?,
            How::CertificateSha256(parameter) => {
                match self.inputs.credentials.text_at(*parameter) {
                    Some(pem) => {
                        let digest = digest::certificate_sha256(pem);
                        Some(SecretBuf::from(&*digest.map_err(|flaw| {
                            self.flaw(Slot::Parameter(*parameter), flaw.problem)
                        })?))
                    }
                    None => None,
                }
            }
        })
    }

    fn basic(
        &self,
        user: &Text,
        password: &Text,
        percent_encode: bool,
    ) -> Result<Option<SecretBuf>, Error> {
        if !self.has_all(user) || !self.has_all(password) {
            return Ok(None);
        }
        // Not as in a form: some servers take the `+` of a space to the letter.
        let encode = if percent_encode { escape::push_percent } else { push_raw };
        let mut pair = SecretBuf::with_capacity(TYPICAL_BODY);
        self.push(&mut pair, user, encode)?;
        // What the caller gave was checked before; what an answer gave was not.
        if pair.expose_secret().contains(&b':') {
            let flaw = "has a colon in it, which HTTP Basic cannot carry (RFC 7617)";
            return Err(self.flaw(first_slot(user), flaw));
        }
        let user_len = pair.len();
        pair.push(b":");
        self.push(&mut pair, password, encode)?;
        if let Some(at) = pair.expose_secret().iter().position(u8::is_ascii_control) {
            let text = if at < user_len { user } else { password };
            return Err(self.flaw(first_slot(text), "has a control character in it"));
        }
        let length = pair.len().div_ceil(3) * 4;
        let mut encoded = SecretBuf::with_capacity(length);
        encoded
            .append(length, |room| BASE64.encode_slice(pair.expose_secret(), room))
            .map_err(|_| unrenderable())?;
        Ok(Some(encoded))
    }

    fn uuid(&self) -> Result<String, Error> {
        digest::uuid().ok_or_else(|| Error::new(ErrorKind::Internal, ErrorPhase::Configure))
    }

    fn now(&self, format: TimeFormat) -> Result<String, Error> {
        let now_ms = self.inputs.now_ms;
        let text = match format {
            TimeFormat::Seconds => Some(now_ms.div_euclid(1000).to_string()),
            TimeFormat::Milliseconds => Some(now_ms.to_string()),
            TimeFormat::Rfc3339 => rfc3339(now_ms),
            TimeFormat::HttpDate => http_date(now_ms),
        };
        text.ok_or_else(|| {
            Error::setting("clock", "shows an impossible date", "set this machine's clock")
        })
    }

    /// `None` where the key is absent.
    fn jwt(&self, index: usize, jwt: &Jwt) -> Result<Option<SecretBuf>, Error> {
        let Some(alg) = self.inputs.credentials.alg(&jwt.alg) else { return Ok(None) };
        let has = |members: &[(Box<str>, JsonTemplate)], name: &str| {
            members.iter().any(|(known, _)| &**known == name)
        };
        let mut header = SecretBuf::with_capacity(TYPICAL_BODY);
        push_raw(&mut header, "{\"alg\":\"");
        push_raw(&mut header, alg.name());
        push_raw(&mut header, "\"");
        if !has(&jwt.header, "\"typ\"") {
            push_raw(&mut header, ",\"typ\":\"JWT\"");
        }
        self.members(&mut header, &jwt.header, false)?;
        push_raw(&mut header, "}");

        let now_s = self.inputs.now_ms.div_euclid(1000);
        let mut claims = SecretBuf::with_capacity(TYPICAL_BODY);
        push_raw(&mut claims, "{");
        let mut is_first = true;
        let mut add = |claims: &mut SecretBuf, name: &str, value: &str| {
            if !has(&jwt.claims, name) {
                let comma = if std::mem::take(&mut is_first) { "" } else { "," };
                [comma, name, ":", value].iter().for_each(|piece| push_raw(claims, piece));
            }
        };
        add(&mut claims, "\"iat\"", &now_s.to_string());
        add(&mut claims, "\"exp\"", &now_s.saturating_add(seconds(jwt.life)).to_string());
        add(&mut claims, "\"jti\"", &format!("\"{}\"", self.uuid()?));
        self.members(&mut claims, &jwt.claims, is_first)?;
        push_raw(&mut claims, "}");

        let sign = |key: &SigningKey| {
            key.sign(header.expose_secret(), claims.expose_secret()).map_err(|_| unrenderable())
        };
        match &jwt.key {
            JwtKey::Private(_) => {
                let prepared = self.inputs.credentials.prepared();
                prepared.and_then(|known| known.keys[index].as_ref()).map(sign).transpose()
            }
            JwtKey::Shared(text) => {
                let Some(text) = self.text(text, push_raw)? else { return Ok(None) };
                let key = SigningKey::parse(alg, text.expose_text().unwrap_or_default());
                let key = key.map_err(|flaw| {
                    Error::setting(
                        "profile",
                        format!("signs with a key that {}", flaw.problem),
                        flaw.remedy,
                    )
                })?;
                sign(&key).map(Some)
            }
        }
    }
}

/// What is most likely at fault where a text is.
fn first_slot(text: &Text) -> Slot {
    text.slots().next().map_or(Slot::Endpoint, |(slot, _)| slot)
}

/// The path of a URL; empty for none.
fn path_of(url: Option<&str>) -> &str {
    let rest = url.and_then(|url| url.split_once("://")).map_or("", |(_, rest)| rest);
    rest.find('/').map_or("", |at| &rest[at..])
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

fn push_raw(buffer: &mut SecretBuf, text: &str) {
    buffer.push(text.as_bytes());
}

/// The inside of a JSON string.
fn push_json(buffer: &mut SecretBuf, text: &str) {
    // It takes every text.
    let _ = Escape::Json.push(buffer, text);
}

/// Enough for every body of ordinary credentials, so that the buffer seldom grows.
const TYPICAL_BODY: usize = 1024;

fn unrenderable() -> Error {
    Error::new(ErrorKind::Internal, ErrorPhase::Configure)
}
