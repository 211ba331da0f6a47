//! What one call does: serve the cached token, or lead a fetch, or wait for whoever leads.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::event::EventKind;
use crate::life::breaker::Plan;
use crate::life::clock::Moment;
use crate::life::single_flight::{Entry, Leader, SingleFlight};
use crate::life::window::Stage;
use crate::thread;
use crate::token::Token;
use crate::transport::CancelToken;

/// The outcome that one caller's fetch has for all who wait for it.
pub(super) type Outcome = Result<Token, Error>;

/// One caller's limits.
pub(super) struct Call {
    began_ms: u64,
    deadline_ms: u64,
    pub(super) cancel: CancelToken,
}

/// How long a caller who has a good token waits for a newer one at most.
const LONGEST_EARLY_REFRESH: Duration = Duration::from_secs(5);

impl Call {
    /// The limits for a caller who has a good token already, if it has.
    fn with_token(&self, has_token: bool) -> Self {
        let longest = u64::try_from(LONGEST_EARLY_REFRESH.as_millis()).unwrap_or(u64::MAX);
        let early = self.began_ms.saturating_add(longest);
        let deadline_ms = if has_token { self.deadline_ms.min(early) } else { self.deadline_ms };
        Call { deadline_ms, began_ms: self.began_ms, cancel: self.cancel.clone() }
    }
}

/// What a call has come to.
pub(super) enum Step<'a> {
    Done(Outcome),
    /// This call fetches; `has_token` if the caller has a good one meanwhile.
    Lead {
        leader: Leader<'a, Outcome>,
        has_token: bool,
    },
    /// Something has changed: look again.
    Again,
}

impl Shared {
    /// A token by any means, within `timeout`.
    #[cold]
    pub(super) fn obtain(&self, timeout: Duration) -> Outcome {
        let call = self.call(timeout);
        let flight = self.flight.get();
        self.tell_of_sign_in();
        loop {
            match self.step(&call, &flight) {
                Step::Done(outcome) => return outcome,
                Step::Lead { leader, has_token } => {
                    // Where an answer that nobody waits for could be the only one with the new refresh
                    // token, or leave a password's fate open, the leader waits for it.
                    let limit = call.with_token(has_token && self.profile.replay_is_harmless);
                    let result = self.lead(leader, &limit, has_token);
                    let result = result.or_else(|error| self.told_old_token(error, has_token));
                    if !self.goes_on(&call, &result, has_token) {
                        return result;
                    }
                }
                Step::Again => {}
            }
        }
    }

    /// Whether a call that had a token, and so less time, has more of it now that the token is gone.
    /// Never where it has sent a password that could lock an account: once a call is enough.
    fn goes_on(&self, call: &Call, result: &Outcome, has_token: bool) -> bool {
        let is_late = |error: &Error| {
            error.kind() == ErrorKind::Timeout && self.password_taken(error).is_none()
        };
        has_token && result.as_ref().is_err_and(is_late) && self.time_left(call).is_ok()
    }

    /// As `obtain` where a refresh is due and nobody is at it. Returns whether it fetched.
    pub(super) fn refresh_if_due(&self) -> Result<bool, Error> {
        let call = self.call(self.timeout);
        self.tell_of_sign_in();
        let flight = self.flight.get();
        let Some(leader) = flight.try_lead() else { return Ok(false) };
        let (now, state) = (self.now(), self.state.load());
        let cached = state.good_token(thread::number(), now);
        match state.breaker.plan(cached.as_ref().map(|(_, stage)| *stage), now) {
            Plan::Serve => Ok(false),
            Plan::FetchLater(_, error) | Plan::Refuse(error) => Err(error),
            Plan::RefreshEarly | Plan::Refresh | Plan::Fetch => {
                self.lead(leader, &call, cached.is_some()).map(|_| true)
            }
        }
    }

