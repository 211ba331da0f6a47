//! The four vendors: one profile each, with typed credentials for Rust programs.

pub(crate) mod edvak;
pub(crate) mod ehealth;
pub(crate) mod parchment;
pub(crate) mod pattern;
mod table;
mod vendor;

pub use edvak::Edvak;
pub use ehealth::Ehealth;
pub use parchment::Parchment;
pub use pattern::Pattern;
#[cfg(test)]
pub(crate) use table::PROFILES;
pub(crate) use table::by_name;
pub use vendor::Vendor;
