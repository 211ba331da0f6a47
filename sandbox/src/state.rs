//! What the sandbox remembers: the vendors' settings, the tokens they issued, the clock.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use time::OffsetDateTime;
use tokio_rustls::rustls::crypto::{SecureRandom, ring};

use crate::fault::Fault;
use crate::profile::memory::Memory;
use crate::request::RecordedRequest;
use crate::vendor::{Endpoint, VendorId};

/// Tokens kept per vendor; beyond either limit the oldest is forgotten, and so refused.
const TOKENS_KEPT: usize = 10_000;
const TOKEN_BYTES_KEPT: usize = 32 << 20;

/// Requests kept per vendor.
const REQUESTS_KEPT: usize = 32;

/// The most padding a token can be given.
const PADDING_LIMIT: usize = 1 << 20;

/// Wrong passwords in a row after which Edvak locks the account.
const BAD_PASSWORDS_ALLOWED: u32 = 5;

/// The last millisecond that both an HTTP date and an ISO date can express (end of year 9999).
const LAST_MS: u64 = 253_402_300_799_999;

/// What a vendor starts with, until told otherwise.
pub(crate) struct Defaults {
    pub(crate) name: String,
    pub(crate) credentials: Vec<(String, String)>,
    pub(crate) scopes: Vec<String>,
    pub(crate) token_format: TokenFormat,
    pub(crate) token_life: Duration,
}

#[derive(Clone, Copy)]
pub(crate) enum TokenFormat {
    Jwt,
    Opaque,
}

pub(crate) struct State {
    pub(crate) origin: String,
    /// eHealth: a request without `API-key` or `X-Custom-PSK` is refused, not only a wrong one.
    pub(crate) gateway_keys_required: bool,
    /// eHealth: every refresh replaces the refresh token.
    pub(crate) refresh_tokens_rotate: bool,
    /// eHealth: the owner has revoked the client's access.
    pub(crate) access_revoked: bool,
    /// eHealth: the refresh token has expired.
    pub(crate) refresh_token_expired: bool,
    /// eHealth: errors in the shape of the older server generation.
    pub(crate) old_error_shape: bool,
    /// Edvak: wrong passwords in a row.
    pub(crate) bad_passwords: u32,
    clock_skew: i64,
    vendors: Vec<VendorState>,
    sequence: u64,
    random: &'static dyn SecureRandom,
}

/// What is kept per vendor.
pub(crate) struct VendorState {
    name: String,
    pub(crate) token_life: Duration,
    pub(crate) token_padding: usize,
    pub(crate) scopes: Vec<String>,
    pub(crate) requests: u64,
    pub(crate) resource_requests: u64,
    pub(crate) step_requests: u64,
    pub(crate) last_refusal: Option<String>,
    /// Of a profile.
    pub(crate) memory: Memory,
    pub(crate) next_faults: VecDeque<Fault>,
    pub(crate) standing_fault: Option<Fault>,
    token_format: TokenFormat,
    credentials: Vec<(String, String)>,
    recorded: VecDeque<RecordedRequest>,
    issued: IssuedTokens,
}

