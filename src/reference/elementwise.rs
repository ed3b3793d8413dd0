//! The reference's operations that look at one element, or reduce all elements to one.

use crate::graph::{Activation, Binary, Reduction, Shape, Unary};

/// `div(a, b)` of the method: 0 where `b` is 0, else `a / (b + 1e-9)`; a denominator of exactly 0 becomes 1e-9.
pub(super) fn safe_divide(a: f64, b: f64) -> f64 {
    const EPSILON: f64 = 1e-9;
    if b == 0.0 {
        return 0.0;
    }
    let denominator = b + EPSILON;
    a / if denominator == 0.0 { EPSILON } else { denominator }
}

/// `a / |x|`, and 0 where x is 0.
pub(super) fn by_length(a: &[f64], x: &[f64]) -> Vec<f64> {
    let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    a.iter().map(|&a| if length == 0.0 { 0.0 } else { a / length }).collect()
}

pub(super) fn unary(unary: Unary, x: &[f64]) -> Vec<f64> {
    let value = |&x: &f64| match unary {
        Unary::Scale(factor) => f64::from(factor.value()) * x,
        Unary::Stabilize(epsilon) if x < 0.0 => x - f64::from(epsilon.value()),
        Unary::Stabilize(epsilon) => x + f64::from(epsilon.value()),
    };
    x.iter().map(value).collect()
}

/// `combine` of every element of `a` and what `b` has for it: its only value, that of the channel, or that of the
/// element.
pub(super) fn combined(
    a: &[f64],
    a_shape: Shape,
    b: &[f64],
    b_shape: Shape,
    combine: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    let pixels = a_shape.pixels() as usize;
    let second = |index: usize| match b_shape {
        _ if b_shape == a_shape => b[index],
        Shape::SCALAR => b[0],
        _ => b[index / pixels],
    };
    a.iter().enumerate().map(|(index, &a)| combine(a, second(index))).collect()
}

pub(super) fn binary(binary: Binary, a: f64, b: f64) -> f64 {
    match binary {
        Binary::AddAbsolute => a.abs() + b.abs(),
        Binary::MultiplyAbsolute => a * b.abs(),
        Binary::Divide if b == 0.0 => 0.0,
        Binary::Divide => a / b,
        Binary::SafeDivide => safe_divide(a, b),
        Binary::Ratio => safe_divide(a, if a == 0.0 { 0.0 } else { b }),
        Binary::Mask if b == 0.0 => 0.0,
        Binary::Mask => a,
    }
}

pub(super) fn reduce(reduction: Reduction, v: &[f64]) -> f64 {
    match reduction {
        Reduction::Maximum => v.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Reduction::Minimum => v.iter().copied().fold(f64::INFINITY, f64::min),
        Reduction::Sum => v.iter().sum(),
        Reduction::MaximumAbsolute => v.iter().map(|value| value.abs()).fold(f64::NEG_INFINITY, f64::max),
        Reduction::MinimumAbsolute => v.iter().map(|value| value.abs()).fold(f64::INFINITY, f64::min),
        Reduction::SumAbsolute => v.iter().map(|value| value.abs()).sum(),
        Reduction::CountNonZero => v.iter().filter(|&&value| value != 0.0).count() as f64,
    }
}

pub(super) fn clamp(activation: Activation, x: &[f64]) -> Vec<f64> {
    x.iter().map(|&x| x.max(0.0).min(f64::from(activation.ceiling()))).collect()
}

/// `g` where the output `y` is strictly between its bounds.
pub(super) fn clamp_gradient(activation: Activation, g: &[f64], y: &[f64]) -> Vec<f64> {
    g.iter().zip(y).map(|(&g, &y)| if is_between_bounds(activation, y) { g } else { 0.0 }).collect()
}

/// `y * div(c, y)` where the output `y` is strictly between its bounds.
pub(super) fn clamp_relevance(activation: Activation, c: &[f64], y: &[f64]) -> Vec<f64> {
    let relevance = |(&c, &y): (&f64, &f64)| if is_between_bounds(activation, y) { y * safe_divide(c, y) } else { 0.0 };
    c.iter().zip(y).map(relevance).collect()
}

fn is_between_bounds(activation: Activation, y: f64) -> bool {
    y > 0.0 && y < f64::from(activation.ceiling())
}

/// The values of a batch normalisation, one per channel each.
pub(super) struct PerChannel<'a> {
    pub weight: &'a [f32],
    pub bias: &'a [f32],
    pub mean: &'a [f32],
    pub variance: &'a [f32],
    pub epsilon: f64,
}

impl PerChannel<'_> {
    /// `weight / sqrt(variance + epsilon)` of a channel.
    pub fn scale(&self, channel: usize) -> f64 {
        f64::from(self.weight[channel]) / (f64::from(self.variance[channel]) + self.epsilon).sqrt()
    }

    /// What is added once mean and scale are multiplied out: `bias - weight * mean / sqrt(variance + epsilon)`.
    pub fn effective_bias(&self) -> Vec<f64> {
        let of = |channel: usize| f64::from(self.bias[channel]) - f64::from(self.mean[channel]) * self.scale(channel);
        (0..self.bias.len()).map(of).collect()
    }
}

pub(super) fn batch_norm(layer: &PerChannel, x: &[f64], shape: Shape) -> Vec<f64> {
    let pixels = shape.pixels() as usize;
    let value = |(index, &x): (usize, &f64)| {
        let channel = index / pixels;
        (x - f64::from(layer.mean[channel])) * layer.scale(channel) + f64::from(layer.bias[channel])
    };
    x.iter().enumerate().map(value).collect()
}

pub(super) fn batch_norm_gradient(layer: &PerChannel, g: &[f64], shape: Shape) -> Vec<f64> {
    let pixels = shape.pixels() as usize;
    g.iter().enumerate().map(|(index, g)| g * layer.scale(index / pixels)).collect()
}

/// Each element times the value of its channel.
pub(super) fn per_channel(v: &[f64], factors: &[f64], shape: Shape) -> Vec<f64> {
    let pixels = shape.pixels() as usize;
    v.iter().enumerate().map(|(index, v)| v * factors[index / pixels]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Constant;

    #[test]
    fn zeros_have_a_side_and_divide_nothing() {
        let stabilize = Unary::Stabilize(Constant::new(0.5));
        assert_eq!(unary(stabilize, &[-2.0, 0.0, 2.0]), [-2.5, 0.5, 2.5]);
        for (op, of_zero, of_two) in [(Binary::Divide, 0.0, 1.5), (Binary::Mask, 0.0, 3.0)] {
            assert_eq!((binary(op, 3.0, 0.0), binary(op, 3.0, 2.0)), (of_zero, of_two), "{op:?}");
        }
    }
}
