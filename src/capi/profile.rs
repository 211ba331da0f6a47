//! `caretoken_profile`: a token endpoint as data, that C reads like a struct of its own.

use std::ffi::c_char;
use std::ptr;

use super::arguments::{self, LENGTH, Out, required};
use super::call::call;
use super::error::caretoken_error;
use super::failure::Failure;
use super::panic::catch;
use super::types::{Texts, caretoken_status, caretoken_str, start_of};
use crate::vendors::{NAMES_FOR_C, Profile, ProfileScopes};

/// For a profile's scopes: none can be requested; the vendor decides.
pub const CARETOKEN_SCOPES_NONE: i32 = 0;
/// For a profile's scopes: some can be requested, by the setting scopes.
pub const CARETOKEN_SCOPES_OPTIONAL: i32 = 1;
/// For a profile's scopes: at least one must be requested, by the setting scopes.
pub const CARETOKEN_SCOPES_REQUIRED: i32 = 2;

/// A value that a profile asks for: a setting of each config made from it.
///
/// It belongs to its profile and lives exactly as long. C reads its fields as those of the profile, and
/// later versions add fields at the end only.
#[repr(C)]
pub struct caretoken_parameter {
    /// Its name, for caretoken_config_set and caretoken_client_set_credential.
    pub name: caretoken_str,
    /// What it is, in one line for people; empty where the profile does not say.
    pub about: caretoken_str,
    /// What kind of value it has: text, integer (digits), choice (one of choices), url (an absolute URL
    /// without query), host (a name or address, with a port or without), host_label (one label of a
    /// host's name), path_segment (one segment of a URL's path), private_key or certificate (both PEM,
    /// of several lines). Later versions may add kinds: take one that you do not know for text.
    pub kind: caretoken_str,
    /// Its value where it is not set; empty if it has none.
    pub default_value: caretoken_str,
    /// The values that it can have, where it is a choice: choices_len of them; NULL for other kinds.
    pub choices: *const caretoken_str,
    /// How many choices there are.
    pub choices_len: usize,
    /// Whether its value must not be shown.
    pub is_secret: bool,
    /// Whether no client can be made without it.
    pub is_required: bool,
    /// Whether it says whose token it will be: a client that gets another value drops its token.
    pub is_holder: bool,
}

/// A token endpoint as data: a vendor. The format of its file is described in profiles/README.md of the
/// sources.
///
/// The library makes it and C reads its fields; nobody writes to it, copies it by value or makes one.
/// Later versions add fields at the end only. Made by caretoken_profile_named, caretoken_profile_load
/// or caretoken_profile_parse; free it with caretoken_profile_free. Configs and clients that were made
/// from it live on.
///
/// It holds what stands in the profile, which is no secret. It never changes, so any thread may read
/// it, and it needs nothing that may be freed before it.
///
/// A profile decides to which hosts the credentials go, always over HTTPS: read it from a place where
/// nobody can write who must not know them.
#[repr(C)]
pub struct caretoken_profile {
    /// The vendor's name in errors, events and tokens, such as pattern.
    pub name: caretoken_str,
    /// Its name for people; the same as name where the profile has no other.
    pub title: caretoken_str,
    /// The name of the header that carries its tokens, in lower case: authorization, unless the profile
    /// says otherwise. It is the header of each caretoken_token.
    pub header: caretoken_str,
    /// The URLs of the vendor's pages about it: documentation_len of them; NULL if none.
    pub documentation: *const caretoken_str,
    /// How many pages there are.
    pub documentation_len: usize,
    /// What it asks for, in the order of its file: parameters_len pointers; NULL if nothing. Together
    /// with scopes and needs_client_certificate, all that a page of settings needs to know.
    pub parameters: *const *const caretoken_parameter,
    /// How many parameters there are.
    pub parameters_len: usize,
    /// Whether scopes can be requested: CARETOKEN_SCOPES_NONE, CARETOKEN_SCOPES_OPTIONAL or
    /// CARETOKEN_SCOPES_REQUIRED.
    pub scopes: i32,
    /// Whether no client can be made without a certificate of its own (mutual TLS): the settings
    /// client_cert_pem and client_key_pem.
    pub needs_client_certificate: bool,
}

/// A profile as C sees it, and behind it what C does not see.
#[repr(C)]
struct CProfile {
    seen: caretoken_profile,
    profile: Profile,
    /// What the pointers in `seen` point to.
    _texts: Texts,
    _views: Vec<caretoken_str>,
    _parameters: Vec<caretoken_parameter>,
    _pointers: Vec<*const caretoken_parameter>,
}

impl CProfile {
    fn of(profile: Profile) -> Self {
        let mut all = vec![profile.name(), profile.title(), profile.header()];
        all.extend(profile.documentation());
        for known in profile.parameters() {
            let default_value = known.default_value().unwrap_or_default();
            all.extend([known.name(), known.about(), known.kind(), default_value]);
            all.extend(known.choices());
        }
        let (texts, mut next) = Texts::of(&all);
        let views: Vec<_> = all.iter().map(|_| next()).collect();

        // In the order of above.
        let mut rest = &views[..];
        let mut take = |count| {
            let (taken, others) = rest.split_at(count);
            rest = others;
            taken
        };
        let names = take(3);
        let documentation = take(profile.documentation().count());
        let parameters = profile.parameters().map(|known| {
            let texts = take(4);
            let choices = take(known.choices().count());
            caretoken_parameter {
                name: texts[0],
                about: texts[1],
                kind: texts[2],
                default_value: texts[3],
                choices: start_of(choices),
                choices_len: choices.len(),
                is_secret: known.is_secret(),
                is_required: known.is_required(),
                is_holder: known.is_holder(),
            }
        });
        let parameters: Vec<_> = parameters.collect();
        let pointers: Vec<_> = parameters.iter().map(ptr::from_ref).collect();
        let seen = caretoken_profile {
            name: names[0],
            title: names[1],
            header: names[2],
            documentation: start_of(documentation),
            documentation_len: documentation.len(),
            parameters: start_of(&pointers),
            parameters_len: pointers.len(),
            scopes: match profile.scopes() {
                ProfileScopes::None => CARETOKEN_SCOPES_NONE,
                ProfileScopes::Optional => CARETOKEN_SCOPES_OPTIONAL,
                ProfileScopes::Required => CARETOKEN_SCOPES_REQUIRED,
            },
            needs_client_certificate: profile.needs_client_certificate(),
        };
        CProfile {
            seen,
            profile,
            _texts: texts,
            _views: views,
            _parameters: parameters,
            _pointers: pointers,
        }
    }
}

