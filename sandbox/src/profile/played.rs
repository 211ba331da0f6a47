//! A profile as a player: from a request to the answer that the file describes.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use super::answer::Draft;
use super::check::{check, has_url, title, url};
use super::definition::{Asked, Definition, Named, Profile, source_of};
use super::fake;
use super::file::{
    Answer as Described, Expires, Kind, Method, RefreshLife, TimeForm, TokenType, Unit,
};
use super::matching::{Class, Complaint, Found, Known, Trial};
use super::memory::{Caller, HandedOut};
use super::refusal::{Reason, refusal};
use super::text::{Piece, Template};
use crate::answer::{Answer, JSON, TEXT};
use crate::player::{Expiry, Player, Refusal};
use crate::request::RecordedRequest;
use crate::state::{Defaults, Grant, State, TokenFormat, iso};
use crate::vendor::{Endpoint, VendorId};

/// How long a token lives where the file does not say it.
const USUAL_LIFE: Duration = Duration::from_secs(3600);

/// How long a token lives that is good until it is refused.
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

/// How long a refresh token lives, where an answer must say it.
const REFRESH_LIFE_MS: u64 = 30 * 86_400_000;

/// A profile that a sandbox plays.
pub(crate) struct Played {
    id: VendorId,
    definition: Arc<Definition>,
    /// The scopes that exist.
    scopes: Vec<String>,
}

impl Played {
    pub(crate) fn new(id: VendorId, profile: &Profile) -> Played {
        let scopes = fake::scopes(&profile.0);
        Played { id, definition: Arc::clone(&profile.0), scopes }
    }

    /// What it starts with: made-up parameters, and `more` besides.
    pub(crate) fn defaults(
        profile: &Profile,
        origin: &str,
        more: Vec<(String, String)>,
    ) -> Result<Defaults, String> {
        let definition = &profile.0;
        let file = &definition.file;
        let mut credentials = fake::parameters(definition, origin)?;
        credentials.extend(more);
        let limits = &file.limits;
        let usual = USUAL_LIFE.min(limits.longest_life.0).max(limits.shortest_life.0);
        let token_life = match &file.answer.expires {
            Expires::Life { life } => life.0,
            Expires::UntilRefused { .. } => TEN_YEARS,
            _ => usual,
        };
        let token_format = match &file.answer.expires {
            Expires::Jwt { .. } => TokenFormat::Jwt,
            _ => TokenFormat::Opaque,
        };
        Ok(Defaults {
            name: file.name.clone(),
            credentials,
            scopes: fake::scopes(definition),
            token_format,
            token_life,
        })
    }

    /// Whether the scopes it grants can be asked for.
    pub(crate) fn takes_scopes(&self) -> bool {
        self.definition.file.scopes.is_some()
    }

    pub(crate) fn needs_client_certificate(profile: &Profile) -> bool {
        profile.0.needs_client_certificate()
    }

    pub(crate) fn resource_path(&self) -> String {
        format!("/{}/protected-resource", self.definition.file.name)
    }

    /// Changes what a parameter must be. Where a choice takes another kind of key, there is a new
    /// key. False where it cannot be so.
    pub(crate) fn set_parameter(&self, state: &mut State, name: &str, value: &str) -> bool {
        let is_certificate = self.definition.named(name).is_none();
        if !is_certificate && !fake::is_fit(&self.definition, name, value) {
            return false;
        }
        if !state.of_mut(self.id).set_credential(name, value) {
            return false;
        }
        let keys = self.definition.file.parameters.iter();
        for (key, _) in keys.filter(|(_, parameter)| parameter.kind == Kind::PrivateKey) {
            let choice = |name: &str| state.of(self.id).credential(name).to_owned();
            let fits = self.definition.signed_by(key).all(|jwt| {
                let algorithm = self.definition.algorithm(jwt, choice);
                algorithm.is_some_and(|algorithm| super::keys::fits(&choice(key), algorithm))
            });
            if !fits {
                let Ok(new) = fake::private_key(&self.definition, key, choice) else {
                    return false;
                };
                state.of_mut(self.id).set_credential(key, &new);
            }
        }
        true
    }

    fn known<'a>(&'a self, state: &'a State, asked: Asked, endpoint: Option<String>) -> Known<'a> {
        let vendor = state.of(self.id);
        Known {
            definition: &self.definition,
            parameters: vendor.credentials(),
            memory: &vendor.memory,
            scopes: &self.scopes,
            allowed_scopes: &vendor.scopes,
            now_ms: state.now_ms(),
            asked,
            endpoint,
            verified: RefCell::default(),
        }
    }

