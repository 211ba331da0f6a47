//! Key pairs and certificates made at the start, and the signatures of JWTs.
//!
//! The signatures are verified by a library, and by another one than the library under test signs
//! with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};
use rsa::pkcs8::EncodePrivateKey as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::json;

/// The algorithm of that name, if it is one that a profile can have.
pub(crate) fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "HS256" | "HS384" | "HS512" | "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512"
        | "ES256" | "ES384" => name.parse().ok(),
        _ => None,
    }
}

/// Whether the key is a text that both sides know.
pub(crate) fn is_shared(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

/// A new private key for the algorithm, PKCS#8 in PEM.
pub(crate) fn private_key(algorithm: Algorithm) -> Result<String, String> {
    let curve = match algorithm {
        Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
        Algorithm::ES384 => &PKCS_ECDSA_P384_SHA384,
        _ => {
            let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048)
                .map_err(|error| error.to_string())?;
            let pem = key.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF);
            return pem.map(|pem| pem.to_string()).map_err(|error| error.to_string());
        }
    };
    KeyPair::generate_for(curve).map(|key| key.serialize_pem()).map_err(|error| error.to_string())
}

/// Whether a text is a private key.
pub(crate) fn is_private_key(pem: &str) -> bool {
    KeyPair::from_pem(pem).is_ok()
}

/// Whether a private key can sign by the algorithm.
pub(crate) fn fits(private_key: &str, algorithm: Algorithm) -> bool {
    public_key(private_key, algorithm).is_some()
}

fn public_key(private_key: &str, algorithm: Algorithm) -> Option<DecodingKey> {
    let key = KeyPair::from_pem(private_key).ok()?;
    let public = key.public_key_pem();
    let curve = match algorithm {
        Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
        Algorithm::ES384 => &PKCS_ECDSA_P384_SHA384,
        _ => return DecodingKey::from_rsa_pem(public.as_bytes()).ok(),
    };
    let fits = key.is_compatible(curve);
    DecodingKey::from_ec_pem(public.as_bytes()).ok().filter(|_| fits)
}

/// A certificate that the private key's owner signed for itself; with a key of its own where there
/// is none.
pub(crate) fn certificate(private_key: Option<&str>) -> Result<String, String> {
    let made = || {
        let key = match private_key {
            Some(pem) => KeyPair::from_pem(pem)?,
            None => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?,
        };
        CertificateParams::new(["fake.client.example".to_owned()])?.self_signed(&key)
    };
    made().map(|certificate| certificate.pem()).map_err(|error: rcgen::Error| error.to_string())
}

/// `x5t#S256` of the first certificate.
pub(crate) fn certificate_sha256(pem: &str) -> Option<String> {
    let first = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    Some(URL_SAFE_NO_PAD.encode(Sha256::digest(first)))
}

/// Header and claims of a JWT whose signature is right; `key` is the shared text or the private
/// key.
pub(crate) fn verified(
    token: &str,
    algorithm: Algorithm,
    key: &str,
) -> Result<(Value, Value), &'static str> {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("is not a JWT of three parts");
    };
    let decoded = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        json::parse(&bytes).ok().filter(Value::is_object)
    };
    let (Some(header_json), Some(claims_json)) = (decoded(header), decoded(claims)) else {
        return Err("has a header or claims that are not JSON in Base64url");
    };
    let key = match is_shared(algorithm) {
        true => Some(DecodingKey::from_secret(key.as_bytes())),
        false => public_key(key, algorithm),
    };
    let key =
        key.ok_or("cannot be verified, since the sandbox's key does not fit its algorithm")?;
    let message = &token[..header.len() + 1 + claims.len()];
    match jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm) {
        Ok(true) => Ok((header_json, claims_json)),
        _ => Err("has a signature that is not right for its key and algorithm"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_fits_its_own_family_alone() {
        let pairs = [("RS256", "PS512", "ES256"), ("ES256", "ES256", "ES384")];
        for (of, fitting, other) in pairs {
            let key = private_key(algorithm(of).unwrap()).unwrap();
            assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"));
            assert!(fits(&key, algorithm(fitting).unwrap()), "{of} {fitting}");
            assert!(!fits(&key, algorithm(other).unwrap()), "{of} {other}");
            assert!(certificate(Some(&key)).unwrap().contains("BEGIN CERTIFICATE"));
        }
        for unknown in ["none", "EdDSA", "RS1", "{alg}", ""] {
            assert!(algorithm(unknown).is_none(), "{unknown}");
        }
    }
}
