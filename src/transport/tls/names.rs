//! The names in certificates, for people.

/// The longest part of a certificate's name that goes into a message.
const MAX_SHOWN: usize = 64;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];

/// `CN (O)` of an X.501 name: its organisation tells whose the certificate is, even when the
/// common name is "CA 1". `None` when it has neither, or is not DER.
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

/// Splits the first element off: its tag and its content.
pub(super) fn take<'a>(der: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), rest.get(2..)?),
        _ => return None,
    };
    *der = rest.get(length..)?;
    Some((tag, rest.get(..length)?))
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

/// Prefixes a DER SEQUENCE's header, which webpki leaves out of trust anchors.
pub(super) fn sequence(content: &[u8]) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    let length = content.len().to_be_bytes();
    let significant = length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1);
    let length = &length[significant..];
    let mut whole = vec![SEQUENCE];
    if content.len() > 0x7f {
        whole.push(0x80 | length.len() as u8);
    }
    whole.extend_from_slice(length);
    whole.extend_from_slice(content);
    whole
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
    fn a_sequence_header_has_the_shortest_length() {
        assert_eq!(sequence(&[]), [0x30, 0]);
        assert_eq!(sequence(&[7; 0x7f])[..3], [0x30, 0x7f, 7]);
        assert_eq!(sequence(&[7; 0x80])[..4], [0x30, 0x81, 0x80, 7]);
        assert_eq!(sequence(&[7; 0x126])[..5], [0x30, 0x82, 0x01, 0x26, 7]);
    }
}
