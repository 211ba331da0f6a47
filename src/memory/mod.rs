//! Memory that secrets live in, and what must know which process it is in.
//!
//! Unsafe code stands here and in the C layer alone.

mod per_process;
mod process;
pub(crate) mod protected;
mod registers;
mod secret;

pub(crate) use per_process::{Owned, PerProcess};
pub(crate) use process::process_generation;
pub(crate) use protected::{Block, Kind, Room, wipe};
pub(crate) use registers::clear_registers;
pub(crate) use secret::wipe_dead_stack;
pub use secret::{Secret, SecretBuf};
