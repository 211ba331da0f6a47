//! A transport that catches requests and plays answers, and a clock that stands still.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use caretoken::transport::{Attempt, MAX_ANSWER, Request, Response, Transport};
use caretoken::{Clock, Error, ErrorKind, ErrorPhase, EventKind};
use serde_json::Value as Json;

use super::made_up;
use super::part::{Part, success_status};
use super::sample::Sample;

/// A request that was caught.
pub(super) struct Sent {
    pub(super) part: Part,
    /// As it would be sent.
    pub(super) request: String,
    pub(super) answer: Sample,
}

/// Answers requests with the samples, or as the profile says that a success looks.
pub(super) struct Script {
    definition: Json,
    samples: Vec<(Part, Sample)>,
    clock: Arc<StillClock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many requests of this attempt have come.
    requests: usize,
    refresh_is_next: bool,
    /// The request that came last.
    last: Option<Part>,
    /// The first request of each part: another attempt repeats them.
    sent: Vec<Sent>,
}

impl Script {
    /// `now` in Unix milliseconds; the system's time where it is not given.
    pub(super) fn new(
        definition: &Json,
        samples: Vec<(Part, Sample)>,
        now: Option<i64>,
    ) -> Arc<Self> {
        let wall_ms = now.unwrap_or_else(|| jiff::Timestamp::now().as_millisecond());
        Arc::new(Script {
            definition: definition.clone(),
            samples,
            clock: Arc::new(StillClock { wall_ms }),
            state: Mutex::default(),
        })
    }

    pub(super) fn clock(&self) -> &Arc<StillClock> {
        &self.clock
    }

    /// Takes note that another attempt begins.
    pub(super) fn note(&self, event: EventKind) {
        if event == EventKind::FetchStarted {
            self.state().requests = 0;
        }
    }

    /// Says that the next attempt begins with the refresh request.
    pub(super) fn refresh_is_next(&self) {
        self.state().refresh_is_next = true;
    }

    /// Whether another request came after that of the refresh.
    pub(super) fn went_on_after_refresh(&self) -> bool {
        let state = self.state();
        state.sent.iter().any(|sent| sent.part == Part::Refresh)
            && state.last != Some(Part::Refresh)
    }

    /// The requests that came.
    pub(super) fn take_sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.state().sent)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Script {
    fn send(&self, request: &Request, _attempt: &Attempt) -> Result<Response, Error> {
        let mut state = self.state();
        let steps = self.definition["steps"].as_array().map_or(0, Vec::len);
        let is_refresh = std::mem::take(&mut state.refresh_is_next);
        let part = match state.requests {
            _ if is_refresh => Part::Refresh,
            index if index < steps => Part::Step(index),
            _ => Part::Token,
        };
        state.requests += 1;
        state.last = Some(part);
        let wanted = part.answer(&self.definition);
        let given = self.samples.iter().find(|(of, _)| *of == part).map(|(_, sample)| sample);
        let sample = match given {
            Some(sample) => sample.clone(),
            None => made_up::answer(wanted, request.url().origin_str(), self.clock.wall_ms),
        };
        let response = match sample.body.len() > MAX_ANSWER {
            true => Err(Error::new(ErrorKind::AnswerTooLarge, ErrorPhase::Receive)),
            false => Ok(sample.response(success_status(wanted))),
        };
        if !state.sent.iter().any(|sent| sent.part == part) {
            state.sent.push(Sent { part, request: text_of(request), answer: sample });
        }
        response
    }
}

/// Method and URL, headers, an empty line, and the body byte for byte.
fn text_of(request: &Request) -> String {
    let (method, origin) = (request.method().as_str(), request.url().origin_str());
    let mut text = format!("{method} {origin}{}\n", request.target());
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\n", value.expose_text().unwrap_or_default());
    }
    text += &format!("\n{}", request.body().expose_text().unwrap_or_default());
    text
}

/// Always the same moment. Nobody waits.
pub(super) struct StillClock {
    wall_ms: i64,
}

impl Clock for StillClock {
    fn monotonic_ms(&self) -> u64 {
        0
    }

    fn wall_ms(&self) -> i64 {
        self.wall_ms
    }

    fn sleep(&self, _span: Duration, _is_over: &dyn Fn() -> bool) {}
}
