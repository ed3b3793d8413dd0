//! One forward node on the walk, and the rules of layers without weights.

use super::Rule;
use crate::graph::{BatchNormId, Binary, ConvolutionId, Graph, GraphError, LinearId, NodeId, Op, Part, WeightSource};
use crate::methods::{Quantity, Trace};

/// A convolution's or linear layer's weights, so that rules are written once for both.
#[derive(Clone, Copy, Debug)]
pub(in crate::methods) enum Weights {
    Convolution(ConvolutionId),
    Linear(LinearId),
}

impl Weights {
    /// The same layer with other weights.
    pub fn with(self, source: WeightSource) -> Self {
        match self {
            Weights::Convolution(layer) => Weights::Convolution(layer.with(source)),
            Weights::Linear(layer) => Weights::Linear(layer.with(source)),
        }
    }
}

/// One forward node with the relevance `c` and the gradient `g` at its output, and the gradient `g_x` at its first input.
pub(in crate::methods) struct Layer<'a> {
    pub graph: &'a mut Graph,
    pub id: NodeId,
    pub inputs: Vec<NodeId>,
    pub c: NodeId,
    pub g: Option<NodeId>,
    pub g_x: Option<NodeId>,
    /// The batch normalisation that is folded into this convolution.
    pub folded: Option<BatchNormId>,
    pub tag: &'a str,
    pub trace: Vec<Trace>,
}

impl Layer<'_> {
    /// Relevance of each input.
    pub fn relevances(&mut self, rule: Rule) -> Result<Vec<NodeId>, GraphError> {
        let (x, c) = (self.inputs[0], self.c);
        let relevance = match (self.graph.node(self.id).op, rule) {
            (Op::Convolve { layer, .. }, Rule::Box) => self.box_rule(layer)?,
            (Op::Convolve { layer, .. }, Rule::Full(ablations)) => self.full(layer, ablations)?,
            (Op::Linear { layer, .. }, Rule::Full(_)) => self.absolute_shifted(layer)?,
            (Op::Convolve { layer, .. }, _) => self.weighted(Weights::Convolution(layer), rule)?,
            (Op::Linear { layer, .. }, _) => self.weighted(Weights::Linear(layer), rule)?,
            (Op::Clamp(activation), Rule::Ratio) => {
                self.add("relevance", Op::ClampRelevance(activation), &[c, self.id])?
            }
            (Op::MaxPool(window), _) => {
                let shape = self.graph.shape(x);
                let index = self.add("index", Op::MaxPoolIndex(window), &[x])?;
                let s = self.binary("S", Binary::Ratio, c, self.id)?;
                let transpose = Op::MaxPoolTranspose { window, height: shape.height, width: shape.width };
                let routed = self.add("routed S", transpose, &[s, index])?;
                self.binary("relevance", Binary::Multiply, x, routed)?
            }
            (Op::AveragePool { .. }, _) => {
                let shape = self.graph.shape(x);
                let s = self.binary("S", Binary::Ratio, c, self.id)?;
                let transpose = Op::AveragePoolTranspose { height: shape.height, width: shape.width };
                let spread = self.add("spread S", transpose, &[s])?;
                self.binary("relevance", Binary::Multiply, x, spread)?
            }
            (Op::Binary(Binary::Add), _) => return self.sum(rule),
            _ => c,
        };
        Ok(vec![relevance])
    }

    /// The rules of convolutions and linear layers alike.
    fn weighted(&mut self, weights: Weights, rule: Rule) -> Result<NodeId, GraphError> {
        let folded = self.folded.map_or(weights, |batch_norm| weights.with(WeightSource::Folded(batch_norm)));
        match rule {
            Rule::AlphaBeta { alpha } => self.alpha_beta(folded, alpha),
            Rule::ZPlus => self.z_plus(folded),
            Rule::Epsilon { epsilon } => self.epsilon(folded, epsilon),
            Rule::Gamma { gamma } => self.gamma(folded, gamma),
            Rule::Rap => self.rap(folded),
            // A factor of all of an output's weights cancels in these.
            Rule::Flat => self.shares(weights.with(WeightSource::Ones)),
            Rule::WSquare => self.shares(weights.with(WeightSource::Squared)),
            _ => self.absolute(weights),
        }
    }

    /// What each branch of a sum gets.
    fn sum(&mut self, rule: Rule) -> Result<Vec<NodeId>, GraphError> {
        let (a, b) = (self.inputs[0], self.inputs[1]);
        if rule == Rule::Magnitude {
            let size = self.binary("|a| + |b|", Binary::AddAbsolute, a, b)?;
            let s = self.binary("S", Binary::Ratio, self.c, size)?;
            let to_a = self.binary("relevance of a", Binary::MultiplyAbsolute, s, a)?;
            return Ok(vec![to_a, self.binary("relevance of b", Binary::MultiplyAbsolute, s, b)?]);
        }
        let s = self.binary("S", Binary::Ratio, self.c, self.id)?;
        let to_a = self.binary("relevance of a", Binary::Multiply, a, s)?;
        Ok(vec![to_a, self.binary("relevance of b", Binary::Multiply, b, s)?])
    }

    /// `fwd(part(W), x)`, without bias.
    pub fn forward(&mut self, what: &str, weights: Weights, weight: Part, x: NodeId) -> Result<NodeId, GraphError> {
        let (input, bias) = (Part::Full, false);
        let op = match weights {
            Weights::Convolution(layer) => Op::Convolve { layer, weight, input, bias },
            Weights::Linear(layer) => Op::Linear { layer, weight, input, bias },
        };
        self.add(what, op, &[x])
    }

    /// `bwd(part(W), v)`.
    pub fn back(&mut self, what: &str, weights: Weights, weight: Part, v: NodeId) -> Result<NodeId, GraphError> {
        let shape = self.graph.shape(self.inputs[0]);
        let op = match weights {
            Weights::Convolution(layer) => {
                Op::ConvolveTranspose { layer, weight, height: shape.height, width: shape.width }
            }
            Weights::Linear(layer) => Op::LinearTranspose { layer, weight },
        };
        self.add(what, op, &[v])
    }

    /// `fwd(part(W), 1)`.
    pub fn ones(&mut self, what: &str, weights: Weights, weight: Part) -> Result<NodeId, GraphError> {
        let shape = self.graph.shape(self.inputs[0]);
        let op = match weights {
            Weights::Convolution(layer) => Op::ConvolveOnes { layer, weight, height: shape.height, width: shape.width },
            Weights::Linear(layer) => Op::LinearOnes { layer, weight },
        };
        self.add(what, op, &[])
    }

    pub fn binary(&mut self, what: &str, binary: Binary, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        self.add(what, Op::Binary(binary), &[a, b])
    }

    pub fn add(&mut self, what: &str, op: Op, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        let name = format!("{}:{what}{}", self.graph.node(self.id).name, self.tag);
        self.graph.add(&name, op, inputs)
    }

    /// Notes a node as worth looking at.
    pub fn note(&mut self, quantity: Quantity, node: NodeId) {
        self.trace.push(Trace { layer: self.id, quantity, node });
    }
}
