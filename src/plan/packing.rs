//! How weights lie in GPU memory: which parameters a packed buffer is made of and in which order.

mod dense;
mod derived;
mod element;
mod general;
mod grouped;
mod linear;
mod winograd;

use crate::graph::{BatchNormId, ConvolutionId, Graph, LinearId, Part, SlopeId};
use crate::models::weights::Weights;
use crate::plan::layout::{QUAD, place};
use crate::plan::variant::WinogradTile;

pub use element::Element;
pub use general::row_quads;

/// A packed buffer of weights, in vec4 of f32 unless an element says otherwise; rows and quads that do not exist are
/// zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packing {
    /// One zero vec4, for bindings that a step does not use.
    Unused,
    /// Dense convolution, `[rows / 8][taps][columns / 4][8 rows]` with 4 columns of one row in a vec4. Rows are output
    /// channels and columns input channels, or the other way round for the transpose.
    Dense {
        /// Layer.
        layer: ConvolutionId,
        /// Rows are input channels.
        transposed: bool,
        /// Part of the weight. Absolute values are taken as the kernels load, so full weights serve for both.
        part: Part,
        /// What a weight is kept as.
        element: Element,
    },
    /// One part of a convolution of 3x3 taps, transformed for Winograd's algorithm: `[slices][rows / 8][columns / 4][8
    /// rows]`, each slice laid out as [`Packing::Dense`] of one tap. For the transpose the taps are turned by 180
    /// degrees.
    Winograd {
        /// Output tile.
        tile: WinogradTile,
        /// Layer.
        layer: ConvolutionId,
        /// Rows are input channels.
        transposed: bool,
        /// Part of the weight.
        part: Part,
    },
    /// Depthwise convolution, `[quads][taps]`.
    Depthwise {
        /// Layer.
        layer: ConvolutionId,
    },
    /// Convolution in groups of whole quads, `[row quads][column quads of a group][taps][4 columns]`, a vec4 having 4
    /// rows. Rows are output channels and columns input channels, or the other way round for the transpose.
    Grouped {
        /// Layer.
        layer: ConvolutionId,
        /// Rows are input channels.
        transposed: bool,
    },
    /// Convolution of any geometry, `[rows][taps][quads]` over the quads that the columns of a row's group lie in, with
    /// zeros beside them. Rows are output channels and columns input channels, or the other way round for the
    /// transpose.
    General {
        /// Layer.
        layer: ConvolutionId,
        /// Rows are input channels.
        transposed: bool,
    },
    /// Per output channel the sum over input channels of one part of the weight, `[quads][taps and their total]`.
    TapSums {
        /// Layer.
        layer: ConvolutionId,
        /// Part of the weight.
        part: Part,
    },
    /// `[quads][scale, shift]` of a convolution's bias followed by a batch normalisation.
    Affine {
        /// The layer whose bias is taken in.
        layer: Option<ConvolutionId>,
        /// The batch normalisation.
        batch_norm: Option<BatchNormId>,
    },
    /// `[quads][1, bias]` of a linear layer.
    LinearAffine {
        /// Layer.
        layer: LinearId,
    },
    /// Some rows of a linear layer, `[rows][input quads * pixels]`; of f16 `[rows / 2][input quads * pixels][2 rows]`.
    Linear {
        /// Layer.
        layer: LinearId,
        /// First row, a multiple of 4.
        first_row: u32,
        /// Number of rows, a multiple of 4.
        rows: u32,
        /// What a weight is kept as.
        element: Element,
    },
    /// Per output of a linear layer the sum over its inputs of one part of the weight, `[quads][tap, total]` like
    /// [`Packing::TapSums`] of one tap.
    RowSums {
        /// Layer.
        layer: LinearId,
        /// Part of the weight.
        part: Part,
    },
    /// Bias of a linear layer, `[quads]`.
    LinearBias {
        /// Layer.
        layer: LinearId,
    },
    /// Slopes of a parametric ReLU, `[quads]`.
    Slopes {
        /// Layer.
        layer: SlopeId,
    },
}

