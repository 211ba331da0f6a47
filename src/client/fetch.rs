//! What one fetch does: render the request, send it, read the answer, keep the token. A refresh token
//! that the host has not stored yet is offered to it first.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::limits::Limits;
use super::shared::Shared;
use super::state::{Renewal, State, Unstored};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::event::EventKind;
use crate::life::breaker::Failure;
use crate::life::clock::{Moment, instant_after};
use crate::life::expiry::{self, Life, date_ms};
use crate::life::lockout::{self, PasswordOutcome};
use crate::life::retry;
use crate::life::window::Times;
use crate::memory::{Reservation, Secret, SecretBuf, process_generation, wipe_dead_stack};
use crate::profile::{Grant, Inputs, Reading, Rendering, read, read_step};
use crate::token::{Inner, Token};
use crate::transport::{Attempt, Response};

/// More than most tokens take, with all that comes with them.
const ROOM_FOR_A_TOKEN: usize = 16 * 1024;

/// One attempt that brought no token.
struct FailedAttempt<'a> {
    error: &'a Error,
    took: Duration,
    /// What it was sent with.
    state: &'a State,
    /// How many the call has made so far.
    attempts: u32,
    has_token: bool,
    /// Whether a refresh token was sent that came with a token, and no password.
    is_renewal: bool,
}

/// What time it was at the vendor and here when an answer came, in Unix milliseconds.
#[derive(Clone, Copy)]
struct Clocks {
    server_ms: Option<i64>,
    local_ms: i64,
}

impl Shared {
    /// Asks the vendor until there is a token or no use in asking. Only the leader of all callers
    /// does this.
    pub(super) fn fetch(&self, limits: &Limits, has_token: bool) -> Result<Token, Error> {
        if let Some(token) = self.hand_over()? {
            return Ok(token);
        }
        let (mut attempts, mut earlier) = (0, None);
        loop {
            // Without time nothing is sent, and so nothing learned.
            let left = self.time_left(limits).map_err(|error| error.after(earlier.as_ref()))?;
            attempts += 1;
            let state = self.state.load();
            let started_ms = self.config.clock.monotonic_ms();
            let attempt = Attempt::new(instant_after(left), limits.cancel.clone());
            let renewal = state.good_renewal(self.now());
            let result = self.attempt(attempt, &state, renewal);
            wipe_dead_stack();
            let ended_ms = self.config.clock.monotonic_ms();
            let took = Duration::from_millis(ended_ms.saturating_sub(started_ms));
            match result {
                Ok(token) => match self.keep(token, took)? {
                    Some(token) => return Ok(token),
                    None if attempts < retry::MOST_ATTEMPTS => {}
                    None => return Err(self.always_replaced()),
                },
                Err(error) if renewal.is_some_and(|sent| self.drops_renewal(&error, sent)) => {
                    self.counters.failures.fetch_add(1, Ordering::Relaxed);
                    attempts -= 1;
                }
                Err(error) => {
                    let error = self.of_vendor(error).after(earlier.as_ref());
                    let error_of = &error;
                    let failed = FailedAttempt {
                        error: error_of,
                        took,
                        state: &state,
                        attempts,
                        has_token,
                        is_renewal: renewal.is_some(),
                    };
                    let pause = self.after_failure(&failed, limits)?;
                    self.config.clock.sleep(pause, &|| limits.cancel.is_cancelled());
                    earlier = Some(error);
                }
            }
        }
    }

    /// The requests of a flow, their answers, one token.
    #[inline(never)]
    fn attempt(
        &self,
        attempt: Attempt,
        state: &State,
        renewal: Option<&Renewal>,
    ) -> Result<Token, Error> {
        let definition = &*self.config.definition;
        // Taken before, since the answer may bring a refresh token that must not be lost.
        let mut room = Reservation::of(match self.config.require_locked_memory {
            true => ROOM_FOR_A_TOKEN,
            false => 0,
        });
        self.config.check_locked(|| room.is_locked())?;
        let mut rendering = Rendering::new(Inputs {
            definition,
            credentials: &state.credentials,
            scopes: &self.config.scopes,
            percent_encode_basic: self.config.percent_encode_credentials,
            now_ms: self.config.clock.wall_ms(),
            refresh_token: renewal.map(|renewal| &renewal.refresh_token),
        });
        let (request, answer) = match (renewal, &definition.refresh) {
            (Some(_), Some(refresh)) => {
                let answer = refresh.answer.as_ref().unwrap_or(&definition.answer);
                (rendering.refresh()?, answer)
            }
            _ => {
                self.take_steps(&mut rendering, &attempt)?;
                (rendering.token()?, &definition.answer)
            }
        };
        if definition.steps.is_empty() || renewal.is_some() {
            self.tell(EventKind::FetchStarted, |_| {});
        }
        self.counters.fetches.fetch_add(1, Ordering::Relaxed);
        let sent = self.now();
        let response = self.transport.send(&request, &attempt)?;
        drop(request);
        let secrets: Vec<&str> = rendering.secrets().collect();
        let reading = read(definition, answer, &response, &secrets);
        let token = self.receive(&response, reading, &mut room, state, sent)?;
        self.config.check_locked(|| token.is_locked())?;
        Ok(token)
    }

