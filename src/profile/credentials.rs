//! What the caller gives to a profile: checked on the way in, one snapshot a fetch.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::{Secret, wipe_dead_stack};
use crate::profile::given_url;
use crate::profile::jwt::{self, Alg, SigningKey};
use crate::profile::vocabulary::{
    AlgChoice, Definition, How, JwtKey, Kind, Parameter, Piece, Places, REFRESH_TOKEN,
    RequestTemplate, Scopes, Slot, UrlStart, UrlTemplate,
};
use crate::transport::{Url, cookie_flaw, header_flaw};

/// Values for a profile's parameters, in the profile's order.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    definition: Arc<Definition>,
    values: Vec<Option<Secret>>,
    /// What was made of the values; `None` after a change.
    prepared: Option<Arc<Prepared>>,
}

/// What requests need of the values and is not made for each of them anew.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Of each step, of the token request, and of the refresh: the URL without anything hidden.
    /// `None` where it begins with what a step says.
    pub(crate) urls: Vec<Option<Arc<Url>>>,
    /// Of each derived value that is signed with a private key.
    pub(crate) keys: Vec<Option<SigningKey>>,
}

impl Credentials {
    pub(crate) fn new(definition: Arc<Definition>) -> Self {
        let values = definition.parameters.iter();
        let values = values.map(|known| known.default.as_deref().map(Secret::from)).collect();
        Credentials { definition, values, prepared: None }
    }

    /// Sets one, after checking name and value; on an error the old value stays.
    pub(crate) fn set(&mut self, name: &str, value: Secret) -> Result<(), Error> {
        let known = &self.definition.parameters;
        let Some(index) = known.iter().position(|parameter| &*parameter.name == name) else {
            let names: Vec<_> = known.iter().map(|parameter| &*parameter.name).collect();
            let what = format!("a credential of {}", self.definition.name);
            return Err(unknown_name(name, value.expose_secret(), &what, &names));
        };
        check_value(&known[index], value.expose_secret())?;
        self.values[index] = Some(value);
        if !matches!(known[index].kind, Kind::Text | Kind::Integer | Kind::Certificate) {
            self.prepared = None;
        }
        wipe_dead_stack();
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Secret> {
        let known = &self.definition.parameters;
        self.at(known.iter().position(|parameter| &*parameter.name == name)?)
    }

    /// The value of the parameter of that number.
    pub(crate) fn at(&self, index: usize) -> Option<&Secret> {
        self.values[index].as_ref()
    }

    pub(crate) fn text_at(&self, index: usize) -> Option<&str> {
        self.at(index).map(Secret::expose_secret)
    }

    /// Whether the parameter of that name says whose token it will be.
    pub(crate) fn is_holder(&self, name: &str) -> bool {
        let mut known = self.definition.parameters.iter();
        known.any(|known| &*known.name == name && known.is_holder)
    }

    /// Every value that is set.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Secret> {
        self.values.iter().flatten()
    }

