//! Memory for secrets: left out of core dumps where the system can, wiped when freed, and fenced by
//! guard pages around each region and canaries around each block.
//!
//! What stays, credentials and the tokens in the cache, is locked into RAM besides, so that no swap
//! file gets it. Many texts share a region: 10,000 tokens of 1 KiB take some 3,000 pages. What is on
//! its way to or from the wire is not locked.
//!
//! Where locking fails, because a limit is used up, the memory is used unlocked and one warning is
//! logged. A forked child reads the texts of its parent, as the client promises; in the child they
//! are left out of dumps too, but not locked: locks are not inherited. What the child makes itself
//! is locked again.
//!
//! This is the one place besides the C ABI with unsafe code.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{process, slice};

use zeroize::optimization_barrier;

use super::process::process_generation;

/// What memory is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// For what stays: locked into RAM as far as the system's limit allows.
    Kept,
    /// For what is gone with the request: there is too much of that to lock it.
    Passing,
}

/// A block of protected memory: all zero at first, wiped when dropped. It never moves.
pub(crate) struct Block {
    start: NonNull<u8>,
    len: usize,
    place: Place,
}

/// Where a block lies, for giving its room back.
#[derive(Clone, Copy)]
struct Place {
    /// The process that made it. In a forked child the pool of the parent is out of bounds:
    /// another thread may have been changing it at the moment of the fork.
    process: u64,
    /// Among the regions of its kind. The number is as small as it is for the sake of a token's size.
    region: u32,
    kind: Kind,
    locked: bool,
}

// SAFETY: a block owns its bytes, and gives them out by its own rules for references.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    pub(crate) fn new(len: usize, kind: Kind) -> Self {
        if len == 0 {
            return Block::empty(kind);
        }
        let (start, place) = Pool::current().room(len, kind);
        Block { start, len, place }
    }

    /// One without any bytes. It takes no memory.
    pub(crate) const fn empty(kind: Kind) -> Self {
        let place = Place { process: 0, region: 0, kind, locked: matches!(kind, Kind::Kept) };
        Block { start: NonNull::dangling(), len: 0, place }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.place.kind
    }

    /// Whether the system has agreed to keep it in RAM.
    pub(crate) fn is_locked(&self) -> bool {
        self.place.locked
    }
}

impl Deref for Block {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `len` bytes, initialised, ours until dropped.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for Block {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.len == 0 {
            return;
        }
        wipe(self);
        let process = process_generation();
        if self.place.process == process {
            Pool::of(process).take_back(self.start, self.len, self.place);
        }
    }
}

/// A text in protected memory, with a NUL behind it. It never moves and never changes.
pub(crate) struct Text {
    block: Block,
    /// Without the NUL.
    len: usize,
}

impl Text {
    /// One text of all the pieces.
    pub(crate) fn of(pieces: &[&str], kind: Kind) -> Self {
        let len = pieces.iter().map(|piece| piece.len()).sum();
        let mut block = match len {
            0 => Block::empty(kind),
            _ => Block::new(len + 1, kind),
        };
        let mut rest = &mut block[..];
        for piece in pieces {
            let (to, behind) = rest.split_at_mut(piece.len());
            to.copy_from_slice(piece.as_bytes());
            rest = behind;
        }
        Text { block, len }
    }

    /// The first `len` bytes of a block that ends in zeros. `None` if they are not UTF-8.
    pub(crate) fn from_block(block: Block, len: usize) -> Option<Self> {
        let has_end = len == 0 || block.get(len) == Some(&0);
        let is_text = std::str::from_utf8(block.get(..len)?).is_ok();
        (has_end && is_text).then_some(Text { block, len })
    }

    #[inline]
    pub(crate) fn text(&self) -> &str {
        // SAFETY: `of` and `from_block` have seen to it that these are UTF-8, and a text never changes.
        unsafe { std::str::from_utf8_unchecked(slice::from_raw_parts(self.start(), self.len)) }
    }

    /// The text's bytes and the NUL behind them.
    #[cfg(any(test, feature = "capi"))]
    pub(crate) fn with_nul(&self) -> &[u8] {
        self.block.get(..=self.len).unwrap_or(b"\0")
    }

