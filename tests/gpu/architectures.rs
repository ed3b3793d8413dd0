//! Recipes against torchvision's and timm's own networks: logits with weights by the tensors' names, made by
//! `tools/witness.py`, and maps against goldens of ONNX files of the same networks.

use crate::common::compare::assert_relative_l2;
use crate::common::goldens::{LOGITS_TOLERANCE, repository_path, synthetic_picture};
use crate::gpu;
use crate::onnx::{self, Golden};
use agf::graph::{Forward, Graph, Op};
use agf::methods::Method;
use agf::models::weights::{Tensor, Weights};
use agf::models::{Architecture, Model};
use agf::{Batch, Explainer};
use std::collections::{BTreeMap, HashMap};

/// Rows and columns: odd numbers of pixels before the later pools and strides.
const SIZE: [u32; 2] = [80, 96];

#[test]
fn every_recipe_is_the_network_of_its_name() {
    let text = std::fs::read_to_string(repository_path("tests/architectures.json")).unwrap();
    let mut witnesses: BTreeMap<String, Vec<f32>> = serde_json::from_str(&text).unwrap();
    let [height, width] = SIZE;
    let batch = Batch::new(1, height, width, synthetic_picture(height, width));
    for architecture in Architecture::ALL {
        if matches!(architecture, Architecture::TinyVgg | Architecture::TinyResNet) {
            continue;
        }
        let witness = witnesses.remove(architecture.name()).unwrap();
        let recipe = architecture.recipe(witness.len() as u32).unwrap();
        let weights = Weights::synthetic(recipe.parameters());
        let model = Model::new(recipe, weights, "synthetic".into());
        let mut explainer = Explainer::new(gpu(), &model, Method::default());
        let (logits, _) = pollster::block_on(explainer.predict(&batch)).unwrap();
        assert_relative_l2(architecture.name(), &logits[0], &witness, LOGITS_TOLERANCE);
    }
    assert!(witnesses.is_empty(), "{witnesses:?}");
}

/// A layer with weights.
struct Layer {
    name: String,
    has_bias: bool,
    /// Name and epsilon of the batch normalisation behind it.
    behind: Option<(String, f64)>,
}

/// The layers with weights, in order.
fn layers(graph: &Graph) -> Vec<Layer> {
    let normalisations: HashMap<_, _> = graph
        .nodes()
        .iter()
        .filter_map(|node| match node.op {
            Op::Forward(Forward::BatchNorm(id)) => Some((node.inputs[0], graph.batch_norm_layer(id))),
            _ => None,
        })
        .collect();
    let layer = |id| {
        let (name, has_bias) = match graph.node(id).op {
            Op::Forward(Forward::Convolve { layer, bias }) => (graph.convolution(layer).name.clone(), bias),
            Op::Forward(Forward::Linear { layer, bias }) => (graph.linear_layer(layer).name.clone(), bias),
            _ => return None,
        };
        let behind = normalisations.get(&id).map(|layer| (layer.name.clone(), layer.epsilon));
        Some(Layer { name, has_bias, behind })
    };
    graph.ids().filter_map(layer).collect()
}

/// A recipe with the weights of an ONNX file of the same network, whose biases stand for the recipe's batch
/// normalisations.
fn with_weights_of(file: &Model, architecture: Architecture, golden: &Golden) -> Model {
    let recipe = architecture.recipe(file.classes()).unwrap();
    let &Golden { height, width, .. } = golden;
    let (own, theirs) =
        (layers(&recipe.build(height, width).unwrap().graph), layers(&file.build(height, width).unwrap().graph));
    assert_eq!(own.len(), theirs.len(), "{architecture}");
    let mut tensors = HashMap::new();
    for (Layer { name: own, has_bias, behind }, Layer { name: theirs, .. }) in own.iter().zip(&theirs) {
        let tensor = |kind: &str| file.weights.get(&format!("{theirs}.{kind}")).unwrap().clone();
        let bias = tensor("bias");
        let all = |value: f64| Tensor::new(bias.shape(), vec![value as f32; bias.data().len()]).unwrap();
        tensors.insert(format!("{own}.weight"), tensor("weight"));
        match behind {
            None => assert!(*has_bias && tensors.insert(format!("{own}.bias"), bias.clone()).is_none()),
            Some((norm, epsilon)) => tensors.extend([
                (format!("{norm}.weight"), all((1.0 + epsilon).sqrt())),
                (format!("{norm}.running_mean"), all(0.0)),
                (format!("{norm}.running_var"), all(1.0)),
                (format!("{norm}.bias"), bias),
            ]),
        }
    }
    let weights = Weights::from_tensors(tensors, recipe.parameters()).unwrap();
    Model::new(recipe, weights, "an ONNX file's".into())
}

#[test]
fn recipes_with_the_weights_of_onnx_files_give_their_goldens() {
    for (architecture, name) in [
        (Architecture::ResNeXt50_32x4d, "resnext50_32x4d_96_op17"),
        (Architecture::MobileNetV2, "mobilenet_v2_128_op13"),
        (Architecture::SqueezeNet1_1, "squeezenet1_1_128_op18_dynamic"),
    ] {
        let golden = Golden::load(name);
        let model = with_weights_of(&onnx::model(name, &golden), architecture, &golden);
        onnx::check_model(name, &golden, &model);
    }
}
