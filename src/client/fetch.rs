//! What one fetch does: hand over what is left, render, send, read, keep; or learn why not.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::call::Call;
use super::state::State;
use super::{RotationFailed, Shared, deadline};
use crate::builder::cannot_lock_memory;
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::event::EventKind;
use crate::life::breaker::Failure;
use crate::life::expiry::{self, date_ms};
use crate::life::lockout::{self, Taken};
use crate::life::retry;
use crate::life::window::Times;
use crate::memory::process_generation;
use crate::memory::{Reservation, Secret, SecretBuf, wipe_dead_stack};
use crate::profile::read::{Grant, read};
use crate::profile::render::{Ask, render};
use crate::thread;
use crate::token::{BEARER, Inner, Token};
use crate::transport::Attempt;

/// More than most tokens take, with all that comes with them.
const ROOM_FOR_A_TOKEN: usize = 16 * 1024;

impl Shared {
    /// Asks the vendor until there is a token or no use in asking. Only the leader of all callers does
    /// this.
    pub(super) fn fetch(&self, call: &Call, has_token: bool) -> Result<Token, Error> {
        if let Some(token) = self.hand_over()? {
            return Ok(token);
        }
        let (mut attempts, mut earlier) = (0, None);
        loop {
            // Without time nothing is sent, and so nothing learned.
            let left = self.time_left(call).map_err(|error| error.after(earlier.as_ref()))?;
            attempts += 1;
            let state = self.state.load();
            let started = self.clock.monotonic_ms();
            let attempt = self.attempt(Attempt::new(deadline(left), call.cancel.clone()), &state);
            wipe_dead_stack();
            let took = Duration::from_millis(self.clock.monotonic_ms().saturating_sub(started));
            let error = match attempt {
                Ok(token) if self.keep(&token, took)? => {
                    // The host may have taken its time to store a refresh token.
                    let is_good = !token.0.times.end.has_come(self.now());
                    return is_good.then_some(token).ok_or_else(|| self.expired());
                }
                // It is somebody else's: the host has set another holder meanwhile.
                Ok(_) => {
                    self.hand_over()?;
                    if attempts < retry::MOST_ATTEMPTS {
                        continue;
                    }
                    return Err(self.always_replaced());
                }
                Err(error) => error.with_vendor(self.profile.vendor).after(earlier.as_ref()),
            };
            self.counters.failures.fetch_add(1, Ordering::Relaxed);
            let password = self.password_taken(&error);
            let failed = retry::Failed {
                error: &error,
                attempts,
                time_left: self.time_left(call).ok(),
                has_token,
                has_new_credentials: self.state.load().version != state.version,
                password,
                replay_is_harmless: self.profile.replay_is_harmless,
            };
            let pause = retry::again(failed, random());
            // Learned before anybody is told: who is told may panic.
            let held = match pause {
                Some(_) => None,
                None => self.learn_failure(&error, &state, password),
            };
            self.tell(EventKind::FetchFailed, |event| {
                event.took = Some(took);
                event.span = pause;
                event.error = Some(error.clone());
            });
            if let Some((held, span)) = &held {
                self.tell(EventKind::CoolingDown, |event| {
                    event.span = Some(*span);
                    event.error = Some(held.clone());
                });
            }
            // A refresh token that came with an answer of no other use comes first: it may be the
            // only one that lives.
            self.hand_over()?;
            let Some(pause) = pause else {
                // As all callers are told it from now on; but who was cancelled is told that.
                let held = held.filter(|(held, _)| held.kind() == error.kind());
                return Err(held.map_or(error, |(held, _)| held));
            };
            self.clock.sleep(pause, &|| call.cancel.is_cancelled());
            earlier = Some(error);
        }
    }