    #[inline]
    fn start(&self) -> *const u8 {
        self.block.start.as_ptr()
    }

    /// Whether the system has agreed to keep it in RAM.
    pub(crate) fn is_locked(&self) -> bool {
        self.block.is_locked()
    }
}

/// Overwrites `bytes` for good. Ordinary writes, made visible to an optimiser that would drop them,
/// are several times faster than the volatile ones of [`Zeroize`](zeroize::Zeroize).
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    optimization_barrier(bytes);
}

/// Room that is taken before it is needed, so that it is there when an answer has come: for one who
/// would rather not ask than keep the answer in memory that may be swapped out.
pub(crate) struct Room(Cell<Span>);

/// Units of a region that are taken, and hold nothing yet.
#[derive(Clone, Copy)]
struct Span {
    start: NonNull<u8>,
    units: usize,
    place: Place,
}

thread_local! {
    /// The room that this thread's texts are kept in at the moment.
    static LENT: Cell<Option<Span>> = const { Cell::new(None) };
}

impl Room {
    /// Room for kept texts of so many bytes in all, and for what keeping them costs.
    pub(crate) fn of(len: usize) -> Self {
        let nothing = Block::empty(Kind::Kept);
        Room(Cell::new(match len {
            0 => Span { start: nothing.start, units: 0, place: nothing.place },
            _ => {
                let (start, place) = Pool::current().take(units(len), Kind::Kept);
                Span { start, units: units(len), place }
            }
        }))
    }

    /// Whether the system has agreed to keep it in RAM.
    pub(crate) fn is_locked(&self) -> bool {
        self.0.get().place.locked
    }

    /// Runs `body`. What this thread keeps meanwhile goes into the room, as long as that lasts.
    pub(crate) fn lend<R>(&self, body: impl FnOnce() -> R) -> R {
        struct Return<'a>(&'a Room, Option<Span>);
        impl Drop for Return<'_> {
            fn drop(&mut self) {
                if let Some(left) = LENT.replace(self.1) {
                    self.0.0.set(left);
                }
            }
        }
        let _return = Return(self, LENT.replace(Some(self.0.get())));
        body()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let Span { start, units, place } = self.0.get();
        let process = process_generation();
        if units > 0 && place.process == process {
            Pool::of(process).give(start, units, place);
        }
    }
}

/// So many units of the room that this thread was lent, if it was.
fn of_lent_room(units: usize, process: u64) -> Option<(NonNull<u8>, Place)> {
    let span = LENT.get().filter(|span| span.units >= units && span.place.process == process)?;
    // SAFETY: within the units that are taken for the room, or just behind them.
    let rest = unsafe { span.start.add(units * UNIT) };
    LENT.set(Some(Span { start: rest, units: span.units - units, ..span }));
    Some((span.start, span.place))
}

/// The regions of one process.
struct Pool {
    process: u64,
    /// What canaries are made of.
    key: u64,
    /// By [`Kind`].
    regions: [Mutex<Vec<Option<Region>>>; 2],
    has_warned: AtomicBool,
}

static POOL: AtomicPtr<Pool> = AtomicPtr::new(ptr::null_mut());

