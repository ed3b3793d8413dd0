//! Deterministic stand-in weights.
//!
//! Part of "weights file + model recipe -> Graph": they take the place of the
//! weights file in tests and benchmarks. Every value depends only on the
//! tensor's name, its role, its fan-in and the element's index, so another
//! program can compute the same weights from the description below.
//!
//! Element `i` (row-major, from 0) of the tensor called NAME:
//!
//! ```text
//! seed = FNV-1a 64-bit hash of NAME's bytes
//! z    = splitmix64 mix of seed + (i + 1) * 0x9E3779B97F4A7C15   (wrapping)
//! u    = (z >> 40) / 2^24 * 2 - 1                                in [-1, 1)
//!
//! weight of a convolution or linear layer   u * sqrt(6 / fan_in)
//! bias of a convolution or linear layer     0.1 u
//! batch-norm scale, shift, mean, variance   0.5 + 0.25 u, 0.1 u, 0.1 u, 1 + 0.5 u
//! slope of a parametric ReLU                0.25 + 0.1 u
//! ```
//!
//! `fan_in` is the product of all dimensions but the first. The arithmetic is
//! in f64, rounded once to f32.

use crate::graph::parameter::{Parameter, ParameterKind};
use crate::platform::fill_parallel;

/// All values of `parameter`, row-major.
pub(crate) fn values(parameter: &Parameter) -> Vec<f32> {
    let seed = fnv1a(parameter.name.as_bytes());
    let (offset, scale) = offset_and_scale(parameter);
    fill_parallel(parameter.element_count(), |index| (offset + scale * uniform(seed, index as u64)) as f32)
}

/// `(a, b)` such that an element is `a + b u`.
fn offset_and_scale(parameter: &Parameter) -> (f64, f64) {
    match parameter.kind {
        ParameterKind::Weight => {
            let fan_in: usize = parameter.shape.iter().skip(1).product();
            (0.0, (6.0 / fan_in as f64).sqrt())
        }
        ParameterKind::BatchNormScale => (0.5, 0.25),
        ParameterKind::BatchNormVariance => (1.0, 0.5),
        ParameterKind::Slope => (0.25, 0.1),
        ParameterKind::Bias | ParameterKind::BatchNormShift | ParameterKind::BatchNormMean => (0.0, 0.1),
    }
}

/// Uniform value in [-1, 1), a multiple of 2^-23.
fn uniform(seed: u64, index: u64) -> f64 {
    let state = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let top_24_bits = mix(state) >> 40;
    top_24_bits as f64 / 16_777_216.0 * 2.0 - 1.0
}

/// Output function of the splitmix64 generator.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// 64-bit FNV-1a hash.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, shape, kind, and (index, bits of the f32 there).
    type Pinned = (&'static str, &'static [usize], ParameterKind, &'static [(u64, u32)]);

    /// Computed with Python's integers and floats from the formula above.
    const PINNED: [Pinned; 7] = [
        (
            "features.0.weight",
            &[64, 3, 3, 3],
            ParameterKind::Weight,
            &[(0, 0x3EABBB0A), (1, 0x3CCC3687), (1727, 0x3DC71CBC)],
        ),
        (
            "classifier.0.weight",
            &[4096, 25088],
            ParameterKind::Weight,
            &[(0, 0x3C157AC3), (65535, 0x3C4DFF1E), (65536, 0xBC6D5154), (102760447, 0x3C503D25)],
        ),
        ("classifier.6.bias", &[1000], ParameterKind::Bias, &[(0, 0xBD89B335), (7, 0x3DC02063), (999, 0x3CF25280)]),
        (
            "layer1.0.bn1.weight",
            &[64],
            ParameterKind::BatchNormScale,
            &[(0, 0x3EA0C2A3), (1, 0x3F3E9BFB), (63, 0x3EFCC98C)],
        ),
        (
            "layer1.0.bn1.bias",
            &[64],
            ParameterKind::BatchNormShift,
            &[(0, 0xBD81E74B), (1, 0xBD27D8CD), (63, 0x3DCB9368)],
        ),
        (
            "layer1.0.bn1.running_mean",
            &[64],
            ParameterKind::BatchNormMean,
            &[(0, 0xBDB7D608), (1, 0x3D4797F6), (63, 0x3C232A8D)],
        ),
        (
            "layer1.0.bn1.running_var",
            &[64],
            ParameterKind::BatchNormVariance,
            &[(0, 0x3F92B806), (1, 0x3FAB4CCE), (63, 0x3FB428B4)],
        ),
    ];

    #[test]
    fn values_equal_the_reference() {
        for (name, shape, kind, pinned) in PINNED {
            let parameter = Parameter::new(name, shape, kind);
            let (offset, scale) = offset_and_scale(&parameter);
            let seed = fnv1a(name.as_bytes());
            for &(index, bits) in pinned {
                let value = (offset + scale * uniform(seed, index)) as f32;
                assert_eq!(value.to_bits(), bits, "{name}[{index}] is {value}");
            }
        }
    }

    #[test]
    fn a_whole_tensor_holds_the_elements_in_order() {
        for (name, shape, kind, pinned) in PINNED {
            let parameter = Parameter::new(name, shape, kind);
            if parameter.element_count() > 1_000_000 {
                continue;
            }
            let values = values(&parameter);
            assert_eq!(values.len(), parameter.element_count());
            for &(index, bits) in pinned {
                assert_eq!(values[index as usize].to_bits(), bits, "{name}[{index}]");
            }
        }
    }

    #[test]
    fn long_tensors_are_continuous_across_threads() {
        let parameter = Parameter::new("fc.weight", &[7, 30_011], ParameterKind::Weight);
        let (offset, scale) = offset_and_scale(&parameter);
        let seed = fnv1a(b"fc.weight");
        for (index, value) in values(&parameter).into_iter().enumerate() {
            let expected = (offset + scale * uniform(seed, index as u64)) as f32;
            assert_eq!(value.to_bits(), expected.to_bits(), "index {index}");
        }
    }
}
