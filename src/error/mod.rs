//! What can go wrong, where, and who must act.
//!
//! The kinds of error are declared in one table, in `kind.rs`. Names, messages, remedies and the
//! numbers in C follow from its rows; tests hold the C header and the README against it.

mod details;
mod kind;
mod phase;

pub use details::Error;
pub use kind::{ErrorActor, ErrorKind};
pub use phase::ErrorPhase;
