//! The C ABI: the only place that knows C.
//!
//! One module per C type. Every function takes the same steps: clear the out-parameters, enter the
//! panic boundary (`call`), turn pointers into references (`arguments`), call the safe core, write the
//! out-parameters. The doc comments of what is exported are the text of `include/caretoken.h`; they
//! speak to C developers.

#![allow(non_camel_case_types, reason = "types have the names that C sees")]
#![allow(rustdoc::bare_urls, rustdoc::broken_intra_doc_links, reason = "nor are they Markdown")]
#![allow(clippy::missing_safety_doc, reason = "the header's words are the contract")]

#[cfg(feature = "capi")]
mod allocator;
mod arguments;
mod call;
mod callbacks;
mod client;
mod config;
mod error;
mod event;
mod failure;
mod helpers;
mod panic;
mod profile;
mod pthread_cancel;
mod report;
mod status;
#[cfg(test)]
mod tests;
mod token;
mod types;

pub use callbacks::*;
pub use client::*;
pub use config::*;
pub use error::*;
pub use event::*;
pub use helpers::*;
pub use profile::*;
pub use report::*;
pub use status::*;
pub use token::*;
pub use types::*;
