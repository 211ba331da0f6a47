//! The words of a profile as they stand in its file. `profiles/README.md` says what they mean.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::text::{Escape, Piece, Template};

/// A text or number in the answer's body, by RFC 6901.
pub(crate) type Pointer = String;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) caretoken: u64,
    pub(crate) name: String,
    #[serde(rename = "title")]
    _title: Option<IgnoredAny>,
    #[serde(rename = "documentation")]
    _documentation: Option<IgnoredAny>,
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Parameter>,
    pub(crate) scopes: Option<Scopes>,
    #[serde(default)]
    pub(crate) values: BTreeMap<String, Made>,
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
    pub(crate) request: Request,
    pub(crate) answer: Answer,
    #[serde(default, rename = "use")]
    pub(crate) usage: Usage,
    pub(crate) refresh: Option<Refresh>,
    #[serde(default)]
    pub(crate) refusals: Refusals,
    #[serde(default)]
    pub(crate) limits: Limits,
    pub(crate) client_certificate: Option<ClientCertificate>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameter {
    #[serde(default)]
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) choices: Vec<String>,
    pub(crate) default: Option<String>,
    #[serde(default)]
    pub(crate) optional: bool,
    pub(crate) ends_in: Option<String>,
    /// A `url` is public, a text is not unless the file says so.
    secret: Option<bool>,
    #[serde(rename = "about")]
    _about: Option<IgnoredAny>,
    #[serde(rename = "in_url")]
    _in_url: Option<IgnoredAny>,
    #[serde(rename = "holder")]
    _holder: Option<IgnoredAny>,
    #[serde(rename = "life")]
    _life: Option<IgnoredAny>,
}