    /// A request to one of the URLs that the file names.
    fn exchange(&self, state: &mut State, request: &RecordedRequest) -> Answer {
        let url = url(request);
        let mut best: Option<(Asked, Found, String)> = None;
        for asked in self.definition.asked() {
            let endpoint = (asked == Asked::Token).then(|| url.clone());
            let known = self.known(state, asked, endpoint);
            if !has_url(&known, &url) {
                continue;
            }
            let found = check(&known, request);
            let is_better = |(_, best, _): &(Asked, Found, String)| {
                found.complaints.len() < best.complaints.len()
            };
            if best.as_ref().is_none_or(is_better) {
                best = Some((asked, found, title(&known)));
            }
        }
        let Some((asked, found, title)) = best else {
            let urls = self.definition.asked().map(|asked| {
                let request = self.definition.request(asked);
                format!("{} {}", request.method.name(), request.url.source)
            });
            let why = format!(
                "no request has this URL; there is {}",
                urls.collect::<Vec<_>>().join(", ")
            );
            return self.refused(state, Asked::Token, Reason::NotFound, None, why);
        };
        for id in &found.ids {
            state.of_mut(self.id).memory.see(id.clone());
        }
        match found.complaints.is_empty() {
            true => self.accepted(state, asked, found, request),
            false => self.complained(state, asked, &found.complaints, &title),
        }
    }

    fn complained(
        &self,
        state: &mut State,
        asked: Asked,
        complaints: &[Complaint],
        title: &str,
    ) -> Answer {
        let texts: Vec<&str> = complaints.iter().map(|one| one.text.as_str()).collect();
        let why = format!("{title}: {}", texts.join("; "));
        let Some(worst) = complaints.iter().min_by_key(|complaint| complaint.class) else {
            return self.refused(state, asked, Reason::Request, None, why);
        };
        let reason = match worst.class {
            Class::NotFound => Reason::NotFound,
            Class::Request => Reason::Request,
            Class::Credentials => Reason::Credentials,
            Class::SignIn => Reason::SignIn,
            Class::Scope => Reason::Scope,
        };
        let answer = self.refused(state, asked, reason, worst.parameter.as_deref(), why);
        match worst.class {
            Class::NotFound => answer.header("allow", self.definition.request(asked).method.name()),
            _ => answer,
        }
    }

    fn refused(
        &self,
        state: &mut State,
        asked: Asked,
        reason: Reason,
        field: Option<&str>,
        why: String,
    ) -> Answer {
        let request_id = request_id(state);
        let mut answer = refusal(&self.definition, asked, reason, field, &request_id);
        answer.why = Some(self.without_secrets(state, why));
        answer
    }

    /// No text shows what arrived but for plain names; one that is a secret was in a wrong place.
    fn without_secrets(&self, state: &State, text: String) -> String {
        let parameters = state.of(self.id).credentials().iter();
        parameters.fold(text, |text, (name, value)| match self.definition.named(name) {
            Some(Named::Parameter(parameter)) if parameter.is_secret() && value.len() > 3 => {
                text.replace(value.as_str(), &format!("{{{name}}}"))
            }
            _ => text,
        })
    }

    fn accepted(
        &self,
        state: &mut State,
        asked: Asked,
        found: Found,
        request: &RecordedRequest,
    ) -> Answer {
        if let Asked::Step(step) = asked {
            return self.step(state, step, found, &request.origin);
        }
        let old = self.used_refresh_token(state, asked, &found);
        if old.is_some() && state.refresh_token_expired {
            let why = "the refresh token has expired".to_owned();
            return self.refused(state, asked, Reason::SignIn, None, why);
        }
        if state.access_revoked {
            let why = "the access was revoked".to_owned();
            return self.refused(state, asked, Reason::AccessRevoked, None, why);
        }
        let described = self.definition.answer(asked);
        let mut scopes = state.of(self.id).scopes.clone();
        if let Some(asked_for) = found.caller.made.get("scopes") {
            scopes.retain(|allowed| asked_for.split(' ').any(|scope| scope == allowed));
            let is_narrowed = scopes.len() < asked_for.split(' ').count();
            if scopes.is_empty() || is_narrowed && described.scope.is_none() {
                let why = "not all of the scopes are allowed".to_owned();
                return self.refused(state, asked, Reason::Scope, Some("scope"), why);
            }
        }
        state.of_mut(self.id).memory.use_up(&found.used);
        let refresh_token = match &described.refresh_token {
            Some(_) => self.new_refresh_token(state, old, found.caller),
            None => None,
        };
        let grant = state.grant(self.id);
        let mut draft = Draft::default();
        draft.put_success(described.success.as_ref(), true);
        draft.put(&described.access_token, &grant.access_token);
        if let Some(token_type) = &described.token_type {
            let (at, word) = match token_type {
                TokenType::At(at) => (at, "Bearer"),
                TokenType::Is { at, is } => (at, is.first().map_or("Bearer", String::as_str)),
            };
            draft.put_at(at, word.into());
        }
        if let (Some(source), Some(token)) = (&described.refresh_token, &refresh_token) {
            draft.put(source, token);
            let refresh = self.definition.file.refresh.as_ref();
            if let Some(RefreshLife::In { pointer, unit }) =
                refresh.and_then(|refresh| refresh.life.as_ref())
            {
                draft.put_at(pointer, (REFRESH_LIFE_MS / unit.milliseconds()).into());
            }
        }
        if let Some(pointer) = &described.scope {
            draft.put_at(pointer, self.granted(asked, &scopes));
        }
        put_expiry(&mut draft, described, &grant);
        if let Some(source) = &described.request_id {
            draft.put(source, &request_id(state));
        }
        for (name, pointer) in &described.extras {
            draft.put_at(pointer, fake::extra(name).into());
        }
        draft.into_answer(described.status.first().copied().unwrap_or(200))
    }

