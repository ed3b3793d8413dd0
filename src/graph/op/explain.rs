//! What only explanations have: which class is meant, products with parts of weights, the steps of the relevance rules,
//! and maps.

use super::{Activation, Binary, LogitRelevance, Part, Reduction, ResidualTerms, Unary, VariationField};
use crate::graph::{ConvolutionId, LinearId};

/// An operation of an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Explain {
    /// The class asked for in a slot, a scalar: an id, or `-1 - rank` for the class of that rank (0 = best).
    ClassRequest {
        /// Slot number.
        slot: u32,
    },
    /// What the host says of this variation, a scalar.
    VariationRequest(VariationField),
    /// (logits, request) the class id that a request means for this sample; of equal logits the lowest id ranks first.
    ClassIndex,
    /// (logits, class) the first relevance of a walk that begins at the logits.
    LogitRelevance(LogitRelevance),

    /// (x) `part(W) * part(x)` of a convolution. Where both parts are whole, [`Op::convolve`](super::Op::convolve)
    /// makes it a forward operation.
    ConvolveParts {
        /// Layer.
        layer: ConvolutionId,
        /// Part of the weight.
        weight: Part,
        /// Part of the input.
        input: Part,
    },
    /// (g, c, bwd(W, g)) `bwd(W, g [c != 0])`, which is its third input wherever the mask takes nothing: the usual
    /// case, then free of cost.
    ConvolveTransposeMasked {
        /// Layer.
        layer: ConvolutionId,
        /// Rows of the convolution's input.
        height: u32,
        /// Columns of the convolution's input.
        width: u32,
    },
    /// () `part(W) * 1` with an all-ones input of `height` x `width`: equal for all samples.
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
    /// (x) `part(W) part(x)` of a linear layer. Where both parts are whole, [`Op::linear`](super::Op::linear) makes it
    /// a forward operation.
    LinearParts {
        /// Layer.
        layer: LinearId,
        /// Part of the weight.
        weight: Part,
        /// Part of the input.
        input: Part,
    },
    /// () `part(W) 1` with an all-ones input: equal for all samples.
    LinearOnes {
        /// Layer.
        layer: LinearId,
        /// Part of the weight.
        weight: Part,
    },
    /// (c, y) the ratio rule `y * div(c, y)` where `y` is strictly between the bounds, else 0: there input and output
    /// are equal.
    ClampRelevance(Activation),

    /// (x) elementwise.
    Unary(Unary),
    /// (a, b) elementwise. `b` may be a scalar, one value per channel, or of the shape of `a`.
    Binary(Binary),
    /// (v) to a scalar.
    Reduce(Reduction),

    /// (C, x, g) per pixel: channel 0 `phi = mean_ch(C)`, channel 1 `relu(mean_ch(x * g))`; g may be one value per
    /// channel.
    SaliencyMaps,
    /// (v) maximum of channel 1 of per-pixel maps, a scalar.
    SaliencyMaximum,
    /// (C, saliency maps) map 1 of the pixel where C is not zero, else 0.
    MaskedSaliency,
    /// (v, max(v), maps) `Q` of `factor`: per channel the mean of `sigmoid(10 div(v, max))` over the pixels with `phi <
    /// 0` (pixel 0) and `phi > 0` (pixel 1).
    FactorBasis,
    /// (x, max(x), basis of x, gm, max(gm), basis of gm) per pixel: channel 0 `factor(x)`, channel 1 `factor(gm)`,
    /// before the ReLU.
    FactorMaps,
    /// (C, A, saliency maps, max of map 1, factor maps) the residual `R` of a full convolution.
    Residual(ResidualTerms),
    /// (C, R, sum(R), count(C != 0)) `C + R - (sum / count) [C != 0]`: adds R without changing the total.
    Shift,
    /// (c, W*x, W+*1, W-*1, min(x), max(x)) `div(c, W*x - min W+*1 - max W-*1)`: the box rule's quotient.
    BoxRatio,
    /// (x, W+^T S, W-^T S, min(x), max(x)) `(x - min) W+^T S + (x - max) W-^T S`: the box rule's relevance.
    BoxRelevance,

    /// (x, variation index) in the shape of x: independent standard normal values that depend on seed, variation and
    /// position alone. Philox 4x32-10 (Salmon et al., 2011) with the seed as key and (pixel, channel quad,
    /// variation, 0) as counter gives four words; each pair (p, q) of them gives two values by Box-Muller, `sqrt(-2
    /// ln u) cos(2 pi v)` and `... sin(2 pi v)`, `u = (p / 2^8 + 1) / 2^24` and `v = q / 2^8 / 2^24` with whole
    /// quotients.
    Noise {
        /// The seed.
        seed: u64,
    },
    /// (v) bilinear to `height` x `width`; pixel centres lie at half integers, positions outside of all centres take
    /// the edge's value.
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
    /// (relevance, max) the map: sum over channels of `relevance / max`, undivided where `max` is not positive.
    HeatMap,
    /// (v) a map that is not divided: sum over channels of v, or of |v|.
    PlainMap {
        /// Whether absolute values are summed.
        absolute: bool,
    },
}

