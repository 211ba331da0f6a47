//! A transport that answers from a script and a clock that stands still until told.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of it")]

pub mod assertion;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use caretoken::transport::{Attempt, Request, Response, Transport};
use caretoken::{
    Client, ClientBuilder, Clock, Edvak, Ehealth, Error, ErrorPhase, Parchment, Pattern, SecretBuf,
};

/// 2023-11-14 22:13:20 UTC.
pub const NOW_MS: i64 = 1_700_000_000_000;
pub const NOW_DATE: &str = "Tue, 14 Nov 2023 22:13:20 GMT";

/// Both clocks, moved by hand; sleeping moves them too, takes no time, and is accounted for.
pub struct TestClock {
    monotonic_ms: AtomicU64,
    wall_ms: AtomicI64,
    pub slept: Mutex<Vec<Duration>>,
    /// What happens while somebody sleeps the next time.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(TestClock {
            monotonic_ms: AtomicU64::new(1_000_000),
            wall_ms: AtomicI64::new(NOW_MS),
            slept: Mutex::default(),
            meanwhile: Mutex::default(),
        })
    }

    pub fn advance(&self, span: Duration) {
        let ms = span.as_millis() as u64;
        self.monotonic_ms.fetch_add(ms, Ordering::SeqCst);
        self.step_wall(ms as i64);
    }

    /// Lets `act` happen at the beginning of the next sleep, which may end by it.
    pub fn while_asleep(&self, act: impl FnOnce() + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::new(act));
    }

    /// How long all sleeps took so far.
    pub fn slept_in_all(&self) -> Duration {
        self.slept.lock().unwrap().iter().sum()
    }

    pub fn step_wall(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn monotonic_ms(&self) -> u64 {
        self.monotonic_ms.load(Ordering::SeqCst)
    }

    fn wall_ms(&self) -> i64 {
        self.wall_ms.load(Ordering::SeqCst)
    }

    fn sleep(&self, span: Duration, is_over: &dyn Fn() -> bool) {
        if let Some(act) = self.meanwhile.lock().unwrap().take() {
            act();
        }
        let span = if is_over() { Duration::ZERO } else { span };
        self.slept.lock().unwrap().push(span);
        self.advance(span);
    }
}

/// What arrived at a [`Script`], in the form of the golden files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Sent {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn golden(&self) -> String {
        let mut text = format!("{} {}\n", self.method, self.url);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push_str(&format!("\n{}\n", self.body));
        text
    }
}

type Answer = Box<dyn FnOnce(&Attempt) -> Result<Response, Error> + Send>;

/// Answers requests in the order of its script; a request beyond it fails the test.
#[derive(Default)]
pub struct Script {
    answers: Mutex<VecDeque<Answer>>,
    sent: Mutex<Vec<Sent>>,
    arrived: Condvar,
}

impl Script {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn then(
        &self,
        answer: impl FnOnce(&Attempt) -> Result<Response, Error> + Send + 'static,
    ) -> &Self {
        self.answers.lock().unwrap().push_back(Box::new(answer));
        self
    }

    pub fn answer(&self, status: u16, body: &str) -> &Self {
        self.answer_with(status, &[("date", NOW_DATE)], body)
    }

    pub fn answer_with(&self, status: u16, headers: &[(&str, &str)], body: &str) -> &Self {
        let response = Response::new(status, headers, SecretBuf::from(body.as_bytes()));
        self.then(|_| Ok(response))
    }

    /// Pattern's success: a token of that name that lives so many seconds.
    pub fn token(&self, name: &str, seconds: u64) -> &Self {
        self.answer_with(200, &[], &pattern_answer(name, seconds))
    }

    pub fn fail(&self, kind: caretoken::ErrorKind, phase: ErrorPhase) -> &Self {
        self.then(move |_| Err(Error::new(kind, phase)))
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub fn requests(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    /// Blocks until so many requests have arrived.
    pub fn wait_for_requests(&self, count: usize) {
        let sent = self.sent.lock().unwrap();
        drop(self.arrived.wait_while(sent, |sent| sent.len() < count).unwrap());
    }
}

impl Transport for Script {
    fn send(&self, request: &Request, attempt: &Attempt) -> Result<Response, Error> {
        let headers = request.headers();
        self.sent.lock().unwrap().push(Sent {
            method: request.method().as_str(),
            url: format!("{}{}", request.url().origin_str(), request.target()),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.expose_text().unwrap().to_owned()))
                .collect(),
            body: String::from_utf8(request.body().expose_secret().to_vec()).unwrap(),
        });
        self.arrived.notify_all();
        let answer = self.answers.lock().unwrap().pop_front();
        answer.expect("a request that the script has no answer for")(attempt)
    }
}

pub fn pattern_answer(name: &str, seconds: u64) -> String {
    format!(
        r#"{{"access_token":"fake-{name}","expires_in":{},"token_type":"bearer"}}"#,
        seconds * 1000
    )
}

pub fn parchment() -> ClientBuilder {
    Client::builder(Parchment {
        base_url: "https://api.sandbox.parchmenthealth.io/external".into(),
        partner_id: "tacklit".into(),
        partner_secret: "fake-partner-secret".into(),
        organization_id: "fake-organization".into(),
        organization_secret: "fake-organization-secret".into(),
        user_id: "fake-user".into(),
        ..Parchment::default()
    })
    .scopes(["create:patient", "read:patient_prescription"])
}

pub fn ehealth() -> ClientBuilder {
    Client::builder(Ehealth {
        base_url: "https://api-preprod.ehealth.gov.ua".into(),
        client_id: "6498d88e-97fb-47e2-85a5-99e884f888aa".into(),
        client_secret: "fake-msp-secret".into(),
        refresh_token: "fake-refresh-token".into(),
        ..Ehealth::default()
    })
}

pub fn edvak() -> ClientBuilder {
    Client::builder(Edvak {
        base_url: "https://darwinapi.edvak.com".into(),
        client_id: "54854db1-0abd-4d64-96a7-2e1e916b9ce1".into(),
        client_secret: "fake-edvak-secret".into(),
        username: "user@clinic.example".into(),
        password: "fake p&ss=w+rd%".into(),
    })
}

pub fn pattern() -> ClientBuilder {
    Client::builder(Pattern {
        base_url: "https://pattern.example".into(),
        client_id: "fake-client".into(),
        client_secret: "fake-client-secret".into(),
    })
}

/// A client of Pattern on a script and a clock of its own.
pub fn scripted() -> (Client, Arc<Script>, Arc<TestClock>) {
    scripted_with(pattern())
}

pub fn scripted_with(builder: ClientBuilder) -> (Client, Arc<Script>, Arc<TestClock>) {
    let (script, clock) = (Script::new(), TestClock::new());
    let builder = builder.transport(script.clone()).clock(clock.clone());
    (builder.build().unwrap(), script, clock)
}

/// A call within `timeout`, which must not have slept for longer than that.
pub fn token_within(
    client: &Client,
    clock: &TestClock,
    timeout: Duration,
) -> Result<caretoken::Token, Error> {
    let before = clock.slept_in_all();
    let result = client.token_within(timeout);
    let slept = clock.slept_in_all() - before;
    assert!(slept <= timeout, "a call of {timeout:?} slept for {slept:?}");
    result
}

/// The access token in plain.
pub fn plain(token: &caretoken::Token) -> &str {
    token.access_token().expose_secret()
}
