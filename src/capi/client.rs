//! `caretoken_client`: tokens on demand.

use std::ffi::c_char;
use std::mem;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::arguments::{self, Out, required};
use super::call::{call, call_cached};
use super::config::caretoken_config;
use super::error::caretoken_error;
use super::failure::Failure;
use super::panic::catch;
use super::pthread_cancel::PthreadCancelDisabled;
use super::token::{self, caretoken_token};
use super::types::caretoken_status;
use crate::client::Client;
use crate::life::clock::unix_ms;
use crate::memory::clear_registers;
use crate::token::Token;

/// For timeout_ms: the config's timeout.
pub const CARETOKEN_DEFAULT_TIMEOUT: i64 = -1;

/// Turns one set of credentials into a token that is valid now, and keeps it valid.
///
/// Made by caretoken_client_new, freed by caretoken_client_free. Make one per set of credentials and
/// share it: any number of threads may use it at once, and they share one token and one fetch. Work
/// happens inside the calls. After a fork the child may go on using it.
///
/// Where a function takes timeout_ms: it blocks at most that many milliseconds, waiting, connecting
/// and retrying included, and then fails with CARETOKEN_TIMEOUT. 0 never blocks: the result is the
/// cached token if it is good; else the error for which nothing is sent at present, if there is one (a
/// remembered rejection, a cool-down); else CARETOKEN_TIMEOUT. CARETOKEN_DEFAULT_TIMEOUT is the
/// config's. Any other negative number is CARETOKEN_INVALID_SETTING; there is no upper limit.
pub struct caretoken_client {
    client: Client,
    /// Whether the core has panicked while it was used.
    poisoned: AtomicBool,
}

/// What a client has done since it was made.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct caretoken_stats {
    /// Calls answered with a cached token.
    pub hits: u64,
    /// Requests sent to the vendor.
    pub fetches: u64,
    /// Requests that brought no token.
    pub failures: u64,
    /// Calls that waited for another thread's fetch.
    pub waits: u64,
    /// When a person must sign in again, as things stand, in Unix milliseconds: when both the refresh
    /// token and the token got with it will have ended. 0 where the refresh token's end is not known;
    /// see refresh_token_expires_at_ms.
    pub sign_in_due_at_ms: i64,
}

impl caretoken_client {
    pub(super) fn into_c(client: Client) -> *mut caretoken_client {
        let client = caretoken_client { client, poisoned: AtomicBool::new(false) };
        Arc::into_raw(Arc::new(client)).cast_mut()
    }

    /// Runs `body` on the core's client. A panic makes the client unusable.
    #[inline]
    pub(super) fn enter<R>(&self, body: impl FnOnce(&Client) -> R) -> Result<R, Failure> {
        struct PoisonOnUnwind<'a>(&'a AtomicBool);
        impl Drop for PoisonOnUnwind<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        if self.poisoned.load(Ordering::Acquire) {
            return Err(Failure::poisoned());
        }
        let poison = PoisonOnUnwind(&self.poisoned);
        let result = body(&self.client);
        mem::forget(poison);
        Ok(result)
    }

    pub(super) fn timeout(&self, timeout_ms: i64) -> Result<Duration, Failure> {
        match u64::try_from(timeout_ms) {
            Ok(timeout_ms) => Ok(Duration::from_millis(timeout_ms)),
            Err(_) if timeout_ms == CARETOKEN_DEFAULT_TIMEOUT => Ok(self.client.timeout()),
            Err(_) => Err(Failure::argument(
                "timeout_ms",
                "is negative",
                "pass milliseconds, or CARETOKEN_DEFAULT_TIMEOUT",
            )),
        }
    }
}

/// Counts a reference for the time of a call that may block. If another thread calls
/// `caretoken_client_free` meanwhile, this one frees the memory when it is done.
///
/// # Safety
/// `client` came from `caretoken_client::into_c` and is not freed before this returns.
pub(super) unsafe fn retain(client: *const caretoken_client) -> Arc<caretoken_client> {
    // SAFETY: the pointer is that of an `Arc`, with a reference counted as the caller promises.
    unsafe { Arc::increment_strong_count(client) };
    // SAFETY: this takes over the reference counted above.
    unsafe { Arc::from_raw(client) }
}

