//! TLS: what is trusted, how a session runs, and what to say when it fails.

mod config;
mod describe;
mod explain;
mod names;
#[cfg(all(feature = "platform-verifier", any(windows, target_vendor = "apple")))]
mod platform;
mod session;
mod store;
mod tickets;
mod verify;

pub(super) use config::TlsConfig;
pub(super) use session::Session;
