//! Secrets: wiped when dropped, redacted when printed, one greppable way out.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::protected::{Block, Kind, Text, wipe};
use super::registers::clear_registers;

/// A credential or token: UTF-8 text in protected memory that is wiped when dropped.
///
/// The memory is locked into RAM as far as the system's limit allows, and left out of core dumps
/// where the system can (Linux). See
/// [`ClientBuilder::require_locked_memory`](crate::ClientBuilder::require_locked_memory).
///
/// It has no `Display` and no `Serialize`, and its `Debug` shows nothing of the value. The only way
/// to the text is [`expose_secret`](Secret::expose_secret), so that one search over a code base
/// lists every place where a secret leaves.
///
/// ```
/// use caretoken::Secret;
/// let secret = Secret::from("not-a-real-secret");
/// assert_eq!(format!("{secret:?}"), "Secret(***)");
/// assert_eq!(secret.expose_secret(), "not-a-real-secret");
/// ```
///
/// It cannot be printed, serialised or compared by accident:
///
/// ```compile_fail,E0277
/// let _ = caretoken::Secret::from("not-a-real-secret").to_string();
/// ```
/// ```compile_fail,E0277
/// println!("{}", caretoken::Secret::from("not-a-real-secret"));
/// ```
/// ```compile_fail,E0369
/// let _ = caretoken::Secret::from("a") == caretoken::Secret::from("b");
/// ```
/// ```compile_fail,E0277
/// let _ = serde_json::to_string(&caretoken::Secret::from("not-a-real-secret"));
/// ```
/// ```compile_fail,E0277
/// let _ = std::collections::HashSet::from([caretoken::Secret::from("not-a-real-secret")]);
/// ```
pub struct Secret(Text);

impl Secret {
    /// One that lives no longer than the request it belongs to: it is left out of dumps, but not
    /// locked. Its clones are kept like any other.
    pub(crate) fn passing(text: &str) -> Self {
        Secret(Text::of(&[text], Kind::Passing))
    }

    /// The same, in the block where the text was made. `None` if it is not UTF-8.
    pub(crate) fn passing_from(text: SecretBuf) -> Option<Self> {
        Text::from_block(text.block, text.len).map(Secret)
    }

    /// One of all the pieces.
    pub(crate) fn of(pieces: &[&str]) -> Self {
        Secret(Text::of(pieces, Kind::Kept))
    }

    /// Whether the system keeps it in RAM.
    pub(crate) fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// The text's bytes and a NUL behind them, for C.
    #[cfg(any(test, feature = "capi"))]
    pub(crate) fn expose_with_nul(&self) -> &[u8] {
        self.0.with_nul()
    }

    /// The text itself. Do not log it, and do not copy it into a buffer that nobody wipes.
    #[must_use]
    #[inline]
    pub fn expose_secret(&self) -> &str {
        self.0.text()
    }

    /// Whether the secret is the empty string.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose_secret().is_empty()
    }

    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.expose_secret().len()
    }

    /// Whether both hold the same text, in a time that depends on the lengths alone.
    #[must_use]
    pub fn same_as(&self, other: &Secret) -> bool {
        self.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes()).into()
    }
}

impl Clone for Secret {
    fn clone(&self) -> Self {
        Secret::from(self.expose_secret())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Secret::of(&[text])
    }
}

/// Takes the text over and wipes the `String` it came in, spare capacity included.
impl From<String> for Secret {
    fn from(mut text: String) -> Self {
        let secret = Secret::from(text.as_str());
        text.zeroize();
        secret
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Overwrites what the calls that have just returned left on this thread's stack: libraries keep
/// request and answer in local variables, and the dynamic linker spills vector registers.
#[inline(never)]
pub(crate) fn wipe_dead_stack() {
    // A request and its answer go 24 KiB deep; a TLS handshake goes 16 KiB deeper, and is wiped by
    // itself. A thread's stack is several times as large.
    let blank = [0_u8; 32 * 1024];
    std::hint::black_box(&blank);
    clear_registers();
}

/// Bytes on their way to or from the wire: in memory that is left out of core dumps where the system
/// can (Linux), grows without leaving a copy behind, wiped when dropped.
pub struct SecretBuf {
    /// All zero from `len` on, and longer than that, unless it is empty: a text in it has a NUL behind.
    block: Block,
    len: usize,
}

impl SecretBuf {
    /// An empty buffer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        SecretBuf::of_kind(capacity, Kind::Passing)
    }

    fn of_kind(capacity: usize, kind: Kind) -> Self {
        let block = match capacity {
            0 => Block::empty(kind),
            _ => Block::new(capacity + 1, kind),
        };
        SecretBuf { block, len: 0 }
    }

    /// The same in memory for what stays, locked if the system allows.
    pub(crate) fn into_kept(self) -> Self {
        match self.block.kind() {
            Kind::Kept => self,
            Kind::Passing => {
                let mut kept = SecretBuf::of_kind(self.len, Kind::Kept);
                kept.push(&self.block[..self.len]);
                kept
            }
        }
    }

    /// Whether the system keeps it in RAM.
    pub(crate) fn is_locked(&self) -> bool {
        self.block.is_locked()
    }

    /// Appends `bytes`. When the room ends, the old block is wiped before it is freed.
    pub fn push(&mut self, bytes: &[u8]) {
        self.spare(bytes.len()).copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// So many bytes behind the last one, all zero.
    fn spare(&mut self, room: usize) -> &mut [u8] {
        let needed = self.len + room;
        let capacity = self.block.len().saturating_sub(1);
        if needed > capacity {
            let mut grown = SecretBuf::of_kind(needed.max(2 * capacity), self.block.kind()).block;
            grown[..self.len].copy_from_slice(&self.block[..self.len]);
            self.block = grown;
        }
        &mut self.block[self.len..needed]
    }

    /// Shortens the content to `len` bytes and wipes the rest; does nothing if it is shorter.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len {
            wipe(&mut self.block[len..self.len]);
            self.len = len;
        }
    }

    /// Appends what `write` puts into `room` more bytes; it returns how many they are.
    pub(crate) fn append<E>(
        &mut self,
        room: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let written = write(self.spare(room));
        let end = self.len + written.as_ref().map_or(0, |amount| room.min(*amount));
        self.len += room;
        self.truncate(end);
        written
    }

    /// The bytes. The same care applies as for [`Secret::expose_secret`].
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.block[..self.len]
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
        SecretBuf::with_capacity(0)
    }
}

impl Clone for SecretBuf {
    fn clone(&self) -> Self {
        let mut clone = SecretBuf::of_kind(self.len, self.block.kind());
        clone.push(self.expose_secret());
        clone
    }
}

impl From<&[u8]> for SecretBuf {
    fn from(bytes: &[u8]) -> Self {
        let mut buffer = SecretBuf::with_capacity(bytes.len());
        buffer.push(bytes);
        buffer
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
        assert_eq!(format!("{:?}", Secret::from("fake-secret")), "Secret(***)");
        assert_eq!(format!("{:?}", SecretBuf::from(&b"fake"[..])), "SecretBuf(*** 4 bytes)");
    }

    #[test]
    fn comparison_sees_content_and_length() {
        let a = Secret::from("fake-secret");
        assert!(a.same_as(&a.clone()));
        assert!(!a.same_as(&Secret::from("fake-secreT")));
        assert!(!a.same_as(&Secret::from("fake-secre")));
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
}
