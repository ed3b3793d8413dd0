//! The goldens: loading them, and finding the node of an explanation that each golden tensor is compared with.

use agf::graph::parameter::{Parameter, ParameterKind};
use agf::graph::{Forward, NodeId, Op, Role};
use agf::methods::agf::{Ablations, explain};
use agf::methods::{ClassMap, Explanation, Quantity};
use agf::models::weights::Weights;
use agf::models::{Architecture, Model};
use safetensors::SafeTensors;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::PathBuf;

/// A file or folder of this repository.
pub fn repository_path(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The synthetic picture of this size: `u` of the synthetic weights for a tensor called "input". A weight of fan-in 6
/// is `u`.
pub fn synthetic_picture(height: u32, width: u32) -> Vec<f32> {
    let count = (3 * height * width) as usize;
    let parameter = Parameter::new("input", &[count.div_ceil(6), 6], ParameterKind::Weight);
    Weights::synthetic(&[parameter]).get("input").unwrap().data()[..count].to_vec()
}

/// Names of AGF's golden files, without the extension.
pub fn all() -> Vec<String> {
    let files = std::fs::read_dir(repository_path("tests/goldens")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter_map(|name| Some(name.strip_suffix(".safetensors")?.to_string())).collect();
    names.retain(|name| !name.starts_with("methods_"));
    names.sort();
    names
}

/// The golden of methods other than AGF: tensors named after methods, for the class of `classes`.
pub fn method_golden() -> Golden {
    Golden::load("methods_vgg11_224")
}

/// A golden tensor; the first dimension counts samples.
pub struct Tensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// One golden file.
pub struct Golden {
    pub name: String,
    pub architecture: Architecture,
    pub classes: Vec<u32>,
    pub ablations: Ablations,
    pub tensors: BTreeMap<String, Tensor>,
}

impl Golden {
    pub fn load(name: &str) -> Self {
        let bytes = std::fs::read(repository_path(&format!("tests/goldens/{name}.safetensors"))).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().clone().unwrap_or_default();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let tensor = |name: String, view: safetensors::tensor::TensorView| {
            assert_eq!(view.dtype(), safetensors::Dtype::F32, "{name}");
            let values = view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            (name, Tensor { shape: view.shape().to_vec(), values })
        };
        Self {
            name: name.into(),
            architecture: metadata["model"].parse().unwrap(),
            classes: classes(&metadata),
            ablations: ablations(metadata.get("options").map_or("{}", String::as_str)),
            tensors: tensors.tensors().into_iter().map(|(name, view)| tensor(name, view)).collect(),
        }
    }

    pub fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("{} has no tensor '{name}'", self.name))
    }

    /// One sample of a tensor.
    pub fn sample(&self, name: &str, index: usize) -> &[f32] {
        let tensor = self.tensor(name);
        let size = tensor.values.len() / tensor.shape[0];
        &tensor.values[index * size..(index + 1) * size]
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.tensor("input").shape[0]
    }

    /// One sample of the input.
    pub fn picture(&self, index: usize) -> Vec<f64> {
        self.sample("input", index).iter().map(|&value| f64::from(value)).collect()
    }

    /// The network explained, with one slot for each of `classes`.
    pub fn explanation(&self) -> Explanation {
        let [height, width] = [self.tensor("input").shape[2], self.tensor("input").shape[3]];
        let classes = self.tensor("logits").shape[1];
        let network = self.architecture.build(height as u32, width as u32, classes as u32).unwrap();
        explain(&network, self.classes.len() as u32, self.ablations).unwrap()
    }

    /// The requests of the slots.
    pub fn requests(&self) -> Vec<f64> {
        self.classes.iter().map(|&class| f64::from(class)).collect()
    }

    /// The weights that the golden was made with.
    pub fn weights(&self, explanation: &Explanation) -> Weights {
        match self.architecture {
            Architecture::EfficientNetLite0 => Model::embedded().unwrap().weights,
            _ => Weights::synthetic(&explanation.graph.parameters()),
        }
    }

    /// Largest relative L2 error of a map, as the goldens' description sets it.
    pub fn map_tolerance(&self) -> f64 {
        match self.architecture {
            Architecture::ResNet18 | Architecture::ResNet34 | Architecture::TinyResNet => 5e-2,
            Architecture::ResNet50 | Architecture::ResNet101 | Architecture::ResNet152 => 1e-2,
            _ => 1e-3,
        }
    }
}

/// Largest relative L2 error of the logits.
pub const LOGITS_TOLERANCE: f64 = 1e-4;

/// `class` is one id, `classes` a list.
fn classes(metadata: &HashMap<String, String>) -> Vec<u32> {
    let list = metadata.get("classes").or_else(|| metadata.get("class")).unwrap();
    list.trim_matches(['[', ']']).split(',').map(|class| class.trim().parse().unwrap()).collect()
}

