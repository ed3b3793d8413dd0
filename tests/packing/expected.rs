//! What packed buffers hold, derived again from the layers by the layouts that `Packing` describes.

use agf::graph::{BatchNormId, ConvolutionId, Graph, LinearId, Part, WeightSource};
use agf::models::weights::Weights;
use agf::plan::packing::{Element, Packing, row_quads};
use agf::plan::variant::WinogradTile;

/// G of F(2x2, 3x3) and of F(4x4, 3x3) (Lavin and Gray, CVPR 2016), times 2 and times 24.
const TWO: [[f64; 3]; 4] = [[2.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [0.0, 0.0, 2.0]];
const FOUR: [[f64; 3]; 6] =
    [[6.0, 0.0, 0.0], [-4.0, -4.0, -4.0], [-4.0, 4.0, -4.0], [1.0, 2.0, 4.0], [1.0, -2.0, 4.0], [0.0, 0.0, 24.0]];

/// A graph's layers as its weights have them.
pub struct Layers<'a> {
    pub graph: &'a Graph,
    pub weights: &'a Weights,
}

/// The weights of a convolution in an operation.
struct Kernel {
    /// (output, input of the group, tap).
    values: Vec<f64>,
    outputs: usize,
    /// Of a group.
    inputs: usize,
    taps: usize,
    groups: usize,
}

impl Kernel {
    fn at(&self, output: usize, input: usize, tap: usize) -> f64 {
        self.values[(output * self.inputs + input) * self.taps + tap]
    }

    /// Calls `put` for every weight: its row and column among all channels, the column in its group, and the tap.
    fn each(&self, transposed: bool, mut put: impl FnMut([usize; 4], f64)) {
        let of_group = self.outputs / self.groups;
        for output in 0..self.outputs {
            let group = output / of_group;
            for (input, tap) in (0..self.inputs).flat_map(|input| (0..self.taps).map(move |tap| (input, tap))) {
                let channel = group * self.inputs + input;
                let place = match transposed {
                    true => [channel, output, output % of_group, tap],
                    false => [output, channel, input, tap],
                };
                put(place, self.at(output, input, tap));
            }
        }
    }
}

fn taken(part: Part, value: f64) -> f64 {
    match part {
        Part::Full => value,
        Part::Absolute => value.abs(),
        Part::Positive => value.max(0.0),
        Part::Negative => value.min(0.0),
    }
}

