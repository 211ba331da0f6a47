//! Whether a text that arrived is what a text of the profile says.
//!
//! Nothing is rendered and compared: what arrived is taken apart, decoded, and each part compared with
//! the value that it must be. Values that the client made (a UUID, a time, a JWT) are looked at
//! where they stand and remembered; signatures of them are computed at the end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::definition::{Asked, Definition, Named};
use super::file::{Basic, DigestForm, Hash, How, Json, Jwt, Kind, Made, Parameter, TimeForm};
use super::keys;
use super::memory::{Caller, HandedOut, Memory};
use super::text::{Escape, Piece, Template};

/// How far a client's clock may be off.
const CLOCK_TOLERANCE_MS: u64 = 300_000;

/// What a complaint is about, which decides how the request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// No request of the profile is like this.
    NotFound,
    /// The form of the request.
    Request,
    /// A credential is another one.
    Credentials,
    /// The refresh token is.
    SignIn,
    Scope,
}

/// Something that is not as the profile says. The text shows no value that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Complaint {
    pub(crate) class: Class,
    pub(crate) text: String,
    /// The parameter that it is about.
    pub(crate) parameter: Option<String>,
}

/// What the sandbox knows when a request arrives.
pub(crate) struct Known<'a> {
    pub(crate) definition: &'a Definition,
    /// What each parameter is now.
    pub(crate) parameters: &'a [(String, String)],
    pub(crate) memory: &'a Memory,
    /// Those that exist, and those that are granted, which exist too.
    pub(crate) scopes: &'a [String],
    pub(crate) allowed_scopes: &'a [String],
    pub(crate) now_ms: u64,
    /// The request that it is taken for.
    pub(crate) asked: Asked,
    /// `{endpoint}`, where this is the token request.
    pub(crate) endpoint: Option<String>,
    /// What was found of the JWTs that were looked at: a signature is not verified in each trial.
    pub(crate) verified: RefCell<BTreeMap<String, Verified>>,
}

/// Header and claims of a JWT, or what is wrong with it.
type Verified = Result<(Value, Value), &'static str>;

impl Known<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        let parameter = self.parameters.iter().find(|(known, _)| known == name);
        parameter.map(|(_, value)| value.as_str())
    }
}

/// One attempt to take a request for what the profile describes.
#[derive(Clone)]
pub(crate) struct Trial<'a> {
    known: &'a Known<'a>,
    /// The optional parameters that are taken for absent, and `scopes` perhaps.
    absent: BTreeSet<&'a str>,
    /// What the client made, as it was sent.
    bound: BTreeMap<String, String>,
    /// Digests whose inputs may not be known yet: name, text, place.
    claimed: Vec<(String, String, String)>,
    /// UUIDs and the like, which must be new, with their places.
    ids: Vec<(String, String)>,
    /// The values of steps in it.
    used: Vec<HandedOut>,
    pub(crate) complaints: Vec<Complaint>,
}

/// Why a text is not the one described; follows the name of its place.
struct Mismatch {
    class: Class,
    why: String,
    parameter: Option<String>,
}

impl Mismatch {
    fn of_request(why: impl Into<String>) -> Mismatch {
        Mismatch { class: Class::Request, why: why.into(), parameter: None }
    }
}

