//! Every profile here, played by the sandbox: a client gets its token over real TLS, and with any one
//! thing in its profile changed it does not, or it shows.
//!
//! The sandbox reads profiles by code of its own, so this holds two readings of the manual against
//! each other.

#[path = "played/mutants.rs"]
mod mutants;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use caretoken::{Client, ClientBuilder, Clock, Error, Profile, Token};
use caretoken_sandbox::{Fault, Options, Sandbox, VendorId};
use serde_json::{Value, json};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Real time, in which nobody sleeps.
struct HastyClock {
    start: Instant,
    skipped_ms: AtomicU64,
}

impl HastyClock {
    fn new() -> Arc<Self> {
        Arc::new(HastyClock { start: Instant::now(), skipped_ms: AtomicU64::new(0) })
    }

    fn advance(&self, span: Duration) {
        self.skipped_ms.fetch_add(span.as_millis() as u64, Ordering::SeqCst);
    }
}

impl Clock for HastyClock {
    fn monotonic_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64 + self.skipped_ms.load(Ordering::SeqCst)
    }

    fn wall_ms(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        (now.as_millis() as u64 + self.skipped_ms.load(Ordering::SeqCst)) as i64
    }

    fn sleep(&self, span: Duration, _: &dyn Fn() -> bool) {
        self.advance(span);
    }
}

/// Makes clients of a profile and tells what becomes of them.
type Part = fn(&Stage, &str) -> Result<Vec<String>, Error>;

/// What a client can show of its profile.
const PARTS: &[Part] =
    &[Stage::tokens, Stage::without_options, Stage::refusals, Stage::odd_answers];

/// The parts that may change with a place in a profile.
fn parts_of(place: &str) -> &[usize] {
    match place.split('/').nth(1).unwrap_or_default() {
        "refusals" => &[2],
        "steps" | "answer" => &[0, 2, 3],
        _ => &[0, 1],
    }
}

/// A sandbox that plays one profile.
struct Stage {
    sandbox: Sandbox,
    id: VendorId,
    profile: Value,
}

impl Stage {
    fn new(profile: Value, choice: Option<(&str, &str)>) -> Stage {
        let text = profile.to_string();
        let played = caretoken_sandbox::Profile::from_json(&text).unwrap();
        let name = played.name().to_owned();
        let options = Options { profiles: vec![played], ..Options::default() };
        let sandbox = Sandbox::start_with(options).unwrap();
        let id = sandbox.profile(&name).unwrap();
        sandbox.rotate_refresh_tokens(true);
        if let Some((name, chosen)) = choice {
            assert!(sandbox.set_credential(id, name, chosen));
        }
        Stage { sandbox, id, profile }
    }

    fn of(text: &str) -> Stage {
        Stage::new(mutants::sorted(text), None)
    }

    /// A client of a profile, mostly of that which is played, with all that the sandbox expects.
    fn builder(&self, text: &str, clock: &Arc<HastyClock>) -> Result<ClientBuilder, Error> {
        let mut builder = self.bare(text, clock)?;
        for (name, _) in self.sandbox.credentials(self.id) {
            builder = builder.set(name, self.sandbox.credential(self.id, name))?;
        }
        let scopes = self.scopes();
        match scopes.is_empty() {
            true => Ok(builder),
            false => Ok(builder.scopes(scopes)),
        }
    }

    /// A client without credentials.
    fn bare(&self, text: &str, clock: &Arc<HastyClock>) -> Result<ClientBuilder, Error> {
        let builder = Client::builder(Profile::from_json(text)?).ca_pem(self.sandbox.ca_pem());
        let builder = builder.proxy(self.sandbox.proxy_url()).clock(clock.clone());
        Ok(builder.timeout(Duration::from_secs(20)))
    }

    fn text(&self) -> String {
        self.profile.to_string()
    }

    fn client(&self) -> Client {
        self.builder(&self.text(), &HastyClock::new()).unwrap().build().unwrap()
    }

