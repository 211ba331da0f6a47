//! The arenas of this process, and the blocks in them.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use once_cell::race::OnceBox;

use super::arena::Arena;
use super::pages::Pages;
use super::per_process::{Owned, PerProcess};
use super::wipe::wipe;

/// Bytes from a pool: all zero at first, wiped when dropped. They never move.
pub(super) struct Block {
    start: NonNull<u8>,
    len: usize,
    /// `None` without any bytes.
    pool: Option<Arc<Owned<Pool>>>,
    is_locked: bool,
}

// SAFETY: a block owns its bytes, and gives them out by the rules for references.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    /// One without any bytes. It takes no memory.
    pub(super) const EMPTY: Block =
        Block { start: NonNull::dangling(), len: 0, pool: None, is_locked: true };

    /// For what stays: locked as far as the limit allows.
    pub(super) fn for_secret(len: usize) -> Self {
        static POOL: OnceBox<PerProcess<Pool>> = OnceBox::new();
        Block::of(&POOL, Pool::FOR_SECRETS, len)
    }

    /// For what is gone with the request.
    pub(super) fn for_buffer(len: usize) -> Self {
        static POOL: OnceBox<PerProcess<Pool>> = OnceBox::new();
        Block::of(&POOL, Pool::FOR_BUFFERS, len)
    }

    fn of(pool: &OnceBox<PerProcess<Pool>>, settings: Settings, len: usize) -> Self {
        if len == 0 {
            return Block::EMPTY;
        }
        let pool = pool.get_or_init(|| Box::new(PerProcess::new(move || Pool::new(settings))));
        let pool = pool.get();
        let (start, is_locked) = pool.take(len);
        Block { start, len, pool: Some(pool), is_locked }
    }

    /// Whether the system has agreed to keep it in RAM.
    pub(super) fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// Whether this process made it, and not one that it was forked from.
    pub(super) fn is_of_this_process(&self) -> bool {
        self.pool.as_ref().is_none_or(|pool| pool.is_of_this_process())
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
        wipe(self);
        // The pool of a parent is out of bounds: nobody here would ever release its lock.
        match &self.pool {
            Some(pool) if self.len > 0 && pool.is_of_this_process() => {
                pool.give(self.start, self.len);
            }
            _ => {}
        }
    }
}

/// Room for secrets that is taken before it is needed, so that it is there when an answer has come:
/// for a client that would rather not ask than keep the answer in memory that may be swapped out.
pub(crate) struct Reservation(Block);

impl Reservation {
    /// Room for so many bytes; none for zero.
    pub(crate) fn of(len: usize) -> Self {
        Reservation(Block::for_secret(rounded_up(len)))
    }

    /// Whether the system has agreed to keep it in RAM.
    pub(crate) fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// A block of the reserved room as long as that lasts, and another one then.
    pub(super) fn take(&mut self, len: usize) -> Block {
        let Reservation(rest) = self;
        let size = rounded_up(len);
        if rest.len < size || !rest.is_of_this_process() {
            return Block::for_secret(len);
        }
        let block = Block { len, pool: rest.pool.clone(), ..*rest };
        // SAFETY: within the room, or just behind it.
        rest.start = unsafe { rest.start.add(size) };
        rest.len -= size;
        block
    }
}

/// The arenas of one process for one use.
struct Pool {
    settings: Settings,
    /// By the address of their pages.
    arenas: Mutex<BTreeMap<usize, Arena>>,
    has_warned: AtomicBool,
}

#[derive(Clone, Copy)]
struct Settings {
    locks: bool,
    /// How many bytes an arena has, unless one block needs more.
    arena_size: usize,
}

impl Pool {
    /// Locked memory is scarce.
    const FOR_SECRETS: Settings = Settings { locks: true, arena_size: 64 * 1024 };
    const FOR_BUFFERS: Settings = Settings { locks: false, arena_size: 256 * 1024 };

    fn new(settings: Settings) -> Self {
        Pool { settings, arenas: Mutex::default(), has_warned: AtomicBool::new(false) }
    }

    /// So many bytes, and whether they are locked. `len` is not zero.
    fn take(&self, len: usize) -> (NonNull<u8>, bool) {
        let len = rounded_up(len);
        let (start, is_locked) = {
            let mut arenas = self.arenas();
            let mut find = |is_locked| {
                let mut alike = arenas.values_mut().filter(|arena| arena.is_locked() == is_locked);
                Some((alike.find_map(|arena| arena.take(len))?, is_locked))
            };
            find(true).or_else(|| find(false)).unwrap_or_else(|| {
                let mut arena = self.new_arena(len);
                // It is large enough.
                let start = arena.take(len).unwrap_or(arena.start());
                let is_locked = arena.is_locked();
                arenas.insert(arena.start().addr().get(), arena);
                (start, is_locked)
            })
        };
        if self.settings.locks && !is_locked && !self.has_warned.swap(true, Ordering::Relaxed) {
            // Not under the lock: a logger may do anything, even make a secret.
            log::warn!(
                target: "caretoken",
                "event=memory_not_locked detail=\"the limit on locked memory is used up: secrets \
                 may reach the swap file; to do (operator): raise the limit (ulimit -l)\""
            );
        }
        (start, is_locked)
    }