/// Makes a client of what the config holds. It touches no network. The config stays the caller's.
///
/// On failure *client is NULL, and the error names the first setting that is missing or cannot be
/// used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_new(
    config: *const caretoken_config,
    client: *mut *mut caretoken_client,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a place for a pointer.
    let client = unsafe { Out::cleared(client, "client", ptr::null_mut()) };
    let body = || {
        let client = client.required()?;
        // SAFETY: the caller gives NULL or a config that nobody changes meanwhile.
        let config = unsafe { required(config, "config") }?;
        client.set(caretoken_client::into_c(config.build()?));
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Starts a config that has all settings, credentials and callbacks of this client, and makes clients
/// that share its transport: connections, TLS configuration and sessions, resolver. Set what differs,
/// such as the acting user or scopes, then call caretoken_client_new. Settings of the transport itself
/// (ca_pem, proxy and their like) cannot be changed: caretoken_client_new refuses them.
///
/// Such clients are cheap: make one for each acting user. Each has a token of its own. They and this
/// one may be freed in any order. Free the config with caretoken_config_free. On failure *config is
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_sibling(
    client: *const caretoken_client,
    config: *mut *mut caretoken_config,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a place for a pointer.
    let config = unsafe { Out::cleared(config, "config", ptr::null_mut()) };
    let body = || {
        let config = config.required()?;
        // SAFETY: the caller gives NULL or a client that is not freed before this returns.
        let client = unsafe { required(client, "client") }?;
        config.set(caretoken_config::into_c(client.enter(Client::sibling)?));
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Gives a token that is valid now: the cached one, or a new one from the vendor. Free it with
/// caretoken_token_free.
///
/// A cached token costs some nanoseconds and allocates nothing (see MEMORY at the end of this header), so call this before
/// each request instead of keeping tokens. While the cached token is still good, a vendor that fails is
/// no error.
/// On failure *token is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_token(
    client: *const caretoken_client,
    timeout_ms: i64,
    token: *mut *const caretoken_token,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a place for a pointer.
    let token = unsafe { Out::cleared(token, "token", ptr::null()) };
    let body = || {
        let token = token.required()?;
        let hit = |client: &Client| client.hit(|inner| Token(Arc::clone(inner)));
        // SAFETY: the caller gives NULL or a client that is not freed before this call has begun.
        let found = unsafe { hit_or_miss(client, timeout_ms, hit, |token| token) }?;
        token.set(token::into_c(found)?);
        Ok(())
    };
    // A hit reads no secret, only a pointer, and a miss clears the registers itself.
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call_cached(error, body) }
}

/// Writes the value of the header that carries a token that is valid now, as the token's field
/// authorization has it ("Bearer " and the access token, unless the profile says otherwise), into the
/// caller's buffer, with a NUL behind it. As caretoken_client_token, for the case that the header is all
/// that is wanted: it counts no reference.
///
/// The name of the header is that of the profile and the same for all its tokens: authorization, unless
/// the profile says otherwise. Read it once, from the field header of a caretoken_profile or of a token.
///
/// *length is the length without the NUL; capacity must be larger than that. If it is not, the call
/// is CARETOKEN_BUFFER_TOO_SMALL, *length says what is needed, and nothing is written to the buffer.
/// (NULL, 0) as buffer and capacity asks for the length alone. A later token may be longer, so be
/// ready to ask again.
///
/// The buffer holds a secret then: wipe it after use, with caretoken_wipe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_authorization(
    client: *const caretoken_client,
    timeout_ms: i64,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a place for a number.
    let length = unsafe { Out::cleared(length, "length", 0) };
    let body = || {
        let length = length.required()?;
        if capacity > 0 && buffer.is_null() {
            return Err(Failure::null("buffer"));
        }
        let write = |value: &str| {
            length.set(value.len());
            if value.len() >= capacity {
                return Err(Failure::buffer_too_small());
            }
            // SAFETY: the caller gives `capacity` writable bytes, which are enough, and a text of
            // ours does not overlap with them.
            unsafe { ptr::copy_nonoverlapping(value.as_ptr().cast(), buffer, value.len()) };
            // SAFETY: as above; the text ends before the last byte.
            unsafe { buffer.add(value.len()).write(0) };
            Ok(())
        };
        let hit = |client: &Client| client.hit(|inner| write(inner.authorization.expose_secret()));
        let miss = |token: Token| write(token.authorization().expose_secret());
        // SAFETY: the caller gives NULL or a client that is not freed before this call has begun.
        unsafe { hit_or_miss(client, timeout_ms, hit, miss) }?
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    let status = unsafe { call_cached(error, body) };
    clear_registers();
    status
}

/// What `hit` reads of the cached token; else what `miss` makes of the token that the client fetches or
/// waits for.
///
/// # Safety
/// `client` is NULL, or came from `caretoken_client::into_c` and is not freed before this begins to
/// block.
#[inline]
unsafe fn hit_or_miss<R>(
    client: *const caretoken_client,
    timeout_ms: i64,
    hit: impl FnOnce(&Client) -> Option<R>,
    miss: impl FnOnce(Token) -> R,
) -> Result<R, Failure> {
    let timeout = {
        // SAFETY: as the caller promises.
        let client = unsafe { required(client, "client") }?;
        let timeout = client.timeout(timeout_ms)?;
        if let Some(found) = client.enter(hit)? {
            return Ok(found);
        }
        timeout
    };
    let _no_cancel = PthreadCancelDisabled::begin();
    // SAFETY: it is not NULL, and the caller promises the rest.
    let client = unsafe { retain(client) };
    let token = client.enter(|client| client.miss(timeout))??;
    clear_registers();
    Ok(miss(token))
}

/// Gives the cached token if it is still good, without ever blocking or touching the network. Free it
/// with caretoken_token_free.
///
/// *token is NULL when there is none; that is no failure, and the status is CARETOKEN_OK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_peek(
    client: *const caretoken_client,
    token: *mut *const caretoken_token,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a place for a pointer.
    let token = unsafe { Out::cleared(token, "token", ptr::null()) };
    let body = || {
        let token = token.required()?;
        // SAFETY: the caller gives NULL or a client that is not freed meanwhile.
        let client = unsafe { required(client, "client") }?;
        if let Some(found) = client.enter(Client::peek)? {
            token.set(token::into_c(found)?);
        }
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Fetches a token if there is none, or if the cached one is about to end, unless another thread is
/// fetching. For the host's own idle timer: a call every 30 seconds spares most other calls the
/// wait. It blocks at most the config's timeout.
///
/// *refreshed says whether it fetched one; refreshed may be NULL. After a failure a cached token that
/// is still good stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_refresh_if_due(
    client: *const caretoken_client,
    refreshed: *mut bool,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a place for a bool.
    let refreshed = unsafe { Out::cleared(refreshed, "refreshed", false) };
    let body = || {
        // SAFETY: the caller gives NULL or a client that is not freed before this call has begun.
        unsafe { required(client, "client") }?;
        // SAFETY: as above, and it is not NULL.
        let client = unsafe { retain(client) };
        refreshed.set(client.enter(Client::refresh_if_due)??);
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Reports that the vendor's API refused this token (HTTP status 401). If it is the cached one, it is
/// dropped, and the next call fetches another; any other token of whatever client changes nothing.
/// The token still needs its caretoken_token_free.
///
/// *dropped says whether it was dropped: of many threads that report the same token, one gets true.
/// dropped may be NULL. When fresh tokens keep being refused, calls end in CARETOKEN_TOKENS_REFUSED
/// for a while instead of fetching ever more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_reject(
    client: *const caretoken_client,
    token: *const caretoken_token,
    dropped: *mut bool,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a place for a bool.
    let dropped = unsafe { Out::cleared(dropped, "dropped", false) };
    let body = || {
        // SAFETY: the caller gives NULL or a client that is not freed before this call has begun.
        unsafe { required(client, "client") }?;
        // SAFETY: the caller gives NULL or a token with a reference of its own.
        let token = unsafe { token::borrow(token) }?;
        // SAFETY: as above, and it is not NULL. Retained because the event callback may take its time.
        let client = unsafe { retain(client) };
        dropped.set(client.enter(|client| client.reject(&token))?);
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Ends every call on this client, in any thread, that is under way or waiting, within 100 ms: with the
/// cached token where there is a good one, else with CARETOKEN_CANCELLED. Later calls are not affected.
/// Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_cancel(
    client: *const caretoken_client,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    let body = || {
        // SAFETY: the caller gives NULL or a client that is not freed meanwhile.
        let client = unsafe { required(client, "client") }?;
        client.enter(Client::cancel)
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Replaces one credential by its name; the value is given as in caretoken_config_set. Calls from now
/// on use it, and a remembered rejection is forgotten. When that fails, the old one stays.
///
/// The cached token stays if the credential is only proof (a secret, a password); it is dropped if it
/// says whose token it is (a client id, a user, a refresh token). Credentials that belong together are
/// replaced together: see caretoken_client_set_credentials.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_set_credential(
    client: *const caretoken_client,
    name: *const c_char,
    data: *const c_char,
    len: usize,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    let one = caretoken_credential { name, value: data, value_len: len };
    // SAFETY: the caller's promises are the same, and `one` is one.
    unsafe { caretoken_client_set_credentials(client, &raw const one, 1, error) }
}

/// A credential for caretoken_client_set_credentials. It is the caller's and copied from.
#[repr(C)]
pub struct caretoken_credential {
    /// Its name, such as username; NUL-terminated.
    pub name: *const c_char,
    /// Its value, in UTF-8.
    pub value: *const c_char,
    /// How many bytes the value has, without a NUL.
    pub value_len: usize,
}

const COUNT: (&str, &str) = ("count", "pass how many there are; was it a negative number?");

/// Replaces count credentials at once, such as a user name and its password: no request ever goes out
/// with some of them old and some new. For each the same holds as in caretoken_client_set_credential;
/// of a name that comes twice the last value counts.
///
/// When one cannot be used, the error names it, and all old ones stay. credentials may be NULL if count
/// is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_set_credentials(
    client: *const caretoken_client,
    credentials: *const caretoken_credential,
    count: usize,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    let body = || {
        // SAFETY: the caller gives NULL or a client that is not freed meanwhile.
        let client = unsafe { required(client, "client") }?;
        // SAFETY: the caller gives NULL or `count` credentials.
        let credentials = unsafe { arguments::list(credentials, count, "credentials", COUNT) }?;
        let mut read = Vec::with_capacity(credentials.len());
        for one in credentials {
            // SAFETY: the caller gives NULL or a NUL-terminated text.
            let name = unsafe { arguments::text(one.name, "name") }?;
            let is_known = client.client.knows(name);
            let shown = || if is_known { name } else { "value" }.to_owned();
            // SAFETY: the caller gives NULL or `value_len` bytes.
            let value = unsafe { arguments::value(one.value, one.value_len, shown) }?;
            read.push((name, value));
        }
        Ok(client.enter(|client| client.set_credentials(read))??)
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Counts what the client has done since it was made. stats_size is sizeof(caretoken_stats), so that
/// programs and libraries of different versions understand each other: what the library does not know
/// is set to 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_stats(
    client: *const caretoken_client,
    stats_size: usize,
    stats: *mut caretoken_stats,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    let size = stats_size.min(isize::MAX.unsigned_abs());
    if !stats.is_null() {
        // SAFETY: the caller gives `stats_size` writable bytes.
        unsafe { stats.cast::<u8>().write_bytes(0, size) };
    }
    let body = || {
        if stats.is_null() {
            return Err(Failure::null("stats"));
        }
        // SAFETY: the caller gives NULL or a client that is not freed meanwhile.
        let client = unsafe { required(client, "client") }?;
        let counted = client.enter(Client::stats)?;
        let counted = caretoken_stats {
            hits: counted.hits,
            fetches: counted.fetches,
            failures: counted.failures,
            waits: counted.waits,
            sign_in_due_at_ms: counted.sign_in_due_at.map_or(0, unix_ms),
        };
        let size = size.min(mem::size_of::<caretoken_stats>());
        // SAFETY: both are at least `size` bytes long, and one of them is on our stack.
        unsafe {
            ptr::copy_nonoverlapping(ptr::from_ref(&counted).cast::<u8>(), stats.cast(), size);
        }
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Says how many milliseconds the vendor's clock is ahead of this machine's, as of the last answer
/// with a Date header; good to about a second.
///
/// *is_known is false, and *skew_ms is 0, before the first such answer; is_known may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_clock_skew_ms(
    client: *const caretoken_client,
    is_known: *mut bool,
    skew_ms: *mut i64,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a place for a bool.
    let is_known = unsafe { Out::cleared(is_known, "is_known", false) };
    // SAFETY: the caller gives NULL or a place for a number.
    let skew_ms = unsafe { Out::cleared(skew_ms, "skew_ms", 0) };
    let body = || {
        let skew_ms = skew_ms.required()?;
        // SAFETY: the caller gives NULL or a client that is not freed meanwhile.
        let client = unsafe { required(client, "client") }?;
        if let Some(known) = client.enter(Client::clock_skew_ms)? {
            is_known.set(true);
            skew_ms.set(known);
        }
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Frees the client. Tokens that it gave live on. Does nothing when client is NULL.
///
/// From here on nobody may use it: let the other threads know, call caretoken_client_cancel if they
/// should not finish their calls, and free it when they are done. Should a thread still be blocked in
/// a call on it, that call is cancelled, and the client's memory stays until it has returned; but a
/// thread that only just enters a call, or leaves it, is too late for that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_client_free(client: *mut caretoken_client) {
    let _no_cancel = PthreadCancelDisabled::begin();
    catch(|| {
        if !client.is_null() {
            // SAFETY: `into_c` made it of an `Arc`, and the caller gives its reference up.
            let client = unsafe { Arc::from_raw(client) };
            client.client.cancel();
        }
    });
}
