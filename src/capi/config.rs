//! `caretoken_config`: what a client is made of.

use std::ffi::{c_char, c_void};
use std::ptr;

use super::boundary::{Failure, Out, call, guard, required_mut};
use super::cancellation::Uncancelled;
use super::error::caretoken_error;
use super::event::{caretoken_event, with_face};
use super::status::{CARETOKEN_NULL_ARGUMENT, caretoken_status};
use super::strings::{caretoken_str, sized_text_from_c, text_from_c};
use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::error::Error;
use crate::memory::Secret;

/// What a client is made of: a vendor, credentials, settings, callbacks.
///
/// Made by caretoken_config_new, freed by caretoken_config_free. One thread at a time may use it. A
/// client copies what it needs, so that a config may make several clients, be changed in between, and
/// be freed at any time.
pub struct caretoken_config(ClientBuilder);

impl caretoken_config {
    pub(super) fn handle(builder: ClientBuilder) -> *mut caretoken_config {
        Box::into_raw(Box::new(caretoken_config(builder)))
    }

    pub(super) fn build(&self) -> Result<Client, Failure> {
        Ok(self.0.clone().build()?)
    }

    fn change(&mut self, change: impl FnOnce(ClientBuilder) -> ClientBuilder) {
        self.0 = change(self.0.clone());
    }
}

/// Stores a new refresh token that the vendor handed out in place of the old one, durably: the old
/// one is dead. Returns 0 when it is stored, anything else when it could not be.
///
/// Called on the thread whose call fetched, before anybody gets the access token that came with it,
/// and under no lock. When it fails, that call ends in CARETOKEN_ROTATION_NOT_STORED and nothing is
/// lost: the client keeps both tokens and offers the refresh token again at the next call. It may use
/// the client, but asking that for a token fails there; caretoken_client_peek works.
///
/// refresh_token lives until it returns. It must not leave by a C++ exception or longjmp.
pub type caretoken_on_rotation =
    Option<unsafe extern "C" fn(user_data: *mut c_void, refresh_token: caretoken_str) -> i32>;

/// Takes note of an event.
///
/// Called on the thread where it happens, under no lock, possibly on several threads at once; keep it
/// short. event lives until it returns. It must not leave by a C++ exception or longjmp.
pub type caretoken_on_event =
    Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const caretoken_event)>;

/// The host's pointer on its way back to the host.
struct UserData(*mut c_void);

// SAFETY: never dereferenced here; the header asks the host for one that any thread may use.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    /// By method, so that a closure captures the whole and not the pointer alone.
    fn get(&self) -> *mut c_void {
        self.0
    }
}

/// The value of a setting or credential. Where it is NULL, the error names that and not the argument:
/// more often than not it comes from an environment variable that is not set.
///
/// # Safety
/// As for `sized_text_from_c`.
pub(super) unsafe fn value_from_c<'a>(
    data: *const c_char,
    len: usize,
    name: impl Fn() -> String,
) -> Result<&'a str, Failure> {
    if data.is_null() && len > 0 {
        let remedy = "pass the value; if it comes from an environment variable, set that";
        let error = Error::setting(name(), "is NULL", remedy);
        return Err(Failure { status: CARETOKEN_NULL_ARGUMENT, error });
    }
    // SAFETY: as the caller promises.
    unsafe { sized_text_from_c(data, len, name) }
}

