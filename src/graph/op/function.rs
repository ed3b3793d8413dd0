//! Activations that do not clamp from 0 on.

use super::Constant;

/// An elementwise function of a network, given `x`; `s(x) = 1 / (1 + exp(-x))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `x`, and `slope * x` where x is not positive.
    LeakyRelu {
        /// Slope on the negative side.
        slope: Constant,
    },
    /// `x`, and `alpha (exp(x) - 1)` where x is not positive.
    Elu {
        /// What it tends to on the negative side, without its sign.
        alpha: Constant,
    },
    /// `gamma` times ELU with `alpha`.
    Selu {
        /// As ELU's.
        alpha: Constant,
        /// Factor.
        gamma: Constant,
    },
    /// `x`, and `alpha (exp(x / alpha) - 1)` where x is not positive.
    Celu {
        /// What it tends to on the negative side, without its sign; above 0.
        alpha: Constant,
    },
    /// `x s(x)`
    Silu,
    /// `x min(max(x + 3, 0), 6) / 6`
    HardSwish,
    /// `s(x)`
    Sigmoid,
    /// `min(max(slope * x + offset, 0), 1)`
    HardSigmoid {
        /// Slope.
        slope: Constant,
        /// Value at 0.
        offset: Constant,
    },
    /// `tanh(x)`
    Tanh,
    /// `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to x.
    Erf,
    /// `x (1 + erf(x / sqrt(2))) / 2`
    Gelu,
    /// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`
    GeluTanh,
    /// `x tanh(log(1 + exp(x)))`
    Mish,
    /// `log(1 + exp(x))`
    Softplus,
    /// `min(max(x, low), high)`
    Clip {
        /// Lower bound.
        low: Constant,
        /// Upper bound.
        high: Constant,
    },
}

impl Function {
    /// SELU with the constants that keep mean 0 and variance 1 (Klambauer et al., NeurIPS 2017).
    pub const SELU: Function = Function::Selu { alpha: Constant::new(1.673_263_2), gamma: Constant::new(1.050_701) };

    /// Whether 0 gives 0, so that a value of exactly 0 stands for nothing.
    pub const fn keeps_zero(self) -> bool {
        match self {
            Function::Sigmoid | Function::HardSigmoid { .. } | Function::Softplus => false,
            Function::Clip { low, high } => low.value() <= 0.0 && high.value() >= 0.0,
            Function::LeakyRelu { .. }
            | Function::Elu { .. }
            | Function::Selu { .. }
            | Function::Celu { .. }
            | Function::Silu
            | Function::HardSwish
            | Function::Tanh
            | Function::Erf
            | Function::Gelu
            | Function::GeluTanh
            | Function::Mish => true,
        }
    }

    /// Whether all values lie between bounds, as those of a gate do.
    pub const fn is_bounded(self) -> bool {
        match self {
            Function::Sigmoid
            | Function::HardSigmoid { .. }
            | Function::Tanh
            | Function::Erf
            | Function::Clip { .. } => true,
            Function::LeakyRelu { .. }
            | Function::Elu { .. }
            | Function::Selu { .. }
            | Function::Celu { .. }
            | Function::Silu
            | Function::HardSwish
            | Function::Gelu
            | Function::GeluTanh
            | Function::Mish
            | Function::Softplus => false,
        }
    }

    /// Whether no value is negative.
    pub const fn is_non_negative(self) -> bool {
        match self {
            Function::Sigmoid | Function::HardSigmoid { .. } | Function::Softplus => true,
            Function::Clip { low, .. } => low.value() >= 0.0,
            Function::LeakyRelu { .. }
            | Function::Elu { .. }
            | Function::Selu { .. }
            | Function::Celu { .. }
            | Function::Silu
            | Function::HardSwish
            | Function::Tanh
            | Function::Erf
            | Function::Gelu
            | Function::GeluTanh
            | Function::Mish => false,
        }
    }

    /// Its numbers, 0 where it has fewer than two.
    pub const fn constants(self) -> [f32; 2] {
        match self {
            Function::LeakyRelu { slope } => [slope.value(), 0.0],
            Function::Elu { alpha } | Function::Celu { alpha } => [alpha.value(), 0.0],
            Function::Selu { alpha, gamma } => [alpha.value(), gamma.value()],
            Function::HardSigmoid { slope, offset } => [slope.value(), offset.value()],
            Function::Clip { low, high } => [low.value(), high.value()],
            Function::Silu
            | Function::HardSwish
            | Function::Sigmoid
            | Function::Tanh
            | Function::Erf
            | Function::Gelu
            | Function::GeluTanh
            | Function::Mish
            | Function::Softplus => [0.0, 0.0],
        }
    }
}