impl Pool {
    /// The pool of this process. A forked child makes its own at first use; it never waits for a
    /// lock that a thread of its parent may have held.
    fn current() -> &'static Pool {
        Pool::of(process_generation())
    }

    /// The same, for who has asked already which process this is.
    fn of(process: u64) -> &'static Pool {
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
            regions: Default::default(),
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
    fn room(&self, len: usize, kind: Kind) -> (NonNull<u8>, Place) {
        let lent = if kind == Kind::Kept { of_lent_room(units(len), self.process) } else { None };
        let (start, place) = lent.unwrap_or_else(|| self.take(units(len), kind));
        // SAFETY: the units have room for both canaries around `len` bytes.
        let start = unsafe {
            let start = start.add(CANARY);
            for at in self.canaries(start, len) {
                at.write_unaligned(self.canary(at));
            }
            start
        };
        (start, place)
    }

    /// Takes room back that was wiped already.
    fn take_back(&self, start: NonNull<u8>, len: usize, place: Place) {
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
        // SAFETY: the units begin with a canary.
        self.give(unsafe { start.sub(CANARY) }, units(len), place);
    }

    /// So many units in a row.
    fn take(&self, units: usize, kind: Kind) -> (NonNull<u8>, Place) {
        let (start, region, locked) = {
            let mut regions = self.regions(kind);
            let mut find = |locked| {
                regions.iter_mut().enumerate().find_map(|(index, region)| {
                    let region = region.as_mut().filter(|region| region.locked == locked)?;
                    Some((region.take(units)?, index, locked))
                })
            };
            find(true).or_else(|| find(false)).unwrap_or_else(|| {
                let mut region = Region::new(units, kind);
                let (start, locked) = (region.take_first(units), region.locked);
                let index = regions.iter().position(Option::is_none).unwrap_or(regions.len());
                match regions.get_mut(index) {
                    Some(free) => *free = Some(region),
                    None => regions.push(Some(region)),
                }
                (start, index, locked)
            })
        };
        if kind == Kind::Kept && !locked && !self.has_warned.swap(true, Ordering::Relaxed) {
            // Not under the lock: a logger may do anything, even make a secret.
            log::warn!(
                target: "caretoken",
                "event=memory_not_locked detail=\"the limit on locked memory is used up: secrets \
                 may reach the swap file; to do (operator): raise the limit (ulimit -l)\""
            );
        }
        // Each region takes 64 KiB at least: there is no memory for more than that.
        let region = u32::try_from(region).unwrap_or(u32::MAX);
        (start, Place { process: self.process, region, kind, locked })
    }

    /// Frees units that were taken.
    fn give(&self, start: NonNull<u8>, units: usize, place: Place) {
        let mut regions = self.regions(place.kind);
        let Some(slot) = regions.get_mut(place.region as usize) else { return };
        let Some(owner) = slot else { return };
        owner.give(start, units);
        // The first one stays, unless it is large: making a region takes five system calls.
        if owner.is_empty() && (place.region != 0 || owner.pages.len > size_of_region(place.kind)) {
            *slot = None;
        }
    }

    fn regions(&self, kind: Kind) -> MutexGuard<'_, Vec<Option<Region>>> {
        let [kept, passing] = &self.regions;
        let regions = if kind == Kind::Kept { kept } else { passing };
        regions.lock().unwrap_or_else(PoisonError::into_inner)
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
const UNIT: usize = 16;
/// What one region has room for, unless a single block needs more. Locked memory is scarce.
fn size_of_region(kind: Kind) -> usize {
    match kind {
        Kind::Kept => 64 * 1024,
        Kind::Passing => 256 * 1024,
    }
}

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
    /// A region with room for so many units at least. For what is kept it is locked, if that is
    /// possible at all.
    fn new(least: usize, kind: Kind) -> Self {
        let (least, usual) = (least * UNIT, size_of_region(kind));
        let locked = match kind {
            // The limit may still allow what is needed right now.
            Kind::Kept => Pages::locked(least.max(usual)).or_else(|| Pages::locked(least)),
            Kind::Passing => None,
        };
        let (pages, locked) = match locked {
            Some(pages) => (pages, true),
            None => (Pages::unlocked(least.max(usual)), false),
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

    /// Frees the units from there on.
    fn give(&mut self, start: NonNull<u8>, units: usize) {
        let offset = start.addr().get() - self.pages.start.addr().get();
        self.mark(offset / UNIT, units, false);
    }

    fn mark(&mut self, first: usize, units: usize, taken: bool) {
        let (mut at, end) = (first, first + units);
        while at < end {
            let bits = (WORD - at % WORD).min(end - at);
            let mask = u64::MAX >> (WORD - bits) << (at % WORD);
            match taken {
                true => self.taken[at / WORD] |= mask,
                false => self.taken[at / WORD] &= !mask,
            }
            at += bits;
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
        Some(Pages { start, len, _lock: None, _memory: Memory::Mapped { _all: all } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(pieces: &[&str]) -> Text {
        Text::of(pieces, Kind::Kept)
    }

    #[test]
    fn a_text_is_what_its_pieces_were() {
        assert_eq!(kept(&[]).text(), "");
        assert_eq!(kept(&["", ""]).text(), "");
        assert_eq!(kept(&["fake", "", "-sécret"]).text(), "fake-sécret");
    }

    #[test]
    fn texts_of_all_sizes_live_side_by_side() {
        let texts: Vec<String> = (0..300).map(|n| "x".repeat(n * n % 1500 + n)).collect();
        let mut blocks: Vec<_> = texts.iter().map(|text| Some(kept(&[text]))).collect();
        for index in (0..blocks.len()).step_by(3) {
            blocks[index] = None;
        }
        for index in (0..blocks.len()).step_by(3) {
            blocks[index] = Some(kept(&[&texts[index]]));
        }
        for (text, block) in texts.iter().zip(&blocks) {
            assert_eq!(block.as_ref().unwrap().text(), text);
        }
    }

    #[test]
    fn a_text_larger_than_a_region_gets_one_of_its_own() {
        let large = "x".repeat(200_000);
        assert_eq!(kept(&[&large]).text(), large);
    }

    #[test]
    fn units_are_found_across_words_and_given_back() {
        let mut region = Region::new(1, Kind::Kept);
        let first = region.take(60).unwrap();
        let second = region.take(70).unwrap();
        let third = region.take(1).unwrap();
        // SAFETY: within the region.
        let unit = |n: usize| unsafe { region.pages.start.add(n * UNIT) };
        assert_eq!((first, second, third), (unit(0), unit(60), unit(130)));
        region.give(second, 70);
        assert!(region.take(71).is_some_and(|at| at > third));
        assert_eq!(region.take(70), Some(second));
        region.give(second, 70);
        region.give(first, 60);
        region.give(third, 1);
        assert_eq!(region.free, region.units - 71);
    }

    #[test]
    fn many_texts_share_pages() {
        let token = "x".repeat(1024);
        let count = if cfg!(miri) { 100 } else { 10_000 };
        let texts: Vec<_> = (0..count).map(|_| kept(&["Bearer ", &token])).collect();
        let regions = Pool::current().regions(Kind::Kept);
        let bytes: usize = regions.iter().flatten().map(|region| region.pages.len).sum();
        assert!(
            bytes < count * 1200 + 4 * size_of_region(Kind::Kept),
            "{bytes} bytes for {count} texts"
        );
        drop(regions);
        assert!(texts.iter().all(|text| text.text().len() == 1031));
    }

    #[test]
    fn what_is_kept_while_room_is_lent_lies_in_it_as_long_as_it_lasts() {
        let room = Room::of(1000);
        let (first, taken) = (room.0.get().start.as_ptr(), room.0.get().units);
        let (inside, too_large, outer) = room.lend(|| {
            let passing = Block::new(100, Kind::Passing);
            assert!(!passing.is_locked());
            let outer = Room::of(0).lend(|| kept(&["fake-outside"]));
            (kept(&["fake-inside"]), kept(&[&"x".repeat(1000)]), outer)
        });
        assert_eq!(inside.start(), first.wrapping_add(CANARY));
        assert_eq!(inside.text(), "fake-inside");
        let rest = room.0.get();
        assert_eq!((rest.start.as_ptr(), rest.units), (first.wrapping_add(2 * UNIT), taken - 2));
        let end = first.wrapping_add(taken * UNIT);
        for outside in [kept(&["fake-later"]), too_large, outer] {
            assert!(outside.start() < first || outside.start() >= end);
        }
        drop(room);
        assert_eq!(inside.text(), "fake-inside");
    }

    #[test]
    fn threads_do_not_get_in_each_others_way() {
        std::thread::scope(|scope| {
            for name in ["one", "two", "three", "four"] {
                scope.spawn(move || {
                    let rounds = if cfg!(miri) { 20 } else { 2000 };
                    for round in 0..rounds {
                        let text = name.repeat(round % 50);
                        let both = [kept(&[&text]), kept(&[&text, name])];
                        assert_eq!(both[0].text(), text);
                    }
                });
            }
        });
    }
}