    /// The token of a client, and no complaint.
    #[track_caller]
    fn token(&self, client: &Client) -> Token {
        let refusal = || self.sandbox.refusal(self.id);
        let token = client.token().unwrap_or_else(|error| panic!("{error}\n{:?}", refusal()));
        assert_eq!(refusal(), None);
        assert_eq!(self.status_of_the_resource(&token), 200);
        token
    }

    /// The scopes that there are to ask for, granted or not.
    fn scopes(&self) -> Vec<&'static str> {
        match self.profile.get("scopes") {
            Some(_) => vec!["fake/one.read", "fake/two:write"],
            None => Vec::new(),
        }
    }

    /// What the protected resource answers to a token.
    fn status_of_the_resource(&self, token: &Token) -> u16 {
        let ca = Certificate::from_pem(self.sandbox.ca_pem().as_bytes()).unwrap();
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[ca])).build();
        let agent = ureq::Agent::config_builder().tls_config(tls).proxy(None);
        let agent: ureq::Agent = agent.http_status_as_error(false).build().into();
        let request = agent.get(self.sandbox.resource_url(self.id));
        let request = request.header(token.header(), token.authorization().expose_secret());
        request.call().unwrap().status().as_u16()
    }

    /// A part of what a client of a profile gets, and of what the sandbox sees of it. What differs
    /// from request to request is left out.
    fn outcome(&self, part: usize, text: &str) -> Vec<String> {
        let seen = PARTS[part](self, text);
        self.sandbox.clear_faults(self.id);
        self.sandbox.expire_refresh_token(false);
        self.sandbox.revoke_access(false);
        seen.unwrap_or_else(|error| vec![format!("{:?}", error.kind())])
    }

    /// What it gets for the right credentials, once, and again when the token has ended.
    fn tokens(&self, text: &str) -> Result<Vec<String>, Error> {
        let Stage { sandbox, id, .. } = self;
        let counts = || (sandbox.step_requests(*id), sandbox.requests(*id));
        let before = counts();
        let clock = HastyClock::new();
        let client = self.builder(text, &clock)?.build()?;
        let token = client.token()?;
        let life = token.lifetime();
        let mut seen = self.seen(&token);
        // A refresh brings another refresh token.
        for _ in 0..if self.profile.get("refresh").is_some() { 2 } else { 1 } {
            match life < Duration::from_secs(86_400 * 365) {
                true => clock.advance(life),
                false => drop(client.peek().map(|token| client.reject(&token))),
            }
            sandbox.set_clock_skew((clock.skipped_ms.load(Ordering::SeqCst) / 1000) as i64);
            let next = client.token().map(|token| (token.scopes().len(), life_of(&token)));
            seen.push(format!("then {:?}", next.map_err(|error| error.kind())));
        }
        sandbox.set_clock_skew(0);
        let after = counts();
        seen.push(format!("{} steps, {} requests", after.0 - before.0, after.1 - before.1));
        let last = sandbox.last_request(*id).unwrap();
        let is_refresh = String::from_utf8_lossy(&last.body).contains("refresh");
        let path = last.path.split('?').next().unwrap_or_default();
        seen.push(format!("the last to {path}, a refresh {is_refresh}"));
        Ok(seen)
    }

    /// What it gets without scopes, and without what else it may leave out.
    fn without_options(&self, text: &str) -> Result<Vec<String>, Error> {
        let mut builder = self.bare(text, &HastyClock::new())?;
        for (name, _) in self.sandbox.credentials(self.id) {
            if !self.is_optional(name) {
                builder = builder.set(name, self.sandbox.credential(self.id, name))?;
            }
        }
        Ok(vec![format!("without options: {}", kind_of(&builder.build()?))])
    }

    /// Whether it may be left out; without a secret there is no HTTP Basic.
    fn is_optional(&self, name: &str) -> bool {
        self.profile["parameters"][name]["optional"] == true && name != "client_secret"
    }

    fn seen(&self, token: &Token) -> Vec<String> {
        let mut seen = vec![
            format!("the resource answers {}", self.status_of_the_resource(token)),
            format!("{} s", life_of(token)),
            format!("cut {}, short {}", token.lifetime_was_cut(), token.lifetime_is_implausible()),
            format!("scopes {:?}, missing {:?}", token.scopes(), token.missing_scopes()),
            format!("refresh token {}", token.refresh_token().is_some()),
            format!("request id {}", token.request_id().is_some()),
            format!("type {:?}", token.token_type()),
        ];
        let mut extras: Vec<&str> = token.extra_names().collect();
        extras.sort_unstable();
        seen.extend(extras.into_iter().map(|name| format!("{name} = {:?}", token.extra(name))));
        seen
    }

    /// What it makes of refusals, each of which the sandbox puts as the played profile says.
    fn refusals(&self, text: &str) -> Result<Vec<String>, Error> {
        let Stage { sandbox, id, .. } = self;
        let new = || self.builder(text, &HastyClock::new());
        let mut seen = Vec::new();
        for name in ["client_secret", "password", "partner_secret", "api_key", "secret"] {
            if !sandbox.credential(*id, name).is_empty() {
                let outcome = kind_of(&new()?.set(name, WRONG)?.build()?);
                seen.push(format!("wrong {name}: {outcome}"));
            }
        }
        if !self.scopes().is_empty() {
            let outcome = kind_of(&new()?.scopes(["fake/unknown"]).build()?);
            seen.push(format!("wrong scope: {outcome}"));
        }
        sandbox.expire_refresh_token(true);
        seen.push(format!("dead refresh token: {}", kind_of(&new()?.build()?)));
        sandbox.expire_refresh_token(false);
        sandbox.revoke_access(true);
        seen.push(format!("access revoked: {}", kind_of(&new()?.build()?)));
        sandbox.revoke_access(false);
        for fault in [Fault::RateLimited { retry_after: None }, Fault::Outage] {
            sandbox.inject_always(*id, Some(fault.clone()));
            seen.push(format!("{fault:?}: {}", kind_of(&new()?.build()?)));
        }
        sandbox.inject_always(*id, None);
        Ok(seen)
    }

    /// What it makes of answers that the sandbox does not give by itself.
    fn odd_answers(&self, text: &str) -> Result<Vec<String>, Error> {
        let answer = &self.profile["answer"];
        let Some(token_at) = answer["access_token"].as_str() else { return Ok(Vec::new()) };
        let is_success = || {
            let mut body = json!({});
            match &answer["success"] {
                Value::String(at) => put(&mut body, at, json!(true)),
                Value::Null => {}
                success => put(&mut body, success["at"].as_str().unwrap(), success["is"].clone()),
            }
            put(&mut body, token_at, json!("fake-token"));
            body
        };
        let end = answer["expires"]["in"].as_str();
        let mut bodies = vec![("no expiry", is_success())];
        let types = [answer["token_type"].as_str(), answer["token_type"]["at"].as_str()];
        if let Some(at) = types.into_iter().flatten().next() {
            for word in ["mac", "fake"] {
                let mut body = is_success();
                put(&mut body, at, json!(word));
                end.into_iter().for_each(|end| put(&mut body, end, json!(100)));
                bodies.push((word, body));
            }
        }
        let mut no_success = is_success();
        let flag = match &answer["success"] {
            Value::String(at) => Some((at.as_str(), json!(false))),
            Value::Null => None,
            success if success["is"].is_number() => success["at"].as_str().zip(Some(json!(77))),
            success => success["at"].as_str().zip(Some(json!("fake"))),
        };
        if let Some((at, value)) = flag {
            put(&mut no_success, at, value);
            bodies.push(("no success", no_success));
        }
        if let Some(at) = answer["refused_if"].as_str() {
            let mut body = is_success();
            put(&mut body, at, json!(["fake"]));
            bodies.push(("a refusal", body));
        }
        let mut seen = Vec::new();
        for (what, body) in bodies {
            self.sandbox.inject_always(self.id, Some(Fault::Json(body)));
            let outcome = kind_of(&self.builder(text, &HastyClock::new())?.build()?);
            seen.push(format!("an answer with {what}: {outcome}"));
        }
        self.sandbox.inject_always(self.id, None);
        Ok(seen)
    }
}

