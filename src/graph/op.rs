//! The operations of a graph. Notation follows the method's paper: `x` a layer's input, `W` its weight, `c` relevance arriving
//! at its output, `C` the gradient-free relevance, `g` a gradient; `div(a, b)` is 0 where `b` is 0, else `a / (b + 1e-9)`.

use super::{
    Activation, BatchNormId, Bias, Binary, ConvolutionId, LinearId, LogitRelevance, Part, PassField, Reduction,
    ResidualTerms, Unary, Window,
};

/// An operation. Inputs are listed in order in parentheses; shapes are (channels, height, width) of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The normalised picture.
    Input,
    /// The class asked for in a slot, a scalar: an id, or `-1 - rank` for the class of that rank (0 = best).
    ClassRequest {
        /// Slot number.
        slot: u32,
    },

    /// What the host says of this pass, a scalar.
    PassRequest(PassField),

    /// (x) `part(W) * part(x) [+ b]`, correlation.
    Convolve {
        /// Layer.
        layer: ConvolutionId,
        /// Part of the weight.
        weight: Part,
        /// Part of the input.
        input: Part,
        /// Whether the bias is added.
        bias: bool,
    },
    /// (v) the transpose of `Convolve` for a convolution input of `height` x `width`.
    ConvolveTranspose {
        /// Layer.
        layer: ConvolutionId,
        /// Part of the weight.
        weight: Part,
        /// Rows of the convolution's input.
        height: u32,
        /// Columns of the convolution's input.
        width: u32,
    },
    /// (g, c, bwd(W, g)) `bwd(W, g [c != 0])`, which is its third input wherever the mask takes nothing: the usual case, then
    /// free of cost.
    ConvolveTransposeMasked {
        /// Layer.
        layer: ConvolutionId,
        /// Rows of the convolution's input.
        height: u32,
        /// Columns of the convolution's input.
        width: u32,
    },
    /// () `part(W) * 1` with an all-ones input of `height` x `width`: the same for every sample.
    ConvolveOnes {
        /// Layer.
        layer: ConvolutionId,
        /// Part of the weight.
        weight: Part,
        /// Rows of the convolution's input.
        height: u32,
        /// Columns of the convolution's input.
        width: u32,
    },
    /// (x) `part(W) part(x) [+ b]` over the flattened input.
    Linear {
        /// Layer.
        layer: LinearId,
        /// Part of the weight.
        weight: Part,
        /// Part of the input.
        input: Part,
        /// Whether the bias is added.
        bias: bool,
    },
    /// (v) the transpose of `Linear`, in the shape of the layer's input.
    LinearTranspose {
        /// Layer.
        layer: LinearId,
        /// Part of the weight.
        weight: Part,
    },
    /// () `part(W) 1` with an all-ones input: the same for every sample.
    LinearOnes {
        /// Layer.
        layer: LinearId,
        /// Part of the weight.
        weight: Part,
    },
    /// (x) batch normalisation in inference.
    BatchNorm(BatchNormId),
    /// (g) the gradient through a batch normalisation: `g * weight / sqrt(variance + epsilon)`.
    BatchNormGradient(BatchNormId),

    /// (x) ReLU or ReLU6.
    Clamp(Activation),
    /// (g, y) `g` where the activation's output `y` is strictly between its bounds, else 0.
    ClampGradient(Activation),
    /// (c, y) the ratio rule `y * div(c, y)` where `y` is strictly between the bounds, else 0: there input and output are equal.
    ClampRelevance(Activation),
    /// (x) maximum over each window.
    MaxPool(Window),
    /// (x) row-major position inside the window of its first maximum, as a float.
    MaxPoolIndex(Window),
    /// (v, index) adds each window's value to the pixel where its first maximum was; output `height` x `width`.
    MaxPoolTranspose {
        /// The window.
        window: Window,
        /// Rows of the pooled input.
        height: u32,
        /// Columns of the pooled input.
        width: u32,
    },
    /// (x) adaptive average pooling: output row i averages rows `floor(i H / h)` to `ceil((i+1) H / h)`.
    AveragePool {
        /// Output rows.
        height: u32,
        /// Output columns.
        width: u32,
    },
    /// (v) the transpose of `AveragePool` for an input of `height` x `width`.
    AveragePoolTranspose {
        /// Rows of the pooled input.
        height: u32,
        /// Columns of the pooled input.
        width: u32,
    },
    /// (x) elementwise.
    Unary(Unary),
    /// (a, b) elementwise.
    Binary(Binary),
    /// (v) to a scalar.
    Reduce(Reduction),

    /// (logits, request) the class id that a request means for this sample; of equal logits the lowest id ranks first.
    ClassIndex,
    /// (logits, class) 1 at the class, 0 elsewhere: the gradient of the class's logit with respect to the logits.
    OneHot,
    /// (g) the gradient at a layer's output times the layer's bias, per channel.
    BiasGradient(Bias),
    /// (x, pass index) in the shape of x: independent standard normal values that depend on seed, pass and position alone. Philox 4x32-10
    /// (Salmon et al., 2011) with the seed as key and (pixel, channel quad, pass, 0) as counter gives four words; each pair (p, q) of
    /// them gives two values by Box-Muller, `sqrt(-2 ln u) cos(2 pi v)` and `... sin(2 pi v)`, `u = (p / 2^8 + 1) / 2^24` and
    /// `v = q / 2^8 / 2^24` with whole quotients.
    Noise {
        /// The seed.
        seed: u64,
    },
    /// (v) bilinear to `height` x `width`; pixel centres lie at half integers, positions outside of all centres take the edge's value.
    Resize {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
    },
    /// (v) sum over channels.
    ChannelSum,
    /// (v, min |v|, max |v|) sum over channels of `(|v| - min) / (max - min)`, of 0 where max and min are equal.
    ScaledMagnitude,
    /// (logits, class) the gradient of the target probability with respect to the logits (method section 1).
    TargetGradient,
    /// (logits, class) the first relevance of a walk that begins at the logits.
    LogitRelevance(LogitRelevance),
    /// (C, x, g) per pixel: channel 0 `phi = mean_ch(C)`, channel 1 `relu(mean_ch(x * g))`; g may be one value per channel.
    SaliencyMaps,
    /// (v, max(v), maps) `Q` of `factor`: per channel the mean of `sigmoid(10 div(v, max))` over the pixels with `phi < 0` (pixel 0)
    /// and `phi > 0` (pixel 1).
    FactorBasis,
    /// (x, max(x), basis of x, gm, max(gm), basis of gm) per pixel: channel 0 `factor(x)`, channel 1 `factor(gm)`, before the ReLU.
    FactorMaps,
    /// (C, A, saliency maps, max of map 1, factor maps) the residual `R` of a full convolution.
    Residual(ResidualTerms),
    /// (C, saliency maps) map 1 of the pixel where C is not zero, else 0.
    MaskedSaliency,
    /// (C, R, sum(R), count(C != 0)) `C + R - (sum / count) [C != 0]`: adds R without changing the total.
    Shift,
    /// (v) maximum of channel 1 of per-pixel maps, a scalar.
    SaliencyMaximum,
    /// (c, W*x, W+*1, W-*1, min(x), max(x)) `div(c, W*x - min W+*1 - max W-*1)`: the box rule's quotient.
    BoxRatio,
    /// (x, W+^T S, W-^T S, min(x), max(x)) `(x - min) W+^T S + (x - max) W-^T S`: the box rule's relevance.
    BoxRelevance,
    /// (relevance, max) the map: sum over channels of `relevance / max`, undivided where `max` is not positive.
    HeatMap,
    /// (v) a map that is not divided: sum over channels of v, or of |v|.
    PlainMap {
        /// Whether absolute values are summed.
        absolute: bool,
    },
}