impl Explain {
    /// Whether its heavy work is a product with a layer's weights.
    pub const fn is_heavy(&self) -> bool {
        match self {
            Explain::ConvolveParts { .. } | Explain::ConvolveTransposeMasked { .. } | Explain::LinearParts { .. } => {
                true
            }
            Explain::ClassRequest { .. }
            | Explain::VariationRequest(_)
            | Explain::ClassIndex
            | Explain::LogitRelevance(_)
            | Explain::ConvolveOnes { .. }
            | Explain::LinearOnes { .. }
            | Explain::ClampRelevance(_)
            | Explain::Unary(_)
            | Explain::Binary(_)
            | Explain::Reduce(_)
            | Explain::SaliencyMaps
            | Explain::SaliencyMaximum
            | Explain::MaskedSaliency
            | Explain::FactorBasis
            | Explain::FactorMaps
            | Explain::Residual(_)
            | Explain::Shift
            | Explain::BoxRatio
            | Explain::BoxRelevance
            | Explain::Noise { .. }
            | Explain::Resize { .. }
            | Explain::ChannelSum
            | Explain::ScaledMagnitude
            | Explain::HeatMap
            | Explain::PlainMap { .. } => false,
        }
    }

    /// Short name without parameters.
    pub const fn name(&self) -> &'static str {
        match self {
            Explain::ClassRequest { .. } => "class_request",
            Explain::VariationRequest(_) => "variation_request",
            Explain::ClassIndex => "class_index",
            Explain::LogitRelevance(_) => "logit_relevance",
            Explain::ConvolveParts { .. } => "convolve_parts",
            Explain::ConvolveTransposeMasked { .. } => "convolve_transpose_masked",
            Explain::ConvolveOnes { .. } => "convolve_ones",
            Explain::LinearParts { .. } => "linear_parts",
            Explain::LinearOnes { .. } => "linear_ones",
            Explain::ClampRelevance(_) => "clamp_relevance",
            Explain::Unary(unary) => unary.name(),
            Explain::Binary(binary) => binary.name(),
            Explain::Reduce(reduction) => reduction.name(),
            Explain::SaliencyMaps => "saliency_maps",
            Explain::SaliencyMaximum => "saliency_maximum",
            Explain::MaskedSaliency => "masked_saliency",
            Explain::FactorBasis => "factor_basis",
            Explain::FactorMaps => "factor_maps",
            Explain::Residual(_) => "residual",
            Explain::Shift => "shift",
            Explain::BoxRatio => "box_ratio",
            Explain::BoxRelevance => "box_relevance",
            Explain::Noise { .. } => "noise",
            Explain::Resize { .. } => "resize",
            Explain::ChannelSum => "channel_sum",
            Explain::ScaledMagnitude => "scaled_magnitude",
            Explain::HeatMap => "heat_map",
            Explain::PlainMap { .. } => "plain_map",
        }
    }
}