/// But for what the answer took, and for the second that its date may lack.
fn life_of(token: &Token) -> u64 {
    (token.lifetime().as_secs() + 5) / 10 * 10
}

fn kind_of(client: &Client) -> String {
    match client.token() {
        Ok(token) => format!("a token of {} s", life_of(&token)),
        Err(error) => {
            let (id, code) = (error.request_id().is_some(), error.vendor_code().is_some());
            format!("{:?}, request id {id}, code {code}, {}", error.kind(), error.remedy())
        }
    }
}

/// Long enough for a key.
const WRONG: &str = "fake-wrong-fake-wrong-fake-wrong-fake-wrong-fake-wrong-fake-wrong-";

/// Puts a value at a pointer through objects.
fn put(body: &mut Value, pointer: &str, value: Value) {
    let mut place = body;
    for name in pointer.split('/').skip(1) {
        place = &mut place[name];
    }
    *place = value;
}

/// All profiles of this repository, and two that have all words besides: the names, and the texts.
fn profiles() -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["profiles", "profiles/examples", "tests/played"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        files.extend(fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    }
    files.retain(|file| file.extension().is_some_and(|end| end == "json"));
    files.retain(|file| !file.ends_with("profile.schema.json"));
    let named = |file: PathBuf| {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(file).unwrap())
    };
    let profiles: Vec<_> = files.into_iter().map(named).collect();
    assert!(profiles.len() >= 28, "{}", profiles.len());
    profiles
}

