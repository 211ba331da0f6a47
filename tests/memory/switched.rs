//! The usual allocator, or `zeroizing-alloc` while somebody asks for it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether blocks are wiped before they are freed.
pub(crate) static IS_WIPING: AtomicBool = AtomicBool::new(false);

struct Switched;

// With the feature `capi` the library brings its own.
#[cfg_attr(not(feature = "capi"), global_allocator)]
#[cfg_attr(feature = "capi", expect(dead_code, reason = "nothing can be switched then"))]
static ALLOCATOR: Switched = Switched;

static WIPING: zeroizing_alloc::ZeroAlloc<System> = zeroizing_alloc::ZeroAlloc(System);

// SAFETY: both allocators are those of the system; one wipes before it frees.
unsafe impl GlobalAlloc for Switched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match IS_WIPING.load(Ordering::Relaxed) {
            // SAFETY: as the caller promises.
            true => unsafe { WIPING.dealloc(block, layout) },
            // SAFETY: as the caller promises.
            false => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match IS_WIPING.load(Ordering::Relaxed) {
            // SAFETY: as the caller promises.
            true => unsafe { WIPING.realloc(block, layout, size) },
            // SAFETY: as the caller promises.
            false => unsafe { System.realloc(block, layout, size) },
        }
    }
}
