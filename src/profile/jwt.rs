//! Signed JWTs (RFC 7515, RFC 7518 §3, RFC 7519).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, RsaEncoding, RsaKeyPair};

use super::digest::{Encoding, Hash, hmac_tag};
use super::pem::{Curve, DAMAGED_KEY, KeyFlaw, MAX_RSA_BITS, PrivateKey};
use crate::memory::{Secret, SecretBuf, wipe_dead_stack};

/// An algorithm of RFC 7518 §3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alg {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
}

/// What an algorithm signs with.
enum Scheme {
    Hmac(Hash),
    Rsa(&'static dyn RsaEncoding),
    Ec(Curve),
}

impl Alg {
    pub(crate) const NAMES: [(&str, Alg); 11] = [
        ("HS256", Alg::Hs256),
        ("HS384", Alg::Hs384),
        ("HS512", Alg::Hs512),
        ("RS256", Alg::Rs256),
        ("RS384", Alg::Rs384),
        ("RS512", Alg::Rs512),
        ("PS256", Alg::Ps256),
        ("PS384", Alg::Ps384),
        ("PS512", Alg::Ps512),
        ("ES256", Alg::Es256),
        ("ES384", Alg::Es384),
    ];

    pub(crate) fn parse(name: &str) -> Option<Alg> {
        Alg::NAMES.iter().find(|(known, _)| *known == name).map(|(_, alg)| *alg)
    }

    /// As it stands in a JWT's header.
    pub(crate) fn name(self) -> &'static str {
        Alg::NAMES[self as usize].0
    }

    /// Whether the key is a private key in PEM; otherwise it is a text.
    pub(crate) fn needs_private_key(self) -> bool {
        !matches!(self, Alg::Hs256 | Alg::Hs384 | Alg::Hs512)
    }

    fn scheme(self) -> Scheme {
        match self {
            Alg::Hs256 => Scheme::Hmac(Hash::Sha256),
            Alg::Hs384 => Scheme::Hmac(Hash::Sha384),
            Alg::Hs512 => Scheme::Hmac(Hash::Sha512),
            Alg::Rs256 => Scheme::Rsa(&signature::RSA_PKCS1_SHA256),
            Alg::Rs384 => Scheme::Rsa(&signature::RSA_PKCS1_SHA384),
            Alg::Rs512 => Scheme::Rsa(&signature::RSA_PKCS1_SHA512),
            Alg::Ps256 => Scheme::Rsa(&signature::RSA_PSS_SHA256),
            Alg::Ps384 => Scheme::Rsa(&signature::RSA_PSS_SHA384),
            Alg::Ps512 => Scheme::Rsa(&signature::RSA_PSS_SHA512),
            Alg::Es256 => Scheme::Ec(Curve::P256),
            Alg::Es384 => Scheme::Ec(Curve::P384),
        }
    }
}

/// A key that fits its algorithm. It is parsed for one signature at a time: ring would keep it parsed
/// in ordinary memory.
pub(crate) struct SigningKey {
    alg: Alg,
    /// A text, or DER in Base64.
    key: Secret,
}

impl SigningKey {
    /// Reads and checks `key`: PEM, or for HMAC a text at least as long as the hash (RFC 7518 §3.2).
    pub(crate) fn parse(alg: Alg, key: &str) -> Result<SigningKey, KeyFlaw> {
        let key = match alg.scheme() {
            Scheme::Hmac(Hash::Sha256) if key.len() < 32 => {
                return Err(too_short("is shorter than the 32 bytes that HS256 needs"));
            }
            Scheme::Hmac(Hash::Sha384) if key.len() < 48 => {
                return Err(too_short("is shorter than the 48 bytes that HS384 needs"));
            }
            Scheme::Hmac(Hash::Sha512) if key.len() < 64 => {
                return Err(too_short("is shorter than the 64 bytes that HS512 needs"));
            }
            Scheme::Hmac(_) => Secret::from(key),
            scheme => read(key, Some(scheme))?,
        };
        Ok(SigningKey { alg, key })
    }

    /// The JWT of a header and claims, which are JSON, in the compact serialization (RFC 7515 §7.1).
    /// Fails where parts of the key contradict each other.
    pub(crate) fn sign(&self, header: &[u8], claims: &[u8]) -> Result<SecretBuf, KeyFlaw> {
        let jwt = self.jwt(header, claims);
        wipe_dead_stack();
        jwt.ok_or(DAMAGED_KEY)
    }

