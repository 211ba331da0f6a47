//! `caretoken_error`: why a call failed.

use std::ptr;

use super::failure::Failure;
use super::panic::{catch, catch_without_secrets};
use super::status::{CARETOKEN_INTERNAL, name_of};
use super::types::{Texts, caretoken_status, caretoken_str, milliseconds};

/// Why a call failed, and who must do what about it.
///
/// The library makes it and C reads its fields; nobody writes to it, copies it by value or makes one.
/// Later versions add fields at the end only. Every fallible function makes one when it fails, if its
/// last argument is not NULL; free it with caretoken_error_free.
///
/// It holds statuses, codes, names and shapes, never a credential, a token or a part of an answer's
/// body: it is safe to log. It never changes, so any thread may read it, and it needs nothing that may
/// be freed before it.
#[repr(C)]
pub struct caretoken_error {
    /// What the failed call returned.
    pub status: caretoken_status,
    /// The stable name of the status, such as credentials_rejected: for monitoring to match on.
    pub kind: caretoken_str,
    /// Everything about the error in one line of text, for logs: what and where, the facts, who must
    /// act, what to do.
    pub line: caretoken_str,
    /// What went wrong, in words, without the facts that have fields of their own.
    pub message: caretoken_str,
    /// What to do about it, in words.
    pub remedy: caretoken_str,
    /// Who must do it: caller (the program that calls caretoken), operator (who runs the system:
    /// credentials, network, sign-in) or vendor (of the token endpoint).
    pub actor: caretoken_str,
    /// The setting, credential or argument that it is about, such as client_secret; empty if none.
    pub field: caretoken_str,
    /// Where in the call it went wrong: configure, wait, resolve, proxy, connect, tls, send, receive,
    /// read or store. From send on the vendor may have acted on the request.
    pub phase: caretoken_str,
    /// The vendor's name, such as pattern; empty where none is involved.
    pub vendor: caretoken_str,
    /// The vendor's own code for the error, such as invalid_client; empty if its answer has none.
    pub vendor_code: caretoken_str,
    /// The vendor's id of the request, for its support; empty if its answer has none.
    pub request_id: caretoken_str,
    /// How many milliseconds to wait before the next call: what the vendor said, or, of a call that was
    /// answered during a pause of the client's, what is left of that. The client's own pauses after a
    /// failure, seconds mostly, are not in the first error; a vendor cannot make one longer than an
    /// hour. -1 if neither.
    pub retry_after_ms: i64,
    /// The HTTP status of the answer; 0 if there was no answer.
    pub http_status: i32,
    /// Whether the same call may succeed later without anybody changing anything.
    pub retryable: bool,
}

// SAFETY: nobody writes to an error, and its texts live as long as it does.
unsafe impl Sync for caretoken_error {}

/// An error as C sees it, and behind it what C does not see.
#[repr(C)]
struct CError {
    error: caretoken_error,
    /// What the views above are views of.
    _texts: Texts,
}

/// Stands in for an error that could not be made.
pub(super) static UNKNOWN: caretoken_error = caretoken_error {
    status: CARETOKEN_INTERNAL,
    kind: caretoken_str::constant(c"internal"),
    line: caretoken_str::constant(
        c"internal error while an error was made; to do (caller): report this",
    ),
    message: caretoken_str::constant(c"internal error while an error was made"),
    remedy: caretoken_str::constant(c"report this"),
    actor: caretoken_str::constant(c"caller"),
    field: caretoken_str::EMPTY,
    phase: caretoken_str::constant(c"configure"),
    vendor: caretoken_str::EMPTY,
    vendor_code: caretoken_str::EMPTY,
    request_id: caretoken_str::EMPTY,
    retry_after_ms: -1,
    http_status: 0,
    retryable: false,
};

/// The error of a failure for C, never NULL, and its status.
pub(super) fn into_c(failure: &Failure) -> (*const caretoken_error, caretoken_status) {
    match catch_without_secrets(|| Box::into_raw(Box::new(CError::of(failure)))) {
        Some(made) => (made.cast_const().cast(), failure.status),
        None => (&raw const UNKNOWN, UNKNOWN.status),
    }
}

impl CError {
    fn of(failure: &Failure) -> Self {
        let error = &failure.error;
        let (texts, mut next) = Texts::of(&[
            &error.to_string(),
            error.message(),
            error.remedy(),
            error.actor().name(),
            error.field().unwrap_or_default(),
            error.phase().name(),
            error.vendor().unwrap_or_default(),
            error.vendor_code().unwrap_or_default(),
            error.request_id().unwrap_or_default(),
        ]);
        let error = caretoken_error {
            status: failure.status,
            kind: name_of(failure.status),
            line: next(),
            message: next(),
            remedy: next(),
            actor: next(),
            field: next(),
            phase: next(),
            vendor: next(),
            vendor_code: next(),
            request_id: next(),
            retry_after_ms: error.retry_after().map_or(-1, milliseconds),
            http_status: error.http_status().map_or(0, i32::from),
            retryable: error.is_retryable(),
        };
        CError { error, _texts: texts }
    }
}

/// Frees the error and its texts. Does nothing when error is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_error_free(error: *const caretoken_error) {
    catch(|| {
        if !error.is_null() && !ptr::eq(error, &raw const UNKNOWN) {
            // SAFETY: `into_c` made it of a `Box<CError>`, and the caller gives it up.
            drop(unsafe { Box::from_raw(error.cast::<CError>().cast_mut()) });
        }
    });
}
