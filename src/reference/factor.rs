//! The reference's per-pixel maps of a full convolution: `phi`, `M`, and the two factorizations (method section 3,
//! `factor`).

use super::elementwise::safe_divide;
use crate::graph::Shape;

/// Map 0 `phi = mean_ch(C)`, map 1 `relu(mean_ch(x * g))`; `g` has the shape of `x` or one value per channel.
pub(super) fn saliency_maps(c: &[f64], x: &[f64], g: &[f64], shape: Shape) -> Vec<f64> {
    let [channels, pixels] = [shape.channels as usize, shape.pixels() as usize];
    let gradient = |element: usize| if g.len() == x.len() { g[element] } else { g[element / pixels] };
    let mut maps = vec![0.0; 2 * pixels];
    for pixel in 0..pixels {
        let elements = || (0..channels).map(|channel| channel * pixels + pixel);
        let phi: f64 = elements().map(|element| c[element]).sum();
        let saliency: f64 = elements().map(|element| x[element] * gradient(element)).sum();
        maps[pixel] = phi / channels as f64;
        maps[pixels + pixel] = (saliency / channels as f64).max(0.0);
    }
    maps
}

/// Maximum of map 1.
pub(super) fn saliency_maximum(maps: &[f64], shape: Shape) -> f64 {
    maps[shape.pixels() as usize..].iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// `H` of one element: `sigmoid(10 div(v, max(v)))`.
fn squashed(v: f64, maximum: f64) -> f64 {
    1.0 / (1.0 + (-10.0 * safe_divide(v, maximum)).exp())
}

/// `Q`, (channels, 1, 2): per channel the mean of `H` where `phi < 0`, then where `phi > 0`; `phi` is the first of
/// `maps`.
pub(super) fn basis(v: &[f64], maximum: f64, maps: &[f64], shape: Shape) -> Vec<f64> {
    let pixels = shape.pixels() as usize;
    let phi = &maps[..pixels];
    let mean = |channel: &[f64], belongs: fn(f64) -> bool| {
        let chosen = || channel.iter().zip(phi).filter(|(_, phi)| belongs(**phi)).map(|(v, _)| squashed(*v, maximum));
        safe_divide(chosen().sum(), chosen().count() as f64)
    };
    v.chunks(pixels).flat_map(|channel| [mean(channel, |phi| phi < 0.0), mean(channel, |phi| phi > 0.0)]).collect()
}

/// `factor(v, phi)`, one value per pixel, given `Q`: `Z_+ - Z_-`.
pub(super) fn factor(v: &[f64], maximum: f64, basis: &[f64], shape: Shape) -> Vec<f64> {
    factors(v, maximum, basis, shape).into_iter().map(|[negative, positive]| positive - negative).collect()
}

/// `Z = relu((Q^T Q + I)^-1 Q^T H)`, of each pixel `Z_-` and `Z_+`.
pub(super) fn factors(v: &[f64], maximum: f64, basis: &[f64], shape: Shape) -> Vec<[f64; 2]> {
    let [channels, pixels] = [shape.channels as usize, shape.pixels() as usize];
    let q = |channel: usize| [basis[2 * channel], basis[2 * channel + 1]];
    let mut gram = [[1.0, 0.0], [0.0, 1.0]];
    for channel in 0..channels {
        let q = q(channel);
        for row in 0..2 {
            for column in 0..2 {
                gram[row][column] += q[row] * q[column];
            }
        }
    }
    let [[a, b], [_, d]] = gram;
    let determinant = a * d - b * b;
    let at = |pixel: usize| {
        let mut projected = [0.0, 0.0];
        for channel in 0..channels {
            let h = squashed(v[channel * pixels + pixel], maximum);
            let [negative, positive] = q(channel);
            projected[0] += negative * h;
            projected[1] += positive * h;
        }
        let negative = (d * projected[0] - b * projected[1]) / determinant;
        let positive = (a * projected[1] - b * projected[0]) / determinant;
        [negative.max(0.0), positive.max(0.0)]
    };
    (0..pixels).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_may_have_one_value_per_channel() {
        let shape = Shape::new(2, 1, 3);
        let (c, x) = ([1.0, 2.0, 3.0, 3.0, -2.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let whole = [2.0, 2.0, 2.0, -1.0, -1.0, -1.0];
        let expected = [2.0, 0.0, 2.0, 0.0, 0.0, 0.0];
        assert_eq!(saliency_maps(&c, &x, &whole, shape), expected);
        assert_eq!(saliency_maps(&c, &x, &whole[2..4], shape), expected);
        let other = saliency_maps(&c, &x, &[-1.0, 2.0], shape);
        assert_eq!(other[3..], [3.5, 4.0, 4.5]);
    }
}
