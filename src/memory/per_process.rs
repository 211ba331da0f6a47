//! State that belongs to one process: a forked child starts with its own.

use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::process::process_generation;

/// A value that a forked child does not share with its parent.
///
/// At the moment of the fork another thread of the parent may hold a lock in the value or be using
/// its sockets. That thread does not exist in the child, so the child must not touch the value. It
/// makes a new one at first use; the parent's stays in the child's memory, untouched.
pub(crate) struct PerProcess<T> {
    make: Box<dyn Fn() -> T + Send + Sync>,
    current: ArcSwap<Owned<T>>,
}

/// The value, and the process it was made in.
pub(crate) struct Owned<T> {
    process: u64,
    value: T,
}

impl<T> PerProcess<T> {
    pub(crate) fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        let current = ArcSwap::from_pointee(Owned::new(make()));
        PerProcess { make: Box::new(make), current }
    }

    pub(crate) fn get(&self) -> Arc<Owned<T>> {
        let current = self.current.load_full();
        if current.is_of_this_process() {
            return current;
        }
        self.current.compare_and_swap(&current, Arc::new(Owned::new((self.make)())));
        // Dropping it could wait for a lock that nobody in this process will ever release.
        std::mem::forget(current);
        self.current.load_full()
    }
}

impl<T> Owned<T> {
    fn new(value: T) -> Self {
        Owned { process: process_generation(), value }
    }

    /// Whether it was made in this process, and not in one that this one was forked from.
    pub(super) fn is_of_this_process(&self) -> bool {
        self.process == process_generation()
    }
}

impl<T> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
