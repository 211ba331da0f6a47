//! Keys and certificates in PEM (RFC 7468), read into memory that is wiped.

use std::iter;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::der::take;
use crate::memory::SecretBuf;

/// Why a key or certificate cannot be used, in the words of a setting's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyFlaw {
    pub(crate) problem: &'static str,
    pub(crate) remedy: &'static str,
}

/// The largest that ring signs with.
pub(super) const MAX_RSA_BITS: usize = 4096;

/// A private key of a kind that can sign.
pub(super) enum PrivateKey {
    /// `RSAPrivateKey` (RFC 8017 §A.1.2).
    Rsa(SecretBuf),
    /// `PrivateKeyInfo` (RFC 5958) of a key on a curve.
    Ec(Curve, SecretBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl PrivateKey {
    /// The first in a PEM text, whatever stands around it.
    pub(super) fn from_pem(pem: &str) -> Result<PrivateKey, KeyFlaw> {
        for (label, body) in sections(pem) {
            match label {
                "PRIVATE KEY" => return PrivateKey::from_pkcs8(decode(body).ok_or(DAMAGED_KEY)?),
                // An old way to encrypt, with headers inside.
                "RSA PRIVATE KEY" if body.contains("ENCRYPTED") => return Err(ENCRYPTED),
                "RSA PRIVATE KEY" => {
                    return PrivateKey::from_pkcs1(decode(body).ok_or(DAMAGED_KEY)?);
                }
                _ => {}
            }
        }
        let instead = INSTEAD.iter().find(|(label, _)| pem.contains(label));
        Err(instead.map_or(NO_KEY, |(_, flaw)| *flaw))
    }

    fn from_pkcs8(der: SecretBuf) -> Result<PrivateKey, KeyFlaw> {
        let (kind, curve, key) = pkcs8(der.expose_secret()).ok_or(DAMAGED_KEY)?;
        match (kind, curve) {
            (RSA, _) => PrivateKey::from_pkcs1(SecretBuf::from(key)),
            (EC, P256) => Ok(PrivateKey::Ec(Curve::P256, der)),
            (EC, P384) => Ok(PrivateKey::Ec(Curve::P384, der)),
            _ => Err(OTHER_KIND),
        }
    }

    fn from_pkcs1(der: SecretBuf) -> Result<PrivateKey, KeyFlaw> {
        match modulus_bits(der.expose_secret()).ok_or(DAMAGED_KEY)? {
            0..2048 => {
                Err(KeyFlaw { problem: "is an RSA key of less than 2048 bits", remedy: SIZES })
            }
            2048..=MAX_RSA_BITS => Ok(PrivateKey::Rsa(der)),
            _ => Err(KeyFlaw { problem: "is an RSA key of more than 4096 bits", remedy: SIZES }),
        }
    }
}

/// The DER of the first certificate in a PEM text, which must hold no private key: certificates are
/// shown, and a chain and its key are often kept in one file.
pub(super) fn certificate(pem: &str) -> Result<SecretBuf, KeyFlaw> {
    let flawed = |problem| KeyFlaw {
        problem,
        remedy: "give the certificate alone, as PEM: -----BEGIN CERTIFICATE----- …",
    };
    if pem.contains("PRIVATE KEY-----") {
        return Err(flawed("holds a private key"));
    }
    let Some((_, body)) = sections(pem).find(|(label, _)| *label == "CERTIFICATE") else {
        return Err(flawed("holds no certificate"));
    };
    let der = decode(body).filter(|der| is_certificate(der.expose_secret()));
    der.ok_or(flawed("holds a certificate that cannot be read"))
}

const SIZES: &str = "make a key of 2048 to 4096 bits, and register its public half with the vendor";

const ENCRYPTED: KeyFlaw = KeyFlaw {
    problem: "is encrypted",
    remedy: "decrypt it first, for example with: openssl pkey -in key.pem",
};

pub(super) const DAMAGED_KEY: KeyFlaw = KeyFlaw {
    problem: "is a private key that cannot be read",
    remedy: "give it whole, with its line breaks, as PKCS#8: -----BEGIN PRIVATE KEY----- …",
};

const SEC1: KeyFlaw = KeyFlaw {
    problem: "is an EC key in the form SEC1",
    remedy: "convert it to PKCS#8: openssl pkcs8 -topk8 -nocrypt -in key.pem",
};

const OTHER_KIND: KeyFlaw = KeyFlaw {
    problem: "is neither an RSA key nor an EC key on P-256 or P-384",
    remedy: "make a key of the kind that the vendor's algorithm needs",
};

const NO_KEY: KeyFlaw = KeyFlaw { problem: "is not a private key in PEM", remedy: GIVE_KEY };

const GIVE_KEY: &str = "give the private key as PEM: -----BEGIN PRIVATE KEY----- …";

/// What a PEM text without a usable key may hold instead, the likeliest first.
const INSTEAD: [(&str, KeyFlaw); 5] = [
    ("BEGIN ENCRYPTED PRIVATE KEY-----", ENCRYPTED),
    ("BEGIN EC PRIVATE KEY-----", SEC1),
    ("PRIVATE KEY-----", DAMAGED_KEY),
    ("PUBLIC KEY-----", KeyFlaw { problem: "is a public key", remedy: GIVE_KEY }),
    ("BEGIN CERTIFICATE-----", KeyFlaw { problem: "is a certificate", remedy: GIVE_KEY }),
];

/// Labels and contents of the sections.
fn sections(mut pem: &str) -> impl Iterator<Item = (&str, &str)> {
    iter::from_fn(move || {
        let (_, begun) = pem.split_once("-----BEGIN ")?;
        let (label, body) = begun.split_once("-----")?;
        let (body, rest) = body.split_once("-----END ")?;
        pem = rest;
        Some((label, body))
    })
}

fn decode(body: &str) -> Option<SecretBuf> {
    let mut base64 = SecretBuf::with_capacity(body.len());
    for line in body.split_ascii_whitespace() {
        base64.push(line.as_bytes());
    }
    let mut der = SecretBuf::default();
    der.append(base64.len(), |room| BASE64.decode_slice(base64.expose_secret(), room)).ok()?;
    Some(der)
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Object identifiers of algorithms and curves (RFC 8017 §A.1, RFC 5480 §2.1.1).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

/// The next element's content, if it has this tag.
fn element<'a>(der: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    take(der).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// Algorithm, curve (empty where there is none) and key of a `PrivateKeyInfo` (RFC 5958 §2).
fn pkcs8(mut der: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut info = element(&mut der, SEQUENCE)?;
    element(&mut info, INTEGER)?;
    let mut algorithm = element(&mut info, SEQUENCE)?;
    let kind = element(&mut algorithm, OBJECT_IDENTIFIER)?;
    let curve = element(&mut algorithm, OBJECT_IDENTIFIER).unwrap_or_default();
    Some((kind, curve, element(&mut info, OCTET_STRING)?))
}

/// The size of an `RSAPrivateKey`.
fn modulus_bits(mut der: &[u8]) -> Option<usize> {
    let mut key = element(&mut der, SEQUENCE)?;
    element(&mut key, INTEGER)?;
    let modulus = element(&mut key, INTEGER)?;
    let zeroes = modulus.iter().take_while(|byte| **byte == 0).count();
    let first = modulus.get(zeroes)?;
    Some(8 * (modulus.len() - zeroes) - first.leading_zeros() as usize)
}

/// Whether it has the outer form of a certificate (RFC 5280 §4.1), and nothing behind it.
fn is_certificate(mut der: &[u8]) -> bool {
    let Some(mut parts) = element(&mut der, SEQUENCE) else { return false };
    let tags = [SEQUENCE, SEQUENCE, BIT_STRING];
    tags.iter().all(|tag| element(&mut parts, *tag).is_some()) && parts.is_empty() && der.is_empty()
}
