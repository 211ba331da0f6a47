//! A client: what a program calls.
//!
//! `call` says what one call does, `fetch` what one fetch does. What changes is in `state`, what all
//! calls share in `shared`.

mod call;
mod fetch;
mod limits;
mod shared;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::config::Parts;
use crate::doctor::{self, DoctorReport};
use crate::error::Error;
use crate::life::clock::{instant_after, system_time};
use crate::memory::{Secret, wipe_dead_stack};
use crate::profile::{Credentials, REFRESH_TOKEN_END, refresh_token_end};
use crate::stats::ClientStats;
use crate::token::{Shard, Token};
use crate::transport::Attempt;
use shared::{SKEW_UNKNOWN, Shared};
use state::{Change, State};

/// Turns one set of credentials into a token that is valid now, and keeps it valid.
///
/// Cheap to clone; clones share everything. All methods may be called from many threads at once.
/// It works inside the calls: there is no background thread. Only a DNS lookup has a thread of its
/// own, since the system's resolver cannot be interrupted; it ends with the lookup.
///
/// After a `fork` the child may go on using the client: it has the cached token, and connections
/// and waiting of its own. What either process learns from then on, the other does not know: a
/// rotated refresh token above all, so let one of the two alone refresh where the vendor rotates.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

impl Client {
    pub(crate) fn new(parts: Parts) -> Self {
        // What moves to the heap takes along, as padding, whatever lay on the stack before.
        wipe_dead_stack();
        Client(Arc::new(Shared::new(parts)))
    }

    /// What a sibling begins with.
    pub(crate) fn parts(&self) -> Parts {
        let this = &*self.0;
        let state = this.state.load();
        Parts {
            config: this.config.clone(),
            transport: Arc::clone(&this.transport),
            credentials: Credentials::clone(&state.credentials),
            refresh_token_end_ms: state.refresh_life.map(|life| life.end.wall_ms),
        }
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

    /// As [`token`](Client::token), blocking at most `timeout`. With zero it never blocks and never
    /// counts as a failure. It gives the cached token if that is good. Otherwise it gives the error of a
    /// remembered rejection or a cool-down, if there is one, and else
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout).
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
    pub(crate) fn hit<R>(&self, read: impl FnOnce(&Arc<Shard>) -> R) -> Option<R> {
        self.0.with_fresh(read)
    }

    /// The second half: thinks, waits, fetches.
    pub(crate) fn miss(&self, timeout: Duration) -> Result<Token, Error> {
        self.0.obtain(timeout)
    }

    /// The builder's timeout.
    #[inline]
    pub(crate) fn timeout(&self) -> Duration {
        self.0.config.timeout
    }

    /// The cached token, if it is still good. Never blocks and never touches the network.
    #[must_use]
    pub fn peek(&self) -> Option<Token> {
        let state = self.0.state.load();
        state.good_token(self.0.now()).map(|(token, _)| token)
    }

    /// Fetches a token if there is none, or if the cached one is about to end, unless another call is
    /// fetching already. Returns whether it fetched. For a timer of the host: with a call every 30
    /// seconds, most other calls need not wait.
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
    ///
    /// [`ErrorKind::TokensRefused`]: crate::ErrorKind::TokensRefused
    pub fn reject(&self, token: &Token) -> bool {
        self.0.reject(token)
    }

    /// Ends every call on this client, in any thread, that is under way or waiting, within 100 ms:
    /// with the cached token where there is a good one, else with [`ErrorKind::Cancelled`]. Later
    /// calls are not affected.
    ///
    /// [`ErrorKind::Cancelled`]: crate::ErrorKind::Cancelled
    pub fn cancel(&self) {
        self.0.cancel.cancel();
        self.0.flight.get().wake();
    }

    /// Probes the way to the vendor (resolve, connect, proxy, TLS, one request, clock) and reports what
    /// it found at each step: what a network's people need when no token comes. Blocks at most the
    /// builder's timeout.
    ///
    /// It goes over a connection of its own, touches no token, and sends no credential of the vendor's:
    /// the request is a GET of the token endpoint's address, and any answer proves that the way is
    /// open. A proxy gets the login that is set for it, and a server that asks for it the client's
    /// certificate, since nobody gets past them otherwise.
    ///
    /// [`ClientBuilder::doctor`](crate::ClientBuilder::doctor) does the same where there are no credentials yet.
    #[must_use]
    pub fn doctor(&self) -> DoctorReport {
        self.doctor_within(self.timeout())
    }

