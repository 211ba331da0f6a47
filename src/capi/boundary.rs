//! The panic boundary, and the steps that every function has in common.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::caretoken_error;
use super::status::{
    CARETOKEN_BUFFER_TOO_SMALL, CARETOKEN_NULL_ARGUMENT, CARETOKEN_OK, caretoken_status,
};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::clear_registers;

/// Why a call failed: the core's error, with the number that C gets.
pub(super) struct Failure {
    pub(super) status: caretoken_status,
    pub(super) error: Error,
}

impl Failure {
    /// An argument that cannot be used.
    pub(super) fn argument(
        name: impl Into<std::borrow::Cow<'static, str>>,
        problem: &'static str,
        remedy: &'static str,
    ) -> Self {
        Error::setting(name, problem, remedy).into()
    }

    pub(super) fn null(argument: &'static str) -> Self {
        let error = Error::setting(argument, "is NULL", "pass a pointer to something");
        Failure { status: CARETOKEN_NULL_ARGUMENT, error }
    }

    pub(super) fn buffer_too_small() -> Self {
        let error = Error::setting(
            "buffer",
            "is too small",
            "pass a buffer of at least the returned length and one byte for the NUL",
        );
        Failure { status: CARETOKEN_BUFFER_TOO_SMALL, error }
    }

    /// A defect; `place` is where in the source.
    pub(super) fn internal(place: Option<String>) -> Self {
        let error = Error::new(ErrorKind::Internal, ErrorPhase::Configure);
        match place {
            Some(place) => error.with_message(format!("internal error at {place}")).into(),
            None => error.into(),
        }
    }

    /// A client that had an internal error before.
    pub(super) fn poisoned() -> Self {
        Error::new(ErrorKind::Internal, ErrorPhase::Configure)
            .with_message("an earlier internal error has made the client unusable")
            .into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { status: error.kind().number(), error }
    }
}

thread_local! {
    /// Whether this thread is inside the boundary.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Where in the source this thread panicked last.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the panics of this library off stderr: their messages may quote a secret, as that of a
/// failed slicing does. Only the place in the source is kept, for the error. Panics outside the
/// boundary, in a Rust program that this library is part of, go to the hook that was there before.
fn hush() {
    // Not a `Once`: a forked child would wait for ever for a thread of its parent that was at it.
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.load(Ordering::Relaxed) || DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if INSIDE.get() {
            let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
            // There is no place to note it in a thread that is ending.
            let _ = PLACE.try_with(|last| last.replace(place));
        } else {
            before(panic);
        }
    }));
}

/// Runs `body` and stops a panic: then there is no result. Nothing that `body` worked on stays in
/// registers.
#[inline]
pub(super) fn guard<R>(body: impl FnOnce() -> R) -> Option<R> {
    let result = guard_without_secrets(body);
    clear_registers();
    result
}

/// The same for a `body` that reads no secret, where a nanosecond or two count.
#[inline]
pub(super) fn guard_without_secrets<R>(body: impl FnOnce() -> R) -> Option<R> {
    hush();
    // One look-up of the thread's own place, which is the boundary's whole cost.
    let result = INSIDE.with(|inside| {
        // A callback may call in again, so the former state comes back, not `false`.
        let outer = inside.replace(true);
        let result = panic::catch_unwind(AssertUnwindSafe(body)).map_err(let_go);
        inside.set(outer);
        result
    });
    result.ok()
}

/// Frees what a panic carried, so that the allocator wipes it: its message may quote a secret.
#[cold]
fn let_go(payload: Box<dyn Any + Send>) {
    if let Err(of_the_drop) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // Whoever panics in a drop does so again.
        std::mem::forget(of_the_drop);
    }
}

/// The way of every function that can fail: clears `error`, runs `body`, reports.
///
/// # Safety
/// `error` is NULL or writable.
#[inline]
pub(super) unsafe fn call(
    error: *mut *mut caretoken_error,
    body: impl FnOnce() -> Result<(), Failure>,
) -> caretoken_status {
    // SAFETY: as the caller promises.
    let status = unsafe { call_without_secrets(error, body) };
    clear_registers();
    status
}

/// The same for a `body` that reads no secret when it succeeds, where a nanosecond or two count.
///
/// # Safety
/// As for `call`.
#[inline]
pub(super) unsafe fn call_without_secrets(
    error: *mut *mut caretoken_error,
    body: impl FnOnce() -> Result<(), Failure>,
) -> caretoken_status {
    if !error.is_null() {
        // SAFETY: it is writable, as the caller promises.
        unsafe { error.write(ptr::null_mut()) };
    }
    match guard_without_secrets(body) {
        Some(Ok(())) => CARETOKEN_OK,
        Some(Err(failure)) => {
            // SAFETY: as the caller promises.
            unsafe { report(error, failure) }
        }
        None => {
            // SAFETY: as the caller promises.
            unsafe {
                report(error, Failure::internal(PLACE.try_with(RefCell::take).ok().flatten()))
            }
        }
    }
}

/// # Safety
/// `error` is NULL or writable.
#[cold]
unsafe fn report(error: *mut *mut caretoken_error, failure: Failure) -> caretoken_status {
    // Whatever failed may have been at a secret.
    clear_registers();
    let status = failure.status;
    if !error.is_null() {
        let made = guard_without_secrets(|| Box::into_raw(Box::new(caretoken_error::of(&failure))));
        // SAFETY: it is writable, as the caller promises.
        unsafe { error.write(made.unwrap_or(ptr::null_mut())) };
    }
    status
}

/// A reference, or the error that names the argument that was NULL.
///
/// # Safety
/// `pointer` is NULL, or points to a `T` that lives and is not written to as long as the result.
pub(super) unsafe fn required<'a, T>(
    pointer: *const T,
    argument: &'static str,
) -> Result<&'a T, Failure> {
    // SAFETY: as the caller promises.
    unsafe { pointer.as_ref() }.ok_or_else(|| Failure::null(argument))
}

/// An exclusive reference, or the error that names the argument that was NULL.
///
/// # Safety
/// `pointer` is NULL, or points to a `T` that lives and that nobody else uses as long as the result.
pub(super) unsafe fn required_mut<'a, T>(
    pointer: *mut T,
    argument: &'static str,
) -> Result<&'a mut T, Failure> {
    // SAFETY: as the caller promises.
    unsafe { pointer.as_mut() }.ok_or_else(|| Failure::null(argument))
}

/// What C gave to be written to.
pub(super) struct Out<T> {
    pointer: *mut T,
    argument: &'static str,
}

impl<T> Out<T> {
    /// Clears it: the first thing that a function does, whatever else is wrong.
    ///
    /// # Safety
    /// `pointer` is NULL or writable, as long as the result lives; it need not be initialised.
    pub(super) unsafe fn cleared(pointer: *mut T, argument: &'static str, empty: T) -> Self {
        if !pointer.is_null() {
            // SAFETY: it is writable, as the caller promises.
            unsafe { pointer.write(empty) };
        }
        Out { pointer, argument }
    }

    /// Refuses NULL.
    pub(super) fn required(self) -> Result<Self, Failure> {
        if self.pointer.is_null() { Err(Failure::null(self.argument)) } else { Ok(self) }
    }

    /// Writes it, unless it is NULL.
    pub(super) fn set(&self, value: T) {
        if !self.pointer.is_null() {
            // SAFETY: `cleared` was promised that it is writable.
            unsafe { self.pointer.write(value) };
        }
    }
}
