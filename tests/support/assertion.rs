//! Signed assertions, as a server reads them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, KeyPair as _, RsaKeyPair, UnparsedPublicKey};
use serde_json::Value;

/// What a JWT says.
pub struct Assertion {
    pub header: Value,
    pub claims: Value,
}

/// Decodes a JWT in the compact serialization (RFC 7515 §7.1), and verifies its signature by the
/// algorithm that it names and the public half of `pem`, the private key.
pub fn verified(jwt: &str, pem: &str) -> Assertion {
    let (signed, tag) = jwt.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let [header, claims] = [header, claims]
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap());
    let assertion = Assertion { header, claims };
    let tag = URL_SAFE_NO_PAD.decode(tag).unwrap();
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(der).unwrap();
    let rsa = |verification: &'static signature::RsaParameters| {
        let key = RsaKeyPair::from_der(&der).or_else(|_| RsaKeyPair::from_pkcs8(&der)).unwrap();
        let key = UnparsedPublicKey::new(verification, key.public_key().as_ref());
        key.verify(signed.as_bytes(), &tag)
    };
    let ec = |signing, verification: &'static signature::EcdsaVerificationAlgorithm| {
        let key = EcdsaKeyPair::from_pkcs8(signing, &der, &SystemRandom::new()).unwrap();
        let key = UnparsedPublicKey::new(verification, key.public_key().as_ref());
        key.verify(signed.as_bytes(), &tag)
    };
    let is_true = match assertion.header["alg"].as_str().unwrap() {
        "RS256" => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        "PS384" => rsa(&signature::RSA_PSS_2048_8192_SHA384),
        "PS512" => rsa(&signature::RSA_PSS_2048_8192_SHA512),
        "ES256" => {
            ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &signature::ECDSA_P256_SHA256_FIXED)
        }
        "ES384" => {
            ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, &signature::ECDSA_P384_SHA384_FIXED)
        }
        other => panic!("an algorithm that no test can verify: {other}"),
    };
    assert_eq!(is_true, Ok(()), "the signature is not that of the key");
    assertion
}

/// Whether it is a random UUID in its usual form (RFC 9562 §5.4).
pub fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && groups[2].starts_with('4')
        && groups.concat().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
