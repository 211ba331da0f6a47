//! Whole pages from the system: left out of dumps, fenced by guard pages, locked if asked for.

use std::ptr::NonNull;

/// Memory in whole pages, all zero at first. Fields are dropped in this order.
pub(super) struct Pages {
    start: NonNull<u8>,
    len: usize,
    is_locked: bool,
    _lock: Option<region::LockGuard>,
    _memory: Memory,
}

enum Memory {
    Mapped {
        _all: region::Allocation,
    },
    /// Where the system has no pages left, and under Miri, which has none.
    Heap {
        _all: Vec<u8>,
    },
}

// SAFETY: whoever has the pages owns them; the pointer is only a way to them.
unsafe impl Send for Pages {}

impl Pages {
    /// Pages for `len` bytes, locked into RAM. `None` if the system's limit does not allow that.
    pub(super) fn locked(len: usize) -> Option<Self> {
        if cfg!(miri) {
            return Some(Pages { is_locked: true, ..Pages::heap(len) });
        }
        let mut pages = Pages::mapped(len)?;
        pages._lock = Some(region::lock(pages.start.as_ptr(), pages.len).ok()?);
        pages.is_locked = true;
        Some(pages)
    }

    /// Pages for `len` bytes that may be swapped out.
    pub(super) fn unlocked(len: usize) -> Self {
        Pages::mapped(len).unwrap_or_else(|| Pages::heap(len))
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether the system has agreed to keep them in RAM.
    pub(super) fn is_locked(&self) -> bool {
        self.is_locked
    }

    fn heap(len: usize) -> Self {
        let mut all = vec![0; len];
        let start = NonNull::from(all.as_mut_slice()).cast();
        Pages { start, len, is_locked: false, _lock: None, _memory: Memory::Heap { _all: all } }
    }

    /// Pages left out of dumps, with a page before and one behind that nobody can touch.
    fn mapped(len: usize) -> Option<Self> {
        if cfg!(miri) {
            return None;
        }
        let guard = region::page::size();
        let len = len.next_multiple_of(guard);
        let mut all = region::alloc(len + 2 * guard, region::Protection::READ_WRITE).ok()?;
        let begin = NonNull::new(all.as_mut_ptr::<u8>())?;
        // SAFETY: within what was allocated.
        let (start, behind) = unsafe { (begin.add(guard), begin.add(guard + len)) };
        for page in [begin, behind] {
            // SAFETY: the page is ours, and nobody has a reference to it. A failure, where the
            // system cannot have more mappings, leaves a page that nobody uses.
            let _ = unsafe { region::protect(page.as_ptr(), guard, region::Protection::NONE) };
        }
        #[cfg(target_os = "linux")]
        {
            use nix::sys::mman::{MmapAdvise, madvise};
            // SAFETY: the pages are ours, and this changes nothing about their content. It cannot
            // fail on a kernel that Rust supports.
            let _ = unsafe { madvise(start.cast(), len, MmapAdvise::MADV_DONTDUMP) };
        }
        let _memory = Memory::Mapped { _all: all };
        Some(Pages { start, len, is_locked: false, _lock: None, _memory })
    }
}