    /// The requests before the token request.
    fn take_steps(&self, rendering: &mut Rendering<'_>, attempt: &Attempt) -> Result<(), Error> {
        let definition = &*self.config.definition;
        for step in 0..definition.steps.len() {
            let request = rendering.step(step)?;
            if step == 0 {
                self.tell(EventKind::FetchStarted, |_| {});
            }
            self.counters.fetches.fetch_add(1, Ordering::Relaxed);
            let response = self.transport.send(&request, attempt)?;
            let clocks = self.compare_clocks(&response);
            let secrets: Vec<&str> = rendering.secrets().collect();
            let values = read_step(definition, step, &response, request.url(), &secrets);
            rendering.add(values.map_err(|error| with_retry_after(error, &response, clocks))?);
        }
        Ok(())
    }

    /// Makes a token of the answer to a request that was made with `state`.
    fn receive(
        &self,
        response: &Response,
        reading: Reading,
        room: &mut Reservation,
        state: &State,
        sent: Moment,
    ) -> Result<Token, Error> {
        let clocks = self.compare_clocks(response);
        let refresh_token = reading.refresh_token.as_ref().map(|new| keep(room, "", new, ""));
        // First of all: whatever else is wrong with the answer, the old one may be dead.
        if let Some(new) = &refresh_token {
            self.rotate(new, state, sent, reading.refresh_life);
        }
        let grant = reading.grant.map_err(|error| with_retry_after(error, response, clocks))?;
        let (life, times) = self
            .life(&grant, clocks, sent)
            .map_err(|error| error.with_status(response.status()))?;
        let usage = &self.config.definition.usage;
        let authorization = keep(room, &usage.before, &grant.access_token, &usage.after);
        let access_token =
            (!usage.after.is_empty()).then(|| keep(room, "", &grant.access_token, ""));
        let extras = grant.extras.iter();
        let extras = extras.map(|(name, value)| (Arc::clone(name), keep(room, "", value, "")));
        let extras = extras.collect();
        let requested = &self.config.scopes;
        let scopes = grant.scopes.unwrap_or_else(|| requested.clone());
        Ok(Token::new(Inner {
            vendor: Arc::clone(&self.config.definition.name),
            header: Arc::clone(&usage.header),
            authorization,
            start: usage.before.len(),
            access_token,
            refresh_token,
            missing_scopes: requested.iter().filter(|s| !scopes.contains(s)).cloned().collect(),
            scopes,
            request_id: grant.request_id,
            extras,
            life,
            times,
            holder: state.holder,
            clock: Arc::clone(&self.config.clock),
        }))
    }

    fn compare_clocks(&self, response: &Response) -> Clocks {
        let local_ms = self.config.clock.wall_ms();
        let server_ms = date_ms(response.header("date"));
        if let Some(server_ms) = server_ms {
            self.clock_skew_ms.store(server_ms.saturating_sub(local_ms), Ordering::Relaxed);
        }
        Clocks { server_ms, local_ms }
    }

    /// Takes over a refresh token that came with the answer to a request made with `state`.
    fn rotate(&self, new: &Secret, state: &State, sent: Moment, life: Option<Duration>) {
        if self.config.definition.refresh.is_some() {
            let renewal =
                Renewal { refresh_token: new.clone(), end: life.map(|life| sent.plus(life)) };
            self.state.update(|present| {
                let is_ours = present.changes == state.changes;
                is_ours.then(|| present.renewal = Some(renewal.clone()))
            });
            return;
        }
        let life = self.config.definition.refresh_life();
        let rotated = self.state.update(|present| {
            // Whatever else was set meanwhile, it replaces the one that was sent.
            let is_ours = present.has_refresh_token_of(state);
            (is_ours && present.rotate(new, life, sent)).then_some(())
        });
        if rotated.is_some() {
            self.tell(EventKind::Rotated, |_| {});
        }
    }

    /// The life of a granted token, if that is still good.
    fn life(&self, grant: &Grant, clocks: Clocks, sent: Moment) -> Result<(Life, Times), Error> {
        let Clocks { server_ms, local_ms } = clocks;
        let access_token = grant.access_token.expose_text().unwrap_or_default();
        let plausible = self.config.definition.life;
        let life = expiry::life(grant.end, access_token, server_ms, local_ms, plausible);
        let life = life.ok_or_else(|| self.expired())?;
        let times = Times::new(sent, life);
        match times.end.has_come(self.now()) {
            false => Ok((life, times)),
            // A short life is more likely another unit than a clock that is wrong.
            true => Err(if life.is_short { self.too_short(life.span) } else { self.expired() }),
        }
    }