impl VendorState {
    fn new(defaults: Defaults) -> VendorState {
        VendorState {
            name: defaults.name,
            token_life: defaults.token_life,
            token_padding: 0,
            scopes: defaults.scopes,
            requests: 0,
            resource_requests: 0,
            step_requests: 0,
            last_refusal: None,
            memory: Memory::default(),
            next_faults: VecDeque::new(),
            standing_fault: None,
            token_format: defaults.token_format,
            credentials: defaults.credentials,
            recorded: VecDeque::new(),
            issued: IssuedTokens::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn credentials(&self) -> &[(String, String)] {
        &self.credentials
    }

    /// What the vendor expects now; empty for a name it does not know.
    pub(crate) fn credential(&self, name: &str) -> &str {
        self.credentials
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// Whether `sent` is the credential that the vendor expects now.
    pub(crate) fn expects(&self, name: &str, sent: &str) -> bool {
        !sent.is_empty() && self.credential(name) == sent
    }

    pub(crate) fn set_credential(&mut self, name: &str, value: &str) -> bool {
        match self.credentials.iter_mut().find(|(known, _)| known == name) {
            Some((_, current)) => {
                value.clone_into(current);
                true
            }
            None => false,
        }
    }

    pub(crate) fn record(&mut self, request: RecordedRequest) {
        self.recorded.push_back(request);
        if self.recorded.len() > REQUESTS_KEPT {
            self.recorded.pop_front();
        }
    }

    /// The requests that were read to their end, the latest last.
    pub(crate) fn recorded(&self) -> &VecDeque<RecordedRequest> {
        &self.recorded
    }

    pub(crate) fn revoke(&mut self, access_token: &str) {
        self.issued.forget(access_token);
    }

    pub(crate) fn revoke_all(&mut self) {
        self.issued = IssuedTokens::default();
    }
}

/// A token just issued.
pub(crate) struct Grant {
    pub(crate) access_token: String,
    pub(crate) life: Duration,
    pub(crate) expires_at_ms: u64,
}

impl State {
    pub(crate) fn new(origin: String, defaults: Vec<Defaults>) -> State {
        State {
            origin,
            gateway_keys_required: false,
            refresh_tokens_rotate: false,
            access_revoked: false,
            refresh_token_expired: false,
            old_error_shape: false,
            bad_passwords: 0,
            clock_skew: 0,
            vendors: defaults.into_iter().map(VendorState::new).collect(),
            sequence: 0,
            random: ring::default_provider().secure_random,
        }
    }

    pub(crate) fn of(&self, vendor: impl Into<VendorId>) -> &VendorState {
        &self.vendors[vendor.into().0]
    }

    pub(crate) fn of_mut(&mut self, vendor: impl Into<VendorId>) -> &mut VendorState {
        &mut self.vendors[vendor.into().0]
    }

    /// Counts a request and, at the token endpoint, takes the fault meant for it.
    pub(crate) fn arrive(&mut self, vendor: VendorId, endpoint: &Endpoint) -> Option<Fault> {
        let vendor = self.of_mut(vendor);
        match endpoint {
            Endpoint::Token => {
                vendor.requests += 1;
                vendor.next_faults.pop_front().or_else(|| vendor.standing_fault.clone())
            }
            Endpoint::Step => {
                vendor.step_requests += 1;
                None
            }
            Endpoint::Resource => {
                vendor.resource_requests += 1;
                None
            }
        }
    }

    /// Edvak: whether too many wrong passwords came in a row.
    pub(crate) fn account_locked(&self) -> bool {
        self.bad_passwords >= BAD_PASSWORDS_ALLOWED
    }

    pub(crate) fn set_clock_skew(&mut self, seconds: i64) {
        self.clock_skew = seconds;
    }

    /// The sandbox's time in Unix milliseconds, never outside what a date can express.
    pub(crate) fn now_ms(&self) -> u64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let real = u64::try_from(real.as_millis()).unwrap_or(LAST_MS);
        real.saturating_add_signed(self.clock_skew.saturating_mul(1000)).min(LAST_MS)
    }

    /// The `Date` header, `seconds` away from the sandbox's time.
    pub(crate) fn date(&self, seconds: i64) -> String {
        let ms = self.now_ms().saturating_add_signed(seconds.saturating_mul(1000)).min(LAST_MS);
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(ms))
    }

    /// The sandbox's time as `2024-01-15T10:30:00.000Z`.
    pub(crate) fn timestamp(&self) -> String {
        iso(self.now_ms())
    }

    /// Issues a token and remembers it until it expires.
    pub(crate) fn grant(&mut self, vendor: impl Into<VendorId>) -> Grant {
        let vendor = vendor.into();
        let now = self.now_ms();
        let life = self.of(vendor).token_life;
        let life_ms = u64::try_from(life.as_millis()).unwrap_or(LAST_MS);
        let expires_at_ms = now.saturating_add(life_ms).min(LAST_MS);
        let access_token = match self.of(vendor).token_format {
            TokenFormat::Jwt => self.jwt(vendor, expires_at_ms),
            TokenFormat::Opaque => self.opaque(vendor),
        };
        self.of_mut(vendor).issued.keep(access_token.clone(), expires_at_ms, now);
        Grant { access_token, life, expires_at_ms }
    }

    /// Whether the vendor issued the token, has not revoked it, and it has not expired.
    pub(crate) fn accepts(&self, vendor: impl Into<VendorId>, access_token: &str) -> bool {
        self.of(vendor).issued.expiry(access_token).is_some_and(|expiry| self.now_ms() < expiry)
    }

    /// Whether the request carries a bearer token that [`State::accepts`].
    pub(crate) fn admits(&self, vendor: impl Into<VendorId>, request: &RecordedRequest) -> bool {
        request.authorization("bearer").is_some_and(|token| self.accepts(vendor, token))
    }

    /// A token with the shape of a JWT.
    ///
    /// Only a fake: it claims `alg` none and its signature is random bytes under no key, so nobody
    /// can mistake it for one that a real vendor would honour. A client under test must treat it
    /// as opaque anyway, and the sandbox knows its own tokens by keeping them.
    pub(crate) fn jwt(&mut self, vendor: impl Into<VendorId>, expires_at_ms: u64) -> String {
        let vendor = self.of(vendor);
        let padding = "x".repeat(vendor.token_padding.min(PADDING_LIMIT));
        let mut payload = json!({
            "iss": format!("{}/fake/{}", self.origin, vendor.name),
            "iat": self.now_ms() / 1000,
            "exp": expires_at_ms / 1000,
            "jti": self.uuid(),
        });
        if !padding.is_empty() {
            payload["padding"] = padding.into();
        }
        let header = json!({"alg": "none", "typ": "JWT", "kid": "fake"});
        let signature = [self.unique_bytes(), self.unique_bytes()].concat();
        [header.to_string().as_bytes(), payload.to_string().as_bytes(), &signature]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".")
    }

