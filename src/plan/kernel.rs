//! The kernels: one WGSL file each, with the preludes that go before it and the bindings that it declares. Variants
//! differ in pipeline-overridable constants, and some in the prelude that says how values lie in memory.

use super::packing::Element;
use super::shorten::shortened;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a binding of a shader is, in order of binding numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// The step's uniforms; always binding 0.
    Uniform,
    /// Packed weights, read only.
    Weights,
    /// A value in the arena. Declared as writable even where only read, since all values share one buffer.
    Value,
}

/// A file of `shaders/`, the last one named.
macro_rules! text {
    ($file:literal) => {
        shortened!(include_str!(concat!("../../shaders/", $file, ".wgsl")))
    };
    ($name:literal, $file:literal) => {
        text!($file)
    };
}

/// A file of `shaders/preludes/`.
macro_rules! prelude {
    ($file:literal) => {
        shortened!(include_str!(concat!("../../shaders/preludes/", $file, ".wgsl")))
    };
}

/// The second name, where there are two.
macro_rules! own_file {
    ($name:literal) => {
        $name
    };
    ($name:literal, $file:literal) => {
        $file
    };
}

macro_rules! shaders {
    ($($(#[$doc:meta])* $variant:ident $name:literal $(of $file:literal)? [$($prelude:literal)*]
        ($weights:literal weights, $values:literal values),)*) => {
        /// A WGSL file of `shaders/` with its preludes: what several kernels share goes before the text of each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Shader {
            $($(#[$doc])* $variant,)*
        }

        impl Shader {
            /// Every shader.
            pub const ALL: &'static [Shader] = &[$(Shader::$variant,)*];

            /// Its name: that of its file, with an addition where several shaders share one.
            pub const fn name(self) -> &'static str {
                match self { $(Shader::$variant => $name,)* }
            }

            /// Its own file's name without ending.
            pub const fn file(self) -> &'static str {
                match self { $(Shader::$variant => own_file!($name $(, $file)?),)* }
            }

            /// The preludes' texts and the file's, each of which a program has once.
            const fn texts(self) -> &'static [&'static str] {
                match self {
                    $(Shader::$variant => {
                        const TEXTS: &[&str] = &[$(prelude!($prelude),)* text!($name $(, $file)?)];
                        TEXTS
                    })*
                }
            }

            const fn counts(self) -> (usize, usize) {
                match self { $(Shader::$variant => ($weights, $values),)* }
            }
        }
    };
}

