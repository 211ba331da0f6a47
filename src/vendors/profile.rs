//! `Profile`: a token endpoint as data, for programs.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::file;
use crate::profile::{Definition, Kind, MOST_BYTES, parse};
use crate::vendors::table;
use crate::vendors::vendor::{Setup, Vendor, sealed};

/// A token endpoint as data: what the caller gives, the request, where the token stands in the answer,
/// and what the refusals mean. The format is described in `profiles/README.md`.
///
/// Cheap to clone; clones and all clients of it share one copy. It holds no secret.
///
/// ```
/// use caretoken::{Client, Profile};
///
/// # fn main() -> Result<(), caretoken::Error> {
/// let profile = Profile::from_json(
///     br#"{
///         "caretoken": 1,
///         "name": "acme",
///         "parameters": {
///             "base_url": { "kind": "url", "default": "https://api.acme.example" },
///             "api_key": { "holder": true }
///         },
///         "request": { "url": "{base_url}/v2/login", "json": { "key": "{api_key}" } },
///         "answer": { "access_token": "/token", "expires": { "in": "/ttl", "unit": "minutes" } }
///     }"#,
/// )?;
/// let client = Client::builder(profile).set("api_key", "fake-key")?.build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Profile(Arc<Definition>);

impl Profile {
    /// Reads a profile from its text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSetting`](crate::ErrorKind::InvalidSetting): the first thing that is wrong,
    /// with line, column and path, and what would be right.
    pub fn from_json(text: impl AsRef<[u8]>) -> Result<Self, Error> {
        Ok(Profile(Arc::new(parse(text.as_ref())?)))
    }

    /// Reads a profile from a file.
    ///
    /// # Errors
    /// As for [`from_json`](Profile::from_json), and when the file cannot be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let text = file::read(path.as_ref(), MOST_BYTES as u64).map_err(|problem| {
            Error::setting("profile", problem, "give the path of a readable profile")
        })?;
        Profile::from_json(text)
    }

    /// A profile that is compiled in, by its name: see [`names`](Profile::names).
    ///
    /// # Errors
    /// When there is none of that name; the error lists those that exist.
    pub fn named(name: &str) -> Result<Self, Error> {
        table::by_name(name).map(Profile)
    }

    /// The names of the profiles that are compiled in.
    pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
        table::names()
    }

    /// The text of a profile that is compiled in: a beginning for one's own.
    #[must_use]
    pub fn text_of(name: &str) -> Option<&'static str> {
        table::text(name)
    }

    /// The JSON Schema (2020-12) of the format: for an editor that completes and checks profiles, and
    /// says what each member is.
    ///
    /// It sees what is wrong with one member. What is wrong between members, such as a parameter that
    /// nothing uses, [`from_json`](Profile::from_json) alone finds.
    #[must_use]
    pub fn schema() -> &'static str {
        include_str!("../../profiles/profile.schema.json")
    }

    /// The vendor's name, as in configuration, errors and logs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The vendor's name for people; that of the profile where it has no other.
    #[must_use]
    pub fn title(&self) -> &str {
        match &*self.0.title {
            "" => &self.0.name,
            title => title,
        }
    }

    /// The URLs of the vendor's pages.
    pub fn documentation(&self) -> impl Iterator<Item = &str> {
        self.0.documentation.iter().map(|page| &**page)
    }

    /// The name of the header that carries the vendor's tokens, in lower case: `authorization` unless
    /// the profile says otherwise. Each [`Token`](crate::Token) says it, too.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.0.usage.header
    }

    /// What the caller gives, in the order of the file: enough to draw a page of settings.
    pub fn parameters(&self) -> impl ExactSizeIterator<Item = Parameter<'_>> {
        self.0.parameters.iter().map(Parameter)
    }

    /// Whether the vendor identifies its clients by mutual TLS: a client cannot be built without
    /// [`ClientBuilder::client_certificate`](crate::ClientBuilder::client_certificate) then.
    #[must_use]
    pub fn needs_client_certificate(&self) -> bool {
        self.0.needs_client_certificate
    }

    /// Whether scopes can be requested, and whether one must.
    #[must_use]
    pub fn scopes(&self) -> ProfileScopes {
        match &self.0.scopes {
            None => ProfileScopes::None,
            Some(scopes) if scopes.are_required && scopes.default.is_empty() => {
                ProfileScopes::Required
            }
            Some(_) => ProfileScopes::Optional,
        }
    }
}

/// Whether a profile takes requested scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileScopes {
    /// None can be requested: the vendor decides.
    None,
    /// Some can be requested.
    Optional,
    /// At least one must be.
    Required,
}

impl sealed::Sealed for Profile {}

impl Vendor for Profile {
    fn into_setup(self) -> Setup {
        Setup::new(self.0)
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// What a profile asks of the caller: a setting by its name.
#[derive(Clone, Copy)]
pub struct Parameter<'a>(pub(crate) &'a crate::profile::Parameter);

impl<'a> Parameter<'a> {
    /// Its name, for [`ClientBuilder::set`](crate::ClientBuilder::set).
    #[must_use]
    pub fn name(self) -> &'a str {
        &self.0.name
    }

    /// What it is, in one line for people; may be empty.
    #[must_use]
    pub fn about(self) -> &'a str {
        &self.0.about
    }

    /// What kind of value it has: `text`, `integer`, `choice`, `url`, `host`, `host_label`,
    /// `path_segment`, `private_key` or `certificate`. More may come.
    #[must_use]
    pub fn kind(self) -> &'static str {
        self.0.kind.name()
    }

    /// The values that it can have, where it is a `choice`.
    pub fn choices(self) -> impl Iterator<Item = &'a str> {
        let choices = match &self.0.kind {
            Kind::Choice(choices) => &**choices,
            _ => &[],
        };
        choices.iter().map(|choice| &**choice)
    }

    /// Its value where it is not set.
    #[must_use]
    pub fn default_value(self) -> Option<&'a str> {
        self.0.default.as_deref()
    }

    /// Whether it must not be shown.
    #[must_use]
    pub fn is_secret(self) -> bool {
        self.0.is_secret
    }

    /// Whether a client cannot be built without it.
    #[must_use]
    pub fn is_required(self) -> bool {
        self.0.is_required
    }

    /// Whether it says whose token it will be: setting it drops a cached token.
    #[must_use]
    pub fn is_holder(self) -> bool {
        self.0.is_holder
    }
}

impl fmt::Debug for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameter")
            .field("name", &self.name())
            .field("kind", &self.kind())
            .field("is_secret", &self.is_secret())
            .field("is_required", &self.is_required())
            .finish_non_exhaustive()
    }
}
