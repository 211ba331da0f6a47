//! The sandbox as its owner sees it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::certificate::{Authority, Tls};
use crate::fault::Fault;
use crate::player::Player;
use crate::profile::{CLIENT_CERTIFICATE, Played, Profile};
use crate::request::RecordedRequest;
use crate::server::{self, Security, Shared};
use crate::state::State;
use crate::vendor::{Vendor, VendorId};
use crate::vendors::{self, ehealth};

/// How a sandbox listens, and what it plays besides the four vendors.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port on the loopback addresses; a free one when 0. Default: 0.
    pub port: u16,
    /// Speak HTTP without TLS. Default: false.
    pub plain_http: bool,
    /// Profiles to play, each with a name of its own. One that is named like a vendor does not
    /// replace it. Default: none.
    pub profiles: Vec<Profile>,
    /// Is told each refusal by a profile: its name and what was wrong with the request, without
    /// any secret. It is called by a thread of the server. Default: none.
    pub on_refusal: Option<fn(&str)>,
}

/// A running server that behaves like the four vendors, and like the profiles it is given.
///
/// It serves from threads of its own, so a test may block on it, and it may be shared between
/// threads. All vendors are at one origin, on different paths. Dropping it cuts all connections,
/// joins the threads and frees the port.
///
/// The port is an HTTP proxy besides: a CONNECT to any host and port leads to the sandbox itself,
/// which has a certificate for that host and plays whatever profile names it. No real host is ever
/// reached. So a client of a profile whose URLs name hosts needs two settings, the proxy
/// ([`Sandbox::proxy_url`]) and the certificate authority ([`Sandbox::ca_pem`]).
pub struct Sandbox {
    shared: Arc<Shared>,
    origin: String,
    ca_pem: String,
    profiles: Vec<(String, Arc<Played>)>,
    credentials: Vec<Vec<(String, String)>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox with the default [`Options`]; it listens when this returns.
    pub fn start() -> io::Result<Sandbox> {
        Sandbox::start_with(Options::default())
    }

