//! The built-in transport: HTTP/1.1 over TLS.

use std::borrow::Cow;
#[cfg(test)]
use std::net::SocketAddr;
use std::sync::Arc;

use super::attempt::Attempt;
use super::connector::Connector;
use super::header::check_user_agent;
use super::http::Agent;
use super::interface::Transport;
use super::message::{Request, Response};
use super::probe::probe;
use super::probe_report::Probe;
use super::settings::Settings;
use super::url::Url;
use crate::error::{Error, ErrorPhase};
use crate::memory::PerProcess;

/// Sends requests over TLS, directly or through a proxy, on connections that it keeps for a while.
/// Every step ends with its attempt.
pub(crate) struct HttpsTransport {
    agent: PerProcess<Agent>,
    /// For probes, which open connections of their own.
    connector: Arc<Connector>,
    user_agent: Cow<'static, str>,
}

impl HttpsTransport {
    /// Checks all settings; nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSetting`](crate::ErrorKind::InvalidSetting), naming the setting.
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        check_user_agent(&settings.user_agent)?;
        Ok(HttpsTransport::with_connector(Connector::new(&settings)?, settings))
    }

    #[cfg(test)]
    pub(super) fn with_lookup(
        settings: Settings,
        lookup: impl Fn(&str) -> std::io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        let no_overrides = Settings { resolve: Vec::new(), ..settings.clone() };
        let mut connector = Connector::new(&no_overrides).unwrap();
        connector.resolver.lookup = Arc::new(lookup);
        HttpsTransport::with_connector(connector, settings)
    }

    fn with_connector(connector: Connector, settings: Settings) -> Self {
        let connector = Arc::new(connector);
        let (user_agent, max_idle_age) = (settings.user_agent, settings.max_idle_age);
        // A forked child must touch neither its parent's connections nor the lock of their pool.
        let (by, name) = (Arc::clone(&connector), user_agent.clone());
        let agent = PerProcess::new(move || Agent::new(Arc::clone(&by), &name, max_idle_age));
        HttpsTransport { agent, connector, user_agent }
    }
}

impl Transport for HttpsTransport {
    fn send(&self, request: &Request, attempt: &Attempt) -> Result<Response, Error> {
        attempt.remaining(ErrorPhase::Connect)?;
        self.agent.get().send(request, attempt)
    }

    fn probe(&self, url: &Url, attempt: &Attempt) -> Probe {
        probe(&self.connector, url, &self.user_agent, attempt)
    }
}