shaders! {
    /// Other activations and their gradients.
    Activate "activate" ["runs"] (0 weights, 3 values),
    /// Adaptive average pooling and its transpose.
    AveragePool "average_pool" ["runs" "divide"] (0 weights, 4 values),
    /// Averages of windows and their transpose.
    AverageWindows "average_windows" ["runs"] (0 weights, 2 values),
    /// Elementwise operations of two values.
    Binary "binary" ["runs" "divide"] (0 weights, 3 values),
    /// Gaussian blur of pictures.
    Blur "blur" [] (0 weights, 2 values),
    /// The box rule's quotient.
    BoxRatio "box_ratio" ["runs" "divide"] (0 weights, 7 values),
    /// The box rule's relevance.
    BoxRelevance "box_relevance" ["runs"] (0 weights, 6 values),
    /// A question with a known answer.
    Canary "canary" [] (0 weights, 1 values),
    /// Batch normalisation, its gradient, and a gradient times a bias.
    ChannelAffine "channel_affine" ["runs"] (1 weights, 3 values),
    /// Sum over channels, plain or of scaled magnitudes.
    ChannelSum "channel_sum" ["runs"] (0 weights, 4 values),
    /// ReLU and ReLU6: value, gradient, relevance.
    Clamp "clamp" ["runs" "activation_back"] (0 weights, 3 values),
    /// Gradient and relevance back through ReLU and ReLU6.
    ClampBack "clamp_back" ["runs" "activation_back"] (1 weights, 7 values),
    /// Which class a request means.
    ClassIndex "class_index" [] (0 weights, 3 values),
    /// Dense convolution by subgroup broadcast.
    ConvolutionBroadcast "convolution_broadcast"
        ["quad_u64" "weight_quads" "part_bits" "row" "tile" "gate" "divide" "epilogue" "affine_handed_round"]
        (2 weights, 3 values),
    /// Depthwise convolution.
    ConvolutionDepthwise "convolution_depthwise"
        ["quad_f32" "runs" "part_bits" "gate" "divide" "epilogue" "phases" "taps_loaded"] (2 weights, 3 values),
    /// With loads and stores of 64 bits.
    ConvolutionDepthwiseU64 "convolution_depthwise_u64" of "convolution_depthwise"
        ["quad_u64" "runs" "part_bits" "gate" "divide" "epilogue" "phases" "taps_loaded"] (2 weights, 3 values),
    /// With weights that 8 lanes hand round besides.
    ConvolutionDepthwiseBroadcast "convolution_depthwise_broadcast" of "convolution_depthwise"
        ["quad_u64" "runs" "part_bits" "gate" "divide" "epilogue" "phases" "taps_handed_round"] (2 weights, 3 values),
    /// Convolution of any geometry.
    ConvolutionGeneral "convolution_general"
        ["quad_f32" "runs" "parts" "gate" "divide" "epilogue"] (2 weights, 3 values),
    /// Dense convolution with its weights and with their absolute values, by subgroup broadcast.
    ConvolutionJoint "convolution_joint" ["quad_u64" "weight_quads" "row"] (2 weights, 3 values),
    /// Convolution in groups of whole quads of channels.
    ConvolutionGrouped "convolution_grouped"
        ["quad_f32" "runs" "part_bits" "gate" "divide" "epilogue" "phases" "matrices_loaded"] (2 weights, 3 values),
    /// With loads and stores of 64 bits.
    ConvolutionGroupedU64 "convolution_grouped_u64" of "convolution_grouped"
        ["quad_u64" "runs" "part_bits" "gate" "divide" "epilogue" "phases" "matrices_loaded"] (2 weights, 3 values),
    /// With weights that 8 lanes hand round besides.
    ConvolutionGroupedBroadcast "convolution_grouped_broadcast" of "convolution_grouped"
        ["quad_u64" "runs" "part_bits" "gate" "divide" "epilogue" "phases" "matrices_handed_round"]
        (2 weights, 3 values),
    /// A convolution's response to all ones.
    ConvolutionOnes "convolution_ones" ["runs" "divide"] (1 weights, 2 values),
    /// Dense convolution by tiles in workgroup memory.
    ConvolutionTiled "convolution_tiled"
        ["quad_f32" "workgroup_tile" "workgroup_loads" "parts" "gate" "divide" "epilogue"]
        (2 weights, 3 values),
    /// Dense convolution with weights at uniform addresses.
    ConvolutionUniform "convolution_uniform"
        ["quad_f32" "parts" "row" "tile" "gate" "divide" "epilogue"] (2 weights, 3 values),
    /// Per-channel means of a factorization.
    FactorBasis "factor_basis" ["divide" "sigmoid"] (0 weights, 7 values),
    /// Per-pixel solutions of two factorizations.
    FactorMaps "factor_maps" ["runs" "divide" "sigmoid"] (0 weights, 7 values),
    /// Relevance of a value that two steps read.
    FanOut "fan_out" ["runs" "divide"] (0 weights, 4 values),
    /// The final map.
    HeatMap "heat_map" ["runs"] (0 weights, 3 values),
    /// Matrix-vector product, or two over the same weights.
    Linear "linear" ["weight_rows" "parts"] (2 weights, 3 values),
    /// Transposed matrix-vector product, or two over the same weights.
    LinearTranspose "linear_transpose" ["weight_rows" "parts"] (1 weights, 4 values),
    /// A gradient where relevance is not zero, what that leaves out, and what holds where it leaves out nothing.
    Mask "mask" ["fold"] (0 weights, 6 values),
    /// Copies of pictures with pixels of certain ranks replaced.
    MaskedCopies "masked_copies" [] (0 weights, 5 values),
    /// Input times gradient where relevance is not zero.
    MaskedSaliency "masked_saliency" ["runs"] (0 weights, 3 values),
    /// Two logits of one output, and their gradient.
    LogitPair "logit_pair" [] (0 weights, 2 values),
    /// First relevance at the logits.
    LogitRelevance "logit_relevance" [] (0 weights, 3 values),
    /// Max-pooling: values or positions.
    MaxPool "max_pool" ["runs"] (0 weights, 2 values),
    /// Transpose of max-pooling.
    MaxPoolTranspose "max_pool_transpose" ["runs" "divide"] (0 weights, 5 values),
    /// Normalisation of each pixel's channels and its gradient.
    NormalizeChannels "normalize_channels" ["runs"] (0 weights, 3 values),
    /// Local response normalisation and its gradient.
    NormalizeResponse "normalize_response" ["runs"] (0 weights, 3 values),
    /// Normal random values.
    Noise "noise" ["runs"] (0 weights, 2 values),
    /// A vector, or a gradient, by the vector's length.
    Normalize "normalize" [] (0 weights, 3 values),
    /// One at a class.
    OneHot "one_hot" [] (0 weights, 2 values),
    /// ReLU with a slope per channel, and its gradient.
    ParametricRelu "parametric_relu" ["runs"] (1 weights, 3 values),
    /// A map that is not divided.
    PlainMap "plain_map" ["runs"] (0 weights, 2 values),
    /// Products of matrices by subgroup broadcast.
    ProductBroadcast "product_broadcast"
        ["quad_u64" "weight_quads" "part_bits" "gate" "divide" "epilogue" "affine_handed_round"]
        (2 weights, 3 values),
    /// Digits of a radix sort, counted.
    RankCount "rank_count" [] (0 weights, 2 values),
    /// Sortable keys of maps' values.
    RankKeys "rank_keys" [] (0 weights, 2 values),
    /// Each pixel's place in its map's order.
    RankPlaces "rank_places" [] (0 weights, 2 values),
    /// Where each digit of a radix sort begins.
    RankScan "rank_scan" [] (0 weights, 1 values),
    /// Elements to their places by a digit of a radix sort.
    RankScatter "rank_scatter" [] (0 weights, 3 values),
    /// Reduction to one value per sample.
    Reduce "reduce" ["fold"] (0 weights, 2 values),
    /// A part of one value to a part of another.
    Region "region" ["runs"] (0 weights, 2 values),
    /// Bilinear interpolation.
    Resize "resize" ["runs"] (0 weights, 2 values),
    /// The residual of a full convolution, and its sum.
    Residual "residual" ["fold" "divide"] (0 weights, 7 values),
    /// Channel means of relevance and of input times gradient, and extremes of what they are made of.
    SaliencyMaps "saliency_maps" ["fold"] (0 weights, 6 values),
    /// Adds a residual and keeps the total.
    Shift "shift" ["runs"] (0 weights, 5 values),
    /// Adds the sums of which a product of matrices is split.
    SplitSum "split_sum" ["quad_f32" "gate" "divide" "epilogue"] (1 weights, 3 values),
    /// Relevance of both summands of a sum.
    SumRelevance "sum_relevance" ["runs" "divide" "activation_back"] (0 weights, 8 values),
    /// Gradient of the target probability.
    TargetGradient "target_gradient" [] (0 weights, 3 values),
    /// Channels, rows and columns in another order.
    Transpose "transpose" ["runs"] (0 weights, 2 values),
    /// Elementwise operations of one value.
    Unary "unary" ["runs"] (0 weights, 2 values),
    /// Sums of several values, and of their magnitudes, in parts.
    ValueSums "value_sums" ["fold"] (0 weights, 8 values),
    /// All that those parts add up to.
    ValueTotals "value_totals" ["fold"] (0 weights, 2 values),
    /// Transform of a convolution's source for Winograd's F(2x2, 3x3).
    WinogradInput2x2 "winograd_input_2x2" ["quad_f32" "runs"] (0 weights, 2 values),
    /// With loads and stores of 64 bits.
    WinogradInput2x2U64 "winograd_input_2x2_u64" of "winograd_input_2x2" ["quad_u64" "runs"] (0 weights, 2 values),
    /// The transform for F(4x4, 3x3).
    WinogradInput4x4 "winograd_input_4x4" ["quad_f32" "runs"] (0 weights, 2 values),
    /// With loads and stores of 64 bits.
    WinogradInput4x4U64 "winograd_input_4x4_u64" of "winograd_input_4x4" ["quad_u64" "runs"] (0 weights, 2 values),
    /// Transform to a convolution's result of Winograd's F(2x2, 3x3).
    WinogradOutput2x2 "winograd_output_2x2" ["quad_f32" "runs" "divide" "epilogue" "winograd_output"]
        (1 weights, 3 values),
    /// With loads and stores of 64 bits.
    WinogradOutput2x2U64 "winograd_output_2x2_u64" of "winograd_output_2x2"
        ["quad_u64" "runs" "divide" "epilogue" "winograd_output"] (1 weights, 3 values),
    /// The transform for F(4x4, 3x3).
    WinogradOutput4x4 "winograd_output_4x4" ["quad_f32" "runs" "divide" "epilogue" "winograd_output"]
        (1 weights, 3 values),
    /// With loads and stores of 64 bits.
    WinogradOutput4x4U64 "winograd_output_4x4_u64" of "winograd_output_4x4"
        ["quad_u64" "runs" "divide" "epilogue" "winograd_output"] (1 weights, 3 values),
}

