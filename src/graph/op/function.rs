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
    /// 1.0507009873554805 times ELU with alpha 1.6732632423543772.
    Selu,
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
    /// Whether 0 gives 0, so that a value of exactly 0 stands for nothing.
    pub const fn keeps_zero(self) -> bool {
        match self {
            Function::Sigmoid | Function::HardSigmoid { .. } | Function::Softplus => false,
            Function::Clip { low, high } => low.value() <= 0.0 && high.value() >= 0.0,
            Function::LeakyRelu { .. }
            | Function::Elu { .. }
            | Function::Selu
            | Function::Silu
            | Function::HardSwish
            | Function::Tanh
            | Function::Gelu
            | Function::GeluTanh
            | Function::Mish => true,
        }
    }

    /// Whether all values lie between bounds, as those of a gate do.
    pub const fn is_bounded(self) -> bool {
        match self {
            Function::Sigmoid | Function::HardSigmoid { .. } | Function::Tanh | Function::Clip { .. } => true,
            Function::LeakyRelu { .. }
            | Function::Elu { .. }
            | Function::Selu
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
            | Function::Selu
            | Function::Silu
            | Function::HardSwish
            | Function::Tanh
            | Function::Gelu
            | Function::GeluTanh
            | Function::Mish => false,
        }
    }

    /// Its numbers, 0 where it has fewer than two.
    pub const fn constants(self) -> [f32; 2] {
        match self {
            Function::LeakyRelu { slope } => [slope.value(), 0.0],
            Function::Elu { alpha } => [alpha.value(), 0.0],
            Function::HardSigmoid { slope, offset } => [slope.value(), offset.value()],
            Function::Clip { low, high } => [low.value(), high.value()],
            Function::Selu
            | Function::Silu
            | Function::HardSwish
            | Function::Sigmoid
            | Function::Tanh
            | Function::Gelu
            | Function::GeluTanh
            | Function::Mish
            | Function::Softplus => [0.0, 0.0],
        }
    }
}
