//! Memory for texts that stay: credentials, and the tokens in the cache.
//!
//! It is locked into RAM, so that no swap file gets it; left out of core dumps where the system
//! can; wiped when freed; and fenced by guard pages around each region and canaries around each
//! block. Many texts share a region: 10,000 tokens of 1 KiB take some 3,000 pages.
//!
//! Where locking fails, because a limit is used up, the memory is used unlocked and one warning is
//! logged. A forked child reads the texts of its parent, as the client promises; in the child they
//! are left out of dumps too, but not locked: locks are not inherited. What the child makes itself
//! is locked again.
//!
//! This is the one place besides the C ABI with unsafe code.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{process, slice};

use zeroize::optimization_barrier;

/// A text in protected memory. It never moves and never changes.
pub(crate) struct Protected {
    start: NonNull<u8>,
    len: usize,
    place: Place,
}

/// Where a text lies, for giving its room back.
#[derive(Clone, Copy)]
struct Place {
    /// The process that made it. In a forked child the pool of the parent is out of bounds:
    /// another thread may have been changing it at the moment of the fork.
    process: u32,
    region: usize,
    locked: bool,
}

// SAFETY: a text owns its bytes, and they do not change before it is dropped.
unsafe impl Send for Protected {}
// SAFETY: as above.
unsafe impl Sync for Protected {}

impl Protected {
    /// One text of all the pieces.
    pub(crate) fn of(pieces: &[&str]) -> Self {
        let len = pieces.iter().map(|piece| piece.len()).sum();
        if len == 0 {
            let place = Place { process: 0, region: 0, locked: true };
            return Protected { start: NonNull::dangling(), len, place };
        }
        let (start, place) = Pool::current().room(len);
        let mut end = start;
        for piece in pieces {
            // SAFETY: the room has `len` bytes, as many as the pieces have; nobody else knows it.
            unsafe {
                ptr::copy_nonoverlapping(piece.as_ptr(), end.as_ptr(), piece.len());
                end = end.add(piece.len());
            }
        }
        Protected { start, len, place }
    }

    #[inline]
    pub(crate) fn text(&self) -> &str {
        // SAFETY: `len` bytes, written by `of` from whole texts, never changed, ours until dropped.
        unsafe {
            std::str::from_utf8_unchecked(slice::from_raw_parts(self.start.as_ptr(), self.len))
        }
    }

    /// Whether the system has agreed to keep it in RAM.
    pub(crate) fn is_locked(&self) -> bool {
        self.place.locked
    }
}

impl Drop for Protected {
    fn drop(&mut self) {
        if self.len == 0 {
            return;
        }
        // SAFETY: the bytes are ours, and no view on them outlives us.
        wipe(unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) });
        let process = process_id();
        if self.place.process == process {
            Pool::of(process).take_back(self.start, self.len, self.place.region);
        }
    }
}

/// Overwrites `bytes` for good. Ordinary writes, made visible to an optimiser that would drop them,
/// are several times faster than the volatile ones of [`Zeroize`](zeroize::Zeroize).
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    optimization_barrier(bytes);
}

/// Which process this is. To ask the system costs a system call on Linux, and every secret asks: the
/// answer is kept in a page that the kernel clears in a forked child.
pub(crate) fn process_id() -> u32 {
    // SAFETY: it is NULL, or was leaked below and is never freed.
    match unsafe { PROCESS.load(Ordering::Acquire).as_ref() } {
        None => {
            keep_process_id();
            process::id()
        }
        Some(kept) => match kept.load(Ordering::Relaxed) {
            0 => {
                let id = process::id();
                if !ptr::eq(kept, &NOWHERE) {
                    kept.store(id, Ordering::Relaxed);
                }
                id
            }
            id => id,
        },
    }
}

/// Where the number is kept; zero if it must be asked for.
static PROCESS: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
/// Stands for a page where the system has none that a child finds empty.
static NOWHERE: AtomicU32 = AtomicU32::new(0);

#[cold]
fn keep_process_id() {
    let page = emptied_by_fork();
    let kept = page.as_ref().map_or(&raw const NOWHERE, region::Allocation::as_ptr).cast_mut();
    let nothing = ptr::null_mut();
    if PROCESS.compare_exchange(nothing, kept, Ordering::AcqRel, Ordering::Acquire).is_ok() {
        std::mem::forget(page);
    }
}

