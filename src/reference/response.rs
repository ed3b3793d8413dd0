//! The reference's local response normalisation.

use crate::graph::{ResponseNormalization, Shape};
use std::ops::Range;

/// `x / s^beta`
pub(super) fn normalized(of: ResponseNormalization, x: &[f64], shape: Shape) -> Vec<f64> {
    let sums = sums(of, x, shape);
    x.iter().zip(&sums).map(|(x, s)| x * s.powf(-f64::from(of.beta.value()))).collect()
}

/// `g_j s_j^-beta - 2 alpha beta / size x_j sum_i g_i x_i s_i^(-beta - 1)` over the channels i whose sums hold channel
/// j.
pub(super) fn gradient(of: ResponseNormalization, g: &[f64], x: &[f64], shape: Shape) -> Vec<f64> {
    let (sums, pixels) = (sums(of, x, shape), shape.pixels() as usize);
    let beta = f64::from(of.beta.value());
    let factor = 2.0 * f64::from(of.alpha.value()) * beta / f64::from(of.size);
    let mut at_input: Vec<f64> = g.iter().zip(&sums).map(|(g, s)| g * s.powf(-beta)).collect();
    for (to, s) in sums.iter().enumerate() {
        for channel in around(of, to / pixels, shape) {
            let from = channel * pixels + to % pixels;
            at_input[from] -= factor * x[from] * g[to] * x[to] * s.powf(-beta - 1.0);
        }
    }
    at_input
}

/// `bias + alpha / size * sum(x^2)` for each element.
fn sums(of: ResponseNormalization, x: &[f64], shape: Shape) -> Vec<f64> {
    let pixels = shape.pixels() as usize;
    let sum = |element: usize| {
        let squares = around(of, element / pixels, shape).map(|channel| x[channel * pixels + element % pixels].powi(2));
        f64::from(of.bias.value()) + f64::from(of.alpha.value()) / f64::from(of.size) * squares.sum::<f64>()
    };
    (0..x.len()).map(sum).collect()
}

/// The channels that a channel's sum is over.
fn around(of: ResponseNormalization, channel: usize, shape: Shape) -> Range<usize> {
    let (before, behind) = ((of.size as usize - 1) / 2, of.size as usize / 2);
    channel.saturating_sub(before)..(channel + behind + 1).min(shape.channels as usize)
}
