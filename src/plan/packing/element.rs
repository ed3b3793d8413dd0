//! What a packed weight is kept as: f32, or f16 as WGSL's `unpack2x16float` takes it.

use crate::graph::WeightSource;
use crate::models::Precision;
use crate::platform::fill_parallel;
use half::f16;

/// What a value of a packed buffer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// f32.
    F32,
    /// f16, two in a word of 32 bits: the first in its lower half.
    F16,
}

impl Element {
    /// For the weights themselves, which [`Precision::F16Weights`] has rounded so that f16 holds them exactly. What is
    /// derived from them, such as squares or Winograd's transforms, stays f32: all passes are then those of one
    /// network.
    pub fn of(precision: Precision, source: WeightSource) -> Self {
        match (precision, source) {
            (Precision::F16Weights, WeightSource::Parameter) => Element::F16,
            _ => Element::F32,
        }
    }

    /// Bytes of a value.
    pub const fn bytes(self) -> u64 {
        match self {
            Element::F32 => 4,
            Element::F16 => 2,
        }
    }
}

/// An even number of values as pairs, each rounded to nearest, ties to even; the first of a pair is the word's lower
/// half.
pub(super) fn pairs(values: &[f32]) -> Vec<u32> {
    let bits = |value: f32| u32::from(f16::from_f32(value).to_bits());
    fill_parallel(values.len() / 2, |pair| bits(values[2 * pair]) | bits(values[2 * pair + 1]) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_pairs() {
        // 2049 and 2051 lie between two f16 and go to the even one; 2^-24 is the smallest.
        let values = [1.0, -2.0, 65504.0, -0.0, 2049.0, 2051.0, 2f32.powi(-24), 2f32.powi(-26)];
        assert_eq!(pairs(&values), [0xc000_3c00, 0x8000_7bff, 0x6802_6800, 0x0000_0001]);
    }
}
