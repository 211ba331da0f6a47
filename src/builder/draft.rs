//! A client that is being configured, and the checks of it as a whole.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Parts};
use crate::error::Error;
use crate::memory::Secret;
use crate::profile::{Credentials, Definition, How, REFRESH_TOKEN, scope_flaw};
use crate::transport::{self, HttpsTransport, Transport, Url};

#[derive(Clone)]
pub(super) struct Draft {
    pub(super) config: Config,
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
    pub(super) fn new(definition: Arc<Definition>) -> Self {
        Draft {
            config: Config::new(Arc::clone(&definition)),
            credentials: Credentials::new(definition),
            refresh_token_end_ms: None,
            has_siblings_end: false,
            transport: None,
            https: None,
        }
    }

    pub(super) fn definition(&self) -> &Definition {
        &self.config.definition
    }

    /// The settings of the built-in transport, to be changed.
    pub(super) fn https(&mut self) -> &mut transport::Settings {
        self.https.get_or_insert_default()
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

    /// Checks what the client needs to reach the vendor, whose URL comes first.
    pub(super) fn reach(self) -> Result<(Arc<Url>, Parts), Error> {
        let url = self.credentials.way(self.config.plain_http_to_loopback)?;
        Ok((url, self.into_parts()?))
    }

    /// Checks everything. No network is touched.
    pub(super) fn build(mut self) -> Result<Parts, Error> {
        // The URL first: nothing makes sense without it.
        self.credentials.way(self.config.plain_http_to_loopback)?;
        self.check_request()?;
        self.credentials.prepare(self.config.plain_http_to_loopback)?;
        self.into_parts()
    }

    fn into_parts(self) -> Result<Parts, Error> {
        Ok(Parts {
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
        check_scopes(self.definition(), &self.config.scopes)?;
        self.check_client_certificate()?;
        match self.config.percent_encode_credentials {
            Some(true) => check_takes_percent_encoding(self.definition()),
            _ => Ok(()),
        }
    }

    /// Where the transport is the built-in one, and new.
    fn check_client_certificate(&self) -> Result<(), Error> {
        let has_one =
            self.https.as_ref().is_some_and(|settings| settings.client_cert_pem.is_some());
        match self.definition().needs_client_certificate && self.transport.is_none() && !has_one {
            true => Err(Error::setting(
                "client_cert_pem",
                "is missing",
                format!(
                    "set it and client_key_pem: {} asks for mutual TLS",
                    self.definition().name
                ),
            )),
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

fn check_takes_percent_encoding(definition: &Definition) -> Result<(), Error> {
    match definition.derived.iter().any(|derived| matches!(derived.how, How::Basic { .. })) {
        true => Ok(()),
        false => Err(Error::setting(
            "percent_encode_credentials",
            format!("has no meaning for {}, which uses no HTTP Basic", definition.name),
            "leave it off",
        )),
    }
}

fn check_scopes(definition: &Definition, scopes: &[String]) -> Result<(), Error> {
    let wrong =
        |problem: &str, remedy: &'static str| Err(Error::setting("scopes", problem, remedy));
    let flaw = match &definition.scopes {
        None if scopes.is_empty() => None,
        None => {
            let problem = format!("cannot be requested: {} decides itself", definition.name);
            return wrong(&problem, "leave them out");
        }
        Some(known) if known.are_required && scopes.is_empty() => {
            Some(("are missing", "request at least one; the vendor's page lists them"))
        }
        Some(known) => scope_flaw(known, scopes),
    };
    flaw.map_or(Ok(()), |(problem, remedy)| wrong(problem, remedy))
}
