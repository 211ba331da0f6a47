//! What a program needs besides: wiping of its own copies, and the version.

use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::slice;

use zeroize::Zeroize;

use super::panic::catch;

/// Overwrites size bytes at data with zeros, in a way that no optimiser removes: for buffers of yours
/// that held a secret, such as the one given to caretoken_client_authorization. Does nothing when data
/// is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_wipe(data: *mut c_void, size: usize) {
    catch(|| {
        if !data.is_null() && isize::try_from(size).is_ok() {
            // SAFETY: the caller gives `size` writable bytes at `data`, which is not NULL; every bit
            // pattern is a `u8` that may be overwritten without being read.
            let bytes = unsafe { slice::from_raw_parts_mut(data.cast::<MaybeUninit<u8>>(), size) };
            bytes.zeroize();
        }
    });
}

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };

/// The version of the library in use, such as "0.1.0", NUL-terminated; lives for ever. The version
/// that a program was compiled with is CARETOKEN_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn caretoken_version() -> *const c_char {
    VERSION.as_ptr()
}
