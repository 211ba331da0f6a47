//! What the sandbox claims to do, checked over real HTTPS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod edvak;
mod ehealth;
mod faults;
mod life;
mod parchment;
mod pattern;
mod program;
mod support;
