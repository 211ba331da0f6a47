//! Certificates, revocation lists and keys in PEM files (RFC 7468).

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use webpki::{CertRevocationList, OwnedCertRevocationList};

use super::errors::GIVE_PEM;
use super::key::KeyDer;
use crate::error::Error;
use crate::transport::settings::Settings;

/// The revocation lists in a PEM file, at least one.
pub(super) fn revocation_lists(pem: &[u8]) -> Result<Vec<CertRevocationList<'static>>, Error> {
    const GIVE_LIST: &str = "give lists as PEM: -----BEGIN X509 CRL----- …";
    let mut lists = Vec::new();
    for der in CertificateRevocationListDer::pem_slice_iter(pem) {
        let der = der.map_err(|error| malformed("crl_pem", &error))?;
        let list = OwnedCertRevocationList::from_der(&der).map_err(|error| {
            let problem = format!("holds a list that cannot be read ({error})");
            Error::setting("crl_pem", problem, GIVE_LIST)
        })?;
        lists.push(list.into());
    }
    if lists.is_empty() {
        return Err(Error::setting("crl_pem", "holds no revocation list", GIVE_LIST));
    }
    Ok(lists)
}

/// The certificates in a PEM file, at least one.
pub(super) fn certificates(
    field: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(Error::setting(field, "holds no certificate", GIVE_PEM))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(malformed(field, &error)),
    }
}

/// What is wrong with a PEM text, without repeating any of it.
fn malformed(field: &'static str, error: &pem::Error) -> Error {
    let problem = match error {
        pem::Error::MissingSectionEnd { .. } => "is cut off: a section's END line is missing",
        pem::Error::IllegalSectionStart { .. } => "has a malformed BEGIN line",
        pem::Error::Base64Decode(_) => "has a section that is not base64",
        _ => "is not PEM",
    };
    Error::setting(field, problem, "give it as PEM, whole and unchanged")
}

type Identity = (Vec<CertificateDer<'static>>, KeyDer);

pub(super) fn identity(settings: &Settings) -> Result<Option<Identity>, Error> {
    match (&settings.client_cert_pem, &settings.client_key_pem) {
        (None, None) => Ok(None),
        (Some(chain), Some(key)) => {
            let chain = certificates("client_cert_pem", chain)?;
            Ok(Some((chain, private_key(key.expose_secret())?)))
        }
        (None, Some(_)) => Err(missing("client_cert_pem", "client_key_pem")),
        (Some(_), None) => Err(missing("client_key_pem", "client_cert_pem")),
    }
}

fn missing(field: &'static str, given: &str) -> Error {
    Error::setting(field, format!("is missing, but {given} is given"), "give both, or neither")
}

fn private_key(pem: &str) -> Result<KeyDer, Error> {
    const FIELD: &str = "client_key_pem";
    match KeyDer::from_pem(pem) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) if pem.contains("ENCRYPTED") => {
            let remedy = "decrypt it first, for example with: openssl pkey -in key.pem";
            Err(Error::setting(FIELD, "is encrypted", remedy))
        }
        Err(pem::Error::NoItemsFound) => {
            Err(Error::setting(FIELD, "holds no private key", "give it as PKCS#8, PKCS#1 or SEC1"))
        }
        Err(error) => Err(malformed(FIELD, &error)),
    }
}
