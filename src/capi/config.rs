//! `caretoken_config`: what a client is made of.

use std::ffi::c_char;
use std::ptr;

use super::arguments::{self, Out, required_mut};
use super::call::call;
use super::error::caretoken_error;
use super::failure::Failure;
use super::panic::catch;
use super::profile::{self, caretoken_profile};
use super::pthread_cancel::PthreadCancelDisabled;
use super::types::caretoken_status;
use crate::builder::ClientBuilder;
use crate::client::Client;

/// What a client is made of: a vendor, credentials, settings, and callbacks (see
/// caretoken_config_set_on_rotation and caretoken_config_set_on_event).
///
/// Made by caretoken_config_new, caretoken_config_from_profile or caretoken_client_sibling, freed by
/// caretoken_config_free. One thread at a time may use it. A client copies what it needs, so that a
/// config may make several clients, be changed in between, and be freed at any time.
pub struct caretoken_config(ClientBuilder);

impl caretoken_config {
    pub(super) fn into_c(builder: ClientBuilder) -> *mut caretoken_config {
        Box::into_raw(Box::new(caretoken_config(builder)))
    }

    pub(super) fn build(&self) -> Result<Client, Failure> {
        Ok(self.0.clone().build()?)
    }

    pub(super) fn change(&mut self, change: impl FnOnce(ClientBuilder) -> ClientBuilder) {
        self.0 = change(self.0.clone());
    }
}

/// Starts the configuration of a client for a vendor whose profile is compiled in.
///
/// vendor is the profile's name, such as parchment: see caretoken_profile_names. On failure *config is
/// NULL; the error's remedy lists the names that exist.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_config_new(
    vendor: *const c_char,
    config: *mut *mut caretoken_config,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a place for a pointer.
    let config = unsafe { Out::cleared(config, "config", ptr::null_mut()) };
    let body = || {
        let config = config.required()?;
        // SAFETY: the caller gives NULL or a NUL-terminated text.
        let vendor = unsafe { arguments::text(vendor, "vendor") }?;
        let builder = ClientBuilder::by_name(vendor)?;
        config.set(caretoken_config::into_c(builder));
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Starts the configuration of a client for any vendor, by its profile: one that was read from a file,
/// mostly. The profile stays the caller's, and may be freed at any time.
///
/// On failure *config is NULL. A profile with a parameter that has the name of a setting gives a config
/// that caretoken_client_new refuses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_config_from_profile(
    profile: *const caretoken_profile,
    config: *mut *mut caretoken_config,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a place for a pointer.
    let config = unsafe { Out::cleared(config, "config", ptr::null_mut()) };
    let body = || {
        let config = config.required()?;
        // SAFETY: the caller gives NULL or a profile that is not freed meanwhile.
        let profile = unsafe { profile::borrow(profile) }?;
        config.set(caretoken_config::into_c(Client::builder(profile.clone())));
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Sets one credential or setting by its name. When that fails, what was set before stays.
///
/// The value is the len bytes at data, in UTF-8, without NUL; (NULL, 0) is the empty text, NULL with
/// any other len is CARETOKEN_NULL_ARGUMENT. It is copied, and the copy is wiped in the end.
///
/// The credentials of a profile are its parameters: see caretoken_profile. Those of the profiles that
/// are compiled in, [those in brackets may be left out]:
///
///   parchment          base_url, partner_id, partner_secret, organization_id,
///                      organization_secret, user_id, [authorization_bearer]
///   ehealth            base_url, client_id, client_secret, refresh_token, [custom_psk],
///                      [api_key]
///   edvak              base_url, client_id, client_secret, username, password
///   pattern            base_url, client_id, client_secret
///   oauth2-client-credentials
///                      token_url, client_id, client_secret, [client_authentication]
///   oauth2-password    token_url, client_id, [client_secret], [client_authentication], username,
///                      password
///   oauth2-refresh-token
///                      token_url, client_id, [client_secret], [client_authentication],
///                      refresh_token
///   oauth2-jwt-bearer  token_url, issuer, [subject], [audience], private_key, [key_id],
///                      [algorithm], [client_id]
///
/// The settings:
///
///   scopes             The scopes to request, separated by spaces, where the profile takes any;
///                      parchment requires at least one. Default: none.
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
///                      When the configured refresh token ends, in Unix milliseconds; for
///                      profiles that take a refresh token, such as ehealth. The token is used
///                      once more before its end, and the event sign_in_due tells days ahead that
///                      a person must sign in again. Default: not known.
///   percent_encode_credentials
///                      true percent-encodes client id and secret before they are joined for HTTP
///                      Basic (RFC 6749 section 2.3.1), and false joins them as they are; for
///                      profiles with HTTP Basic. Default: as the profile says; false for
///                      pattern.
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
    error: *mut *const caretoken_error,
) -> caretoken_status {
    let body = || {
        // SAFETY: the caller gives NULL or a config that no other thread uses.
        let config = unsafe { required_mut(config, "config") }?;
        // SAFETY: the caller gives NULL or a NUL-terminated text.
        let name = unsafe { arguments::text(name, "name") }?;
        // SAFETY: the caller gives NULL or `len` bytes.
        let value = unsafe {
            arguments::value(data, len, || {
                if config.0.knows(name) { name } else { "value" }.to_owned()
            })
        }?;
        Ok(config.0.change(name, value.into())?)
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Wipes and frees the config. Clients made from it live on. Does nothing when config is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_config_free(config: *mut caretoken_config) {
    let _no_cancel = PthreadCancelDisabled::begin();
    catch(|| {
        if !config.is_null() {
            // SAFETY: `into_c` made it of a `Box`, and the caller gives it up.
            drop(unsafe { Box::from_raw(config) });
        }
    });
}
