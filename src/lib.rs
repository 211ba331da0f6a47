//! Bearer tokens for electronic health record (EHR) systems: one blocking call returns a token that
//! is valid now.
//!
//! Four vendors, four token endpoints, none of them standard: [`Parchment`], [`Ehealth`],
//! [`Edvak`], [`Pattern`].
//!
//! ```no_run
//! use std::time::Duration;
//! use caretoken::{Client, Pattern};
//!
//! fn main() -> Result<(), caretoken::Error> {
//!     let client = Client::builder(Pattern {
//!         base_url: "https://pattern.example".into(),
//!         client_id: "my-client".into(),
//!         client_secret: std::env::var("PATTERN_CLIENT_SECRET").unwrap_or_default().into(),
//!     })
//!     .timeout(Duration::from_secs(10))
//!     .build()?;
//!
//!     let token = client.token()?; // cached, or fetched; blocks at most the timeout
//!     let header = ("Authorization", token.authorization().expose_secret());
//!     // … send a request with it. If the API answers 401:
//!     client.reject(&token); // only this token is dropped
//!     # let _ = header;
//!     Ok(())
//! }
//! ```
//!
//! Nothing here is async, and there is no background thread (only a DNS lookup has one of its own,
//! for as long as it takes) and no global state but the locked pages that secrets share.
//! Every call ends within its timeout, and [`Client::cancel`] ends it sooner.
//!
//! Secrets are wiped when they are dropped, but HTTP, TLS and JSON libraries keep copies that no
//! `Drop` of ours reaches. An allocator that wipes what it frees leaves none; it is one line in
//! `main.rs`, with the crate `zeroizing-alloc`:
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
//!     zeroizing_alloc::ZeroAlloc(std::alloc::System);
//! # fn main() {}
//! ```
//!
//! Features, all off by default: `platform-verifier` for [`TrustRoots::System`], `native-tls` for
//! [`TlsStack::System`], `capi` for the C ABI.

// Tests may stop at the first surprise; the library may not.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

/// The helpers that tests outside share with those inside name the crate.
#[cfg(test)]
extern crate self as caretoken;

mod builder;
mod client;
mod config;
mod date;
mod der;
mod doctor;
mod error;
mod event;
mod file;
mod json;
mod life;
mod memory;
mod profile;
mod stats;
mod thread;
mod token;
pub mod transport;
mod vendors;

#[cfg(any(test, feature = "capi"))]
pub mod capi;

pub use builder::ClientBuilder;
pub use client::Client;
pub use doctor::DoctorReport;
pub use error::{Error, ErrorActor, ErrorKind, ErrorPhase};
pub use event::{Event, EventKind};
pub use life::{Clock, SystemClock};
pub use memory::{Secret, SecretBuf};
pub use stats::ClientStats;
pub use token::{AccessToken, Token};
pub use transport::{ProbeOutcome, ProbeStep, TlsStack, TrustRoots};
pub use vendors::{Edvak, Ehealth, Parameter, Parchment, Pattern, Profile, ProfileScopes, Vendor};

/// Compiles the README's Rust.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
