//! `caretoken_error`: why a call failed.

use super::boundary::{Failure, guard};
use super::status::{CARETOKEN_NULL_ARGUMENT, caretoken_status, name_of};
use super::strings::{Texts, caretoken_str};

/// Why a call failed, and who must do what about it.
///
/// It holds statuses, codes, names and shapes, never a credential, a token or a part of an answer's
/// body: it is safe to log. Every fallible function makes one if its last argument is not NULL; free
/// it with caretoken_error_free. It never changes, so any thread may read it, and it needs nothing
/// that may be freed before it.
///
/// The functions that read it take NULL for an error that knows nothing, so that they can be called
/// without a look at the pointer.
pub struct caretoken_error {
    status: caretoken_status,
    http_status: i32,
    retryable: bool,
    retry_after_ms: i64,
    line: caretoken_str,
    message: caretoken_str,
    remedy: caretoken_str,
    field: caretoken_str,
    phase: caretoken_str,
    actor: caretoken_str,
    vendor: caretoken_str,
    vendor_code: caretoken_str,
    request_id: caretoken_str,
    /// What the views above are views of.
    _texts: Texts,
}

impl caretoken_error {
    pub(super) fn of(failure: &Failure) -> Self {
        let error = &failure.error;
        let (texts, mut views) = Texts::of(&[
            &error.to_string(),
            error.message(),
            error.remedy(),
            error.field().unwrap_or_default(),
            error.phase().name(),
            error.actor().name(),
            error.vendor().unwrap_or_default(),
            error.vendor_code().unwrap_or_default(),
            error.request_id().unwrap_or_default(),
        ]);
        let mut next = || views.next().unwrap_or(caretoken_str::EMPTY);
        caretoken_error {
            status: failure.status,
            http_status: error.http_status().map_or(0, i32::from),
            retryable: error.is_retryable(),
            retry_after_ms: error
                .retry_after()
                .map_or(-1, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
            line: next(),
            message: next(),
            remedy: next(),
            field: next(),
            phase: next(),
            actor: next(),
            vendor: next(),
            vendor_code: next(),
            request_id: next(),
            _texts: texts,
        }
    }
}

/// Reads from an error that may be NULL.
///
/// # Safety
/// `error` is NULL, or lives until this returns.
unsafe fn read<R>(
    error: *const caretoken_error,
    otherwise: R,
    read: impl FnOnce(&caretoken_error) -> R,
) -> R {
    let result = guard(|| {
        // SAFETY: as the caller promises.
        unsafe { error.as_ref() }.map(read)
    });
    result.flatten().unwrap_or(otherwise)
}

/// The same status that the failed call returned. CARETOKEN_NULL_ARGUMENT for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_status(error: *const caretoken_error) -> caretoken_status {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, CARETOKEN_NULL_ARGUMENT, |error| error.status) }
}

/// The stable name of the status, such as credentials_rejected: for monitoring to match on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_kind(error: *const caretoken_error) -> caretoken_str {
    let name = |error: &caretoken_error| {
        name_of(error.status).map_or(caretoken_str::EMPTY, caretoken_str::constant)
    };
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, caretoken_str::EMPTY, name) }
}

/// Everything about the error in one line of text, for logs: what and where, the facts, who must act,
/// what to do. For NULL it says that there is no error to read, and why that may be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_line(error: *const caretoken_error) -> caretoken_str {
    const NONE: caretoken_str = caretoken_str::constant(
        c"there is no error to read: the call worked, or its last argument was NULL",
    );
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, NONE, |error| error.line) }
}

/// What went wrong, in words, without the facts that have functions of their own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_message(error: *const caretoken_error) -> caretoken_str {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, caretoken_str::EMPTY, |error| error.message) }
}

/// What to do about it, in words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_remedy(error: *const caretoken_error) -> caretoken_str {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, caretoken_str::EMPTY, |error| error.remedy) }
}

/// Who must do it: caller (the program that calls caretoken), operator (who runs the system:
/// credentials, network, sign-in) or vendor (of the token endpoint).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_actor(error: *const caretoken_error) -> caretoken_str {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, caretoken_str::EMPTY, |error| error.actor) }
}

/// The setting, credential or argument that it is about, such as client_secret; empty if none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_field(error: *const caretoken_error) -> caretoken_str {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, caretoken_str::EMPTY, |error| error.field) }
}

/// Where in the call it went wrong: configure, wait, resolve, proxy, connect, tls, send, receive,
/// read or store. From send on the vendor may have acted on the request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_phase(error: *const caretoken_error) -> caretoken_str {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, caretoken_str::EMPTY, |error| error.phase) }
}

/// The vendor's name, such as pattern; empty where none is involved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_vendor(error: *const caretoken_error) -> caretoken_str {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, caretoken_str::EMPTY, |error| error.vendor) }
}

/// The vendor's own code for the error, such as invalid_client; empty if its answer has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_vendor_code(
    error: *const caretoken_error,
) -> caretoken_str {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, caretoken_str::EMPTY, |error| error.vendor_code) }
}

/// The vendor's id of the request, for its support; empty if its answer has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_request_id(
    error: *const caretoken_error,
) -> caretoken_str {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, caretoken_str::EMPTY, |error| error.request_id) }
}

/// The HTTP status of the answer; 0 if there was no answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_http_status(error: *const caretoken_error) -> i32 {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, 0, |error| error.http_status) }
}

/// Whether the same call may succeed later without anybody changing anything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_retryable(error: *const caretoken_error) -> bool {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, false, |error| error.retryable) }
}

/// How many milliseconds to wait before the next call: what the vendor said, or, of a call that was
/// answered during a pause of the client's, what is left of that. The client's own pauses after a
/// failure, seconds mostly, are not in the first error; a vendor cannot make one longer than an hour.
/// -1 if neither.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_retry_after_ms(error: *const caretoken_error) -> i64 {
    // SAFETY: the caller gives NULL or an error that lives.
    unsafe { read(error, -1, |error| error.retry_after_ms) }
}

/// Frees the error, and with it all texts that were read from it. Does nothing when error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_free(error: *mut caretoken_error) {
    guard(|| {
        if !error.is_null() {
            // SAFETY: `boundary::report` made it of a `Box`, and the caller gives it up.
            drop(unsafe { Box::from_raw(error) });
        }
    });
}