    fn step(&self, state: &mut State, step: usize, found: Found, origin: &str) -> Answer {
        let file = &self.definition.file;
        let described = &file.steps[step].answer;
        let mut draft = Draft::default();
        draft.put_success(described.success.as_ref(), true);
        for (name, source) in &described.values {
            let unique = state.hex(32);
            let memory = &mut state.of_mut(self.id).memory;
            let value = match self.definition.named(name) {
                // At the host of the step's own request.
                Some(Named::StepValue { is_url: true }) => {
                    memory.url(name, || format!("{origin}/{}/{name}-{unique}", file.name))
                }
                _ => {
                    let (name, value) = (name.clone(), fake::value(name, &unique));
                    let caller = found.caller.clone();
                    memory.hand_out(HandedOut { name, value: value.clone(), caller });
                    value
                }
            };
            draft.put(&source_of(source), &value);
        }
        draft.into_answer(described.status.first().copied().unwrap_or(200))
    }

    /// The refresh token that a request was made with.
    fn used_refresh_token(&self, state: &State, asked: Asked, found: &Found) -> Option<String> {
        let is_used = self.definition.used_by(asked).contains("refresh_token");
        let sent = found.caller.made.get("refresh_token").cloned();
        let parameter = || Some(state.of(self.id).credential("refresh_token").to_owned());
        if is_used { sent.or_else(parameter) } else { None }
    }

    /// The refresh token that an answer brings: the first one, or one in the place of the old.
    fn new_refresh_token(
        &self,
        state: &mut State,
        old: Option<String>,
        caller: Caller,
    ) -> Option<String> {
        if old.is_some() && !state.refresh_tokens_rotate {
            return None;
        }
        let new = fake::value("refresh-token", &state.hex(32));
        let vendor = state.of_mut(self.id);
        let token = HandedOut { name: "refresh_token".to_owned(), value: new.clone(), caller };
        match old {
            Some(old) if old == vendor.credential("refresh_token") => {
                vendor.set_credential("refresh_token", &new);
            }
            Some(old) => {
                vendor.memory.forget_refresh_token(&old);
                vendor.memory.add_refresh_token(token);
            }
            None => vendor.memory.add_refresh_token(token),
        }
        Some(new)
    }

    /// Scopes come back in the form in which they are asked for: an array or, between spaces, a
    /// string.
    fn granted(&self, asked: Asked, scopes: &[String]) -> serde_json::Value {
        match self.definition.has_scopes_as_array(asked) {
            true => json!(scopes),
            false => scopes.join(" ").into(),
        }
    }

    /// Accepts a token that was issued, where and how the file says.
    fn resource(&self, state: &State, request: &RecordedRequest) -> Answer {
        let usage = &self.definition.file.usage;
        let refused = |why: String| {
            let mut answer = Answer::with(401, TEXT, "Unauthorized");
            answer.why = Some(format!("the protected resource: {why}"));
            answer
        };
        if request.method != Method::Get.name() {
            return refused("the method is not GET".to_owned()).header("allow", "GET");
        }
        let Some(value) = request.header(&usage.header) else {
            return refused(format!("header {} is missing", usage.header));
        };
        let known = self.known(state, Asked::Token, None);
        let mut trial = Trial::new(&known, Default::default());
        trial.text(&format!("header {}", usage.header), &usage.value, value);
        let found = trial.finish();
        if let Some(complaint) = found.complaints.first() {
            return refused(format!("{} in {:?}", complaint.text, usage.value.source));
        }
        match found.caller.made.get("access_token") {
            Some(token) if state.accepts(self.id, token) => {
                Answer::with(200, JSON, json!({ "fake": "resource" }).to_string())
            }
            _ => refused("the token was not issued here, has expired or was revoked".to_owned()),
        }
    }
}

