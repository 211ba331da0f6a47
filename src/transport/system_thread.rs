//! Short-lived threads for system calls that cannot be interrupted.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread on which all signals are blocked from the beginning: the program's signal handlers
/// must not run on a thread that the program does not know.
#[cfg(unix)]
pub(super) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    use nix::sys::signal::{SigSet, SigmaskHow};
    // A thread begins with the mask of the one that starts it.
    let own = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK);
    let started = Builder::new().name(name.into()).spawn(work);
    if let Ok(own) = own {
        let _it_was_valid_before = own.thread_set_mask();
    }
    started
}

/// Starts a thread.
#[cfg(not(unix))]
pub(super) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.into()).spawn(work)
}
