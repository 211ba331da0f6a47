//! `caretoken_config`: what a client is made of.

use std::ffi::c_char;
use std::ptr;

use super::arguments::{self, Out, required_mut};
use super::call::call;
use super::error::caretoken_error;
use super::failure::Failure;
use super::panic::catch;
use super::pthread_cancel::PthreadCancelDisabled;
use super::types::caretoken_status;
use crate::builder::ClientBuilder;
use crate::client::Client;

/// What a client is made of: a vendor, credentials, settings, callbacks.
///
/// Made by caretoken_config_new, freed by caretoken_config_free. One thread at a time may use it. A
/// client copies what it needs, so that a config may make several clients, be changed in between, and
/// be freed at any time.
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

/// Starts the configuration of a client for one vendor.
///
/// vendor is parchment, ehealth, edvak or pattern. On failure *config is NULL; the error's remedy
/// lists the vendors that exist.
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

/// Sets one credential or setting by its name. When that fails, what was set before stays.
///
/// The value is the len bytes at data, in UTF-8, without NUL; (NULL, 0) is the empty text, NULL with
/// any other len is CARETOKEN_NULL_ARGUMENT. It is copied, and the copy is wiped in the end. The
/// credentials by vendor, [those in brackets may be left out]:
///
///   parchment  partner_id, partner_secret, organization_id, organization_secret, user_id,
///              [authorization_bearer]
///   ehealth    client_id, client_secret, refresh_token, [custom_psk], [api_key]
///   edvak      client_id, client_secret, username, password
///   pattern    client_id, client_secret
///
/// The settings:
///
///   base_url             where the vendor's API lives, such as https://api.parchmenthealth.io/external;
///                        required
///   scopes               the scopes to request, separated by spaces; required by parchment, not taken
///                        by the others
///   timeout_ms           how long a call may block at most, in all; 30000 unless set
///   ca_pem, ca_file      CA certificates to trust besides the public ones: PEM text, or the path of a
///                        PEM file, which is read at once; may be set repeatedly
///   roots                bundled (unless set): Mozilla's public CAs; system: the operating system's
///                        certificate store, on Linux where SSL_CERT_FILE and SSL_CERT_DIR say; none:
///                        ca_pem and ca_file alone decide
///   crl_pem, crl_file    certificate revocation lists, one for each issuer: PEM text, or the path of a
///                        PEM file, which is read at once; may be set repeatedly. A list counts
///                        however old it is; certificates whose issuer gave none are not checked
///   tls                  rustls (unless set); system: the operating system's TLS, in a library that was
///                        built with the feature native-tls. roots is system then, unless set to none;
///                        pins are compared with the server's own key alone; client keys must be PKCS#8
///   client_cert_pem, client_cert_file, client_key_pem, client_key_file
///                        a certificate chain and its key that identify this client (mutual TLS)
///   pins                 SHA-256 of public keys, base64, separated by spaces: the server's key or that
///                        of a CA that vouches for it must be among them
///   proxy                environment (unless set): what HTTPS_PROXY, ALL_PROXY and NO_PROXY say; off; or
///                        a URL: http://, socks5:// or socks5h://, with user:password@ where it asks,
///                        special characters as %XX. A login that the proxy refused is not sent again
///                        for 15 minutes (CARETOKEN_PROXY_LOGIN_REJECTED), by this client and its
///                        siblings, and at most five times in 15 minutes while nobody knows how it
///                        was taken; a new client begins anew
///   resolve              host=address: connects there without asking DNS; may be set repeatedly
///   max_idle_ms          how long a connection is kept for the next request; 20000 unless set
///   user_agent           the User-Agent header; caretoken/VERSION unless set
///   rejection_memory_ms  how long a rejection of the credentials is answered from memory instead of
///                        being asked for again, so that no account gets locked; 900000 unless set;
///                        0 turns it off
///   refresh_token_expires_at_ms
///                        ehealth alone: when the configured refresh token ends, in Unix
///                        milliseconds; not known unless set. It is used once more before its end,
///                        and the event sign_in_due tells days ahead that a person must sign in
///   percent_encode_credentials
///                        true or false (unless set): pattern alone; encodes client_id and
///                        client_secret before they are joined for HTTP Basic
///   plain_http_to_loopback
///                        true or false (unless set): allows http:// to this very machine, for
///                        tests; all addresses of the host must be loopback
///   require_locked_memory
///                        true or false (unless set): refuses to work where the system does not let
///                        all credentials and tokens be locked into RAM
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
        let value = unsafe { arguments::value(data, len, || config.0.shown(name)) }?;
        Ok(config.0.set(name, value)?)
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
            // SAFETY: `caretoken_config_new` made it of a `Box`, and the caller gives it up.
            drop(unsafe { Box::from_raw(config) });
        }
    });
}
