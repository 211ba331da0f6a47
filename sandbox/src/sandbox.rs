//! The sandbox as its owner sees it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::certificate;
use crate::fault::Fault;
use crate::request::RecordedRequest;
use crate::server::{self, Shared};
use crate::vendor::Vendor;
use crate::vendors::{self, ehealth};

/// How a sandbox listens.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port on the loopback addresses; a free one when 0. Default: 0.
    pub port: u16,
    /// Speak HTTP without TLS. Default: false.
    pub plain_http: bool,
}

/// A running server that behaves like the four vendors.
///
/// It serves from threads of its own, so a test may block on it, and it may be shared between
/// threads. All vendors are at one origin, on different paths. Dropping it cuts all connections,
/// joins the threads and frees the port.
pub struct Sandbox {
    shared: Arc<Shared>,
    origin: String,
    ca_pem: String,
    credentials: [Vec<(&'static str, String)>; Vendor::ALL.len()],
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
    /// The error is that of the operating system, such as a port that is taken.
    pub fn start_with(options: Options) -> io::Result<Sandbox> {
        let identity = certificate::identity().map_err(io::Error::other)?;
        let listeners = server::bind(options.port)?;
        let port = listeners.first().map_or(Ok(0), |one| one.local_addr().map(|at| at.port()))?;
        let scheme = if options.plain_http { "http" } else { "https" };
        let origin = format!("{scheme}://localhost:{port}");

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sandbox-worker")
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared::new(vendors::new_state(origin.clone())));
        let tls = (!options.plain_http).then(|| TlsAcceptor::from(identity.config));
        for listener in listeners {
            let _in_runtime = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(server::accept(listener, tls.clone(), Arc::clone(&shared)));
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
            ca_pem: identity.ca_pem,
            credentials: Vendor::ALL
                .map(|vendor| vendors::profile(vendor).defaults.owned_credentials()),
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens: `https://localhost:PORT`.
    pub fn origin(&self) -> String {
        self.origin.clone()
    }

    /// The vendor's base URL, as a client is configured with it. Parchment's ends in `/external`.
    pub fn base_url(&self, vendor: Vendor) -> String {
        format!("{}{}", self.origin, vendors::profile(vendor).base_path)
    }

    /// The vendor's protected resource, to GET with a bearer token. Parchment's needs
    /// `x-organization-secret` too.
    pub fn resource_url(&self, vendor: Vendor) -> String {
        format!("{}{}", self.origin, vendors::profile(vendor).resource_path)
    }

    /// The certificate authority that signed the server's certificate, made at the start.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The credentials that the vendor expected at the start, by name.
    pub fn credentials(&self, vendor: Vendor) -> &[(&'static str, String)] {
        &self.credentials[vendor as usize]
    }

    /// The credential that the vendor expects now; empty for a name it does not know.
    pub fn credential(&self, vendor: Vendor, name: &str) -> String {
        self.shared.state().of(vendor).credential(name).to_owned()
    }

    /// Makes the vendor expect another credential from now on; tokens already issued live on.
    /// False, and no effect, when the vendor knows no credential of that name.
    pub fn set_credential(&self, vendor: Vendor, name: &str, value: &str) -> bool {
        self.shared.state().of_mut(vendor).set_credential(name, value)
    }

    /// How many requests arrived at the vendor's token endpoint, whatever became of them.
    pub fn requests(&self, vendor: Vendor) -> u64 {
        self.shared.state().of(vendor).requests
    }

    /// How many requests arrived at the vendor's protected resource.
    pub fn resource_requests(&self, vendor: Vendor) -> u64 {
        self.shared.state().of(vendor).resource_requests
    }

    /// How many TCP connections were accepted.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many TLS handshakes resumed an earlier session.
    pub fn resumed_handshakes(&self) -> u64 {
        self.shared.resumed_handshakes.load(Ordering::SeqCst)
    }

    /// The latest request that the vendor's token endpoint has read to its end.
    pub fn last_request(&self, vendor: Vendor) -> Option<RecordedRequest> {
        self.shared.state().of(vendor).last_request.clone()
    }

    /// Sets how long the vendor's next tokens live. Where the vendor counts in seconds, its
    /// answer rounds down, while the token lives to its last millisecond.
    pub fn set_token_life(&self, vendor: Vendor, life: Duration) {
        self.shared.state().of_mut(vendor).token_life = life;
    }

    /// Makes the vendor's next tokens longer by about so many bytes, at most 1 MiB before
    /// encoding.
    pub fn set_token_padding(&self, vendor: Vendor, bytes: usize) {
        self.shared.state().of_mut(vendor).token_padding = bytes;
    }

    /// Sets the scopes that the vendor grants. Default: all documented ones.
    ///
    /// Parchment narrows what was requested to these (and knows them even if they are not
    /// documented); eHealth and Edvak list exactly these; Pattern has none.
    pub fn set_allowed_scopes(&self, vendor: Vendor, scopes: &[&str]) {
        self.shared.state().of_mut(vendor).scopes =
            scopes.iter().map(ToString::to_string).collect();
    }

    /// Revokes an access token: the vendor's protected resource refuses it from now on.
    pub fn revoke(&self, vendor: Vendor, access_token: &str) {
        self.shared.state().of_mut(vendor).revoke(access_token);
    }

    /// Revokes all access tokens that the vendor has issued so far.
    pub fn revoke_all(&self, vendor: Vendor) {
        self.shared.state().of_mut(vendor).revoke_all();
    }

    /// Whether the vendor's protected resource would accept the access token now.
    pub fn accepts(&self, vendor: Vendor, access_token: &str) -> bool {
        self.shared.state().accepts(vendor, access_token)
    }

    /// Puts the server's clock so many seconds ahead (behind, if negative): its `Date` header,
    /// absolute expiries, JWT claims, and when it takes a token for expired. Default: 0.
    pub fn set_clock_skew(&self, seconds: i64) {
        self.shared.state().set_clock_skew(seconds);
    }

    /// eHealth: whether each refresh answers with a new refresh token, which makes the old one
    /// unknown. Default: false.
    pub fn rotate_refresh_tokens(&self, rotate: bool) {
        self.shared.state().refresh_tokens_rotate = rotate;
    }

    /// eHealth: whether a request without `X-Custom-PSK` or `API-key` is refused. A wrong one is
    /// always refused. Default: false.
    pub fn require_gateway_keys(&self, require: bool) {
        self.shared.state().gateway_keys_required = require;
    }

    /// eHealth: whether the owner has revoked the client's access (`access_denied`).
    /// Default: false.
    pub fn revoke_access(&self, revoked: bool) {
        self.shared.state().access_revoked = revoked;
    }

    /// eHealth: whether the refresh token has expired (`token_expired`). Default: false.
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
    pub fn inject(&self, vendor: Vendor, fault: Fault) {
        self.shared.state().of_mut(vendor).next_faults.push_back(fault);
    }

    /// Lets every token request to the vendor go wrong until told otherwise; none ends it.
    pub fn inject_always(&self, vendor: Vendor, fault: Option<Fault>) {
        self.shared.state().of_mut(vendor).standing_fault = fault;
    }

    /// Removes every fault of the vendor, queued or standing.
    pub fn clear_faults(&self, vendor: Vendor) {
        let mut state = self.shared.state();
        let vendor = state.of_mut(vendor);
        vendor.next_faults.clear();
        vendor.standing_fault = None;
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
