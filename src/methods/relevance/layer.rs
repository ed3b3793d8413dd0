//! One forward node on the walk, and the rules of layers without weights.

use super::{Rule, RuleList, Weighted};
use crate::graph::{
    Backward, BatchNormId, Binary, Constant, ConvolutionId, Explain, Forward, Graph, GraphError, LinearId, NodeId, Op,
    Part, Shape, WeightSource,
};
use crate::methods::{MethodError, Quantity, Trace, gradient};

/// A convolution's or linear layer's weights, so that rules are written once for both.
#[derive(Clone, Copy, Debug)]
pub(in crate::methods) enum Weights {
    Convolution(ConvolutionId),
    Linear(LinearId),
}

impl Weights {
    /// Of the same layer other weights.
    pub fn with(self, source: WeightSource) -> Self {
        match self {
            Weights::Convolution(layer) => Weights::Convolution(layer.with(source)),
            Weights::Linear(layer) => Weights::Linear(layer.with(source)),
        }
    }

    /// `fwd(part(W), part(x))`, without bias.
    pub fn product(self, weight: Part, input: Part) -> Op {
        match self {
            Weights::Convolution(layer) => Op::convolve(layer, weight, input),
            Weights::Linear(layer) => Op::linear(layer, weight, input),
        }
    }
}

/// One forward node with the relevance `c` at its output.
pub(in crate::methods) struct Layer<'a> {
    pub graph: &'a mut Graph,
    pub id: NodeId,
    pub inputs: Vec<NodeId>,
    pub c: NodeId,
    /// Those at its output and at its first input.
    pub gradients: Option<(NodeId, NodeId)>,
    /// The batch normalisation that is folded into this convolution.
    pub folded: Option<BatchNormId>,
    pub tag: &'a str,
    pub trace: Vec<Trace>,
}

