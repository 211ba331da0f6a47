//! From a vendor or a path to the profile, and from a request to the vendor's answer.

use super::profile::{Profile, Refusal};
use super::{edvak, ehealth, parchment, pattern};
use crate::answer::Answer;
use crate::request::RecordedRequest;
use crate::state::State;
use crate::vendor::{Endpoint, Vendor};

pub(crate) fn profile(vendor: Vendor) -> &'static Profile {
    match vendor {
        Vendor::Parchment => &parchment::PROFILE,
        Vendor::Ehealth => &ehealth::PROFILE,
        Vendor::Edvak => &edvak::PROFILE,
        Vendor::Pattern => &pattern::PROFILE,
    }
}

/// The state of a sandbox that nobody has spoken to yet.
pub(crate) fn new_state(origin: String) -> State {
    State::new(origin, Vendor::ALL.map(|vendor| &profile(vendor).defaults))
}

/// The vendor and endpoint behind a path.
pub(crate) fn route(path: &str) -> Option<(Vendor, Endpoint)> {
    Vendor::ALL.into_iter().find_map(|vendor| match path {
        path if path == profile(vendor).token_path => Some((vendor, Endpoint::Token)),
        path if path == profile(vendor).resource_path => Some((vendor, Endpoint::Resource)),
        _ => None,
    })
}

/// The vendor's normal answer.
pub(crate) fn answer(
    state: &mut State,
    vendor: Vendor,
    endpoint: &Endpoint,
    request: &RecordedRequest,
) -> Answer {
    let profile = profile(vendor);
    let (method, handler) = match endpoint {
        Endpoint::Token => ("POST", profile.token),
        Endpoint::Resource => ("GET", profile.resource),
    };
    if request.method != method {
        return (profile.refuse)(state, request, Refusal::NotFound).header("allow", method);
    }
    match handler(state, request) {
        Ok(answer) | Err(answer) => answer,
    }
}
