//! How a client is configured: every setting is checked before the first call.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::client::{Client, OnEvent, OnRotation, Parts, RotationFailed, deadline};
use crate::doctor::{self, DoctorReport};
use crate::error::Error;
use crate::event::Event;
use crate::life::clock::unix_ms;
use crate::life::{Clock, SystemClock};
use crate::memory::{Secret, wipe};
use crate::profile::credentials::{
    Credentials, REFRESH_TOKEN_END, check_takes_refresh_token, refresh_token_end,
};
use crate::profile::{HeaderPart, Profile, REFRESH_TOKEN, Scopes, base_url};
use crate::transport::{
    self, Attempt, CancelSource, HttpsTransport, ProxyChoice, TlsStack, Transport, TrustRoots,
    check_user_agent,
};
use crate::vendors::{self, Vendor};

/// Configures a [`Client`]. Setters only take note; [`build`](ClientBuilder::build) checks everything.
#[derive(Clone)]
pub struct ClientBuilder {
    profile: &'static Profile,
    base_url: String,
    credentials: Credentials,
    refresh_end_ms: Option<i64>,
    /// That of a sibling's refresh token: it goes when another one is set.
    inherited_refresh_end_ms: Option<i64>,
    scopes: Vec<String>,
    percent_encode: bool,
    plain_http_to_loopback: bool,
    require_locked_memory: bool,
    timeout: Duration,
    rejection_memory: Duration,
    https: transport::Settings,
    /// Whether any of them was set.
    is_https_set: bool,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    on_rotation: Option<OnRotation>,
    on_event: Option<OnEvent>,
    /// The first thing that was wrong.
    wrong: Option<Error>,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_REJECTION_MEMORY: Duration = Duration::from_secs(15 * 60);

/// The settings that [`ClientBuilder::set`] takes besides the vendor's credentials.
const SETTINGS: &[&str] = &[
    "base_url",
    "ca_file",
    "ca_pem",
    "client_cert_file",
    "client_cert_pem",
    "client_key_file",
    "client_key_pem",
    "crl_file",
    "crl_pem",
    "max_idle_ms",
    "percent_encode_credentials",
    "pins",
    "plain_http_to_loopback",
    "proxy",
    REFRESH_TOKEN_END,
    "rejection_memory_ms",
    "require_locked_memory",
    "resolve",
    "roots",
    "scopes",
    "timeout_ms",
    "tls",
    "user_agent",
];

impl ClientBuilder {
    pub(crate) fn new(vendor: impl Vendor) -> Self {
        let setup = vendor.into_setup();
        let mut builder = ClientBuilder::with_profile(setup.profile);
        builder.base_url = setup.base_url;
        for (name, value) in setup.credentials {
            builder = builder.credential(name, value);
        }
        builder
    }

    /// Starts from a vendor's name, for programs that are configured by name: `parchment`,
    /// `ehealth`, `edvak` or `pattern`. Everything else comes through [`set`](ClientBuilder::set).
    ///
    /// # Errors
    /// When there is no such vendor.
    pub fn by_name(vendor: &str) -> Result<Self, Error> {
        vendors::by_name(vendor).map(ClientBuilder::with_profile)
    }

    /// Has all of a client's parts already.
    pub(crate) fn sibling(parts: Parts) -> Self {
        let base_url = parts.url.strip_suffix(parts.profile.path).unwrap_or_default();
        ClientBuilder {
            base_url: base_url.to_owned(),
            plain_http_to_loopback: base_url.starts_with("http://"),
            credentials: parts.credentials,
            inherited_refresh_end_ms: parts.refresh_end_ms,
            scopes: parts.scopes,
            percent_encode: parts.percent_encode,
            require_locked_memory: parts.require_locked_memory,
            timeout: parts.timeout,
            rejection_memory: parts.rejection_memory,
            transport: Some(parts.transport),
            clock: parts.clock,
            on_rotation: parts.on_rotation,
            on_event: parts.on_event,
            ..ClientBuilder::with_profile(parts.profile)
        }
    }

    fn with_profile(profile: &'static Profile) -> Self {
        ClientBuilder {
            profile,
            base_url: String::new(),
            credentials: Credentials::new(profile),
            refresh_end_ms: None,
            inherited_refresh_end_ms: None,
            scopes: Vec::new(),
            percent_encode: false,
            plain_http_to_loopback: false,
            require_locked_memory: false,
            timeout: DEFAULT_TIMEOUT,
            rejection_memory: DEFAULT_REJECTION_MEMORY,
            https: transport::Settings::default(),
            is_https_set: false,
            transport: None,
            clock: Arc::new(SystemClock),
            on_rotation: None,
            on_event: None,
            wrong: None,
        }
    }

