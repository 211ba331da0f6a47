//! The client's snapshot and single flight, compiled against the model checker's threads and locks, so that
//! `cargo test -p caretoken-model` runs every interleaving of a few threads.
#![cfg(test)]

#[path = "../../src/life"]
mod life {
    mod single_flight;
    mod snapshot;

    /// What `src/life/mod.rs` has from the standard library.
    mod sync {
        pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
    }
}
