//! A buffer for what is read from a connection: left out of core dumps, and wiped after use.

use crate::memory::SecretBuf;

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

/// The largest buffer that is kept for the next use, in bytes.
const MAX_KEPT: usize = 8 * 1024;

/// A queue of bytes: filled at the end, consumed at the front.
///
/// Everything it ever held is wiped when all of it has been consumed, when the buffer is
/// [`wipe`](ReadBuffer::wipe)d or dropped, and when it grows, so that an idle connection keeps nothing of
/// the last answer.
#[derive(Default)]
pub(super) struct ReadBuffer {
    bytes: SecretBuf,
    /// How many bytes have been consumed.
    start: usize,
}

impl ReadBuffer {
    /// The bytes that were not consumed yet.
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes.expose_secret()[self.start..]
    }

    /// The same, to decrypt in place.
    pub(super) fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.bytes.expose_mut()[self.start..]
    }

    /// Consumes the first `amount` unread bytes.
    pub(super) fn consume(&mut self, amount: usize) {
        self.start = self.bytes.len().min(self.start + amount);
        if self.start == self.bytes.len() {
            self.forget();
        }
    }

    /// At least `room` free bytes after the unread ones. Report what was written with
    /// [`filled`](ReadBuffer::filled).
    pub(super) fn spare(&mut self, room: usize) -> &mut [u8] {
        if self.bytes.capacity() - self.bytes.len() < room {
            self.bytes.remove_first(self.start);
            self.start = 0;
        }
        self.bytes.spare(room)
    }

    /// `amount` bytes were written to [`spare`](ReadBuffer::spare).
    pub(super) fn filled(&mut self, amount: usize) {
        self.bytes.filled(amount);
    }

    /// Appends `bytes`.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.spare(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.filled(bytes.len());
    }

    /// Forgets everything and wipes what was written. The memory stays for the next use, unless it
    /// had to become large.
    pub(super) fn wipe(&mut self) {
        self.forget();
        if self.bytes.capacity() > MAX_KEPT {
            self.bytes = SecretBuf::default();
        }
    }

    fn forget(&mut self) {
        self.bytes.truncate(0);
        self.start = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_consumed_in_order_while_the_buffer_moves_and_grows() {
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
    fn wiping_leaves_nothing_in_the_buffer() {
        let mut buffer = ReadBuffer::default();
        buffer.push(b"secret");
        buffer.consume(3);
        buffer.push(b"more");
        buffer.wipe();
        assert!(buffer.unread().is_empty());
        let block = buffer.spare(0);
        assert!(!block.is_empty() && block.iter().all(|byte| *byte == 0));
        buffer.push(&[1; MAX_KEPT + 1]);
        buffer.wipe();
        assert_eq!(buffer.bytes.capacity(), 0);
    }

    #[test]
    fn room_is_made_by_moving_before_growing() {
        let mut buffer = ReadBuffer::default();
        buffer.spare(8);
        buffer.push(b"abcdefgh");
        buffer.consume(6);
        buffer.push(b"ijk");
        assert_eq!(buffer.unread(), b"ghijk");
        assert_eq!(buffer.bytes.capacity(), 8);
        buffer.consume(100);
        assert!(buffer.unread().is_empty());
    }
}
