//! The C ABI: the only place that knows C.
//!
//! One module per C type. Every function takes the same steps: enter the panic boundary, turn
//! pointers into references, call the safe core, write the out-parameters. The doc comments of what
//! is exported are the text of `include/caretoken.h`; they speak to C developers.

#![allow(non_camel_case_types, reason = "types have the names that C sees")]
#![allow(rustdoc::bare_urls, rustdoc::broken_intra_doc_links, reason = "nor are they Markdown")]
#![allow(clippy::missing_safety_doc, reason = "the header's words are the contract")]

mod boundary;
mod cancellation;
mod client;
mod config;
mod error;
mod event;
mod report;
mod status;
mod strings;
mod token;
mod version;

pub use client::*;
pub use config::*;
pub use error::*;
pub use event::*;
pub use report::*;
pub use status::*;
pub use strings::*;
pub use token::*;
pub use version::*;

/// Wipes every block before it is freed, and moves a block that grows: HTTP, TLS and JSON libraries
/// keep copies that no `Drop` of ours reaches. A Rust program chooses its own allocator: do not turn
/// this feature on for a Rust dependent.
#[cfg(feature = "capi")]
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

#[cfg(test)]
mod tests;
