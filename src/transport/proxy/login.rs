//! The login of a proxy, and a circuit breaker that decides when it may be sent.
//!
//! The login mostly belongs to a directory account, which a few wrong passwords lock. So a login that
//! the proxy refused is not sent again for a while. If nobody knows whether it was refused, it is sent
//! again after pauses that grow. Until it was accepted once, one call at a time tries it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use crate::date::http_date;
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::life::lockout::{PasswordOutcome, REFUSAL_MEMORY, pause};
use crate::life::{Clock, SystemClock};
use crate::memory::{Owned, PerProcess, Secret, SecretBuf};
use crate::transport::attempt::Attempt;
use crate::transport::monitor::Monitor;
use crate::transport::url::{USER_INFO, UrlError};

const PHASE: ErrorPhase = ErrorPhase::Proxy;

/// A user name and a password, each of at most 255 bytes, and the breaker that guards them.
pub(super) struct Login {
    user: Secret,
    password: Secret,
    /// A forked child has its own: it lacks the threads that would wake its waiters.
    breaker: PerProcess<Monitor<LoginBreaker>>,
}

impl Login {
    /// Reads the user information of a URL.
    pub(super) fn parse(text: &str) -> Result<Self, UrlError> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let (user, password) = (decode(user)?, decode(password)?);
        if user.len() > 255 || password.len() > 255 {
            return Err(UrlError::new("has a user name or password of more than 255 bytes"));
        }
        Ok(Login { user, password, breaker: PerProcess::new(Monitor::default) })
    }

    /// The value of a `Basic` header (RFC 7617).
    pub(super) fn basic(&self) -> SecretBuf {
        let mut pair = SecretBuf::with_capacity(self.user.len() + 1 + self.password.len());
        for part in [self.user.expose_secret(), ":", self.password.expose_secret()] {
            pair.push(part.as_bytes());
        }
        let (mut value, length) = (SecretBuf::default(), pair.len().div_ceil(3) * 4);
        // There is room for all of it.
        let _ = value.append(length, |room| STANDARD.encode_slice(pair.expose_secret(), room));
        value
    }

    /// The message of RFC 1929.
    pub(super) fn socks(&self) -> SecretBuf {
        let mut message = SecretBuf::with_capacity(3 + self.user.len() + self.password.len());
        message.push(&[1]);
        for part in [&self.user, &self.password] {
            // At most 255 bytes: checked when it was parsed.
            message.push(&[part.len() as u8]);
            message.push(part.expose_secret().as_bytes());
        }
        message
    }

    /// Waits until the login may be sent to the proxy at `peer`.
    ///
    /// # Errors
    /// When it is not to be sent for a while, or the attempt ends before that is known.
    pub(super) fn permit(&self, peer: SocketAddr, attempt: &Attempt) -> Result<Permit, Error> {
        let breaker = self.breaker.get();
        let decided =
            breaker.wait_for(attempt, PHASE, |breaker| match breaker.decide(Instant::now()) {
                Decision::Wait => None,
                Decision::Send => Some(Ok(())),
                Decision::Hold(hold) => Some(Err(hold)),
            });
        let decided = decided.map_err(|error| {
            let what = "while another call learns how the proxy takes the login";
            let message = format!("{} {what}", error.message());
            error.with_message(message)
        })?;
        match decided {
            Ok(()) => Ok(Permit { breaker, state: State::Unsent }),
            Err(hold) => Err(hold.error(peer)),
        }
    }
}

/// Permission to send the login once. When dropped, it records what is known of the outcome.
pub(super) struct Permit {
    breaker: Arc<Owned<Monitor<LoginBreaker>>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unsent,
    Sent,
    Concluded,
}

impl Permit {
    /// Must be called before the login is sent: from then on the proxy may have it.
    pub(super) fn sending(&mut self) {
        self.state = State::Sent;
    }

