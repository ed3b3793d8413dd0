//! Tells whether a JPEG stream is complete.
//!
//! A complete stream ends its scans with the EOI marker. A file with a piece missing from its middle still has it, and
//! cannot be told from a whole one here. A file without it may have all its pixels nevertheless, as some programs leave
//! the marker out.

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
/// Baseline, extended and progressive Huffman coding: the frames that are decoded.
const START_OF_FRAME: std::ops::RangeInclusive<u8> = 0xC0..=0xC2;

/// Coefficients of a block.
const COEFFICIENTS: usize = 64;
/// A coefficient of which no bit has come.
const UNSEEN: u8 = u8::MAX;

/// Most pixels that a byte can hold: of every block of 8 x 8 pixels a scan has a bit at least, and where no component
/// has all of the picture's rows and columns, the largest has a quarter of them.
const MOST_PIXELS_PER_BYTE: u64 = 8 * 64 * 4;

/// A component of the frame: its id, and how many low bits of each coefficient are still to come.
type Component = (u8, [u8; COEFFICIENTS]);

/// What the marker segments of a JPEG file say. Walked by their lengths, so an embedded thumbnail's markers do not
/// count.
pub(super) struct Stream<'a> {
    /// The file as far as it is one.
    bytes: &'a [u8],
    has_scan: bool,
    has_end: bool,
    /// Height and width that the frame says.
    size: [u32; 2],
    components: Vec<Component>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut stream = Stream { bytes, has_scan: false, has_end: false, size: [0; 2], components: Vec::new() };
        let mut rest = bytes;
        while let Some((before, marker, after)) = next_marker(rest) {
            if marker == START_OF_IMAGE {
                rest = after;
                continue;
            }
            stream.has_end = marker == END_OF_IMAGE;
            let Some(segment) = segment(after).filter(|_| !stream.has_end) else {
                // What begins here is no part of the picture.
                stream.bytes = &bytes[..bytes.len() - rest.len() + before];
                break;
            };
            stream.add(marker, segment);
            rest = after.get(segment.len() + 2..).unwrap_or_default();
        }
        stream
    }

    fn add(&mut self, marker: u8, segment: &[u8]) {
        if START_OF_FRAME.contains(&marker) {
            let components = segment.get(6..).unwrap_or_default().chunks_exact(3);
            let side =
                |at: usize| segment.get(at..at + 2).map_or(0, |side| 256 * u32::from(side[0]) + u32::from(side[1]));
            self.size = [side(1), side(3)];
            self.components = components.map(|component| (component[0], [UNSEEN; COEFFICIENTS])).collect();
        } else if marker == START_OF_SCAN {
            self.has_scan = true;
            self.add_scan(segment);
        }
    }

    /// Notes which bits of which coefficients a scan brings.
    fn add_scan(&mut self, segment: &[u8]) -> Option<()> {
        let count = usize::from(*segment.first()?);
        let of_components = segment.get(1..1 + 2 * count)?;
        let [first, last, bits] = *segment.get(1 + 2 * count..)?.first_chunk::<3>()?;
        for id in of_components.iter().step_by(2) {
            let found = self.components.iter_mut().filter(|(component, _)| component == id);
            for (_, missing) in found {
                missing.get_mut(usize::from(first)..=usize::from(last))?.fill(bits & 0xF);
            }
        }
        Some(())
    }

    /// Whether a scan and the end marker are there.
    pub(super) fn is_complete(&self) -> bool {
        self.has_scan && self.has_end
    }

    /// Whether the scans that are there, if the last is whole, bring all bits of all coefficients.
    pub(super) fn may_be_complete(&self) -> bool {
        let is_whole = |(_, missing): &Component| missing.iter().all(|&bits| bits == 0);
        self.has_scan && !self.components.is_empty() && self.components.iter().all(is_whole)
    }

    /// Height and width of a picture of which no file of this length has all pixels.
    pub(super) fn beyond_its_bytes(&self) -> Option<[u32; 2]> {
        let pixels = u64::from(self.size[0]) * u64::from(self.size[1]);
        (pixels > MOST_PIXELS_PER_BYTE * self.bytes.len() as u64).then_some(self.size)
    }

    /// Two files that go on differently where this one ends. A decoder that still needs bits finds others in each.
    pub(super) fn continued(&self) -> [Vec<u8>; 2] {
        [0x00, 0xAA].map(|filling| [self.bytes, &[filling; 4096], &[0xFF, END_OF_IMAGE]].concat())
    }
}

