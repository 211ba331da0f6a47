//! `caretoken_event`: what happens inside a client.

use super::status::CARETOKEN_OK;
use super::types::{Texts, caretoken_status, caretoken_str, milliseconds};
use crate::event::Event;

/// Something that happened in a client, for logs and monitoring. It never holds a secret.
///
/// The struct and its texts live until the callback that got it returns. Later versions may add
/// fields at the end.
#[repr(C)]
pub struct caretoken_event {
    /// What happened: fetch_started, fetched, fetch_failed, served_old_token, cooling_down, rotated,
    /// token_rejected, lifetime_cut, lifetime_implausible (the life is too short to be plausible: the
    /// message says what to ask the vendor) or sign_in_due (a person must sign in again before long).
    /// Later versions may add names.
    pub name: caretoken_str,
    /// The client's vendor, such as pattern.
    pub vendor: caretoken_str,
    /// How long it took, for fetched and fetch_failed; -1 otherwise.
    pub took_ms: i64,
    /// For fetched, lifetime_cut and lifetime_implausible the token's life, for served_old_token what
    /// is left of it, for cooling_down how long nothing is sent, for fetch_failed the
    /// pause before the next attempt, for sign_in_due the time until then; -1 otherwise.
    pub span_ms: i64,
    /// Why, for fetch_failed, served_old_token, cooling_down and lifetime_implausible; CARETOKEN_OK
    /// otherwise.
    pub status: caretoken_status,
    /// The whole event as one line of text, the error included where there is one.
    pub message: caretoken_str,
}

/// Calls `read` with the event as C sees it.
pub(super) fn with_c_event(event: &Event, read: impl FnOnce(&caretoken_event)) {
    let (_texts, mut next) = Texts::of(&[event.kind.name(), &event.vendor, &event.to_string()]);
    read(&caretoken_event {
        name: next(),
        vendor: next(),
        took_ms: event.took.map_or(-1, milliseconds),
        span_ms: event.span.map_or(-1, milliseconds),
        status: event.error.as_ref().map_or(CARETOKEN_OK, |error| error.kind().number()),
        message: next(),
    });
}