/// What a trial found out.
pub(crate) struct Found {
    pub(crate) complaints: Vec<Complaint>,
    /// What the client made, as it was sent, and which optional parameters it gave.
    pub(crate) caller: Caller,
    /// UUIDs and the like.
    pub(crate) ids: Vec<String>,
    pub(crate) used: Vec<HandedOut>,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(known: &'a Known<'a>, absent: BTreeSet<&'a str>) -> Trial<'a> {
        Trial {
            known,
            absent,
            bound: BTreeMap::new(),
            claimed: Vec::new(),
            ids: Vec::new(),
            used: Vec::new(),
            complaints: Vec::new(),
        }
    }

    pub(crate) fn complain(&mut self, class: Class, text: impl Into<String>) {
        self.complaints.push(Complaint { class, text: text.into(), parameter: None });
    }

    /// Whether a text has a value that is absent.
    pub(crate) fn is_absent(&self, template: &Template) -> bool {
        template.names().any(|name| self.is_name_absent(name))
    }

    fn is_name_absent(&self, name: &str) -> bool {
        if self.absent.contains(name) {
            return true;
        }
        let Some(Named::Made(Made { how, when, .. })) = self.known.definition.named(name) else {
            return false;
        };
        let is_chosen = |(parameter, choices): (&String, &Vec<String>)| {
            let chosen =
                self.known.parameter(parameter).filter(|_| !self.is_name_absent(parameter));
            chosen.is_some_and(|chosen| choices.iter().any(|choice| choice == chosen))
        };
        if !when.iter().all(is_chosen) {
            return true;
        }
        match how {
            How::Basic(basic) => self.is_absent(&basic.user) || self.is_absent(&basic.password),
            How::Text(texts) => texts.iter().all(|text| self.is_absent(text)),
            How::Sha256(text, _) | How::CertificateSha256(text) => self.is_absent(text),
            How::Hmac(hmac, _) => self.is_absent(&hmac.key) || self.is_absent(&hmac.text),
            How::Jwt(jwt) => self.is_absent(&jwt.key) || self.is_absent(&jwt.alg),
            How::Uuid | How::Now(_) => false,
        }
    }

    /// Compares a text at a place with the profile's, and complains where it is another.
    pub(crate) fn text(&mut self, place: &str, template: &Template, text: &str) {
        let pieces: Vec<&Piece> = template.pieces.iter().collect();
        if let Err(Mismatch { class, why, parameter }) = self.run(&pieces, text, place) {
            let text = format!("{place} {why}{}", self.hint(template, text));
            self.complaints.push(Complaint { class, text, parameter });
        }
    }

    /// Whether the text is the one described; nothing is remembered.
    pub(crate) fn fits(&self, template: &Template, text: &str) -> bool {
        let pieces: Vec<&Piece> = template.pieces.iter().collect();
        self.clone().run(&pieces, text, "").is_ok()
    }

    /// The usual mistakes.
    fn hint(&self, template: &Template, text: &str) -> &'static str {
        let Some(right) = self.render(template) else { return "" };
        let decoded = |text: &str| Escape::Url.undone(&text.replace('+', "%20"));
        match text {
            "" => " (it is empty)",
            _ if text.trim() == right => " (there is white space around it)",
            _ if decoded(text).is_some_and(|text| text == right) => {
                " (it is percent-encoded once too often)"
            }
            _ if decoded(&right).is_some_and(|right| text == right) => {
                " (it is not percent-encoded, and had to be)"
            }
            _ if text.eq_ignore_ascii_case(&right) => " (in another case)",
            _ => "",
        }
    }

