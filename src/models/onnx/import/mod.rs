//! From a file's nodes to a forward graph for pictures of one size, and a list of where each parameter comes from.

mod activations;
mod broadcast;
mod inputs;
mod layers;
mod linear;
mod moves;
mod normalization;
mod parameters;
mod parts;
mod pools;
mod products;
mod quantised;
mod sums;

pub(super) use parameters::Binding;

use super::file::{File, Layout, reads};
use super::node::OnnxNode;
use super::proto::{NodeProto, ValueInfoProto};
use super::tensor::{Tensor, Values, decode};
use super::view::View;
use super::{OnnxError, Unsupported, fold};
use crate::graph::{Graph, GraphError, Network, NodeId, Shape};
use inputs::{constant, constant_input, data, head};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Elements of constants that the nodes of a file may make in all, besides several for each that the file holds.
const MOST_MADE: usize = 1 << 22;
/// How often all that a file holds may be made anew, such as dequantised, transposed and cast.
const MOST_TIMES: usize = 16;

/// A forward graph with the tensors that its parameters come from.
pub(super) struct Imported {
    pub network: Network,
    pub bindings: Vec<Binding>,
    /// Nodes of the file that the output needs.
    pub nodes: usize,
    /// What was left off at the end, by operation.
    pub left_off: Vec<String>,
    /// Whether the file is quantised.
    pub is_quantised: bool,
}

/// What a name of the file stands for.
#[derive(Clone)]
enum Value {
    Constant(Arc<Tensor>),
    Data(View),
    /// Behind a node that is not supported.
    Unknown,
}

/// What became of a node.
enum Outcome {
    Value(View),
    /// Of a node with several outputs.
    Values(Vec<Value>),
    Constant(Arc<Tensor>),
    Unsupported(String),
}

type Inputs = [Option<Value>];
type Rule = fn(&mut Importer, &OnnxNode, &Inputs) -> Result<Outcome, OnnxError>;

/// The rule of an operation that reads the picture's data; `None` for one that is not supported.
fn rule(op: &str) -> Option<Rule> {
    Some(match op {
        "Conv" => layers::convolution,
        "BatchNormalization" => layers::batch_normalization,
        "Gemm" => linear::gemm,
        "MatMul" => linear::matrix_product,
        "Relu" => activations::relu,
        "Clip" => activations::clip,
        "LeakyRelu" | "Elu" | "Selu" | "Celu" | "Sigmoid" | "HardSigmoid" | "HardSwish" | "Tanh" | "Erf" | "Mish"
        | "Softplus" | "Gelu" => activations::function,
        "PRelu" => activations::parametric_relu,
        "QuantizeLinear" => quantised::quantize,
        "DequantizeLinear" => quantised::dequantize,
        "DynamicQuantizeLinear" => quantised::quantize_dynamically,
        "ConvInteger" => quantised::convolution_of_integers,
        "MatMulInteger" => quantised::matrix_product_of_integers,
        "QLinearConv" => quantised::convolution,
        "QLinearMatMul" => quantised::matrix_product,
        "com.microsoft.QGemm" => quantised::gemm,
        "com.microsoft.QLinearAdd" | "com.microsoft.QLinearMul" => quantised::arithmetic,
        "com.microsoft.QLinearGlobalAveragePool" => quantised::global_average_pool,
        "LayerNormalization" => normalization::layer,
        "LRN" => normalization::local_response,
        "MaxPool" => pools::max_pool,
        "AveragePool" => pools::average_pool,
        "GlobalAveragePool" => pools::global_average_pool,
        "GlobalMaxPool" => pools::global_max_pool,
        "ReduceMean" => pools::mean,
        "Add" | "Sum" => sums::add,
        "Mean" => sums::mean,
        "Sub" => sums::subtract,
        "Mul" => products::multiply,
        "Div" => products::divide,
        "Identity" => moves::identity,
        "Dropout" => moves::dropout,
        "Cast" => moves::cast,
        "Shape" => moves::shape,
        "Reshape" => moves::reshape,
        "Flatten" => moves::flatten,
        "Squeeze" => moves::squeeze,
        "Unsqueeze" => moves::unsqueeze,
        "Transpose" => moves::transpose,
        "Pad" => parts::pad,
        "Concat" => parts::concat,
        "Slice" => parts::slice,
        "Split" => parts::split,
        "Gather" => parts::gather,
        _ => return None,
    })
}

/// Builds the graph for pictures of `height` x `width`.
pub(super) fn import(file: &File, height: u32, width: u32) -> Result<Imported, OnnxError> {
    let mut importer = Importer::new(file);
    importer.begin(height, width)?;
    for (index, proto) in file.graph.node.iter().enumerate() {
        importer.insert(proto, importer.is_head.contains(&index))?;
    }
    importer.finish()
}