    /// Notes what a fetched token means for the next calls and gives it to all callers, after the host has stored a
    /// refresh token that came with it. `None` if the host has set another holder meanwhile.
    fn keep(&self, token: Token, took: Duration) -> Result<Option<Token>, Error> {
        let too_short = self.tell_of_fetched(token.0.life, took);
        let is_ours = self.state.update(|state| {
            if state.holder != token.0.holder {
                return None;
            }
            let now = self.now();
            let old = state.good_token(now);
            let old = old.as_ref().map(|(old, _)| &old.0.times);
            state.breaker =
                state.breaker.after_success(old, &token.0.times, now, too_short.clone());
            match &mut state.unstored {
                Some(unstored) => unstored.token = Some(token.clone()),
                None => state.put(&token, now),
            }
            Some(())
        });
        self.hand_over()?;
        // The host may have set another holder while it stored the refresh token.
        if is_ours.is_none() || self.state.with(|state| state.holder != token.0.holder) {
            return Ok(None);
        }
        // And it may have taken its time.
        match token.0.times.end.has_come(self.now()) {
            false => Ok(Some(token)),
            true => Err(self.expired()),
        }
    }

    /// Returns the error about a life that is implausibly short.
    fn tell_of_fetched(&self, life: Life, took: Duration) -> Option<Error> {
        self.tell(EventKind::Fetched, |event| {
            event.took = Some(took);
            event.span = Some(life.span);
        });
        if life.was_cut {
            self.tell(EventKind::LifetimeCut, |event| event.span = Some(life.span));
        }
        life.is_short.then(|| self.too_short(life.span))
    }

    /// Gives a refresh token that came with an earlier answer to the host, which stores it. Returns
    /// the token that came with it, if it is still good.
    fn hand_over(&self) -> Result<Option<Token>, Error> {
        let Some(unstored) = self.state.with(|state| state.unstored.clone()) else {
            return Ok(None);
        };
        if let Some(store) = &self.config.on_rotation {
            store(&unstored.refresh_token).map_err(|source| {
                let error = Error::new(ErrorKind::RotationNotStored, ErrorPhase::Store);
                self.of_vendor(error.with_source(source))
            })?;
        }
        let token = self.state.update(|state| {
            // The host may have set another one in its callback.
            let is_same =
                |present: &Unstored| present.refresh_token.same_as(&unstored.refresh_token);
            let token = state.unstored.take_if(|present| is_same(present))?.token;
            let now = self.now();
            let good = token.filter(|token| !token.0.times.end.has_come(now));
            if let Some(token) = &good {
                state.put(token, now);
            }
            Some(good)
        });
        Ok(token.flatten())
    }

    /// Whether the vendor refused the refresh token that came with a token, or it cannot be sent. It is
    /// dropped then, and the token request is the next.
    fn drops_renewal(&self, error: &Error, sent: &Renewal) -> bool {
        let is_refusal = match error.http_status() {
            Some(status) => (400..500).contains(&status) && !matches!(status, 408 | 425 | 429),
            // Of an answer that is malformed the status is known: this is about the request.
            None => error.kind() == ErrorKind::AnswerMalformed,
        };
        if is_refusal {
            self.state.update(|present| {
                let is_same =
                    |present: &mut Renewal| present.refresh_token.same_as(&sent.refresh_token);
                present.renewal.take_if(is_same).map(|_| ())
            });
        }
        is_refusal
    }

    /// Notes and tells a failed attempt. Returns the pause before the next one.
    ///
    /// # Errors
    /// The call's error, where it makes no other attempt.
    fn after_failure(
        &self,
        failed: &FailedAttempt<'_>,
        limits: &Limits,
    ) -> Result<Duration, Error> {
        let FailedAttempt { error, state, attempts, has_token, is_renewal, .. } = *failed;
        self.counters.failures.fetch_add(1, Ordering::Relaxed);
        let password = self.password_outcome(error).filter(|_| !is_renewal);
        let failure = retry::Failed {
            error,
            attempts,
            time_left: self.time_left(limits).ok(),
            has_token,
            has_new_credentials: self.state.with(|present| present.changes != state.changes),
            password,
            replay_is_harmless: self.config.definition.replay_is_harmless,
        };
        let pause = retry::pause_before_retry(failure, random());
        // Learned before anybody is told: a callback may panic.
        let cooling_down = match pause {
            Some(_) => None,
            None => self.learn(error, state, password),
        };
        self.tell_of_failure(failed, pause, cooling_down.as_ref());
        // A refresh token that came with an answer of no other use: it may be the only valid one.
        self.hand_over()?;
        pause.ok_or_else(|| {
            // The error that all callers get from now on; but a cancelled call is told that.
            let why = cooling_down.filter(|(why, _)| why.kind() == error.kind());
            why.map_or_else(|| error.clone(), |(why, _)| why)
        })
    }

