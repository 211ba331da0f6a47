//! eHealth Ukraine (ESOZ): the national system.

use crate::memory::Secret;
use crate::vendors::vendor::{Setup, Vendor, sealed};

/// Credentials for eHealth Ukraine's `POST /oauth/tokens` with the refresh-token grant.
///
/// Base URLs: `https://api-preprod.ehealth.gov.ua`, `https://api.ehealth.gov.ua` and their
/// siblings (hyphens, not dots).
///
/// The refresh token comes from the user's sign-in. It does not change with each use; where an
/// answer does bring a new one, the client goes on with that. When it dies
/// ([`ErrorKind::SignInRequired`](crate::ErrorKind::SignInRequired)), a person must sign in again.
///
/// The vendor decides the scopes.
///
/// The token gives `user_id` as an extra field.
#[derive(Clone, Debug, Default)]
pub struct Ehealth {
    /// Where the API lives, such as `https://api-preprod.ehealth.gov.ua`.
    pub base_url: String,
    /// The legal entity's client id.
    pub client_id: String,
    /// The legal entity's secret.
    pub client_secret: Secret,
    /// The refresh token from the user's sign-in.
    pub refresh_token: Secret,
    /// `X-Custom-PSK`, which opens the gateway; `None` where it asks for none.
    pub custom_psk: Option<Secret>,
    /// `API-key`, the medical system's own; `None` where the gateway asks for none.
    pub api_key: Option<Secret>,
}

impl sealed::Sealed for Ehealth {}

impl Vendor for Ehealth {
    fn into_setup(self) -> Setup {
        Setup::named("ehealth")
            .credential("base_url", self.base_url)
            .credential("client_id", self.client_id)
            .credential("client_secret", self.client_secret)
            .credential("refresh_token", self.refresh_token)
            .optional("custom_psk", self.custom_psk)
            .optional("api_key", self.api_key)
    }
}
