//! Convolutions: what a pass computes, what happens to its sums, and which algorithm runs it.

use super::grouped::has_whole_quads;
use super::{Lowering, UNUSED, Work};
use crate::graph::{
    Activation, Backward, Binary, Convolution, ConvolutionId, Explain, Forward, Node, Op, Padding, Part, Shape, Window,
};
use crate::plan::codes;
use crate::plan::fuse::Group;
use crate::plan::kernel::{Kernel, Shader};
use crate::plan::memory;
use crate::plan::packing::Packing;
use crate::plan::uniforms::Uniforms;
use crate::plan::variant::{Algorithm, DensePass, PassShape};
use crate::plan::{LayerPasses, ValueId};

/// Source quads that the dense kernels sum up in one level before they join a total; the shaders' `BLOCK`.
const BLOCK: u32 = 16;

/// What happens to a sum before it is stored; `code` is one of `codes::EPILOGUE_*`.
pub(super) struct Epilogue {
    pub code: u32,
    pub affine: Packing,
    pub operand: Option<ValueId>,
    pub low: f32,
    pub high: f32,
}

impl Epilogue {
    pub const NONE: Epilogue =
        Epilogue { code: codes::EPILOGUE_NONE, affine: Packing::Unused, operand: None, low: f32::MIN, high: f32::MAX };

    /// Whether relevance is divided by the sum.
    pub fn divides(&self) -> bool {
        self.code == codes::EPILOGUE_RATIO
    }
}

/// One convolution pass: which layer, in which direction, with which parts, from where to where.
pub(super) struct Pass {
    pub layer: ConvolutionId,
    pub transposed: bool,
    pub weight: Part,
    pub source_part: Part,
    pub source: ValueId,
    pub source_shape: Shape,
    pub destination: ValueId,
    /// Where the same goes with absolute weights; for a forward pass whose source is nowhere negative.
    pub absolute: Option<ValueId>,
    /// The part of the weights of another pass, whose source and destination lie behind this one's and have its
    /// shapes.
    pub second: Option<Part>,
    pub shape: Shape,
    /// Samples that it goes through: those of the batch, or twice as many where it stands for two passes. Epilogues
    /// apply to the first.
    pub samples: u32,
    /// So many values; where all are zero the pass does nothing.
    pub gate: Option<(ValueId, u32)>,
}

impl Pass {
    /// How many values decide whether it does anything, as the kernels' `gate`; 0 where it always does.
    pub fn gate_count(&self) -> u32 {
        self.gate.map_or(0, |(_, count)| count)
    }

    /// The values that decide whether it does anything.
    pub fn gate_value(&self) -> Option<ValueId> {
        self.gate.map(|(value, _)| value)
    }
}

/// The shaders' number for a part.
pub(super) fn part_code(part: Part) -> u32 {
    match part {
        Part::Full => codes::PART_FULL,
        Part::Absolute => codes::PART_ABSOLUTE,
        Part::Positive => codes::PART_POSITIVE,
        Part::Negative => codes::PART_NEGATIVE,
    }
}

impl Lowering<'_, '_> {
    /// `part(W) * part(x)`.
    pub(super) fn convolution(&mut self, group: &Group, node: &Node, layer: ConvolutionId, weight: Part, input: Part) {
        let mut pass = self.pass(node, layer, weight, false);
        pass.source_part = self.part_taken(node, input);
        pass.absolute = group.partner().map(|partner| self.value(partner));
        let epilogue = self.epilogue(group, node);
        self.run_pass(&pass, &epilogue);
    }

    /// `part(W)^T v`.
    pub(super) fn convolution_transpose(&mut self, group: &Group, node: &Node, layer: ConvolutionId, weight: Part) {
        let mut pass = self.pass(node, layer, weight, true);
        let partner = group.partner().map(|partner| self.graph.node(partner).op);
        if let Some(Op::Backward(Backward::ConvolveTranspose { weight: other, .. })) = partner {
            pass.source = memory::whole(&self.draft.values, pass.source);
            pass.destination = memory::whole(&self.draft.values, pass.destination);
            match other == weight {
                true => pass.samples = 2 * self.batch,
                false => pass.second = Some(other),
            }
        }
        let epilogue = self.epilogue(group, node);
        self.run_pass(&pass, &epilogue);
    }

