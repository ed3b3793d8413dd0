//! The operations of a graph, in three groups: what networks are made of ([`Forward`]), what differentiation adds
//! ([`Backward`]), and what only explanations have ([`Explain`]). Every `match` on them names every operation, so that
//! a new one is a list of compile errors.
//!
//! Inputs are listed in order in parentheses; shapes are (channels, height, width) of one sample. Notation follows the
//! method's paper: `x` a layer's input, `W` its weight, `c` relevance arriving at its output, `C` the gradient-free
//! relevance, `g` a gradient; `div(a, b)` is 0 where `b` is 0, else `a / (b + 1e-9)`.

mod backward;
mod explain;
mod forward;
mod function;
mod operands;
mod region;

pub use backward::Backward;
pub use explain::Explain;
pub use forward::Forward;
pub use function::Function;
pub use operands::{
    Activation, Averaging, Bias, Binary, Constant, LogitRelevance, Part, Reduction, ResidualTerms,
    ResponseNormalization, Unary, VariationField,
};
pub use region::{Order, Region, Span};

use super::{ConvolutionId, LinearId};

/// An operation. Explanations also use those of the other groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// One that networks are made of: every method knows how to go back through it.
    Forward(Forward),
    /// One that differentiation adds.
    Backward(Backward),
    /// One that only explanations have.
    Explain(Explain),
}

impl Op {
    /// `part(W) * part(x)` of a convolution, without its bias: a [`Forward`] operation where both parts are whole, so
    /// that a network's own product and a rule's are one node.
    pub const fn convolve(layer: ConvolutionId, weight: Part, input: Part) -> Op {
        match (weight, input) {
            (Part::Full, Part::Full) => Op::Forward(Forward::Convolve { layer, bias: false }),
            _ => Op::Explain(Explain::ConvolveParts { layer, weight, input }),
        }
    }

    /// `part(W) part(x)` of a linear layer, as [`Op::convolve`].
    pub const fn linear(layer: LinearId, weight: Part, input: Part) -> Op {
        match (weight, input) {
            (Part::Full, Part::Full) => Op::Forward(Forward::Linear { layer, bias: false }),
            _ => Op::Explain(Explain::LinearParts { layer, weight, input }),
        }
    }

    /// The forward operation; `None` for those of the other groups.
    pub const fn forward(&self) -> Option<Forward> {
        match *self {
            Op::Forward(op) => Some(op),
            Op::Backward(_) | Op::Explain(_) => None,
        }
    }

    /// Whether the heavy work of this operation is a product with a layer's weights.
    pub const fn is_heavy(&self) -> bool {
        match self {
            Op::Forward(op) => op.has_weights(),
            Op::Backward(op) => op.is_heavy(),
            Op::Explain(op) => op.is_heavy(),
        }
    }

    /// Whether the host gives the value.
    pub const fn is_given(&self) -> bool {
        match self {
            Op::Forward(op) => matches!(op, Forward::Input | Forward::Given { .. }),
            Op::Backward(_) => false,
            Op::Explain(op) => matches!(op, Explain::ClassRequest { .. } | Explain::VariationRequest(_)),
        }
    }

    /// Whether the value is a map, of one channel and stored as plain numbers instead of channel quads.
    pub const fn is_map(&self) -> bool {
        match self {
            Op::Forward(_) | Op::Backward(_) => false,
            Op::Explain(op) => matches!(op, Explain::HeatMap | Explain::PlainMap { .. }),
        }
    }

    /// Short name without parameters, as printed in plans.
    pub const fn name(&self) -> &'static str {
        match self {
            Op::Forward(op) => op.name(),
            Op::Backward(op) => op.name(),
            Op::Explain(op) => op.name(),
        }
    }
}

impl From<Forward> for Op {
    fn from(op: Forward) -> Self {
        Op::Forward(op)
    }
}

impl From<Backward> for Op {
    fn from(op: Backward) -> Self {
        Op::Backward(op)
    }
}

impl From<Explain> for Op {
    fn from(op: Explain) -> Self {
        Op::Explain(op)
    }
}

impl From<Unary> for Op {
    fn from(unary: Unary) -> Self {
        Op::Explain(Explain::Unary(unary))
    }
}

impl From<Binary> for Op {
    fn from(binary: Binary) -> Self {
        Op::Explain(Explain::Binary(binary))
    }
}

impl From<Reduction> for Op {
    fn from(reduction: Reduction) -> Self {
        Op::Explain(Explain::Reduce(reduction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::WeightSource;

    #[test]
    fn a_product_of_whole_parts_is_that_of_the_network() {
        let (layer, linear) = (
            ConvolutionId { layer: 0, source: WeightSource::Parameter },
            LinearId { layer: 0, source: WeightSource::Parameter },
        );
        let whole = Op::convolve(layer, Part::Full, Part::Full);
        assert_eq!(whole.forward(), Some(Forward::Convolve { layer, bias: false }));
        let whole = Op::linear(linear, Part::Full, Part::Full);
        assert_eq!(whole.forward(), Some(Forward::Linear { layer: linear, bias: false }));
        for (weight, input) in [(Part::Positive, Part::Full), (Part::Full, Part::Negative)] {
            for op in [Op::convolve(layer, weight, input), Op::linear(linear, weight, input)] {
                assert!(op.forward().is_none() && op.is_heavy(), "{op:?}");
            }
        }
    }
}
