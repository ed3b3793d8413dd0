//! The reference: a [`Graph`] evaluated on the CPU in f64, one node after the other, as the doc comment of each [`Op`]
//! says it.
//!
//! It stands beside plan and GPU and is the truth that they are compared with: slow, obvious, sharing no kernel with
//! them. Values are vectors of one sample in channel-major (channels, height, width) order.

#![deny(clippy::wildcard_enum_match_arm)]

mod backward;
mod channels;
mod elementwise;
mod error;
mod explain;
mod factor;
mod forward;
mod function;
mod linear_maps;
mod maps;
mod moves;
mod noise;
mod parameters;
mod pooling;
mod response;
mod rules;
mod target;

pub use error::ReferenceError;
pub use parameters::Parameters;

use crate::graph::{
    BatchNormId, Bias, ConvolutionId, Explain, Forward, Graph, LinearId, NodeId, Op, Part, Shape, SlopeId,
    VariationField, WeightSource,
};
use elementwise::PerChannel;
use linear_maps::ConvolutionMap;
use std::collections::HashMap;

/// An interpreter of one graph with the parameters of its layers.
pub struct Reference<'a> {
    graph: &'a Graph,
    parameters: HashMap<String, &'a [f32]>,
    /// Index, scale and offset of the variation.
    variation: [f64; 3],
    /// The value of [`Forward::Given`].
    vector: Vec<f64>,
}

impl<'a> Reference<'a> {
    /// An interpreter of `graph`.
    ///
    /// # Errors
    /// [`ReferenceError::MissingParameter`] and [`ReferenceError::ParameterLength`].
    pub fn new(graph: &'a Graph, parameters: &'a dyn Parameters) -> Result<Self, ReferenceError> {
        let mut values = HashMap::new();
        for parameter in graph.parameters() {
            let (name, needed) = (parameter.name.clone(), parameter.element_count());
            let found = parameters.get(&name).ok_or(ReferenceError::MissingParameter { name: name.clone() })?;
            if found.len() != needed {
                return Err(ReferenceError::ParameterLength { name, needed, found: found.len() });
            }
            values.insert(name, found);
        }
        Ok(Self { graph, parameters: values, variation: [0.0, 1.0, 0.0], vector: Vec::new() })
    }

    /// The same for another variation than the first: its index, scale and offset (see [`VariationField`]; 0, 1 and 0
    /// where nothing is said).
    pub fn with_variation(self, variation: [f64; 3]) -> Self {
        Self { variation, ..self }
    }

    /// The same with a vector for [`Forward::Given`].
    pub fn with_vector(self, vector: Vec<f64>) -> Self {
        Self { vector, ..self }
    }

    /// The values of `wanted` for one sample, given its `picture` (3, height, width) and the class requested in each
    /// slot (see [`Explain::ClassRequest`]). Other values are kept only as long as a later node reads them.
    ///
    /// # Errors
    /// Every [`ReferenceError`] except those about parameters.
    pub fn run(
        &self,
        picture: &[f64],
        requests: &[f64],
        wanted: &[NodeId],
    ) -> Result<HashMap<NodeId, Vec<f64>>, ReferenceError> {
        self.run_changed(picture, requests, wanted, |_, _| {})
    }

    /// As [`Reference::run`], where `change` may change every computed value before others read it: to see what errors
    /// do.
    ///
    /// # Errors
    /// As [`Reference::run`].
    pub(crate) fn run_changed(
        &self,
        picture: &[f64],
        requests: &[f64],
        wanted: &[NodeId],
        mut change: impl FnMut(NodeId, &mut [f64]),
    ) -> Result<HashMap<NodeId, Vec<f64>>, ReferenceError> {
        self.check_wanted(wanted)?;
        let live = self.graph.live(wanted);
        let mut readers = vec![0_usize; live.len()];
        for id in self.graph.ids().filter(|id| live[id.index()]) {
            self.check_request(id, requests)?;
            for input in &self.graph.node(id).inputs {
                readers[input.index()] += 1;
            }
        }
        let mut values: HashMap<NodeId, Vec<f64>> = HashMap::new();
        for id in self.graph.ids().filter(|id| live[id.index()]) {
            let node = self.graph.node(id);
            let value = match self.given(id, picture, requests)? {
                Some(value) => value,
                None => {
                    let inputs: Vec<&[f64]> = node.inputs.iter().map(|input| values[input].as_slice()).collect();
                    let mut value = self.evaluate(id, &inputs);
                    change(id, &mut value);
                    value
                }
            };
            values.insert(id, value);
            for input in &node.inputs {
                readers[input.index()] -= 1;
                if readers[input.index()] == 0 && !wanted.contains(input) {
                    values.remove(input);
                }
            }
        }
        Ok(values)
    }