    /// One request, one answer, one token.
    #[inline(never)]
    fn attempt(&self, attempt: Attempt, state: &State) -> Result<Token, Error> {
        let ask = Ask {
            url: &self.url,
            credentials: &state.credentials,
            scopes: &self.scopes,
            percent_encode_basic: self.percent_encode,
        };
        let request = render(self.profile, &ask)?;
        // Taken before, since the answer may bring a refresh token that must not be lost.
        let size = if self.require_locked_memory { ROOM_FOR_A_TOKEN } else { 0 };
        let mut room = Reservation::of(size);
        if !room.is_locked() {
            return Err(cannot_lock_memory());
        }

        self.tell(EventKind::FetchStarted, |_| {});
        self.counters.fetches.fetch_add(1, Ordering::Relaxed);
        let sent = self.now();
        let response = self.transport.send(&request, &attempt)?;
        drop(request);
        let local_ms = self.clock.wall_ms();

        let server_ms = date_ms(response.header("date"));
        if let Some(server_ms) = server_ms {
            self.clock_skew_ms.store(server_ms.saturating_sub(local_ms), Ordering::Relaxed);
        }
        let secrets: Vec<&Secret> = state.credentials.values().collect();
        let reading = read(self.profile, &response, &secrets);
        let refresh_token = reading.refresh_token.as_ref().map(|new| kept(&mut room, "", new));
        // First of all: whatever else is wrong with the answer, the old one may be dead.
        if let Some(new) = &refresh_token {
            let refresh_life = self.profile.refresh_life;
            let rotated = self.state.update(|present| {
                // Whatever else was set meanwhile, it replaces the one that was sent.
                let is_ours = present.has_refresh_token_of(state);
                (is_ours && present.rotate(new, refresh_life, sent)).then_some(())
            });
            if rotated.is_some() {
                self.tell(EventKind::Rotated, |_| {});
            }
        }
        let grant = reading.grant.map_err(|error| {
            let header = response.header("retry-after");
            let wait = retry::retry_after(header, server_ms.unwrap_or(local_ms));
            error.with_retry_after(wait.filter(|_| may_pass(response.status())))
        })?;
        let access_token = grant.access_token.expose_text().unwrap_or_default();
        let life = expiry::life(grant.end, access_token, server_ms, local_ms, self.profile.life);
        let times = life.map(|life| (life, Times::new(sent, life)));
        match times {
            Some((life, times)) if !times.end.has_come(self.now()) => {
                let token = self.token(&mut room, grant, refresh_token, life, times, state.holder);
                let is_kept = token.is_locked() || !self.require_locked_memory;
                is_kept.then_some(token).ok_or_else(cannot_lock_memory)
            }
            // More likely another unit than a clock that is wrong.
            Some((life, _)) if life.is_short => {
                let error = self.too_short(life.span);
                self.tell_of_short_life(life.span, &error);
                Err(error.with_status(response.status()))
            }
            _ => Err(self.expired().with_status(response.status())),
        }
    }

    fn token(
        &self,
        room: &mut Reservation,
        grant: Grant,
        refresh_token: Option<Secret>,
        life: expiry::Life,
        times: Times,
        holder: u64,
    ) -> Token {
        let scopes = grant.scopes.unwrap_or_else(|| self.scopes.clone());
        let missing = self.scopes.iter().filter(|scope| !scopes.contains(scope)).cloned().collect();
        let authorization = kept(room, BEARER, &grant.access_token);
        let extras = grant.extras.iter().map(|(name, value)| (*name, kept(room, "", value)));
        let extras = extras.collect();
        Token::new(Inner {
            vendor: self.profile.vendor,
            authorization,
            refresh_token,
            scopes,
            missing_scopes: missing,
            request_id: grant.request_id,
            extras,
            life,
            times,
            holder,
            clock: Arc::clone(&self.clock),
        })
    }

    /// Notes what a fetched token teaches, and gives it to all callers, after the host has stored a
    /// refresh token that came with it. `false` if it belongs to a holder who is one no more.
    fn keep(&self, token: &Token, took: Duration) -> Result<bool, Error> {
        let life = token.0.life;
        self.tell(EventKind::Fetched, |event| {
            event.took = Some(took);
            event.span = Some(life.span);
        });
        if life.was_cut {
            self.tell(EventKind::LifetimeCut, |event| event.span = Some(life.span));
        }
        let too_short = life.is_short.then(|| self.too_short(life.span));
        if let Some(error) = &too_short {
            self.tell_of_short_life(life.span, error);
        }
        let thread = thread::number();
        let is_ours = self.state.update(|state| {
            if state.holder != token.0.holder {
                return None;
            }
            let now = self.now();
            let old = state.good_token(thread, now);
            let old = old.as_ref().map(|(old, _)| &old.0.times);
            state.breaker =
                state.breaker.after_success(old, &token.0.times, now, too_short.clone());
            match &mut state.unstored {
                Some(unstored) => unstored.token = Some(token.clone()),
                None => state.put(token, thread, now),
            }
            Some(())
        });
        if is_ours.is_none() {
            return Ok(false);
        }
        self.hand_over()?;
        // The host may have set another holder while it stored the refresh token.
        Ok(self.state.with(|state| state.holder == token.0.holder))
    }

