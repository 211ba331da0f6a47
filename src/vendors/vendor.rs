//! What the typed credentials of all vendors have in common.

use std::sync::Arc;

use crate::error::Error;
use crate::memory::Secret;
use crate::profile::Definition;
use crate::vendors::table::by_name;

/// What a client is for: a [`Profile`](crate::Profile), or the typed credentials of
/// [`Parchment`](crate::Parchment), [`Ehealth`](crate::Ehealth), [`Edvak`](crate::Edvak) or
/// [`Pattern`](crate::Pattern).
///
/// A vendor may come to take more optional credentials, and its struct more fields: end with
/// `..Default::default()` to go on compiling then. What is missing is told by
/// [`ClientBuilder::build`](crate::ClientBuilder::build).
pub trait Vendor: sealed::Sealed {
    #[doc(hidden)]
    fn into_setup(self) -> Setup;
}

pub(super) mod sealed {
    /// Seals [`Vendor`](super::Vendor): what it hands over may change.
    pub trait Sealed {}
}

/// A profile and credentials, not yet checked.
#[derive(Debug)]
pub struct Setup {
    pub(crate) definition: Result<Arc<Definition>, Error>,
    pub(crate) credentials: Vec<(&'static str, Secret)>,
}

impl Setup {
    pub(super) fn new(definition: Arc<Definition>) -> Self {
        Setup { definition: Ok(definition), credentials: Vec::new() }
    }

    /// Of a profile that is compiled in.
    pub(super) fn named(name: &'static str) -> Self {
        Setup { definition: by_name(name), credentials: Vec::new() }
    }

    pub(super) fn credential(self, name: &'static str, value: impl Into<Secret>) -> Self {
        self.optional(name, Some(value.into()))
    }

    pub(super) fn optional(mut self, name: &'static str, value: Option<Secret>) -> Self {
        self.credentials.extend(value.map(|value| (name, value)));
        self
    }
}
