//! Memory for secrets, wiped before it is freed, and state that a forked child does not share.
//!
//! There are two types. A [`Secret`] is text that stays: a credential, a token, a key. Its pages are
//! locked into RAM as far as the system's limit allows, so that no swap file gets them. A
//! [`SecretBuf`] holds bytes on their way to or from the wire: requests, answers, parsed JSON. There
//! is too much of that to lock it. The pages of both are left out of core dumps where the system can
//! (Linux), so that a dump in the middle of a fetch holds no secret either, and a guard page stands
//! before and behind them.
//!
//! Both come from a pool, in which small blocks share pages: 10,000 tokens of 1 KiB take 10 MiB.
//! Where the limit on locked memory is used up, secrets are kept in unlocked pages and one warning is
//! logged; `require_locked_memory` makes that an error.
//!
//! After a fork, the child reads the secrets of its parent where they are. Its copies of those pages
//! are left out of dumps too, but not locked, since locks are not inherited. The child has a pool of
//! its own: another thread of the parent may have held the lock of the parent's pool at the moment of
//! the fork.
//!
//! The files, lowest first: `registers`, `wipe`; `process`, `per_process`; `pages` (what the system
//! gives), `arena` (pages cut into blocks), `pool` (all arenas of a process), `secret`, `buffer`.
//! Unsafe code stands here and in the C layer alone.

mod arena;
mod buffer;
mod pages;
mod per_process;
mod pool;
mod process;
mod registers;
mod secret;
mod wipe;

pub use buffer::SecretBuf;
pub(crate) use per_process::{Owned, PerProcess};
pub(crate) use pool::Reservation;
pub(crate) use process::process_generation;
pub(crate) use registers::clear_registers;
pub use secret::Secret;
pub(crate) use wipe::{wipe, wipe_dead_stack};
