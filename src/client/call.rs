//! What one call does: serve the cached token, or lead a fetch, or wait for the caller that leads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::limits::Limits;
use super::shared::{Outcome, Shared};
use super::state::State;
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::life::breaker::Plan;
use crate::life::single_flight::{Leader, Role, SingleFlight};
use crate::life::window::Stage;
use crate::thread;
use crate::token::Token;

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
        let limits = self.limits(timeout);
        let flight = self.flight.get();
        self.tell_of_sign_in();
        loop {
            match self.step(&limits, &flight) {
                Step::Done(outcome) => return outcome,
                Step::Lead { leader, has_token } => {
                    let result =
                        self.lead(leader, &self.leaders_limits(&limits, has_token), has_token);
                    let result = result.or_else(|error| self.tell_of_old_token(error, has_token));
                    if !self.goes_on(&limits, &result, has_token) {
                        return result;
                    }
                }
                Step::Again => {}
            }
        }
    }

    /// As `obtain` where a refresh is due and no other call is at it. Returns whether it fetched.
    pub(super) fn refresh_if_due(&self) -> Result<bool, Error> {
        let limits = self.limits(self.config.timeout);
        self.tell_of_sign_in();
        let flight = self.flight.get();
        let Some(leader) = flight.try_lead() else { return Ok(false) };
        let (now, state) = (self.now(), self.state.load());
        let cached = state.good_token(now);
        match state.breaker.plan(cached.as_ref().map(|(_, stage)| *stage), now) {
            Plan::Serve => Ok(false),
            Plan::FetchLater(_, error) | Plan::Refuse(error) => Err(error),
            Plan::RefreshEarly | Plan::Refresh | Plan::Fetch => {
                self.lead(leader, &limits, cached.is_some()).map(|_| true)
            }
        }
    }

    /// One look at the state, and what it asks for.
    fn step<'a>(&self, limits: &Limits, flight: &'a SingleFlight<Outcome>) -> Step<'a> {
        let time_left = self.time_left(limits);
        let (now, state) = (self.now(), self.state.load());
        let cached = state.good_token(now);
        let plan = state.breaker.plan(cached.as_ref().map(|(_, stage)| *stage), now);
        let has_token = cached.is_some();

        let leader = match (&plan, cached, time_left) {
            (Plan::Serve, Some((token, stage)), _) => {
                if stage == Stage::Fresh {
                    self.renew_fresh_until();
                }
                return self.hit(token);
            }
            (Plan::Refuse(error), ..) => return Step::Done(Err(error.clone())),
            // Without time a call neither fetches nor waits, so that its end says nothing.
            (_, Some((token, _)), Err(_)) => return self.hit(token),
            // The cool-down is a better reason than the timeout.
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
                Some(leader) => leader,
                None => return self.hit(token),
            },
            (_, cached, Ok(_)) => match self.join(limits, flight, cached.map(|(token, _)| token)) {
                Ok(leader) => leader,
                Err(step) => return step,
            },
        };
        self.begin(limits, leader, plan, &state, has_token)
    }

    /// Leads, or has waited for the caller that led.
    fn join<'a>(
        &self,
        limits: &Limits,
        flight: &'a SingleFlight<Outcome>,
        cached: Option<Token>,
    ) -> Result<Leader<'a, Outcome>, Step<'a>> {
        let has_token = cached.is_some();
        let waiters_limits = if has_token { limits.with_token() } else { limits.clone() };
        match flight.join(|| self.time_left(&waiters_limits)) {
            Ok(Role::Leader(leader)) => Ok(leader),
            Ok(Role::Waiter(outcome)) => Err(self.after_waiting(outcome, has_token)),
            Ok(Role::Reentrant) => {
                Err(Step::Done(cached.ok_or_else(|| self.called_from_callback())))
            }
            Err(error) => {
                let result = self.old_token_instead(error, has_token);
                match self.goes_on(limits, &result, has_token) {
                    true => Err(Step::Again),
                    false => Err(Step::Done(result)),
                }
            }
        }
    }

    /// What the leader does, unless another fetch has ended between the look and the lead.
    fn begin<'a>(
        &self,
        limits: &Limits,
        leader: Leader<'a, Outcome>,
        plan: Plan,
        state: &Arc<State>,
        has_token: bool,
    ) -> Step<'a> {
        if !self.state.is(state) {
            return Step::Again;
        }
        if let Plan::FetchLater(wait, _) = plan {
            // The others wait for this call meanwhile, each as long as its own limits allow.
            let is_over = || limits.cancel.is_cancelled() || !self.state.is(state);
            self.config.clock.sleep(wait, &is_over);
            return Step::Again;
        }
        Step::Lead { leader, has_token }
    }

    fn hit(&self, token: Token) -> Step<'static> {
        self.counters.hits.increment(thread::number());
        Step::Done(Ok(token))
    }

    /// A moment has passed that needed a look and no action: the next hits need none.
    fn renew_fresh_until(&self) {
        let now = self.now();
        self.state.update(|state| {
            state.renew_fresh_until(now);
            Some(())
        });
    }

    /// What a waiter makes of the outcome it waited for.
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
    fn lead(&self, leader: Leader<'_, Outcome>, limits: &Limits, has_token: bool) -> Outcome {
        let changes = self.state.with(|state| state.changes);
        let result = self.fetch(limits, has_token);
        let is_only_mine = |error: &Error| {
            // This caller's own limits are nobody else's: a waiter takes over. And a caller that
            // came after the credentials were changed is not told about the old ones.
            matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Cancelled)
                || self.state.with(|state| state.changes) != changes
        };
        match result.as_ref().is_err_and(is_only_mine) {
            true => drop(leader),
            false => leader.finish(result.clone()),
        }
        result
    }

    /// A leader that has a good token gives up early, but not where to give up could lose the answer
    /// with the only valid refresh token, or leave the outcome of a password unknown.
    fn leaders_limits(&self, limits: &Limits, has_token: bool) -> Limits {
        match has_token && self.config.definition.replay_is_harmless {
            true => limits.with_token(),
            false => limits.clone(),
        }
    }

    /// Whether a call that had a token, and so less time, has more of it now that the token is gone.
    /// Never where it has sent a password that could lock an account: once a call is enough.
    fn goes_on(&self, limits: &Limits, result: &Outcome, has_token: bool) -> bool {
        let is_late = |error: &Error| {
            error.kind() == ErrorKind::Timeout && self.password_outcome(error).is_none()
        };
        has_token && result.as_ref().is_err_and(is_late) && self.time_left(limits).is_ok()
    }

    /// After a failed refresh: the token of a caller that had one, if it is still good and nobody has
    /// rejected it meanwhile. That a refresh token could not be stored is an error all the same.
    fn old_token_instead(&self, error: Error, has_token: bool) -> Outcome {
        if !has_token || error.kind() == ErrorKind::RotationNotStored {
            return Err(error);
        }
        let old = self.state.load().good_token(self.now());
        old.map(|(old, _)| old).ok_or(error)
    }

    /// The same for the leader of the refresh, which also tells the event.
    fn tell_of_old_token(&self, error: Error, has_token: bool) -> Outcome {
        let old = self.old_token_instead(error.clone(), has_token)?;
        let left = old.time_left();
        self.tell(EventKind::ServedOldToken, |event| {
            event.span = Some(left);
            event.error = Some(error);
        });
        Ok(old)
    }

    /// Whether a token that another thread fetched may be returned: it is still good, and nobody has
    /// rejected or replaced it.
    fn is_current(&self, token: &Token) -> bool {
        let good = self.state.load().good_token(self.now());
        good.is_some_and(|(current, _)| current.is(token))
    }

    pub(super) fn limits(&self, timeout: Duration) -> Limits {
        Limits::new(&*self.config.clock, timeout, &self.cancel)
    }

    fn called_from_callback(&self) -> Error {
        Error::setting(
            "callback",
            "asks for a token in the middle of the fetch that called it",
            "use peek there, or ask after the callback has returned",
        )
        .with_vendor(&self.config.definition.name)
    }

    /// Tells the host days ahead that a person must sign in again, once for each such day.
    fn tell_of_sign_in(&self) {
        let now = self.now();
        let due = self.state.update(|state| {
            let due = state.sign_in_to_tell(now)?;
            state.told_of_sign_in = Some(due);
            state.renew_fresh_until(now);
            Some(due)
        });
        if let Some(due) = due {
            self.tell(EventKind::SignInDue, |event| event.span = Some(due.since(now)));
        }
    }
}