    #[inline(never)]
    fn jwt(&self, header: &[u8], claims: &[u8]) -> Option<SecretBuf> {
        // With room for the longest signature, so that it need not grow.
        let mut jwt = SecretBuf::with_capacity(2 * (header.len() + claims.len()) + 1024);
        Encoding::Base64Url.push(&mut jwt, header);
        jwt.push(b".");
        Encoding::Base64Url.push(&mut jwt, claims);
        let random = &SystemRandom::new();
        match self.alg.scheme() {
            Scheme::Hmac(hash) => {
                let key = self.key.expose_secret().as_bytes();
                let tag = hmac_tag(hash, key, jwt.expose_secret());
                push_signature(&mut jwt, tag.as_ref());
            }
            Scheme::Rsa(encoding) => {
                let key = RsaKeyPair::from_der(self.der()?.expose_secret()).ok()?;
                let mut room = [0; MAX_RSA_BITS / 8];
                let signature = room.get_mut(..key.public().modulus_len())?;
                key.sign(encoding, random, jwt.expose_secret(), signature).ok()?;
                push_signature(&mut jwt, signature);
            }
            Scheme::Ec(curve) => {
                let key = ec_key(curve, self.der()?.expose_secret(), random)?;
                let signature = key.sign(random, jwt.expose_secret()).ok()?;
                push_signature(&mut jwt, signature.as_ref());
            }
        }
        Some(jwt)
    }

