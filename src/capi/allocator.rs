//! The allocator of the C library.

/// Wipes every block before it is freed, and moves a block that grows: HTTP, TLS and JSON libraries
/// keep copies that no `Drop` of ours reaches. A Rust program chooses its own allocator: do not turn
/// this feature on for a Rust dependent.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);
