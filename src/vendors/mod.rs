//! The profiles that are compiled in, those that programs bring, and the typed credentials of the four
//! vendors.

mod edvak;
mod ehealth;
mod parchment;
mod pattern;
mod profile;
mod table;
mod vendor;

pub use edvak::Edvak;
pub use ehealth::Ehealth;
pub use parchment::Parchment;
pub use pattern::Pattern;
pub use profile::{Parameter, Profile, ProfileScopes};
#[cfg(any(test, feature = "capi"))]
pub(crate) use table::NAMES_FOR_C;
pub(crate) use table::by_name;
#[cfg(test)]
pub(crate) use table::{names, text};
pub use vendor::Vendor;
