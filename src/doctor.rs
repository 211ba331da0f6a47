//! The doctor: a report on the way from this machine to a vendor, for the people who must mend it.

use std::env::consts::{ARCH, OS};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::date::http_date;
use crate::error::Error;
use crate::life::Clock;
use crate::life::expiry::date_ms;
use crate::transport::{Attempt, Probe, ProbeOutcome, ProbeStep, Transport, Url};

/// How far two clocks may differ before somebody should look at it, in seconds: a minute is what
/// checks of signed tokens commonly allow.
const TOLERABLE_SKEW_S: u64 = 60;

/// What [`Client::doctor`](crate::Client::doctor) found on the way to the vendor.
///
/// `Display` gives it as a block of text for a ticket. It holds addresses and names of hosts and
/// certificates, statuses and times, never a credential, a token, or a part of an answer's body.
#[derive(Clone, Debug)]
pub struct DoctorReport {
    vendor: Arc<str>,
    url: String,
    wall_ms: i64,
    steps: Vec<ProbeStep>,
}

/// Examines the way to `url`.
pub(crate) fn probe(
    vendor: &Arc<str>,
    url: &Url,
    transport: &dyn Transport,
    clock: &dyn Clock,
    attempt: &Attempt,
) -> DoctorReport {
    let Probe { mut steps, answer } = transport.probe(url, attempt);
    let wall_ms = clock.wall_ms();
    steps.push(match answer {
        None => ProbeStep::skipped("clock", "not reached"),
        Some(answer) => compare_clocks(date_ms(answer.header("date")), wall_ms),
    });
    DoctorReport { vendor: Arc::clone(vendor), url: url.to_string(), wall_ms, steps }
}

/// The vendor's clock, as of an answer that arrived at `wall_ms`, beside this machine's.
fn compare_clocks(vendor_ms: Option<i64>, wall_ms: i64) -> ProbeStep {
    let Some(vendor_ms) = vendor_ms else {
        return ProbeStep::skipped(
            "clock",
            "the answer does not say what time it is (Date header)",
        );
    };
    // A Date has no fraction: it stands for the whole second that begins there.
    let ahead_s = vendor_ms.saturating_add(999).saturating_sub(wall_ms).div_euclid(1000);
    let skew = match ahead_s {
        0 => "this machine's clock agrees with the vendor's".to_owned(),
        1.. => format!("this machine's clock is {ahead_s} s behind the vendor's"),
        _ => format!("this machine's clock is {} s ahead of the vendor's", ahead_s.unsigned_abs()),
    };
    if ahead_s.unsigned_abs() <= TOLERABLE_SKEW_S {
        return ProbeStep::new("clock", ProbeOutcome::Ok, Duration::ZERO, skew);
    }
    let finding = format!("{skew}: set it by NTP; caretoken allows for it, other checks may not");
    ProbeStep::new("clock", ProbeOutcome::Warning, Duration::ZERO, finding)
}

impl DoctorReport {
    /// A report that there is nowhere to go.
    pub(crate) fn without_way(vendor: &Arc<str>, wall_ms: i64, error: Error) -> Self {
        let finding = error.message().to_owned();
        let outcome = ProbeOutcome::Failed(error);
        let steps = vec![ProbeStep::new("resolve", outcome, Duration::ZERO, finding)];
        DoctorReport { vendor: Arc::clone(vendor), url: String::new(), wall_ms, steps }
    }

    /// The steps in the order in which they were taken: `resolve`, `connect`, `proxy`, `tls`,
    /// `request`, `clock`. After one that failed, the others are skipped.
    #[must_use]
    pub fn steps(&self) -> &[ProbeStep] {
        &self.steps
    }

    /// Whether a request came through and was answered, by whatever status.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        let is_answered = |step: &ProbeStep| {
            step.name == "request"
                && matches!(step.outcome, ProbeOutcome::Ok | ProbeOutcome::Warning)
        };
        self.error().is_none() && self.steps.iter().any(is_answered)
    }

    /// Why no request came through: the error of the step that failed.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.failure().map(|(_, error)| error)
    }

    fn failure(&self) -> Option<(&ProbeStep, &Error)> {
        self.steps.iter().find_map(|step| match &step.outcome {
            ProbeOutcome::Failed(error) => Some((step, error)),
            _ => None,
        })
    }
}

impl fmt::Display for DoctorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "caretoken {}, doctor", env!("CARGO_PKG_VERSION"))?;
        writeln!(f, "vendor   {}", self.vendor)?;
        writeln!(f, "url      {}", self.url)?;
        let date = http_date(self.wall_ms);
        let date = date.unwrap_or_else(|| "its clock shows an impossible date".to_owned());
        writeln!(f, "system   {OS} {ARCH}, {date}")?;
        writeln!(f)?;
        for step in &self.steps {
            write!(f, "{:<8} {:<8}", step.name, step.outcome.name())?;
            match step.outcome {
                ProbeOutcome::Skipped => write!(f, "{:>8}   ", "")?,
                _ => write!(f, "{:>8} ms", step.took.as_millis())?,
            }
            writeln!(f, "  {}", step.finding)?;
        }
        writeln!(f)?;
        let warnings =
            self.steps.iter().filter(|step| matches!(step.outcome, ProbeOutcome::Warning));
        match (self.failure(), warnings.count()) {
            (Some((step, error)), _) => {
                let (kind, phase) = (error.kind().name(), error.phase().name());
                writeln!(f, "result   not healthy: {} failed ({kind}, phase {phase})", step.name)?;
                write!(f, "to do    {}: {}", error.actor().name(), error.remedy())
            }
            (None, _) if !self.is_healthy() => f.write_str("result   not examined"),
            (None, 0) => f.write_str("result   healthy"),
            (None, _) => f.write_str("result   healthy, with warnings"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    #[test]
    fn the_clocks_are_compared_to_the_second() {
        for (vendor_ms, wall_ms, outcome, finding) in [
            (NOW, NOW, "ok", "agrees"),
            (NOW, NOW + 999, "ok", "agrees"),
            (NOW, NOW + 1_000, "ok", "is 1 s ahead"),
            (NOW, NOW - 1, "ok", "is 1 s behind"),
            (NOW, NOW + 2_000, "ok", "is 2 s ahead"),
            (NOW + 60_000, NOW, "ok", "is 60 s behind"),
            (NOW + 61_000, NOW, "warning", "is 61 s behind"),
            (NOW, NOW + 7_200_000, "warning", "is 7200 s ahead"),
            (i64::MAX, i64::MIN, "warning", "behind"),
            (i64::MIN, i64::MAX, "warning", "ahead"),
        ] {
            let step = compare_clocks(Some(vendor_ms), wall_ms);
            assert_eq!(step.outcome.name(), outcome, "{step:?}");
            assert!(step.finding.contains(finding), "{step:?}");
        }
        assert_eq!(compare_clocks(None, NOW).outcome.name(), "skipped");
    }
}