/// A page that is all zero, and so again in every child. `None` before Linux 4.14.
#[cfg(all(target_os = "linux", not(miri)))]
fn emptied_by_fork() -> Option<region::Allocation> {
    use nix::sys::mman::{MmapAdvise, madvise};
    let mut page = region::alloc(region::page::size(), region::Protection::READ_WRITE).ok()?;
    let start = NonNull::new(page.as_mut_ptr())?;
    // SAFETY: the page is ours, and this changes its content in children only.
    unsafe { madvise(start, page.len(), MmapAdvise::MADV_WIPEONFORK) }.ok()?;
    Some(page)
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn emptied_by_fork() -> Option<region::Allocation> {
    None
}

/// The regions of one process.
struct Pool {
    process: u32,
    /// What canaries are made of.
    key: u64,
    regions: Mutex<Vec<Option<Region>>>,
    has_warned: AtomicBool,
}

static POOL: AtomicPtr<Pool> = AtomicPtr::new(ptr::null_mut());

impl Pool {
    /// The pool of this process. A forked child makes its own at first use; it never waits for a
    /// lock that a thread of its parent may have held.
    fn current() -> &'static Pool {
        Pool::of(process_id())
    }

    /// The same, for who has asked already which process this is.
    fn of(process: u32) -> &'static Pool {
        let known = POOL.load(Ordering::Acquire);
        // SAFETY: it is NULL, or was leaked below and is never freed.
        if let Some(pool) = unsafe { known.as_ref() } {
            if pool.process == process {
                return pool;
            }
        }
        let fresh = Box::into_raw(Box::new(Pool {
            process,
            key: RandomState::new().build_hasher().finish(),
            regions: Mutex::default(),
            has_warned: AtomicBool::new(false),
        }));
        match POOL.compare_exchange(known, fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: made above, and from here on never freed.
            Ok(_) => unsafe { &*fresh },
            Err(winner) => {
                // SAFETY: made above, and nobody else has seen it.
                drop(unsafe { Box::from_raw(fresh) });
                // SAFETY: only pools that are never freed get there.
                unsafe { &*winner }
            }
        }
    }

    /// Room for `len` bytes, between two canaries.
    fn room(&self, len: usize) -> (NonNull<u8>, Place) {
        let units = units(len);
        let (block, region, locked) = {
            let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
            let mut find = |locked| {
                regions.iter_mut().enumerate().find_map(|(index, region)| {
                    let region = region.as_mut().filter(|region| region.locked == locked)?;
                    Some((region.take(units)?, index, locked))
                })
            };
            find(true).or_else(|| find(false)).unwrap_or_else(|| {
                let mut region = Region::new(units);
                let (block, locked) = (region.take_first(units), region.locked);
                let index = regions.iter().position(Option::is_none).unwrap_or(regions.len());
                match regions.get_mut(index) {
                    Some(free) => *free = Some(region),
                    None => regions.push(Some(region)),
                }
                (block, index, locked)
            })
        };
        if !locked && !self.has_warned.swap(true, Ordering::Relaxed) {
            // Not under the lock: a logger may do anything, even make a secret.
            log::warn!(
                target: "caretoken",
                "event=memory_not_locked detail=\"the limit on locked memory is used up: secrets \
                 may reach the swap file; to do (operator): raise the limit (ulimit -l)\""
            );
        }
        // SAFETY: the block has room for both canaries around `len` bytes.
        let start = unsafe {
            let start = block.add(CANARY);
            for at in self.canaries(start, len) {
                at.write_unaligned(self.canary(at));
            }
            start
        };
        (start, Place { process: self.process, region, locked })
    }

    /// Takes room back that was wiped already.
    fn take_back(&self, start: NonNull<u8>, len: usize, region: usize) {
        for at in self.canaries(start, len) {
            // SAFETY: `room` has written it, and the block is still ours.
            if unsafe { at.read_unaligned() } != self.canary(at) {
                // Somebody wrote past an end: nothing in this process can be relied on.
                log::error!(target: "caretoken", "event=memory_overwritten");
                process::abort();
            }
            // SAFETY: as above.
            unsafe { at.write_unaligned(0) };
        }
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = regions.get_mut(region) else { return };
        let Some(owner) = slot else { return };
        owner.give(start, units(len));
        // The first one stays: making a region takes five system calls.
        if owner.is_empty() && region != 0 {
            *slot = None;
        }
    }

    /// Where the canaries of a text are.
    fn canaries(&self, start: NonNull<u8>, len: usize) -> [NonNull<u64>; 2] {
        // SAFETY: a block begins with one canary before the text and ends with one behind it.
        unsafe { [start.sub(CANARY).cast(), start.add(len).cast()] }
    }

    /// Different at every address, so that a copied block does not pass.
    fn canary(&self, at: NonNull<u64>) -> u64 {
        self.key ^ at.addr().get() as u64
    }
}

