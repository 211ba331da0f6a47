//! Edvak: the CCDA API.

use crate::memory::Secret;
use crate::vendors::vendor::{Setup, Vendor, sealed};

/// Credentials for Edvak's `POST /ccda/ccda/generate-token` (the doubled `ccda` is right).
///
/// The only documented host, `https://darwinapi.edvak.com`, is labelled a sandbox, so there is no
/// default. Tokens live 15 minutes. No refresh endpoint is documented: on expiry the password is
/// sent again, and a refused password is not. What leaves it open whether the password was wrong is
/// followed by growing pauses (see [`ClientBuilder::rejection_memory`](crate::ClientBuilder::rejection_memory)).
///
/// The token gives `patient`, `tenant`, `session_state`, `not-before-policy` and
/// `refresh_expires_in` as extra fields.
#[derive(Clone, Debug, Default)]
pub struct Edvak {
    /// Where the API lives.
    pub base_url: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: Secret,
    /// The user's login name or e-mail address.
    pub username: String,
    /// The user's password.
    pub password: Secret,
}

impl sealed::Sealed for Edvak {}

impl Vendor for Edvak {
    fn into_setup(self) -> Setup {
        Setup::named("edvak")
            .credential("base_url", self.base_url)
            .credential("client_id", self.client_id)
            .credential("client_secret", self.client_secret)
            .credential("username", self.username)
            .credential("password", self.password)
    }
}
