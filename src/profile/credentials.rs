//! The values that go with a profile's credentials: checked on the way in, one snapshot a fetch.

use crate::error::Error;
use crate::memory::{Secret, wipe_dead_stack};
use crate::profile::vocabulary::{Carrier, Credential, Profile, REFRESH_TOKEN, Role};
use crate::transport::header_flaw;

/// Values for a profile's credentials, in the profile's order.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    profile: &'static Profile,
    values: Vec<Option<Secret>>,
}

impl Credentials {
    pub(crate) fn new(profile: &'static Profile) -> Self {
        Credentials { profile, values: vec![None; profile.credentials.len()] }
    }

    /// Sets one, after checking name and value; on an error the old value stays.
    pub(crate) fn set(&mut self, name: &str, value: Secret) -> Result<(), Error> {
        let known = self.profile.credentials;
        let Some(index) = known.iter().position(|credential| credential.name == name) else {
            let names: Vec<_> = known.iter().map(|credential| credential.name).collect();
            let what = format!("a credential of {}", self.profile.vendor);
            return Err(unknown_name(name, value.expose_secret(), &what, &names));
        };
        check(&known[index], value.expose_secret())?;
        self.values[index] = Some(value);
        wipe_dead_stack();
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Secret> {
        let index = self.profile.credentials.iter().position(|known| known.name == name)?;
        self.values[index].as_ref()
    }

    /// Whether the credential of that name says whose token it will be.
    pub(crate) fn is_holder(&self, name: &str) -> bool {
        let mut known = self.profile.credentials.iter();
        known.any(|known| known.name == name && known.role == Role::Holder)
    }

    /// Every value that is set.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Secret> {
        self.values.iter().flatten()
    }

    /// Whether every required one is set.
    pub(crate) fn check_complete(&self) -> Result<(), Error> {
        let mut pairs = self.profile.credentials.iter().zip(&self.values);
        match pairs.find(|(known, value)| known.required && value.is_none()) {
            None => Ok(()),
            Some((missing, _)) => Err(Error::setting(
                missing.name,
                "is missing",
                format!("set it: {} requires it", self.profile.vendor),
            )),
        }
    }
}

/// The setting that says when the configured refresh token ends.
pub(crate) const REFRESH_TOKEN_END: &str = "refresh_token_expires_at_ms";

/// Reads that setting: Unix milliseconds.
pub(crate) fn refresh_token_end(profile: &Profile, text: &str) -> Result<i64, Error> {
    check_takes_refresh_token(profile)?;
    text.parse().ok().filter(|end| *end > 0).ok_or_else(|| {
        let remedy = "write Unix milliseconds as digits, such as 1767225600000";
        Error::setting(REFRESH_TOKEN_END, "is not a time in whole milliseconds since 1970", remedy)
    })
}

