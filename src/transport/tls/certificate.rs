//! What a certificate says, for people.

use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use crate::der::take;

/// `certificate of "X" issued by "Y", valid 2024-01-31 to 2025-01-31`
pub(super) fn describe_certificate(certificate: &CertificateDer<'_>) -> String {
    let mut text = "certificate".to_owned();
    if let Ok(parsed) = EndEntityCert::try_from(certificate) {
        let names = [(" of", parsed.subject()), (" issued by", parsed.issuer())];
        for (role, name) in names {
            if let Some(name) = display_name(name) {
                text += &format!("{role} \"{name}\"");
            }
        }
    }
    if let Some((first, last)) = validity(certificate) {
        text += &format!(", valid {first} to {last}");
    }
    text
}

/// The tag of a certificate's version, which stands only where it is not 1 (RFC 5280 §4.1.2.1).
const EXPLICIT_VERSION: u8 = 0xa0;

/// Whether a certificate has the form of version 1.
pub(super) fn is_version_1(mut certificate: &[u8]) -> bool {
    const INTEGER: u8 = 0x02;
    let mut first = || {
        let (_, mut certificate) = take(&mut certificate)?;
        let (_, body) = take(&mut certificate)?;
        body.first().copied()
    };
    first() == Some(INTEGER)
}

/// The first and the last day of a certificate (RFC 5280 §4.1).
fn validity(mut certificate: &[u8]) -> Option<(String, String)> {
    let (_, mut certificate) = take(&mut certificate)?;
    let (_, mut body) = take(&mut certificate)?;
    if body.first() == Some(&EXPLICIT_VERSION) {
        take(&mut body)?;
    }
    let _serial_number = take(&mut body)?;
    let _signature = take(&mut body)?;
    let _issuer = take(&mut body)?;
    let (_, mut times) = take(&mut body)?;
    Some((day(take(&mut times)?)?, day(take(&mut times)?)?))
}

/// `2024-01-31` of a UTCTime or a GeneralizedTime (RFC 5280 §4.1.2.5).
fn day((tag, time): (u8, &[u8])) -> Option<String> {
    const UTC_TIME: u8 = 0x17;
    let text = std::str::from_utf8(time).ok()?;
    let digits = text.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole = match tag {
        UTC_TIME if digits.get(..2)? < "50" => format!("20{digits}"),
        UTC_TIME => format!("19{digits}"),
        _ => digits.to_owned(),
    };
    Some(format!("{}-{}-{}", whole.get(..4)?, whole.get(4..6)?, whole.get(6..8)?))
}

/// The longest part of a certificate's name that goes into a message.
const MAX_SHOWN: usize = 64;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];

/// `CN (O)` of an X.501 name: the organisation says whose certificate it is, even when the common
/// name is "CA 1". `None` when it has neither, or is not DER.
///
/// `name` is the content of the outer SEQUENCE, as webpki gives it.
pub(super) fn display_name(name: &[u8]) -> Option<String> {
    let (mut common, mut organisation) = (None, None);
    let mut sets = name;
    while let Some((_, mut set)) = take(&mut sets) {
        while let Some((_, mut attribute)) = take(&mut set) {
            let (_, kind) = take(&mut attribute)?;
            let (tag, value) = take(&mut attribute)?;
            match kind {
                COMMON_NAME => common = common.or_else(|| text(tag, value)),
                ORGANISATION => organisation = organisation.or_else(|| text(tag, value)),
                _ => {}
            }
        }
    }
    match (common, organisation) {
        (Some(common), Some(organisation)) => Some(format!("{common} ({organisation})")),
        (common, organisation) => common.or(organisation),
    }
}

/// The text of a DER string, fit to be shown: no control characters, not too long.
fn text(tag: u8, value: &[u8]) -> Option<String> {
    const BMP_STRING: u8 = 0x1e;
    let text = if tag == BMP_STRING {
        let units = value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or('?')).collect()
    } else {
        String::from_utf8_lossy(value).into_owned()
    };
    let shown: String = text.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect();
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SET { SEQUENCE { OID, string } }`
    fn attribute(kind: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        let element = |tag, content: &[u8]| [&[tag, content.len() as u8], content].concat();
        let inner = [element(0x06, kind), element(tag, value)].concat();
        element(0x31, &element(0x30, &inner))
    }

    #[test]
    fn common_name_and_organisation_are_shown() {
        let common = attribute(COMMON_NAME, 0x0c, "Prüf CA 1".as_bytes());
        let organisation = attribute(ORGANISATION, 0x13, b"Hospital IT");
        let country = attribute(&[0x55, 0x04, 0x06], 0x13, b"DE");
        let name = [country.clone(), organisation.clone(), common.clone()].concat();
        assert_eq!(display_name(&name).as_deref(), Some("Prüf CA 1 (Hospital IT)"));
        assert_eq!(display_name(&organisation).as_deref(), Some("Hospital IT"));
        assert_eq!(display_name(&common).as_deref(), Some("Prüf CA 1"));
        assert_eq!(display_name(&country), None);
        let wide = attribute(COMMON_NAME, 0x1e, &[0, b'C', 0, b'A']);
        assert_eq!(display_name(&wide).as_deref(), Some("CA"));
    }

    #[test]
    fn a_hostile_name_cannot_harm_a_log() {
        let control = attribute(COMMON_NAME, 0x0c, b"a\r\nb\x1b[2J");
        assert_eq!(display_name(&control).as_deref(), Some("ab[2J"));
        let long = attribute(COMMON_NAME, 0x0c, &[b'x'; 80]);
        assert_eq!(display_name(&long).map(|name| name.len()), Some(MAX_SHOWN));
        let whole = attribute(COMMON_NAME, 0x0c, b"CA");
        for end in 0..whole.len() {
            assert_eq!(display_name(&whole[..end]), None);
        }
        assert_eq!(display_name(&[0x31, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }

    #[test]
    fn a_day_is_read_from_both_kinds_of_time() {
        let day = |tag, text: &str| day((tag, text.as_bytes()));
        assert_eq!(day(0x17, "240131120000Z").as_deref(), Some("2024-01-31"));
        assert_eq!(day(0x17, "500101000000Z").as_deref(), Some("1950-01-01"));
        assert_eq!(day(0x18, "40960101000000Z").as_deref(), Some("4096-01-01"));
        for wrong in ["", "Z", "24013112000\rZ", "240131120000+0100", "2401Z"] {
            assert_eq!(day(0x17, wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_certificate_that_is_cut_off_has_no_validity() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2024, 1, 31);
        params.not_after = rcgen::date_time_ymd(2060, 12, 1);
        let certificate = params.self_signed(&key).unwrap();
        let whole = validity(certificate.der()).unwrap();
        assert_eq!(whole, ("2024-01-31".to_owned(), "2060-12-01".to_owned()));
        for end in 0..certificate.der().len() {
            assert_eq!(validity(&certificate.der()[..end]), None, "{end}");
        }
    }
}
