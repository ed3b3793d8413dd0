//! Normal random values from a counter: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as
//! 1, 2, 3; SC 2011) and Box-Muller. Any value can be had without the ones before it, so that it depends on seed,
//! variation and position alone.

use crate::graph::Shape;
use crate::random::philox;
use std::f64::consts::TAU;

/// Standard normal values of variation `variation` for one sample of this shape, channel-major.
pub(super) fn normal(seed: u64, variation: u32, shape: Shape) -> Vec<f64> {
    let pixels = shape.pixels();
    let at = |channel: u32, pixel: u32| {
        let words = philox([pixel, channel / 4, variation, 0], [seed as u32, (seed >> 32) as u32]);
        let pair = if channel % 4 < 2 { [words[0], words[1]] } else { [words[2], words[3]] };
        box_muller(pair)[channel as usize % 2]
    };
    (0..shape.channels).flat_map(|channel| (0..pixels).map(move |pixel| at(channel, pixel))).collect()
}

/// Two normal values from two words, of which the upper 24 bits are used.
fn box_muller([p, q]: [u32; 2]) -> [f64; 2] {
    let unit = f64::from(1 << 24);
    let radius = (-2.0 * ((f64::from(p >> 8) + 1.0) / unit).ln()).sqrt();
    let angle = TAU * f64::from(q >> 8) / unit;
    [radius * angle.cos(), radius * angle.sin()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_standard_normal_and_independent() {
        let values = normal(7, 3, Shape::new(3, 100, 100));
        let mean = |of: &dyn Fn(usize) -> f64| (0..values.len()).map(of).sum::<f64>() / values.len() as f64;
        let moments = [1, 2, 3, 4].map(|power| mean(&|index| values[index].powi(power)));
        for (moment, expected) in moments.into_iter().zip([0.0, 1.0, 0.0, 3.0]) {
            assert!((moment - expected).abs() < 0.1, "{moments:?}");
        }
        let neighbours = mean(&|index| values[index] * values[(index + 1) % values.len()]);
        let channels = mean(&|index| values[index] * values[(index + 10_000) % values.len()]);
        assert!(neighbours.abs() < 0.03 && channels.abs() < 0.03, "{neighbours}, {channels}");
        let shape = Shape::new(3, 2, 2);
        assert_ne!(normal(7, 3, shape), normal(7, 4, shape));
        assert_ne!(normal(7, 3, shape), normal(8, 3, shape));
        assert_ne!(normal(7, 3, shape), normal(7 | 1 << 32, 3, shape));
    }
}