impl Layers<'_> {
    fn parameter(&self, name: &str) -> Vec<f64> {
        self.weights.get(name).unwrap_or_else(|| panic!("{name}")).data().iter().copied().map(f64::from).collect()
    }

    fn scales(&self, id: BatchNormId) -> Vec<f64> {
        let layer = self.graph.batch_norm_layer(id);
        let [weight, variance] =
            ["weight", "running_var"].map(|suffix| self.parameter(&format!("{}.{suffix}", layer.name)));
        weight.iter().zip(variance).map(|(weight, variance)| weight / (variance + layer.epsilon).sqrt()).collect()
    }

    fn sourced(&self, source: WeightSource, values: Vec<f64>, outputs: usize) -> Vec<f64> {
        let of_output = values.len() / outputs;
        match source {
            WeightSource::Parameter => values,
            WeightSource::Squared => values.into_iter().map(|value| value * value).collect(),
            WeightSource::Ones => vec![1.0; values.len()],
            WeightSource::Folded(id) => {
                let scales = self.scales(id);
                values.iter().enumerate().map(|(index, value)| value * scales[index / of_output]).collect()
            }
        }
    }

    fn kernel(&self, id: ConvolutionId) -> Kernel {
        let layer = self.graph.convolution(id);
        let [outputs, inputs, rows, columns] = layer.weight_shape().map(|size| size as usize);
        let values = self.sourced(id.source, self.parameter(&layer.weight_name()), outputs);
        Kernel { values, outputs, inputs, taps: rows * columns, groups: layer.groups as usize }
    }

    /// What a packing of so many values holds.
    pub fn expected(&self, packing: Packing, length: usize) -> Vec<f64> {
        let mut values = vec![0.0; length];
        match packing {
            Packing::Unused => {}
            Packing::Dense { layer, transposed, part, element } => {
                assert_eq!(element, Element::F32, "plans of f32");
                dense(&self.kernel(layer), transposed, part, &mut values);
            }
            Packing::Winograd { tile, layer, transposed, part } => {
                winograd(tile, &self.kernel(layer), transposed, part, &mut values);
            }
            Packing::Depthwise { layer } => {
                let kernel = self.kernel(layer);
                kernel.each(false, |[row, _, _, tap], value| values[in_quads(row, kernel.taps, tap)] = value);
            }
            Packing::Grouped { layer, transposed } => grouped(&self.kernel(layer), transposed, &mut values),
            Packing::General { layer, transposed } => {
                let of_row = row_quads(self.graph.convolution(layer), transposed) as usize;
                general(&self.kernel(layer), transposed, of_row, &mut values);
            }
            Packing::TapSums { layer, part } => {
                let kernel = self.kernel(layer);
                kernel.each(false, |[row, _, _, tap], value| {
                    values[in_quads(row, kernel.taps + 1, tap)] += taken(part, value);
                    values[in_quads(row, kernel.taps + 1, kernel.taps)] += taken(part, value);
                });
            }
            Packing::Affine { layer, batch_norm } => self.affine(layer, batch_norm, &mut values),
            Packing::LinearAffine { layer } => {
                let bias = self.parameter(&self.graph.linear_layer(layer).bias_name());
                put_pairs(bias.into_iter().map(|bias| (1.0, bias)), &mut values);
            }
            Packing::Linear { layer, first_row, rows, element } => {
                assert_eq!(element, Element::F32, "plans of f32");
                self.linear(layer, first_row as usize, rows as usize, &mut values);
            }
            Packing::RowSums { layer, part } => {
                let sum = |row: Vec<f64>| row.into_iter().map(|value| taken(part, value)).sum::<f64>();
                put_pairs(self.rows(layer).into_iter().map(sum).map(|sum| (sum, sum)), &mut values);
            }
            Packing::LinearBias { layer } => {
                let bias = self.parameter(&self.graph.linear_layer(layer).bias_name());
                values[..bias.len()].copy_from_slice(&bias);
            }
            Packing::Slopes { layer } => {
                let slopes = self.parameter(&self.graph.slope_layer(layer).weight_name());
                values[..slopes.len()].copy_from_slice(&slopes);
            }
        }
        values
    }

    /// Scale and shift of every channel.
    fn affine(&self, layer: Option<ConvolutionId>, batch_norm: Option<BatchNormId>, values: &mut [f64]) {
        let layer = layer.map(|id| self.graph.convolution(id));
        let bias = layer.filter(|layer| layer.bias).map(|layer| self.parameter(&layer.bias_name()));
        let count = match (layer, batch_norm) {
            (Some(layer), _) => layer.output_channels,
            (None, Some(id)) => self.graph.batch_norm_layer(id).channels,
            (None, None) => 0,
        };
        let bias = bias.unwrap_or_else(|| vec![0.0; count as usize]);
        let Some(id) = batch_norm else { return put_pairs(bias.into_iter().map(|bias| (1.0, bias)), values) };
        let name = &self.graph.batch_norm_layer(id).name;
        let [offset, mean] = ["bias", "running_mean"].map(|suffix| self.parameter(&format!("{name}.{suffix}")));
        let shift = |(channel, scale): (usize, f64)| (scale, offset[channel] + (bias[channel] - mean[channel]) * scale);
        put_pairs(self.scales(id).into_iter().enumerate().map(shift), values);
    }

    /// The rows of a linear layer, one for each output.
    fn rows(&self, layer: LinearId) -> Vec<Vec<f64>> {
        let linear = self.graph.linear_layer(layer);
        let outputs = linear.outputs as usize;
        let weight = self.sourced(layer.source, self.parameter(&linear.weight_name()), outputs);
        weight.chunks(weight.len() / outputs).map(<[f64]>::to_vec).collect()
    }

    /// `[rows][input quads * pixels]`.
    fn linear(&self, layer: LinearId, first_row: usize, rows: usize, values: &mut [f64]) {
        let input = self.graph.linear_layer(layer).input;
        let pixels = input.pixels() as usize;
        let of_row = input.quads() as usize * pixels * 4;
        for (row, weights) in self.rows(layer).into_iter().skip(first_row).take(rows).enumerate() {
            for (column, value) in weights.into_iter().enumerate() {
                values[row * of_row + in_quads(column / pixels, pixels, column % pixels)] = value;
            }
        }
    }
}

