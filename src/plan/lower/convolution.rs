//! Convolutions in all forms: dense by broadcast or uniform weights, depthwise, transposed, and the response to all ones.

use super::{LANES, Lowering, Work};
use crate::graph::{Activation, Binary, Convolution, ConvolutionId, Node, NodeId, Op, Part, Shape};
use crate::plan::ValueId;
use crate::plan::fuse::Group;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::packing::Packing;
use crate::plan::uniforms::Uniforms;

/// What happens to a sum before it is stored; the numbers are the shaders' `epilogue`.
struct Epilogue {
    code: u32,
    affine: Packing,
    operand: Option<NodeId>,
    low: f32,
    high: f32,
}

impl Epilogue {
    const NONE: Epilogue = Epilogue { code: 0, affine: Packing::Unused, operand: None, low: f32::MIN, high: f32::MAX };
}

/// One convolution pass: which layer, in which direction, with which parts.
struct Pass {
    layer: ConvolutionId,
    transposed: bool,
    weight: Part,
    source_part: Part,
    source: NodeId,
    source_shape: Shape,
    shape: Shape,
}

/// Appends the fields `weight_part` and `source_part`.
pub(super) fn with_parts(uniforms: Uniforms, weight: Part, source: Part) -> Uniforms {
    uniforms.with("weight_part", part_code(weight)).with("source_part", part_code(source))
}

/// The shaders' number for a part.
pub(super) fn part_code(part: Part) -> u32 {
    match part {
        Part::Full => 0,
        Part::Absolute => 1,
        Part::Positive => 2,
        Part::Negative => 3,
    }
}

