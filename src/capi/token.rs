//! `caretoken_token`: a token that C reads like a struct of its own.

use std::ffi::c_char;
use std::mem::{self, ManuallyDrop};
use std::ptr;
use std::sync::Arc;

use super::arguments::{self, required};
use super::failure::Failure;
use super::panic::catch_without_secrets;
use super::types::{Texts, caretoken_str, milliseconds, start_of};
use crate::token::{Shard, Token};

/// A further field of a vendor's answer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct caretoken_extra {
    /// Its name, such as patient.
    pub name: caretoken_str,
    /// Its value; numbers as decimal text. May be personal data: do not log it.
    pub value: caretoken_str,
}

/// A bearer token, with what the vendor said about it.
///
/// The library makes it and C reads its fields; nobody writes to it, copies it by value or makes one.
/// Later versions add fields at the end only. A pointer to it counts as one reference: release it with
/// caretoken_token_free, and make another with caretoken_token_clone. When the last reference is gone
/// (the client holds one while the token is in its cache), everything here is wiped and freed.
/// Different threads may get different pointers to the same token, so do not compare pointers;
/// caretoken_client_reject knows the token by any of them.
///
/// It never changes, so any thread may read it, and it outlives its client if it is freed later.
///
/// access_token, authorization, refresh_token and the values of extras are secret: do not log them,
/// and wipe your copies with caretoken_wipe.
#[repr(C)]
pub struct caretoken_token {
    /// The access token itself. Secret.
    pub access_token: caretoken_str,
    /// The whole value of the header that carries it (see header): "Bearer " and the access token,
    /// unless the profile says otherwise. Secret.
    pub authorization: caretoken_str,
    /// The type of the token, which is the scheme of its header: Bearer, unless the profile says
    /// otherwise; empty where the header's value is the token alone.
    pub token_type: caretoken_str,
    /// The vendor that issued it, such as pattern.
    pub vendor: caretoken_str,
    /// The refresh token that came with it; empty if none. Secret. The client uses it by itself where
    /// the vendor has a refresh grant.
    pub refresh_token: caretoken_str,
    /// The vendor's id of the request, for its support; empty if none.
    pub request_id: caretoken_str,
    /// The scopes it was granted: scopes_len of them; NULL if none. Those requested
    /// where the vendor does not say.
    pub scopes: *const caretoken_str,
    /// How many scopes there are.
    pub scopes_len: usize,
    /// The scopes that were requested and not granted: missing_scopes_len of them; NULL if none.
    pub missing_scopes: *const caretoken_str,
    /// How many missing_scopes there are.
    pub missing_scopes_len: usize,
    /// The further fields of the vendor's answer: extras_len of them; NULL if none. See
    /// caretoken_token_extra.
    pub extras: *const caretoken_extra,
    /// How many extras there are.
    pub extras_len: usize,
    /// When it ends, in Unix milliseconds, by this machine's clock. To decide whether it is still
    /// good, use caretoken_token_time_left_ms: it survives steps of that clock.
    pub expires_at_ms: i64,
    /// How long it lives in all, counted from the moment its request was sent.
    pub lifetime_ms: i64,
    /// Whether the vendor gave it a longer life than is plausible, so that it was cut.
    pub lifetime_was_cut: bool,
    /// Whether the vendor gave it a life too short to be plausible: mostly another unit than its
    /// documents say. It is good until its end, but a new one is fetched once a second at most.
    pub lifetime_implausible: bool,
    /// The name of the header that carries it, in lower case: authorization, unless the profile says
    /// otherwise.
    pub header: caretoken_str,
}

/// A token as C sees it, and behind it what C does not see. It is made once for each shard of
/// the token and kept in it.
#[repr(C)]
struct CToken {
    token: caretoken_token,
    /// The shard that this is kept in. No reference is counted: it would be a cycle.
    owner: *const Shard,
    /// What the pointers in `token` point to, where that is not the token's own secrets.
    _texts: Texts,
    _scopes: Vec<caretoken_str>,
    _missing_scopes: Vec<caretoken_str>,
    _extras: Vec<caretoken_extra>,
}

// SAFETY: the pointers lead to memory that the same `CToken` or its owner owns, and nobody writes to it
// before the last reference is gone.
unsafe impl Send for CToken {}
// SAFETY: as above.
unsafe impl Sync for CToken {}

