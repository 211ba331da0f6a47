//! What changes in a client's life, as one immutable value that is replaced as a whole.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::life::breaker::Breaker;
use crate::life::clock::Moment;
use crate::life::window::{self, RefreshLife, Stage};
use crate::memory::Secret;
use crate::profile::{Credentials, REFRESH_TOKEN};
use crate::token::{ShardedToken, Token};

/// Credentials, the token they brought, and what recent fetches mean for the next. A reader sees all
/// of a change or nothing: never a new credential with the token or rejection of the old one.
#[derive(Clone)]
pub(super) struct State {
    pub(super) credentials: Arc<Credentials>,
    /// How often the host has changed the credentials.
    pub(super) changes: u64,
    /// How often such a change made the token another holder's.
    pub(super) holder: u64,
    /// The token of this holder, whatever its age.
    pub(super) token: Option<ShardedToken>,
    /// Until when it is served without a look at anything else.
    pub(super) fresh_until: Moment,
    /// A refresh token that the host has not stored yet.
    pub(super) unstored: Option<Unstored>,
    /// The life of the refresh token, where it is known.
    pub(super) refresh_life: Option<RefreshLife>,
    /// For which day the host was told that a sign-in will be due.
    pub(super) told_of_sign_in: Option<Moment>,
    /// The refresh token that came with a token, where the vendor has a request for it.
    pub(super) renewal: Option<Renewal>,
    pub(super) breaker: Breaker,
}

/// A refresh token that came with a token. It is worth a request, and its loss costs nothing but that:
/// the token request is there all the same.
#[derive(Clone)]
pub(super) struct Renewal {
    pub(super) refresh_token: Secret,
    /// Where the vendor says how long it lives.
    pub(super) end: Option<Moment>,
}

/// A new refresh token and the token that came with it. No caller gets the token before the host has
/// stored the refresh token.
#[derive(Clone)]
pub(super) struct Unstored {
    pub(super) refresh_token: Secret,
    pub(super) token: Option<Token>,
}

/// One change by the host.
pub(super) enum Change {
    /// Name and value, checked when it is applied.
    Credential(String, Secret),
    /// The refresh token ends then, in Unix milliseconds.
    RefreshTokenEnds(i64),
}

impl State {
    pub(super) fn new(credentials: Credentials, refresh_end_ms: Option<i64>, now: Moment) -> Self {
        State {
            credentials: Arc::new(credentials),
            changes: 0,
            holder: 0,
            token: None,
            fresh_until: now,
            unstored: None,
            refresh_life: refresh_end_ms.map(|end| until(end, now)),
            told_of_sign_in: None,
            renewal: None,
            breaker: Breaker::default(),
        }
    }

    /// What renews a token, if that is still good.
    pub(super) fn good_renewal(&self, now: Moment) -> Option<&Renewal> {
        self.renewal.as_ref().filter(|renewal| renewal.end.is_none_or(|end| !end.has_come(now)))
    }

    /// The token and its stage, unless it has ended.
    pub(super) fn good_token(&self, now: Moment) -> Option<(Token, Stage)> {
        let token = self.token.as_ref()?;
        let stage = window::stage(token.times(), self.refresh_life, now);
        (stage != Stage::Expired).then(|| (token.token(), stage))
    }

    pub(super) fn has(&self, token: &Token) -> bool {
        self.token.as_ref().is_some_and(|current| current.is(token))
    }

    /// Makes it the token that is served.
    pub(super) fn put(&mut self, token: &Token, now: Moment) {
        self.token = Some(ShardedToken::new(token));
        self.renew_fresh_until(now);
    }

    pub(super) fn renew_fresh_until(&mut self, now: Moment) {
        self.fresh_until = match &self.token {
            Some(token) => window::fresh_until(token.times(), self.refresh_life, now),
            None => now,
        };
    }