/// Where an entry of a channel is, of so many that its quad has.
fn in_quads(channel: usize, entries: usize, entry: usize) -> usize {
    (channel / 4 * entries + entry) * 4 + channel % 4
}

/// Two entries of every channel.
fn put_pairs(pairs: impl Iterator<Item = (f64, f64)>, values: &mut [f64]) {
    for (channel, (first, second)) in pairs.enumerate() {
        values[in_quads(channel, 2, 0)] = first;
        values[in_quads(channel, 2, 1)] = second;
    }
}

/// `[rows / 8][taps][columns / 4][8 rows]`, a vec4 having 4 columns.
fn dense(kernel: &Kernel, transposed: bool, part: Part, values: &mut [f64]) {
    let columns = if transposed { kernel.outputs } else { kernel.inputs };
    kernel.each(transposed, |[row, column, _, tap], value| {
        let of_tile = (row / 8 * kernel.taps + tap) * columns.div_ceil(4) + column / 4;
        values[(of_tile * 8 + row % 8) * 4 + column % 4] = taken(part, value);
    });
}

/// `[row quads][column quads of a group][taps][4 columns]`, a vec4 having 4 rows.
fn grouped(kernel: &Kernel, transposed: bool, values: &mut [f64]) {
    let columns = if transposed { kernel.outputs / kernel.groups } else { kernel.inputs };
    kernel.each(transposed, |[row, _, column, tap], value| {
        let of_quads = (row / 4 * (columns / 4) + column / 4) * kernel.taps + tap;
        values[(of_quads * 4 + column % 4) * 4 + row % 4] = value;
    });
}

/// `[rows][taps][quads]` over the quads that the columns of a row's group lie in.
fn general(kernel: &Kernel, transposed: bool, of_row: usize, values: &mut [f64]) {
    kernel.each(transposed, |[row, column, in_group, tap], value| {
        let quad = column / 4 - (column - in_group) / 4;
        values[((row * kernel.taps + tap) * of_row + quad) * 4 + column % 4] = value;
    });
}

/// `G g G^T` of every kernel g, an entry a slice.
fn winograd(tile: WinogradTile, kernel: &Kernel, transposed: bool, part: Part, values: &mut [f64]) {
    let (g, factor): (&[[f64; 3]], f64) = match tile {
        WinogradTile::Two => (&TWO, 4.0),
        WinogradTile::Four => (&FOUR, 576.0),
    };
    let (rows, columns) = match transposed {
        true => (kernel.inputs, kernel.outputs),
        false => (kernel.outputs, kernel.inputs),
    };
    // There are tiles of 16 rows too, so that many exist.
    let (tiles, quads) = (rows.next_multiple_of(16) / 8, columns.div_ceil(4));
    kernel.each(transposed, |[row, column, _, tap], value| {
        let tap = if transposed { 8 - tap } else { tap };
        for (slice, (above, beside)) in g.iter().flat_map(|a| g.iter().map(move |b| (a, b))).enumerate() {
            let of_tile = (slice * tiles + row / 8) * quads + column / 4;
            values[(of_tile * 8 + row % 8) * 4 + column % 4] +=
                above[tap / 3] * taken(part, value) * beside[tap % 3] / factor;
        }
    });
}
