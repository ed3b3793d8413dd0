//! Linear layers, cut into ranges of rows that fit a binding.

use super::convolution::part_code;
use super::{Lowering, UNUSED, Work};
use crate::graph::{Backward, Explain, Forward, LinearId, Node, Op, Part};
use crate::plan::codes;
use crate::plan::fuse::Group;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::packing::{Element, Packing};
use crate::plan::uniforms::Uniforms;
use crate::plan::{ValueId, cost};

/// Lanes that share a quad of a transposed layer's result, most first.
const ROW_LANES: [u32; 2] = [32, 8];

impl Lowering<'_, '_> {
    /// `part(W) part(x) [+ b]`, given the parts of weight and input.
    pub(super) fn linear(&mut self, group: &Group, node: &Node, layer: LinearId, parts: [Part; 2], bias: bool) {
        let source_shape = self.shape(node.inputs[0]);
        let (low, high) = self.activation_bounds(group);
        let partner = group.partner();
        let second = partner.map_or(UNUSED, |partner| self.value(partner));
        let second_parts = partner.and_then(|partner| parts_taken(&self.graph.node(partner).op));
        let products = 1 + usize::from(partner.is_some());
        let values = vec![self.value(node.inputs[0]), second, self.value(self.output)];
        for (first_row, rows) in self.row_ranges(layer) {
            let matrix = self.linear_rows(layer, first_row, rows);
            let kernel = kernel_of_parts(Shader::Linear, parts, second_parts);
            let (kernel, _) = self.with_lanes(kernel.with_weights(matrix.element()));
            let uniforms = Uniforms::new()
                .with("source_quads", source_shape.vectors())
                .with("quads", node.shape.quads())
                .with("first_quad", first_row / 4)
                .with("has_bias", bias)
                .with("low", low)
                .with("high", high);
            let flops = 2 * u64::from(rows) * source_shape.elements() * u64::from(self.batch) * products as u64;
            let bias = if bias { Packing::LinearBias { layer } } else { Packing::Unused };
            let weights = vec![matrix, bias];
            let workgroups = [rows / 4, 1, self.batch];
            self.push_pieces(Work { kernel, uniforms, workgroups, flops }, &weights, &values, products);
        }
    }

    /// `part(W)^T v`.
    pub(super) fn linear_transpose(&mut self, group: &Group, node: &Node, layer: LinearId, weight: Part) {
        let destination_quads = node.shape.vectors();
        let graph = self.graph;
        let partner = group.partner();
        let second_source = partner.map_or(UNUSED, |partner| self.value(graph.node(partner).inputs[0]));
        let second_destination = partner.map_or(UNUSED, |partner| self.value(partner));
        let second_parts = partner.and_then(|partner| parts_taken(&graph.node(partner).op));
        let products = 1 + usize::from(partner.is_some());
        let source = self.value(node.inputs[0]);
        let values = vec![source, second_source, second_destination, self.value(self.output)];
        for (first_row, rows) in self.row_ranges(layer) {
            let matrix = self.linear_rows(layer, first_row, rows);
            let kernel = kernel_of_parts(Shader::LinearTranspose, [weight, Part::Full], second_parts);
            let (kernel, columns) = self.with_row_lanes(kernel.with_weights(matrix.element()), destination_quads, rows);
            let uniforms = Uniforms::new()
                .with("source_quads", self.shape(node.inputs[0]).quads())
                .with("destination_quads", destination_quads)
                .with("first_quad", first_row / 4)
                .with("range_quads", rows / 4)
                .with("accumulate", first_row > 0);
            let flops = 2 * u64::from(rows) * node.shape.elements() * u64::from(self.batch) * products as u64;
            let workgroups = [destination_quads.div_ceil(columns), 1, self.batch];
            self.push_pieces(Work { kernel, uniforms, workgroups, flops }, &[matrix], &values, products);
        }
    }

    /// A kernel of which as many lanes share a quad of the result as keep the device busy, and how many such quads a
    /// workgroup has.
    fn with_row_lanes(&self, kernel: Kernel, quads: u32, rows: u32) -> (Kernel, u32) {
        let enough = 2 * self.profile.strategy.enough_lanes;
        match ROW_LANES.into_iter().find(|&sharing| quads * sharing <= enough && sharing <= rows / 4) {
            Some(sharing) => {
                let lanes = self.profile.strategy.reduction_lanes;
                (self.with_reduction_lanes(kernel).with("ROW_LANES", sharing), lanes / sharing)
            }
            None => self.with_lanes(kernel),
        }
    }