const CANARY: usize = size_of::<u64>();

/// Room is given out in units of so many bytes.
const UNIT: usize = 32;
/// What one region has room for, unless a single text needs more.
const REGION: usize = 64 * 1024;

fn units(len: usize) -> usize {
    (len + 2 * CANARY).div_ceil(UNIT)
}

/// Pages that are locked, dumped and guarded alike, and which of their units are taken.
struct Region {
    pages: Pages,
    locked: bool,
    units: usize,
    /// One bit per unit.
    taken: Vec<u64>,
    free: usize,
}

impl Region {
    /// A region with room for so many units at least. Locked if that is possible at all.
    fn new(least: usize) -> Self {
        let least = least * UNIT;
        let (pages, locked) = match Pages::locked(least.max(REGION)) {
            Some(pages) => (pages, true),
            // The limit may still allow what is needed right now.
            None => match Pages::locked(least) {
                Some(pages) => (pages, true),
                None => (Pages::unlocked(least.max(REGION)), false),
            },
        };
        let units = pages.len / UNIT;
        let taken = vec![0; units.div_ceil(WORD)];
        Region { pages, locked, units, taken, free: units }
    }

    /// The first so many free units in a row.
    fn take(&mut self, wanted: usize) -> Option<NonNull<u8>> {
        if wanted > self.free {
            return None;
        }
        let (mut at, mut run) = (0, 0);
        while at < self.units {
            let word = self.taken[at / WORD] >> (at % WORD);
            let rest = (WORD - at % WORD).min(self.units - at);
            let free = (word.trailing_zeros() as usize).min(rest);
            run += free;
            at += free;
            if run >= wanted {
                let first = at - run;
                self.mark(first, wanted, true);
                // SAFETY: the units lie within the pages.
                return Some(unsafe { self.pages.start.add(first * UNIT) });
            }
            if free < rest {
                run = 0;
                at += (word >> free).trailing_ones() as usize;
            }
        }
        None
    }

    /// As `take`, of a region that is new and large enough.
    fn take_first(&mut self, wanted: usize) -> NonNull<u8> {
        self.mark(0, wanted, true);
        self.pages.start
    }

    /// Frees the units of the text that starts there.
    fn give(&mut self, start: NonNull<u8>, units: usize) {
        let offset = start.addr().get() - CANARY - self.pages.start.addr().get();
        self.mark(offset / UNIT, units, false);
    }

    fn mark(&mut self, first: usize, units: usize, taken: bool) {
        for unit in first..first + units {
            let bit = 1 << (unit % WORD);
            match taken {
                true => self.taken[unit / WORD] |= bit,
                false => self.taken[unit / WORD] &= !bit,
            }
        }
        self.free = if taken { self.free - units } else { self.free + units };
    }

    fn is_empty(&self) -> bool {
        self.free == self.units
    }
}

/// Bits of a word of `Region::taken`.
const WORD: usize = u64::BITS as usize;

/// Memory in whole pages, all zero. Fields are dropped in this order.
struct Pages {
    start: NonNull<u8>,
    len: usize,
    _lock: Option<region::LockGuard>,
    _memory: Memory,
}

enum Memory {
    Mapped {
        _all: region::Allocation,
    },
    /// Where the system has no pages left, and for Miri, which has none.
    Heap {
        _all: Vec<u8>,
    },
}

