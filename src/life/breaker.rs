//! A circuit breaker for one client: what the last fetches mean for the next call.

use std::time::Duration;

use crate::date::http_date;
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::life::clock::Moment;
use crate::life::lockout::{self, PasswordOutcome};
use crate::life::retry::{self, is_rejection};
use crate::life::window::{Stage, Times};

/// What a call does next.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// Return the cached token.
    Serve,
    /// Refresh it unless another call does. Return the cached one if so, or if the refresh fails.
    RefreshEarly,
    /// Refresh it, or wait for the call that does. Return the cached one only if that fails.
    Refresh,
    /// There is no token: fetch one, or wait for the call that does.
    Fetch,
    /// As `Fetch`, after this pause. The error says why.
    FetchLater(Duration, Error),
    /// There is no token, and to ask again now is useless.
    Refuse(Error),
}

/// Counts of recent failures, and the cool-down they led to. Each outcome makes a new breaker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    /// How often in a row a password was sent with an unknown outcome.
    unknown_passwords: u32,
    /// How many fresh tokens in a row an API refused.
    refusals: u32,
    cool_down: Option<CoolDown>,
}

/// The vendor is not asked before `until`.
#[derive(Clone, Debug)]
struct CoolDown {
    until: Moment,
    /// It keeps an account from being locked. A step of the wall clock must not end it.
    guards_account: bool,
    without_token: WithoutToken,
}

impl CoolDown {
    fn is_over(&self, now: Moment) -> bool {
        match self.guards_account {
            true => now.monotonic_ms >= self.until.monotonic_ms,
            false => self.until.has_come(now),
        }
    }

    fn left(&self, now: Moment) -> Duration {
        match self.guards_account {
            true => Duration::from_millis(self.until.monotonic_ms.saturating_sub(now.monotonic_ms)),
            false => self.until.since(now),
        }
    }
}

/// What a cool-down means for a call that has no token.
#[derive(Clone, Debug)]
enum WithoutToken {
    /// Nothing: a refresh went well but brought no later end.
    Fetch,
    /// Wait until it is over. The error says why.
    Wait(Error),
    /// To wait is useless.
    Refuse(Error),
}

/// A failed fetch, as far as it matters for the next ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure<'a> {
    pub(crate) error: &'a Error,
    /// The token that is still good, if any.
    pub(crate) old: Option<&'a Times>,
    /// The outcome of a password that was sent and could lock an account.
    pub(crate) password: Option<PasswordOutcome>,
    /// How long a rejection of the credentials is remembered.
    pub(crate) memory: Duration,
    pub(crate) now: Moment,
    /// From 0 to 1.
    pub(crate) random: f64,
}

/// After so many fresh tokens refused in a row, the tokens are not what is wrong.
const REFUSALS_IN_A_ROW: u32 = 3;
const FIRST_REFUSAL_COOL_DOWN: Duration = Duration::from_secs(30);
const LONGEST_REFUSAL_COOL_DOWN: Duration = Duration::from_secs(10 * 60);
/// A token whose end is only this much later is the same token again.
const PROGRESS_MS: u64 = 1000;
/// A vendor whose tokens live implausibly short is asked once in this time at most.
const SHORT_LIFE_PAUSE: Duration = Duration::from_secs(1);

impl Breaker {
    /// What a call may do, given the token's stage.
    pub(crate) fn plan(&self, token: Option<Stage>, now: Moment) -> Plan {
        match (token.unwrap_or(Stage::Expired), self.present(now)) {
            (Stage::Fresh, _) | (Stage::Advisory | Stage::Mandatory, Some(_)) => Plan::Serve,
            (Stage::Advisory, None) => Plan::RefreshEarly,
            (Stage::Mandatory, None) => Plan::Refresh,
            (Stage::Expired, None) => Plan::Fetch,
            (Stage::Expired, Some(cool_down)) => {
                let left = cool_down.left(now);
                let with_wait = |error: &Error| error.clone().with_retry_after(Some(left));
                match &cool_down.without_token {
                    WithoutToken::Fetch => Plan::Fetch,
                    WithoutToken::Wait(error) => Plan::FetchLater(left, with_wait(error)),
                    WithoutToken::Refuse(error) => Plan::Refuse(with_wait(error)),
                }
            }
        }
    }

