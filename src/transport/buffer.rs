//! Bytes on their way from the wire, wiped when they have been dealt with.

use zeroize::Zeroize;

/// Bytes that arrive at the end and are dealt with at the front.
///
/// Everything it ever held is wiped when it is dropped or [`wipe`](Window::wipe)d, and when it
/// moves to a larger block, so that an idle connection keeps nothing of the last answer.
#[derive(Default)]
pub(super) struct Window {
    block: Vec<u8>,
    start: usize,
    end: usize,
    /// Up to where the block has ever been written since it was last wiped.
    touched: usize,
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

    /// Forgets everything and wipes what was written; the block stays for the next use.
    pub(super) fn wipe(&mut self) {
        self.block[..self.touched].zeroize();
        (self.start, self.end, self.touched) = (0, 0, 0);
    }

    fn make_room(&mut self, room: usize) {
        let unread = self.start..self.end;
        if self.block.len() - unread.len() >= room {
            self.block.copy_within(unread.clone(), 0);
        } else {
            let size = (unread.len() + room).max(2 * self.block.len());
            let mut larger = vec![0; size];
            larger[..unread.len()].copy_from_slice(&self.block[unread.clone()]);
            self.block[..self.touched].zeroize();
            self.block = larger;
            self.touched = unread.len();
        }
        (self.start, self.end) = (0, unread.len());
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.wipe();
    }
}
