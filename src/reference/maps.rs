//! The reference's making of maps: sums over channels and bilinear interpolation.

use crate::graph::Shape;

/// Per pixel the sum over channels of `of(v)`.
pub(super) fn channel_sum(v: &[f64], shape: Shape, of: impl Fn(f64) -> f64) -> Vec<f64> {
    let pixels = shape.pixels() as usize;
    (0..pixels).map(|pixel| v.iter().skip(pixel).step_by(pixels).map(|&value| of(value)).sum()).collect()
}

/// Per pixel the sum over channels of `(|v| - low) / (high - low)`, 0 where all magnitudes are equal.
pub(super) fn scaled_magnitude(v: &[f64], low: f64, high: f64, shape: Shape) -> Vec<f64> {
    channel_sum(v, shape, |value| if high == low { 0.0 } else { (value.abs() - low) / (high - low) })
}

/// Bilinear interpolation of `v`, of shape `from`, to shape `to`.
pub(super) fn resize(v: &[f64], from: Shape, to: Shape) -> Vec<f64> {
    let mut resized = Vec::with_capacity(to.elements() as usize);
    for channel in 0..to.channels {
        let at = |row: u32, column: u32| v[((channel * from.height + row) * from.width + column) as usize];
        for row in 0..to.height {
            let (top, bottom, down) = neighbours(row, from.height, to.height);
            for column in 0..to.width {
                let (left, right, across) = neighbours(column, from.width, to.width);
                let upper = at(top, left) * (1.0 - across) + at(top, right) * across;
                let lower = at(bottom, left) * (1.0 - across) + at(bottom, right) * across;
                resized.push(upper * (1.0 - down) + lower * down);
            }
        }
    }
    resized
}

/// The two of `size` positions between which position `index` of `count` lies, and the share of the second.
fn neighbours(index: u32, size: u32, count: u32) -> (u32, u32, f64) {
    let position = (f64::from(index) + 0.5) * f64::from(size) / f64::from(count) - 0.5;
    let position = position.max(0.0);
    let first = position.floor();
    (first as u32, (first as u32 + 1).min(size - 1), position - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_interpolated_and_its_ends_are_kept() {
        let (from, to) = (Shape::new(1, 1, 2), Shape::new(1, 2, 4));
        assert_eq!(resize(&[1.0, 3.0], from, to), [1.0, 1.5, 2.5, 3.0, 1.0, 1.5, 2.5, 3.0]);
        let (from, to) = (Shape::new(1, 1, 3), Shape::new(1, 1, 6));
        assert_eq!(resize(&[1.0, 3.0, 9.0], from, to), [1.0, 1.5, 2.5, 4.5, 7.5, 9.0]);
        let (from, to) = (Shape::new(2, 2, 2), Shape::new(2, 1, 1));
        assert_eq!(resize(&[0.0, 2.0, 4.0, 6.0, -1.0, 0.0, 0.0, 3.0], from, to), [3.0, 0.5]);
    }

    #[test]
    fn magnitudes_are_scaled_before_they_are_summed() {
        let shape = Shape::new(2, 1, 2);
        assert_eq!(scaled_magnitude(&[-1.0, 2.0, 3.0, -5.0], 1.0, 5.0, shape), [0.5, 1.25]);
        assert_eq!(scaled_magnitude(&[2.0, -2.0, 2.0, 2.0], 2.0, 2.0, shape), [0.0, 0.0]);
    }
}
