//! The vendors as data: each file says where its vendor listens and how it answers.

mod edvak;
pub(crate) mod ehealth;
mod parchment;
mod pattern;

use std::time::Duration;

use crate::answer::Answer;
use crate::request::RecordedRequest;
use crate::state::{Endpoint, State};

/// The vendors that the sandbox stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// Parchment Health: client credentials in headers, one JSON envelope for all answers.
    Parchment,
    /// eHealth Ukraine (ESOZ): refresh grant in JSON, success is 201, absolute expiry.
    Ehealth,
    /// Edvak (CCDA API): a form with a user's password, the token one level down.
    Edvak,
    /// Pattern Health: Basic client credentials, lifetime in milliseconds.
    Pattern,
}

impl Vendor {
    /// All vendors, in the order of this enum.
    pub const ALL: [Vendor; 4] =
        [Vendor::Parchment, Vendor::Ehealth, Vendor::Edvak, Vendor::Pattern];

    /// The name in lower case: `parchment`, `ehealth`, `edvak` or `pattern`.
    pub fn name(self) -> &'static str {
        self.profile().name
    }

    /// The vendor of that [`Vendor::name`], if there is one.
    pub fn from_name(name: &str) -> Option<Vendor> {
        Vendor::ALL.into_iter().find(|vendor| vendor.name() == name)
    }

    pub(crate) fn profile(self) -> &'static Profile {
        match self {
            Vendor::Parchment => &parchment::PROFILE,
            Vendor::Ehealth => &ehealth::PROFILE,
            Vendor::Edvak => &edvak::PROFILE,
            Vendor::Pattern => &pattern::PROFILE,
        }
    }

    pub(crate) fn first_credentials(self) -> Vec<(&'static str, String)> {
        let credentials = self.profile().credentials;
        credentials.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }
}

/// What a vendor is.
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    /// What the base URL adds to the origin.
    pub(crate) base_path: &'static str,
    pub(crate) token_path: &'static str,
    pub(crate) resource_path: &'static str,
    pub(crate) credentials: &'static [(&'static str, &'static str)],
    /// Allowed until told otherwise.
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

pub(crate) enum TokenFormat {
    Jwt,
    Opaque,
}

#[derive(Clone, Copy)]
pub(crate) enum Refusal {
    /// No such path for that method.
    NotFound,
    RateLimited,
    Outage,
}

/// The vendor and endpoint behind a path.
pub(crate) fn route(path: &str) -> Option<(Vendor, Endpoint)> {
    Vendor::ALL.into_iter().find_map(|vendor| match path {
        path if path == vendor.profile().token_path => Some((vendor, Endpoint::Token)),
        path if path == vendor.profile().resource_path => Some((vendor, Endpoint::Resource)),
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
    let profile = vendor.profile();
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