impl Op {
    /// Whether the heavy work of this operation is a product with a layer's weights.
    pub fn is_heavy(&self) -> bool {
        matches!(
            self,
            Op::Convolve { .. }
                | Op::ConvolveTranspose { .. }
                | Op::ConvolveTransposeMasked { .. }
                | Op::Linear { .. }
                | Op::LinearTranspose { .. }
        )
    }

    /// Whether the host gives the value.
    pub fn is_given(&self) -> bool {
        matches!(self, Op::Input | Op::ClassRequest { .. } | Op::PassRequest(_))
    }

    /// Whether the value is a map, of one channel and stored as plain numbers instead of channel quads.
    pub fn is_map(&self) -> bool {
        matches!(self, Op::HeatMap | Op::PlainMap { .. })
    }

    /// Short name without parameters, as printed in plans.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input => "input",
            Op::ClassRequest { .. } => "class_request",
            Op::PassRequest(_) => "pass_request",
            Op::Convolve { .. } => "convolve",
            Op::ConvolveTranspose { .. } => "convolve_transpose",
            Op::ConvolveTransposeMasked { .. } => "convolve_transpose_masked",
            Op::ConvolveOnes { .. } => "convolve_ones",
            Op::Linear { .. } => "linear",
            Op::LinearTranspose { .. } => "linear_transpose",
            Op::LinearOnes { .. } => "linear_ones",
            Op::BatchNorm(_) => "batch_norm",
            Op::BatchNormGradient(_) => "batch_norm_gradient",
            Op::Clamp(_) => "clamp",
            Op::ClampGradient(_) => "clamp_gradient",
            Op::ClampRelevance(_) => "clamp_relevance",
            Op::MaxPool(_) => "max_pool",
            Op::MaxPoolIndex(_) => "max_pool_index",
            Op::MaxPoolTranspose { .. } => "max_pool_transpose",
            Op::AveragePool { .. } => "average_pool",
            Op::AveragePoolTranspose { .. } => "average_pool_transpose",
            Op::Unary(Unary::Scale(_)) => "scale",
            Op::Unary(Unary::Stabilize(_)) => "stabilize",
            Op::Binary(Binary::Add) => "add",
            Op::Binary(Binary::AddAbsolute) => "add_absolute",
            Op::Binary(Binary::Subtract) => "subtract",
            Op::Binary(Binary::Multiply) => "multiply",
            Op::Binary(Binary::MultiplyAbsolute) => "multiply_absolute",
            Op::Binary(Binary::Divide) => "divide",
            Op::Binary(Binary::SafeDivide) => "safe_divide",
            Op::Binary(Binary::Ratio) => "ratio",
            Op::Binary(Binary::Mask) => "mask",
            Op::Reduce(Reduction::Maximum) => "maximum",
            Op::Reduce(Reduction::Minimum) => "minimum",
            Op::Reduce(Reduction::Sum) => "sum",
            Op::Reduce(Reduction::CountNonZero) => "count_non_zero",
            Op::Reduce(Reduction::MaximumAbsolute) => "maximum_absolute",
            Op::Reduce(Reduction::MinimumAbsolute) => "minimum_absolute",
            Op::Reduce(Reduction::SumAbsolute) => "sum_absolute",
            Op::ClassIndex => "class_index",
            Op::OneHot => "one_hot",
            Op::BiasGradient(_) => "bias_gradient",
            Op::Noise { .. } => "noise",
            Op::Resize { .. } => "resize",
            Op::ChannelSum => "channel_sum",
            Op::ScaledMagnitude => "scaled_magnitude",
            Op::TargetGradient => "target_gradient",
            Op::LogitRelevance(_) => "logit_relevance",
            Op::SaliencyMaps => "saliency_maps",
            Op::FactorBasis => "factor_basis",
            Op::FactorMaps => "factor_maps",
            Op::Residual(_) => "residual",
            Op::MaskedSaliency => "masked_saliency",
            Op::Shift => "shift",
            Op::SaliencyMaximum => "saliency_maximum",
            Op::BoxRatio => "box_ratio",
            Op::BoxRelevance => "box_relevance",
            Op::HeatMap => "heat_map",
            Op::PlainMap { .. } => "plain_map",
        }
    }
}
