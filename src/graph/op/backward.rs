//! What differentiation adds: the gradients that walks begin with, and the transposes of forward operations.

use super::{Activation, Averaging, Bias, Constant, Function, Part, ResponseNormalization};
use crate::graph::{BatchNormId, ConvolutionId, LinearId, SlopeId, Window};

/// An operation of a gradient. Relevance rules use the transposes as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backward {
    /// (logits, class) 1 at the class, 0 elsewhere: the gradient of the class's logit with respect to the logits.
    OneHot,
    /// (logits, class) the gradient of the target probability with respect to the logits (method section 1).
    TargetGradient,
    /// (v) `part(W)^T v` for a convolution input of `height` x `width`.
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
    /// (v) `part(W)^T v`, in the shape of the linear layer's input.
    LinearTranspose {
        /// Layer.
        layer: LinearId,
        /// Part of the weight.
        weight: Part,
    },
    /// (g) the gradient through a batch normalisation: `g * weight / sqrt(variance + epsilon)`.
    BatchNormGradient(BatchNormId),
    /// (g, y) `g` where the activation's output `y` is strictly between its bounds, else 0.
    ClampGradient(Activation),
    /// (g, x) `g * f'(x)`; at a corner the slope of the left side, and 0 at the bounds of what is clipped.
    ActivateGradient(Function),
    /// (g, x) `g`, and the channel's slope times `g` where x is not positive.
    ParametricReluGradient(SlopeId),
    /// (g, x) the gradient through a local response normalisation.
    NormalizeResponseGradient(ResponseNormalization),
    /// (g, x) the gradient through a normalisation of channels.
    NormalizeChannelsGradient {
        /// Added to the variance.
        epsilon: Constant,
    },
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
    /// (v) the transpose of `AveragePool` for an input of `height` x `width`.
    AveragePoolTranspose {
        /// Rows of the pooled input.
        height: u32,
        /// Columns of the pooled input.
        width: u32,
    },
    /// (v) the transpose of `AverageWindows` for an input of `height` x `width`.
    AverageWindowsTranspose {
        /// The windows.
        averaging: Averaging,
        /// Rows of the pooled input.
        height: u32,
        /// Columns of the pooled input.
        width: u32,
    },
    /// (g) the gradient through `LogitPair`: `(g_0 - g_1) / 2`.
    LogitPairGradient,
    /// (g, x) the gradient through `Normalize`: `g / |x|`; 0 where x is 0.
    NormalizeGradient,
    /// (g) the gradient at a layer's output times the layer's bias, per channel.
    BiasGradient(Bias),
}

impl Backward {
    /// Whether it is a product with a layer's weights.
    pub const fn is_heavy(&self) -> bool {
        match self {
            Backward::ConvolveTranspose { .. } | Backward::LinearTranspose { .. } => true,
            Backward::OneHot
            | Backward::TargetGradient
            | Backward::BatchNormGradient(_)
            | Backward::ClampGradient(_)
            | Backward::ActivateGradient(_)
            | Backward::ParametricReluGradient(_)
            | Backward::NormalizeResponseGradient(_)
            | Backward::NormalizeChannelsGradient { .. }
            | Backward::MaxPoolIndex(_)
            | Backward::MaxPoolTranspose { .. }
            | Backward::AveragePoolTranspose { .. }
            | Backward::AverageWindowsTranspose { .. }
            | Backward::LogitPairGradient
            | Backward::NormalizeGradient
            | Backward::BiasGradient(_) => false,
        }
    }

    /// Short name without parameters.
    pub const fn name(&self) -> &'static str {
        match self {
            Backward::OneHot => "one_hot",
            Backward::TargetGradient => "target_gradient",
            Backward::ConvolveTranspose { .. } => "convolve_transpose",
            Backward::LinearTranspose { .. } => "linear_transpose",
            Backward::BatchNormGradient(_) => "batch_norm_gradient",
            Backward::ClampGradient(_) => "clamp_gradient",
            Backward::ActivateGradient(_) => "activate_gradient",
            Backward::ParametricReluGradient(_) => "parametric_relu_gradient",
            Backward::NormalizeResponseGradient(_) => "normalize_response_gradient",
            Backward::NormalizeChannelsGradient { .. } => "normalize_channels_gradient",
            Backward::MaxPoolIndex(_) => "max_pool_index",
            Backward::MaxPoolTranspose { .. } => "max_pool_transpose",
            Backward::AveragePoolTranspose { .. } => "average_pool_transpose",
            Backward::AverageWindowsTranspose { .. } => "average_windows_transpose",
            Backward::LogitPairGradient => "logit_pair_gradient",
            Backward::NormalizeGradient => "normalize_gradient",
            Backward::BiasGradient(_) => "bias_gradient",
        }
    }
}
