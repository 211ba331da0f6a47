//! What an established session looks like, for people.

use rustls::pki_types::CertificateDer;
use rustls::{CommonState, ProtocolVersion};
use webpki::EndEntityCert;

use super::names::{display_name, take};

/// `TLS 1.3, TLS_AES_128_GCM_SHA256; certificate of "X" issued by "Y", valid 2024-01-31 to 2025-01-31`
pub(super) fn describe(session: &CommonState) -> String {
    let mut text = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        other => format!("{other:?}"),
    };
    if let Some(suite) = session.negotiated_cipher_suite() {
        // rustls writes TLS13_… where the registry of cipher suites has TLS_….
        text += &format!(", {:?}", suite.suite()).replace("TLS13_", "TLS_");
    }
    if let Some(certificate) = session.peer_certificates().and_then(<[_]>::first) {
        text += &format!("; {}", describe_certificate(certificate));
    }
    text
}

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

#[cfg(test)]
mod tests {
    use super::*;

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