impl Player for Played {
    fn route(&self, state: &State, origin: &str, path: &str) -> Option<Endpoint> {
        if path == self.resource_path() {
            return Some(Endpoint::Resource);
        }
        let url = format!("{origin}{path}");
        let has_url = |asked: &Asked| has_url(&self.known(state, *asked, Some(url.clone())), &url);
        let asked: Vec<Asked> = self.definition.asked().filter(has_url).collect();
        let is_step = |asked: &Asked| matches!(asked, Asked::Step(_));
        match asked.iter().all(is_step) {
            _ if asked.is_empty() => None,
            true => Some(Endpoint::Step),
            false => Some(Endpoint::Token),
        }
    }

    fn owns(&self, state: &State, origin: &str, path: &str) -> bool {
        let url = format!("{origin}{path}");
        self.definition.asked().any(|asked| {
            let template = self.definition.url(asked);
            match template.pieces.first() {
                Some(Piece::Value { name, .. }) => {
                    let vendor = state.of(self.id);
                    let of_a_step = vendor.memory.known_url(name).unwrap_or_default();
                    [vendor.credential(name), &of_a_step]
                        .into_iter()
                        .any(|start| !start.is_empty() && url.starts_with(start))
                }
                _ => {
                    let known = self.known(state, asked, None);
                    Trial::new(&known, Default::default()).fits(&origin_of(template), origin)
                }
            }
        })
    }

    fn answer(&self, state: &mut State, endpoint: &Endpoint, request: &RecordedRequest) -> Answer {
        match endpoint {
            Endpoint::Resource => self.resource(state, request),
            Endpoint::Token | Endpoint::Step => self.exchange(state, request),
        }
    }

    fn refuse(&self, state: &mut State, _: &RecordedRequest, refusal: Refusal) -> Answer {
        let (reason, why) = match refusal {
            Refusal::NotFound => (Reason::NotFound, "there is no such endpoint"),
            Refusal::RateLimited => (Reason::RateLimited, "there were too many requests"),
            Refusal::Outage => (Reason::Outage, "it is out of order"),
        };
        self.refused(state, Asked::Token, reason, None, why.to_owned())
    }

    fn success(&self) -> u16 {
        self.definition.file.answer.status.first().copied().unwrap_or(200)
    }

    fn expiry(&self) -> Option<Expiry<'_>> {
        let (pointer, wrong_unit): (_, fn(u64) -> u64) = match &self.definition.file.answer.expires
        {
            Expires::In { pointer, unit: Unit::Milliseconds }
            | Expires::At { at: pointer, unit: TimeForm::Milliseconds } => {
                (pointer, |right| right / 1000)
            }
            Expires::In { pointer, unit: Unit::Seconds }
            | Expires::At { at: pointer, unit: TimeForm::Seconds } => {
                (pointer, |right| right.saturating_mul(1000))
            }
            Expires::In { pointer, unit: Unit::Minutes } => {
                (pointer, |right| right.saturating_mul(60))
            }
            Expires::In { pointer, unit: Unit::Hours } => {
                (pointer, |right| right.saturating_mul(3600))
            }
            _ => return None,
        };
        Some(Expiry { pointer, wrong_unit })
    }
}

/// What a URL begins with, up to its path.
fn origin_of(url: &Template) -> Template {
    let mut origin = url.clone();
    let mut pieces = Vec::new();
    for piece in url.pieces.clone() {
        match &piece {
            Piece::Literal(text) => {
                let host = if pieces.is_empty() { "https://".len() } else { 0 };
                if let Some(end) = text.get(host..).and_then(|text| text.find('/')) {
                    pieces.push(Piece::Literal(text[..host + end].to_owned()));
                    break;
                }
                pieces.push(piece);
            }
            Piece::Value { .. } => pieces.push(piece),
        }
    }
    origin.pieces = pieces;
    origin
}

fn put_expiry(draft: &mut Draft, described: &Described, grant: &Grant) {
    let at_ms = grant.expires_at_ms;
    match &described.expires {
        Expires::In { pointer, unit } => {
            let ms = u64::try_from(grant.life.as_millis()).unwrap_or(u64::MAX);
            draft.put_at(pointer, (ms / unit.milliseconds()).into());
        }
        Expires::At { at, unit } => {
            let value = match unit {
                TimeForm::Seconds => (at_ms / 1000).into(),
                TimeForm::Milliseconds => at_ms.into(),
                TimeForm::Rfc3339 => iso(at_ms).into(),
                TimeForm::HttpDate => {
                    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(at_ms)).into()
                }
            };
            draft.put_at(at, value);
        }
        Expires::Jwt { .. } | Expires::Life { .. } | Expires::UntilRefused { .. } => {}
    }
}

fn request_id(state: &mut State) -> String {
    // Without the beginning, which counts and so is much like that of the last token.
    format!("fake-request-{}", &state.hex(32)[8..24])
}
