//! The plot: hit, or fly, render, send, read, keep.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::builder::{Builder, cannot_lock_memory};
use crate::doctor::{self, Report};
use crate::error::{Error, ErrorKind, Phase};
use crate::life::Clock;
use crate::life::clock::Moment;
use crate::life::expiry::{self, date_ms};
use crate::life::flight::{Boarding, Flight, Pilot};
use crate::life::outlook::{Outlook, Plan, is_rejection};
use crate::life::retry;
use crate::life::slot::Slot;
use crate::life::window::{Stage, Times};
use crate::observe::{Counters, Event, EventKind, Stats};
use crate::process::PerProcess;
use crate::profile::credentials::Credentials;
use crate::profile::read::{Grant, read};
use crate::profile::render::{Ask, render};
use crate::profile::{Profile, Role};
use crate::secret::{Secret, wipe_dead_stack};
use crate::thread;
use crate::token::{BEARER, Handle, Inner, Issue, Token};
use crate::transport::{Attempt, CancelSource, CancelToken, Transport};
use crate::vendor::Vendor;

/// Turns one set of credentials into a token that is valid now, and keeps it valid.
///
/// Cheap to clone; clones share everything. All methods may be called from many threads at once.
/// It starts no threads of its own: work happens inside the calls.
///
/// After a `fork` the child may go on using the client: it has the cached token, and connections
/// and waiting of its own.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

/// What a [`Builder::on_rotation`] callback returns when it could not store the refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RotationFailed;

/// Stores a rotated refresh token.
pub(crate) type OnRotation = Arc<dyn Fn(&Secret) -> Result<(), RotationFailed> + Send + Sync>;
/// Takes note of an event.
pub(crate) type OnEvent = Arc<dyn Fn(&Event) + Send + Sync>;

/// What the builder has checked and hands over.
pub(crate) struct Parts {
    pub(crate) profile: &'static Profile,
    pub(crate) url: Arc<str>,
    pub(crate) credentials: Credentials,
    pub(crate) scopes: Vec<String>,
    pub(crate) percent_encode: bool,
    pub(crate) require_locked_memory: bool,
    pub(crate) timeout: Duration,
    pub(crate) rejection_memory: Duration,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) on_rotation: Option<OnRotation>,
    pub(crate) on_event: Option<OnEvent>,
}

struct Shared {
    profile: &'static Profile,
    url: Arc<str>,
    scopes: Vec<String>,
    percent_encode: bool,
    require_locked_memory: bool,
    timeout: Duration,
    rejection_memory: Duration,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    on_rotation: Option<OnRotation>,
    on_event: Option<OnEvent>,

    slot: Slot<Issue>,
    /// The holder that cached tokens must belong to; the same number as in `credentials`.
    holder: AtomicU64,
    credentials: ArcSwap<Version>,
    /// A token whose rotated refresh token the host has not stored yet.
    unstored: Slot<Handle>,
    outlook: ArcSwap<Outlook>,
    flight: PerProcess<Flight<Result<Token, Error>>>,
    cancel: CancelSource,
    counters: Counters,
    clock_skew_ms: AtomicI64,
}

/// One state of the credentials.
#[derive(Clone)]
struct Version {
    credentials: Credentials,
    /// Counts every change.
    number: u64,
    /// Counts changes of whose token it will be.
    holder: u64,
}

/// More than a token with all that comes with it takes.
const ROOM_FOR_A_TOKEN: usize = 16 * 1024;

/// Says that no answer has carried a `Date` yet.
const SKEW_UNKNOWN: i64 = i64::MIN;

/// One caller's limits.
struct Call {
    began_ms: u64,
    deadline_ms: u64,
    cancel: CancelToken,
}

/// How long a caller who has a good token waits for a newer one at most.
const LONGEST_EARLY_REFRESH: Duration = Duration::from_secs(5);

