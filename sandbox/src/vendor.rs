//! The vendors by name, and the endpoints that each of them has.

/// The vendors that the sandbox stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// Parchment Health: client credentials in headers, one JSON envelope for all answers.
    Parchment,
    /// eHealth Ukraine (ESOZ): refresh grant in JSON, success is 201, absolute expiry.
    Ehealth,
    /// Edvak (CCDA API): a form with a user's password, the token one level down.
    Edvak,
    /// Pattern Health: Basic client credentials, lifetime in milliseconds.
    Pattern,
}

impl Vendor {
    /// All vendors, in the order of this enum.
    pub const ALL: [Vendor; 4] =
        [Vendor::Parchment, Vendor::Ehealth, Vendor::Edvak, Vendor::Pattern];

    /// The name in lower case: `parchment`, `ehealth`, `edvak` or `pattern`.
    pub fn name(self) -> &'static str {
        match self {
            Vendor::Parchment => "parchment",
            Vendor::Ehealth => "ehealth",
            Vendor::Edvak => "edvak",
            Vendor::Pattern => "pattern",
        }
    }

    /// The vendor of that [`Vendor::name`], if there is one.
    pub fn from_name(name: &str) -> Option<Vendor> {
        Vendor::ALL.into_iter().find(|vendor| vendor.name() == name)
    }
}

/// Whom a sandbox plays: one of the four vendors, or a profile that it was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VendorId(pub(crate) usize);

impl From<Vendor> for VendorId {
    fn from(vendor: Vendor) -> VendorId {
        VendorId(vendor as usize)
    }
}

impl VendorId {
    /// The profile at that place among those of the sandbox.
    pub(crate) fn of_profile(place: usize) -> VendorId {
        VendorId(Vendor::ALL.len() + place)
    }
}

pub(crate) enum Endpoint {
    Token,
    /// Of a request that comes before the token request.
    Step,
    Resource,
}