struct Importer<'a> {
    file: &'a File,
    graph: Graph,
    input: Option<NodeId>,
    values: HashMap<&'a str, Value>,
    bindings: Vec<Binding>,
    unsupported: Unsupported,
    /// How many nodes read each name.
    readers: HashMap<&'a str, usize>,
    /// Names of layers so far.
    names: HashSet<String>,
    /// Nodes behind the logits, which only turn them into probabilities.
    is_head: HashSet<usize>,
    /// Whether anything was quantised.
    is_quantised: bool,
    /// Scales of quantised data, by name.
    scales: HashMap<String, Arc<Tensor>>,
    /// Names of data that is quantised dynamically.
    dynamic: HashSet<String>,
    /// Elements of constants that may still be made.
    to_make: usize,
}

impl<'a> Importer<'a> {
    fn new(file: &'a File) -> Self {
        let mut readers: HashMap<&str, usize> = HashMap::from([(file.output.as_str(), 1)]);
        for name in file.graph.node.iter().flat_map(reads) {
            *readers.entry(name).or_default() += 1;
        }
        let held = file.constants.values().map(|tensor| tensor.held()).fold(0_usize, usize::saturating_add);
        let values = file.constants.iter().map(|(name, tensor)| (name.as_str(), Value::Constant(tensor.clone())));
        Self {
            file,
            graph: Graph::new(),
            input: None,
            values: values.collect(),
            bindings: Vec::new(),
            unsupported: Unsupported::default(),
            readers,
            names: HashSet::new(),
            is_head: head(file),
            is_quantised: false,
            scales: HashMap::new(),
            dynamic: HashSet::new(),
            to_make: held.saturating_mul(MOST_TIMES).saturating_add(MOST_MADE),
        }
    }

    fn begin(&mut self, height: u32, width: u32) -> Result<(), OnnxError> {
        let shape = Shape::new(self.file.input.channels, height, width);
        let input = self.graph.input(shape)?;
        self.input = Some(input);
        let view = match self.file.input.layout {
            Layout::ChannelsFirst => View::image(input, shape),
            Layout::ChannelsLast => View::channels_last(input, shape),
        };
        self.values.insert(&self.file.input.name, Value::Data(view));
        Ok(())
    }

    fn insert(&mut self, proto: &'a NodeProto, is_head: bool) -> Result<(), OnnxError> {
        let node = OnnxNode::new(proto);
        let outputs = self.node(&node, is_head)?;
        self.values.extend(node.outputs().iter().map(String::as_str).zip(outputs));
        Ok(())
    }

    /// The values of a node's outputs, of all that are read.
    fn node(&mut self, node: &OnnxNode<'a>, is_head: bool) -> Result<Vec<Value>, OnnxError> {
        let values = self.values_of(node, is_head)?;
        let is_read = |name: &String| !name.is_empty() && self.readers.contains_key(name.as_str());
        let is_missing = node.outputs().iter().skip(values.len()).any(is_read);
        Ok(if is_missing { self.refuse(node, "whose further outputs are read") } else { values })
    }

    fn values_of(&mut self, node: &OnnxNode<'a>, is_head: bool) -> Result<Vec<Value>, OnnxError> {
        let value = |name: &String| match self.values.get(name.as_str()) {
            None if !name.is_empty() => Err(node.error(format!("reads '{name}', which nothing before it makes"))),
            value => Ok(value.cloned()),
        };
        let inputs: Vec<Option<Value>> = node.inputs().iter().map(value).collect::<Result<_, _>>()?;
        let unknown = vec![Value::Unknown; node.outputs().len()];
        let op = node.op();
        if op == "Constant" {
            return Ok(vec![Value::Constant(constant(node)?)]);
        }
        let constants: Option<Vec<Option<Arc<Tensor>>>> = inputs
            .iter()
            .map(|value| match value {
                None => Some(None),
                Some(Value::Constant(tensor)) => Some(Some(tensor.clone())),
                Some(Value::Data(_) | Value::Unknown) => None,
            })
            .collect();
        if let ("If", Some([Some(condition)])) = (op.as_str(), constants.as_deref()) {
            return self.branch(node, condition.scalar().is_some_and(|condition| condition != 0.0));
        }
        if let Some(constants) = constants {
            let Some(tensors) = fold::fold(node, &constants)? else { return Ok(self.refuse(node, "of constants")) };
            self.pay(node, &constants, &tensors)?;
            return Ok(tensors.into_iter().map(Value::Constant).collect());
        }
        if is_head {
            return Ok(inputs.into_iter().flatten().take(1).collect());
        }
        let is_behind = inputs.iter().any(|value| matches!(value, Some(Value::Unknown)));
        if is_behind && fold::OF_SHAPES.contains(&op.as_str()) {
            return Ok(unknown);
        }
        let Some(rule) = rule(&op) else { return Ok(self.refuse(node, "")) };
        if is_behind {
            return Ok(unknown);
        }
        Ok(match rule(self, node, &inputs)? {
            Outcome::Value(view) => vec![Value::Data(view)],
            Outcome::Values(values) => values,
            Outcome::Constant(tensor) => vec![Value::Constant(tensor)],
            Outcome::Unsupported(reason) => self.refuse(node, &reason),
        })
    }

