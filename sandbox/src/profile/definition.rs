//! A profile that was read and looked through: every name in it means something, and it can be
//! played.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use jsonwebtoken::Algorithm;

use super::file::{
    Answer, ClientCertificate, Expires, File, How, Json, Jwt, Kind, Made, Parameter, Pointer,
    RefreshLife, Request, Source, StepAnswer, StepValue, Success, TokenType,
};
use super::keys;
use super::text::{Escape, Piece, Template};

/// Which of its optional parameters a request has is found by trying: so many make 1024 trials.
const MOST_OPTIONAL: usize = 10;

/// A token endpoint described by a file, to be played by a [`Sandbox`](crate::Sandbox).
#[derive(Clone)]
pub struct Profile(pub(crate) Arc<Definition>);

impl Profile {
    /// Reads the text of a profile.
    ///
    /// What caretoken's own reader takes is taken. The error says what cannot be played, and names
    /// the profile where it has a name.
    pub fn from_json(text: &str) -> io::Result<Profile> {
        match Definition::read(text) {
            Ok(definition) => Ok(Profile(Arc::new(definition))),
            Err(why) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the profile cannot be played: {why}"),
            )),
        }
    }

    /// Reads the file at a path. The error begins with the path.
    pub fn from_file(path: impl AsRef<Path>) -> io::Result<Profile> {
        let path = path.as_ref();
        std::fs::read_to_string(path)
            .and_then(|text| Profile::from_json(&text))
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    /// The profile's `name`.
    pub fn name(&self) -> &str {
        &self.0.file.name
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Profile").field(&self.name()).finish()
    }
}

/// One of a profile's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Step(usize),
    Token,
    Refresh,
}

/// What a name in braces means.
pub(crate) enum Named<'a> {
    Parameter(&'a Parameter),
    Made(&'a Made),
    /// A value of a step; a URL is always the same one.
    StepValue {
        is_url: bool,
    },
    Scopes,
    Endpoint,
    RefreshToken,
    AccessToken,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Url,
    Header,
    Cookie,
    /// The user of HTTP Basic.
    User {
        is_encoded: bool,
    },
    /// The key of a signature that both sides know.
    SharedKey,
    Elsewhere,
}

#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) file: File,
    /// The URLs of the steps, the token request and the refresh, with their escapes.
    urls: Vec<(Asked, Template)>,
}

impl Definition {
    fn read(text: &str) -> Result<Definition, String> {
        let file = File::read(text)?;
        let about = |why: String| format!("{}: {why}", file.name);
        check_name(&file.name, "-", "name").map_err(about)?;
        let mut definition = Definition { urls: Vec::new(), file };
        let urls = definition.asked().map(|asked| (asked, definition.url_of(asked))).collect();
        definition.urls = urls;
        match definition.check() {
            Ok(()) => Ok(definition),
            Err(why) => Err(format!("{}: {why}", definition.file.name)),
        }
    }

    /// The requests in the order of a fetch.
    pub(crate) fn asked(&self) -> impl Iterator<Item = Asked> + use<> {
        let steps = (0..self.file.steps.len()).map(Asked::Step);
        steps.chain([Asked::Token]).chain(self.file.refresh.as_ref().map(|_| Asked::Refresh))
    }

    pub(crate) fn request(&self, asked: Asked) -> &Request {
        match (asked, &self.file.refresh) {
            (Asked::Step(step), _) => &self.file.steps[step].request,
            (Asked::Refresh, Some(refresh)) => &refresh.request,
            _ => &self.file.request,
        }
    }

    /// The answer that brings a token.
    pub(crate) fn answer(&self, asked: Asked) -> &Answer {
        match (asked, &self.file.refresh) {
            (Asked::Refresh, Some(refresh)) => refresh.answer.as_ref().unwrap_or(&self.file.answer),
            _ => &self.file.answer,
        }
    }

    /// How an answer tells a success.
    pub(crate) fn success(&self, asked: Asked) -> (&[u16], Option<&Success>, Option<&Pointer>) {
        match asked {
            Asked::Step(step) => {
                let StepAnswer { status, success, refused_if, .. } = &self.file.steps[step].answer;
                (status, success.as_ref(), refused_if.as_ref())
            }
            _ => {
                let Answer { status, success, refused_if, .. } = self.answer(asked);
                (status, success.as_ref(), refused_if.as_ref())
            }
        }
    }

