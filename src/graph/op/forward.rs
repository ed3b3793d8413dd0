//! What networks are made of.

use super::{Activation, Function};
use crate::graph::{BatchNormId, ConvolutionId, LinearId, Window};

/// An operation of a network. Each has a gradient (`methods/gradient.rs`) and relevance rules (`methods/relevance/`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Forward {
    /// The normalised picture.
    Input,
    /// (x) `W * x [+ b]`, correlation.
    Convolve {
        /// Layer.
        layer: ConvolutionId,
        /// Whether the bias is added.
        bias: bool,
    },
    /// (x) `W x [+ b]` over the flattened input.
    Linear {
        /// Layer.
        layer: LinearId,
        /// Whether the bias is added.
        bias: bool,
    },
    /// (x) batch normalisation in inference.
    BatchNorm(BatchNormId),
    /// (x) ReLU or ReLU6.
    Clamp(Activation),
    /// (x) another elementwise function.
    Activate(Function),
    /// (x) maximum over each window.
    MaxPool(Window),
    /// (x) adaptive average pooling: output row i averages rows `floor(i H / h)` to `ceil((i+1) H / h)`.
    AveragePool {
        /// Output rows.
        height: u32,
        /// Output columns.
        width: u32,
    },
    /// (a, b) `a + b`. `b` may be a scalar, one value per channel, or of the shape of `a`, here and below.
    Add,
    /// (a, b) `a - b`.
    Subtract,
    /// (a, b) `a * b`.
    Multiply,
    /// (a, b, ...) the channels of all inputs, one input behind the other.
    Concat,
    /// (x) the channels from `first` on.
    Slice {
        /// First channel.
        first: u32,
        /// Number of channels.
        channels: u32,
    },
    /// (y) a single value: `(y / 2, -y / 2)`, whose softmax is the sigmoid of y and its complement.
    LogitPair,
    /// () a vector that comes with the picture, and is a constant of it: the logits of another picture.
    Given {
        /// Number of elements.
        channels: u32,
    },
    /// (y, r) `y - r`, r being a constant of the picture.
    Against,
    /// (x) `x / |x|` with the Euclidean length as a constant of the picture; 0 where x is 0.
    Normalize,
}

impl Forward {
    /// Whether it is a product with a layer's weights.
    pub const fn has_weights(&self) -> bool {
        match self {
            Forward::Convolve { .. } | Forward::Linear { .. } => true,
            Forward::Input
            | Forward::BatchNorm(_)
            | Forward::Clamp(_)
            | Forward::Activate(_)
            | Forward::MaxPool(_)
            | Forward::AveragePool { .. }
            | Forward::Add
            | Forward::Subtract
            | Forward::Multiply
            | Forward::Concat
            | Forward::Slice { .. }
            | Forward::LogitPair
            | Forward::Given { .. }
            | Forward::Against
            | Forward::Normalize => false,
        }
    }

    /// Short name without parameters.
    pub const fn name(&self) -> &'static str {
        match self {
            Forward::Input => "input",
            Forward::Convolve { .. } => "convolve",
            Forward::Linear { .. } => "linear",
            Forward::BatchNorm(_) => "batch_norm",
            Forward::Clamp(_) => "clamp",
            Forward::Activate(_) => "activate",
            Forward::MaxPool(_) => "max_pool",
            Forward::AveragePool { .. } => "average_pool",
            Forward::Add => "add",
            Forward::Subtract => "subtract",
            Forward::Multiply => "multiply",
            Forward::Concat => "concat",
            Forward::Slice { .. } => "slice",
            Forward::LogitPair => "logit_pair",
            Forward::Given { .. } => "given",
            Forward::Against => "against",
            Forward::Normalize => "normalize",
        }
    }
}
