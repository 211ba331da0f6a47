//! The panic boundary: no panic of this library reaches C, and none prints its message.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::memory::clear_registers;

/// Whether the panic hook is installed. Not a `Once`: a forked child would wait for ever for a thread of
/// its parent that was at it.
static HAS_HOOK: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread is inside the boundary.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Where in the source this thread panicked last.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `body` and stops a panic: then there is no result. Nothing that `body` worked on stays in
/// registers.
#[inline]
pub(super) fn catch<R>(body: impl FnOnce() -> R) -> Option<R> {
    let result = catch_without_secrets(body);
    clear_registers();
    result
}

/// The same for a `body` that reads no secret, where a nanosecond or two count.
#[inline]
pub(super) fn catch_without_secrets<R>(body: impl FnOnce() -> R) -> Option<R> {
    if !HAS_HOOK.load(Ordering::Relaxed) {
        install_hook();
    }
    // The thread-local is looked up once: that is the whole cost of the boundary.
    let result = INSIDE.with(|inside| {
        // A callback may call in again, so the former state is restored, not `false`.
        let outer = inside.replace(true);
        let result = panic::catch_unwind(AssertUnwindSafe(body)).map_err(drop_payload);
        inside.set(outer);
        result
    });
    result.ok()
}

/// Where in the source the panic was that this thread has just caught.
pub(super) fn take_place() -> Option<String> {
    PLACE.try_with(RefCell::take).ok().flatten()
}

/// Keeps the panics of this library off stderr: their messages may quote a secret, as that of a
/// failed slicing does. Only the place in the source is kept, for the error. Panics outside the
/// boundary, in a Rust program that this library is part of, go to the hook that was there before.
#[cold]
fn install_hook() {
    if HAS_HOOK.swap(true, Ordering::Relaxed) {
        return;
    }
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if INSIDE.get() {
            let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
            // A thread that is ending has no thread-locals any more.
            let _ = PLACE.try_with(|last| last.replace(place));
        } else {
            before(panic);
        }
    }));
}

/// Frees what a panic carried, so that the allocator wipes it: its message may quote a secret.
#[cold]
fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // The drop panicked, and dropping what that panic carried may panic again.
        std::mem::forget(second);
    }
}
