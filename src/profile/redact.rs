//! Which texts of an answer may appear in an error.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::json::Json;
use crate::memory::SecretBuf;
use crate::profile::source::text_at;
use crate::profile::vocabulary::Source;
use crate::transport::Response;

/// The longest error code that is shown.
pub(super) const MAX_CODE: usize = 64;
const MAX_ID: usize = 128;

/// The vendor's id of the request, if it may be shown.
pub(super) fn id_at(
    response: &Response,
    json: Option<&Json>,
    source: Option<&Source>,
    secrets: &[&str],
) -> Option<Box<str>> {
    plain(text_at(response, json, source?)?, MAX_ID, secrets)
}

/// The text, if it is short, plain and shares no piece with a secret.
pub(super) fn plain(text: &str, longest: usize, secrets: &[&str]) -> Option<Box<str>> {
    let is_plain = (1..=longest).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:+/=".contains(&b));
    (is_plain && !secrets.iter().any(|secret| shares_a_piece(text, secret))).then(|| text.into())
}

/// Whether `text` holds eight bytes in a row of `secret`, or all of a shorter one: as it is, in
/// another case, in hex, or in Base64. Other encodings of it need characters that no plain text has.
fn shares_a_piece(text: &str, secret: &str) -> bool {
    let is_in = |text: &[u8], form: &[u8]| {
        let piece = form.len().min(PIECE);
        form.windows(piece).any(|known| text.windows(piece).any(|found| found == known))
    };
    if secret.len() < SHORTEST_SECRET {
        return false;
    }
    let mut lower = SecretBuf::with_capacity(secret.len());
    for byte in secret.bytes() {
        lower.push(&[byte.to_ascii_lowercase()]);
    }
    let lower_text = text.to_ascii_lowercase();
    if is_in(lower_text.as_bytes(), lower.expose_secret()) {
        return true;
    }
    let mut hex = SecretBuf::with_capacity(2 * secret.len());
    for byte in secret.bytes() {
        hex.push(&[byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]));
    }
    // Base64 looks different at each offset within a group of three bytes.
    let base64 = |offset: usize| {
        let mut shifted = SecretBuf::with_capacity(offset + secret.len());
        shifted.push(&[0; 2][..offset]);
        shifted.push(secret.as_bytes());
        let (mut encoded, length) = (SecretBuf::default(), 4 * shifted.len().div_ceil(3));
        // There is room for all of it.
        let _ = encoded.append(length, |room| STANDARD.encode_slice(shifted.expose_secret(), room));
        // Characters at the ends hold bits of the neighbours.
        encoded.truncate(4 * shifted.len() / 3);
        encoded.remove_first((4 * offset).div_ceil(3));
        encoded
    };
    let standard = text.replace('-', "+").replace('_', "/");
    is_in(lower_text.as_bytes(), hex.expose_secret())
        || (0..3).any(|offset| is_in(standard.as_bytes(), base64(offset).expose_secret()))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

const PIECE: usize = 8;
/// Anything shorter occurs in ids by chance.
const SHORTEST_SECRET: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_ids_are_shown_only_when_plain_and_free_of_secrets() {
        let secrets = ["fake-secret-0123456789", "hunter"];
        let shown = |text: &str| plain(text, MAX_ID, &secrets).is_some();
        assert!(shown("req_1705312200000_pqr678"));
        assert!(shown("1-68a44ded-5c4fdd75455250d518c3bab2"));
        assert!(!shown(""));
        assert!(!shown(&"x".repeat(129)));
        assert!(!shown("has space"));
        assert!(!shown("req-fake-secret-0123456789"));
        assert!(!shown("req-01234567"));
        assert!(!shown("req-FAKE-Secret-0123456789"));
        assert!(shown("req_0123456"));
        assert!(!shown("req-hunter2"));
    }

    #[test]
    fn a_secret_of_four_bytes_is_looked_for_and_a_shorter_one_is_not() {
        let shown = |secret: &str| plain("req-pin4", MAX_ID, &[secret]).is_some();
        assert!(!shown("pin4"));
        assert!(shown("pin"));
        assert!(shown(""));
    }

    #[test]
    fn an_id_that_repeats_an_encoded_secret_is_not_shown() {
        let secret = "f\u{e4}ke>secret?0123456789";
        let shown = |text: &str| plain(text, MAX_ID, &[secret]).is_some();
        let url_safe = base64::engine::general_purpose::URL_SAFE;
        for around in ["", "a", "ab", "abc", "client:"] {
            let pair = format!("{around}{secret}{around}");
            for encoded in [STANDARD.encode(&pair), url_safe.encode(&pair)] {
                assert!(!shown(&encoded), "{around}");
                assert!(!shown(&format!("req:{}", &encoded[12..22])), "{around}");
            }
        }
        // The first eight characters are enough, whatever stands before the secret.
        let short = "fake>sec";
        let shown = |text: &str| plain(text, MAX_ID, &[short]).is_some();
        for (before, from) in [("", 0), ("a", 2), ("ab", 3)] {
            let encoded = STANDARD.encode(format!("{before}{short}"));
            assert!(!shown(&encoded[from..from + 8]), "{before}");
        }
        let shown = |text: &str| plain(text, MAX_ID, &[secret]).is_some();
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for part in [&hex[..], &hex[10..18], &hex[11..19]] {
            assert!(!shown(part) && !shown(&part.to_uppercase()), "{part}");
        }
        assert!(shown(&STANDARD.encode("another one, of a request")));
    }
}
