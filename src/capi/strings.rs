//! `caretoken_str`, and texts on their way in and out.

use std::ffi::{CStr, c_char, c_void};
use std::slice;

use zeroize::Zeroize;

use super::boundary::{Failure, guard, required};
use crate::memory::Secret;

/// A text: UTF-8, len bytes long, and with a NUL behind the last of them, so that data can be passed
/// wherever C wants a string.
///
/// data is never NULL: what is absent is the empty text with a len of 0. The text belongs to the
/// object that it was read from (a token, an error) and lives exactly as long; those in the arguments
/// of a callback live until the callback returns. Never free it, never write to it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct caretoken_str {
    /// The bytes, NUL-terminated. Never NULL.
    pub data: *const c_char,
    /// How many bytes, without the NUL.
    pub len: usize,
}

impl caretoken_str {
    pub(super) const EMPTY: Self = Self::constant(c"");

    pub(super) const fn constant(text: &'static CStr) -> Self {
        caretoken_str { data: text.as_ptr(), len: text.count_bytes() }
    }
}

impl caretoken_str {
    /// The secret itself, where it is kept: there is no copy for C.
    pub(super) fn of_secret(secret: &Secret) -> Self {
        caretoken_str { data: secret.expose_with_nul().as_ptr().cast(), len: secret.len() }
    }
}

/// Texts in one block, each with a NUL behind it. None of them is secret.
pub(super) struct Texts {
    /// No `Box`: that would claim to be the only way to its bytes whenever it is moved.
    _block: String,
}

impl Texts {
    /// Copies the texts; the views on the copies come in the same order and live as long as the
    /// block.
    pub(super) fn of(texts: &[&str]) -> (Self, std::vec::IntoIter<caretoken_str>) {
        let block: String = texts.iter().flat_map(|text| [*text, "\0"]).collect();
        let mut rest = block.as_str();
        let views = texts.iter().map(|text| {
            let data = rest.as_ptr().cast();
            rest = &rest[text.len() + 1..];
            caretoken_str { data, len: text.len() }
        });
        let views: Vec<_> = views.collect();
        (Texts { _block: block }, views.into_iter())
    }
}

/// A NUL-terminated text from C.
///
/// # Safety
/// `text` is NULL or NUL-terminated, and nobody writes to it as long as the result lives.
pub(super) unsafe fn text_from_c<'a>(
    text: *const c_char,
    argument: &'static str,
) -> Result<&'a str, Failure> {
    // SAFETY: as the caller promises.
    unsafe { required(text, argument) }?;
    // SAFETY: it is not NULL, and NUL-terminated as the caller promises.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| Failure::argument(argument, "is not UTF-8", "pass UTF-8 text"))
}

/// A text from C with its length; (NULL, 0) is the empty one. `name` gives the name for errors.
///
/// # Safety
/// `data` is NULL or points to `len` bytes that nobody writes to as long as the result lives.
pub(super) unsafe fn sized_text_from_c<'a>(
    data: *const c_char,
    len: usize,
    name: impl Fn() -> String,
) -> Result<&'a str, Failure> {
    if len == 0 {
        return Ok("");
    }
    // SAFETY: as the caller promises.
    unsafe { required(data, "data") }?;
    if isize::try_from(len).is_err() {
        return Err(Failure::argument(
            "len",
            "is larger than any memory block",
            "pass the length in bytes; was it a negative number?",
        ));
    }
    // SAFETY: `data` is not NULL and points to `len` bytes, as the caller promises; `len` fits.
    let bytes = unsafe { slice::from_raw_parts(data.cast::<u8>(), len) };
    std::str::from_utf8(bytes)
        .map_err(|_| Failure::argument(name(), "is not UTF-8", "convert it to UTF-8 first"))
}

/// Overwrites size bytes at data with zeros, in a way that no optimiser removes: for buffers of yours
/// that held a secret, such as the one given to caretoken_client_authorization. Does nothing when data
/// is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_wipe(data: *mut c_void, size: usize) {
    guard(|| {
        if !data.is_null() && isize::try_from(size).is_ok() {
            // SAFETY: the caller gives `size` writable bytes at `data`, which is not NULL; every bit
            // pattern is a `u8` that may be overwritten without being read.
            let bytes = unsafe {
                slice::from_raw_parts_mut(data.cast::<std::mem::MaybeUninit<u8>>(), size)
            };
            bytes.zeroize();
        }
    })
    .unwrap_or_default();
}