/// Whether a refresh token's end has a meaning for the vendor.
pub(crate) fn check_takes_refresh_token(profile: &Profile) -> Result<(), Error> {
    match profile.credentials.iter().any(|known| known.name == REFRESH_TOKEN) {
        true => Ok(()),
        false => Err(Error::setting(
            REFRESH_TOKEN_END,
            format!("has no meaning for {}, which takes no refresh token", profile.vendor),
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

fn check(credential: &Credential, value: &str) -> Result<(), Error> {
    let wrong =
        |problem: &str, remedy: &'static str| Err(Error::setting(credential.name, problem, remedy));
    if value.is_empty() {
        return wrong("is empty", "set it to the value that the vendor gave you");
    }
    if value.len() > MAX_LENGTH {
        return wrong("is longer than 64 KiB", "check that it is the credential and not a file");
    }
    if value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return wrong(
            "has a line break or NUL in it",
            "remove it; files and environment variables often end in a line break",
        );
    }
    if credential.carrier == Carrier::Body {
        return Ok(());
    }
    if credential.carrier == Carrier::Header {
        return match header_flaw(value) {
            None => Ok(()),
            Some(problem) => wrong(problem, "set it to the value exactly as the vendor gave it"),
        };
    }
    // HTTP Basic encodes what it carries (RFC 7617 §2).
    if value.bytes().any(|b| b.is_ascii_control()) {
        return wrong("has a control character in it", "remove it");
    }
    if credential.carrier == Carrier::BasicUser && value.contains(':') {
        return wrong(
            "has a colon in it, which HTTP Basic cannot carry (RFC 7617)",
            "check that it is the id alone, without the secret",
        );
    }
    Ok(())
}

/// Far above any real credential, and small enough that a wrong file is noticed.
const MAX_LENGTH: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::{ehealth, parchment, pattern};

    fn problem(profile: &'static Profile, name: &str, value: &str) -> String {
        let error = Credentials::new(profile).set(name, value.into()).unwrap_err();
        assert!(value.len() < 3 || !error.to_string().contains(value), "{error}");
        error.message().to_owned()
    }

    #[test]
    fn a_value_that_its_carrier_cannot_carry_is_refused_by_name() {
        let line_break = "has a line break or NUL in it";
        for (profile, name, value, expected) in [
            (&parchment::PROFILE, "partner_secret", "", "is empty"),
            (&parchment::PROFILE, "partner_secret", "fake\rvalue", line_break),
            (&parchment::PROFILE, "partner_secret", "fake\nvalue", line_break),
            (&parchment::PROFILE, "partner_secret", "fake\0value", line_break),
            (
                &parchment::PROFILE,
                "partner_secret",
                "fake\x1bvalue",
                "has a control character in it",
            ),
            (
                &parchment::PROFILE,
                "partner_secret",
                "fäke-value",
                "has characters outside ASCII, which a header cannot carry",
            ),
            (&parchment::PROFILE, "user_id", " fake-user", "begins or ends with a space"),
            (&ehealth::PROFILE, "client_secret", "fake-value\n", line_break),
            (
                &pattern::PROFILE,
                "client_id",
                "fake:id",
                "has a colon in it, which HTTP Basic cannot carry (RFC 7617)",
            ),
            (&pattern::PROFILE, "client_secret", &"x".repeat(65537), "is longer than 64 KiB"),
        ] {
            assert_eq!(problem(profile, name, value), format!("{name} {expected}"));
        }
    }

    #[test]
    fn values_that_can_be_carried_are_taken() {
        let mut pattern = Credentials::new(&pattern::PROFILE);
        pattern.set("client_secret", "fäke: secret".into()).unwrap();
        let mut ehealth = Credentials::new(&ehealth::PROFILE);
        ehealth.set("client_secret", "\"fäke\" \\ tab\t".into()).unwrap();
        ehealth.set("client_secret", "x".repeat(65536).into()).unwrap();
    }

    #[test]
    fn a_bad_value_leaves_the_old_one() {
        let mut credentials = Credentials::new(&pattern::PROFILE);
        credentials.set("client_secret", "fake-old".into()).unwrap();
        credentials.set("client_secret", "".into()).unwrap_err();
        assert_eq!(credentials.get("client_secret").unwrap().expose_secret(), "fake-old");
    }

    #[test]
    fn an_unknown_name_lists_the_names_that_exist() {
        let error = Credentials::new(&pattern::PROFILE).set("secret", "fake".into()).unwrap_err();
        assert_eq!(error.message(), "secret is not a credential of pattern");
        assert_eq!(error.remedy(), "use one of: client_id, client_secret");
        let swapped = Credentials::new(&pattern::PROFILE)
            .set("Fake-Secret-Given-As-The-Name", "client_secret".into())
            .unwrap_err();
        assert!(!swapped.to_string().contains("Fake"), "{swapped}");
        let plain = Credentials::new(&pattern::PROFILE)
            .set("fake_secret_in_lower_case", "client_secret".into())
            .unwrap_err();
        assert!(!plain.to_string().contains("fake"), "{plain}");
    }

    #[test]
    fn a_missing_one_is_named() {
        let mut credentials = Credentials::new(&pattern::PROFILE);
        credentials.set("client_id", "fake".into()).unwrap();
        let error = credentials.check_complete().unwrap_err();
        assert_eq!(error.field(), Some("client_secret"));
    }
}
