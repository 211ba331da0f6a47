//! What an examination of the way to the vendor says.

use std::time::Duration;

use super::Response;
use crate::error::Error;

/// The steps of an examination, in the order in which a request goes.
pub(super) const STEPS: &[&str] = &["resolve", "connect", "proxy", "tls", "request"];

/// What a [`Transport`](super::Transport) found on the way to the vendor.
#[derive(Debug)]
pub struct Examination {
    /// The steps, in the order in which a request goes.
    pub steps: Vec<Step>,
    /// The answer to the request without credentials, if it came that far.
    pub answer: Option<Response>,
}

/// One step of the way to the vendor, and what was found there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The stable name: `resolve`, `connect`, `proxy`, `tls`, `request` or `clock`.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took; zero if it was skipped.
    pub took: Duration,
    /// What was found, in one line: addresses, TLS version, HTTP status. Never a secret.
    pub finding: String,
}

/// How a [`Step`] ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// As it should.
    Ok,
    /// The way is open, and yet somebody should look at what was found.
    Warning,
    /// The way ends here; the error says who must do what.
    Failed(Error),
    /// Not tried: not needed, or not reached. The finding says why.
    Skipped,
}

impl Outcome {
    /// `ok`, `warning`, `failed` or `skipped`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Warning => "warning",
            Outcome::Failed(_) => "failed",
            Outcome::Skipped => "skipped",
        }
    }
}

impl Step {
    /// A step that ended with `outcome` after `took`. The finding must hold no secret.
    #[must_use]
    pub fn new(
        name: &'static str,
        outcome: Outcome,
        took: Duration,
        finding: impl Into<String>,
    ) -> Self {
        Step { name, outcome, took, finding: finding.into() }
    }

    /// A step that failed after `took`; its finding is the error's message.
    #[must_use]
    pub fn failed(name: &'static str, error: Error, took: Duration) -> Self {
        let finding = error.message().to_owned();
        Step::new(name, Outcome::Failed(error), took, finding)
    }

    /// A step that was not tried, and why.
    #[must_use]
    pub fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Step::new(name, Outcome::Skipped, Duration::ZERO, why)
    }
}

impl Examination {
    /// Nothing was examined, because of `why`.
    #[must_use]
    pub fn skipped(why: &str) -> Self {
        let steps = STEPS.iter().map(|name| Step::skipped(name, why)).collect();
        Examination { steps, answer: None }
    }
}
