//! A token endpoint as data: every word of a profile, as the reader leaves it and the engine takes it.

use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorKind;
pub(crate) use crate::life::expiry::Plausible;
use crate::profile::digest::{Encoding, Hash};
use crate::profile::escape::Escape;
use crate::profile::jwt::Alg;
use crate::transport::Method;

/// The name under which profiles have the refresh token that a rotation replaces.
pub(crate) const REFRESH_TOKEN: &str = "refresh_token";

/// All that a profile says.
#[derive(Debug, Default)]
pub(crate) struct Definition {
    /// The vendor's name, as in configuration and errors.
    pub(crate) name: Arc<str>,
    pub(crate) title: Box<str>,
    pub(crate) documentation: Vec<Box<str>>,
    pub(crate) parameters: Vec<Parameter>,
    /// `None` where none can be requested.
    pub(crate) scopes: Option<Scopes>,
    pub(crate) derived: Vec<Derived>,
    pub(crate) steps: Vec<Step>,
    pub(crate) request: RequestTemplate,
    pub(crate) answer: Answer,
    pub(crate) usage: Usage,
    pub(crate) refresh: Option<Refresh>,
    pub(crate) refusals: Refusals,
    /// The lives that are plausible: a longer one is cut and flagged, a shorter one flagged.
    pub(crate) life: Plausible,
    /// Whether repeated failures can lock an account.
    pub(crate) failures_lock: bool,
    /// Whether a request may be sent again when it is unknown whether the first one arrived.
    pub(crate) replay_is_harmless: bool,
    /// Whether the vendor identifies the client by mutual TLS.
    pub(crate) needs_client_certificate: bool,
}

/// What the caller gives.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Arc<str>,
    pub(crate) about: Box<str>,
    pub(crate) kind: Kind,
    pub(crate) is_secret: bool,
    pub(crate) is_required: bool,
    pub(crate) default: Option<Box<str>>,
    /// Whether it says whose token it will be: with another value, a cached token is somebody else's.
    /// Without, it is proof: with another value, a cached token stays good.
    pub(crate) is_holder: bool,
    /// How long the vendor lets it live, where it is the refresh token and the vendor says so.
    pub(crate) life: Option<Duration>,
    /// Where it stands, and so which values it can have.
    pub(crate) places: Places,
}

/// What a parameter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Choice(Vec<Box<str>>),
    Url(UrlRule),
    Host,
    HostLabel,
    PathSegment,
    PrivateKey,
    Certificate,
}

impl Kind {
    /// Its name in profiles.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Integer => "integer",
            Kind::Choice(_) => "choice",
            Kind::Url(_) => "url",
            Kind::Host => "host",
            Kind::HostLabel => "host_label",
            Kind::PathSegment => "path_segment",
            Kind::PrivateKey => "private_key",
            Kind::Certificate => "certificate",
        }
    }
}

/// What a URL that the caller gives must be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UrlRule {
    /// The path that it ends in; empty for none.
    pub(crate) ends_in: Box<str>,
    /// The literal path that follows it in requests; empty where it is the whole URL.
    pub(crate) followed_by: Box<str>,
}

/// The places where a value stands: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places(pub(crate) u8);

impl Places {
    /// A header value: visible ASCII and inner spaces (RFC 9110 §5.5).
    pub(crate) const HEADER: Places = Places(1);
    /// The user-id of HTTP Basic: no colon (RFC 7617 §2).
    pub(crate) const BASIC_USER: Places = Places(2);
    /// Either half of HTTP Basic: no control characters.
    pub(crate) const BASIC: Places = Places(4);
    /// XML.
    pub(crate) const XML: Places = Places(8);
    /// Path, query or host.
    pub(crate) const URL: Places = Places(16);
    /// Anywhere else: everything but line breaks and NUL.
    pub(crate) const BODY: Places = Places(32);
    /// A cookie's value (RFC 6265 §4.1.1).
    pub(crate) const COOKIE: Places = Places(64);

    pub(crate) fn add(&mut self, other: Places) {
        self.0 |= other.0;
    }

    pub(crate) fn has(self, other: Places) -> bool {
        self.0 & other.0 != 0
    }
}

/// Whether and how scopes can be requested.
#[derive(Debug)]
pub(crate) struct Scopes {
    pub(crate) are_required: bool,
    pub(crate) separator: Box<str>,
    pub(crate) default: Vec<String>,
}

/// What a placeholder stands for. The numbers are places in the definition's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Parameter(usize),
    /// The requested scopes, joined.
    Scopes,
    Derived(usize),
    /// A value of a step's answer.
    Step(usize),
    /// The URL of the token request.
    Endpoint,
    /// The refresh token that came with an earlier answer.
    RefreshToken,
    /// The access token itself.
    AccessToken,
}

/// A text with placeholders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text(pub(crate) Box<[Piece]>);

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Literal(Box<str>),
    /// A value, and the escape of the language around it.
    Value(Slot, Option<Escape>),
}