    /// Starts a sandbox; it listens when this returns.
    ///
    /// The error is that of the operating system, such as a port that is taken, or says which
    /// profile cannot be played and why.
    pub fn start_with(options: Options) -> io::Result<Sandbox> {
        let authority = Authority::new().map_err(io::Error::other)?;
        let listeners = server::bind(options.port)?;
        let port = listeners.first().map_or(Ok(0), |one| one.local_addr().map(|at| at.port()))?;
        let scheme = if options.plain_http { "http" } else { "https" };
        let origin = format!("{scheme}://localhost:{port}");

        let mut defaults = Vec::from(Vendor::ALL.map(vendors::defaults));
        let mut players: Vec<Arc<dyn Player>> = Vec::new();
        players.extend(Vendor::ALL.map(|vendor| Arc::new(vendor) as Arc<dyn Player>));
        let mut profiles: Vec<(String, Arc<Played>)> = Vec::new();
        let mut asks_for_clients = false;
        for (place, profile) in options.profiles.iter().enumerate() {
            let name = profile.name().to_owned();
            let cannot = |why: String| {
                let why = format!("the profile {name} cannot be played: {why}");
                Err(io::Error::new(io::ErrorKind::InvalidInput, why))
            };
            if profiles.iter().any(|(known, _)| *known == name) {
                return cannot("another one has this name".to_owned());
            }
            let mut certificate = Vec::new();
            if Played::needs_client_certificate(profile) {
                if options.plain_http {
                    return cannot("without TLS there is no client certificate".to_owned());
                }
                asks_for_clients = true;
                let (pem, key) = authority.client(&name).map_err(io::Error::other)?;
                certificate.push((CLIENT_CERTIFICATE.to_owned(), pem));
                certificate.push(("client_key_pem".to_owned(), key));
            }
            match Played::defaults(profile, &origin, certificate) {
                Ok(of_profile) => defaults.push(of_profile),
                Err(why) => return cannot(why),
            }
            let played = Arc::new(Played::new(VendorId::of_profile(place), profile));
            players.push(Arc::<Played>::clone(&played));
            profiles.push((name, played));
        }
        let credentials = defaults.iter().map(|one| one.credentials.clone()).collect();
        let state = State::new(origin.clone(), defaults);
        let shared = Arc::new(Shared::new(state, players, options.on_refusal));

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sandbox-worker")
            .enable_all()
            .build()?;
        let tls = Tls::new(&authority, asks_for_clients).map_err(io::Error::other)?;
        let security = Security { own: tls.acceptor(), tls, is_on: !options.plain_http };
        for listener in listeners {
            let _in_runtime = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(server::accept(listener, security.clone(), Arc::clone(&shared)));
        }

        // A thread of its own owns the runtime, which may not be dropped inside another one.
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("sandbox".into()).spawn(move || {
            let _stopped_or_dropped = runtime.block_on(stopped);
            runtime.shutdown_timeout(Duration::from_millis(80));
        })?;
        Ok(Sandbox {
            shared,
            origin,
            ca_pem: authority.pem(),
            profiles,
            credentials,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens: `https://localhost:PORT`.
    pub fn origin(&self) -> String {
        self.origin.clone()
    }

    /// Where it is a proxy for CONNECT: `http://127.0.0.1:PORT`.
    pub fn proxy_url(&self) -> String {
        let port = self.origin.rsplit(':').next().unwrap_or_default();
        format!("http://127.0.0.1:{port}")
    }

    /// The profiles that it plays, by name.
    pub fn profiles(&self) -> impl Iterator<Item = (&str, VendorId)> {
        let profiles = self.profiles.iter().enumerate();
        profiles.map(|(place, (name, _))| (name.as_str(), VendorId::of_profile(place)))
    }

    /// The profile of that name, to be given wherever a vendor is.
    pub fn profile(&self, name: &str) -> Option<VendorId> {
        self.profiles().find(|(known, _)| *known == name).map(|(_, id)| id)
    }

    /// The vendor's base URL, as a client is configured with it. Parchment's ends in `/external`.
    pub fn base_url(&self, vendor: Vendor) -> String {
        format!("{}{}", self.origin, vendors::behaviour(vendor).base_path)
    }

    /// The vendor's protected resource, to GET with a bearer token. Parchment's needs
    /// `x-organization-secret` too. That of a profile takes the token in the header that the profile
    /// says.
    pub fn resource_url(&self, vendor: impl Into<VendorId>) -> String {
        let vendor = vendor.into();
        let path = match self.played(vendor) {
            Some(played) => played.resource_path(),
            None => vendors::behaviour(Vendor::ALL[vendor.0]).resource_path.to_owned(),
        };
        format!("{}{path}", self.origin)
    }

    /// The certificate authority that signed the server's certificate, made at the start.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The credentials that the vendor expected at the start, by name.
    ///
    /// Of a profile: its parameters, URLs and choices included, and `client_cert_pem` and
    /// `client_key_pem` where it requires a client certificate. Optional ones are among them; a
    /// client may leave them out.
    pub fn credentials(&self, vendor: impl Into<VendorId>) -> &[(String, String)] {
        &self.credentials[vendor.into().0]
    }

    /// The credential that the vendor expects now; empty for a name it does not know.
    pub fn credential(&self, vendor: impl Into<VendorId>, name: &str) -> String {
        self.shared.state().of(vendor).credential(name).to_owned()
    }

    /// Makes the vendor expect another credential from now on; tokens already issued live on.
    /// False, and no effect, when the vendor knows no credential of that name.
    ///
    /// Of a profile also when the value is of another kind, such as a choice that there is not. A
    /// choice of an algorithm that takes another kind of key makes a new `private_key`.
    pub fn set_credential(&self, vendor: impl Into<VendorId>, name: &str, value: &str) -> bool {
        let vendor = vendor.into();
        let mut state = self.shared.state();
        match self.played(vendor) {
            Some(played) => played.set_parameter(&mut state, name, value),
            None => state.of_mut(vendor).set_credential(name, value),
        }
    }

    /// The scopes that the vendor grants; none where a profile takes no scopes.
    pub fn allowed_scopes(&self, vendor: impl Into<VendorId>) -> Vec<String> {
        let vendor = vendor.into();
        match self.played(vendor) {
            Some(played) if !played.takes_scopes() => Vec::new(),
            _ => self.shared.state().of(vendor).scopes.clone(),
        }
    }

    /// How many requests arrived at the vendor's token endpoint, whatever became of them; of a
    /// profile the refresh is one, and a request to an unknown path of it.
    pub fn requests(&self, vendor: impl Into<VendorId>) -> u64 {
        self.shared.state().of(vendor).requests
    }

    /// How many requests of a profile's steps arrived.
    pub fn step_requests(&self, vendor: impl Into<VendorId>) -> u64 {
        self.shared.state().of(vendor).step_requests
    }

    /// How many requests arrived at the vendor's protected resource.
    pub fn resource_requests(&self, vendor: impl Into<VendorId>) -> u64 {
        self.shared.state().of(vendor).resource_requests
    }

    /// Why a profile, or its protected resource, refused the latest request that it refused: all
    /// that was wrong, in the words of the profile, and without a secret. None where it refused
    /// none, and for the four vendors, whose answers say it.
    pub fn refusal(&self, vendor: impl Into<VendorId>) -> Option<String> {
        self.shared.state().of(vendor).last_refusal.clone()
    }

    /// How many TCP connections were accepted.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many TLS handshakes resumed an earlier session.
    pub fn resumed_handshakes(&self) -> u64 {
        self.shared.resumed_handshakes.load(Ordering::SeqCst)
    }

    /// The latest request that the vendor's token endpoint, or a step of a profile, has read to its
    /// end.
    pub fn last_request(&self, vendor: impl Into<VendorId>) -> Option<RecordedRequest> {
        self.shared.state().of(vendor).recorded().back().cloned()
    }

    /// The latest 32 such requests, the latest last.
    pub fn recorded_requests(&self, vendor: impl Into<VendorId>) -> Vec<RecordedRequest> {
        self.shared.state().of(vendor).recorded().iter().cloned().collect()
    }

    /// Sets how long the vendor's next tokens live. Where the vendor counts in seconds, its
    /// answer rounds down, while the token lives to its last millisecond.
    pub fn set_token_life(&self, vendor: impl Into<VendorId>, life: Duration) {
        self.shared.state().of_mut(vendor).token_life = life;
    }

    /// Makes the vendor's next tokens longer by about so many bytes, at most 1 MiB before
    /// encoding.
    pub fn set_token_padding(&self, vendor: impl Into<VendorId>, bytes: usize) {
        self.shared.state().of_mut(vendor).token_padding = bytes;
    }

    /// Sets the scopes that the vendor grants. Default: all documented ones.
    ///
    /// Parchment narrows what was requested to these (and knows them even if they are not
    /// documented); eHealth and Edvak list exactly these; Pattern has none. A profile narrows, too,
    /// where its answer tells the scopes; where it does not, more than these are refused. The scopes
    /// that were made up at the start stay known.
    pub fn set_allowed_scopes(&self, vendor: impl Into<VendorId>, scopes: &[&str]) {
        self.shared.state().of_mut(vendor).scopes =
            scopes.iter().map(ToString::to_string).collect();
    }

    /// Revokes an access token: the vendor's protected resource refuses it from now on.
    pub fn revoke(&self, vendor: impl Into<VendorId>, access_token: &str) {
        self.shared.state().of_mut(vendor).revoke(access_token);
    }

    /// Revokes all access tokens that the vendor has issued so far.
    pub fn revoke_all(&self, vendor: impl Into<VendorId>) {
        self.shared.state().of_mut(vendor).revoke_all();
    }

    /// Whether the vendor's protected resource would accept the access token now.
    pub fn accepts(&self, vendor: impl Into<VendorId>, access_token: &str) -> bool {
        self.shared.state().accepts(vendor, access_token)
    }

    /// Puts the server's clock so many seconds ahead (behind, if negative): its `Date` header,
    /// absolute expiries, JWT claims, and when it takes a token for expired. Default: 0.
    pub fn set_clock_skew(&self, seconds: i64) {
        self.shared.state().set_clock_skew(seconds);
    }

    /// eHealth and profiles: whether each answer to a refresh token brings a new one, which makes the
    /// old one unknown. Default: false.
    pub fn rotate_refresh_tokens(&self, rotate: bool) {
        self.shared.state().refresh_tokens_rotate = rotate;
    }

    /// eHealth: whether a request without `X-Custom-PSK` or `API-key` is refused. A wrong one is
    /// always refused. Default: false.
    pub fn require_gateway_keys(&self, require: bool) {
        self.shared.state().gateway_keys_required = require;
    }

    /// eHealth and profiles: whether the owner has revoked the client's access (`access_denied`).
    /// Default: false.
    pub fn revoke_access(&self, revoked: bool) {
        self.shared.state().access_revoked = revoked;
    }

    /// eHealth and profiles: whether the refresh token has expired (`token_expired`). Default: false.
    pub fn expire_refresh_token(&self, expired: bool) {
        self.shared.state().refresh_token_expired = expired;
    }

    /// eHealth: whether OAuth errors take the shape of the older server generation.
    /// Default: false.
    pub fn old_error_shape(&self, old: bool) {
        self.shared.state().old_error_shape = old;
    }

    /// Replaces eHealth's refresh token as a rotation would, and returns the new one.
    pub fn rotate_refresh_token_now(&self) -> String {
        ehealth::rotate(&mut self.shared.state())
    }

    /// Edvak: whether five wrong passwords in a row have locked the account.
    pub fn locked(&self) -> bool {
        self.shared.state().account_locked()
    }

    /// Edvak: unlocks the account and forgets the wrong passwords.
    pub fn unlock(&self) {
        self.shared.state().bad_passwords = 0;
    }

    /// Lets the vendor's next token request go wrong. Several faults queue up, one per request,
    /// and go before the one of [`Sandbox::inject_always`].
    pub fn inject(&self, vendor: impl Into<VendorId>, fault: Fault) {
        self.shared.state().of_mut(vendor).next_faults.push_back(fault);
    }

    /// Lets every token request to the vendor go wrong until told otherwise; none ends it.
    pub fn inject_always(&self, vendor: impl Into<VendorId>, fault: Option<Fault>) {
        self.shared.state().of_mut(vendor).standing_fault = fault;
    }

    /// Removes every fault of the vendor, queued or standing.
    pub fn clear_faults(&self, vendor: impl Into<VendorId>) {
        let mut state = self.shared.state();
        let vendor = state.of_mut(vendor);
        vendor.next_faults.clear();
        vendor.standing_fault = None;
    }

    fn played(&self, vendor: VendorId) -> Option<&Played> {
        let place = vendor.0.checked_sub(Vendor::ALL.len())?;
        self.profiles.get(place).map(|(_, played)| &**played)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended_either_way = thread.join();
        }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("origin", &self.origin).finish_non_exhaustive()
    }
}
