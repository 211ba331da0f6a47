//! The numbers of `caretoken_status`, and their names.

use super::panic::catch;
use super::types::{caretoken_status, caretoken_str};
use crate::error::ErrorKind;

/// It worked.
pub const CARETOKEN_OK: caretoken_status = 0;

/// A pointer that must not be NULL was NULL. The error's field names the argument, or the setting or
/// credential whose value it is.
pub const CARETOKEN_NULL_ARGUMENT: caretoken_status = 1;
/// The caller's buffer cannot hold the result. The call says how long the result is.
pub const CARETOKEN_BUFFER_TOO_SMALL: caretoken_status = 2;
/// A setting, credential name or argument cannot be used. The error's field names it; its value is
/// never shown.
pub const CARETOKEN_INVALID_SETTING: caretoken_status = 3;

/// The host name did not resolve.
pub const CARETOKEN_RESOLVE: caretoken_status = 20;
/// A proxy refused or failed.
pub const CARETOKEN_PROXY: caretoken_status = 21;
/// No address of the host accepted a connection.
pub const CARETOKEN_CONNECT: caretoken_status = 22;
/// TLS failed: certificate, host name or protocol version.
pub const CARETOKEN_TLS: caretoken_status = 23;
/// The connection broke while the request or the answer was under way.
pub const CARETOKEN_CONNECTION_LOST: caretoken_status = 24;
/// A proxy wants a user name and password, or refused those in its URL. They are not sent again for a
/// while, so that no account gets locked: make a new client with the right ones.
pub const CARETOKEN_PROXY_LOGIN_REJECTED: caretoken_status = 25;

/// The deadline passed. The error's phase says where the time went.
pub const CARETOKEN_TIMEOUT: caretoken_status = 30;
/// The call was cancelled. caretoken_client_cancel was called, or the client was freed.
pub const CARETOKEN_CANCELLED: caretoken_status = 31;

/// The client id, secret, user name or password is wrong or has expired.
pub const CARETOKEN_CREDENTIALS_REJECTED: caretoken_status = 40;
/// The refresh token is dead: a person must sign in again.
pub const CARETOKEN_SIGN_IN_REQUIRED: caretoken_status = 41;
/// The owner took the access back: a person must grant it again.
pub const CARETOKEN_ACCESS_REVOKED: caretoken_status = 42;
/// A requested scope is unknown, or not allowed for this client.
pub const CARETOKEN_SCOPE_REFUSED: caretoken_status = 43;
/// The vendor knows who asks and says no.
pub const CARETOKEN_ACCESS_DENIED: caretoken_status = 44;
/// The vendor finds the request itself wrong.
pub const CARETOKEN_REQUEST_REFUSED: caretoken_status = 45;
/// There is no token endpoint at this address.
pub const CARETOKEN_ENDPOINT_NOT_FOUND: caretoken_status = 46;
/// Too many requests. See the error's retry_after_ms.
pub const CARETOKEN_RATE_LIMITED: caretoken_status = 47;
/// The vendor's service is down or overloaded.
pub const CARETOKEN_UNAVAILABLE: caretoken_status = 48;

/// The answer redirects elsewhere. Redirects are never followed.
pub const CARETOKEN_REDIRECTED: caretoken_status = 60;
/// The answer has a status that this vendor's token endpoint never gives.
pub const CARETOKEN_UNEXPECTED_STATUS: caretoken_status = 61;
/// The answer is larger than 64 KiB. Reading stopped there.
pub const CARETOKEN_ANSWER_TOO_LARGE: caretoken_status = 62;
/// The answer is not JSON: HTML, plain text, cut off, or nothing at all.
pub const CARETOKEN_ANSWER_NOT_JSON: caretoken_status = 63;
/// The answer is JSON of another shape: a field is missing, doubled or of the wrong type.
pub const CARETOKEN_ANSWER_MALFORMED: caretoken_status = 64;
/// The token's lifetime makes no sense: negative, zero, fractional, out of range or absent.
pub const CARETOKEN_INVALID_LIFETIME: caretoken_status = 65;

/// Fresh tokens were refused again and again. See caretoken_client_reject.
pub const CARETOKEN_TOKENS_REFUSED: caretoken_status = 80;
/// The rotation callback could not store the new refresh token.
pub const CARETOKEN_ROTATION_NOT_STORED: caretoken_status = 81;

/// A defect in caretoken. After a panic, whose place in the source the error's line tells, the client it
/// happened in cannot be used any more, only freed.
pub const CARETOKEN_INTERNAL: caretoken_status = 99;

/// The name of a status.
pub(super) fn name_of(status: caretoken_status) -> caretoken_str {
    caretoken_str::constant(match status {
        CARETOKEN_OK => c"ok",
        CARETOKEN_NULL_ARGUMENT => c"null_argument",
        CARETOKEN_BUFFER_TOO_SMALL => c"buffer_too_small",
        _ => {
            let kind = ErrorKind::ALL.iter().find(|kind| kind.number() == status);
            kind.map_or(c"unknown", |kind| kind.c_name())
        }
    })
}

/// The stable name of a status, such as credentials_rejected for CARETOKEN_CREDENTIALS_REJECTED;
/// unknown for a number that this version does not know. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn caretoken_status_name(status: caretoken_status) -> caretoken_str {
    catch(|| name_of(status)).unwrap_or(caretoken_str::EMPTY)
}
