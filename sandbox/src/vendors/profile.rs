//! What a vendor is, as data.

use crate::answer::Answer;
use crate::request::RecordedRequest;
use crate::state::{Defaults, State};

/// What a vendor is.
pub(crate) struct Profile {
    /// What the base URL adds to the origin.
    pub(crate) base_path: &'static str,
    pub(crate) token_path: &'static str,
    pub(crate) resource_path: &'static str,
    pub(crate) defaults: Defaults,
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

#[derive(Clone, Copy)]
pub(crate) enum Refusal {
    /// No such path for that method.
    NotFound,
    RateLimited,
    Outage,
}