    /// From the first input of a node to the output of its group.
    fn pass(&mut self, node: &Node, layer: ConvolutionId, weight: Part, transposed: bool) -> Pass {
        Pass {
            layer,
            transposed,
            weight,
            source_part: Part::Full,
            source: self.value(node.inputs[0]),
            source_shape: self.shape(node.inputs[0]),
            destination: self.value(self.output),
            absolute: None,
            second: None,
            shape: node.shape,
            samples: self.batch,
            gate: None,
        }
    }

    /// A value that is nowhere negative is its own absolute value.
    fn part_taken(&self, node: &Node, part: Part) -> Part {
        let is_whole = part == Part::Absolute && self.graph.is_non_negative(node.inputs[0]);
        if is_whole { Part::Full } else { part }
    }

    /// `bwd(W, g [c != 0])`, which is `bwd(W, g)` unless the mask takes something: one step masks, counts what that
    /// takes, and copies `bwd(W, g)`; it gates the pass that would replace the copy.
    pub(super) fn masked_transpose(&mut self, node: &Node, layer: ConvolutionId) {
        let [g, c, unmasked] = [0, 1, 2].map(|index| self.value(node.inputs[index]));
        let source_shape = self.shape(node.inputs[0]);
        let pass = self.pass(node, layer, Part::Full, true);
        let (source, taken) = self.masked([g, c, unmasked, pass.destination], source_shape, node.shape);
        let pass = Pass { source, gate: Some(taken), ..pass };
        self.run_pass(&pass, &Epilogue::NONE);
    }

    fn run_pass(&mut self, pass: &Pass, epilogue: &Epilogue) {
        self.count_pass(pass);
        let convolution = self.graph.convolution(pass.layer);
        match convolution.window.plain_stride() {
            Some(_) if convolution.is_depthwise() => return self.depthwise(pass, epilogue),
            Some(_) if convolution.groups == 1 => {}
            Some(_) if has_whole_quads(convolution) => return self.grouped(pass, epilogue),
            Some(_) | None => return self.general(pass, epilogue),
        }
        let first = self.draft.steps.len();
        let shape = self.pass_shape(pass, epilogue);
        let variant = shape.variant(self.profile);
        match (variant.algorithm, pass.absolute) {
            (_, Some(absolute)) => self.joint(pass, absolute, epilogue, variant),
            (Algorithm::Direct, None) => self.direct(pass, epilogue, variant),
            (Algorithm::Winograd(tile), None) => self.winograd(pass, epilogue, variant, tile),
        }
        self.draft.dense.push(DensePass {
            shape,
            variant,
            steps: first..self.draft.steps.len(),
            gated: pass.gate.is_some(),
        });
    }

    fn pass_shape(&self, pass: &Pass, epilogue: &Epilogue) -> PassShape {
        let window = self.graph.convolution(pass.layer).window;
        PassShape {
            transposed: pass.transposed,
            kernel: window.kernel,
            stride: window.stride[0],
            source_channels: pass.source_shape.channels,
            channels: pass.shape.channels,
            height: pass.shape.height,
            width: pass.shape.width,
            decides: self.decides(pass),
            winograd: self.winograd_allowed(pass, epilogue),
            joint: pass.absolute.is_some() || pass.second.is_some(),
            product: self.is_product(pass, window),
        }
    }

    /// Whether max-pooling and ReLU decide on the result, and an explanation on what they decide.
    pub(super) fn decides(&self, pass: &Pass) -> bool {
        self.draft.is_explained && !pass.transposed && pass.weight == Part::Full
    }

    /// Whether it is a product of matrices that one level of sums is enough for.
    fn is_product(&self, pass: &Pass, window: Window) -> bool {
        let is_point = window.taps() == 1 && window.padding == Padding::all(0);
        let is_masked = matches!(pass.source_part, Part::Full | Part::Absolute);
        let is_one_level = !self.decides(pass) || pass.source_shape.quads() <= BLOCK;
        is_point && is_masked && is_one_level && pass.absolute.is_none() && pass.second.is_none()
    }

