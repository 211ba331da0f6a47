//! Arguments from C: pointers, texts, lists, and places for results.

use std::ffi::{CStr, c_char};
use std::{mem, slice};

use super::failure::Failure;

pub(super) const LENGTH: (&str, &str) =
    ("len", "pass the length in bytes; was it a negative number?");

/// A reference, or the error that names the argument that was NULL.
///
/// # Safety
/// `pointer` is NULL, or points to a `T` that lives and is not written to as long as the result.
pub(super) unsafe fn required<'a, T>(
    pointer: *const T,
    argument: &'static str,
) -> Result<&'a T, Failure> {
    // SAFETY: as the caller promises.
    unsafe { pointer.as_ref() }.ok_or_else(|| Failure::null(argument))
}

/// An exclusive reference, or the error that names the argument that was NULL.
///
/// # Safety
/// `pointer` is NULL, or points to a `T` that lives and that nobody else uses as long as the result.
pub(super) unsafe fn required_mut<'a, T>(
    pointer: *mut T,
    argument: &'static str,
) -> Result<&'a mut T, Failure> {
    // SAFETY: as the caller promises.
    unsafe { pointer.as_mut() }.ok_or_else(|| Failure::null(argument))
}

/// A place that C gave for a result.
pub(super) struct Out<T> {
    pointer: *mut T,
    argument: &'static str,
}

impl<T> Out<T> {
    /// Clears it: the first thing that a function does, whatever else is wrong.
    ///
    /// # Safety
    /// `pointer` is NULL or writable, as long as the result lives; it need not be initialised.
    pub(super) unsafe fn cleared(pointer: *mut T, argument: &'static str, empty: T) -> Self {
        if !pointer.is_null() {
            // SAFETY: it is writable, as the caller promises.
            unsafe { pointer.write(empty) };
        }
        Out { pointer, argument }
    }

    /// Refuses NULL.
    pub(super) fn required(self) -> Result<Self, Failure> {
        match self.pointer.is_null() {
            true => Err(Failure::null(self.argument)),
            false => Ok(self),
        }
    }

    /// Writes the result, unless the place is NULL.
    pub(super) fn set(&self, value: T) {
        if !self.pointer.is_null() {
            // SAFETY: `cleared` was promised that it is writable.
            unsafe { self.pointer.write(value) };
        }
    }
}

/// A NUL-terminated text.
///
/// # Safety
/// `text` is NULL or NUL-terminated, and nobody writes to it as long as the result lives.
// One copy of the code for all functions: the library stays small.
#[inline(never)]
pub(super) unsafe fn text<'a>(
    text: *const c_char,
    argument: &'static str,
) -> Result<&'a str, Failure> {
    // SAFETY: as the caller promises.
    unsafe { required(text, argument) }?;
    // SAFETY: it is not NULL, and NUL-terminated as the caller promises.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| Failure::argument(argument, "is not UTF-8", "pass UTF-8 text"))
}

/// The value of the setting or credential `name`. (NULL, 0) is the empty text. Where it is NULL
/// otherwise, the error has that name and not the argument's: mostly it comes from an environment
/// variable that is not set.
///
/// # Safety
/// `data` is NULL or points to `len` bytes that nobody writes to as long as the result lives.
pub(super) unsafe fn value<'a>(
    data: *const c_char,
    len: usize,
    name: impl Fn() -> String,
) -> Result<&'a str, Failure> {
    if len > 0 && data.is_null() {
        return Err(Failure::null_value(name()));
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe { list(data.cast::<u8>(), len, "data", LENGTH) }?;
    std::str::from_utf8(bytes)
        .map_err(|_| Failure::argument(name(), "is not UTF-8", "convert it to UTF-8 first"))
}

/// A list; (NULL, 0) is the empty one. The last argument is the name of `len` and what to do where it
/// is too large.
///
/// # Safety
/// `list` is NULL or points to `len` elements that nobody writes to as long as the result lives.
pub(super) unsafe fn list<'a, T>(
    list: *const T,
    len: usize,
    argument: &'static str,
    (len_argument, remedy): (&'static str, &'static str),
) -> Result<&'a [T], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    // SAFETY: as the caller promises.
    unsafe { required(list, argument) }?;
    if len > isize::MAX.unsigned_abs() / mem::size_of::<T>() {
        return Err(Failure::argument(len_argument, "is larger than any memory block", remedy));
    }
    // SAFETY: `list` is not NULL and points to `len` elements, as the caller promises; they fit.
    Ok(unsafe { slice::from_raw_parts(list, len) })
}
