//! A token: immutable, shared, wiped when the last holder lets go.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use once_cell::race::OnceBox;

use crate::life::clock::{Clock, Moment, system_time};
use crate::life::expiry::Life;
use crate::life::window::{Stage, Times};
use crate::memory::Secret;
use crate::thread;

/// A bearer token with what the vendor said about it.
///
/// Cheap to clone and safe to share between threads. Its secrets are wiped when the last clone is
/// dropped. `Debug` shows no secret, none of the extra fields' values, and of the vendor's own words
/// only how many scopes it granted.
///
/// ```compile_fail,E0277
/// fn show(token: caretoken::Token) -> String { token.to_string() }
/// ```
/// ```compile_fail,E0277
/// fn save(token: caretoken::Token) -> String { serde_json::to_string(&token).unwrap() }
/// ```
/// ```compile_fail,E0277
/// fn show(token: caretoken::AccessToken<'_>) -> String { token.to_string() }
/// ```
#[derive(Clone)]
pub struct Token(pub(crate) Arc<Shard>);

/// One of a few reference counts of the same token.
///
/// Aligned so that reading the token does not touch the cache line of the count.
#[repr(align(64))]
pub(crate) struct Shard {
    inner: Arc<Inner>,
    /// The token as C sees it, made once and kept as long as the shard. No thread waits while another
    /// makes it: in a forked child that other thread does not exist.
    #[cfg_attr(not(any(test, feature = "capi")), expect(dead_code, reason = "for C alone"))]
    pub(crate) c_view: OnceBox<Box<dyn Any + Send + Sync>>,
}

impl Shard {
    fn new(inner: Arc<Inner>) -> Arc<Self> {
        Arc::new(Shard { inner, c_view: OnceBox::new() })
    }
}

impl Deref for Shard {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

/// A token as a client caches it. Threads that take and drop it use several reference counts, so
/// that they do not contend for one: with one, two threads take 1.1 to 1.7 times as long
/// (`cargo bench --bench cached`).
#[derive(Clone)]
pub(crate) struct ShardedToken([Arc<Shard>; SHARDS]);

const SHARDS: usize = 4;

impl ShardedToken {
    /// `token`'s own shard serves this thread, which has fetched it.
    pub(crate) fn new(token: &Token) -> Self {
        let own = thread::number() % SHARDS;
        ShardedToken(std::array::from_fn(|index| match index == own {
            true => Arc::clone(&token.0),
            false => Shard::new(Arc::clone(&token.0.inner)),
        }))
    }

    /// The shard for the thread of that number.
    #[inline]
    pub(crate) fn shard(&self, thread: usize) -> &Arc<Shard> {
        &self.0[thread % SHARDS]
    }

    /// The token, for this thread.
    pub(crate) fn token(&self) -> Token {
        Token(Arc::clone(self.shard(thread::number())))
    }

    pub(crate) fn times(&self) -> &Times {
        &self.0[0].times
    }

    pub(crate) fn is(&self, token: &Token) -> bool {
        Arc::ptr_eq(&self.0[0].inner, &token.0.inner)
    }
}

/// What a token is made of.
pub(crate) struct Inner {
    pub(crate) vendor: Arc<str>,
    /// Which header carries it.
    pub(crate) header: Arc<str>,
    /// The header's whole value, `Bearer ` and the access token: one copy serves both.
    pub(crate) authorization: Secret,
    /// Where in it the access token begins.
    pub(crate) start: usize,
    /// A copy of the access token, where something follows it in the header.
    pub(crate) access_token: Option<Secret>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) scopes: Vec<String>,
    pub(crate) missing_scopes: Vec<String>,
    pub(crate) request_id: Option<Box<str>>,
    pub(crate) extras: Vec<(Arc<str>, Secret)>,
    pub(crate) life: Life,
    pub(crate) times: Times,
    /// The number of the holder whose credentials it was fetched with; see `State::holder`.
    pub(crate) holder: u64,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Token {
    pub(crate) fn new(inner: Inner) -> Self {
        Token(Shard::new(Arc::new(inner)))
    }

    /// Whether both are the same token, and not only alike.
    pub(crate) fn is(&self, other: &Token) -> bool {
        Arc::ptr_eq(&self.0.inner, &other.0.inner)
    }

    /// Whether the system keeps all its secrets in RAM.
    pub(crate) fn is_locked(&self) -> bool {
        let extras = self.0.extras.iter().map(|(_, value)| value);
        let others = [&self.0.refresh_token, &self.0.access_token].into_iter().flatten();
        let mut all = extras.chain(others).chain([&self.0.authorization]);
        all.all(Secret::is_locked)
    }

    /// The access token itself. To send it, use [`authorization`](Token::authorization).
    #[must_use]
    pub fn access_token(&self) -> AccessToken<'_> {
        let Inner { authorization, start, access_token, .. } = &**self.0;
        AccessToken(access_token.as_ref().map_or_else(
            || authorization.expose_secret().get(*start..).unwrap_or_default(),
            Secret::expose_secret,
        ))
    }

