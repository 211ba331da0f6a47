//! TLS: which servers are trusted, the session, and what an error means.
//!
//! `config` and `session` use rustls. `native` is the TLS of the operating system, and `stack` chooses
//! between the two.

mod certificate;
mod config;
mod errors;
mod explain;
mod key;
#[cfg(feature = "native-tls")]
mod native;
mod pem;
mod pins;
#[cfg(all(feature = "platform-verifier", any(windows, target_vendor = "apple")))]
mod platform_verifier;
mod refusal;
mod session;
mod stack;
mod system_roots;
mod tickets;
mod verify;

pub(super) use stack::TlsConfig;