impl CToken {
    fn of(token: &Token) -> Self {
        let inner = &*token.0;
        let mut all = vec![
            token.token_type(),
            &*inner.vendor,
            token.request_id().unwrap_or_default(),
            &*inner.header,
        ];
        all.extend(inner.scopes.iter().map(String::as_str));
        all.extend(inner.missing_scopes.iter().map(String::as_str));
        all.extend(inner.extras.iter().map(|(name, _)| &**name));
        let (texts, mut next) = Texts::of(&all);

        let (token_type, vendor, request_id, header) = (next(), next(), next(), next());
        let scopes: Vec<_> = inner.scopes.iter().map(|_| next()).collect();
        let missing_scopes: Vec<_> = inner.missing_scopes.iter().map(|_| next()).collect();
        let extras = inner.extras.iter().map(|(_, value)| caretoken_extra {
            name: next(),
            value: caretoken_str::of_secret(value),
        });
        let extras: Vec<_> = extras.collect();
        let authorization = caretoken_str::of_secret(&inner.authorization);
        let refresh_token = inner.refresh_token.as_ref();
        let refresh_token = refresh_token.map_or(caretoken_str::EMPTY, caretoken_str::of_secret);
        CToken {
            token: caretoken_token {
                access_token: match &inner.access_token {
                    Some(access_token) => caretoken_str::of_secret(access_token),
                    None => without_beginning(authorization, inner.start),
                },
                authorization,
                token_type,
                vendor,
                refresh_token,
                request_id,
                scopes: start_of(&scopes),
                scopes_len: scopes.len(),
                missing_scopes: start_of(&missing_scopes),
                missing_scopes_len: missing_scopes.len(),
                extras: start_of(&extras),
                extras_len: extras.len(),
                expires_at_ms: token.0.times.end.wall_ms,
                lifetime_ms: milliseconds(token.lifetime()),
                lifetime_was_cut: token.lifetime_was_cut(),
                lifetime_implausible: token.lifetime_is_implausible(),
                header,
            },
            owner: Arc::as_ptr(&token.0),
            _texts: texts,
            _scopes: scopes,
            _missing_scopes: missing_scopes,
            _extras: extras,
        }
    }
}

fn without_beginning(authorization: caretoken_str, start: usize) -> caretoken_str {
    let skipped = start.min(authorization.len);
    // SAFETY: `skipped` is at most the length of the text.
    let data = unsafe { authorization.data.add(skipped) };
    caretoken_str { data, len: authorization.len - skipped }
}

/// Gives C the token, and with it the reference that `token` held.
#[inline]
pub(super) fn into_c(token: Token) -> Result<*const caretoken_token, Failure> {
    let view = token.0.c_view.get_or_init(|| Box::new(Box::new(CToken::of(&token))));
    let view: &CToken = view.downcast_ref().ok_or_else(|| Failure::internal(None))?;
    // A pointer to the whole, so that `owner` can be reached from it.
    let pointer = ptr::from_ref(view).cast();
    mem::forget(token);
    Ok(pointer)
}

/// The token behind the pointer, without counting a reference.
///
/// # Safety
/// `token` is NULL, or came from `into_c`, with a reference that nobody releases as long as the
/// result lives.
pub(super) unsafe fn borrow(token: *const caretoken_token) -> Result<ManuallyDrop<Token>, Failure> {
    // SAFETY: as the caller promises.
    unsafe { required(token, "token") }?;
    // SAFETY: `into_c` made it of a `&CToken` that lives as long as a reference is counted.
    let owner = unsafe { (*token.cast::<CToken>()).owner };
    // SAFETY: `owner` is the pointer of an `Arc` that has a counted reference, which stays counted.
    Ok(ManuallyDrop::new(Token(unsafe { Arc::from_raw(owner) })))
}

/// Reads from a token that may be NULL.
///
/// # Safety
/// As for `borrow`, until this returns.
unsafe fn read<R>(
    token: *const caretoken_token,
    otherwise: R,
    read: impl FnOnce(&Token, &caretoken_token) -> R,
) -> R {
    let result = catch_without_secrets(|| {
        // SAFETY: as the caller promises.
        let owner = unsafe { borrow(token) }.ok()?;
        // SAFETY: `borrow` has refused NULL, and the caller promises the rest.
        Some(read(&owner, unsafe { &*token }))
    });
    result.flatten().unwrap_or(otherwise)
}

/// How many milliseconds the token is still good: by the monotonic or the wall clock, whichever
/// leaves less. 0 when it has ended, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_token_time_left_ms(token: *const caretoken_token) -> i64 {
    let left = |token: &Token, _: &_| milliseconds(token.time_left());
    // SAFETY: the caller gives NULL or a token with a reference of its own.
    unsafe { read(token, 0, left) }
}

/// The value of one of the token's extras by its name, such as patient; it lives as long as the token.
/// Empty if there is none of that name, and when an argument is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_token_extra(
    token: *const caretoken_token,
    name: *const c_char,
) -> caretoken_str {
    let find = |owner: &Token, token: &caretoken_token| {
        // SAFETY: the caller gives NULL or a NUL-terminated text.
        let name = unsafe { arguments::text(name, "name") }.ok()?;
        let index = owner.extra_names().position(|known| known == name)?;
        // SAFETY: `extras` are as many as the token has, in the same order.
        Some(unsafe { (*token.extras.add(index)).value })
    };
    // SAFETY: the caller gives NULL or a token with a reference of its own.
    unsafe { read(token, None, find) }.unwrap_or(caretoken_str::EMPTY)
}

/// Counts one more reference to the token and returns the same pointer, to be freed as well. From any
/// thread; it allocates nothing. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_token_clone(
    token: *const caretoken_token,
) -> *const caretoken_token {
    catch_without_secrets(|| {
        // SAFETY: the caller gives NULL or a token with a reference of its own.
        if let Ok(token) = unsafe { borrow(token) } {
            mem::forget(Arc::clone(&token.0));
        }
        token
    })
    .unwrap_or(ptr::null())
}

/// Releases one reference to the token; the last one wipes and frees it. From any thread. Does nothing
/// when token is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caretoken_token_free(token: *const caretoken_token) {
    catch_without_secrets(|| {
        // SAFETY: the caller gives NULL or a token with a reference of its own, and gives that up.
        if let Ok(token) = unsafe { borrow(token) } {
            drop(ManuallyDrop::into_inner(token));
        }
    });
}
