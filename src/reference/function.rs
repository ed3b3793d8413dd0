//! The reference's activations and their derivatives.

use crate::graph::Function;
use std::f64::consts::{FRAC_2_SQRT_PI, PI, SQRT_2};

/// `f(x)`
pub(super) fn value(function: Function, x: f64) -> f64 {
    let [first, second] = function.constants().map(f64::from);
    match function {
        Function::LeakyRelu { .. } => {
            if x > 0.0 {
                x
            } else {
                first * x
            }
        }
        Function::Elu { .. } => elu(x, first),
        Function::Selu { .. } => second * elu(x, first),
        Function::Celu { .. } => {
            if x > 0.0 {
                x
            } else {
                first * (x / first).exp_m1()
            }
        }
        Function::Silu => x * sigmoid(x),
        Function::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Function::Sigmoid => sigmoid(x),
        Function::HardSigmoid { .. } => (first * x + second).clamp(0.0, 1.0),
        Function::Tanh => x.tanh(),
        Function::Erf => 2.0 * normal(x * SQRT_2) - 1.0,
        Function::Gelu => x * normal(x),
        Function::GeluTanh => x * (1.0 + inner(x).tanh()) / 2.0,
        Function::Mish => x * softplus(x).tanh(),
        Function::Softplus => softplus(x),
        Function::Clip { .. } => x.max(first).min(second),
    }
}

/// `f'(x)`; at a corner that of the left side, and 0 at the bounds of what is clipped.
pub(super) fn slope(function: Function, x: f64) -> f64 {
    let [first, second] = function.constants().map(f64::from);
    let within = |value: f64, low: f64, high: f64| if low < value && value < high { 1.0 } else { 0.0 };
    match function {
        Function::LeakyRelu { .. } => {
            if x > 0.0 {
                1.0
            } else {
                first
            }
        }
        Function::Elu { .. } => {
            if x > 0.0 {
                1.0
            } else {
                first * x.exp()
            }
        }
        Function::Selu { .. } => second * if x > 0.0 { 1.0 } else { first * x.exp() },
        Function::Celu { .. } => {
            if x > 0.0 {
                1.0
            } else {
                (x / first).exp()
            }
        }
        Function::Silu => sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x))),
        Function::HardSwish if x >= 3.0 => 1.0,
        Function::HardSwish => within(x, -3.0, 3.0) * (2.0 * x + 3.0) / 6.0,
        Function::Sigmoid => sigmoid(x) * (1.0 - sigmoid(x)),
        Function::HardSigmoid { .. } => first * within(first * x + second, 0.0, 1.0),
        Function::Tanh => 1.0 - x.tanh().powi(2),
        Function::Erf => FRAC_2_SQRT_PI * (-x * x).exp(),
        Function::Gelu => normal(x) + x * (-x * x / 2.0).exp() / (2.0 * PI).sqrt(),
        Function::GeluTanh => {
            let t = inner(x).tanh();
            (1.0 + t) / 2.0 + x / 2.0 * (1.0 - t * t) * (2.0 / PI).sqrt() * (1.0 + 3.0 * 0.044715 * x * x)
        }
        Function::Mish => {
            let t = softplus(x).tanh();
            t + x * (1.0 - t * t) * sigmoid(x)
        }
        Function::Softplus => sigmoid(x),
        Function::Clip { .. } => within(x, first, second),
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn elu(x: f64, alpha: f64) -> f64 {
    if x > 0.0 { x } else { alpha * x.exp_m1() }
}

fn inner(x: f64) -> f64 {
    (2.0 / PI).sqrt() * (x + 0.044715 * x.powi(3))
}

/// The normal distribution's `(1 + erf(x / sqrt(2))) / 2`, with `erf(z) = 2 / sqrt(pi) exp(-z^2) sum_n 2^n z^(2n+1) /
/// (2n+1)!!`.
fn normal(x: f64) -> f64 {
    let z = x / SQRT_2;
    if z.abs() > 6.0 {
        return if z > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut term, mut sum, mut n) = (z, 0.0, 0.0);
    while sum + term != sum {
        sum += term;
        n += 1.0;
        term *= 2.0 * z * z / (2.0 * n + 1.0);
    }
    (1.0 + FRAC_2_SQRT_PI * (-z * z).exp() * sum) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Constant;

    #[test]
    fn corners_have_the_slope_of_their_left_side_and_bounds_none() {
        let constant = Constant::new;
        let clip = Function::Clip { low: constant(-1.0), high: constant(2.0) };
        let hard_sigmoid = Function::HardSigmoid { slope: constant(0.25), offset: constant(0.5) };
        for (function, x, expected) in [
            (Function::LeakyRelu { slope: constant(0.125) }, 0.0, 0.125),
            (Function::Elu { alpha: constant(0.5) }, 0.0, 0.5),
            (Function::Selu { alpha: constant(0.5), gamma: constant(3.0) }, 0.0, 1.5),
            (Function::HardSwish, -3.0, 0.0),
            (Function::HardSwish, 2.75, 8.5 / 6.0),
            (Function::HardSwish, 3.0, 1.0),
            (hard_sigmoid, -2.0, 0.0),
            (hard_sigmoid, 1.75, 0.25),
            (hard_sigmoid, 2.0, 0.0),
            (clip, -1.0, 0.0),
            (clip, 0.0, 1.0),
            (clip, 2.0, 0.0),
        ] {
            assert_eq!(slope(function, x), expected, "{function:?} at {x}");
        }
        assert_eq!([-1e3, -9.0, 9.0, 1e3].map(|x| value(Function::Erf, x)), [-1.0, -1.0, 1.0, 1.0]);
    }
}
