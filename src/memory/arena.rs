//! Pages cut into blocks.

use std::ops::Range;
use std::ptr::NonNull;

use super::pages::Pages;

/// Pages of which parts are handed out and taken back.
pub(super) struct Arena {
    pages: Pages,
    /// The free parts, as offsets in bytes: in order, none empty, no two touching.
    free: Vec<Range<usize>>,
}

impl Arena {
    pub(super) fn new(pages: Pages) -> Self {
        let all = 0..pages.len();
        Arena { pages, free: vec![all] }
    }

    /// Where its pages begin.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.pages.start()
    }

    /// How many bytes its pages have.
    pub(super) fn len(&self) -> usize {
        self.pages.len()
    }

    pub(super) fn is_locked(&self) -> bool {
        self.pages.is_locked()
    }

    /// Whether all of it is free.
    pub(super) fn is_unused(&self) -> bool {
        self.free.first().is_some_and(|part| part.len() == self.pages.len())
    }

    /// Takes the first `len` bytes in a row that are free. `len` is not zero.
    pub(super) fn take(&mut self, len: usize) -> Option<NonNull<u8>> {
        let index = self.free.iter().position(|part| part.len() >= len)?;
        let part = &mut self.free[index];
        let at = part.start;
        part.start += len;
        if part.start == part.end {
            self.free.remove(index);
        }
        // SAFETY: a free part lies within the pages.
        Some(unsafe { self.start().add(at) })
    }

    /// Frees `len` bytes from `start` on, all of which were taken here.
    pub(super) fn give(&mut self, start: NonNull<u8>, len: usize) {
        let at = start.addr().get() - self.start().addr().get();
        let mut part = at..at + len;
        let next = self.free.partition_point(|free| free.start < at);
        if self.free.get(next).is_some_and(|behind| behind.start == part.end) {
            part.end = self.free.remove(next).end;
        }
        let before = next.checked_sub(1).and_then(|index| self.free.get_mut(index));
        match before.filter(|before| before.end == part.start) {
            Some(before) => before.end = part.end,
            None => self.free.insert(next, part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_between_others_and_given_back() {
        let mut arena = Arena::new(Pages::unlocked(4096));
        let first = arena.take(60).unwrap();
        let second = arena.take(70).unwrap();
        let third = arena.take(1).unwrap();
        // SAFETY: within the pages.
        let at = |offset: usize| unsafe { arena.start().add(offset) };
        assert_eq!((first, second, third), (at(0), at(60), at(130)));
        arena.give(second, 70);
        assert!(arena.take(71).is_some_and(|at| at > third));
        assert_eq!(arena.take(70), Some(second));
        arena.give(second, 70);
        arena.give(first, 60);
        arena.give(third, 1);
        assert_eq!(arena.free, [0..131, 202..arena.len()]);
        assert!(!arena.is_unused());
        // SAFETY: within the pages.
        arena.give(unsafe { arena.start().add(131) }, 71);
        assert!(arena.is_unused());
        assert!(arena.take(arena.len() + 1).is_none());
        assert!(arena.take(arena.len()).is_some());
        assert!(arena.take(1).is_none());
    }
}
