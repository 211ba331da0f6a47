//! Parchment Health: e-prescribing, Australia.

use crate::memory::Secret;
use crate::vendors::vendor::{Setup, Vendor, sealed};

/// Credentials for [Parchment Health](https://docs.parchment.health)'s `POST /v1/token`.
///
/// Base URLs (they end in `/external`): `https://api.sandbox.parchmenthealth.io/external` and
/// `https://api.parchmenthealth.io/external`.
///
/// At least one scope must be requested ([`ClientBuilder::scopes`](crate::ClientBuilder::scopes)), such as
/// `create:patient`. Parchment grants those of them that it allows and silently drops the others:
/// see [`Token::missing_scopes`](crate::Token::missing_scopes). A token belongs to the acting user.
///
/// Calls with the token also need the header `x-organization-secret`.
#[derive(Clone, Debug, Default)]
pub struct Parchment {
    /// Where the API lives, ending in `/external`.
    pub base_url: String,
    /// `x-partner-id`.
    pub partner_id: String,
    /// `x-partner-secret`.
    pub partner_secret: Secret,
    /// `x-organization-id`.
    pub organization_id: String,
    /// `x-organization-secret`.
    pub organization_secret: Secret,
    /// `x-user-id`: the user on whose behalf the token will act.
    pub user_id: String,
    /// A bearer token for the `Authorization` header of the token request itself. One of Parchment's
    /// pages shows it, and its API does not need it: mostly `None`.
    pub authorization_bearer: Option<Secret>,
}

impl sealed::Sealed for Parchment {}

impl Vendor for Parchment {
    fn into_setup(self) -> Setup {
        Setup::named("parchment")
            .credential("base_url", self.base_url)
            .credential("partner_id", self.partner_id)
            .credential("partner_secret", self.partner_secret)
            .credential("organization_id", self.organization_id)
            .credential("organization_secret", self.organization_secret)
            .credential("user_id", self.user_id)
            .optional("authorization_bearer", self.authorization_bearer)
    }
}
