//! `caretoken_str` and `caretoken_status`, which all parts of the header use.

use std::ffi::{CStr, c_char};
use std::ptr;

use crate::memory::Secret;

/// A text: UTF-8, len bytes long, and with a NUL behind the last of them, so that data can be passed
/// wherever C wants a string.
///
/// data is never NULL: what is absent is the empty text with a len of 0. The text belongs to the
/// object that it was read from (a token, an error, a profile) and lives exactly as long; those in the
/// arguments of a callback live until the callback returns. Never free it, never write to it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct caretoken_str {
    /// The bytes, NUL-terminated. Never NULL.
    pub data: *const c_char,
    /// How many bytes, without the NUL.
    pub len: usize,
}

/// What became of a call: CARETOKEN_OK, or one of the other numbers below.
///
/// The numbers never change and are never used again for something else; new ones may be added, so a
/// switch over them needs a default.
pub type caretoken_status = i32;

impl caretoken_str {
    pub(super) const EMPTY: Self = Self::constant(c"");

    pub(super) const fn constant(text: &'static CStr) -> Self {
        caretoken_str { data: text.as_ptr(), len: text.count_bytes() }
    }

    /// A view of the secret where it is kept: no copy is made for C.
    pub(super) fn of_secret(secret: &Secret) -> Self {
        caretoken_str { data: secret.expose_with_nul().as_ptr().cast(), len: secret.len() }
    }
}

/// Texts in one block, each with a NUL behind it. None of them is secret.
pub(super) struct Texts {
    /// Not a `Box`: moving one would invalidate the views by Rust's rules of aliasing.
    _block: String,
}

impl Texts {
    /// Copies the texts. The views on the copies come in the same order and live as long as the
    /// block; behind the last comes the empty text.
    pub(super) fn of(texts: &[&str]) -> (Self, impl FnMut() -> caretoken_str + use<>) {
        let block: String = texts.iter().flat_map(|text| [*text, "\0"]).collect();
        let mut rest = block.as_str();
        let views = texts.iter().map(|text| {
            let data = rest.as_ptr().cast();
            rest = &rest[text.len() + 1..];
            caretoken_str { data, len: text.len() }
        });
        // One copy of the code for all that read them: the library stays small.
        #[inline(never)]
        fn next(views: &mut std::vec::IntoIter<caretoken_str>) -> caretoken_str {
            views.next().unwrap_or(caretoken_str::EMPTY)
        }
        let mut views = views.collect::<Vec<_>>().into_iter();
        (Texts { _block: block }, move || next(&mut views))
    }
}

/// A list as C gets it: NULL where it is empty.
pub(super) fn start_of<T>(list: &[T]) -> *const T {
    if list.is_empty() { ptr::null() } else { list.as_ptr() }
}

/// A duration as C gets it.
pub(super) fn milliseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