/// The choices that a profile leaves to the caller.
fn choices(profile: &Value) -> Vec<(&str, &str)> {
    let parameters = profile["parameters"].as_object().into_iter().flatten();
    let choices = parameters.filter_map(|(name, it)| Some((name, it.get("choices")?.as_array()?)));
    choices
        .flat_map(|(name, all)| all.iter().map(move |one| (name.as_str(), one.as_str().unwrap())))
        .collect()
}

/// Does something with each profile, in a few threads.
fn with_each_profile(act: impl Fn(&str, &str) + Sync) {
    let (profiles, next) = (profiles(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(8) {
            scope.spawn(|| {
                while let Some((name, text)) = profiles.get(next.fetch_add(1, Ordering::SeqCst)) {
                    act(name, text);
                }
            });
        }
    });
}

#[test]
fn each_profile_gives_a_token_that_its_resource_accepts() {
    with_each_profile(|name, text| {
        println!("{name}");
        let stage = Stage::of(text);
        let token = stage.token(&stage.client());
        let answer = &stage.profile["answer"];
        assert_eq!(token.vendor(), stage.profile["name"].as_str().unwrap());
        let has = |member: &str| answer.get(member).is_some();
        assert_eq!(token.request_id().is_some(), has("request_id"));
        assert_eq!(token.refresh_token().is_some(), has("refresh_token"));
        let scopes = if has("scope") { vec!["fake/one.read", "fake/two:write"] } else { vec![] };
        assert_eq!(token.scopes(), scopes);
        for (extra, _) in answer["extras"].as_object().into_iter().flatten() {
            assert_eq!(token.extra(extra), Some(format!("fake {extra}").as_str()));
        }
        let life = match (&answer["expires"]["life"], &answer["expires"]["until_refused"]) {
            (Value::String(life), _) if life == "12h" => 12 * 3600,
            (_, Value::Bool(true)) => 10 * 365 * 86_400,
            _ => 3600,
        };
        let real = token.lifetime();
        assert!(real.abs_diff(Duration::from_secs(life)) < Duration::from_secs(3), "{real:?}");
        assert!(!token.lifetime_was_cut() && !token.lifetime_is_implausible());
    });
}

#[test]
fn a_life_is_read_in_the_profiles_own_unit() {
    with_each_profile(|name, text| {
        println!("{name}");
        let stage = Stage::of(text);
        let expires = &stage.profile["answer"]["expires"];
        if expires.get("life").is_none() && expires.get("until_refused").is_none() {
            let life = Duration::from_secs(40 * 60);
            stage.sandbox.set_token_life(stage.id, life);
            let token = stage.token(&stage.client());
            assert!(token.lifetime().abs_diff(life) < Duration::from_secs(3), "{expires}");
        }
    });
}

