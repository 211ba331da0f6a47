//! Pattern Health.

use std::time::Duration;

use crate::memory::Secret;
use crate::profile::{
    Answer, Body, Carrier, Credential, Expiry, ExpiryKind, FormPart, HeaderPart, Plausible,
    Profile, Refusals, SHORTEST_LIFE, STANDARD_CODES, STANDARD_RULES, Scopes, Unit,
};
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
        Setup::new(&PROFILE, self.base_url)
            .credential("client_id", self.client_id)
            .credential("client_secret", self.client_secret)
    }
}

pub(crate) static PROFILE: Profile = Profile {
    vendor: "pattern",
    base_path: "",
    path: "/api/auth/token",
    credentials: &[
        Credential::holder("client_id", Carrier::BasicUser),
        Credential::proof("client_secret", Carrier::BasicPassword),
    ],
    scopes: Scopes::NotTaken,
    headers: &[(
        "authorization",
        HeaderPart::Basic { user: "client_id", password: "client_secret" },
    )],
    body: Body::Form(&[("grant_type", FormPart::Text("client_credentials"))]),
    answer: Answer {
        success: &[200],
        success_flag: None,
        access_token: &["access_token"],
        token_type: Some(&["token_type"]),
        refresh_token: None,
        scope: None,
        expiry: Expiry { path: &["expires_in"], kind: ExpiryKind::In, unit: Unit::Milliseconds },
        request_id: None,
        extras: &[],
    },
    refusals: Refusals {
        status: None,
        request_id: None,
        codes: STANDARD_CODES,
        faults: None,
        rules: STANDARD_RULES,
    },
    life: Plausible { shortest: SHORTEST_LIFE, longest: Duration::from_secs(24 * 60 * 60) },
    refresh_life: None,
    failures_lock: false,
    // A client-credentials grant changes nothing at the vendor.
    replay_is_harmless: true,
};
