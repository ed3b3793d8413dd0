//! Reading a file: from bytes to nodes in order, constants decoded, one input and one output chosen.

use super::limited::Limited;
use super::patterns::join_layer_normalizations;
use super::proto::{
    GraphProto, ModelProto, NodeProto, ValueInfoProto, tensor_proto::DataType, tensor_shape_proto::dimension,
    type_proto,
};
use super::stream::FileBytes;
use super::tensor::{self, Tensor};
use super::{OnnxError, OnnxOptions};
use prost::Message;
use prost::bytes::{Buf, Bytes};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// The oldest operator set that is read; before it, several operations meant something else.
const OLDEST_OPSET: i64 = 7;

/// The layout of the file's picture input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// (N, C, H, W).
    ChannelsFirst,
    /// (N, H, W, C), as TensorFlow has it.
    ChannelsLast,
}

/// The picture input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PictureInput {
    pub name: String,
    pub layout: Layout,
    /// Channels of the picture.
    pub channels: u32,
    /// Rows, where the file fixes them.
    pub height: Option<u32>,
    /// Columns, where the file fixes them.
    pub width: Option<u32>,
}

/// A file in memory: its graph without initialisers, which are decoded.
#[derive(Debug)]
pub(super) struct File {
    pub graph: GraphProto,
    pub opset: i64,
    pub constants: HashMap<String, Arc<Tensor>>,
    pub input: PictureInput,
    pub output: String,
    /// Initialisers that had 64 bits and were rounded.
    pub rounded: usize,
}

impl File {
    pub fn open(path: &Path, options: &OnnxOptions) -> Result<Self, OnnxError> {
        let shown = path.display().to_string();
        let failed = |error: std::io::Error| OnnxError::Read { path: shown.clone(), reason: error.to_string() };
        let mut bytes = Limited::new(FileBytes::open(path).map_err(failed)?);
        let model = decoded(&mut bytes);
        match bytes.into_inner().failure() {
            Some(error) => Err(failed(error)),
            None => Self::of(model, &shown, path.parent(), options),
        }
    }

    /// A model in memory, which `shown` stands for in messages.
    pub fn parse(bytes: Bytes, shown: &str, options: &OnnxOptions) -> Result<Self, OnnxError> {
        Self::of(decoded(&mut Limited::new(bytes)), shown, None, options)
    }

    fn of(
        model: Result<ModelProto, String>,
        shown: &str,
        folder: Option<&Path>,
        options: &OnnxOptions,
    ) -> Result<Self, OnnxError> {
        let format = |reason: String| OnnxError::Format { path: shown.into(), reason };
        let model = model.map_err(format)?;
        let mut graph = model.graph.ok_or_else(|| format("it has no graph".into()))?;
        let own = model.opset_import.iter().find(|set| matches!(set.domain(), "" | "ai.onnx"));
        let opset = own.map_or(0, |set| set.version());
        if opset < OLDEST_OPSET {
            let reason = format!("uses operator set {opset}; {OLDEST_OPSET} and newer are read: export it again");
            return Err(OnnxError::Form { reason });
        }
        let mut constants = HashMap::new();
        let mut rounded = 0;
        // Taken out one by one, so that a tensor's bytes go when its values are there.
        for initializer in std::mem::take(&mut graph.initializer) {
            let name = initializer.name().to_string();
            rounded += usize::from(initializer.data_type == Some(DataType::Double as i32));
            constants.insert(name.clone(), tensor::decode(&initializer, &name, folder)?);
        }
        join_layer_normalizations(&mut graph, &constants);
        let output = chosen_output(&graph, options.output.as_deref())?;
        let needed = needed(&graph, &output);
        let mut keep = needed.iter();
        graph.node.retain(|_| keep.next().copied().unwrap_or(false));
        let input = picture_input(&graph, &constants, options.input.as_deref())?;
        check_order(&graph, &constants, &input.name)?;
        Ok(Self { graph, opset, constants, input, output, rounded })
    }
}

/// The message, or why there is none.
fn decoded(bytes: &mut Limited<impl Buf>) -> Result<ModelProto, String> {
    let model = ModelProto::decode(&mut *bytes).map_err(|error| error.to_string());
    bytes.excess().map_or(model, Err)
}

fn names(values: &[&ValueInfoProto]) -> String {
    let names: Vec<String> = values.iter().map(|value| format!("'{}'", value.name())).collect();
    names.join(", ")
}