    /// Takes the pieces from the text, one after the other.
    fn run(&mut self, pieces: &[&Piece], text: &str, place: &str) -> Result<(), Mismatch> {
        let Some((first, rest)) = pieces.split_first() else {
            return match text.is_empty() {
                true => Ok(()),
                false => Err(Mismatch::of_request("goes on where it should end")),
            };
        };
        let (name, escape) = match first {
            Piece::Literal(literal) => {
                return match text.strip_prefix(literal.as_str()) {
                    Some(after) => self.run(rest, after, place),
                    None => {
                        Err(Mismatch::of_request(format!("has not {literal:?} where it should")))
                    }
                };
            }
            Piece::Value { name, escape } => (name.as_str(), *escape),
        };
        if let Some(value) = self.value_of(name) {
            return match escape.strip(text, &value) {
                Some(after) if rest.is_empty() && !after.is_empty() => Err(self.not(name)),
                Some(after) => self.run(rest, after, place),
                None => Err(self.not(name)),
            };
        }
        match self.known.definition.named(name) {
            Some(Named::Made(made)) => self.run_made(name, made, escape, rest, text, place),
            Some(Named::StepValue { .. }) => {
                for handed_out in self.known.memory.handed_out(name) {
                    let Some(after) = escape.strip(text, &handed_out.value) else { continue };
                    let mut trial = self.clone();
                    trial.take_over(handed_out, place);
                    if trial.run(rest, after, place).is_ok() {
                        *self = trial;
                        return Ok(());
                    }
                }
                let why = format!(
                    "has no {{{name}}} that a step gave and that has not brought a token yet"
                );
                Err(Mismatch::of_request(why))
            }
            Some(Named::Parameter(_) | Named::RefreshToken) => {
                if let Some(after) = self
                    .known
                    .parameter(name)
                    .and_then(|current| escape.strip(text, current).map(|after| (current, after)))
                {
                    self.bound.insert(name.to_owned(), after.0.to_owned());
                    return self.run(rest, after.1, place);
                }
                for token in self.known.memory.refresh_tokens() {
                    if let Some(after) = escape.strip(text, &token.value) {
                        self.bound.insert(name.to_owned(), token.value.clone());
                        self.same_caller(&token.caller, place);
                        return self.run(rest, after, place);
                    }
                }
                Err(self.not(name))
            }
            Some(Named::Endpoint) => {
                let url = &self.known.definition.url(Asked::Token).pieces;
                let pieces: Vec<&Piece> = url.iter().chain(rest.iter().copied()).collect();
                self.run(&pieces, text, place)
            }
            Some(Named::Scopes) => self.try_ends(rest, escape, text, place, Trial::scopes),
            Some(Named::AccessToken) => self.try_ends(rest, escape, text, place, |trial, token| {
                trial.bound.insert("access_token".to_owned(), token.to_owned());
                Ok(())
            }),
            None => Err(Mismatch::of_request("cannot be compared")),
        }
    }

