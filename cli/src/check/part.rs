//! The requests of a profile, and what it says of their answers.

use serde_json::Value as Json;

/// A request of a profile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Step(usize),
    Token,
    Refresh,
}

impl Part {
    /// Those of a profile, in order.
    pub(super) fn all_of(definition: &Json) -> Vec<Self> {
        let steps = definition["steps"].as_array().map_or(0, Vec::len);
        let refresh = definition.get("refresh").map(|_| Part::Refresh);
        (0..steps).map(Part::Step).chain([Part::Token]).chain(refresh).collect()
    }

    /// What the profile says of its answer.
    pub(super) fn answer(self, definition: &Json) -> &Json {
        match self {
            Part::Step(index) => &definition["steps"][index]["answer"],
            Part::Refresh if definition["refresh"].get("answer").is_some() => {
                &definition["refresh"]["answer"]
            }
            Part::Token | Part::Refresh => &definition["answer"],
        }
    }

    pub(super) fn name(self, steps: usize) -> String {
        match self {
            Part::Step(index) => format!("step {} of {steps}", index + 1),
            Part::Token => "token request".to_owned(),
            Part::Refresh => "refresh request".to_owned(),
        }
    }
}

/// The status of a success.
pub(super) fn success_status(wanted: &Json) -> u16 {
    let status = wanted["status"][0].as_u64().and_then(|status| u16::try_from(status).ok());
    status.unwrap_or(200)
}
