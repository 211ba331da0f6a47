//! Bytes on their way from the wire, left out of core dumps, wiped when they have been dealt with.

use crate::memory::SecretBuf;

/// The largest buffer that is kept for the next use.
const MAX_KEPT: usize = 8 * 1024;

/// Bytes that arrive at the end and are dealt with at the front.
///
/// Everything it ever held is wiped when all of it has been dealt with, when the buffer is
/// [`wipe`](Window::wipe)d or dropped, and when it grows, so that an idle connection keeps nothing of
/// the last answer.
#[derive(Default)]
pub(super) struct Window {
    bytes: SecretBuf,
    /// How many bytes have been dealt with.
    start: usize,
}

impl Window {
    /// The bytes that have not been dealt with.
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes.expose_secret()[self.start..]
    }

    /// The same, to decrypt in place.
    pub(super) fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.bytes.expose_mut()[self.start..]
    }

    /// Marks the first `amount` unread bytes as dealt with.
    pub(super) fn consume(&mut self, amount: usize) {
        self.start = self.bytes.len().min(self.start + amount);
        if self.start == self.bytes.len() {
            self.forget();
        }
    }

    /// At least `room` free bytes after the unread ones. Report what was written with
    /// [`filled`](Window::filled).
    pub(super) fn spare(&mut self, room: usize) -> &mut [u8] {
        if self.bytes.capacity() - self.bytes.len() < room {
            self.bytes.remove_first(self.start);
            self.start = 0;
        }
        self.bytes.spare(room)
    }

    /// `amount` bytes were written to [`spare`](Window::spare).
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
    fn bytes_are_dealt_with_in_order_while_the_buffer_moves_and_grows() {
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
    fn wiping_leaves_nothing_in_the_buffer() {
        let mut window = Window::default();
        window.push(b"secret");
        window.consume(3);
        window.push(b"more");
        window.wipe();
        assert!(window.unread().is_empty());
        let block = window.spare(0);
        assert!(!block.is_empty() && block.iter().all(|byte| *byte == 0));
        window.push(&[1; MAX_KEPT + 1]);
        window.wipe();
        assert_eq!(window.bytes.capacity(), 0);
    }

    #[test]
    fn room_is_made_by_moving_before_growing() {
        let mut window = Window::default();
        window.spare(8);
        window.push(b"abcdefgh");
        window.consume(6);
        window.push(b"ijk");
        assert_eq!(window.unread(), b"ghijk");
        assert_eq!(window.bytes.capacity(), 8);
        window.consume(100);
        assert!(window.unread().is_empty());
    }
}
