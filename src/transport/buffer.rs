//! Bytes on their way from the wire, left out of core dumps, wiped when they have been dealt with.

use crate::memory::{Block, Kind, wipe};

/// The largest block that is kept for the next use.
const MAX_KEPT: usize = 8 * 1024;

/// Bytes that arrive at the end and are dealt with at the front.
///
/// Everything it ever held is wiped when it is dropped or [`wipe`](Window::wipe)d, and when it
/// moves to a larger block, so that an idle connection keeps nothing of the last answer.
pub(super) struct Window {
    block: Block,
    start: usize,
    end: usize,
    /// Up to where the block has ever been written since it was last wiped.
    touched: usize,
}

impl Default for Window {
    fn default() -> Self {
        Window { block: Block::empty(Kind::Passing), start: 0, end: 0, touched: 0 }
    }
}

impl Window {
    /// The bytes that have not been dealt with.
    pub(super) fn unread(&self) -> &[u8] {
        &self.block[self.start..self.end]
    }

    /// The same, to decrypt in place.
    pub(super) fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.block[self.start..self.end]
    }

    /// Marks the first `amount` unread bytes as dealt with.
    pub(super) fn consume(&mut self, amount: usize) {
        self.start = self.end.min(self.start + amount);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// At least `room` free bytes after the unread ones. Report what was written with
    /// [`filled`](Window::filled).
    pub(super) fn spare(&mut self, room: usize) -> &mut [u8] {
        if self.block.len() - self.end < room {
            self.make_room(room);
        }
        &mut self.block[self.end..]
    }

    /// `amount` bytes were written to [`spare`](Window::spare).
    pub(super) fn filled(&mut self, amount: usize) {
        self.end = self.block.len().min(self.end + amount);
        self.touched = self.touched.max(self.end);
    }

    /// Appends `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.spare(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.filled(bytes.len());
    }

    /// Forgets everything and wipes what was written. The block stays for the next use, unless it
    /// had to become large.
    pub(super) fn wipe(&mut self) {
        wipe(&mut self.block[..self.touched]);
        (self.start, self.end, self.touched) = (0, 0, 0);
        if self.block.len() > MAX_KEPT {
            self.block = Block::empty(Kind::Passing);
        }
    }

    fn make_room(&mut self, room: usize) {
        let unread = self.start..self.end;
        if self.block.len() - unread.len() >= room {
            self.block.copy_within(unread.clone(), 0);
        } else {
            let size = (unread.len() + room).max(2 * self.block.len());
            let mut larger = Block::new(size, Kind::Passing);
            larger[..unread.len()].copy_from_slice(&self.block[unread.clone()]);
            self.block = larger;
            self.touched = unread.len();
        }
        (self.start, self.end) = (0, unread.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_dealt_with_in_order_while_the_block_moves_and_grows() {
        let mut window = Window::default();
        let (mut given, mut taken) = (0_u32, 0_u32);
        for round in 0..200_usize {
            for _ in 0..round % 7 {
                window.push(&given.to_be_bytes());
                given += 1;
            }
            for _ in 0..round % 5 {
                let Some(bytes) = window.unread().first_chunk() else { break };
                assert_eq!(u32::from_be_bytes(*bytes), taken);
                taken += 1;
                window.consume(4);
            }
        }
        assert_eq!(window.unread().len() as u32, (given - taken) * 4);
    }

    #[test]
    fn wiping_leaves_nothing_in_the_block() {
        let mut window = Window::default();
        window.push(b"secret");
        window.consume(3);
        window.push(b"more");
        window.wipe();
        assert!(window.unread().is_empty());
        assert!(!window.block.is_empty());
        assert!(window.block.iter().all(|byte| *byte == 0));
        window.push(&[1; MAX_KEPT + 1]);
        window.wipe();
        assert!(window.block.is_empty());
    }

    #[test]
    fn room_is_made_by_moving_before_growing() {
        let mut window = Window::default();
        window.spare(8);
        window.push(b"abcdefgh");
        window.consume(6);
        window.push(b"ijk");
        assert_eq!(window.unread(), b"ghijk");
        assert_eq!(window.block.len(), 8);
        window.consume(100);
        assert!(window.unread().is_empty());
    }
}