impl Layer<'_> {
    /// Relevance of each input; `None` for one that gets none.
    ///
    /// # Errors
    /// [`MethodError::NoRule`] where the rule is not for this operation (see [`Rule::kinds`]).
    pub fn relevances(&mut self, op: Forward, rule: Rule) -> Result<Vec<Option<NodeId>>, MethodError> {
        if op == Forward::Multiply {
            return Ok(self.product()?);
        }
        Ok(self.of_each_input(op, rule)?.into_iter().map(Some).collect())
    }

    fn of_each_input(&mut self, op: Forward, rule: Rule) -> Result<Vec<NodeId>, MethodError> {
        match rule {
            Rule::Pass | Rule::Fold => self.pass(op, rule),
            Rule::Ratio => self.ratio(op),
            Rule::Magnitude => match self.inputs[..] {
                [a, b] => Ok(self.magnitude(a, b)?),
                _ => Err(self.unfit(op, rule)),
            },
            Rule::Weighted(rule) => match op {
                Forward::Convolve { layer, .. } => self.weighted(op, Weights::Convolution(layer), rule),
                Forward::Linear { layer, .. } => self.weighted(op, Weights::Linear(layer), rule),
                Forward::Input
                | Forward::BatchNorm(_)
                | Forward::Clamp(_)
                | Forward::Activate(_)
                | Forward::ParametricRelu(_)
                | Forward::NormalizeResponse(_)
                | Forward::NormalizeChannels { .. }
                | Forward::MaxPool(_)
                | Forward::AveragePool { .. }
                | Forward::AverageWindows(_)
                | Forward::Add
                | Forward::Subtract
                | Forward::Multiply
                | Forward::Concat
                | Forward::Slice(_)
                | Forward::Pad { .. }
                | Forward::Shuffle { .. }
                | Forward::Transpose(_)
                | Forward::LogitPair
                | Forward::Given { .. }
                | Forward::Against
                | Forward::Normalize => Err(self.unfit(op, rule.into())),
            },
        }
    }

    /// `c`, moved to where the operation had the values from.
    fn pass(&mut self, op: Forward, rule: Rule) -> Result<Vec<NodeId>, MethodError> {
        match op {
            Forward::BatchNorm(_)
            | Forward::Clamp(_)
            | Forward::Activate(_)
            | Forward::ParametricRelu(_)
            | Forward::NormalizeResponse(_)
            | Forward::NormalizeChannels { .. }
            | Forward::Against
            | Forward::Normalize => Ok(vec![self.c]),
            Forward::LogitPair => Ok(vec![self.add("relevance", Explain::ChannelSum, &[self.c])?]),
            Forward::Concat => {
                let name = format!("{}:relevance{}", self.graph.node(self.id).name, self.tag);
                Ok(gradient::slices(self.graph, &name, &self.inputs, self.c)?)
            }
            Forward::Slice(region) => {
                let shape = self.graph.shape(self.inputs[0]);
                Ok(vec![self.add("relevance", Forward::Pad { region, shape }, &[self.c])?])
            }
            Forward::Transpose(order) => {
                Ok(vec![self.add("relevance", Forward::Transpose(order.inverse()), &[self.c])?])
            }
            Forward::Pad { region, .. } => Ok(vec![self.add("relevance", Forward::Slice(region), &[self.c])?]),
            Forward::Shuffle { groups } => {
                let groups = self.graph.shape(self.inputs[0]).channels / groups;
                Ok(vec![self.add("relevance", Forward::Shuffle { groups }, &[self.c])?])
            }
            Forward::Input
            | Forward::Given { .. }
            | Forward::Convolve { .. }
            | Forward::Linear { .. }
            | Forward::MaxPool(_)
            | Forward::AveragePool { .. }
            | Forward::AverageWindows(_)
            | Forward::Add
            | Forward::Subtract
            | Forward::Multiply => Err(self.unfit(op, rule)),
        }
    }

    /// `x * J^T div(c, f(x))`.
    fn ratio(&mut self, op: Forward) -> Result<Vec<NodeId>, MethodError> {
        let (x, c) = (self.inputs[0], self.c);
        let Shape { height, width, .. } = self.graph.shape(x);
        let relevance = match op {
            Forward::Clamp(activation) => self.add("relevance", Explain::ClampRelevance(activation), &[c, self.id])?,
            // Where 0 gives 0, its relevance would come from nothing; otherwise a ratio would say as little.
            Forward::Activate(function) if function.keeps_zero() => self.binary("relevance", Binary::Mask, c, x)?,
            Forward::Activate(_) => c,
            Forward::ParametricRelu(_) => self.binary("relevance", Binary::Mask, c, x)?,
            Forward::MaxPool(window) => {
                let index = self.add("index", Backward::MaxPoolIndex(window), &[x])?;
                let s = self.binary("S", Binary::Ratio, c, self.id)?;
                let transpose = Backward::MaxPoolTranspose { window, height, width };
                let routed = self.add("routed S", transpose, &[s, index])?;
                self.binary("relevance", Forward::Multiply, x, routed)?
            }
            Forward::AveragePool { .. } => {
                let s = self.binary("S", Binary::Ratio, c, self.id)?;
                let spread = self.add("spread S", Backward::AveragePoolTranspose { height, width }, &[s])?;
                self.binary("relevance", Forward::Multiply, x, spread)?
            }
            Forward::AverageWindows(averaging) => {
                let s = self.binary("S", Binary::Ratio, c, self.id)?;
                let transpose = Backward::AverageWindowsTranspose { averaging, height, width };
                let spread = self.add("spread S", transpose, &[s])?;
                self.binary("relevance", Forward::Multiply, x, spread)?
            }
            Forward::Add | Forward::Subtract => return Ok(self.shares_of_sum(op)?),
            Forward::Input
            | Forward::Convolve { .. }
            | Forward::Linear { .. }
            | Forward::BatchNorm(_)
            | Forward::NormalizeResponse(_)
            | Forward::NormalizeChannels { .. }
            | Forward::Multiply
            | Forward::Concat
            | Forward::Slice(_)
            | Forward::Pad { .. }
            | Forward::Shuffle { .. }
            | Forward::Transpose(_)
            | Forward::LogitPair
            | Forward::Given { .. }
            | Forward::Against
            | Forward::Normalize => return Err(self.unfit(op, Rule::Ratio)),
        };
        Ok(vec![relevance])
    }

    /// The rules of convolutions and linear layers alike.
    fn weighted(&mut self, op: Forward, weights: Weights, rule: Weighted) -> Result<Vec<NodeId>, MethodError> {
        let folded = self.folded.map_or(weights, |batch_norm| weights.with(WeightSource::Folded(batch_norm)));
        let relevance = match (rule, weights) {
            (Weighted::Absolute, _) => self.absolute(weights)?,
            (Weighted::AlphaBeta { alpha }, _) => self.alpha_beta(folded, alpha)?,
            (Weighted::ZPlus, _) => self.z_plus(folded)?,
            (Weighted::Epsilon { epsilon }, _) => self.epsilon(folded, epsilon)?,
            (Weighted::Gamma { gamma }, _) => self.gamma(folded, gamma)?,
            (Weighted::Rap, _) => self.rap(folded)?,
            // A factor of all of an output's weights cancels in these.
            (Weighted::Flat, _) => self.shares(weights.with(WeightSource::Ones))?,
            (Weighted::WSquare, _) => self.shares(weights.with(WeightSource::Squared))?,
            (Weighted::Box, Weights::Convolution(layer)) => self.box_rule(layer)?,
            (Weighted::Box, Weights::Linear(_)) => return Err(self.unfit(op, rule.into())),
            (Weighted::Full(ablations), Weights::Convolution(layer)) => {
                self.full(layer, ablations, self.both_gradients()?)?
            }
            (Weighted::Full(_), Weights::Linear(layer)) => self.absolute_shifted(layer, self.both_gradients()?.1)?,
        };
        Ok(vec![relevance])
    }

    /// `|a| S` and `|b| S` with `S = div(c, |a| + |b|)`.
    fn magnitude(&mut self, a: NodeId, b: NodeId) -> Result<Vec<NodeId>, GraphError> {
        let size = self.binary("|a| + |b|", Binary::AddAbsolute, a, b)?;
        let s = self.binary("S", Binary::Ratio, self.c, size)?;
        let to_a = self.binary("relevance of a", Binary::MultiplyAbsolute, s, a)?;
        let to_b = self.binary("relevance of b", Binary::MultiplyAbsolute, s, b)?;
        self.at_operands([to_a, to_b])
    }

    /// What each branch of a sum or difference gets: `a S` and `b S`, or `-b S`, with `S = div(c, a + b)`, or `div(c, a
    /// - b)`.
    fn shares_of_sum(&mut self, op: Forward) -> Result<Vec<NodeId>, GraphError> {
        let (a, b) = (self.inputs[0], self.inputs[1]);
        let s = self.binary("S", Binary::Ratio, self.c, self.id)?;
        let to_a = self.binary("relevance of a", Forward::Multiply, a, s)?;
        // The second operand may be the smaller one, which is broadcast.
        let is_smaller = self.graph.shape(a) != self.graph.shape(b);
        let [first, second] = if is_smaller { [s, b] } else { [b, s] };
        let mut to_b = self.binary("relevance of b", Forward::Multiply, first, second)?;
        if op == Forward::Subtract {
            to_b = self.scale("relevance of -b", Constant::new(-1.0), to_b)?;
        }
        self.at_operands([to_a, to_b])
    }

    fn at_operands(&mut self, values: [NodeId; 2]) -> Result<Vec<NodeId>, GraphError> {
        let name = format!("{}:sum of relevance{}", self.graph.node(self.id).name, self.tag);
        gradient::at_operands(self.graph, &name, &self.inputs, values)
    }

    fn unfit(&self, op: Forward, rule: Rule) -> MethodError {
        let node = format!("'{}' ({}, which the rule {rule:?} is not for)", self.graph.node(self.id).name, op.name());
        MethodError::NoRule { method: RuleList::USER, nodes: vec![node] }
    }

    fn both_gradients(&self) -> Result<(NodeId, NodeId), MethodError> {
        self.gradients.ok_or_else(|| MethodError::Form {
            method: RuleList::USER,
            needs: "a gradient at every layer with the rule full",
            found: format!("'{}' has none", self.graph.node(self.id).name),
        })
    }

    /// `fwd(part(W), x)`, without bias.
    pub fn forward(&mut self, what: &str, weights: Weights, weight: Part, x: NodeId) -> Result<NodeId, GraphError> {
        self.add(what, weights.product(weight, Part::Full), &[x])
    }

    /// `bwd(part(W), v)`.
    pub fn back(&mut self, what: &str, weights: Weights, weight: Part, v: NodeId) -> Result<NodeId, GraphError> {
        let shape = self.graph.shape(self.inputs[0]);
        let op: Op = match weights {
            Weights::Convolution(layer) => {
                Backward::ConvolveTranspose { layer, weight, height: shape.height, width: shape.width }.into()
            }
            Weights::Linear(layer) => Backward::LinearTranspose { layer, weight }.into(),
        };
        self.add(what, op, &[v])
    }

    /// `fwd(part(W), 1)`.
    pub fn ones(&mut self, what: &str, weights: Weights, weight: Part) -> Result<NodeId, GraphError> {
        let shape = self.graph.shape(self.inputs[0]);
        let op: Op = match weights {
            Weights::Convolution(layer) => {
                Explain::ConvolveOnes { layer, weight, height: shape.height, width: shape.width }.into()
            }
            Weights::Linear(layer) => Explain::LinearOnes { layer, weight }.into(),
        };
        self.add(what, op, &[])
    }

    pub fn binary(&mut self, what: &str, op: impl Into<Op>, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        self.add(what, op, &[a, b])
    }

    pub fn add(&mut self, what: &str, op: impl Into<Op>, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        let name = format!("{}:{what}{}", self.graph.node(self.id).name, self.tag);
        self.graph.add(&name, op, inputs)
    }

    /// Notes a node as worth looking at.
    pub fn note(&mut self, quantity: Quantity, node: NodeId) {
        self.trace.push(Trace { layer: self.id, quantity, node });
    }
}