    /// Counts the elements that a constant node makes, and those that it reads although the file only says that they
    /// are all one number.
    fn pay(
        &mut self,
        node: &OnnxNode,
        inputs: &[Option<Arc<Tensor>>],
        outputs: &[Arc<Tensor>],
    ) -> Result<(), OnnxError> {
        let made = outputs.iter().map(|tensor| tensor.held()).fold(0_usize, usize::saturating_add);
        let is_fill = |tensor: &&Arc<Tensor>| matches!(tensor.values, Values::Fill(_));
        let is_stored =
            !outputs.iter().all(|tensor| is_fill(&tensor)) && !matches!(node.op().as_str(), "Shape" | "Size");
        let filled = inputs.iter().flatten().filter(|tensor| is_stored && is_fill(tensor));
        let filled = filled.filter_map(|tensor| tensor.count()).fold(0_usize, usize::saturating_add);
        let left = self.to_make.checked_sub(made.saturating_add(filled));
        let too_much =
            || node.error("would make more constants than any network needs: with those before it, millions");
        self.to_make = left.ok_or_else(too_much)?;
        Ok(())
    }

    /// The values of the branch of an `If` that its condition chooses.
    fn branch(&mut self, node: &OnnxNode<'a>, is_true: bool) -> Result<Vec<Value>, OnnxError> {
        let name = if is_true { "then_branch" } else { "else_branch" };
        let graph = node.graph(name).ok_or_else(|| node.error(format!("has no {name}")))?;
        for initializer in &graph.initializer {
            let name = initializer.name();
            self.values.insert(name, Value::Constant(decode(initializer, name, None)?));
        }
        for proto in &graph.node {
            self.insert(proto, false)?;
        }
        let value = |output: &ValueInfoProto| {
            let value = self.values.get(output.name()).cloned();
            value.ok_or_else(|| {
                node.error(format!("has a {name} with the output '{}', which it does not make", output.name()))
            })
        };
        graph.output.iter().map(value).collect()
    }

    /// Notes a node that is not supported; the walk goes on, to find all of them.
    fn refuse(&mut self, node: &OnnxNode, reason: &str) -> Vec<Value> {
        self.unsupported.add(&node.op(), reason, node.name());
        vec![Value::Unknown; node.outputs().len()]
    }

    fn finish(mut self) -> Result<Imported, OnnxError> {
        if !self.unsupported.is_empty() {
            return Err(self.unsupported.into());
        }
        let form = |reason: String| OnnxError::Form { reason };
        let name = &self.file.output;
        let Some(Value::Data(view)) = self.values.get(name.as_str()) else {
            return Err(form(format!("has the output '{name}', which does not depend on the picture")));
        };
        let (logits, shape) = (view.node, view.shape);
        if shape.pixels() != 1 || shape.channels == 0 {
            return Err(form(format!("has the output '{name}' of {:?}, no vector of classes", view.sizes())));
        }
        let input = self.input.ok_or_else(|| form("has no input".into()))?;
        let left_off = self.is_head.iter().map(|&index| self.file.graph.node[index].op_type().to_string());
        let mut left_off: Vec<String> = left_off.collect();
        left_off.sort();
        let graph = std::mem::take(&mut self.graph);
        let network = Network::new(graph, input, logits)?;
        Ok(Imported {
            network,
            bindings: self.bindings,
            nodes: self.file.graph.node.len(),
            left_off,
            is_quantised: self.is_quantised,
        })
    }

    /// A layer's name: the node's, or with a number behind it where that is taken.
    fn layer_name(&mut self, node: &OnnxNode) -> String {
        let wanted = node.name().trim_start_matches('/').replace('/', ".");
        let mut name = wanted.clone();
        let mut number = 2;
        while !self.names.insert(name.clone()) {
            name = format!("{wanted}#{number}");
            number += 1;
        }
        name
    }

    /// Whether this node alone reads its first input.
    fn is_only_reader(&self, node: &OnnxNode, input: usize) -> bool {
        let name = node.inputs().get(input).map_or("", String::as_str);
        self.readers.get(name) == Some(&1)
    }

    fn view(&self, view: &View, node: Result<NodeId, GraphError>) -> Result<Outcome, OnnxError> {
        let node = node?;
        Ok(Outcome::Value(View { shape: self.graph.shape(node), ..view.of(node) }))
    }

    /// An image, (N, C, H, W), of this node.
    fn image(&self, node: Result<NodeId, GraphError>) -> Result<Outcome, OnnxError> {
        let node = node?;
        Ok(Outcome::Value(View::image(node, self.graph.shape(node))))
    }
}
