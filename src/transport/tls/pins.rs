//! Public keys that are pinned.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
#[cfg(any(
    feature = "native-tls",
    all(feature = "platform-verifier", any(windows, target_vendor = "apple"))
))]
use {rustls::pki_types::CertificateDer, webpki::EndEntityCert};

use crate::error::Error;
use crate::transport::settings::Settings;

/// The SHA-256 of a public key (its DER `SubjectPublicKeyInfo`).
pub(super) type Pin = [u8; 32];

pub(super) fn parse_pins(settings: &Settings) -> Result<Vec<Pin>, Error> {
    settings.pins.iter().map(|pin| parse_pin(pin)).collect()
}

fn parse_pin(pin: &str) -> Result<Pin, Error> {
    const REMEDY: &str = "give the base64 of the SHA-256 of the public key's DER form";
    let base64 = pin.strip_prefix("sha256/").unwrap_or(pin);
    let bytes = STANDARD
        .decode(base64)
        .map_err(|_| Error::setting("pins", "has an entry that is not base64", REMEDY))?;
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        let problem = format!("has an entry of {} bytes, not 32", bytes.len());
        Error::setting("pins", problem, REMEDY)
    })
}

/// Whether `key`, a DER `SubjectPublicKeyInfo`, is among the pins.
pub(super) fn is_pinned(pins: &[Pin], key: &[u8]) -> bool {
    let digest = digest(&SHA256, key);
    pins.iter().any(|pin| pin == digest.as_ref())
}

/// Whether the server's own key is pinned, if any is: for systems that show no more of the path.
#[cfg(any(
    feature = "native-tls",
    all(feature = "platform-verifier", any(windows, target_vendor = "apple"))
))]
pub(super) fn is_pinned_server(pins: &[Pin], end_entity: &CertificateDer<'_>) -> bool {
    pins.is_empty()
        || EndEntityCert::try_from(end_entity)
            .is_ok_and(|parsed| is_pinned(pins, &parsed.subject_public_key_info()))
}
