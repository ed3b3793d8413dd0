//! What the operations of a graph are parametrised by. Notation as in [`op`](super).

use crate::graph::{BatchNormId, ConvolutionId, LinearId, Padding, Window};

/// Which part of a weight or input enters a linear map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The value itself.
    Full,
    /// `|v|`.
    Absolute,
    /// `max(v, 0)`.
    Positive,
    /// `min(v, 0)`.
    Negative,
}

/// A clamping activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), ceiling)`.
    Capped {
        /// Upper bound, above 0.
        ceiling: Constant,
    },
}

impl Activation {
    /// `min(max(x, 0), 6)`.
    pub const RELU6: Activation = Activation::Capped { ceiling: Constant::new(6.0) };

    /// Values at or above this pass no gradient.
    pub const fn ceiling(self) -> f32 {
        match self {
            Activation::Relu => f32::MAX,
            Activation::Capped { ceiling } => ceiling.value(),
        }
    }
}

/// Windows that are averaged: the sum over each window's pixels divided by the number of its positions that lie in the
/// picture or in that part of the padding which counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Averaging {
    /// The windows. Their padding may reach beyond what counts, where a last window shall not be left out.
    pub window: Window,
    /// The padding whose zeros count; on each side no more than the window's.
    pub counted: Padding,
}

/// Local response normalisation: `x / (bias + alpha / size * sum(x^2))^beta`, the sum being over `size` channels around
/// each one, of an even number one more behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResponseNormalization {
    /// Number of channels that are summed over.
    pub size: u32,
    /// Factor of the mean square.
    pub alpha: Constant,
    /// Exponent.
    pub beta: Constant,
    /// What is added to the mean square, above 0.
    pub bias: Constant,
}

/// An elementwise operation of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `|a| + |b|`
    AddAbsolute,
    /// `a * |b|`
    MultiplyAbsolute,
    /// `a / b`, and 0 where `b` is 0.
    Divide,
    /// `div(a, b)`
    SafeDivide,
    /// `div(a, b * [a != 0])`: relevance `a` over a response `b`.
    Ratio,
    /// `a * [b != 0]`
    Mask,
}

impl Binary {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Binary::AddAbsolute => "add_absolute",
            Binary::MultiplyAbsolute => "multiply_absolute",
            Binary::Divide => "divide",
            Binary::SafeDivide => "safe_divide",
            Binary::Ratio => "ratio",
            Binary::Mask => "mask",
        }
    }
}

/// A finite constant of an operation, compared by its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Constant(u32);

impl Constant {
    /// From a value.
    pub const fn new(value: f32) -> Self {
        Self(value.to_bits())
    }

    /// The value.
    pub const fn value(self) -> f32 {
        f32::from_bits(self.0)
    }
}

/// An elementwise operation of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `factor * x`
    Scale(Constant),
    /// `x + epsilon sign(x)`, with `sign(0) = 1`: never nearer to 0 than `epsilon`.
    Stabilize(Constant),
}

impl Unary {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Unary::Scale(_) => "scale",
            Unary::Stabilize(_) => "stabilize",
        }
    }
}

/// What relevance begins with at the logits `y`, of which `t` is the target and `K` the number; `p = softmax(y)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogitRelevance {
    /// `y_t` at the target.
    Target,
    /// `y_t / (K - 1)` at every other class.
    Others,
    /// `p_t (1 - p_t)` at the target: the target's part of the gradient of `p_t`.
    SoftmaxTarget,
    /// `p_t p_k` at every other class: the negated rest of that gradient.
    SoftmaxOthers,
}

/// A reduction over all channels and pixels of one sample to a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Largest value.
    Maximum,
    /// Smallest value.
    Minimum,
    /// Sum.
    Sum,
    /// Number of elements that are not exactly zero.
    CountNonZero,
    /// Largest absolute value.
    MaximumAbsolute,
    /// Smallest absolute value.
    MinimumAbsolute,
    /// Sum of absolute values.
    SumAbsolute,
}

impl Reduction {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Reduction::Maximum => "maximum",
            Reduction::Minimum => "minimum",
            Reduction::Sum => "sum",
            Reduction::CountNonZero => "count_non_zero",
            Reduction::MaximumAbsolute => "maximum_absolute",
            Reduction::MinimumAbsolute => "minimum_absolute",
            Reduction::SumAbsolute => "sum_absolute",
        }
    }
}

/// A layer that adds one value per channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bias {
    /// A convolution's bias.
    Convolution(ConvolutionId),
    /// A linear layer's bias.
    Linear(LinearId),
    /// A batch normalisation's effective bias, `bias - weight * mean / sqrt(variance + epsilon)`.
    BatchNorm(BatchNormId),
}

/// What the host says of one variation of a method that runs a picture several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VariationField {
    /// Number of the variation, from 0; below 2^24.
    Index,
    /// A factor.
    Scale,
    /// A summand.
    Offset,
}

/// Which terms of the residual of a `full` convolution are used; all by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResidualTerms {
    /// `F_x`, the factorization of the input.
    pub factor_x: bool,
    /// `M`, the input times gradient map.
    pub saliency: bool,
    /// Whether `M` is divided by its maximum.
    pub normalized: bool,
    /// Whether `F_x + M` is divided by `1 + exp(-C)`.
    pub regularized: bool,
    /// `F_dx`, the factorization of the masked gradient.
    pub factor_dx: bool,
    /// `A`, the input-agnostic relevance.
    pub agnostic: bool,
}

impl Default for ResidualTerms {
    fn default() -> Self {
        Self { factor_x: true, saliency: true, normalized: true, regularized: true, factor_dx: true, agnostic: true }
    }
}