/// `{"no_fx": true}`
fn ablations(options: &str) -> Ablations {
    let mut ablations = Ablations::default();
    for option in options.trim_matches(['{', '}']).split(',').filter(|option| !option.trim().is_empty()) {
        let flag = match option.trim() {
            "\"no_fx\": true" => &mut ablations.no_fx,
            "\"no_m\": true" => &mut ablations.no_m,
            "\"no_reg\": true" => &mut ablations.no_reg,
            "\"no_fdx\": true" => &mut ablations.no_fdx,
            "\"no_a\": true" => &mut ablations.no_a,
            "\"gradcam\": true" => &mut ablations.gradcam,
            unknown => panic!("unknown option {unknown}"),
        };
        *flag = true;
    }
    ablations
}

/// What a golden tensor is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// These channels of a node's value.
    Node { node: NodeId, channels: Range<u32> },
    /// Nothing, for this reason.
    NotApplicable(&'static str),
}

/// The authors' program computes `F_x`, `F_dx` and `R` of every convolution, but a flat one gives its `C` back
/// untouched.
pub const FLAT: &str = "a flat convolution does not use its factors and residual";

/// Where the golden tensor `name` is found in the explanation of the class in `slot`; `None` for a name that means
/// nothing.
pub fn place(explanation: &Explanation, slot: usize, name: &str) -> Option<Place> {
    let map = &explanation.maps[slot];
    let whole = |node: NodeId| Place::Node { node, channels: 0..explanation.graph.shape(node).channels };
    match name {
        "input" => return Some(whole(explanation.input)),
        "logits" => return Some(whole(explanation.logits)),
        _ if name.starts_with("heatmap.") => return Some(whole(map.map)),
        _ => {}
    }
    let (layer, quantity) = split(name)?;
    if let Some(block) = layer.strip_suffix(".clone") {
        return fan_out(explanation, map, block, quantity).map(whole);
    }
    let layer = explanation.graph.ids().find(|&id| explanation.graph.node(id).name == layer)?;
    if is_flat(explanation, layer) && matches!(quantity, "factor_x" | "factor_dx" | "residual") {
        return Some(Place::NotApplicable(FLAT));
    }
    let traced = |quantity| find(map, layer, quantity);
    match quantity {
        "output" => Some(whole(layer)),
        "relevance" | "relevance.0" => traced(Quantity::Relevance(0)).map(whole),
        "relevance.1" => traced(Quantity::Relevance(1)).map(whole),
        "gradient" | "gradient.0" => traced(Quantity::Gradient(0)).map(whole),
        "gradient.1" => traced(Quantity::Gradient(1)).map(whole),
        "c" => traced(Quantity::C).map(whole),
        "residual" => traced(Quantity::Residual).map(whole),
        "factor_x" => traced(Quantity::Factors).map(|node| Place::Node { node, channels: 0..1 }),
        "factor_dx" => traced(Quantity::Factors).map(|node| Place::Node { node, channels: 1..2 }),
        _ => None,
    }
}

/// Layer and quantity of `NAME.quantity` or `NAME.quantity.index`.
fn split(name: &str) -> Option<(&str, &str)> {
    let (layer, quantity) = name.rsplit_once('.')?;
    if !matches!(quantity, "0" | "1") {
        return Some((layer, quantity));
    }
    let (layer, _) = layer.rsplit_once('.')?;
    Some((layer, &name[layer.len() + 1..]))
}

fn find(map: &ClassMap, layer: NodeId, quantity: Quantity) -> Option<NodeId> {
    map.trace.iter().find(|trace| trace.layer == layer && trace.quantity == quantity).map(|trace| trace.node)
}

fn is_flat(explanation: &Explanation, layer: NodeId) -> bool {
    let graph = &explanation.graph;
    matches!(graph.node(layer).op, Op::Forward(Forward::Convolve { layer, .. }) if graph.role(layer) == Role::Flat)
}

/// A block's input, which its first convolution and its shortcut read: the relevance and the gradient of both together.
fn fan_out(explanation: &Explanation, map: &ClassMap, block: &str, quantity: &str) -> Option<NodeId> {
    let graph = &explanation.graph;
    let first = graph.ids().find(|&id| graph.node(id).name == format!("{block}.conv1"))?;
    let shared = graph.node(first).inputs[0];
    match quantity {
        "relevance" => find(map, shared, Quantity::FanOutRelevance),
        "gradient" => {
            let of_readers: Vec<NodeId> = map
                .trace
                .iter()
                .filter_map(|trace| match trace.quantity {
                    Quantity::Gradient(index) if graph.node(trace.layer).inputs[index as usize] == shared => {
                        Some(trace.node)
                    }
                    _ => None,
                })
                .collect();
            graph.ids().find(|&id| graph.node(id).op == SUM && graph.node(id).inputs == of_readers)
        }
        _ => None,
    }
}

const SUM: Op = Op::Forward(Forward::Add);