    /// Appends the step of a range of rows, or several that divide its workgroups, and so its weights, where one would
    /// keep a slow device busy for too long. Reading weights, the first of `weights`, is what takes the time.
    fn push_pieces(&mut self, work: Work, weights: &[Packing], values: &[ValueId], written: usize) {
        let [groups, y, z] = work.workgroups;
        let bytes = weights.first().map_or(0, |matrix| matrix.bytes(self.graph));
        for (first_group, count) in self.parts(groups, cost(work.flops, bytes)) {
            let share = |whole: u64| whole * u64::from(count) / u64::from(groups);
            let uniforms = work.uniforms.clone().with("first_group", first_group);
            let (kernel, workgroups, flops) = (work.kernel.clone(), [count, y, z], share(work.flops));
            self.push_writing(Work { kernel, uniforms, workgroups, flops }, weights.to_vec(), values.to_vec(), written);
            if let Some(step) = self.draft.steps.last_mut() {
                step.bytes -= bytes - share(bytes);
            }
        }
    }

    /// A convolution's response to ones, of one pixel and one tap.
    pub(super) fn linear_ones(&mut self, node: &Node, layer: LinearId, weight: Part) {
        let one = ["source_height", "source_width", "height", "width"];
        let uniforms = one.into_iter().fold(Uniforms::new(), |uniforms, name| uniforms.with(name, 1u32));
        let uniforms = uniforms
            .with("quads", node.shape.quads())
            .with("kernel_rows", 1u32)
            .with("kernel_columns", 1u32)
            .with("stride_rows", 1u32)
            .with("stride_columns", 1u32)
            .with("dilation_rows", 1u32)
            .with("dilation_columns", 1u32)
            .with("padding_top", 0u32)
            .with("padding_left", 0u32)
            .with("epilogue", codes::EPILOGUE_NONE);
        let (kernel, workgroups) = self.per_quad(Kernel::new(Shader::ConvolutionOnes), node.shape);
        let flops = self.elements(node, 1);
        let values = vec![UNUSED, self.value(self.output)];
        self.push(Work { kernel, uniforms, workgroups, flops }, vec![Packing::RowSums { layer, part: weight }], values);
    }

    fn linear_rows(&self, layer: LinearId, first_row: u32, rows: u32) -> Packing {
        Packing::Linear { layer, first_row, rows, element: Element::of(self.profile.choices.precision, layer.source) }
    }

    /// First row and number of rows of each range; all numbers are multiples of 4.
    fn row_ranges(&self, layer: LinearId) -> Vec<(u32, u32)> {
        let row_bytes = self.linear_rows(layer, 0, 1).bytes(self.graph);
        let layer = self.graph.linear_layer(layer);
        let fitting = (self.profile.facts.max_binding_bytes / (4 * row_bytes)).max(1) as u32 * 4;
        let total = layer.outputs.next_multiple_of(4);
        let ranges = total.div_ceil(fitting);
        let rows = total.div_ceil(ranges).next_multiple_of(4);
        (0..total).step_by(rows as usize).map(|first| (first, rows.min(total - first))).collect()
    }
}

/// The parts of weight and input that an operation of a linear layer takes.
fn parts_taken(op: &Op) -> Option<[Part; 2]> {
    match *op {
        Op::Explain(Explain::LinearParts { weight, input, .. }) => Some([weight, input]),
        Op::Forward(Forward::Linear { .. }) => Some([Part::Full; 2]),
        Op::Backward(Backward::LinearTranspose { weight, .. }) => Some([weight, Part::Full]),
        Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => None,
    }
}

/// A kernel that takes these parts of weight and source, for one product or a pair.
fn kernel_of_parts(shader: Shader, [weight, source]: [Part; 2], second: Option<[Part; 2]>) -> Kernel {
    let kernel = Kernel::new(shader);
    let kernel = if second.is_some() { kernel.with("IS_PAIR", 1) } else { kernel };
    let [second_weight, second_source] = second.unwrap_or([Part::Full; 2]);
    let parts = [weight, source, second_weight, second_source];
    let names = ["WEIGHT_PART", "SOURCE_PART", "SECOND_WEIGHT_PART", "SECOND_SOURCE_PART"];
    let taken = names.into_iter().zip(parts).filter(|&(_, part)| part != Part::Full);
    taken.fold(kernel, |kernel, (name, part)| kernel.with(name, part_code(part)))
}
