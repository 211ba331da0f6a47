//! The way of every function that can fail: clear the error, run the body inside the panic boundary,
//! report.

use std::ptr;

use super::error::{caretoken_error, into_c};
use super::failure::Failure;
use super::panic::{catch_without_secrets, take_place};
use super::pthread_cancel::PthreadCancelDisabled;
use super::status::CARETOKEN_OK;
use super::types::caretoken_status;
use crate::memory::clear_registers;

/// Clears `error`, runs `body`, and says in `error` why it failed. The thread is not cancelled
/// meanwhile, and nothing that `body` worked on stays in registers.
///
/// # Safety
/// `error` is NULL or writable.
pub(super) unsafe fn call(
    error: *mut *const caretoken_error,
    body: impl FnOnce() -> Result<(), Failure>,
) -> caretoken_status {
    // One copy of the code for all functions: the library stays small.
    unsafe fn call(
        error: *mut *const caretoken_error,
        body: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> caretoken_status {
        let _no_cancel = PthreadCancelDisabled::begin();
        // SAFETY: as the caller promises.
        let status = unsafe { call_cached(error, body) };
        clear_registers();
        status
    }
    let mut body = Some(body);
    // SAFETY: as the caller promises.
    unsafe { call(error, &mut || body.take().map_or(Ok(()), |body| body())) }
}

/// The same for what mostly finds a token in the cache, where a nanosecond or two count: `body` itself
/// disables cancellation before it may block, and registers are cleared only when it fails.
///
/// # Safety
/// As for `call`.
#[inline]
pub(super) unsafe fn call_cached(
    error: *mut *const caretoken_error,
    body: impl FnOnce() -> Result<(), Failure>,
) -> caretoken_status {
    if !error.is_null() {
        // SAFETY: it is writable, as the caller promises.
        unsafe { error.write(ptr::null()) };
    }
    match catch_without_secrets(body) {
        Some(Ok(())) => CARETOKEN_OK,
        // SAFETY: as the caller promises.
        failed => unsafe { report(error, failed) },
    }
}

/// Takes what failed by value, so that nothing is left to be dropped on the way of a hit.
///
/// # Safety
/// `error` is NULL or writable.
#[cold]
unsafe fn report(
    error: *mut *const caretoken_error,
    failed: Option<Result<(), Failure>>,
) -> caretoken_status {
    // Whatever failed may have worked on a secret.
    clear_registers();
    let failure = match failed {
        Some(Err(failure)) => failure,
        _ => Failure::internal(take_place()),
    };
    if error.is_null() {
        return failure.status;
    }
    let (made, status) = into_c(&failure);
    // SAFETY: it is writable, as the caller promises.
    unsafe { error.write(made) };
    status
}
