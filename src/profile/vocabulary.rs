//! A token endpoint as data: every word that a profile can use.

use std::time::Duration;

use crate::error::ErrorKind;
pub(crate) use crate::life::expiry::Plausible;

/// A token endpoint. The method is always `POST`.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// The vendor's name, as in configuration and errors.
    pub(crate) vendor: &'static str,
    /// The path that the vendor's documented base URL ends in; empty for none.
    pub(crate) base_path: &'static str,
    /// The token endpoint's path below the base URL.
    pub(crate) path: &'static str,
    pub(crate) credentials: &'static [Credential],
    pub(crate) scopes: Scopes,
    pub(crate) headers: &'static [(&'static str, HeaderPart)],
    pub(crate) body: Body,
    pub(crate) answer: Answer,
    pub(crate) refusals: Refusals,
    /// The lives that are plausible: a longer one is cut and flagged, a shorter one flagged.
    pub(crate) life: Plausible,
    /// How long a refresh token lives from the moment it is handed out, where the vendor says so.
    pub(crate) refresh_life: Option<Duration>,
    /// Whether the credentials hold a password, and repeated failures can lock its account.
    pub(crate) failures_lock: bool,
    /// Whether a request may be sent again when it is unknown whether the first one arrived.
    pub(crate) replay_is_harmless: bool,
}

/// No vendor gives tokens for less on purpose. A shorter life is most likely read in the wrong unit.
pub(crate) const SHORTEST_LIFE: Duration = Duration::from_secs(10);

/// The name under which profiles have the refresh token that a rotation replaces.
pub(crate) const REFRESH_TOKEN: &str = "refresh_token";

/// A credential that the endpoint takes.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) carrier: Carrier,
    pub(crate) role: Role,
}

impl Credential {
    /// One that says whose token it will be.
    pub(crate) const fn holder(name: &'static str, carrier: Carrier) -> Self {
        Credential { name, required: true, carrier, role: Role::Holder }
    }

    /// One that proves that the holder is who it says.
    pub(crate) const fn proof(name: &'static str, carrier: Carrier) -> Self {
        Credential { name, required: true, carrier, role: Role::Proof }
    }

    /// The same, for endpoints that do not always ask for it.
    pub(crate) const fn optional(self) -> Self {
        Credential { required: false, ..self }
    }
}

/// What a credential says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Whose token it will be: with another value, a cached token is somebody else's.
    Holder,
    /// That the holder is who it says: with another value, a cached token stays good.
    Proof,
}

/// What carries a credential, and so which characters it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// A body: anything but control characters that only an accident puts there.
    Body,
    /// A header value by itself (RFC 9110 §5.5): visible ASCII and inner spaces.
    Header,
    /// The user-id of HTTP Basic (RFC 7617 §2): as `Body`, and no colon.
    BasicUser,
    /// The password of HTTP Basic.
    BasicPassword,
}

/// Whether the endpoint takes requested scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scopes {
    /// At least one must be requested.
    Required,
    /// None can be requested; the vendor decides.
    NotTaken,
}

/// What stands in a request header. A header whose optional credential is not set is left out.
#[derive(Clone, Debug)]
pub(crate) enum HeaderPart {
    Credential(&'static str),
    /// `Bearer ` and the credential (RFC 6750 §2.1).
    Bearer(&'static str),
    /// HTTP Basic (RFC 7617).
    Basic {
        user: &'static str,
        password: &'static str,
    },
}

/// How the body is written.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// One JSON object.
    Json(&'static [(&'static str, JsonPart)]),
    /// `application/x-www-form-urlencoded`.
    Form(&'static [(&'static str, FormPart)]),
}

/// What stands in a member of a JSON body.
#[derive(Clone, Debug)]
pub(crate) enum JsonPart {
    Text(&'static str),
    Credential(&'static str),
    /// The requested scopes as an array of strings.
    ScopeArray,
    Object(&'static [(&'static str, JsonPart)]),
}