/// The length of what stands before the next marker, the marker's code, and the bytes behind it.
fn next_marker(bytes: &[u8]) -> Option<(usize, u8, &[u8])> {
    let mut pairs = bytes.windows(2).enumerate();
    // FF00 is an escaped data byte, FFFF padding, FF01 and FFD0-FFD7 (restarts) have no segment.
    let is_marker = |code: u8| !matches!(code, 0x00 | 0x01 | 0xFF | 0xD0..=0xD7);
    let (at, code) = pairs.find_map(|(at, pair)| match *pair {
        [0xFF, code] if is_marker(code) => Some((at, code)),
        _ => None,
    })?;
    Some((at, code, bytes.get(at + 2..)?))
}

/// The content of a segment that starts with its own big-endian 16 bit length.
fn segment(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.first_chunk::<2>().map(|b| u16::from_be_bytes(*b))?;
    bytes.get(2..usize::from(length.max(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCAN: [u8; 12] = [0xFF, 0xDA, 0, 3, 1, 0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD0, 7];

    #[test]
    fn only_the_main_streams_end_marker_counts() {
        let head = [0xFF, 0xD8, 0xFF, 0xE1, 0, 6, 0xFF, 0xDA, 0xFF, 0xD9];
        let whole = [&head[..], &SCAN, &[0xFF, 0xD9]].concat();
        let is_complete = |bytes: &[u8]| Stream::new(bytes).is_complete();
        assert!(is_complete(&whole));
        assert!(is_complete(&[&whole[..], b"trailing bytes"].concat()));
        for cut in 0..whole.len() {
            assert!(!is_complete(&whole[..cut]), "cut at {cut}");
        }
    }

    #[test]
    fn a_picture_needs_bytes() {
        for (side, is_beyond) in [(0, false), (8, false), (200, false), (0x4000, true)] {
            let [high, low] = u16::to_be_bytes(side);
            let frame = [0xFF, 0xC0, 0, 11, 8, high, low, high, low, 1, 1, 0x11, 0];
            let bytes = [&[0xFF, 0xD8][..], &frame, &SCAN, &[0xFF, 0xD9]].concat();
            let size = is_beyond.then_some([u32::from(side); 2]);
            assert_eq!(Stream::new(&bytes).beyond_its_bytes(), size, "{side}");
        }
    }

    #[test]
    fn all_bits_of_all_coefficients_are_asked_for() {
        let frame = [0xFF, 0xC2, 0, 14, 8, 0, 8, 0, 8, 2, 1, 0x11, 0, 2, 0x11, 0];
        let scan = |ids: &[u8], first, last, bits| {
            let ids: Vec<u8> = ids.iter().flat_map(|&id| [id, 0]).collect();
            [&[0xFF, 0xDA, 0, 6 + ids.len() as u8, ids.len() as u8 / 2][..], &ids, &[first, last, bits, 0x12]].concat()
        };
        let scans = [
            scan(&[1, 2], 0, 0, 1),
            scan(&[1], 1, 63, 0),
            scan(&[2], 1, 5, 2),
            scan(&[2], 6, 63, 0),
            scan(&[1, 2], 0, 0, 0x10),
            scan(&[2], 1, 5, 0x20),
        ];
        for count in 0..=scans.len() {
            let bytes = [&[0xFF, 0xD8][..], &frame, &scans[..count].concat()].concat();
            assert_eq!(Stream::new(&bytes).may_be_complete(), count == scans.len(), "{count} scans");
            // A trailer with what looks like a marker is no part of the picture.
            let trailed = [&bytes[..], &[0xFF, 0xB7, 0xFF]].concat();
            assert_eq!(Stream::new(&trailed).bytes, bytes);
        }
    }
}
