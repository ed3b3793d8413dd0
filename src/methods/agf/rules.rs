//! The relevance rules of AGF, one per operation, as section 3 of the method writes them.

use super::Ablations;
use crate::graph::{
    Binary, ConvolutionId, Graph, GraphError, LinearId, NodeId, Op, Part, Reduction, ResidualTerms, Role,
};
use crate::methods::{Quantity, Trace};

/// One forward node with the relevance `c` and the gradient `g` at its output, and the gradient `g_x` at its first input.
pub(super) struct Layer<'a> {
    graph: &'a mut Graph,
    id: NodeId,
    name: String,
    inputs: Vec<NodeId>,
    c: NodeId,
    g: Option<NodeId>,
    g_x: Option<NodeId>,
    tag: String,
    pub trace: Vec<Trace>,
}

impl<'a> Layer<'a> {
    pub fn new(
        graph: &'a mut Graph,
        id: NodeId,
        c: NodeId,
        g: Option<NodeId>,
        g_x: Option<NodeId>,
        tag: String,
    ) -> Self {
        let (name, inputs) = (graph.node(id).name.clone(), graph.node(id).inputs.clone());
        Self { graph, id, name, inputs, c, g, g_x, tag, trace: Vec::new() }
    }

    /// Relevance of each input.
    pub fn relevances(&mut self, ablations: Ablations) -> Result<Vec<NodeId>, GraphError> {
        let (x, c) = (self.inputs[0], self.c);
        let relevance = match self.graph.node(self.id).op {
            Op::Convolve { layer, .. } => match self.graph.convolution(layer).role {
                Role::First => self.box_rule(layer)?,
                Role::Flat => self.convolution_c(layer)?,
                Role::Full => self.full(layer, ablations)?,
            },
            Op::Linear { layer, .. } => self.linear(layer)?,
            Op::Clamp(activation) => self.add("relevance", Op::ClampRelevance(activation), &[c, self.id])?,
            Op::MaxPool(window) => {
                let shape = self.graph.shape(x);
                let index = self.add("index", Op::MaxPoolIndex(window), &[x])?;
                let s = self.binary("S", Binary::Ratio, c, self.id)?;
                let transpose = Op::MaxPoolTranspose { window, height: shape.height, width: shape.width };
                let routed = self.add("routed S", transpose, &[s, index])?;
                self.binary("relevance", Binary::Multiply, x, routed)?
            }
            Op::AveragePool { .. } => {
                let shape = self.graph.shape(x);
                let s = self.binary("S", Binary::Ratio, c, self.id)?;
                let transpose = Op::AveragePoolTranspose { height: shape.height, width: shape.width };
                let spread = self.add("spread S", transpose, &[s])?;
                self.binary("relevance", Binary::Multiply, x, spread)?
            }
            Op::Binary(Binary::Add) => {
                let s = self.binary("S", Binary::Ratio, c, self.id)?;
                let b = self.inputs[1];
                let to_a = self.binary("relevance of a", Binary::Multiply, x, s)?;
                let to_b = self.binary("relevance of b", Binary::Multiply, b, s)?;
                return Ok(vec![to_a, to_b]);
            }
            _ => c,
        };
        Ok(vec![relevance])
    }

    /// `C = |x| * bwd(|W|, div(c, fwd(|W|, |x|) [c != 0]))`.
    fn convolution_c(&mut self, layer: ConvolutionId) -> Result<NodeId, GraphError> {
        let x = self.inputs[0];
        let forward = Op::Convolve { layer, weight: Part::Absolute, input: Part::Absolute, bias: false };
        let z = self.add("Z", forward, &[x])?;
        let s = self.binary("S_C", Binary::Ratio, self.c, z)?;
        let back = self.transpose("bwd(|W|, S_C)", layer, Part::Absolute, s)?;
        let c = self.binary("C", Binary::MultiplyAbsolute, back, x)?;
        self.trace.push(Trace { layer: self.id, quantity: Quantity::C, node: c });
        Ok(c)
    }

    /// The full rule: `shift(C, ( div(F_x + M, 1 + exp(-C)) + F_dx + A ) [C != 0])`.
    fn full(&mut self, layer: ConvolutionId, ablations: Ablations) -> Result<NodeId, GraphError> {
        let (x, g_x) = (self.inputs[0], self.g_x.unwrap_or(self.c));
        let c = self.convolution_c(layer)?;
        let agnostic = self.agnostic(layer)?;
        let shape = self.graph.shape(x);
        let masked = Op::ConvolveTransposeMasked { layer, height: shape.height, width: shape.width };
        let gm = self.add("gm", masked, &[self.g.unwrap_or(self.c), self.c, g_x])?;

        let weight =
            if ablations.gradcam { self.add("mean gm", Op::AveragePool { height: 1, width: 1 }, &[gm])? } else { g_x };
        let maps = self.add("phi, M", Op::SaliencyMaps, &[c, x, weight])?;
        let peak = self.add("max M", Op::SaliencyMaximum, &[maps])?;
        let (max_x, basis_x) = self.basis(x, maps, "x")?;
        let (max_gm, basis_gm) = self.basis(gm, maps, "gm")?;
        let factors = self.add("F_x, F_dx", Op::FactorMaps, &[x, max_x, basis_x, gm, max_gm, basis_gm])?;
        self.trace.push(Trace { layer: self.id, quantity: Quantity::Factors, node: factors });

        let terms = ResidualTerms {
            factor_x: !ablations.no_fx && !ablations.gradcam,
            saliency: !ablations.no_m || ablations.gradcam,
            normalized: !ablations.gradcam,
            regularized: !ablations.no_reg,
            factor_dx: !ablations.no_fdx,
            agnostic: !ablations.no_a,
        };
        let residual = self.add("R", Op::Residual(terms), &[c, agnostic, maps, peak, factors])?;
        self.shift(c, residual)
    }

