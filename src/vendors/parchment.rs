//! Parchment Health: e-prescribing, Australia.

use std::time::Duration;

use crate::error::ErrorKind;
use crate::memory::Secret;
use crate::profile::{
    Answer, Body, Carrier, Code, CodeAt, Credential, Expiry, ExpiryKind, FaultsAt, HeaderPart,
    JsonPart, Plausible, Profile, Refusals, Rule, SHORTEST_LIFE, Scopes, Unit,
};
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
        Setup::new(&PROFILE, self.base_url)
            .credential("partner_id", self.partner_id)
            .credential("partner_secret", self.partner_secret)
            .credential("organization_id", self.organization_id)
            .credential("organization_secret", self.organization_secret)
            .credential("user_id", self.user_id)
            .optional("authorization_bearer", self.authorization_bearer)
    }
}

pub(crate) static PROFILE: Profile = Profile {
    vendor: "parchment",
    base_path: "/external",
    path: "/v1/token",
    credentials: &[
        Credential::holder("partner_id", Carrier::Header),
        Credential::proof("partner_secret", Carrier::Header),
        Credential::holder("organization_id", Carrier::Header),
        Credential::proof("organization_secret", Carrier::Header),
        Credential::holder("user_id", Carrier::Header),
        Credential::proof("authorization_bearer", Carrier::Header).optional(),
    ],
    scopes: Scopes::Required,
    headers: &[
        ("authorization", HeaderPart::Bearer("authorization_bearer")),
        ("x-partner-id", HeaderPart::Credential("partner_id")),
        ("x-partner-secret", HeaderPart::Credential("partner_secret")),
        ("x-organization-id", HeaderPart::Credential("organization_id")),
        ("x-organization-secret", HeaderPart::Credential("organization_secret")),
        ("x-user-id", HeaderPart::Credential("user_id")),
    ],
    body: Body::Json(&[
        ("grantType", JsonPart::Text("client_credentials")),
        ("scope", JsonPart::ScopeArray),
    ]),
    answer: Answer {
        success: &[200],
        success_flag: Some(&["success"]),
        access_token: &["data", "accessToken"],
        token_type: Some(&["data", "tokenType"]),
        refresh_token: None,
        scope: Some(&["data", "scope"]),
        expiry: Expiry { path: &["data", "expiresIn"], kind: ExpiryKind::In, unit: Unit::Seconds },
        request_id: Some(&["requestId"]),
        extras: &[],
    },
    refusals: Refusals {
        // Documented to differ from the HTTP status, and to be the finer of the two.
        status: Some(&["statusCode"]),
        request_id: Some(&["requestId"]),
        codes: &[CodeAt::LastSegment(&["error", "type"]), CodeAt::Text(&["code"])],
        faults: Some(FaultsAt { list: &["error", "validation"], field: "field" }),
        rules: &[
            Rule::code("authentication-required", ErrorKind::CredentialsRejected),
            Rule::code("insufficient-scope", ErrorKind::ScopeRefused),
            Rule::code("validation-error", ErrorKind::ScopeRefused).with_fault("scope"),
            Rule::code("validation-error", ErrorKind::RequestRefused),
            Rule::code("rate-limit", ErrorKind::RateLimited),
            Rule::status(422, Code::Any, ErrorKind::ScopeRefused).with_fault("scope"),
        ],
    },
    // Prose says six hours, the example one.
    life: Plausible { shortest: SHORTEST_LIFE, longest: Duration::from_secs(24 * 60 * 60) },
    refresh_life: None,
    failures_lock: false,
    // A client-credentials grant changes nothing at the vendor.
    replay_is_harmless: true,
};