    /// The value of a node that is given and not computed.
    fn given(&self, id: NodeId, picture: &[f64], requests: &[f64]) -> Result<Option<Vec<f64>>, ReferenceError> {
        let node = self.graph.node(id);
        Ok(match node.op {
            Op::Forward(Forward::Input) => Some(self.picture(picture, node.shape)?),
            Op::Forward(Forward::Given { channels }) => Some(self.vector(channels)?),
            Op::Explain(Explain::ClassRequest { slot }) => Some(vec![request(requests, slot)?]),
            Op::Explain(Explain::VariationRequest(field)) => Some(vec![self.variation_field(field)]),
            Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => None,
        })
    }

    /// The value of node `id` of one sample, given the values of its inputs. It is empty for what is given and not
    /// computed ([`Op::is_given`]).
    ///
    /// # Panics
    /// Where the inputs do not have the number and lengths of the node's inputs, or `id` is not in the graph.
    pub fn evaluate(&self, id: NodeId, inputs: &[&[f64]]) -> Vec<f64> {
        let node = self.graph.node(id);
        assert_eq!(inputs.len(), node.inputs.len(), "inputs of node '{}'", node.name);
        for (input, value) in node.inputs.iter().zip(inputs) {
            assert_eq!(value.len() as u64, self.graph.shape(*input).elements(), "an input of node '{}'", node.name);
        }
        match node.op {
            Op::Forward(op) => self.forward(op, node, inputs),
            Op::Backward(op) => self.backward(op, node, inputs),
            Op::Explain(op) => self.explain(op, node, inputs),
        }
    }

    fn convolution_map(&self, layer: ConvolutionId, weight: Part, input: Shape, output: Shape) -> ConvolutionMap {
        ConvolutionMap::new(self.graph.convolution(layer), &self.convolution_weight(layer), weight, input, output)
    }

    fn convolution_weight(&self, id: ConvolutionId) -> Vec<f64> {
        let layer = self.graph.convolution(id);
        let weight = self.parameter(&layer.weight_name());
        let per_output = weight.len() / layer.output_channels as usize;
        let scale = |index: usize| match id.source {
            WeightSource::Folded(batch_norm) => self.batch_norm(batch_norm).scale(index / per_output),
            WeightSource::Parameter | WeightSource::Squared | WeightSource::Ones => 1.0,
        };
        weight.iter().enumerate().map(|(index, &value)| derived(id.source, value) * scale(index)).collect()
    }

    /// For each output of a linear layer the sizes of all terms together, of an `x` without signs.
    pub(crate) fn linear_terms(&self, layer: LinearId, bias: bool, x: &[f64]) -> Vec<f64> {
        let weight = linear_weight(layer, Part::Absolute);
        let mut terms = linear_maps::linear(self.linear(layer), weight, x, Part::Full, None);
        if bias {
            let bias = self.parameter(&self.graph.linear_layer(layer).bias_name());
            terms.iter_mut().zip(bias).for_each(|(terms, bias)| *terms += f64::from(bias.abs()));
        }
        terms
    }

    /// For each value of the maps of two factorizations what is added and taken off, given the inputs of
    /// [`Explain::FactorMaps`].
    pub(crate) fn factor_terms(&self, inputs: &[Vec<f64>], shape: Shape) -> Vec<f64> {
        let of = |[value, maximum, basis]: &[Vec<f64>; 3]| factor::factors(value, maximum[0], basis, shape);
        let terms = inputs.as_chunks().0.iter().flat_map(of);
        terms.map(|[negative, positive]| negative + positive).collect()
    }

    /// A linear layer's weight.
    fn linear(&self, layer: LinearId) -> &[f32] {
        self.parameter(&self.graph.linear_layer(layer).weight_name())
    }