impl Text {
    pub(crate) fn slots(&self) -> impl Iterator<Item = (Slot, Option<Escape>)> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Value(slot, escape) => Some((*slot, *escape)),
            Piece::Literal(_) => None,
        })
    }

    /// The text, where it is one without placeholders.
    pub(crate) fn literal(&self) -> Option<&str> {
        match &*self.0 {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

/// A value made of others.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) how: How,
    /// It is absent unless the parameter has one of these values.
    pub(crate) when: Vec<(usize, Vec<Box<str>>)>,
    /// Written without quotes where it is a whole JSON value.
    pub(crate) is_number: bool,
}

#[derive(Debug)]
pub(crate) enum How {
    Basic {
        user: Text,
        password: Text,
        percent_encode: bool,
    },
    /// The first that is not absent.
    Text(Vec<Text>),
    Uuid,
    Now(TimeFormat),
    Sha256(Text, Encoding),
    Hmac {
        hash: Hash,
        key: Text,
        text: Text,
        encoding: Encoding,
    },
    Jwt(Box<Jwt>),
    CertificateSha256(usize),
}

/// A signed JWT.
#[derive(Debug)]
pub(crate) struct Jwt {
    pub(crate) alg: AlgChoice,
    pub(crate) key: JwtKey,
    pub(crate) header: Vec<(Box<str>, JsonTemplate)>,
    pub(crate) claims: Vec<(Box<str>, JsonTemplate)>,
    pub(crate) life: Duration,
}

#[derive(Debug)]
pub(crate) enum AlgChoice {
    Fixed(Alg),
    /// What the parameter says, which is a choice between algorithms.
    Parameter(usize),
}

#[derive(Debug)]
pub(crate) enum JwtKey {
    /// The parameter with the PEM.
    Private(usize),
    Shared(Text),
}

/// How a point in time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    Seconds,
    Milliseconds,
    Rfc3339,
    HttpDate,
}

/// A request.
#[derive(Debug, Default)]
pub(crate) struct RequestTemplate {
    pub(crate) method: Method,
    pub(crate) url: UrlTemplate,
    pub(crate) query: Vec<(Box<str>, Text)>,
    /// In the order in which they are sent.
    pub(crate) headers: Vec<(Arc<str>, Text)>,
    pub(crate) body: Body,
    /// The derived values that it uses, in their order.
    pub(crate) derived: Vec<usize>,
    /// The headers of its answer that are read, besides those that always are.
    pub(crate) answer_headers: Vec<Arc<str>>,
    /// Whether each rendering is another, so that it must not be sent twice as it is.
    pub(crate) is_fresh: bool,
}

#[derive(Debug, Default)]
pub(crate) struct UrlTemplate {
    pub(crate) start: UrlStart,
    /// Pieces of the path: literals as they are written, values as segments.
    pub(crate) path: Text,
    /// Whether the path has what must not be shown or is known only when it is rendered.
    pub(crate) has_hidden_path: bool,
}

#[derive(Debug)]
pub(crate) enum UrlStart {
    /// A parameter of kind `url`.
    Parameter(usize),
    /// A URL that a step gave.
    Step(usize),
    /// `https://` and this, with a port or without.
    Host(Text),
}

impl Default for UrlStart {
    fn default() -> Self {
        UrlStart::Host(Text::default())
    }
}

#[derive(Debug, Default)]
pub(crate) enum Body {
    #[default]
    None,
    Json(JsonTemplate),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(Box<str>, Text)>),
    Text(Text),
}

/// JSON with placeholders.
#[derive(Debug)]
pub(crate) enum JsonTemplate {
    /// JSON as it is sent: a number, a boolean, `null`, or a text without placeholders.
    Raw(Box<str>),
    Text(Text),
    /// A value that is written without quotes.
    Number(Slot),
    /// The requested scopes as an array of strings.
    ScopeArray,
    Array(Vec<JsonTemplate>),
    /// The names are JSON strings, quotes included.
    Object(Vec<(Box<str>, JsonTemplate)>),
}

/// A request before the token request.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) request: RequestTemplate,
    pub(crate) success: Success,
    /// In the order of their slots, which go on from those of the step before.
    pub(crate) values: Vec<StepValue>,
}

#[derive(Debug)]
pub(crate) struct StepValue {
    pub(crate) name: Box<str>,
    pub(crate) source: Source,
    /// Its host must be that of the step's request, or below it.
    pub(crate) is_url: bool,
}

/// A JSON Pointer (RFC 6901), as its reference tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer(pub(crate) Box<[Box<str>]>);

/// For errors: `data.value`.
impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("text"),
            false => f.write_str(&self.0.join(".")),
        }
    }
}

/// Where a value of an answer stands.
#[derive(Debug, Default)]
pub(crate) enum Source {
    Pointer(Pointer),
    Header(Arc<str>),
    Cookie(Box<str>),
    /// The whole body.
    #[default]
    Body,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Pointer(pointer) => pointer.fmt(f),
            Source::Header(name) => write!(f, "header {name}"),
            Source::Cookie(name) => write!(f, "cookie {name}"),
            Source::Body => f.write_str("body"),
        }
    }
}

