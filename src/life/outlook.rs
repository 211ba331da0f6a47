//! What the last fetches have taught, and so what a call may do now.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Phase};
use crate::life::clock::Moment;
use crate::life::retry;
use crate::life::window::{Stage, Times};

/// What a call does next.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// Return the token there is.
    Serve,
    /// Refresh it unless somebody already does; return the one there is if so, or if that fails.
    RefreshEarly,
    /// Refresh it, or wait for whoever does; return the one there is only if that fails.
    Refresh,
    /// There is no token: fetch one, or wait for whoever does.
    Fetch,
    /// As `Fetch`, but not before that moment; the error says why.
    FetchLater(Moment, Error),
    /// There is no token, and asking again now is no use.
    Refuse(Error),
}

/// Immutable; every lesson makes a new one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outlook {
    failures: u32,
    /// Fresh tokens refused in a row.
    refusals: u32,
    hold: Option<Hold>,
}

/// The vendor is not asked before `until`.
#[derive(Clone, Debug)]
struct Hold {
    until: Moment,
    /// `None` when a refresh went well but brought no later end.
    error: Option<Error>,
}

/// After so many fresh tokens refused in a row it is not the tokens that are wrong.
const REFUSALS_IN_A_ROW: u32 = 3;
const FIRST_REFUSAL_HOLD: Duration = Duration::from_secs(30);
const LONGEST_REFUSAL_HOLD: Duration = Duration::from_secs(10 * 60);
/// No vendor may stop us for longer with a `Retry-After`.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);
/// An end so little later is the same token over again.
const PROGRESS_MS: u64 = 1000;

impl Outlook {
    /// What a call may do, given the token's stage.
    pub(crate) fn plan(&self, token: Option<Stage>, now: Moment) -> Plan {
        let hold = self.hold.as_ref().filter(|hold| !hold.until.has_come(now));
        match (token.unwrap_or(Stage::Expired), hold) {
            (Stage::Fresh, _) => Plan::Serve,
            (Stage::Advisory | Stage::Mandatory, Some(_)) => Plan::Serve,
            (Stage::Advisory, None) => Plan::RefreshEarly,
            (Stage::Mandatory, None) => Plan::Refresh,
            (Stage::Expired, None | Some(Hold { error: None, .. })) => Plan::Fetch,
            (Stage::Expired, Some(Hold { until, error: Some(error) })) => {
                let error = error.clone().with_retry_after(Some(until.since(now)));
                match error.is_retryable() {
                    true => Plan::FetchLater(*until, error),
                    false => Plan::Refuse(error),
                }
            }
        }
    }

    /// How long the vendor is left in peace yet, after a failure.
    pub(crate) fn hold_left(&self, now: Moment) -> Option<Duration> {
        let hold = self.hold.as_ref().filter(|hold| hold.error.is_some())?;
        (!hold.until.has_come(now)).then(|| hold.until.since(now))
    }

    /// A fetch brought a token; `old` is the one it replaces.
    pub(crate) fn after_success(&self, old: Option<&Times>, new: &Times, now: Moment) -> Self {
        let no_progress = old.is_some_and(|old| {
            new.end.monotonic_ms < old.end.monotonic_ms.saturating_add(PROGRESS_MS)
        });
        let hold =
            no_progress.then(|| Hold { until: now.plus(new.end.since(now) / 2), error: None });
        // A token that nobody refused shows that tokens are accepted.
        let refusals = if old.is_some() { 0 } else { self.refusals };
        Outlook { failures: 0, refusals, hold }
    }

    /// A fetch failed; `old` is the token that is still good, if any.
    ///
    /// `memory` is how long a rejection of the credentials is remembered.
    pub(crate) fn after_failure(
        &self,
        error: &Error,
        old: Option<&Times>,
        now: Moment,
        memory: Duration,
        random: f64,
    ) -> Self {
        let failures = self.failures.saturating_add(1);
        let is_callers_own = match error.kind() {
            ErrorKind::Cancelled => true,
            // A caller with little time says nothing about the vendor, unless others can be served.
            ErrorKind::Timeout => old.is_none(),
            _ => false,
        };
        if is_callers_own {
            return self.clone();
        }
        let until = if is_rejection(error.kind()) {
            now.plus(memory)
        } else {
            let wait = match error.retry_after() {
                Some(wait) => wait.min(LONGEST_RETRY_AFTER),
                None => retry::cool_down(failures, random),
            };
            let until = now.plus(wait);
            // One more try is due where the next window begins, whatever happened before.
            match old {
                Some(old) if old.stage(now) == Stage::Advisory => until.min(old.mandatory),
                Some(old) => until.min(old.end),
                None => until,
            }
        };
        let hold = Some(Hold { until, error: Some(error.clone()) });
        Outlook { failures, refusals: self.refusals, hold }
    }