    /// A token with the shape of eHealth's: base64 of base64, as its documents show.
    pub(crate) fn opaque(&mut self, vendor: impl Into<VendorId>) -> String {
        let padding = self.of(vendor).token_padding.min(PADDING_LIMIT) / 4 * 3;
        STANDARD.encode(STANDARD.encode(self.unique_bytes()) + &"x".repeat(padding))
    }

    /// A fresh identifier in the form of a UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let hex = self.hex(32);
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }

    /// At most 32 fresh hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut hex: String =
            self.unique_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        hex.truncate(digits);
        hex
    }

    /// Random bytes of which a part counts, so that they differ even without a random source.
    fn unique_bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let _differs_by_sequence_if_this_fails = self.random.fill(&mut bytes);
        self.sequence += 1;
        for (byte, count) in bytes.iter_mut().zip(self.sequence.to_le_bytes()).take(4) {
            *byte = count;
        }
        bytes
    }
}

/// The bounded set of tokens that a vendor has issued and not revoked.
#[derive(Default)]
struct IssuedTokens {
    expiry_ms: HashMap<String, u64>,
    oldest_first: VecDeque<String>,
    bytes: usize,
}

impl IssuedTokens {
    fn keep(&mut self, token: String, expires_at_ms: u64, now_ms: u64) {
        self.bytes += token.len();
        self.expiry_ms.insert(token.clone(), expires_at_ms);
        self.oldest_first.push_back(token);
        while let Some(oldest) = self.oldest_first.front() {
            let over = self.oldest_first.len() > TOKENS_KEPT || self.bytes > TOKEN_BYTES_KEPT;
            let alive = self.expiry_ms.get(oldest).is_some_and(|expiry| now_ms < *expiry);
            if alive && !over {
                break;
            }
            self.bytes -= oldest.len();
            self.expiry_ms.remove(oldest);
            self.oldest_first.pop_front();
        }
    }

    fn forget(&mut self, token: &str) {
        self.expiry_ms.remove(token);
    }

    fn expiry(&self, token: &str) -> Option<u64> {
        self.expiry_ms.get(token).copied()
    }
}

pub(crate) fn iso(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1000).unwrap_or_default();
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        ms % 1000
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::Vendor;
    use crate::vendors;

    fn state() -> State {
        State::new(String::new(), Vendor::ALL.map(vendors::defaults).into())
    }

    #[test]
    fn a_timestamp_is_iso_8601_with_milliseconds() {
        assert_eq!(iso(1_705_314_600_007), "2024-01-15T10:30:00.007Z");
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(LAST_MS), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn the_clock_stays_within_what_a_date_can_express() {
        let mut state = state();
        for skew in [i64::MIN, i64::MAX] {
            state.set_clock_skew(skew);
            for seconds in [i64::MIN, 0, i64::MAX] {
                assert!(state.date(seconds).ends_with("GMT"));
            }
        }
    }

    #[test]
    fn issued_tokens_are_bounded_in_number_and_in_bytes() {
        let mut issued = IssuedTokens::default();
        for n in 0..TOKENS_KEPT + 5 {
            issued.keep(n.to_string(), 10, 0);
        }
        assert_eq!(issued.expiry_ms.len(), TOKENS_KEPT);
        assert_eq!(issued.expiry("4"), None);
        assert_eq!(issued.expiry("5"), Some(10));
        for n in 0..3 {
            issued.keep(format!("{n}{}", "x".repeat(TOKEN_BYTES_KEPT / 2 - 1)), 10, 0);
        }
        assert!(issued.expiry_ms.len() <= 2 && issued.bytes <= TOKEN_BYTES_KEPT);
    }

    #[test]
    fn expired_tokens_are_dropped_when_the_next_is_issued() {
        let mut issued = IssuedTokens::default();
        issued.keep("old".into(), 10, 0);
        issued.keep("new".into(), 30, 20);
        assert_eq!(issued.expiry_ms.len(), 1);
        assert_eq!(issued.oldest_first.len(), 1);
        assert_eq!(issued.bytes, 3);
    }

    #[test]
    fn no_two_tokens_are_alike() {
        let mut state = state();
        for vendor in Vendor::ALL {
            let tokens: std::collections::HashSet<_> =
                (0..1000).map(|_| state.grant(vendor).access_token).collect();
            assert_eq!(tokens.len(), 1000);
        }
    }
}