impl Shader {
    /// WGSL text: the preludes' and the file's.
    pub fn source(self) -> String {
        self.texts().concat()
    }

    /// The text that goes before the file's.
    pub fn preludes(self) -> String {
        self.texts().split_last().map_or(String::new(), |(_, preludes)| preludes.concat())
    }

    /// A number that changes with the text of any shader.
    pub fn fingerprint() -> u64 {
        let mut hasher = DefaultHasher::new();
        for shader in Self::ALL {
            shader.source().hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Whether naga checks every index, where a driver does not do it by itself. Not where workgroup memory, whose
    /// indices follow from constants and the lane, is read between multiply-adds: there checks are a sixth of all
    /// instructions.
    pub const fn is_checked(self) -> bool {
        !matches!(self, Shader::ConvolutionTiled)
    }

    /// What its bindings are, in order: uniforms, weights, values; the last value is written.
    pub fn bindings(self) -> Vec<Access> {
        let (weights, values) = self.counts();
        let mut bindings = vec![Access::Uniform];
        bindings.extend(std::iter::repeat_n(Access::Weights, weights));
        bindings.extend(std::iter::repeat_n(Access::Value, values));
        bindings
    }
}

/// A shader with values for its overridable constants: one compute pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kernel {
    /// The file.
    pub shader: Shader,
    /// Overridden constants; the others keep the file's values.
    pub constants: Vec<(&'static str, u32)>,
}

impl Kernel {
    /// A kernel whose overridable constants are the file's own.
    pub fn new(shader: Shader) -> Self {
        Self { shader, constants: Vec::new() }
    }

    /// For weights of this element; f32 is the files' own.
    pub fn with_weights(self, element: Element) -> Self {
        match element {
            Element::F32 => self,
            Element::F16 => self.with("HALF_WEIGHTS", 1),
        }
    }

    /// Sets an overridable constant.
    pub fn with(mut self, name: &'static str, value: u32) -> Self {
        self.constants.push((name, value));
        self
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shader.name())?;
        for (name, value) in &self.constants {
            write!(f, " {}={value}", name.to_lowercase())?;
        }
        Ok(())
    }
}
