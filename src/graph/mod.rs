//! The graph: forward pass, gradient and relevance as nodes of one kind.
//!
//! Models build the forward part, methods add the rest, the plan and the f64 reference read it. Nothing here knows
//! weights' values, kernels or a GPU. Equal nodes are one node (interning), and a node's inputs always precede it.

#![deny(clippy::wildcard_enum_match_arm)]

mod error;
mod infer;
mod layer;
mod network;
mod op;
pub mod parameter;
mod roles;
mod shape;

pub use error::GraphError;
pub use layer::{
    BatchNormId, BatchNormLayer, Convolution, ConvolutionId, LinearId, LinearLayer, Padding, Role, SlopeId, SlopeLayer,
    WeightSource, Window,
};
pub use network::Network;
pub use op::{
    Activation, Averaging, Backward, Bias, Binary, Constant, Explain, Forward, Function, LogitRelevance, Op, Order,
    Part, Reduction, Region, ResidualTerms, ResponseNormalization, Span, Unary, VariationField,
};
pub use roles::{RoleChoice, RoleChoiceError};
pub use shape::Shape;

use parameter::{Parameter, ParameterKind};
use std::collections::HashMap;
use std::fmt;

/// Index of a [`Node`] in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Position in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One value: an operation, what it reads, and the shape of what it gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Operation.
    pub op: Op,
    /// Nodes that it reads, in the order that its operation documents.
    pub inputs: Vec<NodeId>,
    /// Shape of the value of one sample.
    pub shape: Shape,
    /// Layer name, with the rule or quantity behind a colon where a method made the node.
    pub name: String,
}

