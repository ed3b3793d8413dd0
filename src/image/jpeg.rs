//! Tells whether a JPEG stream is complete.
//!
//! The JPEG decoder fills what is missing of a cut-off file with grey and reports success. A
//! complete stream ends its scans with the EOI marker, so that marker's absence gives the cut
//! away. A file with a piece missing from its middle still has it, and cannot be told from a
//! whole one here.

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;

/// Whether the JPEG file `bytes` holds at least one scan and its end-of-image marker.
///
/// Walks the marker segments by their lengths, so an embedded thumbnail's marker does not count.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut has_scan = false;
    while let Some((marker, after)) = next_marker(rest) {
        rest = match marker {
            END_OF_IMAGE => return has_scan,
            START_OF_IMAGE => after,
            _ => {
                has_scan |= marker == START_OF_SCAN;
                let Some(after) = skip_segment(after) else {
                    return false;
                };
                after
            }
        };
    }
    false
}

/// The next marker code and the bytes behind it; entropy-coded data before it is skipped.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut pairs = bytes.windows(2).enumerate();
    // FF00 is an escaped data byte, FFFF padding, FF01 and FFD0-FFD7 (restarts) have no segment.
    let is_marker = |code: u8| !matches!(code, 0x00 | 0x01 | 0xFF | 0xD0..=0xD7);
    let (at, code) = pairs.find_map(|(at, pair)| match *pair {
        [0xFF, code] if is_marker(code) => Some((at, code)),
        _ => None,
    })?;
    Some((code, bytes.get(at + 2..)?))
}

/// The bytes behind a segment that starts with its own big-endian 16 bit length.
fn skip_segment(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.first_chunk::<2>().map(|b| u16::from_be_bytes(*b))?;
    bytes.get(usize::from(length.max(2))..)
}

#[cfg(test)]
mod tests {
    use super::is_complete;

    #[test]
    fn only_the_main_streams_end_marker_counts() {
        let head = [0xFF, 0xD8, 0xFF, 0xE1, 0, 6, 0xFF, 0xDA, 0xFF, 0xD9];
        let scan = [0xFF, 0xDA, 0, 3, 1, 0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD0, 7];
        let whole = [&head[..], &scan, &[0xFF, 0xD9]].concat();
        assert!(is_complete(&whole));
        assert!(is_complete(&[&whole[..], b"trailing bytes"].concat()));
        for cut in 0..whole.len() {
            assert!(!is_complete(&whole[..cut]), "cut at {cut}");
        }
    }
}