// SAFETY: pages are owned, and whoever holds a pointer into them guards it by the pool's lock or
// owns the block there.
unsafe impl Send for Pages {}

impl Pages {
    /// Locked pages for `len` bytes, if the system allows.
    fn locked(len: usize) -> Option<Self> {
        if cfg!(miri) {
            return Some(Pages::heap(len));
        }
        let mut pages = Pages::mapped(len)?;
        pages._lock = Some(region::lock(pages.start.as_ptr(), pages.len).ok()?);
        Some(pages)
    }

    fn unlocked(len: usize) -> Self {
        Pages::mapped(len).unwrap_or_else(|| Pages::heap(len))
    }

    fn heap(len: usize) -> Self {
        let mut all = vec![0; len];
        let start = NonNull::from(all.as_mut_slice()).cast();
        Pages { start, len, _lock: None, _memory: Memory::Heap { _all: all } }
    }

    /// Pages left out of dumps, with a page before and one behind that nobody can touch.
    fn mapped(len: usize) -> Option<Self> {
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
        Some(Pages { start, len, _lock: None, _memory: Memory::Mapped { _all: all } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_its_pieces_were() {
        assert_eq!(Protected::of(&[]).text(), "");
        assert_eq!(Protected::of(&["", ""]).text(), "");
        assert_eq!(Protected::of(&["fake", "", "-sécret"]).text(), "fake-sécret");
    }

    #[test]
    fn texts_of_all_sizes_live_side_by_side() {
        let texts: Vec<String> = (0..300).map(|n| "x".repeat(n * n % 1500 + n)).collect();
        let mut kept: Vec<_> = texts.iter().map(|text| Some(Protected::of(&[text]))).collect();
        for index in (0..kept.len()).step_by(3) {
            kept[index] = None;
        }
        for index in (0..kept.len()).step_by(3) {
            kept[index] = Some(Protected::of(&[&texts[index]]));
        }
        for (text, kept) in texts.iter().zip(&kept) {
            assert_eq!(kept.as_ref().unwrap().text(), text);
        }
    }

    #[test]
    fn a_text_larger_than_a_region_gets_one_of_its_own() {
        let large = "x".repeat(200_000);
        assert_eq!(Protected::of(&[&large]).text(), large);
    }

    #[test]
    fn units_are_found_across_words_and_given_back() {
        let mut region = Region::new(1);
        let first = region.take(60).unwrap();
        let second = region.take(70).unwrap();
        let third = region.take(1).unwrap();
        // SAFETY: within the region.
        let unit = |n: usize| unsafe { region.pages.start.add(n * UNIT) };
        assert_eq!((first, second, third), (unit(0), unit(60), unit(130)));
        let text = |n| unit(n).map_addr(|at| at.saturating_add(CANARY));
        let (hole, all) = (text(60), [text(0), text(130)]);
        region.give(hole, 70);
        assert!(region.take(71).is_some_and(|at| at > third));
        assert_eq!(region.take(70), Some(second));
        region.give(hole, 70);
        region.give(all[0], 60);
        region.give(all[1], 1);
        assert_eq!(region.free, region.units - 71);
    }

    #[test]
    fn many_texts_share_pages() {
        let token = "x".repeat(1024);
        let count = if cfg!(miri) { 100 } else { 10_000 };
        let kept: Vec<_> = (0..count).map(|_| Protected::of(&["Bearer ", &token])).collect();
        let regions = Pool::current().regions.lock().unwrap();
        let bytes: usize = regions.iter().flatten().map(|region| region.pages.len).sum();
        assert!(bytes < count * 1200 + 4 * REGION, "{bytes} bytes for {count} texts");
        drop(regions);
        assert!(kept.iter().all(|text| text.text().len() == 1031));
    }

    #[test]
    fn threads_do_not_get_in_each_others_way() {
        std::thread::scope(|scope| {
            for name in ["one", "two", "three", "four"] {
                scope.spawn(move || {
                    let rounds = if cfg!(miri) { 20 } else { 2000 };
                    for round in 0..rounds {
                        let text = name.repeat(round % 50);
                        let kept = [Protected::of(&[&text]), Protected::of(&[&text, name])];
                        assert_eq!(kept[0].text(), text);
                    }
                });
            }
        });
    }
}
