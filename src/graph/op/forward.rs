//! What networks are made of.

use super::{Activation, Averaging, Constant, Function, Order, Region, ResponseNormalization};
use crate::graph::{BatchNormId, ConvolutionId, LinearId, Shape, SlopeId, Window};

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
    /// (x) `x`, and the channel's slope times `x` where x is not positive.
    ParametricRelu(SlopeId),
    /// (x) local response normalisation.
    NormalizeResponse(ResponseNormalization),
    /// (x) at each pixel the channels less their mean, divided by `sqrt(variance + epsilon)`: layer normalisation
    /// without its factors.
    NormalizeChannels {
        /// Added to the variance, above 0.
        epsilon: Constant,
    },
    /// (x) maximum over each window.
    MaxPool(Window),
    /// (x) adaptive average pooling: output row i averages rows `floor(i H / h)` to `ceil((i+1) H / h)`.
    AveragePool {
        /// Output rows.
        height: u32,
        /// Output columns.
        width: u32,
    },
    /// (x) mean over each window.
    AverageWindows(Averaging),
    /// (a, b) `a + b`. `b` may be a scalar, one value per channel, or of the shape of `a`, here and below.
    Add,
    /// (a, b) `a - b`.
    Subtract,
    /// (a, b) `a * b`.
    Multiply,
    /// (a, b, ...) the channels of all inputs, one input behind the other.
    Concat,
    /// (x) a part of x.
    Slice(Region),
    /// (x) a value of this shape with x as the region, and 0 elsewhere: the transpose of `Slice`.
    Pad {
        /// Where x is put.
        region: Region,
        /// Shape of the result.
        shape: Shape,
    },
    /// (x) channels cut into so many groups, and taken from the groups in turn: the result's channel `i groups + k` is
    /// the `i`th of group `k`.
    Shuffle {
        /// Number of groups.
        groups: u32,
    },
    /// (x) channels, rows and columns in another order.
    Transpose(Order),
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
            | Forward::ParametricRelu(_)
            | Forward::NormalizeResponse(_)
            | Forward::NormalizeChannels { .. }
            | Forward::MaxPool(_)
            | Forward::AveragePool { .. }
            | Forward::AverageWindows(_)
            | Forward::Add
            | Forward::Subtract
            | Forward::Multiply
            | Forward::Concat
            | Forward::Slice(_)
            | Forward::Pad { .. }
            | Forward::Shuffle { .. }
            | Forward::Transpose(_)
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
            Forward::ParametricRelu(_) => "parametric_relu",
            Forward::NormalizeResponse(_) => "normalize_response",
            Forward::NormalizeChannels { .. } => "normalize_channels",
            Forward::MaxPool(_) => "max_pool",
            Forward::AveragePool { .. } => "average_pool",
            Forward::AverageWindows(_) => "average_windows",
            Forward::Add => "add",
            Forward::Subtract => "subtract",
            Forward::Multiply => "multiply",
            Forward::Concat => "concat",
            Forward::Slice(_) => "slice",
            Forward::Pad { .. } => "pad",
            Forward::Shuffle { .. } => "shuffle",
            Forward::Transpose(_) => "transpose",
            Forward::LogitPair => "logit_pair",
            Forward::Given { .. } => "given",
            Forward::Against => "against",
            Forward::Normalize => "normalize",
        }
    }
}
