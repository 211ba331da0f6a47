//! `caretoken doctor`: the way to the vendor, step by step.

use caretoken::{DoctorReport, ProbeOutcome, ProbeStep};
use serde::Serialize;

use crate::arguments::DoctorArguments;
use crate::exit::Exit;
use crate::failure::{ErrorJson, Failure};
use crate::output::{print, print_json};
use crate::profile;
use crate::values::{Needed, configure};

pub(crate) fn run(arguments: &DoctorArguments) -> Result<(), Failure> {
    let profile = profile::open(&arguments.profile)?;
    let configuration = configure(&profile, &arguments.sources, Needed::Way)?;
    let report = configuration.builder.clone().doctor();
    let report = report.map_err(|error| configuration.explain(error))?;
    match arguments.json {
        true => print_json(&ReportJson::new(profile.name(), &report))?,
        false => print(format!("{report}\n").as_bytes())?,
    }
    match report.error() {
        None => Ok(()),
        Some(error) => Err(Failure::silent(Exit::of(error.kind()))),
    }
}

#[derive(Serialize)]
struct ReportJson<'a> {
    vendor: &'a str,
    is_healthy: bool,
    steps: Vec<StepJson<'a>>,
    error: Option<ErrorJson<'a>>,
    /// All of it, for a ticket.
    text: String,
}

#[derive(Serialize)]
struct StepJson<'a> {
    name: &'a str,
    outcome: &'a str,
    took_ms: Option<u64>,
    finding: &'a str,
}

impl<'a> ReportJson<'a> {
    fn new(vendor: &'a str, report: &'a DoctorReport) -> Self {
        ReportJson {
            vendor,
            is_healthy: report.is_healthy(),
            steps: report.steps().iter().map(StepJson::from).collect(),
            error: report.error().map(ErrorJson::from),
            text: report.to_string(),
        }
    }
}

impl<'a> From<&'a ProbeStep> for StepJson<'a> {
    fn from(step: &'a ProbeStep) -> Self {
        let took = u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX);
        StepJson {
            name: step.name,
            outcome: step.outcome.name(),
            took_ms: (!matches!(step.outcome, ProbeOutcome::Skipped)).then_some(took),
            finding: &step.finding,
        }
    }
}