impl Lowering<'_> {
    pub(super) fn convolution(&mut self, group: &Group, node: &Node) {
        let source = node.inputs[0];
        let (layer, weight, source_part, transposed) = match node.op {
            Op::Convolve { layer, weight, input, .. } => (layer, weight, input, false),
            Op::ConvolveTranspose { layer, weight, .. } => (layer, weight, Part::Full, true),
            _ => return,
        };
        let source_shape = self.shape(source);
        let pass = Pass { layer, transposed, weight, source_part, source, source_shape, shape: node.shape };
        let epilogue = self.epilogue(group, node);
        if self.graph.convolution(layer).depthwise {
            self.depthwise(&pass, &epilogue);
        } else {
            self.dense(&pass, &epilogue);
        }
    }

    fn epilogue(&self, group: &Group, node: &Node) -> Epilogue {
        let mut epilogue = Epilogue::NONE;
        let mut batch_norm = None;
        let mut affine = false;
        for &id in &group.nodes[1..] {
            let follower = self.graph.node(id);
            match follower.op {
                Op::BatchNorm(id) => (batch_norm, affine) = (Some(id), true),
                Op::Clamp(activation) => {
                    affine = true;
                    epilogue.low = 0.0;
                    epilogue.high = activation.ceiling();
                }
                Op::Binary(Binary::Ratio) => (epilogue.code, epilogue.operand) = (2, Some(follower.inputs[0])),
                Op::Binary(Binary::MultiplyAbsolute) => {
                    (epilogue.code, epilogue.operand) = (3, Some(follower.inputs[1]));
                }
                _ => {}
            }
        }
        if let Op::Convolve { layer, bias, .. } = node.op
            && (affine || bias)
        {
            epilogue.code = 1;
            epilogue.affine = Packing::Affine { layer: Some(layer), batch_norm };
        }
        epilogue
    }

    fn dense(&mut self, pass: &Pass, epilogue: &Epilogue) {
        let convolution = self.graph.convolution(pass.layer).clone();
        let (shader, pixels_per_tile, largest) = match self.profile.broadcast {
            true => (Shader::ConvolutionBroadcast, 32, 4),
            false => (Shader::ConvolutionUniform, 256, 2),
        };
        let row_tiles = row_tiles(pass.shape.channels, largest);
        let mut kernel = Kernel::new(shader).with("ROW_TILES", row_tiles);
        if !self.profile.broadcast {
            // Max-pooling and ReLU decide on the forward pass: a near-tie must fall as in exact arithmetic.
            let decides = !pass.transposed && pass.weight == Part::Full;
            kernel = kernel
                .with("WEIGHT_PART", part_code(pass.weight))
                .with("SOURCE_PART", part_code(pass.source_part))
                .with("TWO_LEVELS", decides.into());
        }
        let step = if pass.transposed { convolution.window.stride } else { 1 };
        let largest_grid = pass.shape.height.div_ceil(step) * pass.shape.width.div_ceil(step);
        let tiles = largest_grid.div_ceil(pixels_per_tile);
        let flops = pass_flops(&convolution, pass) * u64::from(self.batch);
        let values = self.operands(pass, epilogue);
        let weights = vec![Packing::Dense { layer: pass.layer, transposed: pass.transposed }, epilogue.affine];

        let parts = flops.div_ceil(self.profile.max_step_flops).max(1) as u32;
        let tiles_per_part = tiles.div_ceil(parts).min(self.profile.max_workgroups);
        for first_tile in (0..tiles).step_by(tiles_per_part as usize) {
            let count = tiles_per_part.min(tiles - first_tile);
            let mut uniforms = Uniforms::new()
                .with("source_height", pass.source_shape.height)
                .with("source_width", pass.source_shape.width)
                .with("source_quads", pass.source_shape.quads())
                .with("height", pass.shape.height)
                .with("width", pass.shape.width)
                .with("quads", pass.shape.quads())
                .with("kernel_rows", convolution.window.kernel[0])
                .with("kernel_columns", convolution.window.kernel[1])
                .with("stride", convolution.window.stride)
                .with("padding_top", convolution.window.padding.top)
                .with("padding_left", convolution.window.padding.left)
                .with("transposed", pass.transposed)
                .with("first_tile", first_tile)
                .with("epilogue", epilogue.code)
                .with("low", epilogue.low)
                .with("high", epilogue.high);
            if self.profile.broadcast {
                uniforms = with_parts(uniforms, pass.weight, pass.source_part);
            }
            let workgroups = [count, pass.shape.channels.div_ceil(8 * row_tiles), self.batch * step * step];
            let flops = flops * u64::from(count) / u64::from(tiles);
            self.push(Work { kernel: kernel.clone(), uniforms, workgroups, flops }, weights.clone(), values.clone());
        }
    }

    fn depthwise(&mut self, pass: &Pass, epilogue: &Epilogue) {
        let convolution = self.graph.convolution(pass.layer).clone();
        let uniforms = Uniforms::new()
            .with("source_height", pass.source_shape.height)
            .with("source_width", pass.source_shape.width)
            .with("height", pass.shape.height)
            .with("width", pass.shape.width)
            .with("quads", pass.shape.quads())
            .with("kernel_rows", convolution.window.kernel[0])
            .with("kernel_columns", convolution.window.kernel[1])
            .with("stride", convolution.window.stride)
            .with("padding_top", convolution.window.padding.top)
            .with("padding_left", convolution.window.padding.left)
            .with("transposed", pass.transposed)
            .with("epilogue", epilogue.code)
            .with("low", epilogue.low)
            .with("high", epilogue.high);
        let uniforms = with_parts(uniforms, pass.weight, pass.source_part);
        let step = if pass.transposed { convolution.window.stride } else { 1 };
        let largest_grid = pass.shape.height.div_ceil(step) * pass.shape.width.div_ceil(step);
        let pixels = if self.profile.broadcast && largest_grid >= 8 * LANES { 4 } else { 1 };
        let kernel = Kernel::new(Shader::ConvolutionDepthwise).with("PIXELS", pixels);
        let workgroups = [largest_grid.div_ceil(LANES * pixels), pass.shape.quads(), self.batch * step * step];
        let flops = pass_flops(&convolution, pass) * u64::from(self.batch);
        let values = self.operands(pass, epilogue);
        let weights = vec![Packing::Depthwise { layer: pass.layer }, epilogue.affine];
        self.push(Work { kernel, uniforms, workgroups, flops }, weights, values);
    }

    fn operands(&mut self, pass: &Pass, epilogue: &Epilogue) -> Vec<ValueId> {
        let source = self.value(pass.source);
        let operand = epilogue.operand.map_or(self.unused, |operand| self.value(operand));
        let output = self.value(self.output);
        vec![source, operand, output]
    }

    pub(super) fn convolution_ones(&mut self, group: &Group, node: &Node) {
        let Op::ConvolveOnes { layer, weight, height, width } = node.op else { return };
        let convolution = self.graph.convolution(layer).clone();
        let epilogue = self.epilogue(group, node);
        let uniforms = Uniforms::new()
            .with("source_height", height)
            .with("source_width", width)
            .with("height", node.shape.height)
            .with("width", node.shape.width)
            .with("quads", node.shape.quads())
            .with("kernel_rows", convolution.window.kernel[0])
            .with("kernel_columns", convolution.window.kernel[1])
            .with("stride", convolution.window.stride)
            .with("padding_top", convolution.window.padding.top)
            .with("padding_left", convolution.window.padding.left)
            .with("epilogue", epilogue.code);
        let operand = epilogue.operand.map_or(self.unused, |operand| self.value(operand));
        let output = self.value(self.output);
        let kernel = Kernel::new(Shader::ConvolutionOnes);
        let flops = self.elements(node, convolution.window.taps().into());
        let workgroups = [node.shape.pixels().div_ceil(LANES), node.shape.quads(), self.batch];
        let weights = vec![Packing::TapSums { layer, part: weight }];
        self.push(Work { kernel, uniforms, workgroups, flops }, weights, vec![operand, output]);
    }

    pub(super) fn activation_bounds(&self, group: &Group) -> (f32, f32) {
        let activation = group.nodes[1..].iter().find_map(|&id| match self.graph.node(id).op {
            Op::Clamp(activation) => Some(activation),
            _ => None,
        });
        activation.map_or((f32::MIN, f32::MAX), |activation: Activation| (0.0, activation.ceiling()))
    }
}

/// Tiles of 8 output channels per workgroup: the most that the channels fill.
fn row_tiles(channels: u32, largest: u32) -> u32 {
    match channels.div_ceil(8) {
        1 => 1,
        2 => 2.min(largest),
        _ => largest,
    }
}

/// Two operations per weight and output pixel of the forward direction.
fn pass_flops(convolution: &Convolution, pass: &Pass) -> u64 {
    let output = if pass.transposed { pass.source_shape } else { pass.shape };
    let inputs = if convolution.depthwise { 1 } else { convolution.input_channels };
    2 * u64::from(convolution.window.taps()) * u64::from(inputs) * output.elements()
}
