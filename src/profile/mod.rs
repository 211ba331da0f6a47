//! A token endpoint as data, and the engine that works by it.
//!
//! [`vocabulary`] has the words, [`parse`] reads them from a file. [`credentials`] checks what the
//! caller gives, [`render`] makes the requests, [`read`] and [`refusal`] read the answers. Nothing here
//! knows a vendor by name: a vendor that seems to need an `if` in the engine shows that the
//! vocabulary lacks a word.

mod credentials;
mod digest;
mod escape;
mod given_url;
mod jwt;
mod parse;
mod pem;
mod read;
mod redact;
mod refusal;
mod render;
mod source;
mod vocabulary;

pub(crate) use credentials::{
    Credentials, REFRESH_TOKEN_END, check_takes_refresh_token, refresh_token_end, scope_flaw,
    unknown_name,
};
pub(crate) use parse::{MOST_BYTES, parse};
pub(crate) use read::{Grant, Reading, read, read_step};
pub(crate) use render::{Inputs, Rendering};
pub(crate) use vocabulary::*;
