//! The login of a proxy, and when it may be sent.
//!
//! It mostly belongs to a directory account, which a few wrong passwords lock. So a login that the
//! proxy refused is not sent again for a while; one of which nobody knows how it was taken is sent
//! again after pauses that grow; and until it was accepted once, one call at a time tries it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroize;

use super::Attempt;
use super::date::date;
use super::monitor::Monitor;
use super::target::{Flaw, USER_INFO};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::life::lockout::{REFUSAL_MEMORY, Taken, pause};
use crate::memory::{Owned, PerProcess};
use crate::memory::{Secret, SecretBuf};

const PHASE: ErrorPhase = ErrorPhase::Proxy;

/// A user name and a password, each of at most 255 bytes, and how the proxy has taken them.
pub(super) struct Login {
    user: Secret,
    password: Secret,
    /// Those who wait are woken by threads that a forked child does not have.
    standing: PerProcess<Monitor<Standing>>,
}

impl Login {
    /// Reads the user information of a URL.
    pub(super) fn parse(text: &str) -> Result<Self, Flaw> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let (user, password) = (decode(user)?, decode(password)?);
        if user.len() > 255 || password.len() > 255 {
            return Err(Flaw::new("has a user name or password of more than 255 bytes"));
        }
        Ok(Login { user, password, standing: PerProcess::new(Monitor::default) })
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
        let standing = self.standing.get();
        let decided =
            standing.wait_for(attempt, PHASE, |standing| match standing.ask(Instant::now()) {
                Advice::Wait => None,
                Advice::Send => Some(Ok(())),
                Advice::Refrain(bar) => Some(Err(bar)),
            });
        let decided = decided.map_err(|error| {
            let what = "while another call learns how the proxy takes the login";
            let message = format!("{} {what}", error.message());
            error.with_message(message)
        })?;
        match decided {
            Ok(()) => Ok(Permit { standing, state: State::Unsent }),
            Err(bar) => Err(bar.error(peer)),
        }
    }
}

/// Permission to send the login once. Dropped, it says what it knows of the outcome.
pub(super) struct Permit {
    standing: Arc<Owned<Monitor<Standing>>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unsent,
    Sent,
    Concluded,
}

impl Permit {
    /// From now on the proxy may have it.
    pub(super) fn sending(&mut self) {
        self.state = State::Sent;
    }

    /// Notes what became of the login, and adds to a failure until when it is not sent again.
    pub(super) fn conclude<T>(
        mut self,
        taken: Taken,
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        self.state = State::Concluded;
        let bar = self.learn(Some(taken));
        result.map_err(|error| match (taken, bar) {
            (Taken::No, Some(bar)) => bar.told(rejection(&error), "the login is"),
            (Taken::Open, Some(bar)) => bar
                .told(error, "nobody knows how the proxy took the login, so it is")
                .with_password_sent(),
            _ => error,
        })
    }

    fn learn(&self, taken: Option<Taken>) -> Option<Bar> {
        self.standing.change(|standing| standing.learn(taken, Instant::now()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        match self.state {
            State::Unsent => drop(self.learn(None)),
            State::Sent => drop(self.learn(Some(Taken::Open))),
            State::Concluded => {}
        }
    }
}

/// `error`, which the proxy's refusal of a login has caused, as such.
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

/// How the proxy has taken the login so far. What time it is comes in.
#[derive(Debug, Default)]
struct Standing {
    /// Whether the last that is known is that it was accepted.
    is_good: bool,
    /// How many sendings have no outcome yet.
    under_way: u32,
    /// Of how many sendings in a row nobody knows how they were taken.
    open: u32,
    bar: Option<Bar>,
}

/// Until when the login is not sent.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bar {
    until: Instant,
    /// Whether it was refused.
    is_rejection: bool,
}

/// What a call that needs the login does.
#[derive(Debug, PartialEq)]
enum Advice {
    Send,
    /// Another call is trying it.
    Wait,
    Refrain(Bar),
}

impl Standing {
    /// Who is told to send must say what came of it.
    fn ask(&mut self, now: Instant) -> Advice {
        self.bar = self.bar.filter(|bar| now < bar.until);
        match self.bar {
            Some(bar) => Advice::Refrain(bar),
            None if self.under_way > 0 && !self.is_good => Advice::Wait,
            None => {
                self.under_way += 1;
                Advice::Send
            }
        }
    }

