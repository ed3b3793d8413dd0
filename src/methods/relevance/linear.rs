//! LRP's rules for layers with weights, convolutions and linear layers alike; no rule gives a bias a share.

use super::{Layer, Weights};
use crate::graph::{Activation, Binary, Constant, Forward, GraphError, NodeId, Op, Part, Unary};

impl Layer<'_> {
    /// `alpha f(W+, W-) - (alpha - 1) f(W-, W+)` (Bach et al. 2015, section 2.3; for inputs of both signs as the AGF
    /// authors' program).
    pub(super) fn alpha_beta(&mut self, weights: Weights, alpha: Constant) -> Result<NodeId, GraphError> {
        let activating = self.matched(weights, Part::Positive, Part::Negative)?;
        if alpha.value() == 1.0 {
            return Ok(activating);
        }
        let inhibiting = self.matched(weights, Part::Negative, Part::Positive)?;
        let more = self.scale("alpha f(W+, W-)", alpha, activating)?;
        let less = self.scale("beta f(W-, W+)", Constant::new(alpha.value() - 1.0), inhibiting)?;
        self.binary("relevance", Forward::Subtract, more, less)
    }

    /// `f(V, U) = x+ bwd(V, div(c, fwd(V, x+))) + x- bwd(U, div(c, fwd(U, x-)))`.
    fn matched(&mut self, weights: Weights, v: Part, u: Part) -> Result<NodeId, GraphError> {
        let (positive, negative) = self.input_parts()?;
        let of_positive = self.share(weights, v, positive)?;
        let Some(negative) = negative else { return Ok(of_positive) };
        let of_negative = self.share(weights, u, negative)?;
        self.binary("f", Forward::Add, of_positive, of_negative)
    }

    /// `x' bwd(V, div(c, fwd(V, x')))` for a part `x'` of the input.
    fn share(&mut self, weights: Weights, v: Part, x: NodeId) -> Result<NodeId, GraphError> {
        let z = self.forward("Z", weights, v, x)?;
        let s = self.binary("S", Binary::Ratio, self.c, z)?;
        let back = self.back("bwd(V, S)", weights, v, s)?;
        self.times("f of a part", back, x)
    }

    /// `x+ bwd(W+, S) + x- bwd(W-, S)` with `S = div(c, fwd(W+, x+) + fwd(W-, x-))` (Montavon et al. 2017, both signs
    /// of the input).
    pub(super) fn z_plus(&mut self, weights: Weights) -> Result<NodeId, GraphError> {
        let z = self.positive_sum(weights)?;
        let s = self.binary("S", Binary::Ratio, self.c, z)?;
        self.positive_back(weights, s)
    }

    /// As the epsilon rule, with every positive contribution times `1 + gamma` (Montavon et al. 2019):
    /// `S = div(c, fwd(W, x) + gamma P)`, `x bwd(W, S) + gamma (x+ bwd(W+, S) + x- bwd(W-, S))`, `P = fwd(W+, x+) +
    /// fwd(W-, x-)`.
    pub(super) fn gamma(&mut self, weights: Weights, gamma: Constant) -> Result<NodeId, GraphError> {
        let x = self.inputs[0];
        let all = self.forward("W x", weights, Part::Full, x)?;
        let positive = self.positive_sum(weights)?;
        let positive = self.scale("gamma P", gamma, positive)?;
        let z = self.binary("Z", Forward::Add, all, positive)?;
        let s = self.binary("S", Binary::Ratio, self.c, z)?;
        let back = self.back("bwd(W, S)", weights, Part::Full, s)?;
        let plain = self.binary("x bwd(W, S)", Forward::Multiply, back, x)?;
        let more = self.positive_back(weights, s)?;
        let more = self.scale("gamma times positive", gamma, more)?;
        self.binary("relevance", Forward::Add, plain, more)
    }

    /// `x bwd(W, c / (z + epsilon sign(z)))` (Bach et al. 2015, equation 58).
    pub(super) fn epsilon(&mut self, weights: Weights, epsilon: Constant) -> Result<NodeId, GraphError> {
        let x = self.inputs[0];
        let z = self.forward("W x", weights, Part::Full, x)?;
        let z = self.add("Z", Unary::Stabilize(epsilon), &[z])?;
        let s = self.binary("S", Binary::Divide, self.c, z)?;
        let back = self.back("bwd(W, S)", weights, Part::Full, s)?;
        self.binary("relevance", Forward::Multiply, back, x)
    }

    /// `bwd(V, div(c, fwd(V, 1)))`: shares in proportion to the weights alone.
    pub(super) fn shares(&mut self, weights: Weights) -> Result<NodeId, GraphError> {
        let z = self.ones("fwd(V, 1)", weights, Part::Full)?;
        let s = self.binary("S", Binary::Ratio, self.c, z)?;
        self.back("relevance", weights, Part::Full, s)
    }

    /// Sum of the positive contributions to each output.
    fn positive_sum(&mut self, weights: Weights) -> Result<NodeId, GraphError> {
        let (positive, negative) = self.input_parts()?;
        let sum = self.forward("fwd(W+, x+)", weights, Part::Positive, positive)?;
        let Some(negative) = negative else { return Ok(sum) };
        let rest = self.forward("fwd(W-, x-)", weights, Part::Negative, negative)?;
        self.binary("P", Forward::Add, sum, rest)
    }

    /// What the positive contributions carry back of `s`.
    fn positive_back(&mut self, weights: Weights, s: NodeId) -> Result<NodeId, GraphError> {
        let (positive, negative) = self.input_parts()?;
        let back = self.back("bwd(W+, S)", weights, Part::Positive, s)?;
        let sum = self.times("x+ bwd(W+, S)", back, positive)?;
        let Some(negative) = negative else { return Ok(sum) };
        let back = self.back("bwd(W-, S)", weights, Part::Negative, s)?;
        let rest = self.times("x- bwd(W-, S)", back, negative)?;
        self.binary("positive", Forward::Add, sum, rest)
    }

    /// `x+` and `x-`; an input that is never negative is its own `x+` and has no `x-`.
    pub(super) fn input_parts(&mut self) -> Result<(NodeId, Option<NodeId>), GraphError> {
        let x = self.inputs[0];
        if self.graph.is_non_negative(x) {
            return Ok((x, None));
        }
        let positive = self.add("x+", Forward::Clamp(Activation::Relu), &[x])?;
        Ok((positive, Some(self.binary("x-", Forward::Subtract, x, positive)?)))
    }

    /// `v x`; as `v |x|` where `x` is never negative, since that runs together with the product before it.
    pub(super) fn times(&mut self, what: &str, v: NodeId, x: NodeId) -> Result<NodeId, GraphError> {
        let absolute = self.graph.is_non_negative(x);
        let product: Op = if absolute { Binary::MultiplyAbsolute.into() } else { Forward::Multiply.into() };
        self.binary(what, product, v, x)
    }

    pub(super) fn scale(&mut self, what: &str, factor: Constant, x: NodeId) -> Result<NodeId, GraphError> {
        self.add(what, Unary::Scale(factor), &[x])
    }
}
