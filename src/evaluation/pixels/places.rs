//! What the GPU says of ranked pixels.

/// Where a pixel stands in its map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of pixels before it, the lowest value first.
    pub from_lowest: u32,
    /// Number of pixels before it, the highest value first.
    pub from_highest: u32,
    /// Number of pixels with a lower value.
    pub lower: u32,
    /// Number of pixels with the same value, itself included.
    pub equal: u32,
}

impl Place {
    /// From four words, as `rank_places.wgsl` writes them.
    pub(super) fn from_words(words: &[u32]) -> Self {
        Self { from_lowest: words[0], from_highest: words[1], lower: words[2], equal: words[3] }
    }
}

/// Whether every place is taken once, from both ends, and no pixel stands among more pixels than there are.
pub(super) fn is_ranking(places: &[Place]) -> bool {
    let is_taken_once = |place: fn(&Place) -> u32| {
        let mut taken = vec![false; places.len()];
        places.iter().all(|pixel| {
            let taken = taken.get_mut(place(pixel) as usize);
            taken.is_some_and(|taken| !std::mem::replace(taken, true))
        })
    };
    let fits = |place: &Place| u64::from(place.lower) + u64::from(place.equal) <= places.len() as u64;
    is_taken_once(|place| place.from_lowest) && is_taken_once(|place| place.from_highest) && places.iter().all(fits)
}

/// The value that `rank_keys.wgsl` made a key of: 0 for both zeros. The lowest key, 0, stands for what is no number,
/// and gives one that is none.
pub(super) fn value_of_key(key: u32) -> f32 {
    const SIGN: u32 = 1 << 31;
    match key {
        SIGN.. => f32::from_bits(key ^ SIGN),
        _ => f32::from_bits(!key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_ranking_is_taken_once() {
        let place = |from_lowest, from_highest, lower, equal| Place { from_lowest, from_highest, lower, equal };
        // Values 5, 7, 5.
        let ranking = [place(0, 1, 0, 2), place(2, 0, 2, 1), place(1, 2, 0, 2)];
        assert!(is_ranking(&ranking));
        let nan = f32::NAN.to_bits();
        for (pixel, wrong) in [
            (0, place(1, 1, 0, 2)),
            (0, place(0, 2, 0, 2)),
            (1, place(3, 0, 2, 1)),
            (1, place(2, 3, 2, 1)),
            (2, place(1, 2, 2, 2)),
            (2, place(1, 2, 3, 1)),
            (2, place(1, 2, nan, nan)),
        ] {
            let mut places = ranking;
            places[pixel] = wrong;
            assert!(!is_ranking(&places), "{places:?}");
        }
        assert!(!is_ranking(&[place(nan, nan, nan, nan); 3]));
    }

    #[test]
    fn keys_have_values() {
        let ascending = [0, 0x007F_FFFF, 0x3FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xC000_0000, 0xFF80_0000];
        let values = ascending.map(value_of_key);
        assert!(values[0].is_nan());
        assert_eq!(values[1..], [f32::NEG_INFINITY, -2.0, 0.0, f32::from_bits(1), 2.0, f32::INFINITY]);
    }
}