    /// What became of a login that was to be sent; `None` if it was not. Returns until when it is not
    /// sent again.
    fn learn(&mut self, taken: Option<Taken>, now: Instant) -> Option<Bar> {
        self.under_way = self.under_way.saturating_sub(1);
        match taken {
            None => {}
            Some(Taken::Yes) => {
                (self.is_good, self.open, self.bar) = (true, 0, None);
            }
            Some(Taken::No) => {
                self.is_good = false;
                self.bar = Some(Bar { until: now + REFUSAL_MEMORY, is_rejection: true });
            }
            Some(Taken::Open) => {
                self.is_good = false;
                self.open = self.open.saturating_add(1);
                let until = now + pause(self.open);
                let longer = self.bar.filter(|bar| bar.until >= until);
                self.bar = Some(longer.unwrap_or(Bar { until, is_rejection: false }));
            }
        }
        self.bar
    }
}

impl Bar {
    /// The error of a call that did not send the login because of it.
    fn error(self, peer: SocketAddr) -> Error {
        if self.is_rejection {
            let error = Error::new(ErrorKind::ProxyLoginRejected, PHASE)
                .with_message(format!("the proxy at {peer} rejected the login before"));
            return self.told(error, "it is");
        }
        let error = Error::new(ErrorKind::Proxy, PHASE).with_message(format!(
            "nobody knows how the proxy at {peer} took the login the last time"
        ));
        self.told(error, "it is").with_password_sent()
    }

    /// Adds until when `what` is not sent again.
    fn told(self, error: Error, what: &str) -> Error {
        let left = self.until.saturating_duration_since(Instant::now());
        let until = SystemTime::now().checked_add(left).map_or("some time".into(), date);
        let message = format!("{}; {what} not being sent again before {until}", error.message());
        error.with_message(message).with_retry_after(Some(left))
    }
}

/// Percent-decodes a part of a URL.
fn decode(text: &str) -> Result<Secret, Flaw> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digit = |at: usize| rest.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            bytes.zeroize();
            return Err(USER_INFO);
        };
        bytes.push((high * 16 + low) as u8);
        rest = &rest[2..];
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains(char::is_control) => Ok(Secret::from(text)),
        Ok(mut text) => {
            text.zeroize();
            Err(USER_INFO)
        }
        Err(error) => {
            error.into_bytes().zeroize();
            Err(USER_INFO)
        }
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
        Learn(Option<Taken>),
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
    use Step::{Ask, Learn};

    const YES: Step = Learn(Some(Taken::Yes));
    const NO: Step = Learn(Some(Taken::No));
    const UNKNOWN: Step = Learn(Some(Taken::Open));
    const UNSENT: Step = Learn(None);

    #[track_caller]
    fn check(steps: &[(u64, Step)]) {
        let begin = Instant::now();
        let mut standing = Standing::default();
        for (number, (at, step)) in steps.iter().enumerate() {
            let now = begin + Duration::from_secs(*at);
            match step {
                Learn(taken) => drop(standing.learn(*taken, now)),
                Ask(expected) => {
                    let found = match standing.ask(now) {
                        Advice::Send => Send,
                        Advice::Wait => Wait,
                        Advice::Refrain(bar) => {
                            let left = (bar.until - now).as_secs();
                            if bar.is_rejection { Rejected(left) } else { Open(left) }
                        }
                    };
                    assert_eq!(found, *expected, "step {number}");
                }
            }
        }
        assert_eq!(standing.under_way, 0, "every sending has come to something");
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
        let mut standing = Standing::default();
        let mut sent = Vec::new();
        for second in 0..4 * 3600 {
            let now = begin + Duration::from_secs(second);
            if standing.ask(now) == Advice::Send {
                standing.learn(Some(Taken::Open), now);
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