    /// The secret values that are set: what must not be shown.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let pairs = self.definition.parameters.iter().zip(&self.values);
        pairs.filter_map(|(known, value)| value.as_ref().filter(|_| known.is_secret))
    }

    /// Whether every required one is set.
    pub(crate) fn check_complete(&self) -> Result<(), Error> {
        let mut pairs = self.definition.parameters.iter().zip(&self.values);
        match pairs.find(|(known, value)| known.is_required && value.is_none()) {
            None => Ok(()),
            Some((missing, _)) => Err(Error::setting(
                missing.name.to_string(),
                "is missing",
                format!("set it: {} requires it", self.definition.name),
            )),
        }
    }

    /// What was made of the values, once [`prepare`](Self::prepare) has succeeded.
    pub(crate) fn prepared(&self) -> Option<&Prepared> {
        self.prepared.as_deref()
    }

    /// The URL of the token request, where that is known without asking.
    pub(crate) fn endpoint(&self) -> Option<&Arc<Url>> {
        self.prepared.as_ref()?.urls.get(self.definition.steps.len())?.as_ref()
    }

    /// Makes of the values what requests need.
    pub(crate) fn prepare(&mut self, plain_http_to_loopback: bool) -> Result<(), Error> {
        if self.prepared.is_some() {
            return Ok(());
        }
        let requests = self.definition.requests();
        let urls = requests.map(|request| self.url(&request.url, plain_http_to_loopback));
        let urls = urls.collect::<Result<_, _>>()?;
        let keys = self.definition.derived.iter().map(|derived| self.key(&derived.how));
        let keys = keys.collect::<Result<_, _>>()?;
        self.prepared = Some(Arc::new(Prepared { urls, keys }));
        Ok(())
    }

    /// The URL of the token request, or of the first step where only steps know that: for a look at
    /// the way to the vendor.
    pub(crate) fn way(&self, plain_http_to_loopback: bool) -> Result<Arc<Url>, Error> {
        let steps = self.definition.steps.iter().map(|step| &step.request);
        for request in [&self.definition.request].into_iter().chain(steps) {
            if let Some(url) = self.url(&request.url, plain_http_to_loopback)? {
                return Ok(url);
            }
        }
        Err(Error::new(ErrorKind::Internal, ErrorPhase::Configure))
    }

    /// The URL as far as it is known and may be shown.
    fn url(&self, template: &UrlTemplate, plain_http: bool) -> Result<Option<Arc<Url>>, Error> {
        let missing = |index: usize| {
            let name = self.definition.parameters[index].name.to_string();
            let remedy = format!("set it: {} requires it", self.definition.name);
            Error::setting(name, "is missing", remedy)
        };
        let mut text = String::new();
        match &template.start {
            UrlStart::Step(_) => return Ok(None),
            UrlStart::Parameter(index) => {
                let parameter = &self.definition.parameters[*index];
                let value = self.text_at(*index).ok_or_else(|| missing(*index))?;
                if let Kind::Url(rule) = &parameter.kind {
                    let url = given_url::parse(&parameter.name, rule, value)?;
                    given_url::check_scheme(&parameter.name, rule, &url, plain_http)?;
                }
                text.push_str(value);
            }
            UrlStart::Host(host) => {
                text.push_str("https://");
                for piece in &*host.0 {
                    match piece {
                        Piece::Literal(literal) => text.push_str(literal),
                        Piece::Value(Slot::Parameter(index), _) => {
                            text.push_str(self.text_at(*index).ok_or_else(|| missing(*index))?);
                        }
                        Piece::Value(..) => {}
                    }
                }
            }
        }
        for piece in &*template.path.0 {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Value(Slot::Parameter(index), _)
                    if !self.definition.parameters[*index].is_secret =>
                {
                    text.push_str(self.text_at(*index).ok_or_else(|| missing(*index))?);
                }
                Piece::Value(..) => text.push('*'),
            }
        }
        let name = match template.start {
            UrlStart::Parameter(index) => self.definition.parameters[index].name.to_string(),
            _ => "profile".to_owned(),
        };
        let remedy = "check the parameters that stand in the URL";
        let url = Url::parse(&text).map_err(|error| error.in_setting(name, remedy))?;
        Ok(Some(Arc::new(url)))
    }

    /// The private key with which a derived value is signed.
    fn key(&self, how: &How) -> Result<Option<SigningKey>, Error> {
        let How::Jwt(jwt) = how else { return Ok(None) };
        let JwtKey::Private(index) = jwt.key else { return Ok(None) };
        let (Some(key), Some(alg)) = (self.text_at(index), self.alg(&jwt.alg)) else {
            return Ok(None);
        };
        let name = &self.definition.parameters[index].name;
        let key = SigningKey::parse(alg, key);
        key.map(Some).map_err(|flaw| Error::setting(name.to_string(), flaw.problem, flaw.remedy))
    }

    /// The algorithm that was chosen.
    pub(crate) fn alg(&self, choice: &AlgChoice) -> Option<Alg> {
        match choice {
            AlgChoice::Fixed(alg) => Some(*alg),
            AlgChoice::Parameter(index) => Alg::parse(self.text_at(*index)?),
        }
    }
}

impl Definition {
    /// All requests: the steps, the token request, the refresh.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &RequestTemplate> {
        let steps = self.steps.iter().map(|step| &step.request);
        steps.chain([&self.request]).chain(self.refresh.as_ref().map(|refresh| &refresh.request))
    }

    /// How long the caller's refresh token lives, where the vendor says so.
    pub(crate) fn refresh_life(&self) -> Option<std::time::Duration> {
        self.parameters.iter().find_map(|known| known.life)
    }
}

/// The setting that says when the configured refresh token ends.
pub(crate) const REFRESH_TOKEN_END: &str = "refresh_token_expires_at_ms";

/// Reads that setting: Unix milliseconds.
pub(crate) fn refresh_token_end(definition: &Definition, text: &str) -> Result<i64, Error> {
    check_takes_refresh_token(definition)?;
    text.parse().ok().filter(|end| *end > 0).ok_or_else(|| {
        let remedy = "write Unix milliseconds as digits, such as 1767225600000";
        Error::setting(REFRESH_TOKEN_END, "is not a time in whole milliseconds since 1970", remedy)
    })
}