    /// A token was refused by the API it is for.
    pub(crate) fn after_refusal(&self, token: &Times, now: Moment) -> Self {
        let life = token.end.since(token.sent);
        let young = Duration::from_secs(60).min(life / 10);
        let was_fresh = now.since(token.sent) <= young;
        let refusals = if was_fresh { self.refusals.saturating_add(1) } else { 1 };
        let hold = refusals.checked_sub(REFUSALS_IN_A_ROW).map(|more| {
            let wait = retry::doubled(FIRST_REFUSAL_HOLD, more, LONGEST_REFUSAL_HOLD);
            let error = Error::new(ErrorKind::TokensRefused, Phase::Wait);
            Hold { until: now.plus(wait), error: Some(error) }
        });
        Outlook { failures: self.failures, refusals, hold: hold.or_else(|| self.hold.clone()) }
    }
}

/// Whether the vendor said no to the credentials: asking again can lock an account.
pub(crate) fn is_rejection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::CredentialsRejected
            | ErrorKind::SignInRequired
            | ErrorKind::AccessRevoked
            | ErrorKind::AccessDenied
            | ErrorKind::ScopeRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::expiry::Life;

    const MEMORY: Duration = Duration::from_secs(900);

    fn at(seconds: u64) -> Moment {
        Moment { monotonic_ms: 0, wall_ms: 0 }.plus(Duration::from_secs(seconds))
    }

    fn times(sent: u64, life: u64) -> Times {
        Times::new(at(sent), Life { span: Duration::from_secs(life), was_cut: false })
    }

    fn failed(kind: ErrorKind, old: Option<&Times>, now: Moment) -> Outlook {
        let error = Error::new(kind, Phase::Read);
        Outlook::default().after_failure(&error, old, now, MEMORY, 1.0)
    }

    fn name(plan: &Plan) -> &'static str {
        match plan {
            Plan::Serve => "serve",
            Plan::RefreshEarly => "refresh early",
            Plan::Refresh => "refresh",
            Plan::Fetch => "fetch",
            Plan::FetchLater(..) => "fetch later",
            Plan::Refuse(_) => "refuse",
        }
    }

    #[test]
    fn the_stage_and_the_hold_decide() {
        let calm = Outlook::default();
        let down = failed(ErrorKind::Unavailable, None, at(0));
        let rejected = failed(ErrorKind::CredentialsRejected, None, at(0));
        for (stage, in_calm, when_down, when_rejected) in [
            (Some(Stage::Fresh), "serve", "serve", "serve"),
            (Some(Stage::Advisory), "refresh early", "serve", "serve"),
            (Some(Stage::Mandatory), "refresh", "serve", "serve"),
            (Some(Stage::Expired), "fetch", "fetch later", "refuse"),
            (None, "fetch", "fetch later", "refuse"),
        ] {
            assert_eq!(name(&calm.plan(stage, at(0))), in_calm, "{stage:?}");
            assert_eq!(name(&down.plan(stage, at(0))), when_down, "{stage:?}");
            assert_eq!(name(&rejected.plan(stage, at(0))), when_rejected, "{stage:?}");
            // All holds end.
            assert_eq!(name(&down.plan(stage, at(1))), in_calm, "{stage:?}");
            assert_eq!(name(&rejected.plan(stage, at(900))), in_calm, "{stage:?}");
        }
    }

    #[test]
    fn a_hold_says_when_to_come_back() {
        let rejected = failed(ErrorKind::CredentialsRejected, None, at(0));
        let Plan::Refuse(error) = rejected.plan(None, at(100)) else { panic!() };
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(800)));
    }

    #[test]
    fn a_cool_down_ends_where_the_next_window_begins() {
        let old = times(0, 3600);
        let slow = Error::new(ErrorKind::RateLimited, Phase::Read)
            .with_retry_after(Some(Duration::from_secs(1800)));
        let after = |now| Outlook::default().after_failure(&slow, Some(&old), at(now), MEMORY, 1.0);
        assert_eq!(name(&after(3400).plan(Some(Stage::Advisory), at(3569))), "serve");
        assert_eq!(name(&after(3400).plan(Some(Stage::Mandatory), at(3570))), "refresh");
        assert_eq!(name(&after(3580).plan(Some(Stage::Mandatory), at(3599))), "serve");
        assert_eq!(name(&after(3580).plan(Some(Stage::Expired), at(3600))), "fetch");
    }

    #[test]
    fn no_retry_after_stops_us_for_more_than_an_hour() {
        let slow = Error::new(ErrorKind::RateLimited, Phase::Read)
            .with_retry_after(Some(Duration::from_secs(86_400)));
        let outlook = Outlook::default().after_failure(&slow, None, at(0), MEMORY, 1.0);
        assert_eq!(name(&outlook.plan(None, at(3599))), "fetch later");
        assert_eq!(name(&outlook.plan(None, at(3600))), "fetch");
    }

    #[test]
    fn failures_in_a_row_are_left_alone_for_longer() {
        let down = Error::new(ErrorKind::Unavailable, Phase::Read);
        let fail = |outlook: Outlook| outlook.after_failure(&down, None, at(0), MEMORY, 1.0);
        let third = fail(fail(fail(Outlook::default())));
        assert_eq!(name(&third.plan(None, at(3))), "fetch later");
        assert_eq!(name(&third.plan(None, at(4))), "fetch");
        let recovered = third.after_success(None, &times(4, 60), at(4));
        assert_eq!(name(&fail(recovered).plan(None, at(1))), "fetch");
    }

    #[test]
    fn a_callers_own_limit_teaches_nothing() {
        for kind in [ErrorKind::Cancelled, ErrorKind::Timeout] {
            assert_eq!(name(&failed(kind, None, at(0)).plan(None, at(0))), "fetch");
        }
        let old = times(0, 3600);
        let slow = failed(ErrorKind::Timeout, Some(&old), at(3400));
        assert_eq!(name(&slow.plan(Some(Stage::Advisory), at(3400))), "serve");
    }

    #[test]
    fn a_refresh_without_progress_holds_off() {
        let old = times(0, 3600);
        let same = times(3400, 200);
        let outlook = Outlook::default().after_success(Some(&old), &same, at(3400));
        assert_eq!(name(&outlook.plan(Some(Stage::Advisory), at(3499))), "serve");
        assert_eq!(name(&outlook.plan(Some(Stage::Advisory), at(3500))), "refresh early");
        // It never keeps an expired token.
        assert_eq!(name(&outlook.plan(Some(Stage::Expired), at(3400))), "fetch");
        let later = Outlook::default().after_success(Some(&old), &times(3400, 3600), at(3400));
        assert_eq!(name(&later.plan(Some(Stage::Advisory), at(3401))), "refresh early");
    }

    #[test]
    fn fresh_tokens_refused_in_a_row_end_in_an_error_with_growing_holds() {
        let mut outlook = Outlook::default();
        for now in 0..3 {
            assert_eq!(name(&outlook.plan(None, at(now))), "fetch");
            outlook = outlook.after_success(None, &times(now, 3600), at(now));
            outlook = outlook.after_refusal(&times(now, 3600), at(now));
        }
        let Plan::Refuse(error) = outlook.plan(None, at(2)) else { panic!() };
        assert_eq!(error.kind(), ErrorKind::TokensRefused);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
        let again = outlook.after_refusal(&times(40, 3600), at(40));
        assert_eq!(name(&again.plan(None, at(99))), "refuse");
        assert_eq!(name(&again.plan(None, at(100))), "fetch");
    }

    #[test]
    fn a_token_that_served_for_a_while_breaks_the_row() {
        let mut outlook = Outlook::default();
        for _ in 0..5 {
            outlook = outlook.after_refusal(&times(0, 3600), at(61));
        }
        assert_eq!(name(&outlook.plan(None, at(61))), "fetch");
        let mut outlook = Outlook::default();
        for now in [0, 1, 3400, 3401] {
            outlook = outlook.after_refusal(&times(now, 3600), at(now));
            if now == 1 {
                outlook =
                    outlook.after_success(Some(&times(2, 3600)), &times(3400, 3600), at(3400));
            }
        }
        assert_eq!(name(&outlook.plan(None, at(3401))), "fetch");
    }
}