    /// Applies what the host sets: all of it, or nothing on an error.
    pub(super) fn change(
        &mut self,
        changes: &[Change],
        plain_http_to_loopback: bool,
        now: Moment,
    ) -> Result<(), Error> {
        let mut credentials = Credentials::clone(&self.credentials);
        let (mut has_new_holder, mut has_new_refresh_token) = (false, false);
        let mut refresh_life = self.refresh_life;
        for change in changes {
            if let Change::Credential(name, value) = change {
                credentials.set(name, value.clone())?;
                has_new_holder |= credentials.is_holder(name);
                if name == REFRESH_TOKEN {
                    (has_new_refresh_token, refresh_life) = (true, None);
                }
            }
        }
        // Whichever comes first in the list, the end is that of the new refresh token.
        for change in changes {
            if let Change::RefreshTokenEnds(end_ms) = change {
                refresh_life = Some(until(*end_ms, now));
            }
        }
        credentials.prepare(plain_http_to_loopback)?;
        self.credentials = Arc::new(credentials);
        self.changes += 1;
        self.renewal = None;
        if has_new_holder {
            self.holder += 1;
            self.token = None;
        }
        // A rotated one that still is the refresh token goes to the host all the same.
        self.unstored = match self.unstored.take() {
            Some(unstored) if has_new_holder && !has_new_refresh_token => {
                Some(Unstored { token: None, ..unstored })
            }
            unstored => unstored.filter(|_| !has_new_refresh_token),
        };
        if refresh_life != self.refresh_life {
            self.refresh_life = refresh_life;
            self.told_of_sign_in = None;
        }
        self.breaker = Breaker::default();
        self.renew_fresh_until(now);
        Ok(())
    }

    /// Whether the refresh token is still the one of `fetched`.
    pub(super) fn has_refresh_token_of(&self, fetched: &State) -> bool {
        match (self.credentials.get(REFRESH_TOKEN), fetched.credentials.get(REFRESH_TOKEN)) {
            (Some(present), Some(fetched)) => present.same_as(fetched),
            (None, None) => true,
            _ => false,
        }
    }

    /// Replaces the refresh token by one that the vendor handed out. Returns whether it is another.
    ///
    /// One that cannot stand in the request goes to the host all the same: the old one may be dead.
    pub(super) fn rotate(&mut self, new: &Secret, life: Option<Duration>, sent: Moment) -> bool {
        let is_same = self.credentials.get(REFRESH_TOKEN).is_some_and(|old| old.same_as(new));
        if is_same || !self.credentials.has(REFRESH_TOKEN) {
            return false;
        }
        let mut credentials = Credentials::clone(&self.credentials);
        if credentials.set(REFRESH_TOKEN, new.clone()).is_ok() {
            self.credentials = Arc::new(credentials);
        }
        self.refresh_life = life.map(|life| RefreshLife { since: sent, end: sent.plus(life) });
        self.told_of_sign_in = None;
        self.unstored = Some(Unstored { refresh_token: new.clone(), token: None });
        true
    }

    /// When a person must sign in again, as things stand; `None` where that is not known.
    pub(super) fn sign_in_due(&self) -> Option<Moment> {
        let times = self.token.as_ref().map(ShardedToken::times);
        Some(self.refresh_life?.sign_in_due(times))
    }

    /// The same, if it is time to tell the host and that has not happened yet.
    pub(super) fn sign_in_to_tell(&self, now: Moment) -> Option<Moment> {
        let times = self.token.as_ref().map(ShardedToken::times);
        let is_time = self.refresh_life?.notice(times).has_come(now);
        self.sign_in_due().filter(|due| is_time && self.told_of_sign_in != Some(*due))
    }
}

/// The life of a refresh token of which only the end is known.
fn until(end_ms: i64, now: Moment) -> RefreshLife {
    let left = u64::try_from(end_ms.saturating_sub(now.wall_ms)).unwrap_or(0);
    let end = Moment { wall_ms: end_ms, ..now.plus(Duration::from_millis(left)) };
    RefreshLife { since: now, end }
}
