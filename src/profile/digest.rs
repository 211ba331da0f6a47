//! Hashes and random names for requests.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};

use super::pem::{KeyFlaw, certificate};
use crate::memory::SecretBuf;

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// In lower case.
    Hex,
    /// With padding (RFC 4648 §4).
    Base64,
    /// Without padding, as in JOSE (RFC 4648 §5, RFC 7515 §2).
    Base64Url,
}

impl Encoding {
    pub(crate) const NAMES: [(&str, Encoding); 3] =
        [("hex", Encoding::Hex), ("base64", Encoding::Base64), ("base64url", Encoding::Base64Url)];

    pub(crate) fn push(self, out: &mut SecretBuf, bytes: &[u8]) {
        let engine = match self {
            Encoding::Hex => return bytes.iter().for_each(|byte| out.push(&hex(*byte))),
            Encoding::Base64 => &STANDARD,
            Encoding::Base64Url => &URL_SAFE_NO_PAD,
        };
        // It cannot fail: the room is enough for every encoding.
        let room = bytes.len().div_ceil(3) * 4;
        let _ = out.append(room, |room| engine.encode_slice(bytes, room));
    }
}

fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]]
}

/// A hash of SHA-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(crate) const NAMES: [(&str, Hash); 3] =
        [("sha256", Hash::Sha256), ("sha384", Hash::Sha384), ("sha512", Hash::Sha512)];
}

/// SHA-256 of a text.
pub(crate) fn sha256(text: &[u8], encoding: Encoding) -> SecretBuf {
    let mut out = SecretBuf::default();
    encoding.push(&mut out, digest::digest(&digest::SHA256, text).as_ref());
    out
}

/// HMAC (RFC 2104) of a text.
pub(crate) fn hmac(hash: Hash, key: &[u8], text: &[u8], encoding: Encoding) -> SecretBuf {
    let mut out = SecretBuf::default();
    encoding.push(&mut out, hmac_tag(hash, key, text).as_ref());
    out
}

pub(super) fn hmac_tag(hash: Hash, key: &[u8], text: &[u8]) -> hmac::Tag {
    let algorithm = match hash {
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha384 => hmac::HMAC_SHA384,
        Hash::Sha512 => hmac::HMAC_SHA512,
    };
    hmac::sign(&hmac::Key::new(algorithm, key), text)
}

/// A random UUID (RFC 9562 §5.4); `None` where the system has no random numbers.
pub(crate) fn uuid() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    bytes[6] = 0x40 | bytes[6] & 0xf;
    bytes[8] = 0x80 | bytes[8] & 0x3f;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.into_iter().enumerate() {
        if let 4 | 6 | 8 | 10 = at {
            text.push('-');
        }
        text.extend(hex(byte).map(char::from));
    }
    Some(text)
}

/// The `x5t#S256` of a certificate in PEM (RFC 7515 §4.1.8), the first of a chain.
pub(crate) fn certificate_sha256(pem: &str) -> Result<String, KeyFlaw> {
    let der = certificate(pem)?;
    Ok(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, der.expose_secret())))
}