/// What stands in a field of a form.
#[derive(Clone, Debug)]
pub(crate) enum FormPart {
    Text(&'static str),
    Credential(&'static str),
}

/// The names of nested members that lead to a value.
pub(crate) type Path = &'static [&'static str];

/// Where a success has its parts.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) success: &'static [u16],
    /// A member that must be `true` besides.
    pub(crate) success_flag: Option<Path>,
    pub(crate) access_token: Path,
    /// `None` where the vendor names no type: it is a bearer token then.
    pub(crate) token_type: Option<Path>,
    pub(crate) refresh_token: Option<Path>,
    /// An array of strings or one space-separated string; both are read.
    pub(crate) scope: Option<Path>,
    pub(crate) expiry: Expiry,
    pub(crate) request_id: Option<Path>,
    /// Further members worth handing on, by the name under which the token gives them.
    pub(crate) extras: &'static [(&'static str, Path)],
}

/// Where and in which unit the end of life stands.
#[derive(Clone, Debug)]
pub(crate) struct Expiry {
    pub(crate) path: Path,
    pub(crate) kind: ExpiryKind,
    pub(crate) unit: Unit,
}

/// Whether an expiry is a span or a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpiryKind {
    /// So long from now.
    In,
    /// At this Unix time.
    At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
}

impl Unit {
    pub(crate) fn milliseconds(self) -> i64 {
        match self {
            Unit::Seconds => 1000,
            Unit::Milliseconds => 1,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Milliseconds => "milliseconds",
        }
    }
}

/// How the vendor says no.
#[derive(Clone, Debug)]
pub(crate) struct Refusals {
    /// A status inside the body that goes before the HTTP status.
    pub(crate) status: Option<Path>,
    pub(crate) request_id: Option<Path>,
    /// Where the error code may stand; the first one found counts.
    pub(crate) codes: &'static [CodeAt],
    /// Where the request's faulty fields are listed.
    pub(crate) faults: Option<FaultsAt>,
    /// The first rule that fits decides; after them the meaning of the HTTP status.
    pub(crate) rules: &'static [Rule],
}

/// How a place holds an error code.
#[derive(Clone, Debug)]
pub(crate) enum CodeAt {
    /// A string.
    Text(Path),
    /// A URI whose last segment is the code (RFC 9457 `type`).
    LastSegment(Path),
    /// An object whose only key is a code that a rule names.
    Key(Path),
}

/// A list of objects, each with one member that names a field of the request.
#[derive(Clone, Debug)]
pub(crate) struct FaultsAt {
    pub(crate) list: Path,
    pub(crate) field: &'static str,
}

/// What a refusal means.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) status: Option<u16>,
    pub(crate) code: Code,
    /// The rule fits only if this field is listed as faulty.
    pub(crate) fault: Option<&'static str>,
    pub(crate) kind: ErrorKind,
    /// In place of the kind's own remedy.
    pub(crate) remedy: Option<&'static str>,
}

/// Which error code a rule fits.
#[derive(Clone, Debug)]
pub(crate) enum Code {
    Any,
    Absent,
    Is(&'static str),
}

impl Rule {
    pub(crate) const fn code(code: &'static str, kind: ErrorKind) -> Self {
        Rule { status: None, code: Code::Is(code), fault: None, kind, remedy: None }
    }

    pub(crate) const fn status(status: u16, code: Code, kind: ErrorKind) -> Self {
        Rule { status: Some(status), code, fault: None, kind, remedy: None }
    }

    pub(crate) const fn with_fault(self, fault: &'static str) -> Self {
        Rule { fault: Some(fault), ..self }
    }

    pub(crate) const fn with_remedy(self, remedy: &'static str) -> Self {
        Rule { remedy: Some(remedy), ..self }
    }
}

/// RFC 6749 §5.2: for vendors that document no error body but may send the standard one.
pub(crate) const STANDARD_RULES: &[Rule] = &[
    Rule::code("invalid_client", ErrorKind::CredentialsRejected),
    Rule::code("invalid_grant", ErrorKind::CredentialsRejected),
    Rule::code("invalid_scope", ErrorKind::ScopeRefused),
    Rule::code("unauthorized_client", ErrorKind::AccessDenied),
    Rule::code("access_denied", ErrorKind::AccessDenied),
    Rule::code("temporarily_unavailable", ErrorKind::Unavailable),
];

/// Where RFC 6749 §5.2 puts the code.
pub(crate) const STANDARD_CODES: &[CodeAt] = &[CodeAt::Text(&["error"])];
