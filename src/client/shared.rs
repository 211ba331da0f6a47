//! What all calls on a client share.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use super::limits::Limits;
use super::state::{Change, State};
use crate::config::{Config, Parts};
use crate::error::Error;
use crate::event::{Event, EventKind};
use crate::life::clock::Moment;
use crate::life::single_flight::SingleFlight;
use crate::life::snapshot::Snapshot;
use crate::memory::{PerProcess, Secret};
use crate::stats::Counters;
use crate::thread;
use crate::token::{Shard, Token};
use crate::transport::{CancelSource, Transport};

pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) transport: Arc<dyn Transport>,

    pub(super) state: Snapshot<State>,
    pub(super) flight: PerProcess<SingleFlight<Outcome>>,
    pub(super) cancel: CancelSource,
    pub(super) counters: Counters,
    pub(super) clock_skew_ms: AtomicI64,
}

/// What one caller's fetch brings to all who wait for it.
pub(super) type Outcome = Result<Token, Error>;

/// No answer has had a `Date` yet.
pub(super) const SKEW_UNKNOWN: i64 = i64::MIN;

impl Shared {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { config, transport, credentials, refresh_token_end_ms } = parts;
        let now = Moment::now(&*config.clock);
        Shared {
            config,
            transport,
            state: Snapshot::new(State::new(credentials, refresh_token_end_ms, now)),
            flight: PerProcess::new(SingleFlight::new),
            cancel: CancelSource::default(),
            counters: Counters::default(),
            clock_skew_ms: AtomicI64::new(SKEW_UNKNOWN),
        }
    }

    pub(super) fn now(&self) -> Moment {
        Moment::now(&*self.config.clock)
    }

    /// The time that a call has left, or the error that there is none.
    pub(super) fn time_left(&self, limits: &Limits) -> Result<Duration, Error> {
        limits.time_left(&*self.config.clock).map_err(|error| self.of_vendor(error))
    }

    pub(super) fn of_vendor(&self, error: Error) -> Error {
        error.with_vendor(&self.config.definition.name)
    }

    /// The hit path: two clock reads, an atomic load, two comparisons.
    #[inline]
    pub(super) fn with_fresh<R>(&self, read: impl FnOnce(&Arc<Shard>) -> R) -> Option<R> {
        let now = self.now();
        self.state.with(|state| {
            let token = state.token.as_ref().filter(|_| !state.fresh_until.has_come(now))?;
            let thread = thread::number();
            self.counters.hits.increment(thread);
            Some(read(token.shard(thread)))
        })
    }

    /// A token that the API refused.
    pub(super) fn reject(&self, token: &Token) -> bool {
        let was_dropped = self.state.update(|state| {
            if !state.has(token) {
                return None;
            }
            state.token = None;
            state.breaker = state.breaker.after_refusal(&token.0.times, self.now());
            Some(())
        });
        if was_dropped.is_some() {
            self.tell(EventKind::TokenRejected, |_| {});
        }
        was_dropped.is_some()
    }

    /// Applies what the host sets: all of it, or nothing on an error.
    pub(super) fn change(&self, changes: &[Change]) -> Result<(), Error> {
        let mut result = Ok(());
        self.state.update(|state| {
            let plain_http = self.config.plain_http_to_loopback;
            result = state.change(changes, plain_http, self.now()).and_then(|()| {
                self.config.check_locked(|| state.credentials.values().all(Secret::is_locked))
            });
            result.is_ok().then_some(())
        });
        result
    }

    /// Tells an event to the log and to the host.
    pub(super) fn tell(&self, kind: EventKind, fill: impl FnOnce(&mut Event)) {
        let level = kind.level();
        let is_logged = level <= log::max_level();
        if self.config.on_event.is_none() && !is_logged {
            return;
        }
        let mut event = Event::new(kind, &self.config.definition.name);
        fill(&mut event);
        if is_logged {
            log::log!(target: "caretoken", level, "{event}");
        }
        if let Some(observe) = &self.config.on_event {
            observe(&event);
        }
    }
}
