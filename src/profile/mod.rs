//! A token endpoint as data, and the engine that works by it.
//!
//! [`vocabulary`] has the words. [`credentials`] checks what the caller gives, [`render`] makes the
//! request, [`read`] and [`refusal`] read the response. Nothing here knows a vendor by name: a
//! vendor that seems to need an `if` in the engine shows that the vocabulary lacks a word.

mod base_url;
mod credentials;
#[cfg_attr(not(test), expect(dead_code, reason = "the engine of profiles will call it"))]
mod digest;
#[cfg_attr(not(test), expect(dead_code, reason = "the engine of profiles will call it"))]
mod escape;
#[cfg_attr(not(test), expect(dead_code, reason = "the engine of profiles will call it"))]
mod jwt;
mod pem;
mod read;
mod redact;
mod refusal;
mod render;
mod vocabulary;

pub(crate) use base_url::{check_scheme, endpoint};
pub(crate) use credentials::{
    Credentials, REFRESH_TOKEN_END, check_takes_refresh_token, refresh_token_end, unknown_name,
};
pub(crate) use read::{Grant, read};
pub(crate) use render::{Inputs, render};
pub(crate) use vocabulary::*;