impl Packing {
    /// Number of values.
    pub fn elements(&self, graph: &Graph) -> usize {
        let count = match *self {
            Packing::Unused => QUAD,
            Packing::Dense { layer, transposed, .. } => {
                let (rows, columns, taps) = dense::matrix(graph, layer, transposed);
                dense::padded_rows(rows) * columns.next_multiple_of(QUAD) * taps
            }
            Packing::Winograd { tile, layer, transposed, .. } => {
                let (rows, columns, _) = dense::matrix(graph, layer, transposed);
                dense::padded_rows(rows) * columns.next_multiple_of(QUAD) * tile.slices()
            }
            Packing::Depthwise { layer } => {
                let convolution = graph.convolution(layer);
                convolution.output_channels.next_multiple_of(QUAD) * convolution.window.taps()
            }
            Packing::Grouped { layer, .. } => grouped::elements(graph.convolution(layer)),
            Packing::General { layer, transposed } => general::elements(graph.convolution(layer), transposed),
            Packing::TapSums { layer, .. } => {
                let convolution = graph.convolution(layer);
                convolution.output_channels.next_multiple_of(QUAD) * (convolution.window.taps() + 1)
            }
            Packing::Affine { layer, batch_norm } => {
                2 * affine_channels(graph, layer, batch_norm).next_multiple_of(QUAD)
            }
            Packing::LinearAffine { layer } => 2 * graph.linear_layer(layer).outputs.next_multiple_of(QUAD),
            Packing::Linear { layer, rows, .. } => rows * linear::row_elements(graph, layer),
            Packing::RowSums { layer, .. } => 2 * graph.linear_layer(layer).outputs.next_multiple_of(QUAD),
            Packing::LinearBias { layer } => graph.linear_layer(layer).outputs.next_multiple_of(QUAD),
            Packing::Slopes { layer } => graph.slope_layer(layer).channels.next_multiple_of(QUAD),
        };
        count as usize
    }

    /// The linear layer whose weights it holds.
    pub fn linear(&self) -> Option<LinearId> {
        match *self {
            Packing::LinearAffine { layer }
            | Packing::Linear { layer, .. }
            | Packing::RowSums { layer, .. }
            | Packing::LinearBias { layer } => Some(layer),
            Packing::Unused
            | Packing::Dense { .. }
            | Packing::Winograd { .. }
            | Packing::Depthwise { .. }
            | Packing::Grouped { .. }
            | Packing::General { .. }
            | Packing::TapSums { .. }
            | Packing::Affine { .. }
            | Packing::Slopes { .. } => None,
        }
    }

    /// What a value is kept as.
    pub fn element(&self) -> Element {
        match *self {
            Packing::Dense { element, .. } | Packing::Linear { element, .. } => element,
            _ => Element::F32,
        }
    }

    /// Size of the buffer.
    pub fn bytes(&self, graph: &Graph) -> u64 {
        self.elements(graph) as u64 * self.element().bytes()
    }

    /// What the buffer holds.
    pub fn packed(&self, graph: &Graph, weights: &Weights) -> Vec<u32> {
        let mut values = vec![0f32; self.elements(graph)];
        self.pack(graph, weights, &mut values);
        match self.element() {
            Element::F32 => bytemuck::allocation::cast_vec(values),
            Element::F16 => element::pairs(&values),
        }
    }

    /// Fills `target` (of [`Packing::elements`] values, zeroed) from the weights.
    fn pack(&self, graph: &Graph, weights: &Weights, target: &mut [f32]) {
        match *self {
            Packing::Unused => {}
            Packing::Dense { layer, transposed, part, .. } => {
                dense::pack(graph, weights, layer, transposed, part, target)
            }
            Packing::Winograd { tile, layer, transposed, part } => {
                winograd::pack(graph, weights, tile, layer, transposed, part, target);
            }
            Packing::Depthwise { layer } => {
                let weight = derived::convolution(graph, weights, layer);
                let taps = graph.convolution(layer).window.taps() as usize;
                pack_taps(graph, layer, taps, target, |channel, tap| weight[channel * taps + tap]);
            }
            Packing::Grouped { layer, transposed } => grouped::pack(graph, weights, layer, transposed, target),
            Packing::General { layer, transposed } => general::pack(graph, weights, layer, transposed, target),
            Packing::TapSums { layer, part } => pack_tap_sums(graph, weights, layer, part, target),
            Packing::Affine { layer, batch_norm } => pack_affine(graph, weights, layer, batch_norm, target),
            Packing::LinearAffine { layer } => {
                let bias = parameter(weights, &graph.linear_layer(layer).bias_name());
                for (channel, bias) in bias.iter().enumerate() {
                    target[place(channel, 2, 0)] = 1.0;
                    target[place(channel, 2, 1)] = *bias;
                }
            }
            Packing::Linear { layer, first_row, element, .. } => {
                let together = if element == Element::F16 { 2 } else { 1 };
                linear::pack(graph, weights, layer, first_row as usize, together, target);
            }
            Packing::RowSums { layer, part } => pack_row_sums(graph, weights, layer, part, target),
            Packing::LinearBias { layer } => {
                let bias = parameter(weights, &graph.linear_layer(layer).bias_name());
                target[..bias.len()].copy_from_slice(bias);
            }
            Packing::Slopes { layer } => {
                let slopes = parameter(weights, &graph.slope_layer(layer).weight_name());
                target[..slopes.len()].copy_from_slice(slopes);
            }
        }
    }
}