    pub(crate) fn url(&self, asked: Asked) -> &Template {
        let url = self.urls.iter().find(|(known, _)| *known == asked);
        url.map_or(&self.request(asked).url, |(_, url)| url)
    }

    /// In a path a value is percent-encoded.
    fn url_of(&self, asked: Asked) -> Template {
        let mut url = self.request(asked).url.clone();
        for piece in &mut url.pieces {
            if let Piece::Value { name, escape } = piece {
                *escape = match self.named(name) {
                    Some(Named::Parameter(parameter)) if parameter.kind != Kind::PathSegment => {
                        Escape::None
                    }
                    Some(Named::StepValue { is_url: true }) => Escape::None,
                    _ => Escape::Url,
                };
            }
        }
        url
    }

    pub(crate) fn named(&self, name: &str) -> Option<Named<'_>> {
        if let Some(parameter) = self.file.parameters.get(name) {
            return Some(Named::Parameter(parameter));
        }
        if let Some(made) = self.file.values.get(name) {
            return Some(Named::Made(made));
        }
        for step in &self.file.steps {
            if let Some(value) = step.answer.values.get(name) {
                let is_url = matches!(value, StepValue::At { kind: Some(Kind::Url), .. });
                return Some(Named::StepValue { is_url });
            }
        }
        match name {
            "scopes" => self.file.scopes.as_ref().map(|_| Named::Scopes),
            "endpoint" => Some(Named::Endpoint),
            "refresh_token" => Some(Named::RefreshToken),
            "access_token" => Some(Named::AccessToken),
            _ => None,
        }
    }

    /// The algorithm of a JWT, where its choice is this.
    pub(crate) fn algorithm(
        &self,
        jwt: &Jwt,
        choice: impl Fn(&str) -> String,
    ) -> Option<Algorithm> {
        match jwt.alg.only_value() {
            Some(parameter) => keys::algorithm(&choice(parameter)),
            None => keys::algorithm(&jwt.alg.source),
        }
    }

    /// The JWTs that a private key signs.
    pub(crate) fn signed_by<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Jwt> {
        self.file.values.values().filter_map(move |made| match &made.how {
            How::Jwt(jwt) if jwt.key.only_value() == Some(key) => Some(&**jwt),
            _ => None,
        })
    }

    pub(crate) fn needs_client_certificate(&self) -> bool {
        self.file.client_certificate == Some(ClientCertificate::Required)
    }

    /// The names that a request uses, and those that these are made of.
    pub(crate) fn used_by(&self, asked: Asked) -> BTreeSet<&str> {
        let mut used = BTreeSet::new();
        for (_, template) in texts_of_request(self.request(asked)) {
            self.add_names(template, &mut used);
        }
        used
    }

    fn add_names<'a>(&'a self, template: &'a Template, used: &mut BTreeSet<&'a str>) {
        for name in template.names() {
            if !used.insert(name) {
                continue;
            }
            match self.named(name) {
                Some(Named::Made(made)) => {
                    used.extend(made.when.keys().map(String::as_str));
                    for (_, template) in texts_of_value(made) {
                        self.add_names(template, used);
                    }
                }
                Some(Named::Endpoint) => self.add_names(&self.file.request.url, used),
                _ => {}
            }
        }
    }

    /// Where a name stands as it is, or as a part of a text.
    pub(crate) fn places_of(&self, name: &str) -> Vec<Place> {
        let reached = self.texts().into_iter().filter(|(_, text)| self.reaches(text, name));
        reached.map(|(place, _)| place).collect()
    }

    /// The field of a request, a header or a member of JSON, in which a name stands.
    pub(crate) fn field_of(&self, asked: Asked, name: &str) -> Option<&str> {
        fn member<'a>(
            json: &'a Json,
            own: &'a str,
            has: &dyn Fn(&Template) -> bool,
        ) -> Option<&'a str> {
            match json {
                Json::Text(text) => has(text).then_some(own),
                Json::Array(items) => items.iter().find_map(|item| member(item, own, has)),
                Json::Object(members) => {
                    members.iter().find_map(|(own, json)| member(json, own, has))
                }
                Json::Literal(_) => None,
            }
        }
        let request = self.request(asked);
        let has = |text: &Template| self.reaches(text, name);
        let fields = [Some(&request.query), Some(&request.headers), request.form.as_ref()];
        let mut fields = fields.into_iter().flatten().flatten();
        let field = fields.find(|(_, text)| has(text)).map(|(field, _)| field.as_str());
        field.or_else(|| request.json.as_ref().and_then(|json| member(json, "", &has)))
    }

    /// Whether a request has scopes as an array of JSON.
    pub(crate) fn has_scopes_as_array(&self, asked: Asked) -> bool {
        fn is_array(json: &Json) -> bool {
            match json {
                Json::Array(items) => items.iter().any(|item| match item {
                    Json::Text(text) => text.only_value() == Some("scopes"),
                    item => is_array(item),
                }),
                Json::Object(members) => members.values().any(is_array),
                _ => false,
            }
        }
        self.request(asked).json.as_ref().is_some_and(is_array)
    }

    fn reaches(&self, template: &Template, name: &str) -> bool {
        template.names().any(|used| {
            used == name
                || matches!(self.named(used), Some(Named::Made(Made { how: How::Text(texts), .. }))
                    if texts.iter().any(|text| self.reaches(text, name)))
        })
    }

    /// Every text in the file.
    fn texts(&self) -> Vec<(Place, &Template)> {
        let requests = self.asked().flat_map(|asked| texts_of_request(self.request(asked)));
        requests.chain(self.file.values.values().flat_map(texts_of_value)).collect()
    }

    /// What would make a request or an answer senseless. The words of the file are right by now.
    fn check(&self) -> Result<(), String> {
        let file = &self.file;
        for (name, parameter) in &file.parameters {
            check_name(name, "_", "a parameter")?;
            let choices = &parameter.choices;
            let is_choice = parameter.kind == Kind::Choice;
            if is_choice == choices.is_empty()
                || is_choice && parameter.default.as_ref().is_some_and(|one| !choices.contains(one))
            {
                return Err(format!("parameters.{name}: its choices do not fit"));
            }
        }
        for (name, made) in &file.values {
            check_name(name, "_", "a value")?;
            self.check_no_circle(name, &mut vec![])?;
            self.check_value(name, made)?;
        }
        for (_, text) in self.texts() {
            self.check_names(text)?;
        }
        if !file.usage.value.names().eq(["access_token"]) {
            return Err("use: {access_token} stands in its value once".to_owned());
        }
        for asked in self.asked() {
            self.check_request(asked)?;
        }
        for asked in self.asked() {
            let (status, success, refused_if) = self.success(asked);
            if status.is_empty() || status.iter().any(|status| !(200..600).contains(status)) {
                return Err("a status of an answer is from 200 to 599".to_owned());
            }
            let mut sources = Sources::default();
            sources.pointer(success.map(success_at))?;
            // Only in refusals, but nothing else may stand there.
            sources.pointer(refused_if)?;
            match asked {
                Asked::Step(step) => {
                    for value in file.steps[step].answer.values.values() {
                        sources.add(&source_of(value))?;
                    }
                }
                _ => self.add_sources(asked, &mut sources)?,
            }
            sources.check()?;
        }
        Ok(())
    }

    fn check_value(&self, name: &str, made: &Made) -> Result<(), String> {
        let is_kind = |name: Option<&str>, kind: Kind| {
            name.and_then(|name| self.file.parameters.get(name))
                .is_some_and(|parameter| parameter.kind == kind)
        };
        if made.when.keys().any(|parameter| !is_kind(Some(parameter), Kind::Choice)) {
            return Err(format!("values.{name}: when names no parameter of kind choice"));
        }
        match &made.how {
            How::CertificateSha256(text) if !is_kind(text.only_value(), Kind::Certificate) => {
                Err(format!("values.{name}: is not of a parameter of kind certificate"))
            }
            How::Jwt(jwt) => {
                let algorithms: Option<Vec<Algorithm>> = match jwt.alg.only_value() {
                    Some(choice) => self.file.parameters.get(choice).and_then(|parameter| {
                        parameter.choices.iter().map(|name| keys::algorithm(name)).collect()
                    }),
                    None => keys::algorithm(&jwt.alg.source).map(|algorithm| vec![algorithm]),
                };
                let algorithms = algorithms.filter(|algorithms| !algorithms.is_empty());
                let algorithms = algorithms
                    .ok_or_else(|| format!("values.{name}: no algorithm, or an unknown one"))?;
                let is_pair = is_kind(jwt.key.only_value(), Kind::PrivateKey);
                match algorithms.iter().all(|algorithm| keys::is_shared(*algorithm) != is_pair) {
                    true => Ok(()),
                    false => Err(format!("values.{name}: its key does not fit its algorithm")),
                }
            }
            _ => Ok(()),
        }
    }

    fn check_names(&self, text: &Template) -> Result<(), String> {
        match text.names().find(|name| self.named(name).is_none()) {
            Some(name) => Err(format!("{{{name}}} is neither a parameter nor a value")),
            None => Ok(()),
        }
    }

    fn check_no_circle<'a>(
        &'a self,
        name: &'a str,
        above: &mut Vec<&'a str>,
    ) -> Result<(), String> {
        if above.contains(&name) {
            return Err(format!("values.{name}: is made of itself"));
        }
        let Some(made) = self.file.values.get(name) else { return Ok(()) };
        above.push(name);
        for (_, text) in texts_of_value(made) {
            for used in text.names() {
                self.check_no_circle(used, above)?;
            }
        }
        above.pop();
        Ok(())
    }

    fn check_request(&self, asked: Asked) -> Result<(), String> {
        let request = self.request(asked);
        let Request { url, form, json, text, content_type, .. } = request;
        let begins_well = match url.pieces.first() {
            Some(Piece::Literal(text)) => text.starts_with("https://"),
            Some(Piece::Value { name, .. }) => matches!(
                self.named(name),
                Some(
                    Named::Parameter(Parameter { kind: Kind::Url, .. })
                        | Named::StepValue { is_url: true }
                )
            ),
            None => false,
        };
        if !begins_well {
            return Err(format!("the URL {:?} does not begin as one", url.source));
        }
        let bodies = [form.is_some(), json.is_some(), text.is_some()];
        if bodies.iter().filter(|is_there| **is_there).count() > 1 {
            return Err("form, json and text exclude each other".to_owned());
        }
        if text.is_some() && content_type.is_none() {
            return Err("a text has a content_type".to_owned());
        }
        match self.optional(asked).len() {
            0..=MOST_OPTIONAL => Ok(()),
            _ => Err(format!("a request with more than {MOST_OPTIONAL} optional parameters")),
        }
    }

    /// What may be absent from a request.
    pub(crate) fn optional(&self, asked: Asked) -> Vec<&str> {
        let mut used: Vec<_> = self.used_by(asked).into_iter().collect();
        used.retain(|name| match self.named(name) {
            Some(Named::Parameter(parameter)) => {
                parameter.optional && !(asked == Asked::Refresh && *name == "refresh_token")
            }
            Some(Named::Scopes) => {
                let scopes = self.file.scopes.as_ref();
                scopes.is_some_and(|scopes| !scopes.required && scopes.defaults.is_empty())
            }
            _ => false,
        });
        used
    }

    fn add_sources(&self, asked: Asked, sources: &mut Sources) -> Result<(), String> {
        let answer = self.answer(asked);
        sources.add(&answer.access_token)?;
        sources.pointer(answer.token_type.as_ref().map(|place| match place {
            TokenType::At(at) | TokenType::Is { at, .. } => at,
        }))?;
        sources.pointer(answer.scope.as_ref())?;
        for source in [&answer.refresh_token, &answer.request_id].into_iter().flatten() {
            sources.add(source)?;
        }
        if let Expires::In { pointer, .. } | Expires::At { at: pointer, .. } = &answer.expires {
            sources.pointer(Some(pointer))?;
        }
        if let Some(RefreshLife::In { pointer, .. }) =
            self.file.refresh.as_ref().and_then(|refresh| refresh.life.as_ref())
        {
            sources.pointer(Some(pointer))?;
        }
        answer.extras.values().try_for_each(|extra| sources.pointer(Some(extra)))
    }
}