/// How a success is known.
#[derive(Debug, Default)]
pub(crate) struct Success {
    pub(crate) statuses: Vec<u16>,
    /// A member and what it must be.
    pub(crate) flag: Option<(Pointer, Literal)>,
    /// A member that makes it a refusal.
    pub(crate) refused_if: Option<Pointer>,
}

/// A literal of JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Bool(bool),
    Integer(i64),
    Text(Box<str>),
}

/// Where a success has its parts.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) success: Success,
    pub(crate) access_token: Source,
    /// And what may stand there. `None` where the vendor names no type.
    pub(crate) token_type: Option<(Pointer, Vec<Box<str>>)>,
    pub(crate) refresh_token: Option<Source>,
    /// An array of strings or one string; both are read.
    pub(crate) scope: Option<Pointer>,
    pub(crate) expiry: Expiry,
    pub(crate) request_id: Option<Source>,
    /// Further members worth handing on, by the name under which the token gives them.
    pub(crate) extras: Vec<(Arc<str>, Pointer)>,
}

/// When a token ends. The default is its life where the answer does not say.
#[derive(Debug, Default)]
pub(crate) enum Expiry {
    In(Span, Option<Duration>),
    At(Pointer, TimeFormat, Option<Duration>),
    /// The `exp` of the token itself.
    Jwt(Option<Duration>),
    Life(Duration),
    #[default]
    UntilRefused,
}

impl Expiry {
    /// What the end is read as.
    pub(crate) fn unit(&self) -> &'static str {
        match self {
            Expiry::In(span, _) => span.unit.0,
            Expiry::At(_, TimeFormat::Milliseconds, _) => "milliseconds",
            Expiry::At(_, TimeFormat::Rfc3339, _) => "a date of RFC 3339",
            Expiry::At(_, TimeFormat::HttpDate, _) => "a date of HTTP",
            _ => "seconds",
        }
    }
}

/// A span of time in an answer.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) at: Pointer,
    /// The unit's name and its milliseconds.
    pub(crate) unit: (&'static str, i64),
}

/// The units of a span.
pub(crate) const UNITS: &[(&str, i64)] =
    &[("milliseconds", 1), ("seconds", 1000), ("minutes", 60_000), ("hours", 3_600_000)];

/// Which header carries the token, and what stands around it.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pub(crate) header: Arc<str>,
    pub(crate) before: Box<str>,
    pub(crate) after: Box<str>,
}

/// How a token is renewed by the refresh token that came with it.
#[derive(Debug)]
pub(crate) struct Refresh {
    pub(crate) request: RequestTemplate,
    /// `None`: the same as of the token request.
    pub(crate) answer: Option<Answer>,
    pub(crate) life: Option<RefreshLife>,
}

#[derive(Debug)]
pub(crate) enum RefreshLife {
    Fixed(Duration),
    In(Span),
}

/// How the vendor says no.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// A status inside the body that goes before the HTTP status.
    pub(crate) status: Option<Pointer>,
    pub(crate) request_id: Option<Source>,
    /// Where the error code may stand; the first one found counts.
    pub(crate) codes: Vec<CodeAt>,
    /// A list of objects, and the member of each that names a field of the request.
    pub(crate) faults: Option<(Pointer, Pointer)>,
    /// The first rule that fits decides; after them RFC 6749 §5.2, then the HTTP status.
    pub(crate) rules: Vec<Rule>,
}

/// How a place holds an error code.
#[derive(Debug)]
pub(crate) enum CodeAt {
    /// A string, or a whole number.
    Text(Pointer),
    /// A URI whose last segment is the code (RFC 9457 `type`).
    LastSegment(Pointer),
    /// An object whose only key is the code.
    Key(Pointer),
}

/// What a refusal means.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Any, if empty.
    pub(crate) statuses: Vec<u16>,
    pub(crate) code: Code,
    /// The rule fits only if this field is listed as faulty.
    pub(crate) field: Option<Box<str>>,
    pub(crate) kind: ErrorKind,
    /// In place of the kind's own remedy.
    pub(crate) remedy: Option<Box<str>>,
}

/// Which error code a rule fits.
#[derive(Debug)]
pub(crate) enum Code {
    Any,
    Absent,
    OneOf(Vec<Box<str>>),
}

/// RFC 6749 §5.2, after a profile's own rules.
pub(crate) const STANDARD_RULES: &[(&str, ErrorKind)] = &[
    ("invalid_client", ErrorKind::CredentialsRejected),
    ("invalid_grant", ErrorKind::CredentialsRejected),
    ("invalid_scope", ErrorKind::ScopeRefused),
    ("unauthorized_client", ErrorKind::AccessDenied),
    ("access_denied", ErrorKind::AccessDenied),
    ("temporarily_unavailable", ErrorKind::Unavailable),
];
