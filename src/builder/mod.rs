//! How a client is configured.
//!
//! [`ClientBuilder`] has one method for each setting, and `set` for programs that are configured by
//! name. Both change a [`draft`]. [`settings`] is the one list of names.

mod client_builder;
mod draft;
mod settings;

pub use client_builder::ClientBuilder;
