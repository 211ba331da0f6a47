//! TLS: what is trusted, how a session runs, and what to say when it fails.

mod config;
mod describe;
mod explain;
mod key;
mod names;
#[cfg(all(feature = "platform-verifier", any(windows, target_vendor = "apple")))]
mod platform;
mod session;
#[cfg(feature = "native-tls")]
mod stack;
mod store;
#[cfg(feature = "native-tls")]
mod system;
mod tickets;
mod verify;

#[cfg(not(feature = "native-tls"))]
pub(super) use {config::TlsConfig, session::Session};

#[cfg(feature = "native-tls")]
pub(super) use stack::{Session, TlsConfig};