    fn tell_of_failure(
        &self,
        failed: &FailedAttempt<'_>,
        pause: Option<Duration>,
        cooling_down: Option<&(Error, Duration)>,
    ) {
        self.tell(EventKind::FetchFailed, |event| {
            event.took = Some(failed.took);
            event.span = pause;
            event.error = Some(failed.error.clone());
        });
        if let Some((why, span)) = cooling_down {
            self.tell(EventKind::CoolingDown, |event| {
                event.span = Some(*span);
                event.error = Some(why.clone());
            });
        }
    }

    /// The outcome of a password that may have been sent with a failed attempt, where that could lock
    /// an account.
    pub(super) fn password_outcome(&self, error: &Error) -> Option<PasswordOutcome> {
        // A vendor that gives a token has accepted the password, however short the token lives.
        let is_at_risk = self.config.definition.failures_lock
            && error.phase().may_have_reached_the_vendor()
            && error.kind() != ErrorKind::InvalidLifetime;
        let of_status = |error: &Error| {
            error.http_status().map_or(PasswordOutcome::Unknown, lockout::outcome_of_status)
        };
        is_at_risk.then(|| of_status(error))
    }

    /// Notes a failure, unless the host has changed the credentials since. Returns why the vendor is
    /// not asked now, and for how long.
    fn learn(
        &self,
        error: &Error,
        fetched: &State,
        password: Option<PasswordOutcome>,
    ) -> Option<(Error, Duration)> {
        let (now, random) = (self.now(), random());
        let cooling_down = self.state.update(|state| {
            if state.changes != fetched.changes {
                return None;
            }
            let old = state.good_token(now);
            state.breaker = state.breaker.after_failure(Failure {
                error,
                old: old.as_ref().map(|(old, _)| &old.0.times),
                password,
                memory: self.config.rejection_memory,
                now,
                random,
            });
            Some(state.breaker.cooling_down(now).map(|(why, span)| (why.clone(), span)))
        });
        cooling_down.flatten()
    }

    /// Tells of a life that is implausibly short, and returns the error about it.
    fn too_short(&self, life: Duration) -> Error {
        let definition = &self.config.definition;
        let unit = definition.answer.expiry.unit();
        let shortest = definition.life.shortest.as_secs();
        let error = self
            .of_vendor(Error::new(ErrorKind::InvalidLifetime, ErrorPhase::Read))
            .with_message(format!(
                "the vendor's token lives for {} ms only, which is less than {shortest} s",
                life.as_millis()
            ))
            .with_remedy(format!(
                "ask the vendor for the unit of the lifetime (it is read as {unit}); until it is \
                 longer, a token is fetched once a second at most"
            ));
        self.tell(EventKind::LifetimeImplausible, |event| {
            event.span = Some(life);
            event.error = Some(error.clone());
        });
        error
    }

    fn expired(&self) -> Error {
        self.of_vendor(Error::new(ErrorKind::InvalidLifetime, ErrorPhase::Read))
            .with_message("the token had expired before it arrived")
    }

    fn always_replaced(&self) -> Error {
        self.of_vendor(Error::new(ErrorKind::Cancelled, ErrorPhase::Wait)).with_message(
            "the credentials were replaced by another holder's during each of several fetches",
        )
    }
}

/// A text of the answer, where it stays.
fn keep(room: &mut Reservation, before: &str, text: &SecretBuf, after: &str) -> Secret {
    // JSON is UTF-8.
    Secret::in_reserved(room, &[before, text.expose_text().unwrap_or_default(), after])
}

/// Adds what an answer that will pass asks for by `Retry-After` (RFC 9110 §10.2.3).
fn with_retry_after(error: Error, response: &Response, clocks: Clocks) -> Error {
    let header = response.header("retry-after");
    let wait = retry::retry_after(header, clocks.server_ms.unwrap_or(clocks.local_ms));
    let may_pass = response.status() == 429 || (500..600).contains(&response.status());
    error.with_retry_after(wait.filter(|_| may_pass))
}

/// From 0 to 1: for jitter, not for secrets.
fn random() -> f64 {
    let mut hasher = RandomState::new().build_hasher();
    // Workers forked from one parent have its seeds.
    hasher.write_u64(process_generation());
    hasher.finish() as f64 / u64::MAX as f64
}