    fn der(&self) -> Option<SecretBuf> {
        let (mut der, base64) = (SecretBuf::default(), self.key.expose_secret());
        der.append(base64.len(), |room| BASE64.decode_slice(base64, room)).ok()?;
        Some(der)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

/// Whether a key can sign with an algorithm that is not known yet.
pub(crate) fn check_pem(key: &str) -> Result<(), KeyFlaw> {
    read(key, None).map(drop)
}

/// The key's DER in Base64.
fn read(pem: &str, scheme: Option<Scheme>) -> Result<Secret, KeyFlaw> {
    let key = fitting(pem, scheme);
    wipe_dead_stack();
    key
}

#[inline(never)]
fn fitting(pem: &str, scheme: Option<Scheme>) -> Result<Secret, KeyFlaw> {
    let (der, is_sound) = match (PrivateKey::from_pem(pem)?, scheme) {
        (PrivateKey::Rsa(_), Some(Scheme::Ec(_))) => return Err(RSA_FOR_EC),
        (PrivateKey::Ec(..), Some(Scheme::Rsa(_))) => return Err(EC_FOR_RSA),
        (PrivateKey::Ec(curve, _), Some(Scheme::Ec(needed))) if curve != needed => {
            return Err(OTHER_CURVE);
        }
        (PrivateKey::Rsa(der), _) => {
            let is_sound = RsaKeyPair::from_der(der.expose_secret()).is_ok();
            (der, is_sound)
        }
        (PrivateKey::Ec(curve, der), _) => {
            let is_sound = ec_key(curve, der.expose_secret(), &SystemRandom::new()).is_some();
            (der, is_sound)
        }
    };
    match is_sound {
        true => Ok(Secret::from(BASE64.encode(der.expose_secret()))),
        false => Err(DAMAGED_KEY),
    }
}

fn ec_key(curve: Curve, der: &[u8], random: &SystemRandom) -> Option<EcdsaKeyPair> {
    let algorithm = match curve {
        Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
    };
    EcdsaKeyPair::from_pkcs8(algorithm, der, random).ok()
}

fn push_signature(jwt: &mut SecretBuf, signature: &[u8]) {
    jwt.push(b".");
    Encoding::Base64Url.push(jwt, signature);
}

const fn too_short(problem: &'static str) -> KeyFlaw {
    KeyFlaw { problem, remedy: "use a longer secret, or an algorithm with a shorter hash" }
}

const RSA_FOR_EC: KeyFlaw = KeyFlaw {
    problem: "is an RSA key, but ES256 and ES384 need an EC key",
    remedy: "give an EC key, or use RS256 to RS512 or PS256 to PS512",
};

const EC_FOR_RSA: KeyFlaw = KeyFlaw {
    problem: "is an EC key, but RS256 to RS512 and PS256 to PS512 need an RSA key",
    remedy: "give an RSA key, or use ES256 or ES384",
};

const OTHER_CURVE: KeyFlaw = KeyFlaw {
    problem: "is an EC key on another curve than the algorithm's",
    remedy: "give a key on P-256 for ES256, on P-384 for ES384",
};

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::signature::{KeyPair as _, UnparsedPublicKey, VerificationAlgorithm};

    use super::*;

    const RFC_7515_A2: &str = include_str!("../../tests/keys/rfc7515-a2.pkcs1.pem");
    const RSA_3072: &str = include_str!("../../tests/keys/fake-rsa-3072.pem");
    const RSA_4096: &str = include_str!("../../tests/keys/fake-rsa-4096.pem");
    const FAKE_TEXT: &str = "fake-secret-of-sixty-four-bytes-and-not-one-more-or-less-than-it";

    /// The claims of RFC 7515's examples.
    const CLAIMS: &str =
        "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";

    fn ec(algorithm: &'static rcgen::SignatureAlgorithm) -> String {
        rcgen::KeyPair::generate_for(algorithm).unwrap().serialize_pem()
    }

    fn p256() -> String {
        ec(&rcgen::PKCS_ECDSA_P256_SHA256)
    }

    fn p384() -> String {
        ec(&rcgen::PKCS_ECDSA_P384_SHA384)
    }

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(der))
    }

    fn der(pem: &str) -> Vec<u8> {
        let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        BASE64.decode(lines).unwrap()
    }

    fn problem(alg: Alg, key: &str) -> Option<&'static str> {
        SigningKey::parse(alg, key).err().map(|flaw| flaw.problem)
    }

    fn signed(alg: Alg, key: &str, header: &str) -> String {
        let key = SigningKey::parse(alg, key).unwrap();
        let jwt = key.sign(header.as_bytes(), CLAIMS.as_bytes()).unwrap();
        jwt.expose_text().unwrap().to_owned()
    }

    /// Signing input and signature.
    fn parts(jwt: &str) -> (&str, Vec<u8>) {
        let (input, signature) = jwt.rsplit_once('.').unwrap();
        (input, URL_SAFE_NO_PAD.decode(signature).unwrap())
    }

    #[test]
    fn hs256_signs_as_in_rfc_7515_a_1() {
        // The RFC's key is no text, so no `SigningKey` can have it.
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkz\
                     ODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let tag = hmac_tag(Hash::Sha256, &URL_SAFE_NO_PAD.decode(key).unwrap(), input.as_bytes());
        let mut jwt = SecretBuf::from(input);
        push_signature(&mut jwt, tag.as_ref());
        let expected = format!("{input}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(jwt.expose_text(), Some(&*expected));
        // The same input comes out of header and claims.
        let header = "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}";
        assert_eq!(parts(&signed(Alg::Hs256, FAKE_TEXT, header)).0, input);
    }

    #[test]
    fn rs256_signs_as_in_rfc_7515_a_2() {
        let expected = "eyJhbGciOiJSUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
            cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
            cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7\
            AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4\
            BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K\
            0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv\
            hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB\
            p0igcN_IoypGlUPQGe77Rw";
        assert_eq!(signed(Alg::Rs256, RFC_7515_A2, "{\"alg\":\"RS256\"}"), expected);
    }

    #[test]
    fn hmac_signs_with_the_text_as_it_stands() {
        for (alg, hash) in
            [(Alg::Hs256, Hash::Sha256), (Alg::Hs384, Hash::Sha384), (Alg::Hs512, Hash::Sha512)]
        {
            let jwt = signed(alg, FAKE_TEXT, "{}");
            let (input, signature) = parts(&jwt);
            let expected = hmac_tag(hash, FAKE_TEXT.as_bytes(), input.as_bytes());
            assert_eq!(signature, expected.as_ref(), "{}", alg.name());
        }
    }

    #[test]
    fn every_size_of_rsa_key_signs_with_every_algorithm() {
        let algorithms: [(Alg, &'static dyn VerificationAlgorithm); 6] = [
            (Alg::Rs256, &signature::RSA_PKCS1_2048_8192_SHA256),
            (Alg::Rs384, &signature::RSA_PKCS1_2048_8192_SHA384),
            (Alg::Rs512, &signature::RSA_PKCS1_2048_8192_SHA512),
            (Alg::Ps256, &signature::RSA_PSS_2048_8192_SHA256),
            (Alg::Ps384, &signature::RSA_PSS_2048_8192_SHA384),
            (Alg::Ps512, &signature::RSA_PSS_2048_8192_SHA512),
        ];
        for (pem, len) in [(RFC_7515_A2, 256), (RSA_3072, 384), (RSA_4096, 512)] {
            let der = der(pem);
            let key = RsaKeyPair::from_der(&der).or_else(|_| RsaKeyPair::from_pkcs8(&der)).unwrap();
            for (alg, verification) in algorithms {
                let jwt = signed(alg, pem, "{}");
                let (input, signature) = parts(&jwt);
                assert_eq!(signature.len(), len);
                let public = UnparsedPublicKey::new(verification, key.public_key());
                assert_eq!(public.verify(input.as_bytes(), &signature), Ok(()), "{}", alg.name());
            }
        }
    }

    #[test]
    fn keys_on_curves_sign_in_the_fixed_form_of_jose() {
        let algorithms: [(Alg, _, &'static dyn VerificationAlgorithm, _); 2] = [
            (Alg::Es256, p256(), &signature::ECDSA_P256_SHA256_FIXED, Curve::P256),
            (Alg::Es384, p384(), &signature::ECDSA_P384_SHA384_FIXED, Curve::P384),
        ];
        for (alg, pem, verification, curve) in algorithms {
            let jwt = signed(alg, &pem, "{}");
            let (input, signature) = parts(&jwt);
            let key = ec_key(curve, &der(&pem), &SystemRandom::new()).unwrap();
            let public = UnparsedPublicKey::new(verification, key.public_key());
            assert_eq!(public.verify(input.as_bytes(), &signature), Ok(()), "{}", alg.name());
            assert_ne!(signed(alg, &pem, "{}"), jwt, "the signature must have a random part");
        }
    }

    #[test]
    fn algorithms_have_names() {
        for (at, (name, alg)) in Alg::NAMES.into_iter().enumerate() {
            assert_eq!((Alg::parse(name), alg.name(), alg as usize), (Some(alg), name, at));
            assert_eq!(alg.needs_private_key(), !name.starts_with("HS"));
        }
        for unknown in ["none", "rs256", "ES512", "HS1", ""] {
            assert_eq!(Alg::parse(unknown), None);
        }
    }

    #[test]
    fn a_text_is_as_long_as_the_hash() {
        for (alg, len) in [(Alg::Hs256, 32), (Alg::Hs384, 48), (Alg::Hs512, 64)] {
            assert_eq!(problem(alg, &FAKE_TEXT[..len]), None);
            let short = problem(alg, &FAKE_TEXT[..len - 1]).unwrap();
            assert!(short.contains(&len.to_string()) && short.contains(alg.name()), "{short}");
        }
    }

    #[test]
    fn a_key_fits_its_algorithm() {
        let (p256, p384) = (p256(), p384());
        for (_, alg) in Alg::NAMES.into_iter().filter(|(_, alg)| alg.needs_private_key()) {
            let expected = match alg {
                Alg::Es256 => [Some(RSA_FOR_EC), None, Some(OTHER_CURVE)],
                Alg::Es384 => [Some(RSA_FOR_EC), Some(OTHER_CURVE), None],
                _ => [None, Some(EC_FOR_RSA), Some(EC_FOR_RSA)],
            };
            for (key, flaw) in [RFC_7515_A2, &p256, &p384].into_iter().zip(expected) {
                assert_eq!(SigningKey::parse(alg, key).err(), flaw, "{}", alg.name());
            }
        }
        for key in [RFC_7515_A2, RSA_3072, RSA_4096, &p256, &p384] {
            assert_eq!(check_pem(key), Ok(()));
        }
    }

    #[test]
    fn a_key_is_found_whatever_stands_around_it() {
        let (p256, p384) = (p256(), p384());
        for pem in [
            format!("friendlyName: M\u{fffd}ller\nKey Attributes: <No Attributes>\n{p256}"),
            format!("{}{p256}{p384}", pem("CERTIFICATE", b"fake")),
            format!("{}{p256}", pem("EC PARAMETERS", b"fake")),
            p256.replace('\n', "\r\n"),
            p256.replace('\n', " "),
        ] {
            assert_eq!(problem(Alg::Es256, &pem), None);
        }
    }

    /// An element of DER.
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let len = (content.len() as u16).to_be_bytes();
        [&[tag, 0x82, len[0], len[1]], content].concat()
    }

    /// The beginning of an RSA key of this size.
    fn rsa_of(bits: usize) -> Vec<u8> {
        let mut modulus = vec![0; bits.div_ceil(8) + 1];
        modulus[1] = 1 << ((bits - 1) % 8);
        element(0x30, &[&[0x02, 1, 0], &element(0x02, &modulus)[..]].concat())
    }

    #[test]
    fn what_is_no_usable_key_is_told_apart() {
        const UNREADABLE: &str = "is a private key that cannot be read";
        const NO_KEY: &str = "is not a private key in PEM";
        const OTHER_KIND: &str = "is neither an RSA key nor an EC key on P-256 or P-384";
        let (p256, rsa) = (p256(), der(RFC_7515_A2));
        let public = rcgen::KeyPair::generate().unwrap().public_key_pem();
        let certificate = pem("CERTIFICATE", b"fake");
        let encrypted = pem("ENCRYPTED PRIVATE KEY", b"fake");
        let old_encrypted = RFC_7515_A2.replace(
            "KEY-----\nM",
            "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nM",
        );
        let mut wrong_prime = rsa.clone();
        wrong_prime[600] ^= 1;
        // P-521 in the place of P-256.
        let mut p521 = vec![0x30, 0x82, 0, 24, 2, 1, 0, 0x30, 16, 6, 7];
        p521.extend([0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x23, 4, 1, 0]);
        for (key, problem) in [
            (String::new(), NO_KEY),
            ("fake-secret".to_owned(), NO_KEY),
            (pem("CERTIFICATE REQUEST", b"fake"), NO_KEY),
            (encrypted.clone(), "is encrypted"),
            (format!("{certificate}{encrypted}"), "is encrypted"),
            (format!("{encrypted}{certificate}"), "is encrypted"),
            (old_encrypted, "is encrypted"),
            (public, "is a public key"),
            (pem("RSA PUBLIC KEY", b"fake"), "is a public key"),
            (certificate.clone(), "is a certificate"),
            (pem("EC PRIVATE KEY", b"fake"), "is an EC key in the form SEC1"),
            (
                pem("EC PARAMETERS", b"fake") + &pem("EC PRIVATE KEY", b"fake"),
                "is an EC key in the form SEC1",
            ),
            (pem("OPENSSH PRIVATE KEY", b"fake"), UNREADABLE),
            (p256[..p256.len() / 2].to_owned(), UNREADABLE),
            (p256.replace('\n', "\\n"), UNREADABLE),
            (pem("PRIVATE KEY", b""), UNREADABLE),
            (pem("PRIVATE KEY", b"fake"), UNREADABLE),
            (pem("RSA PRIVATE KEY", &rsa[..rsa.len() - 1]), UNREADABLE),
            (pem("RSA PRIVATE KEY", &wrong_prime), UNREADABLE),
            (pem("RSA PRIVATE KEY", &rsa_of(1024)), "is an RSA key of less than 2048 bits"),
            (pem("RSA PRIVATE KEY", &rsa_of(2047)), "is an RSA key of less than 2048 bits"),
            (pem("RSA PRIVATE KEY", &rsa_of(2048)), UNREADABLE),
            (pem("RSA PRIVATE KEY", &rsa_of(4096)), UNREADABLE),
            (pem("RSA PRIVATE KEY", &rsa_of(4097)), "is an RSA key of more than 4096 bits"),
            (pem("RSA PRIVATE KEY", &rsa_of(8192)), "is an RSA key of more than 4096 bits"),
            (ec(&rcgen::PKCS_ED25519), OTHER_KIND),
            (pem("PRIVATE KEY", &p521), OTHER_KIND),
        ] {
            assert_eq!(check_pem(&key).map_err(|flaw| flaw.problem), Err(problem));
            // Whatever the algorithm.
            for alg in [Alg::Rs256, Alg::Es384] {
                assert!(SigningKey::parse(alg, &key).is_err());
            }
        }
    }

    #[test]
    fn a_key_that_is_cut_off_is_refused_at_every_length() {
        for whole in [der(&p256()), der(RSA_3072)] {
            for end in (0..whole.len()).step_by(7) {
                assert!(check_pem(&pem("PRIVATE KEY", &whole[..end])).is_err(), "{end}");
            }
        }
    }

    #[test]
    fn a_key_whose_parts_contradict_each_other_does_not_sign() {
        // A byte of dP, which ring compares only when it signs.
        let mut wrong = der(RFC_7515_A2);
        let dp = wrong.len() - 300;
        wrong[dp] ^= 1;
        let key = SigningKey::parse(Alg::Rs256, &pem("RSA PRIVATE KEY", &wrong)).unwrap();
        assert_eq!(key.sign(b"{}", b"{}").err(), Some(DAMAGED_KEY));
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        let key = SigningKey::parse(Alg::Hs256, FAKE_TEXT).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(***)");
    }
}
