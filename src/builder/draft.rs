//! A client that is being configured, and the checks of it as a whole.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Parts};
use crate::error::Error;
use crate::memory::Secret;
use crate::profile::{
    Credentials, HeaderPart, Profile, REFRESH_TOKEN, Scopes, check_scheme, endpoint,
};
use crate::transport::{self, HttpsTransport, Transport, Url};

#[derive(Clone)]
pub(super) struct Draft {
    pub(super) config: Config,
    /// The token endpoint's, or why there is none yet.
    pub(super) url: Result<Arc<Url>, Error>,
    pub(super) credentials: Credentials,
    /// When the refresh token ends, in Unix milliseconds.
    pub(super) refresh_token_end_ms: Option<i64>,
    /// The end is that of a sibling's refresh token, and has no meaning for another one.
    pub(super) has_siblings_end: bool,
    /// An injected transport, or a sibling's.
    pub(super) transport: Option<Arc<dyn Transport>>,
    /// The settings of the built-in transport, if any was set.
    pub(super) https: Option<transport::Settings>,
}

impl Draft {
    pub(super) fn new(profile: &'static Profile) -> Self {
        Draft {
            config: Config::new(profile),
            url: endpoint(profile, "").map(Arc::new),
            credentials: Credentials::new(profile),
            refresh_token_end_ms: None,
            has_siblings_end: false,
            transport: None,
            https: None,
        }
    }

    pub(super) fn profile(&self) -> &'static Profile {
        self.config.profile
    }

    /// The settings of the built-in transport, to be changed.
    pub(super) fn https(&mut self) -> &mut transport::Settings {
        self.https.get_or_insert_default()
    }

    pub(super) fn set_base_url(&mut self, base_url: &str) {
        self.url = endpoint(self.profile(), base_url).map(Arc::new);
    }

    pub(super) fn set_timeout(&mut self, name: &'static str, value: Duration) -> Result<(), Error> {
        if value.is_zero() {
            return Err(Error::setting(name, "is zero", "allow at least one millisecond"));
        }
        self.config.timeout = value;
        Ok(())
    }

    pub(super) fn set_credential(&mut self, name: &str, value: Secret) -> Result<(), Error> {
        self.credentials.set(name, value)?;
        if name == REFRESH_TOKEN && self.has_siblings_end {
            self.set_refresh_token_end(None);
        }
        Ok(())
    }

    pub(super) fn set_refresh_token_end(&mut self, end_ms: Option<i64>) {
        (self.refresh_token_end_ms, self.has_siblings_end) = (end_ms, false);
    }

    /// Checks what the client needs to reach the vendor.
    pub(super) fn reach(self) -> Result<Parts, Error> {
        self.finish(|_| Ok(()))
    }

    /// Checks everything. No network is touched.
    pub(super) fn build(self) -> Result<Parts, Error> {
        self.finish(Draft::check_request)
    }

    fn finish(self, check: impl FnOnce(&Self) -> Result<(), Error>) -> Result<Parts, Error> {
        let profile = self.profile();
        let url = self.url.clone()?;
        check_scheme(profile, &url, self.config.plain_http_to_loopback)?;
        check(&self)?;
        Ok(Parts {
            url,
            transport: make_transport(self.transport, self.https)?,
            config: self.config,
            credentials: self.credentials,
            refresh_token_end_ms: self.refresh_token_end_ms,
        })
    }

    /// Checks what goes into a token request.
    fn check_request(&self) -> Result<(), Error> {
        self.credentials.check_complete()?;
        self.config.check_locked(|| {
            let are_settings = self.https.as_ref().is_none_or(transport::Settings::is_locked);
            are_settings && self.credentials.values().all(Secret::is_locked)
        })?;
        check_scopes(self.profile(), &self.config.scopes)?;
        match self.config.percent_encode_credentials {
            true => check_takes_percent_encoding(self.profile()),
            false => Ok(()),
        }
    }
}

/// The transport that was given, or one made of the settings.
fn make_transport(
    given: Option<Arc<dyn Transport>>,
    settings: Option<transport::Settings>,
) -> Result<Arc<dyn Transport>, Error> {
    match (given, settings) {
        (Some(transport), None) => Ok(transport),
        (Some(_), Some(_)) => Err(Error::setting(
            "transport",
            "is injected or a sibling's, so the settings of the built-in one have no effect",
            "configure the injected transport itself, or build a client of its own",
        )),
        (None, settings) => Ok(Arc::new(HttpsTransport::new(settings.unwrap_or_default())?)),
    }
}

fn check_takes_percent_encoding(profile: &Profile) -> Result<(), Error> {
    match profile.headers.iter().any(|(_, part)| matches!(part, HeaderPart::Basic { .. })) {
        true => Ok(()),
        false => Err(Error::setting(
            "percent_encode_credentials",
            format!("has no meaning for {}, which uses no HTTP Basic", profile.vendor),
            "leave it off",
        )),
    }
}

/// RFC 6749 §3.3: printable ASCII without space, double quote and backslash.
fn check_scopes(profile: &Profile, scopes: &[String]) -> Result<(), Error> {
    let wrong =
        |problem: &str, remedy: &'static str| Err(Error::setting("scopes", problem, remedy));
    match profile.scopes {
        Scopes::NotTaken if !scopes.is_empty() => {
            let problem = format!("cannot be requested: {} decides itself", profile.vendor);
            return wrong(&problem, "leave them out");
        }
        Scopes::Required if scopes.is_empty() => {
            return wrong("are missing", "request at least one, such as create:patient");
        }
        _ => {}
    }
    let is_scope = |scope: &String| {
        !scope.is_empty() && scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    };
    match scopes.iter().all(is_scope) {
        true => Ok(()),
        false => wrong(
            "have one that is empty or has characters no scope can have",
            "give each scope by itself, exactly as the vendor writes it",
        ),
    }
}