    /// An arena with room for so many bytes in a row.
    fn new_arena(&self, len: usize) -> Arena {
        let usual = len.max(self.settings.arena_size);
        // The limit may still allow what is needed right now.
        let locked = || Pages::locked(usual).or_else(|| Pages::locked(len));
        let pages = self.settings.locks.then(locked).flatten();
        Arena::new(pages.unwrap_or_else(|| Pages::unlocked(usual)))
    }

    /// Frees the `len` bytes from `start` on, which [`take`](Pool::take) gave and which are wiped.
    fn give(&self, start: NonNull<u8>, len: usize) {
        let mut arenas = self.arenas();
        let is_only_one = arenas.len() == 1;
        let mut at_or_before = arenas.range_mut(..=start.addr().get());
        let Some((&address, arena)) = at_or_before.next_back() else { return };
        arena.give(start, rounded_up(len));
        // The last one stays, unless it is large: making an arena takes five system calls.
        let stays = is_only_one && arena.len() <= self.settings.arena_size;
        if arena.is_unused() && !stays {
            arenas.remove(&address);
        }
    }

    fn arenas(&self) -> MutexGuard<'_, BTreeMap<usize, Arena>> {
        self.arenas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Blocks begin at multiples of so many bytes: small enough to waste little, large enough that few
/// free parts are too small for any text.
const UNIT: usize = 16;

fn rounded_up(len: usize) -> usize {
    len.next_multiple_of(UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_all_sizes_live_side_by_side() {
        let filled = |n: usize, byte: u8| {
            let mut block = Block::for_secret(n * n % 1500 + n);
            assert!(block.iter().all(|byte| *byte == 0));
            block.fill(byte);
            block
        };
        let mut blocks: Vec<_> = (0..300).map(|n| Some(filled(n, 1))).collect();
        for n in (0..blocks.len()).step_by(3) {
            blocks[n] = None;
        }
        for n in (0..blocks.len()).step_by(3) {
            blocks[n] = Some(filled(n, 2));
        }
        for (n, block) in blocks.iter().enumerate() {
            let expected = if n % 3 == 0 { 2 } else { 1 };
            assert!(block.as_ref().unwrap().iter().all(|byte| *byte == expected));
        }
    }

    #[test]
    fn many_blocks_share_pages() {
        let count = if cfg!(miri) { 100 } else { 10_000 };
        let blocks: Vec<_> = (0..count).map(|_| Block::for_secret(1032)).collect();
        let pool = blocks[0].pool.as_ref().unwrap();
        let bytes: usize = pool.arenas().values().map(Arena::len).sum();
        assert!(
            bytes < count * 1200 + 4 * Pool::FOR_SECRETS.arena_size,
            "{bytes} bytes for {count} blocks"
        );
    }

    #[test]
    fn an_unused_arena_goes_unless_it_is_the_last_one_and_not_large() {
        let pool = Pool::new(Settings { locks: false, arena_size: 4096 });
        let sizes = |pool: &Pool| -> usize { pool.arenas().values().map(Arena::len).sum() };
        let (large, _) = pool.take(100_000);
        pool.give(large, 100_000);
        assert_eq!(sizes(&pool), 0);
        let (first, _) = pool.take(4096);
        let (second, _) = pool.take(4096);
        let two = sizes(&pool);
        pool.give(first, 4096);
        assert_eq!(sizes(&pool), two / 2);
        pool.give(second, 4096);
        assert_eq!(sizes(&pool), two / 2);
    }

    #[test]
    fn what_is_taken_lies_in_the_reservation_as_long_as_it_lasts() {
        let mut reservation = Reservation::of(1000);
        let (first, reserved) = (reservation.0.start.as_ptr(), reservation.0.len);
        assert!(!Block::for_buffer(100).is_locked());
        let inside = reservation.take(11);
        let too_large = reservation.take(1000);
        assert_eq!(inside.as_ptr(), first);
        assert_eq!(inside.len(), 11);
        assert_eq!(reservation.0.start.as_ptr(), first.wrapping_add(UNIT));
        assert_eq!(reservation.0.len, reserved - UNIT);
        let end = first.wrapping_add(reserved);
        for outside in [Block::for_secret(10), too_large, Reservation::of(0).take(10)] {
            let start = outside.start.as_ptr();
            assert!(start.cast_const() < first.cast_const() || start >= end);
        }
        let rest = reservation.take(reserved - UNIT);
        assert_eq!(rest.as_ptr(), first.wrapping_add(UNIT));
        drop(reservation);
        assert_eq!(rest.len(), reserved - UNIT);
    }

    #[test]
    fn threads_do_not_get_in_each_others_way() {
        std::thread::scope(|scope| {
            for byte in [1, 2, 3, 4] {
                scope.spawn(move || {
                    let rounds = if cfg!(miri) { 20 } else { 2000 };
                    for round in 0..rounds {
                        let mut both = [Block::for_secret(round % 50), Block::for_secret(round)];
                        both.iter_mut().for_each(|block| block.fill(byte));
                        assert!(both.iter().all(|block| block.iter().all(|found| *found == byte)));
                    }
                });
            }
        });
    }
}
