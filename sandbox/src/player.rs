//! Who answers: a vendor of this crate, or a profile.

use crate::answer::Answer;
use crate::request::RecordedRequest;
use crate::state::State;
use crate::vendor::Endpoint;

/// Who answers requests, and how. What it remembers is in the [`State`].
pub(crate) trait Player: Send + Sync {
    /// The endpoint at a URL, given as origin and path.
    fn route(&self, state: &State, origin: &str, path: &str) -> Option<Endpoint>;

    /// Whether a URL that is nobody's endpoint is the player's to refuse.
    fn owns(&self, state: &State, origin: &str, path: &str) -> bool;

    /// The answer without a fault.
    fn answer(&self, state: &mut State, endpoint: &Endpoint, request: &RecordedRequest) -> Answer;

    /// The answer of the token endpoint to what is no fault of the request.
    fn refuse(&self, state: &mut State, request: &RecordedRequest, refusal: Refusal) -> Answer;

    /// The status of a success.
    fn success(&self) -> u16;

    /// Where an answer has the expiry as a number; none where it has no unit.
    fn expiry(&self) -> Option<Expiry<'_>>;
}

/// A number in an answer that says when the token ends.
pub(crate) struct Expiry<'a> {
    pub(crate) pointer: &'a str,
    /// The number in the unit that a careless reader would expect.
    pub(crate) wrong_unit: fn(u64) -> u64,
}

#[derive(Clone, Copy)]
pub(crate) enum Refusal {
    /// No such path for that method.
    NotFound,
    RateLimited,
    Outage,
}
