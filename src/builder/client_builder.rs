//! What a program calls to configure a client.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::builder::draft::Draft;
use crate::builder::settings::{self, append_pem, is_setting};
use crate::client::Client;
use crate::config::Parts;
use crate::doctor::{self, DoctorReport};
use crate::error::Error;
use crate::event::Event;
use crate::life::Clock;
use crate::life::clock::{instant_after, unix_ms};
use crate::memory::Secret;
use crate::profile::{Definition, check_takes_refresh_token};
use crate::transport::{
    Attempt, CancelSource, ProxyChoice, TlsStack, Transport, TrustRoots, check_user_agent,
};
use crate::vendors::{self, Parameter, Vendor};

/// Configures a [`Client`]. Setters take note; [`build`](ClientBuilder::build) checks everything.
#[derive(Clone)]
pub struct ClientBuilder {
    draft: Draft,
    /// What was wrong so far, and has not been set anew.
    wrong: Vec<Error>,
}

impl Client {
    /// Starts the configuration of a client for a [`Profile`](crate::Profile), or for
    /// [`Parchment`](crate::Parchment), [`Ehealth`](crate::Ehealth), [`Edvak`](crate::Edvak) or
    /// [`Pattern`](crate::Pattern).
    pub fn builder(vendor: impl Vendor) -> ClientBuilder {
        let setup = vendor.into_setup();
        let mut builder = ClientBuilder::with_definition(setup.definition);
        for (name, value) in setup.credentials {
            builder = builder.note(|draft| draft.set_credential(name, value));
        }
        builder
    }

    /// Starts the configuration of another client that has all settings of this one and shares its
    /// transport: connections, TLS configuration and sessions, resolver. Set what differs, such as
    /// the acting user's credentials, scopes or [`ClientBuilder::on_rotation`], and
    /// [`build`](ClientBuilder::build). It has a token, a memory of rejections and counters of its
    /// own.
    ///
    /// Cheap: make one for each acting user, and drop it when the user leaves.
    #[must_use]
    pub fn sibling(&self) -> ClientBuilder {
        let Parts { config, transport, credentials, refresh_token_end_ms } = self.parts();
        let draft = Draft {
            config,
            credentials,
            refresh_token_end_ms,
            has_siblings_end: true,
            transport: Some(transport),
            https: None,
        };
        ClientBuilder { draft, wrong: Vec::new() }
    }
}

impl ClientBuilder {
    /// Starts from a vendor's name, one of `parchment`, `ehealth`, `edvak` or `pattern`, or from that of
    /// another profile that is compiled in ([`Profile::names`](crate::Profile::names)), for programs
    /// that are configured by name. Everything else comes through [`set`](ClientBuilder::set).
    ///
    /// # Errors
    /// When there is no such vendor.
    pub fn by_name(vendor: &str) -> Result<Self, Error> {
        vendors::by_name(vendor).map(|definition| ClientBuilder::with_definition(Ok(definition)))
    }

    fn with_definition(definition: Result<Arc<Definition>, Error>) -> Self {
        let (definition, mut wrong) = match definition {
            Ok(definition) => (definition, Vec::new()),
            // A profile that is compiled in, and cannot be read: the tests see that there is none.
            Err(error) => (Arc::new(Definition::default()), vec![error]),
        };
        if let Some(taken) = definition.parameters.iter().find(|known| is_setting(&known.name)) {
            let problem = format!("has a parameter {}, which is a setting's name", taken.name);
            wrong.push(Error::setting("profile", problem, "choose another name"));
        }
        ClientBuilder { draft: Draft::new(definition), wrong }
    }

    /// Sets one credential or setting by its name. The names are those of the vendor's credentials
    /// ([`parameters`](ClientBuilder::parameters)) and these:
    ///
    #[doc = include_str!("settings.md")]
    ///
    /// # Errors
    /// When the name is unknown (the error lists those that exist) or the value cannot be used.
    pub fn set(mut self, name: &str, value: impl Into<Secret>) -> Result<Self, Error> {
        self.change(name, value.into())?;
        Ok(self)
    }

