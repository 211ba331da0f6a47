//! A server on loopback HTTPS that behaves like the four vendors caretoken speaks to.
//!
//! It checks requests as strictly as the vendors' documents say, issues tokens, keeps one
//! protected resource per vendor that accepts only those, and goes wrong on demand. Everything in
//! it is fake: the credentials, the tokens, the certificate authority it makes at the start.
//!
//! ```
//! use caretoken_sandbox::{Fault, Sandbox, Vendor};
//!
//! let sandbox = Sandbox::start()?;
//! sandbox.inject(Vendor::Pattern, Fault::RateLimited { retry_after: Some("1".into()) });
//! assert!(sandbox.base_url(Vendor::Pattern).starts_with("https://localhost:"));
//! assert_eq!(sandbox.requests(Vendor::Pattern), 0);
//! # Ok::<(), std::io::Error>(())
//! ```

// Tests may stop at the first surprise; the library may not.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

mod answer;
mod body;
mod certificate;
mod fault;
mod player;
mod profile;
mod reply;
mod request;
mod sandbox;
mod server;
mod state;
mod vendor;
mod vendors;

pub use fault::Fault;
pub use profile::Profile;
pub use request::RecordedRequest;
pub use sandbox::{Options, Sandbox};
pub use vendor::{Vendor, VendorId};
