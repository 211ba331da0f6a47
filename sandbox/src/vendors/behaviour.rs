//! What a vendor is, as data.

use std::time::Duration;

use crate::answer::Answer;
use crate::player::Refusal;
use crate::request::RecordedRequest;
use crate::state::{State, TokenFormat};

/// What a vendor is.
pub(crate) struct Behaviour {
    /// What the base URL adds to the origin.
    pub(crate) base_path: &'static str,
    pub(crate) token_path: &'static str,
    pub(crate) resource_path: &'static str,
    pub(crate) credentials: &'static [(&'static str, &'static str)],
    pub(crate) scopes: &'static [&'static str],
    pub(crate) token_format: TokenFormat,
    pub(crate) token_life: Duration,
    pub(crate) success: u16,
    /// Where the answer says how long the token lives.
    pub(crate) expiry_pointer: &'static str,
    /// The expiry in the unit that a careless reader would expect.
    pub(crate) wrong_unit: fn(u64) -> u64,
    pub(crate) token: Handler,
    pub(crate) resource: Handler,
    /// How the vendor puts the refusals that its endpoints have in common.
    pub(crate) refuse: fn(&mut State, &RecordedRequest, Refusal) -> Answer,
}

/// Both arms go to the client; the error arm lets a check end a handler with `?`.
type Handler = fn(&mut State, &RecordedRequest) -> Result<Answer, Answer>;