#[test]
fn what_is_optional_may_be_left_out() {
    let mut profiles_with_such = 0;
    for (name, text) in profiles() {
        let stage = Stage::of(&text);
        let credentials = stage.sandbox.credentials(stage.id).iter();
        let (optional, needed): (Vec<_>, Vec<_>) =
            credentials.partition(|(name, _)| stage.is_optional(name));
        if optional.is_empty() {
            continue;
        }
        profiles_with_such += 1;
        println!("{name}");
        let mut builder = stage.bare(&text, &HastyClock::new()).unwrap();
        for (name, value) in needed {
            builder = builder.set(name, value.as_str()).unwrap();
        }
        if stage.profile["scopes"]["required"] == true {
            builder = builder.scopes(stage.scopes());
        }
        stage.token(&builder.build().unwrap());
        let request = stage.sandbox.last_request(stage.id).unwrap();
        let body = String::from_utf8(request.body).unwrap();
        for (name, value) in optional {
            assert!(!body.contains(name.as_str()), "{name}");
            assert!(!request.headers.iter().any(|(_, sent)| sent.contains(value)), "{name}");
        }
    }
    assert!(profiles_with_such >= 5, "{profiles_with_such}");
}

#[test]
fn every_choice_can_be_played() {
    let mut played = 0;
    for (name, text) in profiles() {
        let profile = mutants::sorted(&text);
        for choice in choices(&profile) {
            println!("{name} {choice:?}");
            let stage = Stage::new(profile.clone(), Some(choice));
            stage.token(&stage.client());
            played += 1;
        }
    }
    assert!(played >= 14, "{played}");
}

#[test]
fn a_public_client_has_no_secret_to_send() {
    for name in ["oauth2-password", "oauth2-refresh-token"] {
        let (_, text) = profiles().into_iter().find(|(known, _)| known == name).unwrap();
        let profile = mutants::sorted(&text);
        let stage = Stage::new(profile, Some(("client_authentication", "body")));
        let mut builder = stage.bare(&text, &HastyClock::new()).unwrap();
        for (name, _) in stage.sandbox.credentials(stage.id) {
            if name != "client_secret" {
                builder = builder.set(name, stage.sandbox.credential(stage.id, name)).unwrap();
            }
        }
        stage.token(&builder.build().unwrap());
        let body = stage.sandbox.last_request(stage.id).unwrap().body;
        assert!(!String::from_utf8(body).unwrap().contains("client_secret"));
    }
}