    /// Hands a refresh token that came with an earlier answer to the host, which stores it. Returns the
    /// token that came with it, if it is still good.
    fn hand_over(&self) -> Result<Option<Token>, Error> {
        let Some(unstored) = self.state.with(|state| state.unstored.clone()) else {
            return Ok(None);
        };
        if let Some(store) = &self.on_rotation {
            store(&unstored.refresh_token).map_err(|RotationFailed| {
                Error::new(ErrorKind::RotationNotStored, ErrorPhase::Store)
                    .with_vendor(self.profile.vendor)
            })?;
        }
        let thread = thread::number();
        let token = self.state.update(|state| {
            // The host may have set another one in its callback.
            let is_same = |present: &super::state::Unstored| {
                present.refresh_token.same_as(&unstored.refresh_token)
            };
            let token = state.unstored.take_if(|present| is_same(present))?.token;
            let now = self.now();
            let good = token.filter(|token| !token.0.times.end.has_come(now));
            if let Some(token) = &good {
                state.put(token, thread, now);
            }
            Some(good)
        });
        Ok(token.flatten())
    }

    /// What became of a password that may have gone out with an attempt that failed, where that
    /// could lock an account.
    pub(super) fn password_taken(&self, error: &Error) -> Option<Taken> {
        // Who gives a token has taken the password for right, however short the token lives.
        let is_at_risk = self.profile.failures_lock
            && error.phase().may_have_reached_the_vendor()
            && error.kind() != ErrorKind::InvalidLifetime;
        is_at_risk.then(|| error.http_status().map_or(Taken::Open, lockout::refused_with))
    }

    /// Notes a failure, unless it is that of credentials which are history. Returns why the vendor is
    /// left in peace now, and how long.
    fn learn_failure(
        &self,
        error: &Error,
        fetched: &State,
        password: Option<Taken>,
    ) -> Option<(Error, Duration)> {
        let (now, random) = (self.now(), random());
        let held = self.state.update(|state| {
            if state.version != fetched.version {
                return None;
            }
            let old = state.good_token(0, now);
            state.breaker = state.breaker.after_failure(Failure {
                error,
                old: old.as_ref().map(|(old, _)| &old.0.times),
                password,
                memory: self.rejection_memory,
                now,
                random,
            });
            Some(state.breaker.cooling_down(now).map(|(error, span)| (error.clone(), span)))
        });
        held.flatten()
    }

    /// Why a token's life is not plausible.
    fn too_short(&self, life: Duration) -> Error {
        let unit = self.profile.answer.expiry.unit.name();
        let shortest = self.profile.life.shortest.as_secs();
        Error::new(ErrorKind::InvalidLifetime, ErrorPhase::Read)
            .with_vendor(self.profile.vendor)
            .with_message(format!(
                "the vendor's token lives for {} ms only, which is less than {shortest} s",
                life.as_millis()
            ))
            .with_remedy(format!(
                "ask the vendor for the unit of the lifetime (it is read as {unit}); until it is \
                 longer, a token is fetched once a second at most"
            ))
    }

    fn tell_of_short_life(&self, life: Duration, error: &Error) {
        self.tell(EventKind::LifetimeImplausible, |event| {
            event.span = Some(life);
            event.error = Some(error.clone());
        });
    }

    fn expired(&self) -> Error {
        Error::new(ErrorKind::InvalidLifetime, ErrorPhase::Read)
            .with_vendor(self.profile.vendor)
            .with_message("the token had expired before it arrived")
    }

    fn always_replaced(&self) -> Error {
        Error::new(ErrorKind::Cancelled, ErrorPhase::Wait)
            .with_vendor(self.profile.vendor)
            .with_message(
                "the credentials were replaced by another holder's during each of several fetches",
            )
    }
}

/// A text of the answer, where it stays.
fn kept(room: &mut Reservation, prefix: &str, text: &SecretBuf) -> Secret {
    // JSON is UTF-8.
    Secret::in_reserved(room, &[prefix, text.expose_text().unwrap_or_default()])
}

/// Whether an answer of that status means by `Retry-After` that it will pass (RFC 9110 §10.2.3).
fn may_pass(status: u16) -> bool {
    status == 429 || (500..600).contains(&status)
}

/// From 0 to 1: for jitter, not for secrets.
fn random() -> f64 {
    let mut hasher = RandomState::new().build_hasher();
    // Workers forked from one parent have its seeds.
    hasher.write_u64(process_generation());
    hasher.finish() as f64 / u64::MAX as f64
}