    /// Sets one credential or setting by its name.
    ///
    /// Names are the vendor's credentials and these settings, each of which does what the method of
    /// its name does:
    ///
    /// - `base_url`
    /// - `timeout_ms`, `rejection_memory_ms`, `max_idle_ms`: whole milliseconds
    /// - `refresh_token_expires_at_ms` (the method is
    ///   [`refresh_token_expires_at`](ClientBuilder::refresh_token_expires_at)): Unix milliseconds
    /// - `scopes`, `pins`: separated by spaces
    /// - `user_agent`
    /// - `ca_pem`, `crl_pem`, `client_cert_pem`, `client_key_pem`, or `ca_file`, `crl_file`,
    ///   `client_cert_file`, `client_key_file` with the path of a file that is read at once
    /// - `roots`: `bundled`, `system` or `none`
    /// - `tls` (the method is [`tls_stack`](ClientBuilder::tls_stack)): `rustls` or `system`
    /// - `proxy`: `environment`, `off`, or a URL
    /// - `resolve`: `host=address`; each call adds one
    /// - `percent_encode_credentials`, `plain_http_to_loopback`,
    ///   `require_locked_memory`: `true` or `false`
    ///
    /// # Errors
    /// When the name is unknown (the error lists those that exist) or the value cannot be used. What
    /// was set before stays.
    pub fn set(&mut self, name: &str, value: impl Into<Secret>) -> Result<(), Error> {
        let value = value.into();
        let text = value.expose_secret();
        if text.contains('\0') {
            return Err(Error::setting(self.shown(name), "has a NUL in it", "remove it"));
        }
        match name {
            "base_url" => {
                base_url::endpoint(self.profile, text, true)?;
                self.base_url = text.to_owned();
            }
            "ca_file" => self.add_ca_pem(&read_file(name, text)?),
            "ca_pem" => self.add_ca_pem(text.as_bytes()),
            "client_cert_file" => self.https().client_cert_pem = Some(read_file(name, text)?),
            "client_cert_pem" => self.https().client_cert_pem = Some(text.as_bytes().to_vec()),
            "client_key_file" => {
                let mut pem = read_file(name, text)?;
                // The key is ASCII; what stands around it may be in any encoding.
                let key = String::from_utf8_lossy(&pem).into_owned();
                wipe(&mut pem);
                self.https().client_key_pem = Some(key.into());
            }
            "client_key_pem" => self.https().client_key_pem = Some(value),
            "crl_file" => self.add_crl_pem(&read_file(name, text)?),
            "crl_pem" => self.add_crl_pem(text.as_bytes()),
            "max_idle_ms" => self.https().max_idle_age = milliseconds(name, text)?,
            "percent_encode_credentials" => self.percent_encode = switch(name, text)?,
            "pins" => {
                self.https().pins = text.split_ascii_whitespace().map(str::to_owned).collect();
            }
            "plain_http_to_loopback" => self.plain_http_to_loopback = switch(name, text)?,
            "proxy" => self.https().proxy = proxy_choice(text),
            REFRESH_TOKEN_END => {
                self.refresh_end_ms = Some(refresh_token_end(self.profile, text)?);
            }
            "rejection_memory_ms" => self.rejection_memory = milliseconds(name, text)?,
            "require_locked_memory" => self.require_locked_memory = switch(name, text)?,
            "resolve" => {
                let (host, address) = text.split_once('=').unwrap_or((text, ""));
                let address = address.parse().map_err(|_| {
                    let problem = "is not of the form host=address";
                    Error::setting("resolve", problem, "write for example api.example.com=10.1.2.3")
                })?;
                self.https().resolve.push((host.to_owned(), address));
            }
            "roots" => {
                self.https().roots = Some(match text {
                    "bundled" => TrustRoots::Bundled,
                    "system" => TrustRoots::System,
                    "none" => TrustRoots::None,
                    _ => {
                        let problem = "is not one of bundled, system and none";
                        return Err(Error::setting("roots", problem, "write one of them"));
                    }
                });
            }
            "scopes" => self.scopes = text.split_ascii_whitespace().map(str::to_owned).collect(),
            "timeout_ms" => {
                let timeout = milliseconds(name, text)?;
                check_timeout("timeout_ms", timeout)?;
                self.timeout = timeout;
            }
            "tls" => {
                self.https().tls_stack = match text {
                    "rustls" => TlsStack::Rustls,
                    "system" => TlsStack::System,
                    _ => {
                        let problem = "is neither rustls nor system";
                        return Err(Error::setting("tls", problem, "write one of them"));
                    }
                };
            }
            "user_agent" => {
                check_user_agent(text)?;
                self.https().user_agent = text.to_owned().into();
            }
            _ => return self.put(name, value).map_err(|error| self.known(name, error)),
        }
        Ok(())
    }