/// Mutants that mean the same, or that no request and no answer of the sandbox can tell apart: the
/// profile, and how the change begins. Every other one must show.
const EQUIVALENT: &[(&str, &str)] = &[
    // What stands before is always there.
    ("oauth2-jwt-bearer", "/values/v00_sub/text with one more"),
    ("oauth2-jwt-bearer", "/values/v01_aud/text with one more"),
    ("athenahealth-jwt", "/values/v00_aud/text with one more"),
    ("epic", "/values/v00_aud/text with one more"),
    // The optional value that stands before is given, or what stands after is used.
    ("athenahealth-jwt", "/values/v00_aud/text/1"),
    // The default is the same.
    ("signed", "/values/v14_signed/jwt/claims/iat left out"),
    ("oauth2-jwt-bearer", "/values/v02_assertion/jwt/life left out"),
    ("athenahealth", "/answer/expires/in"),
    ("athenahealth-jwt", "/answer/expires/in"),
    ("sahha", "/use/header left out"),
    ("veeva-vault", "/use/header left out"),
    // An array has no separator.
    ("parchment", "/scopes with separator"),
    // The sandbox answers with the first status, and nobody sees how long a refresh token lives.
    ("signed", "/answer/status/1"),
    ("signed", "/refresh/life"),
    // The answers of steps always say that they are a success, and this one always has a JWT.
    ("1uphealth", "/steps/0/answer/success left out"),
    ("hosts", "/steps/1/answer/success left out"),
    ("withings", "/steps/0/answer/success left out"),
    ("tidepool", "/answer/expires/default left out"),
    // The code or the status alone means the same.
    ("ehealth", "/refusals/rules/0"),
    ("hosts", "/refusals/rules/0"),
    ("hosts", "/refusals/rules/1/code left out"),
    ("hosts", "/refusals/rules/1/field left out"),
    ("nhs-england", "/refusals/rules/0/code"),
    ("openspecimen", "/refusals"),
    ("parchment", "/refusals/rules/0"),
    ("parchment", "/refusals/rules/4"),
    ("pharmaone", "/refusals/rules"),
    ("signed", "/refusals/rules/0/code left out"),
    ("signed", "/refusals/rules/0/status left out"),
    ("signed", "/refusals/rules/1/code left out"),
    // One way to say it is enough for the sandbox; tests/vendors.rs has the others.
    ("ehealth", "/refusals/code/1"),
    ("ehealth", "/refusals/faulty_fields"),
    ("ehealth", "/refusals/rules/1/code"),
    ("ehealth", "/refusals/rules/2/status"),
    ("ehealth", "/refusals/rules/3"),
    ("ehealth", "/refusals/rules/4"),
    ("ehealth", "/refusals/rules/5"),
    ("parchment", "/refusals/code/1"),
    ("parchment", "/refusals/faulty_fields"),
    ("parchment", "/refusals/rules/2"),
    ("parchment", "/refusals/rules/3"),
    ("parchment", "/refusals/rules/5"),
    ("parchment", "/refusals/status"),
    // A client whose key is right is not refused by it.
    ("medplum", "/refusals"),
    ("nhs-england", "/refusals/rules/1"),
    ("signed", "/refusals/faulty_fields"),
    ("signed", "/refusals/status"),
];

#[test]
fn with_any_one_thing_changed_there_is_no_token_or_it_shows() {
    let (tried, alive) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    with_each_profile(|name, text| {
        let profile = mutants::sorted(text);
        let all = choices(&profile);
        let stages: Vec<Stage> = match &all[..all.len().min(2)] {
            [] => vec![Stage::new(profile.clone(), None)],
            chosen => {
                chosen.iter().map(|choice| Stage::new(profile.clone(), Some(*choice))).collect()
            }
        };
        for stage in &stages {
            // Fewer than are asked for, so that it matters where the granted ones stand.
            stage.sandbox.set_allowed_scopes(stage.id, &["fake/one.read"]);
        }
        let outcomes = |stage: &Stage| -> Vec<_> {
            (0..PARTS.len()).map(|part| stage.outcome(part, &stage.text())).collect()
        };
        let right: Vec<_> = stages.iter().map(outcomes).collect();
        for mutant in mutants::mutants(&profile) {
            if Profile::from_json(&mutant.text).is_err() {
                continue;
            }
            tried.fetch_add(1, Ordering::SeqCst);
            let place = mutant.what.split(' ').next().unwrap();
            let shows = |(stage, right): (&Stage, &Vec<Vec<String>>)| {
                let mut parts = parts_of(place).iter();
                parts.any(|part| stage.outcome(*part, &mutant.text) != right[*part])
            };
            if !stages.iter().zip(&right).any(shows) {
                alive.lock().unwrap().insert((name.to_owned(), mutant.what));
            }
        }
    });
    assert!(tried.into_inner() > 1000, "the mutants are not tried");
    let alive = alive.into_inner().unwrap();
    let excused = |(profile, what): &&(String, String)| {
        let mut excuses = EQUIVALENT.iter();
        excuses.any(|(of, begins)| profile == of && what.starts_with(begins))
    };
    let unexcused: Vec<_> = alive.iter().filter(|mutant| !excused(mutant)).collect();
    assert!(unexcused.is_empty(), "these do not show: {unexcused:#?}");
    for (of, begins) in EQUIVALENT {
        let is_needed =
            alive.iter().any(|(profile, what)| profile == of && what.starts_with(begins));
        assert!(is_needed, "no mutant needs this excuse: {of} {begins}");
    }
}
