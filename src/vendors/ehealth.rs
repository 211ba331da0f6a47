//! eHealth Ukraine (ESOZ): the national system.

use std::time::Duration;

use crate::error::ErrorKind;
use crate::memory::Secret;
use crate::profile::{
    Answer, Body, Carrier, Code, CodeAt, Credential, Expiry, ExpiryKind, FaultsAt, HeaderPart,
    JsonPart, Plausible, Profile, Refusals, Rule, SHORTEST_LIFE, Scopes, Unit,
};
use crate::vendors::vendor::{Setup, Vendor, sealed};

/// Credentials for eHealth Ukraine's `POST /oauth/tokens` with the refresh-token grant.
///
/// Base URLs: `https://api-preprod.ehealth.gov.ua`, `https://api.ehealth.gov.ua` and their
/// siblings (hyphens, not dots).
///
/// The refresh token comes from the user's sign-in. It does not change with each use; where an
/// answer does bring a new one, the client goes on with that. When it dies
/// ([`ErrorKind::SignInRequired`]), a person must sign in again.
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
        Setup::new(&PROFILE, self.base_url)
            .credential("client_id", self.client_id)
            .credential("client_secret", self.client_secret)
            .credential("refresh_token", self.refresh_token)
            .optional("custom_psk", self.custom_psk)
            .optional("api_key", self.api_key)
    }
}

pub(crate) static PROFILE: Profile = Profile {
    vendor: "ehealth",
    base_path: "",
    path: "/oauth/tokens",
    credentials: &[
        Credential::holder("client_id", Carrier::Body),
        Credential::proof("client_secret", Carrier::Body),
        Credential::holder("refresh_token", Carrier::Body),
        Credential::proof("custom_psk", Carrier::Header).optional(),
        Credential::proof("api_key", Carrier::Header).optional(),
    ],
    scopes: Scopes::NotTaken,
    headers: &[
        ("x-custom-psk", HeaderPart::Credential("custom_psk")),
        ("api-key", HeaderPart::Credential("api_key")),
    ],
    body: Body::Json(&[(
        "token",
        JsonPart::Object(&[
            ("grant_type", JsonPart::Text("refresh_token")),
            ("client_id", JsonPart::Credential("client_id")),
            ("client_secret", JsonPart::Credential("client_secret")),
            ("refresh_token", JsonPart::Credential("refresh_token")),
        ]),
    )]),
    answer: Answer {
        success: &[201],
        success_flag: None,
        access_token: &["data", "value"],
        token_type: None,
        refresh_token: Some(&["data", "details", "refresh_token"]),
        scope: Some(&["data", "details", "scope"]),
        expiry: Expiry { path: &["data", "expires_at"], kind: ExpiryKind::At, unit: Unit::Seconds },
        request_id: Some(&["meta", "request_id"]),
        extras: &[("user_id", &["data", "user_id"])],
    },
    refusals: Refusals {
        status: None,
        request_id: Some(&["meta", "request_id"]),
        codes: &[
            CodeAt::Text(&["error", "type"]),
            // An older server generation answers {"error":{"invalid_grant":"…"}}.
            CodeAt::Key(&["error"]),
        ],
        faults: Some(FaultsAt { list: &["error", "invalid"], field: "entry" }),
        rules: &[
            Rule::code("invalid_client", ErrorKind::CredentialsRejected),
            Rule::code("token_not_found", ErrorKind::SignInRequired),
            Rule::code("invalid_grant", ErrorKind::SignInRequired),
            Rule::code("token_expired", ErrorKind::SignInRequired),
            Rule::status(401, Code::Is("access_denied"), ErrorKind::AccessRevoked),
            // About the person or the sign-in, not about client id and secret.
            Rule::status(401, Code::Is("user_blocked"), ErrorKind::SignInRequired),
            Rule::status(401, Code::Is("invalid_user"), ErrorKind::SignInRequired),
            Rule::status(401, Code::Is("token_invalid"), ErrorKind::SignInRequired),
            Rule::status(401, Code::Absent, ErrorKind::AccessDenied)
                .with_remedy("set api_key (and custom_psk): the gateway asks for its key"),
            Rule::status(403, Code::Any, ErrorKind::AccessDenied)
                .with_remedy("check custom_psk and api_key: the gateway refuses this client"),
        ],
    },
    // The server's default life of an access token is 30 days.
    life: Plausible { shortest: SHORTEST_LIFE, longest: Duration::from_secs(31 * 24 * 60 * 60) },
    // From the sign-in; the access token lives longer.
    refresh_life: Some(Duration::from_secs(7 * 24 * 60 * 60)),
    failures_lock: false,
    // The refresh token may have been rotated by the request whose answer was lost.
    replay_is_harmless: false,
};
