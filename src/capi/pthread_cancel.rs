//! `pthread_cancel`: a thread is cancelled before or after a call of this library, never inside.
//!
//! A cancelled thread unwinds at the next cancellation point, and reading a file, waiting for a socket
//! and closing one are such. Rust code cannot be unwound that way: the process would abort. So functions
//! disable cancellation until they return. A hit in the cache, and what only reads a token or an error,
//! reaches no cancellation point and saves the cost.

/// While this lives, its thread is not cancelled.
pub(super) struct PthreadCancelDisabled {
    #[cfg(all(unix, not(target_os = "android"), not(miri)))]
    before: std::ffi::c_int,
}

#[cfg(all(unix, not(target_os = "android"), not(miri)))]
mod system {
    use std::ffi::c_int;

    pub(super) const PTHREAD_CANCEL_DISABLE: c_int =
        if cfg!(target_vendor = "apple") { 0 } else { 1 };

    unsafe extern "C" {
        pub(super) fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
    }
}

#[cfg(all(unix, not(target_os = "android"), not(miri)))]
impl PthreadCancelDisabled {
    #[inline(never)]
    pub(super) fn begin() -> Self {
        let mut before = system::PTHREAD_CANCEL_DISABLE;
        // SAFETY: a valid state, and a place for a number.
        unsafe { system::pthread_setcancelstate(system::PTHREAD_CANCEL_DISABLE, &raw mut before) };
        PthreadCancelDisabled { before }
    }
}

#[cfg(all(unix, not(target_os = "android"), not(miri)))]
impl Drop for PthreadCancelDisabled {
    #[inline(never)]
    fn drop(&mut self) {
        let mut disabled = 0;
        // SAFETY: a state that the thread had before, and a place for a number.
        unsafe { system::pthread_setcancelstate(self.before, &raw mut disabled) };
    }
}

/// Nobody cancels threads there.
#[cfg(not(all(unix, not(target_os = "android"), not(miri))))]
impl PthreadCancelDisabled {
    pub(super) fn begin() -> Self {
        PthreadCancelDisabled {}
    }
}
