//! Edvak: the CCDA API.

use std::time::Duration;

use crate::error::ErrorKind;
use crate::memory::Secret;
use crate::profile::{
    Answer, Body, Carrier, Code, Credential, Expiry, ExpiryKind, FormPart, Plausible, Profile,
    Refusals, Rule, SHORTEST_LIFE, STANDARD_CODES, Scopes, Unit,
};
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
        Setup::new(&PROFILE, self.base_url)
            .credential("client_id", self.client_id)
            .credential("client_secret", self.client_secret)
            .credential("username", self.username)
            .credential("password", self.password)
    }
}

pub(crate) static PROFILE: Profile = Profile {
    vendor: "edvak",
    base_path: "",
    path: "/ccda/ccda/generate-token",
    credentials: &[
        Credential::holder("client_id", Carrier::Body),
        Credential::proof("client_secret", Carrier::Body),
        Credential::holder("username", Carrier::Body),
        Credential::proof("password", Carrier::Body),
    ],
    scopes: Scopes::NotTaken,
    headers: &[],
    // A password grant, but `grant_type` is not documented and so not sent.
    body: Body::Form(&[
        ("client_id", FormPart::Credential("client_id")),
        ("client_secret", FormPart::Credential("client_secret")),
        ("username", FormPart::Credential("username")),
        ("password", FormPart::Credential("password")),
    ]),
    answer: Answer {
        success: &[200],
        success_flag: None,
        access_token: &["token", "access_token"],
        token_type: Some(&["token", "token_type"]),
        refresh_token: Some(&["token", "refresh_token"]),
        scope: Some(&["token", "scope"]),
        expiry: Expiry {
            path: &["token", "expires_in"],
            kind: ExpiryKind::In,
            unit: Unit::Seconds,
        },
        request_id: None,
        extras: &[
            ("patient", &["token", "patient"]),
            ("tenant", &["token", "tenant"]),
            ("session_state", &["token", "session_state"]),
            ("not-before-policy", &["token", "not-before-policy"]),
            ("refresh_expires_in", &["token", "refresh_expires_in"]),
        ],
    },
    refusals: Refusals {
        status: None,
        request_id: None,
        codes: STANDARD_CODES,
        faults: None,
        rules: &[
            // What an invalid bearer gets at Edvak; at the token endpoint there is only the password.
            Rule::status(403, Code::Any, ErrorKind::CredentialsRejected).with_remedy(
                "check client id, client secret, user name and password with Edvak and set them \
                 anew; the account may be locked",
            ),
            Rule::code("invalid_client", ErrorKind::CredentialsRejected),
            Rule::code("invalid_grant", ErrorKind::CredentialsRejected),
            Rule::code("invalid_scope", ErrorKind::ScopeRefused),
        ],
    },
    life: Plausible { shortest: SHORTEST_LIFE, longest: Duration::from_secs(24 * 60 * 60) },
    refresh_life: None,
    // Answers to a wrong password are not documented: any refusal may be one.
    failures_lock: true,
    // A wrong password that is sent twice counts twice towards a locked account.
    replay_is_harmless: false,
};