    /// Why the vendor is not asked now, and for how long.
    pub(crate) fn cooling_down(&self, now: Moment) -> Option<(&Error, Duration)> {
        let cool_down = self.present(now)?;
        match &cool_down.without_token {
            WithoutToken::Fetch => None,
            WithoutToken::Wait(error) | WithoutToken::Refuse(error) => {
                Some((error, cool_down.left(now)))
            }
        }
    }

    fn present(&self, now: Moment) -> Option<&CoolDown> {
        self.cool_down.as_ref().filter(|cool_down| !cool_down.is_over(now))
    }

    /// A fetch brought a token, which replaces `old`. `too_short` is the error about a life that is
    /// implausibly short.
    pub(crate) fn after_success(
        &self,
        old: Option<&Times>,
        new: &Times,
        now: Moment,
        too_short: Option<Error>,
    ) -> Self {
        let is_progress = old.is_none_or(|old| {
            new.end.monotonic_ms >= old.end.monotonic_ms.saturating_add(PROGRESS_MS)
        });
        let pause = match too_short {
            Some(error) => Some((new.sent.plus(SHORT_LIFE_PAUSE), WithoutToken::Wait(error))),
            None if is_progress => None,
            None => Some((now.plus(new.end.since(now) / 2), WithoutToken::Fetch)),
        };
        Breaker {
            failures: 0,
            unknown_passwords: 0,
            // The old token was not refused, so tokens are accepted.
            refusals: if old.is_some() { 0 } else { self.refusals },
            cool_down: pause.map(|(until, without_token)| CoolDown {
                until,
                guards_account: false,
                without_token,
            }),
        }
    }

    /// A fetch failed.
    pub(crate) fn after_failure(&self, failure: Failure<'_>) -> Self {
        let Failure { error, old, password, now, .. } = failure;
        let is_callers_own = match error.kind() {
            ErrorKind::Cancelled => true,
            // A caller's short timeout says nothing about the vendor. But while a token is good, the
            // next callers need not run into the same.
            ErrorKind::Timeout => old.is_none(),
            _ => false,
        };
        if is_callers_own && password.is_none() {
            return self.clone();
        }
        let failures = self.failures.saturating_add(1);
        let unknown_passwords =
            self.unknown_passwords.saturating_add(u32::from(password.is_some()));
        let is_rejected = is_rejection(error.kind()) || password == Some(PasswordOutcome::Rejected);
        let (until, error) = if is_rejected {
            let until = now.plus(failure.memory);
            (until, not_sent_before(error, "the same credentials are", until, now))
        } else {
            let wait = retry::at_least(error, retry::cool_down(failures, failure.random));
            match (password, old) {
                (Some(_), _) => {
                    let until = now.plus(wait.max(lockout::pause(unknown_passwords)));
                    let what = "nobody knows how the password was taken, so it is";
                    (until, not_sent_before(&for_other_callers(error), what, until, now))
                }
                // The next window begins with one more try, whatever happened before.
                (None, Some(old)) if old.stage(now) == Stage::Advisory => {
                    (now.plus(wait).min(old.mandatory), error.clone())
                }
                (None, Some(old)) => (now.plus(wait).min(old.end), error.clone()),
                (None, None) => (now.plus(wait), error.clone()),
            }
        };
        let without_token = match is_rejected || !error.is_retryable() {
            true => WithoutToken::Refuse(error),
            false => WithoutToken::Wait(error),
        };
        let guards_account = is_rejected || password.is_some();
        let cool_down = Some(CoolDown { until, guards_account, without_token });
        Breaker { failures, unknown_passwords, refusals: self.refusals, cool_down }
    }