    /// The name of the header that carries it, in lower case: `authorization`, unless the profile says
    /// otherwise.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.0.header
    }

    /// The whole value of that header: `Bearer …` (RFC 6750 §2.1), unless the profile says otherwise.
    #[must_use]
    pub fn authorization(&self) -> &Secret {
        &self.0.authorization
    }

    /// The type of the token, which is the scheme of its header: `Bearer`, unless the profile says
    /// otherwise; empty where the header's value is the token alone.
    #[must_use]
    pub fn token_type(&self) -> &str {
        let before = self.0.authorization.expose_secret().get(..self.0.start);
        before.unwrap_or_default().split(' ').next().unwrap_or_default()
    }

    /// The name of the vendor that issued it, such as `pattern`.
    #[must_use]
    pub fn vendor(&self) -> &str {
        &self.0.vendor
    }

    /// The scopes it was granted; those requested where the vendor does not say.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.0.scopes
    }

    /// The scopes that were requested and not granted.
    #[must_use]
    pub fn missing_scopes(&self) -> &[String] {
        &self.0.missing_scopes
    }

    /// When it ends by this machine's clock. For deciding, [`time_left`](Token::time_left) is
    /// better: it survives steps of that clock.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        system_time(self.0.times.end.wall_ms)
    }

    /// How long it is still good: by the monotonic or the wall clock, whichever leaves less.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.0.times.end.since(Moment::now(&*self.0.clock))
    }

    /// How long it lives in all, counted from the moment its request was sent.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.0.life.span
    }

    /// Whether the vendor gave it a longer life than is plausible, so that it was cut.
    #[must_use]
    pub fn lifetime_was_cut(&self) -> bool {
        self.0.life.was_cut
    }

    /// Whether the vendor gave it a life too short to be plausible: mostly its page and its server
    /// disagree about the unit. It is good until its end, but a new one is fetched once a second at
    /// most.
    #[must_use]
    pub fn lifetime_is_implausible(&self) -> bool {
        self.0.life.is_short
    }

    /// Whether it is still good now.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.0.times.stage(Moment::now(&*self.0.clock)) != Stage::Expired
    }

    /// The refresh token that came with it, if any. The client uses it by itself where the vendor
    /// has a refresh grant.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.0.refresh_token.as_ref()
    }

    /// The vendor's id of the request, for its support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// A further field of the vendor's answer, such as `patient`; numbers as decimal text. May be
    /// personal data: do not log it.
    #[must_use]
    pub fn extra(&self, name: &str) -> Option<&str> {
        let found = self.0.extras.iter().find(|(known, _)| **known == *name);
        found.map(|(_, value)| value.expose_secret())
    }

    /// The names of the further fields it has.
    pub fn extra_names(&self) -> impl Iterator<Item = &str> {
        self.0.extras.iter().map(|(name, _)| &**name)
    }
}

/// A borrowed access token; as closed as a [`Secret`].
#[derive(Clone, Copy)]
pub struct AccessToken<'a>(&'a str);

impl<'a> AccessToken<'a> {
    /// The text itself. Do not log it.
    #[must_use]
    pub fn expose_secret(&self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for AccessToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(***)")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("vendor", &self.0.vendor)
            .field("authorization", &self.0.authorization)
            .field("scopes", &self.0.scopes.len())
            .field("missing_scopes", &self.0.missing_scopes)
            .field("lifetime", &self.0.life.span)
            .field("request_id", &self.0.request_id)
            .field("extras", &self.extra_names().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