fn picture_input(
    graph: &GraphProto,
    constants: &HashMap<String, Arc<Tensor>>,
    wanted: Option<&str>,
) -> Result<PictureInput, OnnxError> {
    let form = |reason: String| OnnxError::Form { reason };
    let mut inputs: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|input| !constants.contains_key(input.name())).collect();
    if wanted.is_none() && inputs.len() > 1 {
        // Those that the output depends on.
        let read: HashSet<&str> = graph.node.iter().flat_map(reads).collect();
        inputs.retain(|input| read.contains(input.name()));
    }
    let input = match (wanted, inputs.as_slice()) {
        (Some(name), _) => *inputs
            .iter()
            .find(|input| input.name() == name)
            .ok_or_else(|| form(format!("has no input '{name}'; it has {}", names(&inputs))))?,
        (None, [input]) => input,
        (None, []) => return Err(form("has no input".into())),
        (None, _) => return Err(OnnxError::Several { what: "inputs", names: names(&inputs) }),
    };
    let dims = dims(input);
    let [_, second, third, fourth] = dims.as_slice() else {
        let what =
            format!("has the input '{}' of {} dimensions; a picture has four, (N, C, H, W)", input.name(), dims.len());
        return Err(form(what));
    };
    let is_channels = |size: &Option<u32>| matches!(size, Some(1 | 3));
    let (layout, channels, height, width) = match (second, third, fourth) {
        (channels, height, width) if is_channels(channels) => (Layout::ChannelsFirst, channels, height, width),
        (height, width, channels) if is_channels(channels) => (Layout::ChannelsLast, channels, height, width),
        (None, height, width) => (Layout::ChannelsFirst, &Some(3), height, width),
        _ => {
            let sizes: Vec<String> = dims.iter().map(|size| size.map_or("?".into(), |size| size.to_string())).collect();
            let name = input.name();
            return Err(form(format!(
                "has the input '{name}' of ({}), in which no 1 or 3 channels are found",
                sizes.join(", ")
            )));
        }
    };
    let channels = channels.unwrap_or(3);
    Ok(PictureInput { name: input.name().into(), layout, channels, height: *height, width: *width })
}

/// Sizes of a value's dimensions, `None` where they are open.
fn dims(value: &ValueInfoProto) -> Vec<Option<u32>> {
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().and_then(|of| of.value.as_ref()) else {
        return Vec::new();
    };
    let dims = tensor.shape.iter().flat_map(|shape| &shape.dim);
    dims.map(|dim| match dim.value {
        Some(dimension::Value::DimValue(size)) => u32::try_from(size).ok().filter(|&size| size > 0),
        _ => None,
    })
    .collect()
}

fn chosen_output(graph: &GraphProto, wanted: Option<&str>) -> Result<String, OnnxError> {
    let form = |reason: String| OnnxError::Form { reason };
    let outputs: Vec<&ValueInfoProto> = graph.output.iter().collect();
    match (wanted, outputs.as_slice()) {
        (Some(name), _) if outputs.iter().any(|output| output.name() == name) => Ok(name.into()),
        (Some(name), _) => Err(form(format!("has no output '{name}'; it has {}", names(&outputs)))),
        (None, [output]) => Ok(output.name().into()),
        (None, []) => Err(form("has no output".into())),
        (None, _) => Err(OnnxError::Several { what: "outputs", names: names(&outputs) }),
    }
}

/// Names that a node reads, those that the graphs in it read among them.
pub(super) fn reads(node: &NodeProto) -> Vec<&str> {
    let (mut open, mut names) = (vec![node], Vec::new());
    while let Some(node) = open.pop() {
        names.extend(node.input.iter().filter(|name| !name.is_empty()).map(String::as_str));
        let graphs = node.attribute.iter().filter_map(|attribute| attribute.g.as_ref());
        for graph in graphs {
            names.extend(graph.output.iter().map(ValueInfoProto::name));
            open.extend(&graph.node);
        }
    }
    names
}

/// Whether each node is needed for the output.
fn needed(graph: &GraphProto, output: &str) -> Vec<bool> {
    let mut wanted: HashSet<&str> = HashSet::from([output]);
    let mut needed = vec![false; graph.node.len()];
    for (index, node) in graph.node.iter().enumerate().rev() {
        if node.output.iter().any(|name| wanted.contains(name.as_str())) {
            needed[index] = true;
            wanted.extend(reads(node));
        }
    }
    needed
}

/// Demands that every node's inputs are made before it, as the format says: then there is no cycle either.
fn check_order(graph: &GraphProto, constants: &HashMap<String, Arc<Tensor>>, input: &str) -> Result<(), OnnxError> {
    let mut known: HashSet<&str> = constants.keys().map(String::as_str).chain([input]).collect();
    for node in &graph.node {
        let missing = node.input.iter().find(|name| !name.is_empty() && !known.contains(name.as_str()));
        if let Some(name) = missing {
            let node_name =
                if node.name().is_empty() { node.output.first().map_or("", String::as_str) } else { node.name() };
            let reason = format!("reads '{name}', which nothing before it makes");
            return Err(OnnxError::Node { node: node_name.into(), op: node.op_type().into(), reason });
        }
        known.extend(node.output.iter().map(String::as_str));
    }
    Ok(())
}