impl Call {
    /// The limits for a caller who has a good token already, if it has.
    fn with_token(self, has_token: bool) -> Self {
        let longest = u64::try_from(LONGEST_EARLY_REFRESH.as_millis()).unwrap_or(u64::MAX);
        let early = self.began_ms.saturating_add(longest);
        let deadline_ms = if has_token { self.deadline_ms.min(early) } else { self.deadline_ms };
        Call { deadline_ms, ..self }
    }
}

impl Client {
    /// Starts the configuration of a client for [`Parchment`](crate::Parchment),
    /// [`Ehealth`](crate::Ehealth), [`Edvak`](crate::Edvak) or [`Pattern`](crate::Pattern).
    pub fn builder(vendor: impl Vendor) -> Builder {
        Builder::new(vendor)
    }

    pub(crate) fn new(parts: Parts) -> Self {
        // What moves to the heap takes along, as padding, whatever lay on the stack before.
        wipe_dead_stack();
        let version = Version { credentials: parts.credentials, number: 0, holder: 0 };
        Client(Arc::new(Shared {
            profile: parts.profile,
            url: parts.url,
            scopes: parts.scopes,
            percent_encode: parts.percent_encode,
            require_locked_memory: parts.require_locked_memory,
            timeout: parts.timeout,
            rejection_memory: parts.rejection_memory,
            transport: parts.transport,
            clock: parts.clock,
            on_rotation: parts.on_rotation,
            on_event: parts.on_event,
            slot: Slot::new(),
            holder: AtomicU64::new(0),
            credentials: ArcSwap::from_pointee(version),
            unstored: Slot::new(),
            outlook: ArcSwap::from_pointee(Outlook::default()),
            flight: PerProcess::new(Flight::new),
            cancel: CancelSource::default(),
            counters: Counters::default(),
            clock_skew_ms: AtomicI64::new(SKEW_UNKNOWN),
        }))
    }

    /// Starts the configuration of another client that has all settings of this one and shares its
    /// transport: connections, TLS configuration and sessions, resolver. Set what differs, such as
    /// the acting user's credentials, scopes or [`Builder::on_rotation`], and
    /// [`build`](Builder::build). It has a token, a memory of rejections and counters of its own.
    ///
    /// Cheap: make one for each acting user, and drop it when the user leaves.
    #[must_use]
    pub fn sibling(&self) -> Builder {
        let this = &*self.0;
        Builder::sibling(Parts {
            profile: this.profile,
            url: Arc::clone(&this.url),
            credentials: this.credentials.load().credentials.clone(),
            scopes: this.scopes.clone(),
            percent_encode: this.percent_encode,
            require_locked_memory: this.require_locked_memory,
            timeout: this.timeout,
            rejection_memory: this.rejection_memory,
            transport: Arc::clone(&this.transport),
            clock: Arc::clone(&this.clock),
            on_rotation: this.on_rotation.clone(),
            on_event: this.on_event.clone(),
        })
    }

    /// A token that is valid now: cached, or fetched. Blocks at most the builder's timeout.
    ///
    /// # Errors
    /// Why there is none, and who must do what about it. While the cached token is still good, a
    /// vendor that fails is no error.
    #[inline]
    pub fn token(&self) -> Result<Token, Error> {
        self.token_within(self.timeout())
    }

    /// As [`token`](Client::token), blocking at most `timeout`. With zero it never blocks: the
    /// cached token if it is good, else [`ErrorKind::Timeout`].
    ///
    /// # Errors
    /// As for [`token`](Client::token).
    #[inline]
    pub fn token_within(&self, timeout: Duration) -> Result<Token, Error> {
        match self.hit(|token| Token(Arc::clone(token))) {
            Some(token) => Ok(token),
            None => self.miss(timeout),
        }
    }

    /// The first half of [`token_within`](Client::token_within): lends the cached token if it needs
    /// no thought, without counting a reference.
    #[inline]
    pub(crate) fn hit<R>(&self, read: impl FnOnce(&Arc<Handle>) -> R) -> Option<R> {
        self.0.with_fresh(read)
    }

    /// The second half: thinks, waits, fetches.
    pub(crate) fn miss(&self, timeout: Duration) -> Result<Token, Error> {
        self.0.obtain(timeout)
    }