    fn put(&mut self, name: &str, value: Secret) -> Result<(), Error> {
        self.credentials.set(name, value)?;
        if name == REFRESH_TOKEN {
            self.inherited_refresh_end_ms = None;
        }
        Ok(())
    }

    /// The vendor's credentials: the name of each, and whether it is required.
    pub fn credential_names(&self) -> impl Iterator<Item = (&'static str, bool)> {
        self.profile.credentials.iter().map(|known| (known.name, known.required))
    }

    fn is_credential(&self, name: &str) -> bool {
        self.profile.credentials.iter().any(|known| known.name == name)
    }

    /// A name that exists, as it may be shown.
    pub(crate) fn shown(&self, name: &str) -> String {
        let is_known = SETTINGS.contains(&name) || self.is_credential(name);
        if is_known { name.to_owned() } else { "value".to_owned() }
    }

    /// Adds the settings' names to the error about an unknown name.
    fn known(&self, name: &str, error: Error) -> Error {
        if self.is_credential(name) {
            return error;
        }
        let message = error.message().replacen("is not a credential of", "is not a setting of", 1);
        let remedy = format!("{}, {}", error.remedy(), SETTINGS.join(", "));
        error.with_message(message).with_remedy(remedy)
    }

    /// Sets an optional credential of the vendor (each vendor's type names its own), or replaces a
    /// required one.
    #[must_use]
    pub fn credential(mut self, name: &str, value: impl Into<Secret>) -> Self {
        let result = self.put(name, value.into());
        self.note(result);
        self
    }

    /// The settings of the built-in transport, to be changed.
    fn https(&mut self) -> &mut transport::Settings {
        self.is_https_set = true;
        &mut self.https
    }

    fn add_ca_pem(&mut self, pem: &[u8]) {
        append_pem(&mut self.https().ca_pem, pem);
    }

    fn add_crl_pem(&mut self, pem: &[u8]) {
        append_pem(&mut self.https().crl_pem, pem);
    }

    fn note(&mut self, result: Result<(), Error>) {
        if let (Err(error), None) = (result, &self.wrong) {
            self.wrong = Some(error);
        }
    }

    /// The scopes to request, for vendors that take any (Parchment). Unknown ones are passed on.
    /// Default: none.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// How long [`Client::token`] may block at most, in all. Default: 30 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        let result = check_timeout("timeout", timeout);
        self.note(result);
        self.timeout = timeout;
        self
    }