pub(crate) fn success_at(success: &Success) -> &Pointer {
    match success {
        Success::At(at) | Success::Is { at, .. } => at,
    }
}

pub(crate) fn source_of(value: &StepValue) -> Source {
    match value {
        StepValue::At { at, .. } => Source::At(at.clone()),
        StepValue::Source(source) => source.clone(),
    }
}

/// The sources of one answer: no two may be in each other's way.
#[derive(Default)]
struct Sources {
    pointers: Vec<String>,
    is_body: bool,
}

impl Sources {
    fn add(&mut self, source: &Source) -> Result<(), String> {
        match source {
            Source::At(pointer) => self.pointer(Some(pointer)),
            Source::Body { .. } if std::mem::replace(&mut self.is_body, true) => {
                Err("two things cannot be the whole body".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn pointer(&mut self, pointer: Option<&Pointer>) -> Result<(), String> {
        if let Some(pointer) = pointer {
            if !pointer.is_empty() && !pointer.starts_with('/') {
                return Err(format!("{pointer:?} is not a JSON Pointer"));
            }
            self.pointers.push(pointer.clone());
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        for outer in &self.pointers {
            let inside = format!("{outer}/");
            if let Some(inner) = self.pointers.iter().find(|inner| inner.starts_with(&inside)) {
                return Err(format!("an answer cannot have both {outer:?} and {inner:?}"));
            }
        }
        match self.is_body && !self.pointers.is_empty() {
            true => Err("where the body is a value, nothing else stands in it".to_owned()),
            false => Ok(()),
        }
    }
}

fn check_name(name: &str, besides: &str, what: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || besides.contains(c);
    match name.chars().all(fits) && (1..=40).contains(&name.len()) {
        true => Ok(()),
        false => Err(format!("{name:?} cannot be the name of {what}")),
    }
}

fn texts_of_request(request: &Request) -> Vec<(Place, &Template)> {
    let elsewhere = |text| (Place::Elsewhere, text);
    let mut texts = vec![(Place::Url, &request.url)];
    texts.extend(request.query.values().map(elsewhere));
    texts.extend(request.headers.iter().map(|(name, text)| match name.as_str() {
        "cookie" => (Place::Cookie, text),
        _ => (Place::Header, text),
    }));
    texts.extend(request.form.iter().flat_map(BTreeMap::values).map(elsewhere));
    texts.extend(request.text.iter().map(elsewhere));
    let mut in_json = Vec::new();
    request.json.iter().for_each(|json| texts_of_json(json, &mut in_json));
    texts.extend(in_json.into_iter().map(elsewhere));
    texts
}

fn texts_of_value(made: &Made) -> Vec<(Place, &Template)> {
    let elsewhere = |text| (Place::Elsewhere, text);
    match &made.how {
        How::Basic(basic) => vec![
            (Place::User { is_encoded: basic.percent_encode }, &basic.user),
            (Place::Elsewhere, &basic.password),
        ],
        // Where the text itself stands counts.
        How::Text(texts) => texts.iter().map(elsewhere).collect(),
        How::Sha256(text, _) | How::CertificateSha256(text) => vec![(Place::Elsewhere, text)],
        How::Hmac(hmac, _) => {
            vec![(Place::Elsewhere, &hmac.key), (Place::Elsewhere, &hmac.text)]
        }
        How::Jwt(jwt) => {
            let mut texts = Vec::new();
            for json in jwt.header.values().chain(jwt.claims.values()) {
                texts_of_json(json, &mut texts);
            }
            let texts = texts.into_iter().map(elsewhere);
            let alg = jwt.alg.only_value().map(|_| (Place::Elsewhere, &jwt.alg));
            texts.chain(alg).chain([(Place::SharedKey, &jwt.key)]).collect()
        }
        How::Uuid | How::Now(_) => Vec::new(),
    }
}

fn texts_of_json<'a>(json: &'a Json, texts: &mut Vec<&'a Template>) {
    match json {
        Json::Text(text) => texts.push(text),
        Json::Array(items) => items.iter().for_each(|item| texts_of_json(item, texts)),
        Json::Object(members) => members.values().for_each(|value| texts_of_json(value, texts)),
        Json::Literal(_) => {}
    }
}
