//! What a client is made of: the builder fills it in, the client works by it, and a sibling starts
//! with a copy.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::event::Event;
use crate::life::{Clock, SystemClock};
use crate::memory::Secret;
use crate::profile::{Credentials, Definition};
use crate::transport::Transport;

/// An error of the host's own callback.
pub(crate) type CallbackError = Box<dyn std::error::Error + Send + Sync>;
/// Stores a rotated refresh token.
pub(crate) type OnRotation = Arc<dyn Fn(&Secret) -> Result<(), CallbackError> + Send + Sync>;
/// Takes note of an event.
pub(crate) type OnEvent = Arc<dyn Fn(&Event) + Send + Sync>;

/// All of it, checked.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) credentials: Credentials,
    /// When the refresh token ends, in Unix milliseconds, where that is known.
    pub(crate) refresh_token_end_ms: Option<i64>,
}

/// What stays as it is as long as the client lives.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) definition: Arc<Definition>,
    pub(crate) scopes: Vec<String>,
    /// `None`: as the profile says.
    pub(crate) percent_encode_credentials: Option<bool>,
    pub(crate) plain_http_to_loopback: bool,
    pub(crate) require_locked_memory: bool,
    pub(crate) timeout: Duration,
    pub(crate) rejection_memory: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) on_rotation: Option<OnRotation>,
    pub(crate) on_event: Option<OnEvent>,
}

impl Config {
    pub(crate) fn new(definition: Arc<Definition>) -> Self {
        Config {
            scopes: definition.scopes.as_ref().map_or(Vec::new(), |scopes| scopes.default.clone()),
            definition,
            percent_encode_credentials: None,
            plain_http_to_loopback: false,
            require_locked_memory: false,
            timeout: Duration::from_secs(30),
            rejection_memory: Duration::from_secs(15 * 60),
            clock: Arc::new(SystemClock),
            on_rotation: None,
            on_event: None,
        }
    }

    /// The error where [`require_locked_memory`](Self::require_locked_memory) cannot be met.
    pub(crate) fn check_locked(&self, is_locked: impl FnOnce() -> bool) -> Result<(), Error> {
        match !self.require_locked_memory || is_locked() {
            true => Ok(()),
            false => Err(Error::setting(
                "require_locked_memory",
                "cannot be met: the limit on locked memory is used up",
                "raise the limit (ulimit -l, LimitMEMLOCK), or leave the setting off",
            )),
        }
    }
}