/// The profile behind the pointer.
///
/// # Safety
/// `profile` is NULL, or came from `give` and is not freed as long as the result lives.
pub(super) unsafe fn borrow<'a>(profile: *const caretoken_profile) -> Result<&'a Profile, Failure> {
    // SAFETY: `give` made it of a `CProfile`, and the caller promises the rest.
    Ok(&unsafe { required(profile.cast::<CProfile>(), "profile") }?.profile)
}

/// Gives C the profile that `read` makes: one copy of the code for all functions.
///
/// # Safety
/// `profile` and `error` are NULL or writable.
unsafe fn give(
    profile: *mut *const caretoken_profile,
    error: *mut *const caretoken_error,
    read: &dyn Fn() -> Result<Profile, Failure>,
) -> caretoken_status {
    // SAFETY: as the caller promises.
    let profile = unsafe { Out::cleared(profile, "profile", ptr::null()) };
    let body = || {
        let profile = profile.required()?;
        profile.set(Box::into_raw(Box::new(CProfile::of(read()?))).cast_const().cast());
        Ok(())
    };
    // SAFETY: as the caller promises.
    unsafe { call(error, body) }
}

const NAMES: [caretoken_str; NAMES_FOR_C.len() + 1] = {
    let mut names = [caretoken_str::EMPTY; NAMES_FOR_C.len() + 1];
    let mut at = 0;
    while at < NAMES_FOR_C.len() {
        let name = NAMES_FOR_C[at];
        names[at] = caretoken_str { data: name.as_ptr().cast(), len: name.len() - 1 };
        at += 1;
    }
    names
};

/// The names of the profiles that are compiled in: *count of them, and behind the last an empty text,
/// so that count may be NULL. They live for ever.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_profile_names(count: *mut usize) -> *const caretoken_str {
    const START: &[caretoken_str] = &NAMES;
    // SAFETY: the caller gives NULL or a place for a number.
    unsafe { Out::cleared(count, "count", NAMES_FOR_C.len()) };
    START.as_ptr()
}

/// Gives a profile that is compiled in, by its name: see caretoken_profile_names. To make a client of
/// it, caretoken_config_new takes the name.
///
/// On failure *profile is NULL; the error's remedy lists the names that exist.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_profile_named(
    vendor: *const c_char,
    profile: *mut *const caretoken_profile,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a NUL-terminated text.
    let read = || Ok(Profile::named(unsafe { arguments::text(vendor, "vendor") }?)?);
    // SAFETY: the caller gives NULL or places for pointers.
    unsafe { give(profile, error, &read) }
}

/// Reads a profile from the file at this path, once: later changes of the file change nothing.
///
/// path is NUL-terminated and UTF-8, also on Windows, where a program may have paths in another code
/// page: convert those first. A relative one begins at the working directory of the process. A file
/// whose name is not UTF-8 you can read yourself, for caretoken_profile_parse.
///
/// On failure *profile is NULL, and the status is CARETOKEN_INVALID_SETTING: the file cannot be read,
/// or the error says what is the first thing wrong in it, with line, column and path, and what would
/// be right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_profile_load(
    path: *const c_char,
    profile: *mut *const caretoken_profile,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    // SAFETY: the caller gives NULL or a NUL-terminated text.
    let read = || Ok(Profile::from_file(unsafe { arguments::text(path, "path") }?)?);
    // SAFETY: the caller gives NULL or places for pointers.
    unsafe { give(profile, error, &read) }
}

/// Reads a profile from its text, the len bytes at data: JSON in UTF-8, at most 64 KiB, with a byte
/// order mark or without. It is not kept.
///
/// On failure *profile is NULL, and the error is as that of caretoken_profile_load.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_profile_parse(
    data: *const c_char,
    len: usize,
    profile: *mut *const caretoken_profile,
    error: *mut *const caretoken_error,
) -> caretoken_status {
    let read = || {
        // SAFETY: the caller gives NULL or `len` bytes.
        let text = unsafe { arguments::list(data.cast::<u8>(), len, "data", LENGTH) }?;
        Ok(Profile::from_json(text)?)
    };
    // SAFETY: the caller gives NULL or places for pointers.
    unsafe { give(profile, error, &read) }
}

/// Frees the profile, its parameters and its texts. Configs and clients made from it live on. Does
/// nothing when profile is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_profile_free(profile: *const caretoken_profile) {
    catch(|| {
        if !profile.is_null() {
            // SAFETY: `give` made it of a `Box<CProfile>`, and the caller gives it up.
            drop(unsafe { Box::from_raw(profile.cast::<CProfile>().cast_mut()) });
        }
    });
}