    /// Trusts the CA certificates in this PEM text, besides the public ones: for a private CA, or a
    /// network that inspects TLS. May be called repeatedly. Default: the public CAs of the Mozilla
    /// root programme.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.add_ca_pem(&pem.into());
        self
    }

    /// Whose certificates are trusted besides those in [`ca_pem`](ClientBuilder::ca_pem). With
    /// [`TrustRoots::None`] nobody's: `ca_pem` alone decides. Default: [`TrustRoots::Bundled`], and
    /// [`TrustRoots::System`] with [`TlsStack::System`].
    #[must_use]
    pub fn roots(mut self, roots: TrustRoots) -> Self {
        self.https().roots = Some(roots);
        self
    }

    /// Refuses certificates, the server's own and those of CAs between, that are on these revocation
    /// lists: PEM (`X509 CRL`), one list for each issuer or each part of its certificates. May be
    /// called repeatedly.
    ///
    /// A list must be signed by the issuer it names, counts however old it is, and is never fetched
    /// anew: build another client when there is a newer one. A certificate whose issuer gave no list
    /// is not checked. Default: none; no revocation is checked.
    #[must_use]
    pub fn crl_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.add_crl_pem(&pem.into());
        self
    }

    /// Whose TLS is used. Default: [`TlsStack::Rustls`].
    #[must_use]
    pub fn tls_stack(mut self, stack: TlsStack) -> Self {
        self.https().tls_stack = stack;
        self
    }

    /// Identifies this client to the server by a certificate (mutual TLS): the chain, its own
    /// certificate first, and the key as PKCS#8, PKCS#1 or SEC1, not encrypted; both PEM. Default:
    /// none.
    #[must_use]
    pub fn client_certificate(
        mut self,
        chain_pem: impl Into<Vec<u8>>,
        key_pem: impl Into<Secret>,
    ) -> Self {
        self.https().client_cert_pem = Some(chain_pem.into());
        self.https().client_key_pem = Some(key_pem.into());
        self
    }

    /// Accepts only servers whose public key, or that of a CA that vouches for them, is among these:
    /// SHA-256 of the DER `SubjectPublicKeyInfo`, base64 (RFC 7469 §2.4). The other checks stay.
    /// Default: none.
    #[must_use]
    pub fn pins<S: Into<String>>(mut self, pins: impl IntoIterator<Item = S>) -> Self {
        self.https().pins = pins.into_iter().map(Into::into).collect();
        self
    }

    /// How requests get out: `environment` (what `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say when
    /// the client is built), `off`, or the URL of a proxy: `http://`, `socks5://` or `socks5h://`,
    /// with `user:password@` where it asks, special characters as `%XX`. Default: `environment`.
    ///
    /// A login that the proxy refused is not sent again for 15 minutes, by this client and its
    /// siblings: calls end in [`ErrorKind::ProxyLoginRejected`] meanwhile. As long as nobody knows how
    /// the proxy took it (it answered 502, say, or not at all), pauses between sendings grow, so that
    /// the login goes out at most five times in 15 minutes. A new client begins anew.
    ///
    /// [`ErrorKind::ProxyLoginRejected`]: crate::ErrorKind::ProxyLoginRejected
    #[must_use]
    pub fn proxy(mut self, proxy: impl Into<Secret>) -> Self {
        self.https().proxy = proxy_choice(proxy.into().expose_secret());
        self
    }

    /// Connects to this address when `host` is meant, without asking DNS: for tests and split-horizon
    /// DNS. May be called repeatedly. TLS still checks the host's name. Default: none.
    #[must_use]
    pub fn resolve(mut self, host: impl Into<String>, address: IpAddr) -> Self {
        self.https().resolve.push((host.into(), address));
        self
    }

    /// How long a connection is kept for the next request; zero keeps none. Default: 20 seconds.
    #[must_use]
    pub fn max_idle(mut self, age: Duration) -> Self {
        self.https().max_idle_age = age;
        self
    }

    /// The `User-Agent` header (RFC 9110 §10.1.5). Default: `caretoken/` and its version.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.https().user_agent = user_agent.into().into();
        let result = check_user_agent(&self.https.user_agent);
        self.note(result);
        self
    }

    /// Percent-encodes client id and secret before they are joined for HTTP Basic, as RFC 6749
    /// §2.3.1 has it. Only for vendors with HTTP Basic (Pattern). Default: off, joined as they are.
    #[must_use]
    pub fn percent_encode_credentials(mut self, on: bool) -> Self {
        self.percent_encode = on;
        self
    }

    /// Allows a base URL with `http://` if its host is loopback: for tests, or a local TLS proxy. All
    /// addresses that the host has must be loopback; else calls fail before anything is sent.
    /// Default: off, https only.
    #[must_use]
    pub fn plain_http_to_loopback(mut self, on: bool) -> Self {
        self.plain_http_to_loopback = on;
        self
    }

    /// Refuses to work where the system does not let all credentials and tokens be locked into RAM:
    /// [`build`](ClientBuilder::build) fails then, or later the call that fetches a token. Default: off;
    /// they are kept in memory that the system may swap out, and one warning is logged.
    #[must_use]
    pub fn require_locked_memory(mut self, on: bool) -> Self {
        self.require_locked_memory = on;
        self
    }

    /// How long a rejection of the credentials is answered from memory instead of being asked for
    /// again, so that no account gets locked. It ends early when a credential is set anew. Zero
    /// turns it off. Default: 15 minutes.
    ///
    /// Where the vendor may lock an account (Edvak), any 4xx but 408, 425 and 429 is such a
    /// rejection. What leaves it open whether the password was wrong, such as a 500 or no answer, is
    /// followed by pauses that grow from 10 seconds to 15 minutes, whatever is set here.
    #[must_use]
    pub fn rejection_memory(mut self, memory: Duration) -> Self {
        self.rejection_memory = memory;
        self
    }

    /// When the configured refresh token ends, where the host knows (eHealth: seven days after the
    /// person signed in, by default). A refresh token that ends before its access token is used once
    /// more while it lives, so that the access lasts as long as it can, and
    /// [`EventKind::SignInDue`](crate::EventKind::SignInDue) tells days ahead when a person must sign
    /// in again. The client knows the end of refresh tokens that the vendor hands out by itself. Only
    /// for vendors with a refresh token. Default: not known.
    #[must_use]
    pub fn refresh_token_expires_at(mut self, end: SystemTime) -> Self {
        let result = check_takes_refresh_token(self.profile);
        self.note(result);
        self.refresh_end_ms = Some(unix_ms(end));
        self
    }

    /// Called with each new refresh token that the vendor hands out in place of the old one, before
    /// anybody gets the access token that came with it. Store it durably: the old one is dead.
    ///
    /// When it returns an error, the call reports [`ErrorKind::RotationNotStored`] and nothing is
    /// lost: the client keeps both tokens and offers the refresh token again at the next call.
    ///
    /// It runs on the thread whose call fetched, under no lock. It may use the client, but
    /// [`Client::token`] gives it no new token there. Default: none; the client goes on with the new
    /// one, and a restart of the program loses it.
    ///
    /// [`ErrorKind::RotationNotStored`]: crate::ErrorKind::RotationNotStored
    #[must_use]
    pub fn on_rotation(
        mut self,
        store: impl Fn(&Secret) -> Result<(), RotationFailed> + Send + Sync + 'static,
    ) -> Self {
        self.on_rotation = Some(Arc::new(store));
        self
    }

    /// Called with each [`Event`], on the thread where it happens and under no lock; keep it short.
    /// Default: none; events also go to the [`log`] crate.
    #[must_use]
    pub fn on_event(mut self, observe: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Arc::new(observe));
        self
    }

    /// Carries requests by other means than the built-in HTTPS. Default: HTTPS by ureq and rustls.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Takes time from elsewhere than the system's clocks: for tests. Default: [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks everything and makes the client. No network is touched.
    ///
    /// # Errors
    /// The first setting that cannot be used, by its name, with what to do.
    pub fn build(self) -> Result<Client, Error> {
        let vendor = self.profile.vendor;
        self.build_unnamed().map_err(|error| error.with_vendor(vendor))
    }

    /// As [`Client::doctor`], for a machine that has no credentials yet: needs a base URL and what
    /// the network asks for, such as proxy and CA. Blocks at most the timeout.
    ///
    /// # Errors
    /// The first setting that cannot be used, by its name. What the network does wrong stands in the
    /// report.
    pub fn doctor(self) -> Result<DoctorReport, Error> {
        let vendor = self.profile.vendor;
        let named = |error: Error| error.with_vendor(vendor);
        let url = self.endpoint().map_err(named)?;
        let transport = carrier(self.transport, self.https, self.is_https_set).map_err(named)?;
        let attempt = Attempt::new(deadline(self.timeout), CancelSource::default().token());
        Ok(doctor::examine(vendor, &url, &*transport, &*self.clock, &attempt))
    }

    fn build_unnamed(self) -> Result<Client, Error> {
        let url = self.endpoint()?.into();
        self.credentials.check_complete()?;
        let is_locked = self.credentials.values().all(Secret::is_locked) && self.https.is_locked();
        if self.require_locked_memory && !is_locked {
            return Err(cannot_lock_memory());
        }
        check_scopes(self.profile, &self.scopes)?;
        let has_basic =
            self.profile.headers.iter().any(|(_, part)| matches!(part, HeaderPart::Basic { .. }));
        if self.percent_encode && !has_basic {
            return Err(Error::setting(
                "percent_encode_credentials",
                format!("has no meaning for {}, which uses no HTTP Basic", self.profile.vendor),
                "leave it off",
            ));
        }
        let transport = carrier(self.transport, self.https, self.is_https_set)?;
        Ok(Client::new(Parts {
            profile: self.profile,
            url,
            credentials: self.credentials,
            refresh_end_ms: self.refresh_end_ms.or(self.inherited_refresh_end_ms),
            scopes: self.scopes,
            percent_encode: self.percent_encode,
            require_locked_memory: self.require_locked_memory,
            timeout: self.timeout,
            rejection_memory: self.rejection_memory,
            transport,
            clock: self.clock,
            on_rotation: self.on_rotation,
            on_event: self.on_event,
        }))
    }

    /// The token endpoint's URL, if nothing was wrong so far.
    fn endpoint(&self) -> Result<String, Error> {
        match &self.wrong {
            Some(error) => Err(error.clone()),
            None => base_url::endpoint(self.profile, &self.base_url, self.plain_http_to_loopback),
        }
    }
}