    /// `A = bwd(|W|, div(c, fwd(|W|, 1) [c != 0]))`.
    fn agnostic(&mut self, layer: ConvolutionId) -> Result<NodeId, GraphError> {
        let shape = self.graph.shape(self.inputs[0]);
        let (height, width) = (shape.height, shape.width);
        let ones = self.add("fwd(|W|, 1)", Op::ConvolveOnes { layer, weight: Part::Absolute, height, width }, &[])?;
        let s = self.binary("S_A", Binary::Ratio, self.c, ones)?;
        self.transpose("A", layer, Part::Absolute, s)
    }

    fn basis(&mut self, value: NodeId, maps: NodeId, which: &str) -> Result<(NodeId, NodeId), GraphError> {
        let max = self.add(&format!("max {which}"), Op::Reduce(Reduction::Maximum), &[value])?;
        let basis = self.add(&format!("Q {which}"), Op::FactorBasis, &[value, max, maps])?;
        Ok((max, basis))
    }

    fn shift(&mut self, c: NodeId, residual: NodeId) -> Result<NodeId, GraphError> {
        self.trace.push(Trace { layer: self.id, quantity: Quantity::Residual, node: residual });
        let sum = self.add("sum R", Op::Reduce(Reduction::Sum), &[residual])?;
        let count = self.add("count C", Op::Reduce(Reduction::CountNonZero), &[c])?;
        self.add("relevance", Op::Shift, &[c, residual, sum, count])
    }

    /// `C`; over a feature map also `M = relu(mean_ch(x g_x)) [C != 0]`, then the shift by `div(M, max M)`.
    fn linear(&mut self, layer: LinearId) -> Result<NodeId, GraphError> {
        let x = self.inputs[0];
        let forward = Op::Linear { layer, weight: Part::Absolute, input: Part::Absolute, bias: false };
        let z = self.add("Z", forward, &[x])?;
        let s = self.binary("S_C", Binary::Ratio, self.c, z)?;
        let back = self.add("bwd(|W|, S_C)", Op::LinearTranspose { layer, weight: Part::Absolute }, &[s])?;
        let c = self.binary("C", Binary::MultiplyAbsolute, back, x)?;
        self.trace.push(Trace { layer: self.id, quantity: Quantity::C, node: c });
        if self.graph.shape(x).pixels() == 1 {
            return Ok(c);
        }
        let maps = self.add("phi, M", Op::SaliencyMaps, &[c, x, self.g_x.unwrap_or(self.c)])?;
        let m = self.add("M", Op::MaskedSaliency, &[c, maps])?;
        let peak = self.add("max M", Op::Reduce(Reduction::Maximum), &[m])?;
        let residual = self.binary("R", Binary::SafeDivide, m, peak)?;
        self.shift(c, residual)
    }

    /// The first convolution: relevance within the box that the picture's smallest and largest value span.
    fn box_rule(&mut self, layer: ConvolutionId) -> Result<NodeId, GraphError> {
        let x = self.inputs[0];
        let shape = self.graph.shape(x);
        let (height, width) = (shape.height, shape.width);
        let low = self.add("min x", Op::Reduce(Reduction::Minimum), &[x])?;
        let high = self.add("max x", Op::Reduce(Reduction::Maximum), &[x])?;
        let forward = Op::Convolve { layer, weight: Part::Full, input: Part::Full, bias: false };
        let response = self.add("W x", forward, &[x])?;
        let ones = |weight| Op::ConvolveOnes { layer, weight, height, width };
        let positive = self.add("fwd(W+, 1)", ones(Part::Positive), &[])?;
        let negative = self.add("fwd(W-, 1)", ones(Part::Negative), &[])?;
        let s = self.add("S", Op::BoxRatio, &[self.c, response, positive, negative, low, high])?;
        let full = self.transpose("bwd(W, S)", layer, Part::Full, s)?;
        let positive = self.transpose("bwd(W+, S)", layer, Part::Positive, s)?;
        let negative = self.transpose("bwd(W-, S)", layer, Part::Negative, s)?;
        self.add("relevance", Op::BoxRelevance, &[x, full, positive, negative, low, high])
    }

    fn transpose(&mut self, what: &str, layer: ConvolutionId, weight: Part, v: NodeId) -> Result<NodeId, GraphError> {
        let shape = self.graph.shape(self.inputs[0]);
        let op = Op::ConvolveTranspose { layer, weight, height: shape.height, width: shape.width };
        self.add(what, op, &[v])
    }

    fn binary(&mut self, what: &str, binary: Binary, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        self.add(what, Op::Binary(binary), &[a, b])
    }

    fn add(&mut self, what: &str, op: Op, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        self.graph.add(&format!("{}:{what}{}", self.name, self.tag), op, inputs)
    }
}