    fn batch_norm(&self, layer: BatchNormId) -> PerChannel<'_> {
        let layer = self.graph.batch_norm_layer(layer);
        let parameter = |which: &str| self.parameter(&format!("{}.{which}", layer.name));
        PerChannel {
            weight: parameter("weight"),
            bias: parameter("bias"),
            mean: parameter("running_mean"),
            variance: parameter("running_var"),
            epsilon: layer.epsilon,
        }
    }

    /// Each element of `v`, times its channel's slope where `x` is not positive.
    fn parametric_relu(&self, layer: SlopeId, v: &[f64], x: &[f64], shape: Shape) -> Vec<f64> {
        let slopes = self.parameter(&self.graph.slope_layer(layer).weight_name());
        let slope = |index: usize| f64::from(slopes[index / shape.pixels() as usize]);
        let at = |(index, (&v, &x)): (usize, (&f64, &f64))| if x > 0.0 { v } else { slope(index) * v };
        v.iter().zip(x).enumerate().map(at).collect()
    }

    /// What a layer adds to each channel.
    fn bias(&self, bias: Bias) -> Vec<f64> {
        let of = |name: &str| self.parameter(name).iter().map(|&value| f64::from(value)).collect();
        match bias {
            Bias::Convolution(layer) => of(&self.graph.convolution(layer).bias_name()),
            Bias::Linear(layer) => of(&self.graph.linear_layer(layer).bias_name()),
            Bias::BatchNorm(id) => self.batch_norm(id).effective_bias(),
        }
    }

    fn variation_field(&self, field: VariationField) -> f64 {
        let [index, scale, offset] = self.variation;
        match field {
            VariationField::Index => index,
            VariationField::Scale => scale,
            VariationField::Offset => offset,
        }
    }

    /// A parameter of a layer of the graph; `new` has collected them all.
    fn parameter(&self, name: &str) -> &[f32] {
        self.parameters[name]
    }

    fn check_wanted(&self, wanted: &[NodeId]) -> Result<(), ReferenceError> {
        let nodes = self.graph.nodes().len();
        match wanted.iter().find(|id| id.index() >= nodes) {
            Some(id) => Err(ReferenceError::UnknownNode { index: id.index(), nodes }),
            None => Ok(()),
        }
    }

    /// Where node `id` looks a request up: whether the request means a class.
    fn check_request(&self, id: NodeId, requests: &[f64]) -> Result<(), ReferenceError> {
        let node = self.graph.node(id);
        let (Op::Explain(Explain::ClassIndex), &[logits, asked]) = (node.op, node.inputs.as_slice()) else {
            return Ok(());
        };
        let Op::Explain(Explain::ClassRequest { slot }) = self.graph.node(asked).op else { return Ok(()) };
        let (request, classes) = (request(requests, slot)?, self.graph.shape(logits).channels);
        if request.fract() == 0.0 && (-f64::from(classes)..f64::from(classes)).contains(&request) {
            return Ok(());
        }
        Err(ReferenceError::Request { slot, request, classes })
    }

    fn vector(&self, channels: u32) -> Result<Vec<f64>, ReferenceError> {
        let (needed, found) = (channels as usize, self.vector.len());
        if needed == found { Ok(self.vector.clone()) } else { Err(ReferenceError::VectorLength { needed, found }) }
    }

    fn picture(&self, picture: &[f64], shape: Shape) -> Result<Vec<f64>, ReferenceError> {
        let (needed, found) = (shape.elements() as usize, picture.len());
        if needed == found { Ok(picture.to_vec()) } else { Err(ReferenceError::PictureLength { needed, found }) }
    }
}

/// What an operation takes a weight for; a folded batch normalisation's factor is left to the caller.
fn derived(source: WeightSource, weight: f32) -> f64 {
    let weight = f64::from(weight);
    match source {
        WeightSource::Parameter | WeightSource::Folded(_) => weight,
        WeightSource::Squared => weight * weight,
        WeightSource::Ones => 1.0,
    }
}

fn linear_weight(layer: LinearId, part: Part) -> impl Fn(f32) -> f64 {
    move |weight| linear_maps::part(part, derived(layer.source, weight))
}

fn request(requests: &[f64], slot: u32) -> Result<f64, ReferenceError> {
    let missing = ReferenceError::MissingRequest { slot, found: requests.len() };
    requests.get(slot as usize).copied().ok_or(missing)
}
