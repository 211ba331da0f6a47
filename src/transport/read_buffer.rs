//! A buffer for what is read from a connection: left out of core dumps, and wiped after use.

use crate::memory::{Block, Kind, wipe};

/// What a read from a connection brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Received {
    /// Bytes.
    Data,
    /// The end, as the peer meant it.
    End,
    /// An end that TLS does not vouch for: anybody on the way can cause it.
    Truncated,
}

/// The largest block that is kept for the next use, in bytes.
const MAX_KEPT: usize = 8 * 1024;

/// A queue of bytes: filled at the end, consumed at the front.
///
/// Everything it ever held is wiped when it is dropped or [`wipe`](ReadBuffer::wipe)d, and when it
/// moves to a larger block. So an idle connection keeps nothing of the last answer.
pub(super) struct ReadBuffer {
    block: Block,
    start: usize,
    end: usize,
    /// Up to where the block has ever been written since it was last wiped.
    touched: usize,
}

impl Default for ReadBuffer {
    fn default() -> Self {
        ReadBuffer { block: Block::empty(Kind::Passing), start: 0, end: 0, touched: 0 }
    }
}

impl ReadBuffer {
    /// The bytes that were not consumed yet.
    pub(super) fn unread(&self) -> &[u8] {
        &self.block[self.start..self.end]
    }

    /// The same, to decrypt in place.
    pub(super) fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.block[self.start..self.end]
    }

    /// Consumes the first `amount` unread bytes.
    pub(super) fn consume(&mut self, amount: usize) {
        self.start = self.end.min(self.start + amount);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// At least `room` free bytes after the unread ones. Report what was written with
    /// [`filled`](ReadBuffer::filled).
    pub(super) fn spare(&mut self, room: usize) -> &mut [u8] {
        if self.block.len() - self.end < room {
            self.make_room(room);
        }
        &mut self.block[self.end..]
    }

    /// `amount` bytes were written to [`spare`](ReadBuffer::spare).
    pub(super) fn filled(&mut self, amount: usize) {
        self.end = self.block.len().min(self.end + amount);
        self.touched = self.touched.max(self.end);
    }

    /// Appends `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.spare(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.filled(bytes.len());
    }

    /// Drops everything and wipes it. The block stays for the next use, unless it is large.
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
    fn bytes_are_consumed_in_order_while_the_block_moves_and_grows() {
        let mut buffer = ReadBuffer::default();
        let (mut given, mut taken) = (0_u32, 0_u32);
        for round in 0..200_usize {
            for _ in 0..round % 7 {
                buffer.push(&given.to_be_bytes());
                given += 1;
            }
            for _ in 0..round % 5 {
                let Some(bytes) = buffer.unread().first_chunk() else { break };
                assert_eq!(u32::from_be_bytes(*bytes), taken);
                taken += 1;
                buffer.consume(4);
            }
        }
        assert_eq!(buffer.unread().len() as u32, (given - taken) * 4);
    }

    #[test]
    fn wiping_leaves_nothing_in_the_block() {
        let mut buffer = ReadBuffer::default();
        buffer.push(b"secret");
        buffer.consume(3);
        buffer.push(b"more");
        buffer.wipe();
        assert!(buffer.unread().is_empty());
        assert!(!buffer.block.is_empty());
        assert!(buffer.block.iter().all(|byte| *byte == 0));
        buffer.push(&[1; MAX_KEPT + 1]);
        buffer.wipe();
        assert!(buffer.block.is_empty());
    }

    #[test]
    fn room_is_made_by_moving_before_growing() {
        let mut buffer = ReadBuffer::default();
        buffer.spare(8);
        buffer.push(b"abcdefgh");
        buffer.consume(6);
        buffer.push(b"ijk");
        assert_eq!(buffer.unread(), b"ghijk");
        assert_eq!(buffer.block.len(), 8);
        buffer.consume(100);
        assert!(buffer.unread().is_empty());
    }
}
