//! The layers with parameters that a graph refers to: convolutions, linear layers, batch normalisations and slopes.
//! An [`Op`](super::Op) names a layer by its id, so that forward, transposed and relevance passes share it.

use super::Shape;

/// What a convolution is to a relevance rule (`first` takes the box rule, `full` the whole AGF rule, `flat` only `C`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Its input is the picture; the walk ends there.
    First,
    /// The complete AGF rule.
    Full,
    /// `C` alone.
    Flat,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 3] = [Role::First, Role::Full, Role::Flat];

    /// Lower-case name, as printed in plans and traces.
    pub fn name(self) -> &'static str {
        match self {
            Role::First => "first",
            Role::Full => "full",
            Role::Flat => "flat",
        }
    }
}

/// Zero padding of a window operation, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Padding {
    /// Rows above.
    pub top: u32,
    /// Columns to the left.
    pub left: u32,
    /// Rows below.
    pub bottom: u32,
    /// Columns to the right.
    pub right: u32,
}

impl Padding {
    /// The same padding on all four sides.
    pub const fn all(pixels: u32) -> Self {
        Self { top: pixels, left: pixels, bottom: pixels, right: pixels }
    }

    /// TensorFlow's "same": the output has `ceil(size / stride)` pixels, an odd pixel of padding goes below and right.
    pub const fn same(input: Shape, kernel: u32, stride: u32) -> Self {
        let (top, bottom) = same_along(input.height, kernel, stride);
        let (left, right) = same_along(input.width, kernel, stride);
        Self { top, left, bottom, right }
    }
}

const fn same_along(size: u32, kernel: u32, stride: u32) -> (u32, u32) {
    let covered = (size.div_ceil(stride) - 1) * stride + kernel;
    let total = covered.saturating_sub(size);
    (total / 2, total - total / 2)
}

/// A sliding window: kernel size, stride, dilation and padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Rows and columns of the kernel.
    pub kernel: [u32; 2],
    /// Rows and columns between one window and the next.
    pub stride: [u32; 2],
    /// Rows and columns between one tap and the next.
    pub dilation: [u32; 2],
    /// Zero padding (for max-pooling: padding that never wins).
    pub padding: Padding,
}

impl Window {
    /// A window of one stride in both directions, without dilation.
    pub const fn new(kernel: [u32; 2], stride: u32, padding: Padding) -> Self {
        Self { kernel, stride: [stride, stride], dilation: [1, 1], padding }
    }

    /// The stride, where it is one in both directions and there is no dilation.
    pub fn plain_stride(&self) -> Option<u32> {
        let [rows, columns] = self.stride;
        (rows == columns && self.dilation == [1, 1]).then_some(rows)
    }

    /// A square window with the same padding on all sides.
    pub const fn square(kernel: u32, stride: u32, padding: u32) -> Self {
        Self::new([kernel, kernel], stride, Padding::all(padding))
    }

    /// Height and width of the output for an input of `height` x `width`; `None` where the window does not fit or the
    /// stride is 0.
    pub fn output(&self, height: u32, width: u32) -> Option<[u32; 2]> {
        let Padding { top, left, bottom, right } = self.padding;
        let along = |axis: usize, size: u32, before: u32, after: u32| {
            let reach = self.kernel[axis].checked_sub(1)?.checked_mul(self.dilation[axis])?.checked_add(1)?;
            let room = size.checked_add(before)?.checked_add(after)?.checked_sub(reach)?;
            room.checked_div(self.stride[axis])?.checked_add(1)
        };
        Some([along(0, height, top, bottom)?, along(1, width, left, right)?])
    }

    /// Whether some place of the window on an input of `height` x `width`, for which there is an
    /// [output](Self::output), has all its positions in the padding.
    pub fn misses(&self, height: u32, width: u32) -> bool {
        let Padding { top, left, .. } = self.padding;
        let Some([rows, columns]) = self.output(height, width) else { return false };
        let along = |axis: usize, size: u32, before: u32, places: u32| {
            let [kernel, stride, dilation] = [self.kernel, self.stride, self.dilation].map(|of| u64::from(of[axis]));
            let (size, before, last) = (u64::from(size), u64::from(before), u64::from(places.saturating_sub(1)));
            let is_missed = |place: u64| {
                let begin = place * stride;
                let first_behind = begin + before.saturating_sub(begin).div_ceil(dilation.max(1)) * dilation;
                first_behind >= (before + size).min(begin + kernel * dilation.max(1))
            };
            // Places in front of the input step over it where their positions are far from each other.
            let in_front = if dilation > size { before.div_ceil(stride.max(1)) } else { 0 };
            is_missed(last) || (0..=in_front.min(last)).any(is_missed)
        };
        along(0, height, top, rows) || along(1, width, left, columns)
    }

