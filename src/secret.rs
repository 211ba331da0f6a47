//! Secrets: wiped when dropped, redacted when printed, one greppable way out.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::protected::Protected;
pub(crate) use crate::protected::wipe;

/// A credential or token: UTF-8 text in protected memory that is wiped when dropped.
///
/// The memory is locked into RAM as far as the system's limit allows, and left out of core dumps
/// where the system can (Linux). See
/// [`Builder::require_locked_memory`](crate::Builder::require_locked_memory).
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

enum Text {
    Kept(Protected),
    /// Locked memory is scarce and costs a lock: what is gone with the request stays on the heap.
    Passing(Passing),
}

/// A text on the heap.
struct Passing(String);

impl Drop for Passing {
    fn drop(&mut self) {
        // Beyond its length there is nothing that has not been wiped.
        wipe(&mut std::mem::take(&mut self.0).into_bytes());
    }
}

impl Secret {
    /// One that lives no longer than the request it belongs to. Its clones are kept like any other.
    pub(crate) fn passing(text: &str) -> Self {
        Secret(Text::Passing(Passing(text.into())))
    }

    /// The same, in the block where the text was made. `None` if it is not UTF-8.
    pub(crate) fn passing_from(mut text: SecretBuf) -> Option<Self> {
        match String::from_utf8(std::mem::take(&mut text.0)) {
            Ok(text) => Some(Secret(Text::Passing(Passing(text)))),
            Err(error) => {
                wipe(&mut error.into_bytes());
                None
            }
        }
    }

    /// One of all the pieces.
    pub(crate) fn of(pieces: &[&str]) -> Self {
        Secret(Text::Kept(Protected::of(pieces)))
    }

    /// Whether the system keeps it in RAM.
    pub(crate) fn is_locked(&self) -> bool {
        match &self.0 {
            Text::Kept(text) => text.is_locked(),
            Text::Passing(_) => false,
        }
    }

    /// The text itself. Do not log it, and do not copy it into a buffer that nobody wipes.
    #[must_use]
    #[inline]
    pub fn expose_secret(&self) -> &str {
        match &self.0 {
            Text::Kept(text) => text.text(),
            Text::Passing(text) => &text.0,
        }
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
    // Copying loads the vector registers, too, with zeros.
    std::hint::black_box(std::hint::black_box([0_u8; 512]));
}

/// Bytes on their way to or from the wire: grows without leaving a copy behind, wiped when dropped.
#[derive(Default)]
pub struct SecretBuf(Vec<u8>);

impl SecretBuf {
    /// An empty buffer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        SecretBuf(Vec::with_capacity(capacity))
    }

    /// Appends `bytes`. When the room ends, the old block is wiped before it is freed.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn reserve(&mut self, room: usize) {
        let needed = self.0.len() + room;
        if needed > self.0.capacity() {
            let mut grown = Vec::with_capacity(needed.max(2 * self.0.capacity()));
            grown.extend_from_slice(&self.0);
            wipe(&mut self.0);
            self.0 = grown;
        }
    }

    /// Shortens the content to `len` bytes and wipes the rest; does nothing if it is shorter.
    pub fn truncate(&mut self, len: usize) {
        if let Some(rest) = self.0.get_mut(len..) {
            wipe(rest);
            self.0.truncate(len);
        }
    }

    /// Appends what `write` puts into `room` more bytes; it returns how many they are.
    pub(crate) fn append<E>(
        &mut self,
        room: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let start = self.0.len();
        self.reserve(room);
        self.0.resize(start + room, 0);
        let written = write(&mut self.0[start..]);
        self.truncate(start + written.as_ref().map_or(0, |amount| room.min(*amount)));
        written
    }

    /// The bytes. The same care applies as for [`Secret::expose_secret`].
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Clone for SecretBuf {
    fn clone(&self) -> Self {
        SecretBuf::from(&*self.0)
    }
}

impl Drop for SecretBuf {
    fn drop(&mut self) {
        // Beyond its length there is nothing that has not been wiped.
        wipe(&mut self.0);
    }
}

impl From<&[u8]> for SecretBuf {
    fn from(bytes: &[u8]) -> Self {
        SecretBuf(bytes.to_vec())
    }
}

impl fmt::Debug for SecretBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBuf(*** {} bytes)", self.0.len())
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