    /// A value that is not known yet.
    fn run_made(
        &mut self,
        name: &str,
        made: &'a Made,
        escape: Escape,
        rest: &[&Piece],
        text: &str,
        place: &str,
    ) -> Result<(), Mismatch> {
        let any = usize::MAX;
        let (taken, after) = match &made.how {
            How::Text(texts) => {
                let Some(chosen) = texts.iter().find(|text| !self.is_absent(text)) else {
                    return Err(Mismatch::of_request(format!("has {{{name}}}, which is absent")));
                };
                if escape == Escape::None {
                    let pieces = chosen.pieces.iter().chain(rest.iter().copied());
                    return self.run(&pieces.collect::<Vec<_>>(), text, place);
                }
                return self.try_ends(rest, escape, text, place, |trial, text| {
                    trial.run(&chosen.pieces.iter().collect::<Vec<_>>(), text, place)
                });
            }
            How::Uuid => escape.take(text, 36, |byte| byte.is_ascii_hexdigit() || byte == b'-'),
            How::Now(TimeForm::Seconds | TimeForm::Milliseconds) => {
                escape.take(text, any, |byte| byte.is_ascii_digit())
            }
            How::Now(TimeForm::Rfc3339) => {
                escape.take(text, any, |byte| byte.is_ascii_digit() || b"-+:.TtZz".contains(&byte))
            }
            How::Now(TimeForm::HttpDate) => escape.take(text, 29, |byte| byte != b'"'),
            How::Jwt(_) => escape
                .take(text, any, |byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)),
            How::Basic(_) => escape.take(text, any, is_base64),
            How::Sha256(_, form) => escape.take(text, length(Hash::Sha256, *form), is_base64),
            How::Hmac(hmac, form) => escape.take(text, length(hmac.hash, *form), is_base64),
            // Known, or of a certificate that is none.
            How::CertificateSha256(_) => return Err(self.not(name)),
        };
        match &made.how {
            How::Uuid => self.uuid(name, &taken, place)?,
            How::Now(form) => self.now(name, *form, &taken)?,
            How::Jwt(jwt) => self.jwt(name, jwt, &taken)?,
            How::Basic(basic) => self.basic(name, basic, &taken)?,
            _ => self.claim(name, &taken, place)?,
        }
        if !matches!(made.how, How::Sha256(..) | How::Hmac(..)) {
            self.bound.insert(name.to_owned(), taken);
        }
        self.run(rest, after, place)
    }

    /// Tries each end that a value of unknown length can have.
    fn try_ends(
        &mut self,
        rest: &[&Piece],
        escape: Escape,
        text: &str,
        place: &str,
        inner: impl Fn(&mut Trial<'a>, &str) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        let ends: Vec<usize> = match rest.first() {
            None => vec![text.len()],
            Some(Piece::Literal(literal)) => {
                text.match_indices(literal.as_str()).map(|(at, _)| at).collect()
            }
            Some(Piece::Value { .. }) => (0..=text.len()).collect(),
        };
        let mut why = Mismatch::of_request("is not as the profile says");
        for end in ends.into_iter().filter(|end| text.is_char_boundary(*end)) {
            let mut trial = self.clone();
            let Some(plain) = escape.undone(&text[..end]) else { continue };
            let result = inner(&mut trial, &plain);
            match result.and_then(|()| trial.run(rest, &text[end..], place)) {
                Ok(()) => {
                    *self = trial;
                    return Ok(());
                }
                Err(mismatch) => why = mismatch,
            }
        }
        Err(why)
    }

    /// The mismatch of a value that is another one.
    fn not(&self, name: &str) -> Mismatch {
        let (class, parameter) = match self.known.definition.named(name) {
            _ if name == "refresh_token" => (Class::SignIn, Some(name.to_owned())),
            Some(Named::Parameter(Parameter { kind, .. })) => match kind {
                Kind::Url | Kind::Host | Kind::Choice => (Class::Request, None),
                _ => (Class::Credentials, Some(name.to_owned())),
            },
            Some(Named::Made(Made { how: How::Hmac(..), .. })) => (Class::Credentials, None),
            Some(Named::Made(Made { how: How::CertificateSha256(_), .. })) => {
                (Class::Credentials, None)
            }
            _ => (Class::Request, None),
        };
        Mismatch { class, why: format!("has not {{{name}}} where it should"), parameter }
    }

    /// The value of a name, where there is only one that it can have.
    fn value_of(&self, name: &str) -> Option<String> {
        if let Some(bound) = self.bound.get(name) {
            return Some(bound.clone());
        }
        match self.known.definition.named(name)? {
            // Here it is the one that came with an answer.
            Named::Parameter(_)
                if name == "refresh_token" && self.known.asked == Asked::Refresh =>
            {
                None
            }
            Named::Parameter(_) => self.known.parameter(name).map(str::to_owned),
            Named::StepValue { is_url: true } => self.known.memory.known_url(name),
            Named::Endpoint => self.known.endpoint.clone(),
            Named::Made(made) => match &made.how {
                How::Text(texts) => self.render(texts.iter().find(|text| !self.is_absent(text))?),
                How::Sha256(text, form) => Some(formed(&Sha256::digest(self.render(text)?), *form)),
                How::Hmac(hmac, form) => {
                    let (key, text) = (self.render(&hmac.key)?, self.render(&hmac.text)?);
                    Some(formed(&mac(hmac.hash, key.as_bytes(), text.as_bytes())?, *form))
                }
                How::CertificateSha256(text) => keys::certificate_sha256(&self.render(text)?),
                How::Uuid | How::Now(_) | How::Jwt(_) | How::Basic(_) => None,
            },
            _ => None,
        }
    }

    /// A text with all its values, where they are known.
    fn render(&self, template: &Template) -> Option<String> {
        let mut text = String::new();
        for piece in &template.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Value { name, escape } => {
                    text.push_str(&escape.applied(&self.value_of(name)?));
                }
            }
        }
        Some(text)
    }

    /// A value of a step brings along what the client made for that step.
    fn take_over(&mut self, handed_out: &HandedOut, place: &str) {
        self.bound.insert(handed_out.name.clone(), handed_out.value.clone());
        self.same_caller(&handed_out.caller, place);
        for (name, value) in &handed_out.caller.made {
            if self.bound.insert(name.clone(), value.clone()).is_some_and(|other| other != *value) {
                let text = format!("{place} belongs to a step with another {{{name}}}");
                self.complain(Class::Request, text);
            }
        }
        self.used.push(handed_out.clone());
    }

    /// Who goes on with what was handed out gives the same parameters.
    fn same_caller(&mut self, caller: &Caller, place: &str) {
        for (name, was_given) in &caller.given {
            let (is_used, is_given) = (self.uses(name), !self.absent.contains(name.as_str()));
            if is_used && is_given != *was_given {
                let text = match was_given {
                    true => format!("{{{name}}} is left out, but {place} was given to who has it"),
                    false => format!("{{{name}}} is there, but {place} was given to who has none"),
                };
                self.complain(Class::Request, text);
            }
        }
    }

    fn uses(&self, name: &str) -> bool {
        self.known.definition.optional(self.known.asked).contains(&name)
    }

    fn scopes(&mut self, text: &str) -> Result<(), Mismatch> {
        let scopes = self.known.definition.file.scopes.as_ref();
        let separator = scopes.map_or(" ", |scopes| scopes.separator.as_str());
        for scope in text.split(separator) {
            self.scope(scope)?;
        }
        self.bound.insert("scopes".to_owned(), text.replace(separator, " "));
        Ok(())
    }

    fn scope(&self, scope: &str) -> Result<(), Mismatch> {
        let mut known = self.known.scopes.iter().chain(self.known.allowed_scopes);
        match known.any(|known| known == scope) {
            true => Ok(()),
            false => Err(Mismatch {
                class: Class::Scope,
                why: "has a scope that there is not, or another separator".to_owned(),
                parameter: Some("scope".to_owned()),
            }),
        }
    }

    fn uuid(&mut self, name: &str, text: &str, place: &str) -> Result<(), Mismatch> {
        let groups: Vec<&str> = text.split('-').collect();
        // Version 4, and the variant of RFC 9562.
        let is_random = matches!(groups.as_slice(), [_, _, three, four, _]
            if three.starts_with('4') && four.starts_with(['8', '9', 'a', 'b', 'A', 'B']));
        if !is_random || groups.iter().map(|group| group.len()).ne([8, 4, 4, 4, 12]) {
            return Err(Mismatch::of_request(format!("has no random UUID as {{{name}}}")));
        }
        self.ids.push((text.to_owned(), place.to_owned()));
        Ok(())
    }

    fn now(&self, name: &str, form: TimeForm, text: &str) -> Result<(), Mismatch> {
        let ms = match form {
            TimeForm::Seconds => text.parse().ok().and_then(|s: u64| s.checked_mul(1000)),
            TimeForm::Milliseconds => text.parse().ok(),
            TimeForm::Rfc3339 => OffsetDateTime::parse(text, &Rfc3339)
                .ok()
                .and_then(|time| u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()),
            TimeForm::HttpDate => httpdate::parse_http_date(text).ok().and_then(|time| {
                let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
                u64::try_from(since.as_millis()).ok()
            }),
        };
        match ms {
            None => Err(Mismatch::of_request(format!("has no time in its form as {{{name}}}"))),
            Some(ms) if self.is_now(ms) => Ok(()),
            Some(_) => Err(Mismatch::of_request(format!(
                "has a {{{name}}} that is more than 5 minutes from the server's time"
            ))),
        }
    }

    fn is_now(&self, ms: u64) -> bool {
        ms.abs_diff(self.known.now_ms) <= CLOCK_TOLERANCE_MS
    }

    fn basic(&mut self, name: &str, basic: &'a Basic, text: &str) -> Result<(), Mismatch> {
        let pair = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        // A user ends at the first colon (RFC 7617); a password may have more of them.
        let Some((user, password)) = pair.as_deref().and_then(|pair| pair.split_once(':')) else {
            let why = format!("has no user and password in Base64 as {{{name}}}");
            return Err(Mismatch::of_request(why));
        };
        for (what, template, text) in
            [("user", &basic.user, user), ("password", &basic.password, password)]
        {
            let place = format!("the {what} of {{{name}}}");
            match basic.percent_encode {
                false => self.text(&place, template, text),
                true => match Escape::Url.undone(text) {
                    Some(text) => self.text(&place, template, &text),
                    None => self.complain(
                        Class::Credentials,
                        format!("{place} is not percent-encoded, and had to be"),
                    ),
                },
            }
        }
        Ok(())
    }

    fn jwt(&mut self, name: &str, jwt: &'a Jwt, token: &str) -> Result<(), Mismatch> {
        let choice = |name: &str| self.known.parameter(name).unwrap_or_default().to_owned();
        let algorithm = self.known.definition.algorithm(jwt, choice);
        let (Some(algorithm), Some(key)) = (algorithm, self.render(&jwt.key)) else {
            return Err(Mismatch::of_request(format!("has a {{{name}}} that nobody can verify")));
        };
        let mut verified = self.known.verified.borrow_mut();
        let verified = verified
            .entry(format!("{name} {token}"))
            .or_insert_with(|| keys::verified(token, algorithm, &key))
            .clone();
        let (mut header, mut claims) = verified.map_err(|why| Mismatch {
            class: Class::Credentials,
            why: format!("has a {{{name}}} that {why}"),
            parameter: None,
        })?;
        let of_header = format!("of {{{name}}}, header");
        for (member, right) in [("alg", format!("{algorithm:?}")), ("typ", "JWT".to_owned())] {
            let sent = header.as_object_mut().filter(|_| !jwt.header.contains_key(member));
            if sent.is_some_and(|header| header.remove(member) != Some(right.clone().into())) {
                self.complain(Class::Request, format!("{of_header}: /{member} is not {right}"));
            }
        }
        self.object(&of_header, "", &jwt.header, &header);
        let of_claims = format!("of {{{name}}}, claims");
        self.times(&of_claims, jwt, &mut claims);
        self.object(&of_claims, "", &jwt.claims, &claims);
        Ok(())
    }

    /// Looks at the claims that the client adds by itself, and takes them out.
    fn times(&mut self, place: &str, jwt: &Jwt, claims: &mut Value) {
        let number = |name: &str| claims.get(name).and_then(Value::as_u64);
        let (issued, expires) = (number("iat"), number("exp"));
        let is_ours = |name: &str| !jwt.claims.contains_key(name);
        if is_ours("iat") && !issued.is_some_and(|at| self.is_now(at.saturating_mul(1000))) {
            self.complain(Class::Request, format!("{place}: /iat is not the time in seconds"));
        }
        let issued = issued.unwrap_or(self.known.now_ms / 1000);
        let right = issued.saturating_add(jwt.life.0.as_secs());
        if is_ours("exp") && expires.is_none_or(|at| at.abs_diff(right) > 2) {
            let life = jwt.life.0.as_secs();
            self.complain(
                Class::Request,
                format!("{place}: /exp is not {life} seconds after /iat"),
            );
        }
        if is_ours("jti") {
            match claims.get("jti").and_then(Value::as_str).filter(|id| id.len() >= 8) {
                Some(id) => self.ids.push((id.to_owned(), format!("{place}: /jti"))),
                None => self.complain(Class::Request, format!("{place}: /jti is no random text")),
            }
        }
        if let Some(claims) = claims.as_object_mut() {
            claims.retain(|name, _| {
                !["iat", "exp", "jti"].contains(&name.as_str()) || !is_ours(name)
            });
        }
    }

    /// Remembers a digest, to be computed when all that goes into it is known.
    fn claim(&mut self, name: &str, text: &str, place: &str) -> Result<(), Mismatch> {
        match self.claimed.iter().find(|(known, ..)| known == name) {
            Some((_, earlier, _)) if earlier != text => Err(self.not(name)),
            _ => {
                self.claimed.push((name.to_owned(), text.to_owned(), place.to_owned()));
                Ok(())
            }
        }
    }

    /// Compares JSON with the profile's.
    pub(crate) fn json(&mut self, of: &str, pointer: &str, template: &'a Json, value: &Value) {
        let place = format!("{of}: {}", if pointer.is_empty() { "the whole" } else { pointer });
        match (template, value) {
            (Json::Text(text), value) => match (self.is_number(text), value) {
                (true, Value::Number(number)) => self.text(&place, text, &number.to_string()),
                (false, Value::String(string)) => self.text(&place, text, string),
                (true, _) => self.complain(Class::Request, format!("{place} is not a number")),
                (false, _) => self.complain(Class::Request, format!("{place} is not a string")),
            },
            (Json::Object(members), value) => self.object(of, pointer, members, value),
            (Json::Array(items), Value::Array(values)) => {
                self.array(&place, items, values, |at| (of.to_owned(), format!("{pointer}/{at}")))
            }
            (Json::Array(_), _) => {
                self.complain(Class::Request, format!("{place} is not an array"))
            }
            (Json::Literal(literal), value) if literal == value => {}
            (Json::Literal(literal), _) => {
                self.complain(Class::Request, format!("{place} is not {literal}"));
            }
        }
    }

    fn is_number(&self, template: &Template) -> bool {
        match template.only_value().and_then(|name| self.known.definition.named(name)) {
            Some(Named::Parameter(parameter)) => parameter.kind == Kind::Integer,
            Some(Named::Made(made)) => made.is_number,
            _ => false,
        }
    }

    fn is_json_absent(&self, json: &Json) -> bool {
        matches!(json, Json::Text(text) if self.is_absent(text))
    }

    fn object(
        &mut self,
        of: &str,
        pointer: &str,
        members: &'a BTreeMap<String, Json>,
        value: &Value,
    ) {
        let nothing = Map::new();
        let sent = value.as_object().unwrap_or_else(|| {
            let place = if pointer.is_empty() { "the whole" } else { pointer };
            self.complain(Class::Request, format!("{of}: {place} is not an object"));
            &nothing
        });
        if !value.is_object() {
            return;
        }
        for (name, template) in members {
            let inner = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            match (sent.get(name), self.is_json_absent(template)) {
                (Some(value), false) => self.json(of, &inner, template, value),
                (None, true) => {}
                (None, false) => self.complain(Class::Request, format!("{of}: {inner} is missing")),
                (Some(_), true) => self.complain(
                    Class::Request,
                    format!("{of}: {inner} is there, though its value is absent"),
                ),
            }
        }
        for name in sent.keys().filter(|name| !members.contains_key(*name)) {
            let text = format!("{of}: {pointer}/{} is not in the profile", shown(name));
            self.complain(Class::Request, text);
        }
    }

    fn array(
        &mut self,
        place: &str,
        items: &'a [Json],
        values: &[Value],
        inner: impl Fn(usize) -> (String, String),
    ) {
        if let [Json::Text(text)] = items
            && text.only_value() == Some("scopes")
            && !self.is_absent(text)
        {
            let scopes: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
            let scopes = scopes.filter(|scopes| !scopes.is_empty());
            match scopes
                .map(|scopes| (scopes.iter().find_map(|scope| self.scope(scope).err()), scopes))
            {
                None => self.complain(Class::Request, format!("{place} is no array of scopes")),
                Some((Some(Mismatch { class, why, parameter }), _)) => {
                    self.complaints.push(Complaint {
                        class,
                        text: format!("{place} {why}"),
                        parameter,
                    });
                }
                Some((None, scopes)) => {
                    self.bound.insert("scopes".to_owned(), scopes.join(" "));
                }
            }
            return;
        }
        let items: Vec<&Json> = items.iter().filter(|item| !self.is_json_absent(item)).collect();
        if items.len() != values.len() {
            self.complain(Class::Request, format!("{place} has not {} items", items.len()));
            return;
        }
        for (at, (item, value)) in items.into_iter().zip(values).enumerate() {
            let (of, pointer) = inner(at);
            self.json(&of, &pointer, item, value);
        }
    }

    /// Computes the digests, looks for what came before, and tells what was found.
    pub(crate) fn finish(mut self) -> Found {
        for (name, text, place) in std::mem::take(&mut self.claimed) {
            // What nobody ever sees cannot be in a digest that anybody checks.
            if self.value_of(&name).is_some_and(|right| right != text) {
                let Mismatch { class, why, parameter } = self.not(&name);
                let text = format!("{place} {why}: it is of something else, or by another key");
                self.complaints.push(Complaint { class, text, parameter });
            }
        }
        for (id, place) in &self.ids {
            let is_of_this_attempt =
                self.used.iter().any(|used| used.caller.made.values().any(|made| made == id));
            if self.known.memory.has_seen(id) && !is_of_this_attempt {
                let text = format!("{place} has a value that was sent before");
                self.complaints.push(Complaint { class: Class::Request, text, parameter: None });
            }
        }
        let ids = self.ids.into_iter().map(|(id, _)| id).collect();
        let optional = self.known.definition.optional(self.known.asked).into_iter();
        let given = optional.map(|name| (name.to_owned(), !self.absent.contains(name))).collect();
        let caller = Caller { made: self.bound, given };
        Found { complaints: self.complaints, caller, ids, used: self.used }
    }
}