    /// The API that a token is for refused it.
    pub(crate) fn after_refusal(&self, token: &Times, now: Moment) -> Self {
        let life = token.end.since(token.sent);
        let young = Duration::from_secs(60).min(life / 10);
        let was_fresh = now.since(token.sent) <= young;
        let refusals = if was_fresh { self.refusals.saturating_add(1) } else { 1 };
        let cool_down = refusals.checked_sub(REFUSALS_IN_A_ROW).map(|more| {
            let wait = retry::doubled(FIRST_REFUSAL_COOL_DOWN, more, LONGEST_REFUSAL_COOL_DOWN);
            let error = Error::new(ErrorKind::TokensRefused, ErrorPhase::Wait);
            let until = now.plus(wait);
            CoolDown { until, guards_account: false, without_token: WithoutToken::Refuse(error) }
        });
        let is_longer = |new: &CoolDown| {
            self.cool_down.as_ref().is_none_or(|old| old.left(now) <= new.left(now))
        };
        let cool_down = cool_down.filter(is_longer).or_else(|| self.cool_down.clone());
        Breaker { refusals, cool_down, ..self.clone() }
    }
}

/// The error for calls that were not cancelled themselves.
fn for_other_callers(error: &Error) -> Error {
    match error.kind() {
        ErrorKind::Cancelled => Error::new(ErrorKind::Timeout, error.phase())
            .with_message("a call was cancelled before the vendor had answered"),
        _ => error.clone(),
    }
}