/// Starts the configuration of a client for one vendor.
///
/// vendor is parchment, ehealth, edvak or pattern. On failure *config is NULL; the error's remedy
/// lists the vendors that exist.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_config_new(
    vendor: *const c_char,
    config: *mut *mut caretoken_config,
    error: *mut *mut caretoken_error,
) -> caretoken_status {
    let _uncancelled = Uncancelled::begin();
    // SAFETY: the caller gives NULL or a place for a pointer.
    let config = unsafe { Out::cleared(config, "config", ptr::null_mut()) };
    let body = || {
        let config = config.required()?;
        // SAFETY: the caller gives NULL or a NUL-terminated text.
        let vendor = unsafe { text_from_c(vendor, "vendor") }?;
        let builder = ClientBuilder::by_name(vendor)?;
        config.set(caretoken_config::handle(builder));
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Sets one credential or setting by its name. When that fails, what was set before stays.
///
/// The value is the len bytes at data, in UTF-8, without NUL; (NULL, 0) is the empty text, NULL with
/// any other len is CARETOKEN_NULL_ARGUMENT. It is copied, and the copy is wiped in the end. The
/// credentials by vendor, [those in brackets may be left out]:
///
///   parchment          partner_id, partner_secret, organization_id, organization_secret,
///                      user_id, [authorization_bearer]
///   ehealth            client_id, client_secret, refresh_token, [custom_psk], [api_key]
///   edvak              client_id, client_secret, username, password
///   pattern            client_id, client_secret
///
/// The settings:
///
///   base_url           Where the vendor's API lives, such as
///                      https://api.parchmenthealth.io/external. Default: none; required.
///   scopes             The scopes to request, separated by spaces; parchment requires at least
///                      one, the others take none. Default: none.
///   timeout_ms         How many milliseconds a call may block at most, in all. Default: 30000.
///   ca_pem             CA certificates (PEM) to trust besides those of roots: a private CA, or a
///                      network that inspects TLS. May be set repeatedly. Default: none.
///   ca_file            As ca_pem, from the file at this path, which is read at once. Default:
///                      none.
///   roots              Whose CAs are trusted: bundled, those of the Mozilla root programme;
///                      system, those of the operating system's store (on Linux SSL_CERT_FILE and
///                      SSL_CERT_DIR name another place); none, those in ca_pem alone. Default:
///                      bundled.
///   crl_pem            Certificate revocation lists (PEM), one for each issuer. A list counts
///                      however old it is; a certificate whose issuer has no list is accepted.
///                      May be set repeatedly. Default: none.
///   crl_file           As crl_pem, from the file at this path, which is read at once. Default:
///                      none.
///   tls                rustls, or system: OpenSSL, SChannel or Secure Transport, in a build with
///                      the feature native-tls. With system, roots is system unless it is set to
///                      none, pins are compared with the server's own key alone, and client keys
///                      must be PKCS#8. Default: rustls.
///   client_cert_pem    The certificate chain (PEM), its own certificate first, that identifies
///                      this client (mutual TLS). Default: none.
///   client_cert_file   As client_cert_pem, from the file at this path, which is read at once.
///                      Default: none.
///   client_key_pem     The key (PEM: PKCS#8, PKCS#1 or SEC1, not encrypted) of client_cert_pem.
///                      Default: none.
///   client_key_file    As client_key_pem, from the file at this path, which is read at once.
///                      Default: none.
///   pins               SHA-256 of public keys (base64, RFC 7469), separated by spaces: the
///                      server's key, or that of a CA that vouches for it, must be among them.
///                      Default: none.
///   proxy              environment: what HTTPS_PROXY, ALL_PROXY and NO_PROXY say when the client
///                      is made; off; or a URL: http://, socks5:// or socks5h://, with
///                      user:password@ where the proxy asks for it, special characters as %XX. A
///                      login that the proxy refused is not sent again for 15 minutes by this
///                      client and its siblings, and one whose outcome is unknown at most five
///                      times in 15 minutes; a new client begins anew. Default: environment.
///   resolve            host=address: connects to this address without asking DNS, for
///                      split-horizon DNS and tests. May be set repeatedly. Default: none.
///   max_idle_ms        How many milliseconds a connection is kept for the next request; 0 keeps
///                      none. Default: 20000.
///   user_agent         The User-Agent header. Default: caretoken/ and the version.
///   rejection_memory_ms
///                      How many milliseconds rejected credentials are not sent again, so that no
///                      account gets locked; 0 turns it off, also where that can lock an account.
///                      Default: 900000.
///   refresh_token_expires_at_ms
///                      When the configured refresh token ends, in Unix milliseconds; ehealth
///                      alone. The token is used once more before its end, and the event
///                      sign_in_due tells days ahead that a person must sign in again. Default:
///                      not known.
///   percent_encode_credentials
///                      true percent-encodes client id and secret before they are joined for HTTP
///                      Basic (RFC 6749 section 2.3.1); pattern alone. Default: false.
///   plain_http_to_loopback
///                      true allows http:// to this machine itself, for tests; all addresses of
///                      the host must be loopback. Default: false.
///   require_locked_memory
///                      true refuses to work where the system does not let all credentials and
///                      tokens be locked into RAM. Default: false.
///
/// A value that cannot be used is CARETOKEN_INVALID_SETTING; the error names the field, never the
/// value. For an unknown name the error's remedy lists the names that exist.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_config_set(
    config: *mut caretoken_config,
    name: *const c_char,
    data: *const c_char,
    len: usize,
    error: *mut *mut caretoken_error,
) -> caretoken_status {
    let _uncancelled = Uncancelled::begin();
    let body = || {
        // SAFETY: the caller gives NULL or a config that no other thread uses.
        let config = unsafe { required_mut(config, "config") }?;
        // SAFETY: the caller gives NULL or a NUL-terminated text.
        let name = unsafe { text_from_c(name, "name") }?;
        // SAFETY: the caller gives NULL or `len` bytes.
        let value = unsafe {
            value_from_c(data, len, || config.0.known_name(name).unwrap_or("value").to_owned())
        }?;
        Ok(config.0.change(name, value.into())?)
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Sets the callback that stores rotated refresh tokens; a later one replaces it, and NULL takes it
/// away, also where a sibling has got it from another client. Without one the client goes on with the
/// new refresh token, and a restart of the program loses it.
///
/// user_data is passed to each call. What it points to must be fit for any thread, and must live until
/// every client made from this config is freed and its last call has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_config_set_on_rotation(
    config: *mut caretoken_config,
    callback: caretoken_on_rotation,
    user_data: *mut c_void,
    error: *mut *mut caretoken_error,
) -> caretoken_status {
    let body = || {
        // SAFETY: the caller gives NULL or a config that no other thread uses.
        let config = unsafe { required_mut(config, "config") }?;
        let user_data = UserData(user_data);
        let store = move |refresh_token: &Secret| {
            let Some(callback) = callback else { return Ok(()) };
            let refresh_token = caretoken_str::of_secret(refresh_token);
            // SAFETY: the host's function, called as the header says.
            match unsafe { callback(user_data.get(), refresh_token) } {
                0 => Ok(()),
                status => Err(format!("the callback returned {status}").into()),
            }
        };
        config.change(|builder| builder.on_rotation(store));
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Sets the callback that takes note of events; a later one replaces it, and NULL takes it away. For
/// user_data the same holds as in caretoken_config_set_on_rotation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_config_set_on_event(
    config: *mut caretoken_config,
    callback: caretoken_on_event,
    user_data: *mut c_void,
    error: *mut *mut caretoken_error,
) -> caretoken_status {
    let body = || {
        // SAFETY: the caller gives NULL or a config that no other thread uses.
        let config = unsafe { required_mut(config, "config") }?;
        let user_data = UserData(user_data);
        config.change(|builder| {
            builder.on_event(move |event| {
                let Some(callback) = callback else { return };
                // SAFETY: the host's function, called as the header says.
                with_face(event, |event| unsafe { callback(user_data.get(), event) });
            })
        });
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Wipes and frees the config. Clients made from it live on. Does nothing when config is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_config_free(config: *mut caretoken_config) {
    let _uncancelled = Uncancelled::begin();
    guard(|| {
        if !config.is_null() {
            // SAFETY: `caretoken_config_new` made it of a `Box`, and the caller gives it up.
            drop(unsafe { Box::from_raw(config) });
        }
    });
}