/// Whether a refresh token's end has a meaning for the vendor.
pub(crate) fn check_takes_refresh_token(definition: &Definition) -> Result<(), Error> {
    match definition.parameters.iter().any(|known| &*known.name == REFRESH_TOKEN) {
        true => Ok(()),
        false => Err(Error::setting(
            REFRESH_TOKEN_END,
            format!("has no meaning for {}, which takes no refresh token", definition.name),
            "leave it out",
        )),
    }
}

/// The error about a name that is not `what`; `names` are those that exist.
pub(crate) fn unknown_name(name: &str, value: &str, what: &str, names: &[&str]) -> Error {
    // The name is the caller's own text. It may be a secret whose place was mixed up with its name's.
    let is_swapped = names.contains(&value);
    let is_plain =
        (1..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    Error::setting(
        if is_plain && !is_swapped { name.to_owned() } else { "name".to_owned() },
        format!("is not {what}"),
        format!("use one of: {}", names.join(", ")),
    )
}

/// Whether a parameter can have this value.
pub(crate) fn check_value(parameter: &Parameter, value: &str) -> Result<(), Error> {
    let wrong = |problem: &str, remedy: &str| {
        Err(Error::setting(parameter.name.to_string(), problem, remedy.to_owned()))
    };
    if let Kind::Url(rule) = &parameter.kind {
        let url = given_url::parse(&parameter.name, rule, value)?;
        // Whether plain http is allowed may be set later.
        return given_url::check_scheme(&parameter.name, rule, &url, true);
    }
    if value.is_empty() {
        return wrong("is empty", "set it to the value that the vendor gave you");
    }
    if value.len() > MAX_LENGTH {
        return wrong("is longer than 64 KiB", "check that it is the credential and not a file");
    }
    let flaw = match parameter.kind {
        Kind::PrivateKey => jwt::check_pem(value).err(),
        Kind::Certificate => crate::profile::digest::check_certificate(value).err(),
        _ => None,
    };
    if let Some(flaw) = flaw {
        return wrong(flaw.problem, flaw.remedy);
    }
    if matches!(parameter.kind, Kind::PrivateKey | Kind::Certificate) {
        return Ok(());
    }
    if value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return wrong(
            "has a line break or NUL in it",
            "remove it; files and environment variables often end in a line break",
        );
    }
    match &parameter.kind {
        Kind::Integer if !is_integer(value) => {
            return wrong("is not a whole number", "write digits without leading zeroes");
        }
        Kind::Choice(choices) if !choices.iter().any(|choice| **choice == *value) => {
            return wrong(
                "is not one of the choices",
                &format!("use one of: {}", choices.join(", ")),
            );
        }
        Kind::Host | Kind::HostLabel => return check_host(parameter, value),
        Kind::PathSegment if !is_segment(value) => {
            return wrong(
                "is not one segment of a path",
                "give it without slashes; letters, digits and -._~ alone are sent as they are",
            );
        }
        _ => {}
    }
    let places = parameter.places;
    if places.has(Places::HEADER) {
        if let Some(problem) = header_flaw(value) {
            return wrong(problem, "set it to the value exactly as the vendor gave it");
        }
    }
    if places.has(Places::COOKIE) {
        if let Some(problem) = cookie_flaw(value) {
            return wrong(problem, "set it to the value exactly as the vendor gave it");
        }
    }
    // HTTP Basic encodes what it carries (RFC 7617 §2); XML has no control characters.
    let has_control = || value.bytes().any(|b| b.is_ascii_control());
    if (places.has(Places::BASIC) || places.has(Places::XML)) && has_control() {
        return wrong("has a control character in it", "remove it");
    }
    if places.has(Places::BASIC_USER) && value.contains(':') {
        return wrong(
            "has a colon in it, which HTTP Basic cannot carry (RFC 7617)",
            "check that it is the id alone, without the secret",
        );
    }
    Ok(())
}

/// At most 18 digits: every JSON reader takes them.
fn is_integer(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    (1..=18).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
        && value != "-0"
}

/// What needs no encoding: the URL that is shown is the one that is sent.
fn is_segment(value: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    value.len() <= 255 && !matches!(value, "." | "..") && value.bytes().all(is_plain)
}