/// A name that a client chose. It may be a credential in the wrong place, and so is not shown
/// unless it is plainly a name.
pub(crate) fn shown(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.$".contains(&byte);
    match name.bytes().all(is_plain) && name.len() <= 40 {
        true => name.to_owned(),
        false => format!("(a name of {} bytes)", name.len()),
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte)
}

fn length(hash: Hash, form: DigestForm) -> usize {
    let bytes: usize = match hash {
        Hash::Sha256 => 32,
        Hash::Sha384 => 48,
        Hash::Sha512 => 64,
    };
    match form {
        DigestForm::Hex => bytes * 2,
        DigestForm::Base64 => bytes.div_ceil(3) * 4,
        DigestForm::Base64url => (bytes * 8).div_ceil(6),
    }
}

fn formed(digest: &[u8], form: DigestForm) -> String {
    match form {
        DigestForm::Hex => digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        DigestForm::Base64 => STANDARD.encode(digest),
        DigestForm::Base64url => URL_SAFE_NO_PAD.encode(digest),
    }
}

fn mac(hash: Hash, key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    Some(match hash {
        Hash::Sha256 => {
            let mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
            mac.chain_update(text).finalize().into_bytes().to_vec()
        }
        Hash::Sha384 => {
            let mac = Hmac::<Sha384>::new_from_slice(key).ok()?;
            mac.chain_update(text).finalize().into_bytes().to_vec()
        }
        Hash::Sha512 => {
            let mac = Hmac::<Sha512>::new_from_slice(key).ok()?;
            mac.chain_update(text).finalize().into_bytes().to_vec()
        }
    })
}
