//! Values for a profile's parameters, and answers as a profile says that a success looks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use caretoken::{ClientBuilder, Error, Parameter, Profile, ProfileScopes, Secret, SecretBuf};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::sample::Sample;
use crate::failure::Failure;

/// Keys that protect nothing: that of RFC 7515, appendix A.2, and two made with `openssl genpkey`.
const PRIVATE_KEYS: [&str; 3] = [
    include_str!("keys/rfc7515-a2.pkcs1.pem"),
    include_str!("keys/fake-p256.pem"),
    include_str!("keys/fake-p384.pem"),
];

const CERTIFICATE: &str = include_str!("keys/fake-certificate.pem");

/// Two, so that one sees how they are joined.
const SCOPES: &str = "fake.read fake.write";

/// How long tokens of made-up answers live.
const LIFE_S: i64 = 3600;

/// What a request is made of.
pub(super) struct Values(Vec<Value>);

pub(super) struct Value {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) origin: Origin,
    /// What else can be tried.
    others: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    MadeUp,
    Given,
    Default,
}

impl Values {
    /// `given` are NAME=VALUE, `without` names of what is left out.
    pub(super) fn new(
        profile: &Profile,
        definition: &Json,
        given: &[String],
        without: &[String],
    ) -> Result<Self, Failure> {
        let mut values = Vec::new();
        for argument in given {
            values.push(given_value(profile, argument)?);
        }
        for name in without {
            check_can_be_left_out(profile, name)?;
        }
        let is_open = |values: &[Value], name: &str| {
            !values.iter().any(|value| value.name == name)
                && !without.iter().any(|left_out| left_out == name)
        };
        for parameter in profile.parameters() {
            if is_open(&values, parameter.name()) {
                values.push(value_of(profile, parameter, definition));
            }
        }
        let has_default = !definition["scopes"]["default"].is_null();
        if profile.scopes() != ProfileScopes::None && !has_default && is_open(&values, "scopes") {
            values.push(Value::new("scopes", SCOPES, Origin::MadeUp));
        }
        Ok(Values(values))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }

    pub(super) fn set(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, Error> {
        for value in &self.0 {
            builder = builder.set(&value.name, value.text.as_str())?;
        }
        Ok(builder)
    }

    /// After an error: takes the next of the values for the field that the error names.
    pub(super) fn try_others(&mut self, error: Error) -> Result<(), Failure> {
        let field = error.field().unwrap_or_default();
        let value = self.0.iter_mut().find(|value| value.name == field);
        match value.and_then(|value| Some((value.others.pop()?, value))) {
            Some((other, value)) => value.text = other,
            None => return Err(error.into()),
        }
        Ok(())
    }
}

impl Value {
    fn new(name: &str, text: impl Into<String>, origin: Origin) -> Self {
        Value { name: name.to_owned(), text: text.into(), origin, others: Vec::new() }
    }
}

/// A value of the caller's own, which must not be a secret: it will be shown.
fn given_value(profile: &Profile, argument: &str) -> Result<Value, Failure> {
    let Some((name, value)) = argument.split_once('=') else {
        let message = "--set takes NAME=VALUE, and one has no equals sign";
        return Err(Failure::usage(message, "write --set base_url=https://api.example"));
    };
    let parameter = profile.parameters().find(|known| known.name() == name);
    match parameter {
        Some(known) if known.is_secret() => Err(Failure::usage(
            format!("{name} is secret: the check makes it up and shows it"),
            "leave it out",
        )),
        None if !matches!(name, "scopes" | "percent_encode_credentials") => Err(Failure::usage(
            format!("one --set names no parameter of {}", profile.name()),
            format!("use one of: {}", names(profile, |known| !known.is_secret())),
        )),
        _ => Ok(Value::new(name, value, Origin::Given)),
    }
}

fn check_can_be_left_out(profile: &Profile, name: &str) -> Result<(), Failure> {
    let is_optional =
        |known: &Parameter<'_>| !known.is_required() && known.default_value().is_none();
    let is_known =
        name == "scopes" || profile.parameters().any(|k| k.name() == name && is_optional(&k));
    match is_known {
        true => Ok(()),
        false => Err(Failure::usage(
            format!("{} has no optional parameter {name}", profile.name()),
            format!("use one of: {}", names(profile, is_optional)),
        )),
    }
}

fn names(profile: &Profile, is_meant: impl Fn(&Parameter<'_>) -> bool) -> String {
    let parameters = profile.parameters().filter(is_meant);
    parameters.map(|known| known.name()).chain(["scopes"]).collect::<Vec<_>>().join(", ")
}

/// The value of a parameter that is not given.
fn value_of(profile: &Profile, parameter: Parameter<'_>, definition: &Json) -> Value {
    let name = parameter.name();
    if let Some(default) = parameter.default_value() {
        return Value::new(name, default, Origin::Default);
    }
    let fake = format!("fake-{}", name.replace('_', "-"));
    let host = format!("{}.example", profile.name());
    let text = match parameter.kind() {
        "integer" => "12345".to_owned(),
        "choice" => parameter.choices().next().unwrap_or_default().to_owned(),
        "url" => {
            let end = definition["parameters"][name]["ends_in"].as_str();
            format!("https://{host}{}", end.unwrap_or_default())
        }
        "host" => host,
        "certificate" => CERTIFICATE.to_owned(),
        "private_key" => {
            let [first, others @ ..] = PRIVATE_KEYS.map(str::to_owned);
            return Value { others: others.into(), ..Value::new(name, first, Origin::MadeUp) };
        }
        // The key of an HMAC must be as long as its hash.
        _ if is_jwt_key(definition, name) => fake.chars().chain(['-']).cycle().take(64).collect(),
        _ => fake,
    };
    Value::new(name, text, Origin::MadeUp)
}

/// Whether a JWT is signed with a text that this parameter is part of.
fn is_jwt_key(definition: &Json, name: &str) -> bool {
    let values = definition["values"].as_object();
    let keys = values.into_iter().flatten().filter_map(|(_, value)| value["jwt"]["key"].as_str());
    keys.into_iter().any(|key| key.contains(&format!("{{{name}}}")))
}

/// A success as the profile describes it: of a step, the token request, or the refresh.
///
/// `origin` is that of the request: a URL that a step gives must be there.
pub(super) fn answer(wanted: &Json, origin: &str, now_ms: i64) -> Sample {
    let mut answer = Answer::default();
    match &wanted["success"] {
        Json::String(pointer) => answer.put(pointer, json!(true)),
        Json::Object(success) => {
            answer.put(success["at"].as_str().unwrap_or_default(), success["is"].clone());
        }
        _ => {}
    }
    let expires = &wanted["expires"];
    let end_s = now_ms.div_euclid(1000) + LIFE_S;
    let token = match expires["jwt"].as_bool() {
        Some(true) => jwt(end_s),
        _ => "fake-access-token".to_owned(),
    };
    answer.put_at(&wanted["access_token"], &token);
    answer.put_at(&wanted["refresh_token"], "fake-new-refresh-token");
    for (name, source) in own_members(&wanted["values"]) {
        let text = match source["kind"].as_str() {
            Some("url") => format!("{origin}/fake-{}", name.replace('_', "-")),
            _ => format!("fake-{}", name.replace('_', "-")),
        };
        answer.put_at(if source["at"].is_string() { &source["at"] } else { source }, &text);
    }
    match &wanted["token_type"] {
        Json::String(pointer) => answer.put(pointer, json!("bearer")),
        types => answer.put(types["at"].as_str().unwrap_or_default(), types["is"][0].clone()),
    }
    answer.put(wanted["scope"].as_str().unwrap_or_default(), json!(SCOPES));
    if let Some(pointer) = expires["in"].as_str() {
        answer.put(
            pointer,
            json!(match expires["unit"].as_str() {
                Some("milliseconds") => LIFE_S * 1000,
                Some("minutes") => LIFE_S / 60,
                Some("hours") => LIFE_S / 3600,
                _ => LIFE_S,
            }),
        );
    }
    if let Some(pointer) = expires["at"].as_str() {
        let end = Timestamp::from_second(end_s).unwrap_or(Timestamp::MAX);
        answer.put(
            pointer,
            match expires["unit"].as_str() {
                Some("milliseconds") => json!(end_s * 1000),
                Some("rfc3339") => json!(end.to_string()),
                Some("http_date") => json!(end.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
                _ => json!(end_s),
            },
        );
    }
    answer.put_at(&wanted["request_id"], "fake-request-id");
    for (name, pointer) in own_members(&wanted["extras"]) {
        answer.put_at(pointer, &format!("fake-{name}"));
    }
    answer.finish()
}

/// The members of an object whose names are the profile's own.
fn own_members(object: &Json) -> impl Iterator<Item = (&String, &Json)> {
    let members = object.as_object().into_iter().flatten();
    members.filter(|(name, _)| !name.starts_with('$'))
}

fn jwt(end_s: i64) -> String {
    let claims = URL_SAFE_NO_PAD.encode(json!({ "exp": end_s }).to_string());
    format!("{}.{claims}.ZmFrZS1zaWduYXR1cmU", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#))
}

#[derive(Default)]
struct Answer {
    headers: Vec<(String, Secret)>,
    body: Json,
    /// The whole body, where it is one value.
    text: Option<String>,
}

impl Answer {
    /// Puts a text at a source.
    fn put_at(&mut self, source: &Json, text: &str) {
        if let Some(pointer) = source.as_str() {
            self.put(pointer, json!(text));
        } else if let Some(name) = source["header"].as_str() {
            self.headers.push((name.to_owned(), text.into()));
        } else if let Some(name) = source["cookie"].as_str() {
            let cookie = format!("{name}={text}; Path=/; Secure; HttpOnly");
            self.headers.push(("set-cookie".to_owned(), cookie.into()));
        } else if source["body"].as_bool() == Some(true) {
            self.text = Some(text.to_owned());
        }
    }

    /// Puts a value where the pointer leads. What is there already stays.
    fn put(&mut self, pointer: &str, value: Json) {
        let Some(path) = pointer.strip_prefix('/') else { return };
        let mut at = &mut self.body;
        for token in path.split('/') {
            if at.is_null() {
                *at = Json::Object(Map::new());
            }
            let Some(members) = at.as_object_mut() else { return };
            at = members.entry(token.replace("~1", "/").replace("~0", "~")).or_insert(Json::Null);
        }
        if at.is_null() {
            *at = value;
        }
    }

    fn finish(self) -> Sample {
        let body = match (self.text, self.body) {
            (Some(text), _) => text,
            (None, Json::Null) => "{}".to_owned(),
            (None, body) => body.to_string(),
        };
        Sample {
            origin: String::new(),
            status: None,
            headers: self.headers,
            body: SecretBuf::from(body.as_str()),
        }
    }
}