    /// The builder's timeout.
    #[inline]
    pub(crate) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// The cached token, if it is still good. Never blocks and never touches the network.
    #[must_use]
    pub fn peek(&self) -> Option<Token> {
        let now = self.0.now();
        self.0.current().filter(|token| token.0.times.stage(now) != Stage::Expired)
    }

    /// Fetches a token if there is none, or if the cached one is about to end, and nobody else is
    /// at it. Returns whether it did. For the host's own idle timer: a call every 30 seconds keeps
    /// every other call from ever waiting.
    ///
    /// # Errors
    /// As for [`token`](Client::token); a cached token that is still good stays.
    pub fn refresh_if_due(&self) -> Result<bool, Error> {
        self.0.refresh_if_due()
    }

    /// Reports that the vendor's API refused this token (RFC 6750 §3.1). If it is the cached one, it
    /// is dropped and the next call fetches another. Returns whether it was: of many threads that
    /// report the same token, one gets `true`.
    ///
    /// When fresh tokens keep being refused, calls end in [`ErrorKind::TokensRefused`] for a while
    /// instead of fetching ever more.
    pub fn reject(&self, token: &Token) -> bool {
        self.0.reject(token)
    }

    /// Ends every call on this client, in any thread, that is under way or waiting:
    /// [`ErrorKind::Cancelled`], within 100 ms. Later calls are not affected.
    pub fn cancel(&self) {
        self.0.cancel.cancel();
        self.0.flight.get().wake();
    }

    /// Walks the way to the vendor (resolve, connect, proxy, TLS, one request, clock) and reports what
    /// it found at each step: what a network's people need when no token comes. Blocks at most the
    /// builder's timeout.
    ///
    /// It goes over a connection of its own, touches no token, and sends no credential of the vendor's:
    /// the request is a GET of the token endpoint's address, and any answer proves that the way is
    /// open. A proxy gets the login that is set for it, and a server that asks for it the client's
    /// certificate, since nobody gets past them otherwise.
    ///
    /// [`Builder::doctor`] does the same where there are no credentials yet.
    #[must_use]
    pub fn doctor(&self) -> Report {
        self.doctor_within(self.timeout())
    }

    /// As [`doctor`](Client::doctor), blocking at most `timeout`.
    #[must_use]
    pub fn doctor_within(&self, timeout: Duration) -> Report {
        let this = &*self.0;
        let attempt = Attempt::new(deadline(timeout), this.cancel.token());
        doctor::examine(this.profile.vendor, &this.url, &*this.transport, &*this.clock, &attempt)
    }

    /// Replaces one credential, by the vendor's name for it, such as `client_secret`. Calls from now
    /// on use it, and a remembered rejection is forgotten. The cached token stays if the credential
    /// is only proof (a secret, a password); it is dropped if it says whose token it is (a client
    /// id, a user, a refresh token).
    ///
    /// # Errors
    /// When there is no such credential or the value cannot be used; the old one stays.
    pub fn set_credential(&self, name: &str, value: impl Into<Secret>) -> Result<(), Error> {
        let set = self.0.set_credential(name, value.into());
        set.map_err(|error| error.with_vendor(self.0.profile.vendor))
    }

    /// How far the vendor's clock is ahead of this machine's, in milliseconds, as of the last answer
    /// with a `Date` header; good to about a second. `None` before that.
    #[must_use]
    pub fn clock_skew_ms(&self) -> Option<i64> {
        Some(self.0.clock_skew_ms.load(Ordering::Relaxed)).filter(|skew| *skew != SKEW_UNKNOWN)
    }