/// A graph of operations over the layers of one network.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    interned: HashMap<(Op, Vec<NodeId>), NodeId>,
    convolutions: Vec<Convolution>,
    /// One for each convolution.
    roles: Vec<Role>,
    linears: Vec<LinearLayer>,
    batch_norms: Vec<BatchNormLayer>,
    slopes: Vec<SlopeLayer>,
    input_shape: Option<Shape>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same layers and input shape without any node.
    pub fn without_nodes(&self) -> Self {
        Self { nodes: Vec::new(), interned: HashMap::new(), ..self.clone() }
    }

    /// The part up to a node, with the layers that it has.
    pub(crate) fn up_to(&self, last: NodeId) -> Self {
        let mut graph = self.clone();
        graph.nodes.truncate(last.index() + 1);
        graph.interned.retain(|_, id| *id <= last);
        let (mut convolutions, mut linears, mut batch_norms, mut slopes) = (0, 0, 0, 0);
        for op in graph.nodes.iter().filter_map(|node| node.op.forward()) {
            match op {
                Forward::Convolve { layer, .. } => convolutions = convolutions.max(layer.index() + 1),
                Forward::Linear { layer, .. } => linears = linears.max(layer.index() + 1),
                Forward::BatchNorm(id) => batch_norms = batch_norms.max(id.0 as usize + 1),
                Forward::ParametricRelu(id) => slopes = slopes.max(id.0 as usize + 1),
                Forward::Input
                | Forward::Clamp(_)
                | Forward::Activate(_)
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
                | Forward::Normalize => {}
            }
        }
        graph.convolutions.truncate(convolutions);
        graph.roles.truncate(convolutions);
        graph.linears.truncate(linears);
        graph.batch_norms.truncate(batch_norms);
        graph.slopes.truncate(slopes);
        graph
    }

    /// All nodes; every node's inputs stand before it.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Ids of all nodes, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// A node of this graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Shape of a node's value.
    pub fn shape(&self, id: NodeId) -> Shape {
        self.node(id).shape
    }

    /// A convolution of this graph.
    pub fn convolution(&self, id: ConvolutionId) -> &Convolution {
        &self.convolutions[id.index()]
    }

    /// What a convolution of this graph is to a relevance rule; `full` until [`Network::new`] finds it.
    pub fn role(&self, id: ConvolutionId) -> Role {
        self.roles[id.index()]
    }

    /// A linear layer of this graph.
    pub fn linear_layer(&self, id: LinearId) -> &LinearLayer {
        &self.linears[id.index()]
    }

    /// A batch normalisation of this graph.
    pub fn batch_norm_layer(&self, id: BatchNormId) -> &BatchNormLayer {
        &self.batch_norms[id.0 as usize]
    }

    /// The slopes of a parametric ReLU of this graph.
    pub fn slope_layer(&self, id: SlopeId) -> &SlopeLayer {
        &self.slopes[id.0 as usize]
    }

    /// Adds the picture's node.
    pub fn input(&mut self, shape: Shape) -> Result<NodeId, GraphError> {
        self.input_shape = Some(shape);
        self.add("input", Forward::Input, &[])
    }

    /// Adds a convolution layer and its forward node.
    pub fn convolve(&mut self, convolution: Convolution, x: NodeId) -> Result<NodeId, GraphError> {
        let name = convolution.name.clone();
        let bias = convolution.bias;
        let layer = ConvolutionId { layer: self.convolutions.len() as u32, source: WeightSource::Parameter };
        self.convolutions.push(convolution);
        self.roles.push(Role::Full);
        self.add(&name, Forward::Convolve { layer, bias }, &[x])
    }

    /// Adds a linear layer over the flattened `x`, and its forward node.
    pub fn linear(&mut self, name: &str, outputs: u32, x: NodeId) -> Result<NodeId, GraphError> {
        self.add_linear(LinearLayer { name: name.into(), bias: true, input: self.shape(x), outputs }, x)
    }

    /// As [`Graph::linear`], without a bias.
    ///
    /// # Errors
    /// As [`Graph::add`].
    pub fn linear_without_bias(&mut self, name: &str, outputs: u32, x: NodeId) -> Result<NodeId, GraphError> {
        self.add_linear(LinearLayer { name: name.into(), bias: false, input: self.shape(x), outputs }, x)
    }

    fn add_linear(&mut self, linear: LinearLayer, x: NodeId) -> Result<NodeId, GraphError> {
        let (name, bias) = (linear.name.clone(), linear.bias);
        let layer = LinearId { layer: self.linears.len() as u32, source: WeightSource::Parameter };
        self.linears.push(linear);
        self.add(&name, Forward::Linear { layer, bias }, &[x])
    }

    /// Adds a batch normalisation layer and its forward node.
    pub fn batch_norm(&mut self, name: &str, epsilon: f64, x: NodeId) -> Result<NodeId, GraphError> {
        let id = BatchNormId(self.batch_norms.len() as u32);
        self.batch_norms.push(BatchNormLayer { name: name.into(), channels: self.shape(x).channels, epsilon });
        self.add(name, Forward::BatchNorm(id), &[x])
    }

    /// Adds the slopes of a parametric ReLU, and its forward node.
    ///
    /// # Errors
    /// As [`Graph::add`].
    pub fn parametric_relu(&mut self, name: &str, x: NodeId) -> Result<NodeId, GraphError> {
        let id = SlopeId(self.slopes.len() as u32);
        self.slopes.push(SlopeLayer { name: name.into(), channels: self.shape(x).channels });
        self.add(name, Forward::ParametricRelu(id), &[x])
    }

    /// Adds a node, or returns the equal one that is there already.
    ///
    /// # Errors
    /// [`GraphError`] where the inputs' number or shapes do not fit the operation.
    pub fn add(&mut self, name: &str, op: impl Into<Op>, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        let op = op.into();
        let key = (op, inputs.to_vec());
        if let Some(&known) = self.interned.get(&key) {
            return Ok(known);
        }
        let shape = infer::shape(self, name, &op, inputs)?;
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node { op, inputs: inputs.to_vec(), shape, name: name.into() });
        self.interned.insert(key, id);
        Ok(id)
    }

    /// Nodes that read each node, in order, by node index; a node that reads a value twice stands there twice.
    pub fn consumers(&self) -> Vec<Vec<NodeId>> {
        let mut consumers = vec![Vec::new(); self.nodes.len()];
        for id in self.ids() {
            for &input in &self.node(id).inputs {
                consumers[input.index()].push(id);
            }
        }
        consumers
    }

    /// For every node, whether one of `outputs` depends on it.
    pub fn live(&self, outputs: &[NodeId]) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len()];
        for &output in outputs {
            live[output.index()] = true;
        }
        for id in self.ids().rev() {
            if live[id.index()] {
                for &input in &self.node(id).inputs {
                    live[input.index()] = true;
                }
            }
        }
        live
    }

    /// Whether no element of a node's value is ever negative; `false` where that is not known.
    pub fn is_non_negative(&self, id: NodeId) -> bool {
        let node = self.node(id);
        let Op::Forward(op) = node.op else { return false };
        match op {
            Forward::Clamp(_) => true,
            Forward::Activate(function) => function.is_non_negative(),
            Forward::MaxPool(_)
            | Forward::AveragePool { .. }
            | Forward::AverageWindows(_)
            | Forward::NormalizeResponse(_)
            | Forward::Add
            | Forward::Multiply
            | Forward::Concat
            | Forward::Slice(_)
            | Forward::Pad { .. }
            | Forward::Shuffle { .. }
            | Forward::Transpose(_)
            | Forward::Normalize => node.inputs.iter().all(|&input| self.is_non_negative(input)),
            Forward::Input
            | Forward::Convolve { .. }
            | Forward::Linear { .. }
            | Forward::BatchNorm(_)
            | Forward::ParametricRelu(_)
            | Forward::NormalizeChannels { .. }
            | Forward::Subtract
            | Forward::LogitPair
            | Forward::Given { .. }
            | Forward::Against => false,
        }
    }

    /// The vector that comes with each picture, [`Forward::Given`], if there is one.
    pub fn given(&self) -> Option<NodeId> {
        self.ids().find(|&id| matches!(self.node(id).op, Op::Forward(Forward::Given { .. })))
    }

    /// Names of the weights of dense convolutions and linear layers.
    pub fn dense_weights(&self) -> Vec<String> {
        let convolutions = self.convolutions.iter().filter(|layer| layer.groups == 1).map(Convolution::weight_name);
        convolutions.chain(self.linears.iter().map(LinearLayer::weight_name)).collect()
    }

    /// The parameters that the layers need, in layer order: convolutions, linear layers, batch normalisations, slopes.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let mut push = |name: String, shape: &[u32], kind| {
            parameters.push(Parameter { name, shape: shape.iter().map(|&n| n as usize).collect(), kind });
        };
        for layer in &self.convolutions {
            push(layer.weight_name(), &layer.weight_shape(), ParameterKind::Weight);
            if layer.bias {
                push(layer.bias_name(), &[layer.output_channels], ParameterKind::Bias);
            }
        }
        for layer in &self.linears {
            push(layer.weight_name(), &[layer.outputs, layer.input.elements() as u32], ParameterKind::Weight);
            if layer.bias {
                push(layer.bias_name(), &[layer.outputs], ParameterKind::Bias);
            }
        }
        for layer in &self.batch_norms {
            let channels = [layer.channels];
            push(format!("{}.weight", layer.name), &channels, ParameterKind::BatchNormScale);
            push(format!("{}.bias", layer.name), &channels, ParameterKind::BatchNormShift);
            push(format!("{}.running_mean", layer.name), &channels, ParameterKind::BatchNormMean);
            push(format!("{}.running_var", layer.name), &channels, ParameterKind::BatchNormVariance);
        }
        for layer in &self.slopes {
            push(layer.weight_name(), &[layer.channels], ParameterKind::Slope);
        }
        parameters
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for id in self.ids() {
            let node = self.node(id);
            let inputs: Vec<String> = node.inputs.iter().map(|input| format!("%{}", input.0)).collect();
            let (op, inputs) = (node.op.name(), inputs.join(", "));
            writeln!(f, "%{:<4} {:<14} {op}({inputs})  {}", id.0, node.shape.to_string(), node.name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
