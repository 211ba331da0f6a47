//! What this process takes: heap, threads, open files.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static THREADS: AtomicUsize = AtomicUsize::new(0);

#[cfg(target_os = "linux")]
thread_local! {
    static IS_KNOWN: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// The system's allocator, with an eye on who takes how much.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn took(bytes: usize) {
    let now = NOW.fetch_add(bytes, Ordering::SeqCst) + bytes;
    PEAK.fetch_max(now, Ordering::SeqCst);
    meet_thread();
}

fn gave(bytes: usize) {
    NOW.fetch_sub(bytes, Ordering::SeqCst);
    meet_thread();
}

fn meet_thread() {
    // Elsewhere a thread's own state may be made by the allocator, and more than once.
    #[cfg(target_os = "linux")]
    IS_KNOWN.with(|is_known| {
        if !is_known.replace(true) {
            THREADS.fetch_add(1, Ordering::SeqCst);
        }
    });
}

// SAFETY: every call goes on to the system's allocator as it came; the counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) };
        gave(layout.size());
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both blocks exist while the bytes move.
        took(size);
        // SAFETY: as the caller promises.
        let moved = unsafe { System.realloc(block, layout, size) };
        gave(layout.size());
        moved
    }
}

/// By how many bytes the heap of this process, all threads together, grew at most during `work`.
pub(crate) fn peak_growth<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = NOW.load(Ordering::SeqCst);
    PEAK.store(before, Ordering::SeqCst);
    let result = work();
    (result, PEAK.load(Ordering::SeqCst) - before)
}

/// How many threads this process has ever had, those that took memory or gave it back, as every
/// thread of Rust's does; `None` where that is not counted.
pub(crate) fn threads_ever() -> Option<usize> {
    cfg!(target_os = "linux").then(|| THREADS.load(Ordering::SeqCst))
}

/// How many threads there are now; `None` where the system does not say.
pub(crate) fn threads() -> Option<usize> {
    count("/proc/self/task")
}

/// How many files and sockets are open; `None` where the system does not say.
pub(crate) fn open_files() -> Option<usize> {
    count("/proc/self/fd")
}

fn count(directory: &str) -> Option<usize> {
    // Windows programs may run where there is such a directory, of somebody else's.
    let entries = cfg!(target_os = "linux").then(|| std::fs::read_dir(directory).unwrap());
    entries.map(Iterator::count)
}
