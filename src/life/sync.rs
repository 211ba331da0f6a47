//! The primitives that `single_flight` stands on. The crate in `model/` has the model checker's in
//! their place.

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