/// The transport that was injected, or one made of the settings.
fn carrier(
    injected: Option<Arc<dyn Transport>>,
    https: transport::Settings,
    is_https_set: bool,
) -> Result<Arc<dyn Transport>, Error> {
    match injected {
        Some(transport) if !is_https_set => Ok(transport),
        Some(_) => Err(Error::setting(
            "transport",
            "is injected or a sibling's, so the settings of the built-in one have no effect",
            "configure the injected transport itself, or build a client of its own",
        )),
        None => Ok(Arc::new(HttpsTransport::new(https)?)),
    }
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("vendor", &self.profile.vendor)
            .field("scopes", &self.scopes)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

pub(crate) fn cannot_lock_memory() -> Error {
    Error::setting(
        "require_locked_memory",
        "cannot be met: the limit on locked memory is used up",
        "raise the limit (ulimit -l, LimitMEMLOCK), or leave the setting off",
    )
}

fn check_timeout(field: &'static str, timeout: Duration) -> Result<(), Error> {
    match timeout {
        Duration::ZERO => Err(Error::setting(field, "is zero", "allow at least one millisecond")),
        _ => Ok(()),
    }
}

/// RFC 6749 §3.3: printable ASCII without space, double quote and backslash.
fn check_scopes(profile: &Profile, scopes: &[String]) -> Result<(), Error> {
    let wrong =
        |problem: String, remedy: &'static str| Err(Error::setting("scopes", problem, remedy));
    match profile.scopes {
        Scopes::NotTaken if !scopes.is_empty() => {
            return wrong(
                format!("cannot be requested: {} decides itself", profile.vendor),
                "leave them out",
            );
        }
        Scopes::Required if scopes.is_empty() => {
            return wrong("are missing".to_owned(), "request at least one, such as create:patient");
        }
        _ => {}
    }
    let is_scope = |scope: &String| {
        !scope.is_empty() && scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    };
    match scopes.iter().all(is_scope) {
        true => Ok(()),
        false => wrong(
            "have one that is empty or has characters no scope can have".to_owned(),
            "give each scope by itself, exactly as the vendor writes it",
        ),
    }
}

/// Appends a PEM text to what was given before.
fn append_pem(all: &mut Option<Vec<u8>>, pem: &[u8]) {
    let all = all.get_or_insert_default();
    all.extend_from_slice(pem);
    all.push(b'\n');
}

fn proxy_choice(text: &str) -> ProxyChoice {
    match text {
        "environment" => ProxyChoice::Environment,
        "off" => ProxyChoice::Off,
        url => ProxyChoice::Url(Secret::from(url)),
    }
}

/// Far above all certificates of all CAs.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Reads a file whole. Not a pipe or device: they may never end.
fn read_file(name: &str, path: &str) -> Result<Vec<u8>, Error> {
    let wrong = |problem: String| {
        Err(Error::setting(name.to_owned(), problem, "give the path of a readable PEM file"))
    };
    match std::fs::metadata(path) {
        // What a directory is, the system says itself.
        Ok(found) if !found.is_file() && !found.is_dir() => {
            return wrong("is not a regular file".to_owned());
        }
        Ok(found) if found.len() > MAX_FILE => return wrong("is larger than 4 MiB".to_owned()),
        _ => {}
    }
    std::fs::read(path).or_else(|error| {
        // What the system says, without the number behind it.
        let words = error.to_string();
        let words = words.split(" (os error").next().unwrap_or_default();
        wrong(format!("cannot be read ({words})"))
    })
}

fn switch(name: &str, text: &str) -> Result<bool, Error> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Error::setting(name.to_owned(), "is neither true nor false", "write one of them")),
    }
}

fn milliseconds(name: &str, text: &str) -> Result<Duration, Error> {
    text.parse().map(Duration::from_millis).map_err(|_| {
        let remedy = "write milliseconds as digits, such as 10000";
        Error::setting(name.to_owned(), "is not a whole number of milliseconds", remedy)
    })
}
