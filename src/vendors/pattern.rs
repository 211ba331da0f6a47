//! Pattern Health.

use crate::memory::Secret;
use crate::vendors::vendor::{Setup, Vendor, sealed};

/// Credentials for Pattern Health's `POST /api/auth/token`: HTTP Basic (RFC 7617) and a
/// client-credentials grant (RFC 6749 §4.4).
///
/// The host is the customer's own. `expires_in` is in milliseconds; the profile knows.
///
/// Id and secret are joined as they are. A server that follows RFC 6749 §2.3.1 to the letter wants
/// both percent-encoded first:
/// [`ClientBuilder::percent_encode_credentials`](crate::ClientBuilder::percent_encode_credentials).
#[derive(Clone, Debug, Default)]
pub struct Pattern {
    /// Where the API lives.
    pub base_url: String,
    /// The client id; it cannot have a colon (RFC 7617).
    pub client_id: String,
    /// The client secret.
    pub client_secret: Secret,
}

impl sealed::Sealed for Pattern {}

impl Vendor for Pattern {
    fn into_setup(self) -> Setup {
        Setup::named("pattern")
            .credential("base_url", self.base_url)
            .credential("client_id", self.client_id)
            .credential("client_secret", self.client_secret)
    }
}
