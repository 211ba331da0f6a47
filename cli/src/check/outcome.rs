//! What a check comes to.

use std::sync::Arc;
use std::time::Duration;

use caretoken::{Client, Error, Profile, Token};
use serde_json::Value as Json;

use super::made_up::Values;
use super::script::{Script, Sent};

/// The requests that were made, and what came of them.
pub(super) struct Outcome {
    pub(super) sent: Vec<Sent>,
    pub(super) token: Result<Token, Error>,
    /// What came of the refresh request, where one was made.
    pub(super) refreshed: Option<Result<Token, Error>>,
    pub(super) refresh_was_refused: bool,
}

impl Outcome {
    /// Why there is no token, or no other after the refresh. The last request is the one it is about.
    pub(super) fn error(&self) -> Option<&Error> {
        match (&self.token, &self.refreshed) {
            (Err(error), _) | (Ok(_), Some(Err(error))) => Some(error),
            _ => None,
        }
    }
}

/// A client that plays the script.
pub(super) fn client(
    profile: &Profile,
    values: &Values,
    script: &Arc<Script>,
) -> Result<Client, Error> {
    let begins = Arc::clone(script);
    let builder = Client::builder(profile.clone())
        .transport(Arc::clone(script) as _)
        .clock(Arc::clone(script.clock()) as _)
        .rejection_memory(Duration::ZERO)
        .on_event(move |event| begins.note(event.kind));
    values.set(builder)?.build()
}

/// Asks for a token, and for another once it is refused, where the profile has a refresh request.
pub(super) fn call(client: &Client, script: &Script, definition: &Json) -> Outcome {
    let token = client.token();
    let refreshed = match &token {
        Ok(token) if definition.get("refresh").is_some() && token.refresh_token().is_some() => {
            script.refresh_is_next();
            client.reject(token);
            Some(client.token())
        }
        _ => None,
    };
    let refresh_was_refused = script.went_on_after_refresh();
    Outcome { sent: script.take_sent(), token, refreshed, refresh_was_refused }
}