    /// As [`doctor`](Client::doctor), blocking at most `timeout`.
    #[must_use]
    pub fn doctor_within(&self, timeout: Duration) -> DoctorReport {
        let this = &*self.0;
        let attempt = Attempt::new(instant_after(timeout), this.cancel.token());
        let (vendor, state) = (&this.config.definition.name, this.state.load());
        // What was built has one.
        let url = state.credentials.way(this.config.plain_http_to_loopback);
        match url {
            Ok(url) => doctor::probe(vendor, &url, &*this.transport, &*this.config.clock, &attempt),
            Err(error) => DoctorReport::without_way(vendor, this.config.clock.wall_ms(), error),
        }
    }

    /// Whether [`set_credentials`](Client::set_credentials) takes the name: any other may be a secret.
    #[cfg_attr(not(any(test, feature = "capi")), expect(dead_code, reason = "for C"))]
    pub(crate) fn knows(&self, name: &str) -> bool {
        let mut known = self.0.config.definition.parameters.iter();
        name == REFRESH_TOKEN_END || known.any(|known| *known.name == *name)
    }

    /// Replaces one credential, by the vendor's name for it, such as `client_secret`. Calls from now
    /// on use it, and a remembered rejection is forgotten, also if the value is the same as before:
    /// set it when a person says so, and not in a loop. The cached token stays if the credential
    /// is only proof (a secret, a password); it is dropped if it says whose token it is (a client
    /// id, a user, a refresh token).
    ///
    /// Credentials that belong together, such as a user name and its password, are set together by
    /// [`set_credentials`](Client::set_credentials).
    ///
    /// # Errors
    /// When there is no such credential or the value cannot be used; the old one stays.
    pub fn set_credential(&self, name: &str, value: impl Into<Secret>) -> Result<(), Error> {
        self.set_credentials([(name, value)])
    }

    /// Replaces several credentials at once: no request ever goes out with some of them old and some
    /// new. Each as by [`set_credential`](Client::set_credential); of a name that comes twice, the
    /// last value counts.
    ///
    /// `refresh_token_expires_at_ms`, Unix milliseconds, says when the refresh token ends, as
    /// [`ClientBuilder::refresh_token_expires_at`](crate::ClientBuilder::refresh_token_expires_at)
    /// does. A refresh token that is set without it has an
    /// unknown end.
    ///
    /// ```no_run
    /// # fn show(client: caretoken::Client, password: caretoken::Secret) -> Result<(), caretoken::Error> {
    /// client.set_credentials([("username", "nurse@clinic.example".into()), ("password", password)])
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first that does not exist or cannot be used, by its name; all old ones stay.
    pub fn set_credentials<N: AsRef<str>, V: Into<Secret>>(
        &self,
        credentials: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), Error> {
        let this = &*self.0;
        let change = |(name, value): (N, V)| match name.as_ref() {
            REFRESH_TOKEN_END => {
                let end = refresh_token_end(&this.config.definition, value.into().expose_secret())?;
                Ok(Change::RefreshTokenEnds(end))
            }
            name => Ok(Change::Credential(name.to_owned(), value.into())),
        };
        let changes: Result<Vec<_>, Error> = credentials.into_iter().map(change).collect();
        let set = changes.and_then(|changes| match changes.is_empty() {
            true => Ok(()),
            false => this.change(&changes),
        });
        set.map_err(|error| error.with_vendor(&this.config.definition.name))
    }

    /// How far the vendor's clock is ahead of this machine's, in milliseconds, as of the last answer
    /// with a `Date` header; good to about a second. `None` before that.
    #[must_use]
    pub fn clock_skew_ms(&self) -> Option<i64> {
        Some(self.0.clock_skew_ms.load(Ordering::Relaxed)).filter(|skew| *skew != SKEW_UNKNOWN)
    }

    /// What this client has done since it was built.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        let due = self.0.state.with(State::sign_in_due);
        ClientStats {
            sign_in_due_at: due.map(|due| system_time(due.wall_ms)),
            ..self.0.counters.read()
        }
    }

    /// The vendor's name, such as `pattern`.
    #[must_use]
    pub fn vendor(&self) -> &str {
        &self.0.config.definition.name
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("vendor", &self.0.config.definition.name)
            .field("url", &self.0.state.load().credentials.endpoint())
            .finish_non_exhaustive()
    }
}
