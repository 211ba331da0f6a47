//! The operating system's certificate store, where it is a list of certificates.

use rustls::pki_types::TrustAnchor;

use crate::error::Error;

/// The CAs in the store, at least one. What cannot be read of it is left out.
#[cfg(all(feature = "platform-verifier", not(any(windows, target_vendor = "apple"))))]
pub(super) fn anchors() -> Result<Vec<TrustAnchor<'static>>, Error> {
    let store = rustls_native_certs::load_native_certs();
    let certificates = store.certs.iter();
    let anchors: Vec<_> = certificates
        .filter_map(|certificate| {
            Some(webpki::anchor_from_trusted_cert(certificate).ok()?.to_owned())
        })
        .collect();
    if anchors.is_empty() {
        let why = store.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
        let problem =
            format!("asks for the system's certificate store, which has none to read{why}");
        let remedy = "install the system's CA certificates (Debian: ca-certificates), correct \
                      SSL_CERT_FILE and SSL_CERT_DIR where they are set, or set roots=bundled";
        return Err(Error::setting("roots", problem, remedy));
    }
    Ok(anchors)
}

/// Where the system verifies certificates itself, the list is not needed.
#[cfg(not(all(feature = "platform-verifier", not(any(windows, target_vendor = "apple")))))]
pub(super) fn anchors() -> Result<Vec<TrustAnchor<'static>>, Error> {
    let what = "the system's certificate store";
    Err(super::errors::missing_feature("roots", what, "platform-verifier"))
}
