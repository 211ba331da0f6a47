//! Bytes on their way to or from the wire.

use std::fmt;
use std::io;

use super::pool::Block;
use super::wipe::wipe;

/// Bytes on their way to or from the wire: in memory that is left out of core dumps where the system
/// can (Linux), grows without leaving a copy behind, and is wiped when dropped.
///
/// It is not locked into RAM; what stays is a [`Secret`](crate::Secret).
pub struct SecretBuf {
    /// As long as the capacity.
    block: Block,
    len: usize,
}

impl SecretBuf {
    /// An empty buffer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        SecretBuf { block: Block::for_buffer(capacity), len: 0 }
    }

    /// How many bytes there is room for before the buffer must grow.
    pub(crate) fn capacity(&self) -> usize {
        self.block.len()
    }

    /// Appends `bytes`. When the room ends, the old memory is wiped before it is freed.
    pub fn push(&mut self, bytes: &[u8]) {
        self.spare(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// All the room behind the last byte: `room` bytes or more. [`filled`](SecretBuf::filled) is told
    /// how many were written.
    pub(crate) fn spare(&mut self, room: usize) -> &mut [u8] {
        let needed = self.len + room;
        if needed > self.capacity() {
            let mut grown = Block::for_buffer(needed.max(2 * self.capacity()));
            grown[..self.len].copy_from_slice(self.expose_secret());
            self.block = grown;
        }
        &mut self.block[self.len..]
    }

    /// Makes the first `amount` bytes of [`spare`](SecretBuf::spare) part of the content.
    pub(crate) fn filled(&mut self, amount: usize) {
        self.len = self.capacity().min(self.len + amount);
    }

    /// Appends what `write` puts into `room` more bytes; it returns how many they are.
    pub(crate) fn append<E>(
        &mut self,
        room: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let before = self.len;
        let written = write(&mut self.spare(room)[..room]);
        self.filled(room);
        self.truncate(before + written.as_ref().map_or(0, |amount| *amount));
        written
    }

    /// Shortens the content to `len` bytes and wipes the rest; does nothing if it is shorter.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len {
            wipe(&mut self.block[len..self.len]);
            self.len = len;
        }
    }

    /// Removes the first `amount` bytes, or all if there are fewer.
    pub(crate) fn remove_first(&mut self, amount: usize) {
        let amount = amount.min(self.len);
        self.block.copy_within(amount..self.len, 0);
        self.truncate(self.len - amount);
    }

    /// The bytes. The same care applies as for [`Secret::expose_secret`](crate::Secret::expose_secret).
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.block[..self.len]
    }

    /// The bytes as text, with the same care. `None` if they are not UTF-8.
    #[must_use]
    pub fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(self.expose_secret()).ok()
    }

    /// The bytes, to change them in place.
    pub(crate) fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.block[..self.len]
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Default for SecretBuf {
    fn default() -> Self {
        SecretBuf { block: Block::EMPTY, len: 0 }
    }
}

impl Clone for SecretBuf {
    fn clone(&self) -> Self {
        SecretBuf::from(self.expose_secret())
    }
}

impl From<&[u8]> for SecretBuf {
    fn from(bytes: &[u8]) -> Self {
        let mut buffer = SecretBuf::with_capacity(bytes.len());
        buffer.push(bytes);
        buffer
    }
}

impl From<&str> for SecretBuf {
    fn from(text: &str) -> Self {
        SecretBuf::from(text.as_bytes())
    }
}

/// Appends; never fails.
impl io::Write for SecretBuf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for SecretBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBuf(*** {} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        assert_eq!(format!("{:?}", SecretBuf::from("fake")), "SecretBuf(*** 4 bytes)");
    }

    #[test]
    fn a_buffer_keeps_its_content_while_it_grows() {
        let mut buffer = SecretBuf::with_capacity(3);
        for piece in [&b"ab"[..], b"", b"cdefgh", b"i"] {
            buffer.push(piece);
        }
        assert_eq!(buffer.expose_secret(), b"abcdefghi");
        buffer.truncate(20);
        assert_eq!(buffer.len(), 9);
        buffer.truncate(2);
        assert_eq!(buffer.expose_secret(), b"ab");
    }

    #[test]
    fn what_is_removed_is_wiped() {
        let mut buffer = SecretBuf::from("abcdefghi");
        buffer.remove_first(4);
        assert_eq!(buffer.expose_text(), Some("efghi"));
        buffer.truncate(1);
        assert_eq!(buffer.spare(0), [0; 8]);
        buffer.remove_first(20);
        assert!(buffer.is_empty());
        assert_eq!(buffer.spare(0), [0; 9]);
    }

    #[test]
    fn what_was_written_and_not_reported_is_wiped() {
        let mut buffer = SecretBuf::from("ab");
        let written = buffer.append(4, |room| {
            room.copy_from_slice(b"cdef");
            Ok::<_, ()>(1)
        });
        assert_eq!(written, Ok(1));
        assert_eq!(buffer.expose_text(), Some("abc"));
        let failed = buffer.append(3, |room| {
            room.copy_from_slice(b"xyz");
            Err(())
        });
        assert_eq!(failed, Err(()));
        assert_eq!(buffer.expose_text(), Some("abc"));
        assert_eq!(buffer.spare(0), [0; 3]);
    }

    #[test]
    fn bytes_that_are_no_text_are_not_exposed_as_such() {
        assert_eq!(SecretBuf::from(&b"a\xff"[..]).expose_text(), None);
    }
}
