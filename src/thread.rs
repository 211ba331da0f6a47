//! Which thread this is, as a small number: for spreading threads over places of their own.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of this thread: 0 for the first of the process that asks, and so on. No two threads
/// have the same, and none is used again.
#[inline]
pub(crate) fn number() -> usize {
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    // In a thread that is ending there is no place to keep it: any number will do that is shared.
    MINE.try_with(|mine| if mine.get() == usize::MAX { choose(mine) } else { mine.get() })
        .unwrap_or(usize::MAX)
}

#[cold]
fn choose(mine: &Cell<usize>) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    mine.set(NEXT.fetch_add(1, Ordering::Relaxed));
    mine.get()
}
