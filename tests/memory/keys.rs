//! Private keys, and what of them must not be found.

use std::process::Command;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use ring::digest::{SHA512, digest};

/// A key of each kind that clients identify themselves with. RSA where there is the `openssl` program.
pub(crate) fn of_each_kind() -> Vec<(&'static str, KeyPair)> {
    let mut keys = vec![
        ("P-256", KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()),
        ("Ed25519", KeyPair::generate_for(&PKCS_ED25519).unwrap()),
    ];
    let made = Command::new("openssl").args(["genpkey", "-algorithm", "RSA"]).output();
    match made {
        Ok(made) => {
            let pem = String::from_utf8(made.stdout).unwrap();
            keys.push(("RSA", KeyPair::from_pem(&pem).unwrap()));
        }
        Err(_) => println!("skipped: RSA needs openssl"),
    }
    keys
}

/// The secret numbers of a key: primes, exponents, scalars, seeds, and what is computed from them.
pub(crate) fn numbers(key: &KeyPair) -> Vec<(String, Vec<u8>)> {
    let mut numbers = Vec::new();
    collect(&key.serialize_der(), &mut numbers);
    if numbers.len() > 1 {
        // RSA begins with the modulus, which is public (RFC 8017, appendix A.1.2).
        numbers.remove(0);
    }
    if let Some(seed) = numbers.first().filter(|_| key.is_compatible(&PKCS_ED25519)) {
        // The scalar, whose first and last bytes are changed, and the prefix (RFC 8032 §5.1.5).
        let expanded = digest(&SHA512, seed);
        let (scalar, prefix) = expanded.as_ref().split_at(32);
        numbers.extend([scalar[1..31].to_vec(), prefix.to_vec()]);
    }
    let named = numbers.into_iter().enumerate();
    named.map(|(place, number)| (format!("number {place}"), number)).collect()
}

/// The integers and octet strings of some DER that are large enough for secrets.
fn collect(mut der: &[u8], numbers: &mut Vec<Vec<u8>>) {
    while let Some((tag, value, rest)) = first_value(der) {
        match tag {
            0x30 => collect(value, numbers),
            0x04 if first_value(value).is_some_and(|(_, _, rest)| rest.is_empty()) => {
                collect(value, numbers);
            }
            0x02 | 0x04 if value.len() >= 16 => {
                numbers.push(value.strip_prefix(&[0]).unwrap_or(value).to_vec());
            }
            _ => {}
        }
        der = rest;
    }
}

/// The tag and the value of what DER begins with, and the rest; `None` if it is none.
fn first_value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (bytes, rest) = match first {
        0..0x80 => (vec![first], rest),
        _ => {
            rest.split_at_checked(usize::from(first & 0x7f)).map(|(n, rest)| (n.to_vec(), rest))?
        }
    };
    if bytes.len() > 4 {
        return None;
    }
    let len = bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    let (value, rest) = rest.split_at_checked(len)?;
    Some((tag, value, rest))
}