fn check_host(parameter: &Parameter, value: &str) -> Result<(), Error> {
    let wrong = |problem: &str, remedy: &'static str| {
        Err(Error::setting(parameter.name.to_string(), problem, remedy))
    };
    if parameter.kind == Kind::HostLabel {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let is_label = value.len() <= 63
            && value.bytes().all(is_plain)
            && !value.starts_with('-')
            && !value.ends_with('-');
        return match is_label {
            true => Ok(()),
            false => wrong("is not one label of a host name", "use letters, digits and hyphens"),
        };
    }
    match Url::parse(&format!("https://{value}")) {
        Ok(url) if url.path().is_empty() && !value.contains(['@', '#']) => Ok(()),
        _ => wrong("is not a host", "write a host name or address, with a port or without"),
    }
}

/// What is wrong with requested scopes, if anything, and what to do (RFC 6749 §3.3: printable ASCII
/// without space, double quote and backslash).
pub(crate) fn scope_flaw(
    known: &Scopes,
    scopes: &[String],
) -> Option<(&'static str, &'static str)> {
    let is_scope = |scope: &String| {
        !scope.is_empty()
            && scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
            && !scope.contains(&*known.separator)
    };
    match scopes.iter().all(is_scope) {
        true => None,
        false => Some((
            "have one that is empty or has characters no scope can have",
            "give each scope by itself, exactly as the vendor writes it",
        )),
    }
}

/// Far above any real credential, and small enough that a wrong file is noticed.
const MAX_LENGTH: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::by_name;

    fn of(vendor: &str) -> Credentials {
        Credentials::new(by_name(vendor).unwrap())
    }

    fn problem(vendor: &str, name: &str, value: &str) -> String {
        let error = of(vendor).set(name, value.into()).unwrap_err();
        assert!(value.len() < 3 || !error.to_string().contains(value), "{error}");
        error.message().to_owned()
    }

    #[test]
    fn a_value_that_its_carrier_cannot_carry_is_refused_by_name() {
        let line_break = "has a line break or NUL in it";
        for (profile, name, value, expected) in [
            ("parchment", "partner_secret", "", "is empty"),
            ("parchment", "partner_secret", "fake\rvalue", line_break),
            ("parchment", "partner_secret", "fake\nvalue", line_break),
            ("parchment", "partner_secret", "fake\0value", line_break),
            ("parchment", "partner_secret", "fake\x1bvalue", "has a control character in it"),
            (
                "parchment",
                "partner_secret",
                "fäke-value",
                "has characters outside ASCII, which a header cannot carry",
            ),
            ("parchment", "user_id", " fake-user", "begins or ends with a space"),
            ("ehealth", "client_secret", "fake-value\n", line_break),
            (
                "pattern",
                "client_id",
                "fake:id",
                "has a colon in it, which HTTP Basic cannot carry (RFC 7617)",
            ),
            ("pattern", "client_secret", &"x".repeat(65537), "is longer than 64 KiB"),
        ] {
            assert_eq!(problem(profile, name, value), format!("{name} {expected}"));
        }
    }

    #[test]
    fn values_that_can_be_carried_are_taken() {
        let mut pattern = of("pattern");
        pattern.set("client_secret", "fäke: secret".into()).unwrap();
        let mut ehealth = of("ehealth");
        ehealth.set("client_secret", "\"fäke\" \\ tab\t".into()).unwrap();
        ehealth.set("client_secret", "x".repeat(65536).into()).unwrap();
    }

    #[test]
    fn a_bad_value_leaves_the_old_one() {
        let mut credentials = of("pattern");
        credentials.set("client_secret", "fake-old".into()).unwrap();
        credentials.set("client_secret", "".into()).unwrap_err();
        assert_eq!(credentials.get("client_secret").unwrap().expose_secret(), "fake-old");
    }

    #[test]
    fn an_unknown_name_lists_the_names_that_exist() {
        let error = of("pattern").set("secret", "fake".into()).unwrap_err();
        assert_eq!(error.message(), "secret is not a credential of pattern");
        assert_eq!(error.remedy(), "use one of: base_url, client_id, client_secret");
        let swapped =
            of("pattern").set("Fake-Secret-Given-As-The-Name", "client_secret".into()).unwrap_err();
        assert!(!swapped.to_string().contains("Fake"), "{swapped}");
        let plain =
            of("pattern").set("fake_secret_in_lower_case", "client_secret".into()).unwrap_err();
        assert!(!plain.to_string().contains("fake"), "{plain}");
    }

    #[test]
    fn a_missing_one_is_named() {
        let mut credentials = of("pattern");
        credentials.set("base_url", "https://pattern.example".into()).unwrap();
        credentials.set("client_id", "fake".into()).unwrap();
        let error = credentials.check_complete().unwrap_err();
        assert_eq!(error.field(), Some("client_secret"));
    }
}
