//! One check.

use caretoken::ErrorKind;
use serde_json::Value as Json;

use super::made_up::Values;
use super::outcome::{Outcome, call, client};
use super::part::Part;
use super::report::Report;
use super::sample;
use super::script::Script;
use crate::arguments::CheckArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::print;
use crate::profile;

pub(crate) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let profile = profile::open(&arguments.profile)?;
    let text = profile::text(&arguments.profile)?;
    // It was read before: what is JSON for the library is JSON here.
    let definition: Json = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| Failure::new(Exit::Defect, error.to_string(), "report it"))?;
    let parts = Part::all_of(&definition);
    let samples = sample::read(&arguments.answer, &arguments.status, &parts)?;
    let now = arguments.at.map(jiff::Timestamp::as_millisecond);
    let now = now.or_else(|| samples.iter().find_map(|(_, sample)| sample.date_ms()));
    let mut values = Values::new(&profile, &definition, &arguments.set, &arguments.without)?;
    let outcome = loop {
        let script = Script::new(&definition, samples.clone(), now);
        match client(&profile, &values, &script) {
            Ok(client) => break call(&client, &script, &definition),
            Err(error) => values.try_others(error)?,
        }
    };
    let report = Report { profile: &profile, definition: &definition, values: &values, arguments };
    print(report.text(&outcome).as_bytes())?;
    verdict(&outcome)
}

/// As `caretoken token` would end with these answers. What it is has been printed.
fn verdict(outcome: &Outcome) -> Result<(), Failure> {
    let Some(error) = outcome.error() else { return Ok(()) };
    match (error.kind(), outcome.sent.last()) {
        (ErrorKind::InvalidSetting, _) | (_, None) => Err(error.clone().into()),
        (_, Some(sent)) if sent.answer.origin.is_empty() => Err(Failure::new(
            Exit::Defect,
            "the answer that was made up does not fit this profile",
            "give samples of the vendor's answers: --answer FILE for each request",
        )),
        (kind, Some(_)) => Err(Failure::silent(Exit::of(kind))),
    }
}
