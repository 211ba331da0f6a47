//! Which caretoken this is.

use std::ffi::{CStr, c_char};

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