    /// Records the outcome, and adds to an error until when the login is not sent again.
    pub(super) fn conclude<T>(
        mut self,
        taken: PasswordOutcome,
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        self.state = State::Concluded;
        let hold = self.record(Some(taken));
        result.map_err(|error| match (taken, hold) {
            (PasswordOutcome::Rejected, Some(hold)) => {
                hold.added_to(rejection(&error), "the login is")
            }
            (PasswordOutcome::Unknown, Some(hold)) => hold
                .added_to(error, "nobody knows how the proxy took the login, so it is")
                .with_password_sent(),
            _ => error,
        })
    }

    fn record(&self, taken: Option<PasswordOutcome>) -> Option<Hold> {
        self.breaker.change(|breaker| breaker.record(taken, Instant::now()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        match self.state {
            State::Unsent => drop(self.record(None)),
            State::Sent => drop(self.record(Some(PasswordOutcome::Unknown))),
            State::Concluded => {}
        }
    }
}

/// The error of a login that the proxy refused with `error`.
fn rejection(error: &Error) -> Error {
    let rejected = Error::new(ErrorKind::ProxyLoginRejected, error.phase());
    let rejected = rejected.with_message(error.message().to_owned());
    match error.http_status() {
        None => rejected,
        Some(401) => rejected.with_status(401),
        Some(407) => rejected.with_status(407).with_remedy(
            "give the right user name and password in the proxy's URL and make a new client; the \
             account may be locked; caretoken speaks Basic only",
        ),
        Some(status) => rejected.with_status(status).with_remedy(
            "ask who runs the proxy whether the login is right and whether it may reach the vendor",
        ),
    }
}

/// How the proxy took the login so far. The time is an argument, for tests.
#[derive(Debug, Default)]
struct LoginBreaker {
    /// Whether it was accepted, the last time that anybody knows of.
    is_accepted: bool,
    /// How many attempts have no outcome yet.
    in_flight: u32,
    /// How many attempts in a row had an unknown outcome.
    unknown: u32,
    hold: Option<Hold>,
}

/// The login is not sent before a time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hold {
    until: Instant,
    /// Whether that is because it was refused; otherwise its outcome is unknown.
    is_rejection: bool,
}

/// What a call does that needs the login.
#[derive(Debug, PartialEq)]
enum Decision {
    Send,
    /// Another call is trying it.
    Wait,
    Hold(Hold),
}

impl LoginBreaker {
    /// A caller that is told to send must record the outcome.
    fn decide(&mut self, now: Instant) -> Decision {
        self.hold = self.hold.filter(|hold| now < hold.until);
        match self.hold {
            Some(hold) => Decision::Hold(hold),
            None if self.in_flight > 0 && !self.is_accepted => Decision::Wait,
            None => {
                self.in_flight += 1;
                Decision::Send
            }
        }
    }

    /// Records the outcome of an attempt; `None` if the login was not sent after all. Returns the
    /// hold, if any.
    fn record(&mut self, taken: Option<PasswordOutcome>, now: Instant) -> Option<Hold> {
        self.in_flight = self.in_flight.saturating_sub(1);
        match taken {
            None => {}
            Some(PasswordOutcome::Accepted) => {
                (self.is_accepted, self.unknown, self.hold) = (true, 0, None);
            }
            Some(PasswordOutcome::Rejected) => {
                self.is_accepted = false;
                self.hold = Some(Hold { until: now + REFUSAL_MEMORY, is_rejection: true });
            }
            Some(PasswordOutcome::Unknown) => {
                self.is_accepted = false;
                self.unknown = self.unknown.saturating_add(1);
                let until = now + pause(self.unknown);
                let longer = self.hold.filter(|hold| hold.until >= until);
                self.hold = Some(longer.unwrap_or(Hold { until, is_rejection: false }));
            }
        }
        self.hold
    }
}

impl Hold {
    /// The error of a call that did not send the login because of it.
    fn error(self, peer: SocketAddr) -> Error {
        if self.is_rejection {
            let error = Error::new(ErrorKind::ProxyLoginRejected, PHASE)
                .with_message(format!("the proxy at {peer} rejected the login before"));
            return self.added_to(error, "it is");
        }
        let error = Error::new(ErrorKind::Proxy, PHASE).with_message(format!(
            "nobody knows how the proxy at {peer} took the login the last time"
        ));
        self.added_to(error, "it is").with_password_sent()
    }