    /// What this client has done since it was built.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.counters.read()
    }

    /// The vendor's name, such as `pattern`.
    #[must_use]
    pub fn vendor(&self) -> &'static str {
        self.0.profile.vendor
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("vendor", &self.0.profile.vendor)
            .field("url", &self.0.url)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn now(&self) -> Moment {
        Moment::now(&*self.clock)
    }

    /// The hit path: two clock reads, an atomic load, two comparisons.
    #[inline]
    fn with_fresh<R>(&self, read: impl FnOnce(&Arc<Handle>) -> R) -> Option<R> {
        let now = self.now();
        self.slot.with(|issue| {
            let thread = thread::number();
            let token = issue?.handle(thread);
            if token.times.advisory.has_come(now)
                || token.holder != self.holder.load(Ordering::Acquire)
            {
                return None;
            }
            self.counters.hits.increment(thread);
            Some(read(token))
        })
    }

    /// The cached token of the present holder, whatever its age.
    fn current(&self) -> Option<Token> {
        let holder = self.holder.load(Ordering::Acquire);
        self.slot
            .load()
            .map(|issue| Token(Arc::clone(issue.handle(thread::number()))))
            .filter(|token| token.0.holder == holder)
    }

    /// A token by any means, within `timeout`.
    #[cold]
    fn obtain(&self, timeout: Duration) -> Result<Token, Error> {
        let call = self.call(timeout);
        let flight = self.flight.get();
        loop {
            let now = self.now();
            let outlook = self.outlook.load_full();
            let cached = self.current();
            let stage = cached.as_ref().map(|token| token.0.times.stage(now));
            let old = cached.clone().filter(|_| stage != Some(Stage::Expired));
            let plan = outlook.plan(stage, now);
            let pilot = match (&plan, old.clone()) {
                (Plan::Serve, Some(token)) => {
                    self.counters.hits.increment(thread::number());
                    return Ok(token);
                }
                (Plan::Refuse(error), _) => return Err(error.clone()),
                (Plan::RefreshEarly, Some(token)) => match flight.try_board() {
                    None => {
                        self.counters.hits.increment(thread::number());
                        return Ok(token);
                    }
                    Some(pilot) => pilot,
                },
                (Plan::FetchLater(at, error), _)
                    if self.time_left(&call).is_ok_and(|left| at.since(now) >= left) =>
                {
                    return Err(error.clone());
                }
                _ => match flight.board(|| self.time_left(&call)) {
                    Err(error) => return old.filter(|old| self.is_usable(old)).ok_or(error),
                    Ok(Boarding::Pilot(pilot)) => pilot,
                    Ok(Boarding::Already) => {
                        return old.ok_or_else(|| self.called_from_callback());
                    }
                    Ok(Boarding::Landed(outcome)) => {
                        let outcome = match outcome {
                            Some(Ok(token)) if self.is_usable(&token) => Ok(token),
                            Some(Err(error)) => old.ok_or(error),
                            // The call goes on, and counts as what it ends with.
                            _ => continue,
                        };
                        self.counters.waits.fetch_add(1, Ordering::Relaxed);
                        return outcome;
                    }
                },
            };
            // Another flight may have landed between the look and the boarding.
            let is_unchanged = Arc::ptr_eq(&outlook, &self.outlook.load())
                && same_token(cached.as_ref(), self.current().as_ref());
            if !is_unchanged {
                continue;
            }
            if let Plan::FetchLater(at, _) = plan {
                let is_over =
                    || call.cancel.is_cancelled() || !Arc::ptr_eq(&outlook, &self.outlook.load());
                self.clock.sleep(at.since(now), &is_over);
            }
            return self.fly(pilot, &call.with_token(old.is_some()), old);
        }
    }

    fn refresh_if_due(&self) -> Result<bool, Error> {
        let call = self.call(self.timeout);
        let flight = self.flight.get();
        let Some(pilot) = flight.try_board() else { return Ok(false) };
        let now = self.now();
        let cached = self.current();
        let stage = cached.as_ref().map(|token| token.0.times.stage(now));
        let old = cached.filter(|_| stage != Some(Stage::Expired));
        match self.outlook.load().plan(stage, now) {
            Plan::Serve => return Ok(false),
            Plan::FetchLater(_, error) | Plan::Refuse(error) => return Err(error),
            Plan::RefreshEarly | Plan::Refresh | Plan::Fetch => {}
        }
        let result = self.fetch(&call, old.as_ref());
        let is_new = result.is_ok();
        self.land(pilot, &result);
        result.map(|_| is_new)
    }

    /// Fetches, and shares the outcome with all who wait.
    fn fly(
        &self,
        pilot: Pilot<'_, Result<Token, Error>>,
        call: &Call,
        old: Option<Token>,
    ) -> Result<Token, Error> {
        let result = self.fetch(call, old.as_ref());
        self.land(pilot, &result);
        match (result, old) {
            (Err(error), Some(old))
                if error.kind() != ErrorKind::RotationNotStored && self.is_usable(&old) =>
            {
                let left = old.time_left();
                self.tell(EventKind::ServedOldToken, |event| {
                    event.span = Some(left);
                    event.error = Some(error);
                });
                Ok(old)
            }
            (result, _) => result,
        }
    }

    fn land(&self, pilot: Pilot<'_, Result<Token, Error>>, result: &Result<Token, Error>) {
        match result {
            // This caller's own limits are nobody else's: the next in line takes over.
            Err(error) if matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Cancelled) => {
                drop(pilot);
            }
            result => pilot.land(result.clone()),
        }
    }

    /// Asks the vendor until there is a token or no use in asking. `old` is still good: one attempt
    /// is enough then, since there will be others.
    fn fetch(&self, call: &Call, old: Option<&Token>) -> Result<Token, Error> {
        if let Some(token) = self.unstored.load() {
            let token = Token(token);
            if token.0.holder != self.holder.load(Ordering::Acquire) {
                self.unstored.clear();
            } else if self.adopt(token.clone()).map(|token| self.is_usable(&token))? {
                return Ok(token);
            }
        }
        let (mut attempts, mut earlier) = (0, None);
        loop {
            attempts += 1;
            let version = self.credentials.load_full();
            let started = self.clock.monotonic_ms();
            let attempt = self.attempt(call, &version);
            wipe_dead_stack();
            let took = Duration::from_millis(self.clock.monotonic_ms().saturating_sub(started));
            let error = match attempt {
                Ok(token) if token.0.holder == self.holder.load(Ordering::Acquire) => {
                    return self.keep(token, old, took);
                }
                Ok(_somebody_elses) => {
                    self.time_left(call)?;
                    continue;
                }
                Err(error) => error.with_vendor(self.profile.vendor).after(earlier.as_ref()),
            };
            self.counters.failures.fetch_add(1, Ordering::Relaxed);

            let was_replaced = self.credentials.load().number != version.number;
            let pause = if is_rejection(error.kind()) && was_replaced {
                // The rejected credentials are history already.
                Some(Duration::ZERO).filter(|_| attempts < retry::MOST_ATTEMPTS)
            } else {
                self.pause_before_retry(&error, attempts, call).filter(|_| old.is_none())
            };
            self.tell(EventKind::FetchFailed, |event| {
                event.took = Some(took);
                event.span = pause;
                event.error = Some(error.clone());
            });
            let Some(pause) = pause else {
                self.learn_failure(&error, old);
                return Err(error);
            };
            self.clock.sleep(pause, &|| call.cancel.is_cancelled());
            self.time_left(call)?;
            earlier = Some(error);
        }
    }

    /// How long to wait before asking again; `None` if that is of no use, not safe, or too late.
    fn pause_before_retry(&self, error: &Error, attempts: u32, call: &Call) -> Option<Duration> {
        if error.kind() == ErrorKind::Timeout {
            // An attempt has all the time of its call.
            return None;
        }
        let is_safe = self.profile.replay_is_harmless
            || error.kind() == ErrorKind::RateLimited
            || !error.phase().may_have_reached_the_vendor();
        let pause = error.retry_after().unwrap_or_else(|| retry::pause(attempts, random()));
        let fits = self.time_left(call).is_ok_and(|left| pause < left);
        let again = error.is_retryable() && is_safe && fits && attempts < retry::MOST_ATTEMPTS;
        again.then_some(pause)
    }

    /// One request, one answer, one token.
    #[inline(never)]
    fn attempt(&self, call: &Call, version: &Version) -> Result<Token, Error> {
        let left = self.time_left(call)?;
        let ask = Ask {
            url: &self.url,
            credentials: &version.credentials,
            scopes: &self.scopes,
            percent_encode_basic: self.percent_encode,
        };
        let request = render(self.profile, &ask)?;
        // Asked before, since the answer may bring a refresh token that must not be lost.
        let room = self.require_locked_memory.then(|| Secret::from(" ".repeat(ROOM_FOR_A_TOKEN)));
        if room.as_ref().is_some_and(|room| !room.is_locked()) {
            return Err(cannot_lock_memory());
        }
        let attempt = Attempt::new(deadline(left), call.cancel.clone());

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
        let secrets: Vec<&Secret> = version.credentials.values().collect();
        let grant = read(self.profile, &response, &secrets).map_err(|error| {
            let header = response.header("retry-after");
            let wait = retry::retry_after(header, server_ms.unwrap_or(local_ms));
            error.with_retry_after(wait.filter(|_| error_may_pass(response.status())))
        })?;
        let life = expiry::life(
            grant.end,
            grant.access_token.expose_secret(),
            server_ms,
            local_ms,
            self.profile.longest_life,
        );
        let times = life.map(|life| (life, Times::new(sent, life)));
        match times.filter(|(_, times)| !times.end.has_come(self.now())) {
            Some((life, times)) => {
                drop(room);
                Ok(self.token(grant, life, times, version.holder))
            }
            None => Err(Error::new(ErrorKind::InvalidLifetime, Phase::Read)
                .with_message("the token had expired before it arrived")),
        }
    }

    fn token(&self, grant: Grant, life: expiry::Life, times: Times, holder: u64) -> Token {
        let access_token = grant.access_token.expose_secret();
        let scopes = grant.scopes.unwrap_or_else(|| self.scopes.clone());
        let missing = self.scopes.iter().filter(|scope| !scopes.contains(scope)).cloned().collect();
        let authorization = Secret::of(&[BEARER, access_token]);
        Token::new(Inner {
            vendor: self.profile.vendor,
            authorization,
            refresh_token: grant.refresh_token,
            scopes,
            missing_scopes: missing,
            request_id: grant.request_id,
            extras: grant.extras,
            life,
            times,
            holder,
            clock: Arc::clone(&self.clock),
        })
    }

    /// Notes what a fetched token teaches, and adopts it.
    fn keep(&self, token: Token, old: Option<&Token>, took: Duration) -> Result<Token, Error> {
        self.tell(EventKind::Fetched, |event| {
            event.took = Some(took);
            event.span = Some(token.lifetime());
        });
        if token.lifetime_was_cut() {
            self.tell(EventKind::LifetimeCut, |event| event.span = Some(token.lifetime()));
        }
        let (now, old) = (self.now(), old.map(|old| &old.0.times));
        self.outlook.rcu(|outlook| outlook.after_success(old, &token.0.times, now));
        if self.rotate(&token) {
            self.tell(EventKind::Rotated, |_| {});
            self.unstored.store(Arc::clone(&token.0));
        }
        self.adopt(token)
    }

    /// Replaces the refresh token by the one that came with `token`. Returns whether it did.
    fn rotate(&self, token: &Token) -> bool {
        const NAME: &str = "refresh_token";
        let Some(new) = token.refresh_token() else { return false };
        let mut rotated = false;
        self.credentials.rcu(|version| {
            let mut next = Version::clone(version);
            rotated = version.holder == token.0.holder
                && version.credentials.get(NAME).is_some_and(|old| !old.same_as(new))
                && next.credentials.set(NAME, new.clone()).is_ok();
            if rotated { Arc::new(next) } else { Arc::clone(version) }
        });
        rotated
    }

    /// Gives the token to all callers, after the host has stored a refresh token that came with it.
    fn adopt(&self, token: Token) -> Result<Token, Error> {
        if self.unstored.load().is_some() {
            if let (Some(store), Some(new)) = (&self.on_rotation, token.refresh_token()) {
                store(new).map_err(|RotationFailed| {
                    Error::new(ErrorKind::RotationNotStored, Phase::Store)
                        .with_vendor(self.profile.vendor)
                })?;
            }
            self.unstored.clear();
        }
        self.slot.store(Arc::new(Issue::of(&token, thread::number())));
        Ok(token)
    }

    fn learn_failure(&self, error: &Error, old: Option<&Token>) {
        let now = self.now();
        let old = old.map(|old| &old.0.times);
        let random = random();
        self.outlook
            .rcu(|outlook| outlook.after_failure(error, old, now, self.rejection_memory, random));
        if let Some(span) = self.outlook.load().hold_left(now) {
            self.tell(EventKind::CoolingDown, |event| {
                event.span = Some(span);
                event.error = Some(error.clone());
            });
        }
    }

    fn reject(&self, token: &Token) -> bool {
        let issue = self.slot.load().filter(|issue| issue.is_of(token));
        let was_dropped = issue.is_some_and(|issue| self.slot.remove(&issue));
        if was_dropped {
            let now = self.now();
            self.outlook.rcu(|outlook| outlook.after_refusal(&token.0.times, now));
            self.tell(EventKind::TokenRejected, |_| {});
        }
        was_dropped
    }

    fn set_credential(&self, name: &str, value: Secret) -> Result<(), Error> {
        let mut result = Ok(());
        self.credentials.rcu(|version| {
            let mut next = Version::clone(version);
            result = next.credentials.set(name, value.clone());
            next.number += 1;
            let known = self.profile.credentials.iter().find(|known| known.name == name);
            if known.is_some_and(|known| known.role == Role::Holder) {
                next.holder += 1;
            }
            if result.is_ok() { Arc::new(next) } else { Arc::clone(version) }
        });
        result?;
        // From here on no cached token of another holder is served.
        self.holder.fetch_max(self.credentials.load().holder, Ordering::AcqRel);
        if let Some(stale) = self.slot.load() {
            if stale.handle(0).holder != self.holder.load(Ordering::Acquire) {
                self.slot.remove(&stale);
            }
        }
        self.outlook.store(Arc::new(Outlook::default()));
        Ok(())
    }

    /// Whether a token that another thread fetched may be returned now.
    fn is_usable(&self, token: &Token) -> bool {
        token.0.times.stage(self.now()) != Stage::Expired
            && token.0.holder == self.holder.load(Ordering::Acquire)
    }

    fn call(&self, timeout: Duration) -> Call {
        let timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let began_ms = self.clock.monotonic_ms();
        Call {
            began_ms,
            deadline_ms: began_ms.saturating_add(timeout),
            cancel: self.cancel.token(),
        }
    }

    /// The time left, or the error that there is none.
    fn time_left(&self, call: &Call) -> Result<Duration, Error> {
        let error = |kind| Error::new(kind, Phase::Wait).with_vendor(self.profile.vendor);
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

    fn tell(&self, kind: EventKind, fill: impl FnOnce(&mut Event)) {
        let level = kind.level();
        let is_logged = level <= log::max_level();
        if self.on_event.is_none() && !is_logged {
            return;
        }
        let mut event = Event::new(kind, self.profile.vendor);
        fill(&mut event);
        if is_logged {
            log::log!(target: "caretoken", level, "{event}");
        }
        if let Some(observe) = &self.on_event {
            observe(&event);
        }
    }
}

fn same_token(a: Option<&Token>, b: Option<&Token>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.is(b),
        (None, None) => true,
        _ => false,
    }
}

/// Whether an answer of that status means by `Retry-After` that it will pass (RFC 9110 §10.2.3).
fn error_may_pass(status: u16) -> bool {
    status == 429 || (500..600).contains(&status)
}

/// The moment when `timeout` will have passed, or one that nobody waits for.
pub(crate) fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(365 * 24 * 60 * 60))
}

/// From 0 to 1: for jitter, not for secrets.
fn random() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}
