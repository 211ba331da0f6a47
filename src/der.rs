//! The little of DER (X.690 §8) that names and dates of certificates and kinds of keys need. Everything
//! that is trusted is read by webpki and ring.

/// Splits off the first element: its tag and its content.
pub(crate) fn take<'a>(der: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
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

/// Prefixes a DER SEQUENCE's header, which webpki leaves out of trust anchors.
pub(crate) fn sequence(content: &[u8]) -> Vec<u8> {
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

    #[test]
    fn elements_are_split_off_whole_or_not_at_all() {
        let mut two = &[0x02, 1, 7, 0x05, 0][..];
        assert_eq!(take(&mut two), Some((0x02, &[7][..])));
        assert_eq!(take(&mut two), Some((0x05, &[][..])));
        assert_eq!(take(&mut two), None);
        let long = [&[0x04, 0x82, 1, 0][..], &[7; 0x100]].concat();
        assert_eq!(take(&mut &long[..]).map(|(_, content)| content.len()), Some(0x100));
        for end in 0..long.len() {
            assert_eq!(take(&mut &long[..end]), None);
        }
        assert_eq!(take(&mut &[0x31, 0x84, 0xff, 0xff, 0xff, 0xff][..]), None);
    }

    #[test]
    fn a_sequence_header_has_the_shortest_length() {
        assert_eq!(sequence(&[]), [0x30, 0]);
        assert_eq!(sequence(&[7; 0x7f])[..3], [0x30, 0x7f, 7]);
        assert_eq!(sequence(&[7; 0x80])[..4], [0x30, 0x81, 0x80, 7]);
        assert_eq!(sequence(&[7; 0x126])[..5], [0x30, 0x82, 0x01, 0x26, 7]);
    }
}
