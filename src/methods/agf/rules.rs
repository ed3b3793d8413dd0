//! The relevance rules of AGF as section 3 of the method writes them: `C`, the full rule, and the box rule.

use super::Ablations;
use crate::graph::{
    Binary, ConvolutionId, Explain, Forward, GraphError, LinearId, NodeId, Part, Reduction, ResidualTerms,
};
use crate::methods::Quantity;
use crate::methods::relevance::{Layer, Weights};

impl Layer<'_> {
    /// `C = |x| * bwd(|W|, div(c, fwd(|W|, |x|) [c != 0]))`.
    pub fn absolute(&mut self, weights: Weights) -> Result<NodeId, GraphError> {
        let x = self.inputs[0];
        let z = self.add("Z", weights.product(Part::Absolute, Part::Absolute), &[x])?;
        let s = self.binary("S_C", Binary::Ratio, self.c, z)?;
        let back = self.back("bwd(|W|, S_C)", weights, Part::Absolute, s)?;
        let c = self.binary("C", Binary::MultiplyAbsolute, back, x)?;
        self.note(Quantity::C, c);
        Ok(c)
    }

    /// The full rule: `shift(C, ( div(F_x + M, 1 + exp(-C)) + F_dx + A ) [C != 0])`.
    /// `g` and `g_x` are the gradients at the layer's output and at its input.
    pub fn full(
        &mut self,
        layer: ConvolutionId,
        ablations: Ablations,
        (g, g_x): (NodeId, NodeId),
    ) -> Result<NodeId, GraphError> {
        let (x, weights) = (self.inputs[0], Weights::Convolution(layer));
        // Before C, so that nothing reads C before A is there: their transposes run as one.
        let agnostic = self.agnostic(weights)?;
        let c = self.absolute(weights)?;
        let shape = self.graph.shape(x);
        let masked = Explain::ConvolveTransposeMasked { layer, height: shape.height, width: shape.width };
        let gm = self.add("gm", masked, &[g, self.c, g_x])?;

        let weight = if ablations.gradcam {
            self.add("mean gm", Forward::AveragePool { height: 1, width: 1 }, &[gm])?
        } else {
            g_x
        };
        let maps = self.add("phi, M", Explain::SaliencyMaps, &[c, x, weight])?;
        let peak = self.add("max M", Explain::SaliencyMaximum, &[maps])?;
        let (max_x, basis_x) = self.basis(x, maps, "x")?;
        let (max_gm, basis_gm) = self.basis(gm, maps, "gm")?;
        let factors = self.add("F_x, F_dx", Explain::FactorMaps, &[x, max_x, basis_x, gm, max_gm, basis_gm])?;
        self.note(Quantity::Factors, factors);

        let terms = ResidualTerms {
            factor_x: !ablations.no_fx && !ablations.gradcam,
            saliency: !ablations.no_m || ablations.gradcam,
            normalized: !ablations.gradcam,
            regularized: !ablations.no_reg,
            factor_dx: !ablations.no_fdx,
            agnostic: !ablations.no_a,
        };
        let residual = self.add("R", Explain::Residual(terms), &[c, agnostic, maps, peak, factors])?;
        self.shift(c, residual)
    }

    /// `A = bwd(|W|, div(c, fwd(|W|, 1) [c != 0]))`.
    fn agnostic(&mut self, weights: Weights) -> Result<NodeId, GraphError> {
        let ones = self.ones("fwd(|W|, 1)", weights, Part::Absolute)?;
        let s = self.binary("S_A", Binary::Ratio, self.c, ones)?;
        self.back("A", weights, Part::Absolute, s)
    }

    fn basis(&mut self, value: NodeId, maps: NodeId, which: &str) -> Result<(NodeId, NodeId), GraphError> {
        let max = self.add(&format!("max {which}"), Reduction::Maximum, &[value])?;
        let basis = self.add(&format!("Q {which}"), Explain::FactorBasis, &[value, max, maps])?;
        Ok((max, basis))
    }

    fn shift(&mut self, c: NodeId, residual: NodeId) -> Result<NodeId, GraphError> {
        self.note(Quantity::Residual, residual);
        let sum = self.add("sum R", Reduction::Sum, &[residual])?;
        let count = self.add("count C", Reduction::CountNonZero, &[c])?;
        self.add("relevance", Explain::Shift, &[c, residual, sum, count])
    }

    /// `C`; over a feature map also `M = relu(mean_ch(x g_x)) [C != 0]`, then the shift by `div(M, max M)`.
    pub fn absolute_shifted(&mut self, layer: LinearId, g_x: NodeId) -> Result<NodeId, GraphError> {
        let x = self.inputs[0];
        let c = self.absolute(Weights::Linear(layer))?;
        if self.graph.shape(x).pixels() == 1 {
            return Ok(c);
        }
        let maps = self.add("phi, M", Explain::SaliencyMaps, &[c, x, g_x])?;
        let m = self.add("M", Explain::MaskedSaliency, &[c, maps])?;
        let peak = self.add("max M", Reduction::Maximum, &[m])?;
        let residual = self.binary("R", Binary::SafeDivide, m, peak)?;
        self.shift(c, residual)
    }

    /// Relevance within the box that the smallest and the largest value of the input span. Where the quotient's divisor
    /// is exactly 0, so is every term of the sums that the quotient multiplies: `div` and a plain division by `Z +
    /// 1e-9` give the same. With `bwd(W, S) = bwd(W+, S) + bwd(W-, S)` it takes two transposed passes instead of
    /// three.
    pub fn box_rule(&mut self, layer: ConvolutionId) -> Result<NodeId, GraphError> {
        let (x, weights) = (self.inputs[0], Weights::Convolution(layer));
        let low = self.add("min x", Reduction::Minimum, &[x])?;
        let high = self.add("max x", Reduction::Maximum, &[x])?;
        let response = self.forward("W x", weights, Part::Full, x)?;
        let positive = self.ones("fwd(W+, 1)", weights, Part::Positive)?;
        let negative = self.ones("fwd(W-, 1)", weights, Part::Negative)?;
        let s = self.add("S", Explain::BoxRatio, &[self.c, response, positive, negative, low, high])?;
        let positive = self.back("bwd(W+, S)", weights, Part::Positive, s)?;
        let negative = self.back("bwd(W-, S)", weights, Part::Negative, s)?;
        self.add("relevance", Explain::BoxRelevance, &[x, positive, negative, low, high])
    }
}