    fn step<'a>(&self, call: &Call, flight: &'a SingleFlight<Outcome>) -> Step<'a> {
        let time_left = self.time_left(call);
        let (now, state) = (self.now(), self.state.load());
        let cached = state.good_token(thread::number(), now);
        let plan = state.breaker.plan(cached.as_ref().map(|(_, stage)| *stage), now);
        let has_token = cached.is_some();

        let leader = match (&plan, cached, time_left) {
            (Plan::Serve, Some((token, stage)), _) => {
                if stage == Stage::Fresh {
                    self.look_again(now);
                }
                return self.hit_on(token);
            }
            (Plan::Refuse(error), ..) => return Step::Done(Err(error.clone())),
            // Without time a call leads no fetch and waits for none, and so teaches nothing.
            (_, Some((token, _)), Err(_)) => return self.hit_on(token),
            // The pause is the better reason than the time that it took.
            (Plan::FetchLater(_, error), None, Err(ended))
                if ended.kind() == ErrorKind::Timeout =>
            {
                return Step::Done(Err(error.clone()));
            }
            (_, None, Err(error)) => return Step::Done(Err(error)),
            (Plan::FetchLater(wait, error), _, Ok(left)) if *wait >= left => {
                return Step::Done(Err(error.clone()));
            }
            (Plan::RefreshEarly, Some((token, _)), Ok(_)) => match flight.try_lead() {
                None => return self.hit_on(token),
                Some(leader) => leader,
            },
            (_, cached, Ok(_)) => {
                let limit = call.with_token(has_token);
                match flight.join(|| self.time_left(&limit)) {
                    Ok(Role::Leader(leader)) => leader,
                    Ok(Role::Reentrant) => {
                        let cached = cached.map(|(token, _)| token);
                        return Step::Done(cached.ok_or_else(|| self.called_from_callback()));
                    }
                    Ok(Role::Waiter(outcome)) => return self.after_waiting(outcome, has_token),
                    Err(error) => {
                        let result = self.old_token_instead(error, has_token);
                        return match self.goes_on(call, &result, has_token) {
                            true => Step::Again,
                            false => Step::Done(result),
                        };
                    }
                }
            }
        };
        // Another fetch may have ended between the look and the lead.
        if !self.state.is(&state) {
            return Step::Again;
        }
        if let Plan::FetchLater(wait, _) = plan {
            // The others wait for this call meanwhile, each as long as it can.
            let is_over = || call.cancel.is_cancelled() || !self.state.is(&state);
            self.clock.sleep(wait, &is_over);
            return Step::Again;
        }
        Step::Lead { leader, has_token }
    }

    fn hit_on(&self, token: Token) -> Step<'static> {
        self.counters.hits.increment(thread::number());
        Step::Done(Ok(token))
    }

    /// A turn has passed that asks for nothing: the next hits need no thought again.
    fn look_again(&self, now: Moment) {
        self.state.update(|state| {
            state.look_again(now);
            Some(())
        });
    }

    /// What a waiter makes of the fetch it waited for.
    pub(super) fn after_waiting(&self, outcome: Option<Outcome>, has_token: bool) -> Step<'static> {
        let outcome = match outcome {
            Some(Ok(token)) if self.is_current(&token) => Ok(token),
            Some(Err(error)) => self.old_token_instead(error, has_token),
            // The call goes on, and counts as what it ends with.
            _ => return Step::Again,
        };
        self.counters.waits.fetch_add(1, Ordering::Relaxed);
        Step::Done(outcome)
    }

    /// Fetches, and shares the outcome with all who wait.
    fn lead(&self, leader: Leader<'_, Outcome>, call: &Call, has_token: bool) -> Outcome {
        let version = self.state.with(|state| state.version);
        let result = self.fetch(call, has_token);
        let is_mine_alone = |error: &Error| {
            // This caller's own limits are nobody else's: the next in line takes over. And who came
            // after other credentials were set is not to be told of the old ones.
            matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Cancelled)
                || self.state.with(|state| state.version) != version
        };
        match result.as_ref().is_err_and(is_mine_alone) {
            true => drop(leader),
            false => leader.finish(result.clone()),
        }
        result
    }

    /// After a refresh that failed: the token of a caller who had one, if it is still good now and
    /// nobody rejected it meanwhile. A refresh token that the host could not store is told all the
    /// same.
    fn old_token_instead(&self, error: Error, has_token: bool) -> Outcome {
        if !has_token || error.kind() == ErrorKind::RotationNotStored {
            return Err(error);
        }
        let old = self.state.load().good_token(thread::number(), self.now());
        old.map(|(old, _)| old).ok_or(error)
    }

    /// The same for who led the refresh, and so tells of it.
    fn told_old_token(&self, error: Error, has_token: bool) -> Outcome {
        let old = self.old_token_instead(error.clone(), has_token)?;
        let left = old.time_left();
        self.tell(EventKind::ServedOldToken, |event| {
            event.span = Some(left);
            event.error = Some(error);
        });
        Ok(old)
    }

    /// Whether a token that another thread fetched may be returned now: it is still good, and nobody
    /// has rejected or replaced it.
    fn is_current(&self, token: &Token) -> bool {
        let good = self.state.load().good_token(thread::number(), self.now());
        good.is_some_and(|(current, _)| current.is(token))
    }

    fn call(&self, timeout: Duration) -> Call {
        // A part of a millisecond is not zero.
        let timeout = u64::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let began_ms = self.clock.monotonic_ms();
        Call {
            began_ms,
            deadline_ms: began_ms.saturating_add(timeout),
            cancel: self.cancel.token(),
        }
    }

    /// The time left, or the error that there is none.
    pub(super) fn time_left(&self, call: &Call) -> Result<Duration, Error> {
        let error = |kind| Error::new(kind, ErrorPhase::Wait).with_vendor(self.profile.vendor);
        if call.cancel.is_cancelled() {
            return Err(error(ErrorKind::Cancelled));
        }
        match call.deadline_ms.saturating_sub(self.clock.monotonic_ms()) {
            0 => Err(error(ErrorKind::Timeout)),
            left => Ok(Duration::from_millis(left)),
        }
    }

    fn called_from_callback(&self) -> Error {
        Error::setting(
            "callback",
            "asks for a token in the middle of the fetch that called it",
            "use peek there, or ask after the callback has returned",
        )
        .with_vendor(self.profile.vendor)
    }

    /// Tells the host days ahead that a person must sign in again, once for each such day.
    fn tell_of_sign_in(&self) {
        let now = self.now();
        let due = self.state.update(|state| {
            let due = state.sign_in_to_tell(now)?;
            state.told_of_sign_in = Some(due);
            state.look_again(now);
            Some(due)
        });
        if let Some(due) = due {
            self.tell(EventKind::SignInDue, |event| event.span = Some(due.since(now)));
        }
    }
}
