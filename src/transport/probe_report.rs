//! What a probe of the way to a vendor found.

use std::time::Duration;

use super::message::Response;
use crate::error::Error;

/// The names of the steps of a probe, in the order in which a request takes them.
pub(super) const STEPS: &[&str] = &["resolve", "connect", "proxy", "tls", "request"];

/// What a [`Transport`](super::Transport) found on the way to the vendor.
#[derive(Debug)]
#[non_exhaustive]
pub struct Probe {
    /// The steps, in the order in which a request takes them.
    pub steps: Vec<ProbeStep>,
    /// The answer to the request without credentials, if it came that far.
    pub answer: Option<Response>,
}

/// One step on the way to the vendor, and what was found there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProbeStep {
    /// The stable name: `resolve`, `connect`, `proxy`, `tls`, `request` or `clock`.
    pub name: &'static str,
    /// How it ended.
    pub outcome: ProbeOutcome,
    /// How long it took; zero if it was skipped.
    pub took: Duration,
    /// What was found, in one line: addresses, TLS version, HTTP status. Never a secret.
    pub finding: String,
}

/// How a [`ProbeStep`] ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ProbeOutcome {
    /// Nothing is wrong.
    Ok,
    /// Requests come through, and yet somebody should look at what was found.
    Warning,
    /// No request comes further; the error says who must do what.
    Failed(Error),
    /// Not tried: not needed, or not reached. The finding says why.
    Skipped,
}

impl ProbeOutcome {
    /// `ok`, `warning`, `failed` or `skipped`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            ProbeOutcome::Ok => "ok",
            ProbeOutcome::Warning => "warning",
            ProbeOutcome::Failed(_) => "failed",
            ProbeOutcome::Skipped => "skipped",
        }
    }
}

impl ProbeStep {
    /// A step that ended with `outcome` after `took`. The finding must hold no secret.
    #[must_use]
    pub fn new(
        name: &'static str,
        outcome: ProbeOutcome,
        took: Duration,
        finding: impl Into<String>,
    ) -> Self {
        ProbeStep { name, outcome, took, finding: finding.into() }
    }

    /// A step that failed after `took`; its finding is the error's message.
    #[must_use]
    pub fn failed(name: &'static str, error: Error, took: Duration) -> Self {
        let finding = error.message().to_owned();
        ProbeStep::new(name, ProbeOutcome::Failed(error), took, finding)
    }

    /// A step that was not tried, and why.
    #[must_use]
    pub fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        ProbeStep::new(name, ProbeOutcome::Skipped, Duration::ZERO, why)
    }
}

impl Probe {
    /// A probe that took these steps, and the answer to its request, if it came that far.
    #[must_use]
    pub fn new(steps: Vec<ProbeStep>, answer: Option<Response>) -> Self {
        Probe { steps, answer }
    }

    /// A probe that tried no step, because of `why`.
    #[must_use]
    pub fn skipped(why: &str) -> Self {
        let steps = STEPS.iter().map(|name| ProbeStep::skipped(name, why)).collect();
        Probe::new(steps, None)
    }
}
