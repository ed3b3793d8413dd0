//! Relative attributing propagation (Nam et al., AAAI 2020, arXiv 1904.00605), as the AGF authors' program computes it.
//!
//! Masks by `c != 0` are left out: every term carries a factor `c`.

use super::{Layer, Weights};
use crate::graph::{Activation, Binary, Constant, Forward, GraphError, NodeId, Part, Reduction};

/// One part's contributions: `a` through the positive and `b` through the negative weights, both made positive, of the
/// input's part `v`.
struct Contributions {
    v: NodeId,
    /// Positive values of `a` and `b`.
    a: NodeId,
    b: NodeId,
    /// Which of the two transposes carries a minus.
    negated: Part,
}

impl Layer<'_> {
    /// `part(fwd(W+, x+), -fwd(W-, x+), x+) + part(-fwd(W+, x-), fwd(W-, x-), x-)`.
    pub(super) fn rap(&mut self, weights: Weights) -> Result<NodeId, GraphError> {
        let (positive, negative) = self.input_parts()?;
        let of_positive = self.rap_part(weights, positive, Part::Negative)?;
        let Some(negative) = negative else { return Ok(of_positive) };
        let of_negative = self.rap_part(weights, negative, Part::Positive)?;
        self.binary("relevance", Forward::Add, of_positive, of_negative)
    }

    fn rap_part(&mut self, weights: Weights, v: NodeId, negated: Part) -> Result<NodeId, GraphError> {
        let a = self.contribution(weights, Part::Positive, v, negated)?;
        let b = self.contribution(weights, Part::Negative, v, negated)?;
        let relevance = self.rap_relevance(weights, &Contributions { v, a, b, negated })?;
        self.balance(relevance)
    }

    fn contribution(&mut self, weights: Weights, part: Part, v: NodeId, negated: Part) -> Result<NodeId, GraphError> {
        let response = self.forward("response", weights, part, v)?;
        if part == negated { self.negate(response) } else { Ok(response) }
    }

    /// `v * ( bwd_a(div(T p, a)) + bwd_b(div(b q + T n, b)) )` with `T = a + b` and `p, n, q` = `div(c+, T)`, `div(c-,
    /// T)`, `div(c, T)`. In linear layers `T n` goes through `a` as well, so that there it is `bwd_a(div(T q, a)) +
    /// bwd_b(div(b q, b))`.
    fn rap_relevance(&mut self, weights: Weights, parts: &Contributions) -> Result<NodeId, GraphError> {
        let &Contributions { v, a, b, negated } = parts;
        let total = self.binary("T", Forward::Add, a, b)?;
        let q = self.binary("q", Binary::SafeDivide, self.c, total)?;
        let shared = self.binary("b q", Forward::Multiply, b, q)?;
        let (to_a, to_b) = match weights {
            Weights::Linear(_) => (self.binary("T q", Forward::Multiply, total, q)?, shared),
            Weights::Convolution(_) => {
                let positive = self.add("c+", Forward::Clamp(Activation::Relu), &[self.c])?;
                let negative = self.binary("c-", Forward::Subtract, self.c, positive)?;
                let p = self.binary("p", Binary::SafeDivide, positive, total)?;
                let n = self.binary("n", Binary::SafeDivide, negative, total)?;
                let rest = self.binary("T n", Forward::Multiply, total, n)?;
                (
                    self.binary("T p", Forward::Multiply, total, p)?,
                    self.binary("b q + T n", Forward::Add, shared, rest)?,
                )
            }
        };
        let through_a = self.rap_back(weights, Part::Positive, to_a, a, negated)?;
        let through_b = self.rap_back(weights, Part::Negative, to_b, b, negated)?;
        let sum = self.binary("bwd_a + bwd_b", Forward::Add, through_a, through_b)?;
        self.binary("C", Forward::Multiply, sum, v)
    }

    /// `bwd(div(relevance, response))` through one part of the weights.
    fn rap_back(
        &mut self,
        weights: Weights,
        part: Part,
        relevance: NodeId,
        response: NodeId,
        negated: Part,
    ) -> Result<NodeId, GraphError> {
        let s = self.binary("S", Binary::SafeDivide, relevance, response)?;
        let back = self.back("bwd(S)", weights, part, s)?;
        if part == negated { self.negate(back) } else { Ok(back) }
    }

    /// `(C - div(sum(C) - sum(c), count(C != 0))) [C != 0]`: the total becomes that of `c`.
    fn balance(&mut self, relevance: NodeId) -> Result<NodeId, GraphError> {
        let after = self.add("sum C", Reduction::Sum, &[relevance])?;
        let before = self.add("sum c", Reduction::Sum, &[self.c])?;
        let count = self.add("count C", Reduction::CountNonZero, &[relevance])?;
        let surplus = self.binary("surplus", Forward::Subtract, after, before)?;
        let each = self.binary("surplus of each", Binary::SafeDivide, surplus, count)?;
        let moved = self.binary("C less surplus", Forward::Subtract, relevance, each)?;
        self.binary("relevance", Binary::Mask, moved, relevance)
    }

    fn negate(&mut self, x: NodeId) -> Result<NodeId, GraphError> {
        self.scale("negated", Constant::new(-1.0), x)
    }
}
