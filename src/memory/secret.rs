//! Text that stays: credentials, tokens, keys.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::pool::{Block, Reservation};

/// A credential, token or key: UTF-8 text in protected memory. It never changes, and clones share it.
/// It is wiped when the last clone is dropped.
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
pub struct Secret(Arc<Block>);

impl Secret {
    /// One text of all the pieces.
    pub(crate) fn of(pieces: &[&str]) -> Self {
        Secret::in_block(pieces, Block::for_secret)
    }

    /// The same in the room that was reserved for it, as long as that lasts.
    pub(crate) fn in_reserved(room: &mut Reservation, pieces: &[&str]) -> Self {
        Secret::in_block(pieces, |len| room.take(len))
    }

    fn in_block(pieces: &[&str], block: impl FnOnce(usize) -> Block) -> Self {
        let len: usize = pieces.iter().map(|piece| piece.len()).sum();
        if len == 0 {
            return Secret(Arc::new(Block::EMPTY));
        }
        // With a NUL behind the text, for C.
        let mut block = block(len + 1);
        let mut rest = &mut block[..];
        for piece in pieces {
            let (to, behind) = rest.split_at_mut(piece.len());
            to.copy_from_slice(piece.as_bytes());
            rest = behind;
        }
        Secret(Arc::new(block))
    }

    /// Whether the system keeps it in RAM.
    pub(crate) fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// The text's bytes and a NUL behind them, for C.
    #[cfg(any(test, feature = "capi"))]
    pub(crate) fn expose_with_nul(&self) -> &[u8] {
        if self.0.is_empty() { b"\0" } else { &self.0 }
    }

    /// The text itself. Do not log it, and do not copy it into a buffer that nobody wipes.
    #[must_use]
    #[inline]
    pub fn expose_secret(&self) -> &str {
        let text = self.0.split_last().map_or(&[][..], |(_nul, text)| text);
        // SAFETY: `in_block` has put whole texts there, and nobody changes them.
        unsafe { std::str::from_utf8_unchecked(text) }
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
        match self.0.is_of_this_process() {
            true => Secret(Arc::clone(&self.0)),
            // The pages of a forked child's parent are not locked in the child.
            false => Secret::from(self.expose_secret()),
        }
    }
}

/// The empty text.
impl Default for Secret {
    fn default() -> Self {
        Secret::from("")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        assert_eq!(format!("{:?}", Secret::from("fake-secret")), "Secret(***)");
    }

    #[test]
    fn a_text_is_what_its_pieces_were() {
        assert_eq!(Secret::of(&[]).expose_secret(), "");
        assert_eq!(Secret::of(&["", ""]).expose_secret(), "");
        assert_eq!(Secret::of(&["", ""]).expose_with_nul(), b"\0");
        let secret = Secret::of(&["fake", "", "-sécret"]);
        assert_eq!(secret.expose_secret(), "fake-sécret");
        assert_eq!(secret.expose_with_nul(), "fake-sécret\0".as_bytes());
    }

    #[test]
    fn a_text_may_be_larger_than_an_arena() {
        let large = "x".repeat(200_000);
        assert_eq!(Secret::of(&[&large]).expose_secret(), large);
    }

    #[test]
    fn a_text_is_put_where_room_was_reserved_and_stays_there() {
        let mut room = Reservation::of(100);
        let inside = Secret::in_reserved(&mut room, &["fake-", "inside"]);
        let outside = Secret::in_reserved(&mut room, &[&"x".repeat(100)]);
        drop(room);
        assert_eq!(inside.expose_secret(), "fake-inside");
        assert_eq!(outside.len(), 100);
    }

    #[test]
    fn comparison_sees_content_and_length() {
        let a = Secret::from("fake-secret");
        assert!(a.same_as(&a.clone()));
        assert!(a.same_as(&Secret::from("fake-secret")));
        assert!(!a.same_as(&Secret::from("fake-secreT")));
        assert!(!a.same_as(&Secret::from("fake-secre")));
    }
}
