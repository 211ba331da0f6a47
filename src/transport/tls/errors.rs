//! Errors about TLS settings.

use crate::error::Error;

pub(super) const GIVE_PEM: &str = "give certificates as PEM: -----BEGIN CERTIFICATE----- …";

pub(super) fn nobody_is_trusted() -> Error {
    let problem = "is missing, and no other CA is trusted";
    Error::setting("ca_pem", problem, "give the CA's certificate")
}

pub(super) fn unreadable(field: &'static str) -> Error {
    Error::setting(field, "holds a certificate that cannot be read", GIVE_PEM)
}

/// The error for a setting that this build has no code for.
#[cfg_attr(
    all(feature = "native-tls", feature = "platform-verifier"),
    allow(dead_code, reason = "this build has code for all")
)]
pub(super) fn missing_feature(field: &'static str, what: &str, feature: &str) -> Error {
    let problem = format!("asks for {what}, which this build of caretoken cannot use");
    let remedy = format!("build caretoken with the feature {feature}, or choose another {field}");
    Error::setting(field, problem, remedy)
}