fn parameter<'a>(weights: &'a Weights, name: &str) -> &'a [f32] {
    weights.get(name).map_or(&[], |tensor| tensor.data())
}

fn take(part: Part, value: f32) -> f32 {
    match part {
        Part::Full => value,
        Part::Absolute => value.abs(),
        Part::Positive => value.max(0.0),
        Part::Negative => value.min(0.0),
    }
}

/// For each channel the sums over inputs of every tap, then of all taps.
fn pack_tap_sums(graph: &Graph, weights: &Weights, layer: ConvolutionId, part: Part, target: &mut [f32]) {
    let convolution = graph.convolution(layer);
    let weight = derived::convolution(graph, weights, layer);
    let inputs = convolution.weight_shape()[1] as usize;
    let taps = convolution.window.taps() as usize;
    pack_taps(graph, layer, taps + 1, target, |channel, tap| {
        let taken = if tap < taps { tap..tap + 1 } else { 0..taps };
        let kernels = weight[channel * inputs * taps..][..inputs * taps].chunks(taps);
        kernels.flat_map(|kernel| &kernel[taken.clone()]).map(|&w| f64::from(take(part, w))).sum::<f64>() as f32
    });
}

/// For each output the sum over its inputs, as that of one tap and of all.
fn pack_row_sums(graph: &Graph, weights: &Weights, layer: LinearId, part: Part, target: &mut [f32]) {
    let linear = graph.linear_layer(layer);
    let weight = parameter(weights, &linear.weight_name());
    let inputs = linear.input.elements() as usize;
    for (output, row) in weight.chunks(inputs).enumerate() {
        let values = row.iter().map(|&value| f64::from(take(part, derived::of(layer.source, value))));
        let sum = values.sum::<f64>() as f32;
        target[place(output, 2, 0)] = sum;
        target[place(output, 2, 1)] = sum;
    }
}

/// `[quads][entries]` of values per output channel.
fn pack_taps(
    graph: &Graph,
    layer: ConvolutionId,
    entries: usize,
    target: &mut [f32],
    value: impl Fn(usize, usize) -> f32,
) {
    for channel in 0..graph.convolution(layer).output_channels as usize {
        for entry in 0..entries {
            target[place(channel, entries, entry)] = value(channel, entry);
        }
    }
}

fn affine_channels(graph: &Graph, layer: Option<ConvolutionId>, batch_norm: Option<BatchNormId>) -> u32 {
    match (layer, batch_norm) {
        (Some(layer), _) => graph.convolution(layer).output_channels,
        (None, Some(batch_norm)) => graph.batch_norm_layer(batch_norm).channels,
        (None, None) => 0,
    }
}

fn pack_affine(
    graph: &Graph,
    weights: &Weights,
    layer: Option<ConvolutionId>,
    batch_norm: Option<BatchNormId>,
    target: &mut [f32],
) {
    let bias = layer.filter(|&layer| graph.convolution(layer).bias);
    let bias = bias.map(|layer| parameter(weights, &graph.convolution(layer).bias_name()));
    let normalization = batch_norm.map(|id| graph.batch_norm_layer(id)).map(|layer| {
        let of = |suffix: &str| parameter(weights, &format!("{}.{suffix}", layer.name));
        (of("weight"), of("bias"), of("running_mean"), of("running_var"), layer.epsilon)
    });
    for channel in 0..affine_channels(graph, layer, batch_norm) as usize {
        let bias = bias.map_or(0.0, |bias| f64::from(bias[channel]));
        let (scale, shift) = match normalization {
            None => (1.0, bias),
            Some((weight, offset, mean, variance, epsilon)) => {
                let scale = f64::from(weight[channel]) / (f64::from(variance[channel]) + epsilon).sqrt();
                (scale, f64::from(offset[channel]) + (bias - f64::from(mean[channel])) * scale)
            }
        };
        target[place(channel, 2, 0)] = scale as f32;
        target[place(channel, 2, 1)] = shift as f32;
    }
}