/// Adds to an error until when the thing it is about is not sent again.
fn not_sent_before(error: &Error, what: &str, until: Moment, now: Moment) -> Error {
    match http_date(until.wall_ms) {
        Some(at) if !until.has_come(now) => {
            let message =
                format!("{}; {what} not sent again before {at}, unless set anew", error.message());
            error.clone().with_message(message).with_retry_after(Some(until.since(now)))
        }
        _ => error.clone(),
    }
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
        Times::new(
            at(sent),
            Life { span: Duration::from_secs(life), was_cut: false, is_short: false },
        )
    }

    fn failed(kind: ErrorKind, old: Option<&Times>, now: Moment) -> Breaker {
        let error = Error::new(kind, ErrorPhase::Read);
        Breaker::default().after_failure(failure(&error, old, now))
    }

    fn failure<'a>(error: &'a Error, old: Option<&'a Times>, now: Moment) -> Failure<'a> {
        Failure { error, old, password: None, memory: MEMORY, now, random: 1.0 }
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
    fn the_stage_and_the_cool_down_decide() {
        let calm = Breaker::default();
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
            // All cool-downs end.
            assert_eq!(name(&down.plan(stage, at(1))), in_calm, "{stage:?}");
            assert_eq!(name(&rejected.plan(stage, at(900))), in_calm, "{stage:?}");
        }
    }

    #[test]
    fn a_cool_down_says_when_to_come_back() {
        let rejected = failed(ErrorKind::CredentialsRejected, None, at(0));
        let Plan::Refuse(error) = rejected.plan(None, at(100)) else { panic!() };
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(800)));
    }

    #[test]
    fn a_cool_down_ends_where_the_next_window_begins() {
        let old = times(0, 3600);
        let slow = Error::new(ErrorKind::RateLimited, ErrorPhase::Read)
            .with_retry_after(Some(Duration::from_secs(1800)));
        let after = |now| Breaker::default().after_failure(failure(&slow, Some(&old), at(now)));
        assert_eq!(name(&after(3400).plan(Some(Stage::Advisory), at(3569))), "serve");
        assert_eq!(name(&after(3400).plan(Some(Stage::Mandatory), at(3570))), "refresh");
        assert_eq!(name(&after(3580).plan(Some(Stage::Mandatory), at(3599))), "serve");
        assert_eq!(name(&after(3580).plan(Some(Stage::Expired), at(3600))), "fetch");
    }

    #[test]
    fn no_retry_after_stops_us_for_more_than_an_hour() {
        let slow = Error::new(ErrorKind::RateLimited, ErrorPhase::Read)
            .with_retry_after(Some(Duration::from_secs(86_400)));
        let breaker = Breaker::default().after_failure(failure(&slow, None, at(0)));
        assert_eq!(name(&breaker.plan(None, at(3599))), "fetch later");
        assert_eq!(name(&breaker.plan(None, at(3600))), "fetch");
    }

    #[test]
    fn failures_in_a_row_are_left_alone_for_longer() {
        let down = Error::new(ErrorKind::Unavailable, ErrorPhase::Read);
        let fail = |breaker: Breaker| breaker.after_failure(failure(&down, None, at(0)));
        let third = fail(fail(fail(Breaker::default())));
        assert_eq!(name(&third.plan(None, at(3))), "fetch later");
        assert_eq!(name(&third.plan(None, at(4))), "fetch");
        let recovered = third.after_success(None, &times(4, 60), at(4), None);
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
        let breaker = Breaker::default().after_success(Some(&old), &same, at(3400), None);
        assert_eq!(name(&breaker.plan(Some(Stage::Advisory), at(3499))), "serve");
        assert_eq!(name(&breaker.plan(Some(Stage::Advisory), at(3500))), "refresh early");
        // It never keeps an expired token.
        assert_eq!(name(&breaker.plan(Some(Stage::Expired), at(3400))), "fetch");
        // A second is the least that counts.
        let little =
            Breaker::default().after_success(Some(&old), &times(3400, 201), at(3400), None);
        assert_eq!(name(&little.plan(Some(Stage::Advisory), at(3401))), "refresh early");
        let later =
            Breaker::default().after_success(Some(&old), &times(3400, 3600), at(3400), None);
        assert_eq!(name(&later.plan(Some(Stage::Advisory), at(3401))), "refresh early");
    }

    #[test]
    fn fresh_tokens_refused_in_a_row_end_in_an_error_with_growing_cool_downs() {
        let mut breaker = Breaker::default();
        for now in 0..3 {
            assert_eq!(name(&breaker.plan(None, at(now))), "fetch");
            breaker = breaker.after_success(None, &times(now, 3600), at(now), None);
            breaker = breaker.after_refusal(&times(now, 3600), at(now));
        }
        let Plan::Refuse(error) = breaker.plan(None, at(2)) else { panic!() };
        assert_eq!(error.kind(), ErrorKind::TokensRefused);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
        let again = breaker.after_refusal(&times(40, 3600), at(40));
        assert_eq!(name(&again.plan(None, at(99))), "refuse");
        assert_eq!(name(&again.plan(None, at(100))), "fetch");
    }

    #[test]
    fn a_token_that_served_for_a_while_breaks_the_row() {
        let mut breaker = Breaker::default();
        for _ in 0..5 {
            breaker = breaker.after_refusal(&times(0, 3600), at(61));
        }
        assert_eq!(name(&breaker.plan(None, at(61))), "fetch");
        let mut breaker = Breaker::default();
        for now in [0, 1, 3400, 3401] {
            breaker = breaker.after_refusal(&times(now, 3600), at(now));
            if now == 1 {
                breaker = breaker.after_success(
                    Some(&times(2, 3600)),
                    &times(3400, 3600),
                    at(3400),
                    None,
                );
            }
        }
        assert_eq!(name(&breaker.plan(None, at(3401))), "fetch");
    }

    #[test]
    fn refused_tokens_shorten_no_cool_down() {
        let mut breaker = failed(ErrorKind::CredentialsRejected, None, at(0));
        for _ in 0..3 {
            breaker = breaker.after_refusal(&times(0, 3600), at(0));
        }
        let (error, left) = breaker.cooling_down(at(0)).unwrap();
        assert_eq!((error.kind(), left), (ErrorKind::CredentialsRejected, MEMORY));
    }

    #[test]
    fn the_cool_downs_for_refused_tokens_grow_to_ten_minutes() {
        let mut breaker = Breaker::default();
        let mut cool_downs = Vec::new();
        for _ in 0..9 {
            breaker = breaker.after_refusal(&times(0, 3600), at(0));
            cool_downs
                .extend(breaker.cooling_down(at(0)).map(|(_, cool_down)| cool_down.as_secs()));
        }
        assert_eq!(cool_downs, [30, 60, 120, 240, 480, 600, 600]);
    }

    #[test]
    fn a_token_counts_as_fresh_for_a_tenth_of_its_life_and_a_minute_at_most() {
        let is_held = |life: u64, age: u64| {
            let mut breaker = Breaker::default();
            for _ in 0..3 {
                breaker = breaker.after_refusal(&times(0, life), at(age));
            }
            matches!(breaker.plan(None, at(age)), Plan::Refuse(_))
        };
        assert!(is_held(300, 30) && !is_held(300, 31));
        assert!(is_held(3600, 60) && !is_held(3600, 61));
    }

    #[test]
    fn a_password_whose_fate_is_open_is_left_alone_for_longer_each_time() {
        let down = Error::new(ErrorKind::Unavailable, ErrorPhase::Read);
        let open = |breaker: &Breaker, now| {
            let password = Some(PasswordOutcome::Unknown);
            breaker.after_failure(Failure { password, random: 0.0, ..failure(&down, None, now) })
        };
        let mut breaker = Breaker::default();
        let mut now = at(0);
        for pause in [10, 40, 160, 640, 900, 900] {
            breaker = open(&breaker, now);
            let Plan::FetchLater(until, error) = breaker.plan(None, now) else { panic!() };
            assert_eq!(until, Duration::from_secs(pause));
            assert_eq!(error.retry_after(), Some(Duration::from_secs(pause)));
            now = now.plus(until);
        }
        // A success ends the row.
        let breaker =
            open(&breaker.after_success(None, &times(9000, 60), at(9000), None), at(9000));
        assert_eq!(breaker.cooling_down(at(9000)).unwrap().1, Duration::from_secs(10));
    }

    #[test]
    fn neither_a_window_nor_a_callers_own_limit_shortens_the_pause_of_an_open_password() {
        let old = times(0, 900);
        for kind in [ErrorKind::Timeout, ErrorKind::Cancelled, ErrorKind::Unavailable] {
            let error = Error::new(kind, ErrorPhase::Receive);
            let sent = Failure {
                password: Some(PasswordOutcome::Unknown),
                ..failure(&error, Some(&old), at(868))
            };
            let breaker = Breaker::default().after_failure(sent);
            assert_eq!(name(&breaker.plan(Some(Stage::Mandatory), at(871))), "serve", "{kind:?}");
            assert_eq!(breaker.cooling_down(at(868)).unwrap().1, Duration::from_secs(10));
        }
    }

    #[test]
    fn a_refused_password_is_remembered_like_any_rejection() {
        let refused = Error::new(ErrorKind::EndpointNotFound, ErrorPhase::Read);
        let failure =
            Failure { password: Some(PasswordOutcome::Rejected), ..failure(&refused, None, at(0)) };
        let breaker = Breaker::default().after_failure(failure);
        let Plan::Refuse(error) = breaker.plan(None, at(899)) else { panic!() };
        assert_eq!(error.kind(), ErrorKind::EndpointNotFound);
        assert!(
            error.message().ends_with(
                "; the same credentials are not sent again before \
                 Thu, 01 Jan 1970 00:15:00 GMT, unless set anew"
            ),
            "{error}"
        );
        assert_eq!(name(&breaker.plan(None, at(900))), "fetch");
        // Without a memory nothing is said of it.
        let forgetful = Failure { memory: Duration::ZERO, ..failure };
        let breaker = Breaker::default().after_failure(forgetful);
        assert_eq!(name(&breaker.plan(None, at(0))), "fetch");
        assert!(breaker.cooling_down(at(0)).is_none());
    }

    #[test]
    fn a_time_that_no_date_can_show_is_left_out() {
        let rejected = Error::new(ErrorKind::CredentialsRejected, ErrorPhase::Read);
        let failure = Failure { memory: Duration::MAX, ..failure(&rejected, None, at(0)) };
        let Plan::Refuse(error) = Breaker::default().after_failure(failure).plan(None, at(1))
        else {
            panic!()
        };
        assert_eq!(error.message(), rejected.message());
    }

    #[test]
    fn tokens_of_too_short_a_life_are_fetched_once_a_second() {
        let short = Error::new(ErrorKind::InvalidLifetime, ErrorPhase::Read);
        let mut breaker = Breaker::default();
        for now in [0, 1] {
            breaker = breaker.after_success(None, &times(now, 1), at(now), Some(short.clone()));
            let almost =
                Moment { monotonic_ms: now * 1000 + 999, wall_ms: now as i64 * 1000 + 999 };
            assert_eq!(name(&breaker.plan(None, almost)), "fetch later");
            assert_eq!(name(&breaker.plan(Some(Stage::Mandatory), almost)), "serve");
            assert_eq!(name(&breaker.plan(None, at(now + 1))), "fetch");
        }
    }
}
