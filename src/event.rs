//! What happens inside a client, for logs and monitoring. Never a secret.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;

/// Something that happened in a client.
///
/// Also written to the [`log`] crate, with the target `caretoken`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The client's vendor, such as `pattern`.
    pub vendor: Arc<str>,
    /// How long it took, for `Fetched` and `FetchFailed`.
    pub took: Option<Duration>,
    /// For `Fetched`, `LifetimeCut` and `LifetimeImplausible` the token's life, for `ServedOldToken`
    /// what is left of it, for `CoolingDown` how long the vendor is not asked, for `FetchFailed`
    /// the pause before the next attempt, for `SignInDue` the time until then.
    pub span: Option<Duration>,
    /// Why, for `FetchFailed`, `ServedOldToken`, `CoolingDown` and `LifetimeImplausible`.
    pub error: Option<Error>,
}

/// The kinds of [`Event`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A request goes out to the vendor.
    FetchStarted,
    /// It brought a token.
    Fetched,
    /// It did not.
    FetchFailed,
    /// A refresh failed and the old token, still good, was returned.
    ServedOldToken,
    /// The vendor is not asked for a while.
    CoolingDown,
    /// The vendor replaced the refresh token.
    Rotated,
    /// A token was reported as refused, and dropped.
    TokenRejected,
    /// The vendor gave a longer life than is plausible; it was cut.
    LifetimeCut,
    /// The vendor gave a shorter life than is plausible; the error says what to ask the vendor.
    LifetimeImplausible,
    /// A person must sign in again before long: the refresh token, and with it the access, ends.
    SignInDue,
}

impl EventKind {
    /// The stable name, such as `fetch_started`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventKind::FetchStarted => "fetch_started",
            EventKind::Fetched => "fetched",
            EventKind::FetchFailed => "fetch_failed",
            EventKind::ServedOldToken => "served_old_token",
            EventKind::CoolingDown => "cooling_down",
            EventKind::Rotated => "rotated",
            EventKind::TokenRejected => "token_rejected",
            EventKind::LifetimeCut => "lifetime_cut",
            EventKind::LifetimeImplausible => "lifetime_implausible",
            EventKind::SignInDue => "sign_in_due",
        }
    }

    pub(crate) fn level(self) -> log::Level {
        match self {
            EventKind::FetchStarted => log::Level::Debug,
            EventKind::Fetched | EventKind::Rotated => log::Level::Info,
            EventKind::FetchFailed
            | EventKind::ServedOldToken
            | EventKind::CoolingDown
            | EventKind::TokenRejected
            | EventKind::LifetimeCut
            | EventKind::LifetimeImplausible
            | EventKind::SignInDue => log::Level::Warn,
        }
    }
}

impl Event {
    pub(crate) fn new(kind: EventKind, vendor: &Arc<str>) -> Self {
        Event { kind, vendor: Arc::clone(vendor), took: None, span: None, error: None }
    }
}

/// One line of `name=value` pairs.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event={} vendor={}", self.kind.name(), self.vendor)?;
        if let Some(took) = self.took {
            write!(f, " took_ms={}", took.as_millis())?;
        }
        if let Some(span) = self.span {
            write!(f, " span_ms={}", span.as_millis())?;
        }
        match &self.error {
            Some(error) => write!(f, " error={} detail=\"{error}\"", error.kind().name()),
            None => Ok(()),
        }
    }
}