    fn count_pass(&mut self, pass: &Pass) {
        let convolution = self.graph.convolution(pass.layer);
        if self.draft.passes.iter().all(|known| known.layer != convolution.name) {
            let (layer, role) = (convolution.name.clone(), self.graph.role(pass.layer));
            self.draft.passes.push(LayerPasses { layer, role, always: 0, gated: 0 });
        }
        for known in self.draft.passes.iter_mut().filter(|known| known.layer == convolution.name) {
            *if pass.gate.is_some() { &mut known.gated } else { &mut known.always } += 1;
            let is_twice = pass.absolute.is_some() || pass.second.is_some() || pass.samples > self.batch;
            known.always += u32::from(is_twice);
        }
    }

    fn epilogue(&mut self, group: &Group, node: &Node) -> Epilogue {
        let mut epilogue = Epilogue::NONE;
        let mut batch_norm = None;
        let mut affine = false;
        for &id in &group.chain()[1..] {
            let graph = self.graph;
            let follower = graph.node(id);
            match follower.op {
                Op::Forward(Forward::BatchNorm(id)) => (batch_norm, affine) = (Some(id), true),
                Op::Forward(Forward::Clamp(activation)) => {
                    affine = true;
                    epilogue.low = 0.0;
                    epilogue.high = activation.ceiling();
                }
                Op::Explain(Explain::Binary(Binary::Ratio)) => {
                    epilogue.code = codes::EPILOGUE_RATIO;
                    epilogue.operand = Some(self.value(follower.inputs[0]));
                }
                Op::Explain(Explain::Binary(Binary::MultiplyAbsolute)) => {
                    epilogue.code = codes::EPILOGUE_TIMES_ABSOLUTE;
                    epilogue.operand = Some(self.value(follower.inputs[1]));
                }
                // Groups take in nothing else.
                Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => {}
            }
        }
        if let Op::Forward(Forward::Convolve { layer, bias }) = node.op
            && (affine || bias)
        {
            epilogue.code = codes::EPILOGUE_AFFINE;
            epilogue.affine = Packing::Affine { layer: Some(layer), batch_norm };
        }
        epilogue
    }

    /// Appends what the kernels must know of what happens to sums.
    pub(super) fn with_epilogue(&self, uniforms: Uniforms, epilogue: &Epilogue) -> Uniforms {
        uniforms
            .with("epilogue", epilogue.code)
            .with("finished", self.batch)
            .with("low", epilogue.low)
            .with("high", epilogue.high)
    }

    /// Source, operand or gate, and destination, as the kernels bind them.
    pub(super) fn operands(&self, pass: &Pass, epilogue: &Epilogue) -> [ValueId; 3] {
        [pass.source, pass.gate_value().or(epilogue.operand).unwrap_or(UNUSED), pass.destination]
    }

    /// `part(W) * 1` with ones of `[height, width]`.
    pub(super) fn convolution_ones(
        &mut self,
        group: &Group,
        node: &Node,
        layer: ConvolutionId,
        weight: Part,
        [height, width]: [u32; 2],
    ) {
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
            .with("stride_rows", convolution.window.stride[0])
            .with("stride_columns", convolution.window.stride[1])
            .with("dilation_rows", convolution.window.dilation[0])
            .with("dilation_columns", convolution.window.dilation[1])
            .with("padding_top", convolution.window.padding.top)
            .with("padding_left", convolution.window.padding.left)
            .with("epilogue", epilogue.code);
        let operand = epilogue.operand.unwrap_or(UNUSED);
        let output = self.value(self.output);
        let (kernel, workgroups) = self.per_quad(Kernel::new(Shader::ConvolutionOnes), node.shape);
        let flops = self.elements(node, convolution.window.taps().into());
        let weights = vec![Packing::TapSums { layer, part: weight }];
        self.push(Work { kernel, uniforms, workgroups, flops }, weights, vec![operand, output]);
    }

    pub(super) fn activation_bounds(&self, group: &Group) -> (f32, f32) {
        let activation = group.chain()[1..].iter().find_map(|&id| match self.graph.node(id).op {
            Op::Forward(Forward::Clamp(activation)) => Some(activation),
            Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => None,
        });
        activation.map_or((f32::MIN, f32::MAX), |activation: Activation| (0.0, activation.ceiling()))
    }
}

/// Operations of a pass, in either direction, for one sample.
pub(super) fn pass_flops(convolution: &Convolution, pass: &Pass) -> u64 {
    convolution.flops(if pass.transposed { pass.source_shape } else { pass.shape })
}