/// Whether [`certificate_sha256`] will succeed.
pub(crate) fn check_certificate(pem: &str) -> Result<(), KeyFlaw> {
    certificate(pem).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(buffer: SecretBuf) -> String {
        buffer.expose_text().unwrap().to_owned()
    }

    #[test]
    fn sha256_is_that_of_fips_180_in_each_encoding() {
        for (encoding, expected) in [
            (Encoding::Hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Encoding::Base64, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
            (Encoding::Base64Url, "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"),
        ] {
            assert_eq!(text(sha256(b"abc", encoding)), expected);
        }
    }

    #[test]
    fn encodings_of_rfc_4648_are_written_behind_what_is_there() {
        for (bytes, padded, unpadded) in [
            ("", "", ""),
            ("f", "Zg==", "Zg"),
            ("fo", "Zm8=", "Zm8"),
            ("foo", "Zm9v", "Zm9v"),
            ("foob", "Zm9vYg==", "Zm9vYg"),
        ] {
            for (encoding, expected) in
                [(Encoding::Base64, padded), (Encoding::Base64Url, unpadded)]
            {
                let mut out = SecretBuf::from("a.");
                encoding.push(&mut out, bytes.as_bytes());
                assert_eq!(text(out), format!("a.{expected}"));
            }
        }
        let mut out = SecretBuf::default();
        Encoding::Hex.push(&mut out, &[0x00, 0x0f, 0xa0, 0xff]);
        assert_eq!(text(out), "000fa0ff");
    }

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        // Test case 2.
        let (key, data) = (b"Jefe", b"what do ya want for nothing?");
        for (hash, expected) in [
            (Hash::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                Hash::Sha384,
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e\
                 8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                Hash::Sha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            assert_eq!(text(hmac(hash, key, data, Encoding::Hex)), expected);
        }
        let base64 = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
        assert_eq!(text(hmac(Hash::Sha256, key, data, Encoding::Base64)), base64);
    }

    #[test]
    fn a_uuid_is_of_version_4_and_never_the_same() {
        let uuids: Vec<_> = (0..100).map(|_| uuid().unwrap()).collect();
        for (at, uuid) in uuids.iter().enumerate() {
            let form: String =
                uuid.chars().map(|c| if c.is_ascii_digit() { 'f' } else { c }).collect();
            let form = form.replace(['a', 'b', 'c', 'd', 'e'], "f");
            assert_eq!(form, "ffffffff-ffff-ffff-ffff-ffffffffffff");
            assert_eq!(&uuid[14..15], "4");
            assert!("89ab".contains(&uuid[19..20]), "{uuid}");
            assert!(!uuids[..at].contains(uuid));
        }
    }

    fn made_up_certificate() -> (rcgen::Certificate, rcgen::KeyPair) {
        let key = rcgen::KeyPair::generate().unwrap();
        (rcgen::CertificateParams::default().self_signed(&key).unwrap(), key)
    }

    #[test]
    fn a_certificate_has_the_hash_of_its_der_whatever_stands_around_it() {
        let (certificate, key) = made_up_certificate();
        let expected = text(sha256(certificate.der(), Encoding::Base64Url));
        let (pem, issuer) = (certificate.pem(), made_up_certificate().0.pem());
        for pem in [
            format!("subject=fake\n{pem}{issuer}"),
            pem.replace('\n', "\r\n"),
            pem.replace('\n', " "),
            format!("{}{pem}", key.public_key_pem()),
        ] {
            assert_eq!(certificate_sha256(&pem), Ok(expected.clone()));
            assert_eq!(check_certificate(&pem), Ok(()));
        }
    }

    #[test]
    fn what_is_no_certificate_is_told_apart() {
        let (certificate, key) = made_up_certificate();
        let pem = |der: &[u8]| {
            let base64 = STANDARD.encode(der);
            format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
        };
        let (whole, der) = (certificate.pem(), certificate.der());
        let unreadable = "holds a certificate that cannot be read";
        for (pem, problem) in [
            (String::new(), "holds no certificate"),
            (key.public_key_pem(), "holds no certificate"),
            (whole[..whole.len() / 2].to_owned(), "holds no certificate"),
            (key.serialize_pem(), "holds a private key"),
            (format!("{whole}{}", key.serialize_pem()), "holds a private key"),
            (whole.replace('\n', "\\n"), unreadable),
            (pem(&der[..der.len() - 1]), unreadable),
            (pem(&[&der[..], &[0]].concat()), unreadable),
            (pem(&[0x30, 0]), unreadable),
            (pem(&[]), unreadable),
        ] {
            assert_eq!(check_certificate(&pem).map_err(|flaw| flaw.problem), Err(problem));
        }
    }
}