    /// The same window with as much padding behind as lets the last one reach over the edge of an input of `height` x
    /// `width`, where it begins within the input or the padding before it: the "ceil mode" of pooling.
    #[must_use]
    pub fn ceiled(self, height: u32, width: u32) -> Self {
        let Padding { top, left, bottom, right } = self.padding;
        let behind = |axis: usize, size: u32, before: u32, after: u32| {
            let reach = self.kernel[axis].saturating_sub(1).saturating_mul(self.dilation[axis]).saturating_add(1);
            let begin = size.saturating_add(before);
            let room = begin.saturating_add(after).saturating_sub(reach);
            let stride = self.stride[axis].max(1);
            let most = begin.saturating_sub(1) / stride;
            let last = room.div_ceil(stride).min(most).saturating_mul(stride);
            after.max(last.saturating_add(reach).saturating_sub(begin))
        };
        let padding =
            Padding { bottom: behind(0, height, top, bottom), right: behind(1, width, left, right), ..self.padding };
        Self { padding, ..self }
    }

    /// Number of positions in the window.
    pub const fn taps(&self) -> u32 {
        self.kernel[0] * self.kernel[1]
    }
}

/// What a layer's weights are in an operation. Rules that need other weights than the parameter's name the layer by an
/// id with another source; weights are derived from the parameter when they are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WeightSource {
    /// The parameter.
    #[default]
    Parameter,
    /// The parameter with this batch normalisation folded in: each output channel times `weight / sqrt(variance +
    /// epsilon)`.
    Folded(BatchNormId),
    /// The parameter's squares.
    Squared,
    /// Ones.
    Ones,
}

/// A [`Convolution`] of its graph, with the source of its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConvolutionId {
    pub(crate) layer: u32,
    /// What its weights are.
    pub source: WeightSource,
}

impl ConvolutionId {
    pub(crate) fn index(self) -> usize {
        self.layer as usize
    }

    /// The same layer with other weights.
    pub fn with(self, source: WeightSource) -> Self {
        Self { source, ..self }
    }
}

/// A convolution's geometry and the names of its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Layer name; the weight is the parameter `NAME.weight` of shape (output, input / groups, kernel rows, kernel
    /// columns).
    pub name: String,
    /// Number of input channels.
    pub input_channels: u32,
    /// Number of output channels.
    pub output_channels: u32,
    /// Kernel, stride, padding.
    pub window: Window,
    /// Number of groups that channels are cut into, in order; each output channel sees its group's input channels
    /// alone.
    pub groups: u32,
    /// Whether there is a parameter `NAME.bias`.
    pub bias: bool,
}

impl Convolution {
    /// Input channels that an output channel sees.
    pub fn group_inputs(&self) -> u32 {
        self.input_channels / self.groups.max(1)
    }

    /// Whether every channel has a kernel of its own and nothing else.
    pub fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.input_channels && self.groups == self.output_channels
    }

    /// Operations of a pass over one sample whose output has this shape: two per weight and output pixel.
    pub fn flops(&self, output: Shape) -> u64 {
        2 * u64::from(self.window.taps()) * u64::from(self.group_inputs()) * output.elements()
    }

    /// Shape of the weight tensor: (output, input / groups, rows, columns).
    pub fn weight_shape(&self) -> [u32; 4] {
        [self.output_channels, self.group_inputs(), self.window.kernel[0], self.window.kernel[1]]
    }

    /// Name of the weight parameter.
    pub fn weight_name(&self) -> String {
        format!("{}.weight", self.name)
    }

    /// Name of the bias parameter.
    pub fn bias_name(&self) -> String {
        format!("{}.bias", self.name)
    }
}

/// A [`LinearLayer`] of its graph, with the source of its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinearId {
    pub(crate) layer: u32,
    /// What its weights are.
    pub source: WeightSource,
}

impl LinearId {
    pub(crate) fn index(self) -> usize {
        self.layer as usize
    }

    /// The same layer with other weights.
    pub fn with(self, source: WeightSource) -> Self {
        Self { source, ..self }
    }
}

/// A fully connected layer over a flattened input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearLayer {
    /// Layer name; the weight is the parameter `NAME.weight` of shape (output, input).
    pub name: String,
    /// Whether there is a parameter `NAME.bias`.
    pub bias: bool,
    /// Shape of the input; the weight's columns follow its channel-major order.
    pub input: Shape,
    /// Number of outputs.
    pub outputs: u32,
}

impl LinearLayer {
    /// Name of the weight parameter.
    pub fn weight_name(&self) -> String {
        format!("{}.weight", self.name)
    }

    /// Name of the bias parameter.
    pub fn bias_name(&self) -> String {
        format!("{}.bias", self.name)
    }
}

/// Index of a [`BatchNormLayer`] in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchNormId(pub(crate) u32);

/// A batch normalisation in inference: `(x - mean) / sqrt(variance + epsilon) * weight + bias` per channel.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNormLayer {
    /// Layer name; parameters `NAME.weight`, `.bias`, `.running_mean`, `.running_var`.
    pub name: String,
    /// Number of channels.
    pub channels: u32,
    /// Added to the variance.
    pub epsilon: f64,
}

/// Index of a [`SlopeLayer`] in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlopeId(pub(crate) u32);

/// The slopes of a parametric ReLU on its negative side, one per channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlopeLayer {
    /// Layer name; the slopes are the parameter `NAME.weight`.
    pub name: String,
    /// Number of channels.
    pub channels: u32,
}

impl SlopeLayer {
    /// Name of the slopes' parameter.
    pub fn weight_name(&self) -> String {
        format!("{}.weight", self.name)
    }
}

#[cfg(test)]
mod tests;