    /// Adds until when `what` is not sent again.
    fn added_to(self, error: Error, what: &str) -> Error {
        let left = self.until.saturating_duration_since(Instant::now());
        let left_ms = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
        let until = http_date(SystemClock.wall_ms().saturating_add(left_ms));
        let until = until.unwrap_or_else(|| "some time".to_owned());
        let message = format!("{}; {what} not being sent again before {until}", error.message());
        error.with_message(message).with_retry_after(Some(left))
    }
}

/// Percent-decodes a part of a URL (RFC 3986 §2.1).
fn decode(text: &str) -> Result<Secret, UrlError> {
    let begins_with_digits =
        |piece: &[u8]| piece.len() >= 2 && piece[..2].iter().all(u8::is_ascii_hexdigit);
    let is_encoded = text.as_bytes().split(|byte| *byte == b'%').skip(1).all(begins_with_digits);
    let mut bytes = SecretBuf::with_capacity(text.len());
    for byte in percent_decode_str(text) {
        bytes.push(&[byte]);
    }
    match std::str::from_utf8(bytes.expose_secret()) {
        Ok(text) if is_encoded && !text.contains(char::is_control) => Ok(Secret::from(text)),
        _ => Err(USER_INFO),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_login_may_have_any_character() {
        let login = Login::parse("us%3Aer:p%40s%C3%A9").unwrap();
        assert_eq!(login.user.expose_secret(), "us:er");
        assert_eq!(login.password.expose_secret(), "p@sé");
        for bad in ["%", "%4", "%zz", "%ff", "%0a", "%00"] {
            assert!(Login::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_login_fits_into_the_messages_that_carry_it() {
        let (longest, longer) = ("x".repeat(255), "x".repeat(256));
        let login = Login::parse(&format!("{longest}:{longest}")).unwrap();
        assert_eq!(login.socks().len(), 513);
        assert!(Login::parse(&longer).is_err());
        assert!(Login::parse(&format!("user:{longer}")).is_err());
    }

    #[test]
    fn a_permit_that_is_dropped_tells_whether_the_login_may_be_with_the_proxy() {
        use crate::transport::CancelSource;
        let attempt =
            Attempt::new(Instant::now() + Duration::from_secs(20), CancelSource::default().token());
        let login = Login::parse("user:hunter2").unwrap();
        let permit = || login.permit(SocketAddr::from(([127, 0, 0, 1], 3128)), &attempt);
        drop(permit().unwrap());
        // As a panic would.
        let mut sent = permit().unwrap();
        sent.sending();
        drop(sent);
        let Err(error) = permit() else { panic!("it may be sent") };
        assert!(error.has_sent_password(), "{error}");
    }

    /// What happens, a number of seconds after the beginning.
    enum Step {
        /// A call asks, and is told this.
        Ask(Expected),
        /// A call that was told to send says what came of it.
        Record(Option<PasswordOutcome>),
    }

    #[derive(Debug, PartialEq)]
    enum Expected {
        Send,
        Wait,
        /// It was rejected; so many seconds are left.
        Rejected(u64),
        /// Nobody knows; so many seconds are left.
        Open(u64),
    }

    use Expected::{Open, Rejected, Send, Wait};
    use Step::{Ask, Record};

    const YES: Step = Record(Some(PasswordOutcome::Accepted));
    const NO: Step = Record(Some(PasswordOutcome::Rejected));
    const UNKNOWN: Step = Record(Some(PasswordOutcome::Unknown));
    const UNSENT: Step = Record(None);

    #[track_caller]
    fn check(steps: &[(u64, Step)]) {
        let begin = Instant::now();
        let mut breaker = LoginBreaker::default();
        for (number, (at, step)) in steps.iter().enumerate() {
            let now = begin + Duration::from_secs(*at);
            match step {
                Record(taken) => drop(breaker.record(*taken, now)),
                Ask(expected) => {
                    let found = match breaker.decide(now) {
                        Decision::Send => Send,
                        Decision::Wait => Wait,
                        Decision::Hold(hold) => {
                            let left = (hold.until - now).as_secs();
                            if hold.is_rejection { Rejected(left) } else { Open(left) }
                        }
                    };
                    assert_eq!(found, *expected, "step {number}");
                }
            }
        }
        assert_eq!(breaker.in_flight, 0, "every sending has come to something");
    }

    #[test]
    fn until_it_is_accepted_one_call_at_a_time_tries_it() {
        check(&[
            (0, Ask(Send)),
            (0, Ask(Wait)),
            (1, YES),
            (1, Ask(Send)),
            (1, Ask(Send)),
            (2, YES),
            (2, YES),
        ]);
    }

    #[test]
    fn who_did_not_send_it_after_all_leaves_it_to_the_next() {
        check(&[(0, Ask(Send)), (0, Ask(Wait)), (1, UNSENT), (1, Ask(Send)), (2, YES)]);
        // And casts no doubt on it.
        check(&[
            (0, Ask(Send)),
            (0, YES),
            (0, Ask(Send)),
            (0, UNSENT),
            (0, Ask(Send)),
            (0, Ask(Send)),
            (0, YES),
            (0, YES),
        ]);
    }

    #[test]
    fn once_refused_it_is_not_sent_for_a_quarter_of_an_hour() {
        check(&[
            (0, Ask(Send)),
            (1, NO),
            (1, Ask(Rejected(900))),
            (900, Ask(Rejected(1))),
            (901, Ask(Send)),
            (901, Ask(Wait)),
            (901, NO),
            (902, Ask(Rejected(899))),
        ]);
        // Also if it was good before: passwords change.
        check(&[(0, Ask(Send)), (0, YES), (5, Ask(Send)), (5, NO), (6, Ask(Rejected(899)))]);
    }

    #[test]
    fn pauses_grow_while_nobody_knows_how_it_is_taken() {
        check(&[
            (0, Ask(Send)),
            (0, UNKNOWN),
            (0, Ask(Open(10))),
            (10, Ask(Send)),
            (10, Ask(Wait)),
            (11, UNKNOWN),
            (11, Ask(Open(40))),
            (51, Ask(Send)),
            (51, UNKNOWN),
            (51, Ask(Open(160))),
            (211, Ask(Send)),
            (211, YES),
            // The row has ended.
            (211, Ask(Send)),
            (211, UNKNOWN),
            (211, Ask(Open(10))),
        ]);
    }

    #[test]
    fn in_no_quarter_of_an_hour_it_goes_out_more_than_five_times_in_vain() {
        let begin = Instant::now();
        let mut breaker = LoginBreaker::default();
        let mut sent = Vec::new();
        for second in 0..4 * 3600 {
            let now = begin + Duration::from_secs(second);
            if breaker.decide(now) == Decision::Send {
                breaker.record(Some(PasswordOutcome::Unknown), now);
                sent.push(second);
            }
        }
        assert!(sent.len() > 15);
        for first in &sent {
            let quarter = sent.iter().filter(|at| (*first..first + 900).contains(at));
            assert!(quarter.count() <= 5, "{sent:?}");
        }
    }

    #[test]
    fn of_several_outcomes_the_one_that_tells_most_counts() {
        let two = || [(0, Ask(Send)), (0, YES), (0, Ask(Send)), (0, Ask(Send))].into_iter();
        let then = |steps: [(u64, Step); 3]| check(&two().chain(steps).collect::<Vec<_>>());
        // Each of them may count towards a lock.
        then([(1, UNKNOWN), (1, UNKNOWN), (1, Ask(Open(40)))]);
        then([(1, NO), (1, UNKNOWN), (1, Ask(Rejected(900)))]);
        then([(1, UNKNOWN), (1, NO), (1, Ask(Rejected(900)))]);
        check(&two().chain([(1, NO), (1, YES), (1, Ask(Send)), (1, YES)]).collect::<Vec<_>>());
        check(&two().chain([(1, UNKNOWN), (1, YES), (1, Ask(Send)), (1, YES)]).collect::<Vec<_>>());
    }
}