impl Parameter {
    pub(crate) fn is_secret(&self) -> bool {
        let by_kind =
            matches!(self.kind, Kind::Text | Kind::Integer | Kind::PathSegment | Kind::PrivateKey);
        self.secret.unwrap_or(by_kind)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    #[default]
    Text,
    Integer,
    Choice,
    Url,
    Host,
    HostLabel,
    PathSegment,
    PrivateKey,
    Certificate,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Scopes {
    pub(crate) required: bool,
    pub(crate) separator: String,
    #[serde(rename = "default")]
    pub(crate) defaults: Vec<String>,
}

impl Default for Scopes {
    fn default() -> Scopes {
        Scopes { required: false, separator: " ".to_owned(), defaults: Vec::new() }
    }
}

/// One of `values`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "MadeWords")]
pub(crate) struct Made {
    pub(crate) how: How,
    /// Choices, one of which each parameter must have.
    pub(crate) when: BTreeMap<String, Vec<String>>,
    /// Written without quotes where it is a whole JSON value.
    pub(crate) is_number: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum How {
    Basic(Basic),
    /// The first that is not absent.
    Text(Vec<Template>),
    Uuid,
    Now(TimeForm),
    Sha256(Template, DigestForm),
    Hmac(Hmac, DigestForm),
    Jwt(Box<Jwt>),
    CertificateSha256(Template),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeWords {
    basic: Option<Basic>,
    text: Option<OneOrMore<Template>>,
    uuid: Option<bool>,
    now: Option<TimeForm>,
    sha256: Option<Template>,
    hmac: Option<Hmac>,
    jwt: Option<Jwt>,
    certificate_sha256: Option<Template>,
    #[serde(default, rename = "as")]
    form: DigestForm,
    #[serde(default)]
    number: bool,
    #[serde(default)]
    when: BTreeMap<String, OneOrMore<String>>,
}

impl TryFrom<MadeWords> for Made {
    type Error = &'static str;

    fn try_from(words: MadeWords) -> Result<Made, &'static str> {
        let mut hows = [
            words.basic.map(How::Basic),
            words.text.map(|texts| How::Text(texts.into())),
            words.uuid.filter(|wanted| *wanted).map(|_| How::Uuid),
            words.now.map(How::Now),
            words.sha256.map(|text| How::Sha256(text, words.form)),
            words.hmac.map(|hmac| How::Hmac(hmac, words.form)),
            words.jwt.map(|jwt| How::Jwt(Box::new(jwt))),
            words.certificate_sha256.map(How::CertificateSha256),
        ]
        .into_iter()
        .flatten();
        let (Some(how), None) = (hows.next(), hows.next()) else {
            return Err("a value is made in exactly one way");
        };
        let when = words.when.into_iter().map(|(name, choices)| (name, choices.into())).collect();
        Ok(Made { how, when, is_number: words.number })
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Basic {
    pub(crate) user: Template,
    pub(crate) password: Template,
    #[serde(default)]
    pub(crate) percent_encode: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TimeForm {
    Seconds,
    Milliseconds,
    Rfc3339,
    HttpDate,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DigestForm {
    #[default]
    Hex,
    Base64,
    Base64url,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hmac {
    pub(crate) hash: Hash,
    pub(crate) key: Template,
    pub(crate) text: Template,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jwt {
    /// An algorithm's name, or a parameter in braces.
    pub(crate) alg: Template,
    pub(crate) key: Template,
    #[serde(default)]
    pub(crate) header: BTreeMap<String, Json>,
    #[serde(default)]
    pub(crate) claims: BTreeMap<String, Json>,
    #[serde(default = "five_minutes")]
    pub(crate) life: Life,
}

fn five_minutes() -> Life {
    Life(Duration::from_secs(300))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    #[serde(default)]
    pub(crate) method: Method,
    pub(crate) url: Template,
    #[serde(default)]
    pub(crate) query: BTreeMap<String, Template>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Template>,
    pub(crate) form: Option<BTreeMap<String, Template>>,
    pub(crate) json: Option<Json>,
    pub(crate) text: Option<Template>,
    pub(crate) content_type: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Method {
    #[default]
    #[serde(rename = "POST")]
    Post,
    #[serde(rename = "GET")]
    Get,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Get => "GET",
        }
    }
}

/// A JSON value whose strings are texts with values in them.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) enum Json {
    Text(Template),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
    /// A number, a boolean or null.
    Literal(Value),
}

impl TryFrom<Value> for Json {
    type Error = String;

    fn try_from(value: Value) -> Result<Json, String> {
        Ok(match value {
            Value::String(text) => Json::Text(Template::try_from(text)?),
            Value::Array(items) => {
                Json::Array(items.into_iter().map(Json::try_from).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let members = members.into_iter();
                let members = members.map(|(name, value)| Ok((name, Json::try_from(value)?)));
                Json::Object(members.collect::<Result<_, String>>()?)
            }
            literal => Json::Literal(literal),
        })
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) request: Request,
    pub(crate) answer: StepAnswer,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepAnswer {
    #[serde(default = "only_200")]
    pub(crate) status: Vec<u16>,
    pub(crate) success: Option<Success>,
    pub(crate) refused_if: Option<Pointer>,
    #[serde(default)]
    pub(crate) values: BTreeMap<String, StepValue>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum StepValue {
    At {
        at: Pointer,
        #[serde(default)]
        kind: Option<Kind>,
    },
    Source(Source),
}

fn only_200() -> Vec<u16> {
    vec![200]
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    #[serde(default = "only_200")]
    pub(crate) status: Vec<u16>,
    pub(crate) success: Option<Success>,
    pub(crate) refused_if: Option<Pointer>,
    pub(crate) access_token: Source,
    pub(crate) token_type: Option<TokenType>,
    pub(crate) refresh_token: Option<Source>,
    pub(crate) scope: Option<Pointer>,
    pub(crate) expires: Expires,
    pub(crate) request_id: Option<Source>,
    #[serde(default)]
    pub(crate) extras: BTreeMap<String, Pointer>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Source {
    At(Pointer),
    Header {
        header: String,
    },
    Cookie {
        cookie: String,
    },
    Body {
        #[serde(rename = "body")]
        _body: bool,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Success {
    At(Pointer),
    Is { at: Pointer, is: Value },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum TokenType {
    At(Pointer),
    Is { at: Pointer, is: Vec<String> },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Expires {
    In {
        #[serde(rename = "in")]
        pointer: Pointer,
        unit: Unit,
    },
    At {
        at: Pointer,
        unit: TimeForm,
    },
    Jwt {
        #[serde(rename = "jwt")]
        _jwt: bool,
    },
    Life {
        life: Life,
    },
    UntilRefused {
        #[serde(rename = "until_refused")]
        _until_refused: bool,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
}

impl Unit {
    pub(crate) fn milliseconds(self) -> u64 {
        match self {
            Unit::Milliseconds => 1,
            Unit::Seconds => 1000,
            Unit::Minutes => 60_000,
            Unit::Hours => 3_600_000,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Usage {
    #[serde(default = "authorization")]
    pub(crate) header: String,
    pub(crate) value: Template,
}

fn authorization() -> String {
    "authorization".to_owned()
}

impl Default for Usage {
    fn default() -> Usage {
        let token = Piece::Value { name: "access_token".to_owned(), escape: Escape::None };
        let pieces = vec![Piece::Literal("Bearer ".to_owned()), token];
        let value = Template { pieces, source: "Bearer {access_token}".to_owned() };
        Usage { header: authorization(), value }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    pub(crate) request: Request,
    pub(crate) answer: Option<Answer>,
    pub(crate) life: Option<RefreshLife>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum RefreshLife {
    In {
        #[serde(rename = "in")]
        pointer: Pointer,
        unit: Unit,
    },
    /// No answer says it.
    Fixed(#[expect(dead_code, reason = "it is read, so that nonsense is refused")] Life),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Refusals {
    pub(crate) status: Option<Pointer>,
    pub(crate) request_id: Option<Source>,
    pub(crate) code: Vec<Code>,
    pub(crate) faulty_fields: Option<FaultyFields>,
    pub(crate) rules: Vec<Rule>,
}

impl Default for Refusals {
    fn default() -> Refusals {
        Refusals {
            status: None,
            request_id: None,
            code: vec![Code::At("/error".to_owned())],
            faulty_fields: None,
            rules: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Code {
    At(Pointer),
    LastSegment { last_segment: Pointer },
    OnlyKeyOf { only_key_of: Pointer },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultyFields {
    pub(crate) list: Pointer,
    pub(crate) name: Pointer,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) status: Option<OneOrMore<u16>>,
    /// The inner one is none for `"code": null`, which fits where there is no code.
    #[serde(default, deserialize_with = "present")]
    pub(crate) code: Option<Option<OneOrMore<String>>>,
    pub(crate) field: Option<String>,
    pub(crate) kind: String,
    #[serde(rename = "remedy")]
    _remedy: Option<IgnoredAny>,
}

fn present<'de, D: serde::Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) longest_life: Life,
    pub(crate) shortest_life: Life,
    #[serde(rename = "replay")]
    _replay: Option<IgnoredAny>,
    #[serde(rename = "failures_lock")]
    _failures_lock: Option<IgnoredAny>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            longest_life: Life(Duration::from_secs(24 * 3600)),
            shortest_life: Life(Duration::from_secs(10)),
            _replay: None,
            _failures_lock: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientCertificate {
    Required,
}

/// `10s`, `15m`, `6h` or `31d`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Life(pub(crate) Duration);

impl TryFrom<String> for Life {
    type Error = String;

    fn try_from(text: String) -> Result<Life, String> {
        let wrong = || format!("{text:?} is not a duration such as 10s, 15m, 6h or 31d");
        let unit = text.chars().last().ok_or_else(wrong)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        Ok(Life(Duration::from_secs(u64::from(number) * seconds)))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> From<OneOrMore<T>> for Vec<T> {
    fn from(all: OneOrMore<T>) -> Vec<T> {
        match all {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        }
    }
}

impl<T> OneOrMore<T> {
    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            OneOrMore::One(one) => std::slice::from_ref(one),
            OneOrMore::More(more) => more,
        }
    }
}

impl File {
    /// Reads a file; the error says what is wrong and where.
    pub(crate) fn read(text: &str) -> Result<File, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut value: Value =
            serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
        strip_remarks(&mut value);
        let file: File = serde_path_to_error::deserialize(value)
            .map_err(|error| format!("{}: {}", error.path(), error.inner()))?;
        match file.caretoken {
            1 => Ok(file),
            other => Err(format!("caretoken: version {other} is not known, only 1")),
        }
    }
}

/// Removes what is for people and editors.
fn strip_remarks(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| name != "$schema" && name != "$comment");
            members.values_mut().for_each(strip_remarks);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_remarks),
        _ => {}
    }
}
