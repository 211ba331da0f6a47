//! Overwriting what held secrets.

use zeroize::optimization_barrier;

use super::registers::clear_registers;

/// Overwrites `bytes` with zeroes. These are ordinary writes, which the optimiser is told not to drop:
/// several times faster than the volatile ones of [`Zeroize`](zeroize::Zeroize).
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    optimization_barrier(bytes);
}

/// Overwrites what the calls that have just returned left on this thread's stack: libraries keep
/// request and answer in local variables, and the dynamic linker spills vector registers.
#[inline(never)]
pub(crate) fn wipe_dead_stack() {
    // A request and its answer go 24 KiB deep. A TLS handshake goes 16 KiB deeper, and has a wipe of
    // its own. A thread's stack is several times as large.
    let blank = [0_u8; 32 * 1024];
    std::hint::black_box(&blank);
    clear_registers();
}