    /// As [`set`](ClientBuilder::set). On an error everything stays as it was.
    pub(crate) fn change(&mut self, name: &str, value: Secret) -> Result<(), Error> {
        // Of a profile that cannot be used, nothing can be set.
        if let Some(error) = self.wrong.iter().find(|error| error.field() == Some("profile")) {
            return Err(error.clone());
        }
        settings::set(&mut self.draft, name, value)?;
        self.wrong.retain(|error| error.field() != Some(name));
        Ok(())
    }

    /// What the profile asks for, in the order of its file.
    pub fn parameters(&self) -> impl ExactSizeIterator<Item = Parameter<'_>> {
        self.draft.definition().parameters.iter().map(Parameter)
    }

    /// Whether it is the name of a credential or setting: any other may be a secret.
    #[cfg_attr(not(any(test, feature = "capi")), expect(dead_code, reason = "for C"))]
    pub(crate) fn knows(&self, name: &str) -> bool {
        settings::is_known(&self.draft, name)
    }

    /// Changes the draft, and keeps an error for [`build`](ClientBuilder::build).
    fn note(mut self, change: impl FnOnce(&mut Draft) -> Result<(), Error>) -> Self {
        let result = change(&mut self.draft);
        self.wrong.extend(result.err());
        self
    }

    /// Changes the draft in a way that needs no check.
    fn with(mut self, change: impl FnOnce(&mut Draft)) -> Self {
        change(&mut self.draft);
        self
    }

    /// The scopes to request, for vendors that take any (Parchment). Unknown ones are passed on.
    /// Default: none.
    #[must_use]
    pub fn scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.with(|draft| draft.config.scopes = scopes.into_iter().map(Into::into).collect())
    }

    /// How long [`Client::token`] may block at most, in all. Default: 30 seconds.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.note(|draft| draft.set_timeout("timeout", timeout))
    }

    /// Trusts the CA certificates in this PEM text, besides the public ones: for a private CA, or a
    /// network that inspects TLS. May be called repeatedly. Default: the public CAs of the Mozilla
    /// root programme.
    #[must_use]
    pub fn ca_pem(self, pem: impl Into<Vec<u8>>) -> Self {
        self.with(|draft| append_pem(&mut draft.https().ca_pem, &pem.into()))
    }

    /// Which CAs are trusted besides those in [`ca_pem`](ClientBuilder::ca_pem). With
    /// [`TrustRoots::None`] there are no others. Default: [`TrustRoots::Bundled`], and
    /// [`TrustRoots::System`] with [`TlsStack::System`].
    #[must_use]
    pub fn roots(self, roots: TrustRoots) -> Self {
        self.with(|draft| draft.https().roots = Some(roots))
    }

    /// Refuses certificates, the server's own and those of CAs between, that are on these revocation
    /// lists: PEM (`X509 CRL`), one list for each issuer or each part of its certificates. May be
    /// called repeatedly.
    ///
    /// A list must be signed by the issuer it names, counts however old it is, and is never fetched
    /// anew: build another client when there is a newer one. A certificate whose issuer has no list
    /// is accepted. Default: none; no revocation is checked.
    #[must_use]
    pub fn crl_pem(self, pem: impl Into<Vec<u8>>) -> Self {
        self.with(|draft| append_pem(&mut draft.https().crl_pem, &pem.into()))
    }

    /// Which TLS implementation is used. Default: [`TlsStack::Rustls`].
    #[must_use]
    pub fn tls_stack(self, stack: TlsStack) -> Self {
        self.with(|draft| draft.https().tls_stack = stack)
    }

    /// Identifies this client to the server by a certificate (mutual TLS): the chain, its own
    /// certificate first, and the key as PKCS#8, PKCS#1 or SEC1, not encrypted; both PEM. Default:
    /// none.
    #[must_use]
    pub fn client_certificate(
        self,
        chain_pem: impl Into<Vec<u8>>,
        key_pem: impl Into<Secret>,
    ) -> Self {
        self.with(|draft| {
            draft.https().client_cert_pem = Some(chain_pem.into());
            draft.https().client_key_pem = Some(key_pem.into());
        })
    }

    /// Accepts only servers whose public key, or that of a CA that vouches for them, is among these:
    /// SHA-256 of the DER `SubjectPublicKeyInfo`, base64 (RFC 7469 §2.4). The other checks stay.
    /// Default: none.
    #[must_use]
    pub fn pins<S: Into<String>>(self, pins: impl IntoIterator<Item = S>) -> Self {
        self.with(|draft| draft.https().pins = pins.into_iter().map(Into::into).collect())
    }

    /// How requests get out: `environment` (what `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say when
    /// the client is built), `off`, or the URL of a proxy: `http://`, `socks5://` or `socks5h://`,
    /// with `user:password@` where it asks, special characters as `%XX`. Default: `environment`.
    ///
    /// A login that the proxy refused is not sent again for 15 minutes, by this client and its
    /// siblings: calls end in [`ErrorKind::ProxyLoginRejected`] meanwhile. While the
    /// outcome is unknown (the proxy answered 502, say, or not at all), pauses between attempts grow, so
    /// that the login is sent at most five times in 15 minutes. A new client begins anew.
    ///
    /// [`ErrorKind::ProxyLoginRejected`]: crate::ErrorKind::ProxyLoginRejected
    #[must_use]
    pub fn proxy(self, proxy: impl Into<Secret>) -> Self {
        self.with(|draft| {
            draft.https().proxy = ProxyChoice::parse(proxy.into().expose_secret());
        })
    }

    /// Connects to this address when `host` is meant, without asking DNS: for tests and split-horizon
    /// DNS. May be called repeatedly. TLS still checks the host's name. Default: none.
    #[must_use]
    pub fn resolve(self, host: impl Into<String>, address: IpAddr) -> Self {
        self.with(|draft| draft.https().resolve.push((host.into(), address)))
    }

    /// How long a connection is kept for the next request; zero keeps none. Default: 20 seconds.
    #[must_use]
    pub fn max_idle(self, age: Duration) -> Self {
        self.with(|draft| draft.https().max_idle_age = age)
    }

    /// The `User-Agent` header (RFC 9110 §10.1.5). Default: `caretoken/` and its version.
    #[must_use]
    pub fn user_agent(self, user_agent: impl Into<String>) -> Self {
        let user_agent = user_agent.into();
        self.note(|draft| {
            check_user_agent(&user_agent)?;
            draft.https().user_agent = user_agent.into();
            Ok(())
        })
    }

    /// Percent-encodes client id and secret before they are joined for HTTP Basic, as RFC 6749
    /// §2.3.1 has it. Only for vendors with HTTP Basic (Pattern). Default: off, joined as they are.
    #[must_use]
    pub fn percent_encode_credentials(self, on: bool) -> Self {
        self.with(|draft| draft.config.percent_encode_credentials = Some(on))
    }

    /// Allows a base URL with `http://` if its host is loopback: for tests, or a local TLS proxy. All
    /// addresses that the host has must be loopback; else calls fail before anything is sent.
    /// Default: off, https only.
    #[must_use]
    pub fn plain_http_to_loopback(self, on: bool) -> Self {
        self.with(|draft| draft.config.plain_http_to_loopback = on)
    }

    /// Refuses to work where the system does not let all credentials and tokens be locked into RAM:
    /// [`build`](ClientBuilder::build) fails then, or later the call that fetches a token. Default: off;
    /// they are kept in memory that the system may swap out, and one warning is logged.
    #[must_use]
    pub fn require_locked_memory(self, on: bool) -> Self {
        self.with(|draft| draft.config.require_locked_memory = on)
    }

    /// How long a rejection of the credentials is answered from memory instead of being asked for
    /// again, so that no account gets locked. It ends early when a credential is set anew. Zero
    /// turns it off. Default: 15 minutes.
    ///
    /// Where the vendor may lock an account (Edvak), any 4xx but 408, 425 and 429 is such a
    /// rejection. What leaves it open whether the password was wrong, such as a 500 or no answer, is
    /// followed by pauses that grow from 10 seconds to 15 minutes, whatever is set here.
    #[must_use]
    pub fn rejection_memory(self, memory: Duration) -> Self {
        self.with(|draft| draft.config.rejection_memory = memory)
    }

    /// When the configured refresh token ends, where the host knows (eHealth: seven days after the
    /// person signed in, by default). A refresh token that ends before its access token is used once
    /// more while it lives, so that the access lasts as long as it can, and
    /// [`EventKind::SignInDue`](crate::EventKind::SignInDue) tells days ahead when a person must sign
    /// in again. The client knows the end of refresh tokens that the vendor hands out by itself. Only
    /// for vendors with a refresh token. Default: not known.
    #[must_use]
    pub fn refresh_token_expires_at(self, end: SystemTime) -> Self {
        self.note(|draft| {
            check_takes_refresh_token(draft.definition())?;
            draft.set_refresh_token_end(Some(unix_ms(end)));
            Ok(())
        })
    }

    /// Called with each new refresh token that the vendor hands out in place of the old one, before
    /// anybody gets the access token that came with it. Store it durably: the old one is dead.
    ///
    /// When it returns an error, the call reports [`ErrorKind::RotationNotStored`], whose
    /// [`source`](std::error::Error::source) is that error, and nothing is lost: the client keeps both tokens and offers the refresh token again at the next call.
    ///
    /// It runs on the thread whose call fetched, under no lock. It may use the client, but
    /// [`Client::token`] gives it no new token there. Default: none; the client goes on with the new
    /// one, and a restart of the program loses it.
    ///
    /// [`ErrorKind::RotationNotStored`]: crate::ErrorKind::RotationNotStored
    #[must_use]
    pub fn on_rotation(
        self,
        store: impl Fn(&Secret) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.with(|draft| draft.config.on_rotation = Some(Arc::new(store)))
    }

    /// Called with each [`Event`], on the thread where it happens and under no lock; keep it short.
    /// Default: none; events also go to the [`log`] crate.
    #[must_use]
    pub fn on_event(self, observe: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.with(|draft| draft.config.on_event = Some(Arc::new(observe)))
    }

    /// Carries requests by other means than the built-in HTTPS. Default: HTTPS by ureq and rustls.
    #[must_use]
    pub fn transport(self, transport: Arc<dyn Transport>) -> Self {
        self.with(|draft| draft.transport = Some(transport))
    }

    /// Takes time from elsewhere than the system's clocks: for tests. Default: [`SystemClock`](crate::SystemClock).
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|draft| draft.config.clock = clock)
    }

    /// Checks everything and makes the client. No network is touched.
    ///
    /// # Errors
    /// The first setting that cannot be used, by its name, with what to do.
    pub fn build(self) -> Result<Client, Error> {
        self.finish(|draft| draft.build().map(Client::new))
    }

    /// As [`Client::doctor`], for a machine that has no credentials yet: needs a base URL and what
    /// the network asks for, such as proxy and CA. Blocks at most the timeout.
    ///
    /// # Errors
    /// The first setting that cannot be used, by its name. What the network does wrong stands in the
    /// report.
    pub fn doctor(self) -> Result<DoctorReport, Error> {
        self.finish(|draft| {
            let (url, Parts { config, transport, .. }) = draft.reach()?;
            let cancel = CancelSource::default().token();
            let attempt = Attempt::new(instant_after(config.timeout), cancel);
            let vendor = &config.definition.name;
            Ok(doctor::probe(vendor, &url, &*transport, &*config.clock, &attempt))
        })
    }

    /// Goes on with the draft, if nothing was wrong so far.
    fn finish<T>(self, finish: impl FnOnce(Draft) -> Result<T, Error>) -> Result<T, Error> {
        let vendor = Arc::clone(&self.draft.config.definition.name);
        let result = self.wrong.into_iter().next().map_or(Ok(self.draft), Err).and_then(finish);
        result.map_err(|error| error.with_vendor(&vendor))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("vendor", &self.draft.definition().name)
            .field("scopes", &self.draft.config.scopes)
            .field("timeout", &self.draft.config.timeout)
            .finish_non_exhaustive()
    }
}
