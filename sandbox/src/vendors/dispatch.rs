//! The four vendors as players.

use super::behaviour::Behaviour;
use super::{edvak, ehealth, parchment, pattern};
use crate::answer::Answer;
use crate::player::{Expiry, Player, Refusal};
use crate::request::RecordedRequest;
use crate::state::{Defaults, State};
use crate::vendor::{Endpoint, Vendor};

pub(crate) fn behaviour(vendor: Vendor) -> &'static Behaviour {
    match vendor {
        Vendor::Parchment => &parchment::BEHAVIOUR,
        Vendor::Ehealth => &ehealth::BEHAVIOUR,
        Vendor::Edvak => &edvak::BEHAVIOUR,
        Vendor::Pattern => &pattern::BEHAVIOUR,
    }
}

/// What a vendor starts with.
pub(crate) fn defaults(vendor: Vendor) -> Defaults {
    let behaviour = behaviour(vendor);
    let credentials = behaviour.credentials.iter();
    Defaults {
        name: vendor.name().to_owned(),
        credentials: credentials.map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        scopes: behaviour.scopes.iter().map(ToString::to_string).collect(),
        token_format: behaviour.token_format,
        token_life: behaviour.token_life,
    }
}

impl Player for Vendor {
    fn route(&self, _: &State, _: &str, path: &str) -> Option<Endpoint> {
        match path {
            path if path == behaviour(*self).token_path => Some(Endpoint::Token),
            path if path == behaviour(*self).resource_path => Some(Endpoint::Resource),
            _ => None,
        }
    }

    fn owns(&self, _: &State, _: &str, _: &str) -> bool {
        false
    }

    fn answer(&self, state: &mut State, endpoint: &Endpoint, request: &RecordedRequest) -> Answer {
        let behaviour = behaviour(*self);
        let (method, handler) = match endpoint {
            Endpoint::Resource => ("GET", behaviour.resource),
            Endpoint::Token | Endpoint::Step => ("POST", behaviour.token),
        };
        if request.method != method {
            return (behaviour.refuse)(state, request, Refusal::NotFound).header("allow", method);
        }
        match handler(state, request) {
            Ok(answer) | Err(answer) => answer,
        }
    }

    fn refuse(&self, state: &mut State, request: &RecordedRequest, refusal: Refusal) -> Answer {
        (behaviour(*self).refuse)(state, request, refusal)
    }

    fn success(&self) -> u16 {
        behaviour(*self).success
    }

    fn expiry(&self) -> Option<Expiry<'_>> {
        let behaviour = behaviour(*self);
        let (pointer, wrong_unit) = (behaviour.expiry_pointer, behaviour.wrong_unit);
        Some(Expiry { pointer, wrong_unit })
    }
}
