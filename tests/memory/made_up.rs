//! Credentials that occur nowhere else.

use caretoken_sandbox::{Sandbox, Vendor};

pub(crate) type Named = Vec<(String, String)>;

pub(crate) const PLAIN: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub(crate) const ODD: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=&%!?.~";

/// Always the same for a seed, and no constant of this program: a child that runs the same program
/// does not have it from there.
pub(crate) fn text(seed: &str, characters: &[u8], len: usize) -> String {
    let mut state = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(characters[(state >> 33) as usize % characters.len()])
    };
    (0..len).map(|_| next()).collect()
}

/// A vendor that expects made-up credentials; those that identify somebody are plain.
pub(crate) fn sandbox(vendor: Vendor) -> (Sandbox, Named) {
    let sandbox = Sandbox::start().unwrap();
    let names: Vec<_> = sandbox.credentials(vendor).iter().map(|(name, _)| name).collect();
    let credentials = names.into_iter().map(|name| {
        let characters = if name.ends_with("_id") || name == "username" { PLAIN } else { ODD };
        let value = text(&format!("{name} of {}", vendor.name()), characters, 48);
        assert!(sandbox.set_credential(vendor, name, &value));
        (name.clone(), value)
    });
    let credentials = credentials.collect();
    (sandbox, credentials)
}

pub(crate) fn token_and(credentials: &[(String, String)], token: &str) -> Named {
    [credentials, &[("access token".to_owned(), token.to_owned())]].concat()
}
