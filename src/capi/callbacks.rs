//! The callbacks of a config.

use std::ffi::c_void;

use super::arguments::required_mut;
use super::call::call;
use super::config::caretoken_config;
use super::error::caretoken_error;
use super::event::{caretoken_event, with_c_event};
use super::types::{caretoken_status, caretoken_str};
use crate::memory::Secret;

/// Stores a new refresh token that the vendor handed out in place of the old one, durably: the old
/// one is dead. Returns 0 when it is stored, anything else when it could not be.
///
/// Called on the thread whose call fetched, before anybody gets the access token that came with it,
/// and under no lock. When it fails, that call ends in CARETOKEN_ROTATION_NOT_STORED and nothing is
/// lost: the client keeps both tokens and offers the refresh token again at the next call. It may use
/// the client, but asking that for a token fails there; caretoken_client_peek works.
///
/// refresh_token lives until it returns. It must not leave by a C++ exception or longjmp.
pub type caretoken_on_rotation =
    Option<unsafe extern "C" fn(user_data: *mut c_void, refresh_token: caretoken_str) -> i32>;

/// Takes note of an event.
///
/// Called on the thread where it happens, under no lock, possibly on several threads at once; keep it
/// short. event lives until it returns. It must not leave by a C++ exception or longjmp.
pub type caretoken_on_event =
    Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const caretoken_event)>;

/// The host's pointer on its way back to the host.
struct UserData(*mut c_void);

// SAFETY: never dereferenced here; the header asks the host for one that any thread may use.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    /// A method, so that a closure captures the whole and not the pointer alone.
    fn get(&self) -> *mut c_void {
        self.0
    }
}

/// Sets the callback that stores rotated refresh tokens; a later one replaces it, and NULL takes it
/// away, also where a sibling has got it from another client. Without one the client goes on with the
/// new refresh token, and a restart of the program loses it.
///
/// user_data is passed to each call. What it points to must be fit for any thread, and must live until
/// every client made from this config is freed and its last call has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_config_set_on_rotation(
    config: *mut caretoken_config,
    callback: caretoken_on_rotation,
    user_data: *mut c_void,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    let body = || {
        // SAFETY: the caller gives NULL or a config that no other thread uses.
        let config = unsafe { required_mut(config, "config") }?;
        let user_data = UserData(user_data);
        let store = move |refresh_token: &Secret| {
            let Some(callback) = callback else { return Ok(()) };
            let refresh_token = caretoken_str::of_secret(refresh_token);
            // SAFETY: the host's function, called as the header says.
            match unsafe { callback(user_data.get(), refresh_token) } {
                0 => Ok(()),
                status => Err(format!("the callback returned {status}").into()),
            }
        };
        config.change(|builder| builder.on_rotation(store));
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}

/// Sets the callback that takes note of events; a later one replaces it, and NULL takes it away. For
/// user_data the same holds as in caretoken_config_set_on_rotation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_config_set_on_event(
    config: *mut caretoken_config,
    callback: caretoken_on_event,
    user_data: *mut c_void,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    let body = || {
        // SAFETY: the caller gives NULL or a config that no other thread uses.
        let config = unsafe { required_mut(config, "config") }?;
        let user_data = UserData(user_data);
        config.change(|builder| {
            builder.on_event(move |event| {
                let Some(callback) = callback else { return };
                // SAFETY: the host's function, called as the header says.
                with_c_event(event, |event| unsafe { callback(user_data.get(), event) });
            })
        });
        Ok(())
    };
    // SAFETY: the caller gives NULL or a place for a pointer.
    unsafe { call(error, body) }
}
