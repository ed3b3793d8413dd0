//! A network from a file costs what its recipe costs: both plan to the same steps.

use super::{int, integers, ints, node, value};
use crate::graph::{Activation, Forward, Graph, Network, NodeId};
use crate::methods::Method;
use crate::models::Architecture;
use crate::models::onnx::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto};
use crate::models::onnx::{Onnx, OnnxOptions};
use crate::plan::{Plan, Profile, Sharing};
use crate::wiring::{Wanted, Wiring};
use prost::Message;

const SIDE: u32 = 64;

/// A recipe's network as a file, its weights being no more than shapes.
struct Export {
    nodes: Vec<NodeProto>,
    shapes: Vec<TensorProto>,
}

impl Export {
    fn weight(&mut self, name: &str, dims: &[u32]) -> String {
        let dims: Vec<i64> = dims.iter().map(|&size| size.into()).collect();
        self.shapes.push(integers(&format!("shape of {name}"), &dims));
        self.nodes.push(node("ConstantOfShape", &[&format!("shape of {name}")], name, vec![]));
        name.into()
    }

    fn add(&mut self, op: &str, inputs: &[String], id: NodeId, attributes: Vec<AttributeProto>) {
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.nodes.push(node(op, &inputs, &name(id), attributes));
    }

    fn node(&mut self, graph: &Graph, id: NodeId) {
        let of = graph.node(id);
        let mut inputs: Vec<String> = of.inputs.iter().map(|&input| name(input)).collect();
        match of.op.forward().unwrap() {
            Forward::Input => {}
            Forward::Convolve { layer, bias } => {
                let layer = graph.convolution(layer);
                inputs.push(self.weight(&layer.weight_name(), &layer.weight_shape()));
                if bias {
                    inputs.push(self.weight(&layer.bias_name(), &[layer.output_channels]));
                }
                let pads = layer.window.padding;
                let list = |numbers: &[u32]| numbers.iter().map(|&number| number.into()).collect::<Vec<i64>>();
                let attributes = vec![
                    ints("strides", &list(&layer.window.stride)),
                    ints("pads", &list(&[pads.top, pads.left, pads.bottom, pads.right])),
                    int("group", layer.groups.into()),
                ];
                self.add("Conv", &inputs, id, attributes);
            }
            Forward::BatchNorm(layer) => {
                let layer = graph.batch_norm_layer(layer);
                for parameter in ["weight", "bias", "running_mean", "running_var"] {
                    inputs.push(self.weight(&format!("{}.{parameter}", layer.name), &[layer.channels]));
                }
                let f = Some(layer.epsilon as f32);
                let epsilon = AttributeProto { name: Some("epsilon".into()), f, ..Default::default() };
                self.add("BatchNormalization", &inputs, id, vec![epsilon]);
            }
            Forward::Clamp(activation) => {
                let max =
                    AttributeProto { name: Some("max".into()), f: Some(activation.ceiling()), ..Default::default() };
                let min = AttributeProto { name: Some("min".into()), f: Some(0.0), ..Default::default() };
                match activation {
                    Activation::Relu => self.add("Relu", &inputs, id, vec![]),
                    Activation::Capped { .. } => self.add("Clip", &inputs, id, vec![min, max]),
                }
            }
            Forward::Add => self.add("Add", &inputs, id, vec![]),
            Forward::MaxPool(window) => {
                let list = |numbers: [u32; 2]| numbers.map(i64::from);
                let pads = window.padding;
                let pads = [pads.top, pads.left, pads.bottom, pads.right].map(i64::from);
                let (kernel, strides) = (list(window.kernel), list(window.stride));
                let attributes = vec![ints("kernel_shape", &kernel), ints("strides", &strides), ints("pads", &pads)];
                self.add("MaxPool", &inputs, id, attributes);
            }
            Forward::AveragePool { height: 1, width: 1 } => self.add("GlobalAveragePool", &inputs, id, vec![]),
            Forward::Linear { layer, .. } => {
                let layer = graph.linear_layer(layer);
                let flat = format!("{} flat", name(id));
                self.nodes.push(node("Flatten", &[&inputs[0]], &flat, vec![]));
                let columns = layer.input.elements() as u32;
                let weight = self.weight(&layer.weight_name(), &[layer.outputs, columns]);
                let bias = self.weight(&layer.bias_name(), &[layer.outputs]);
                self.add("Gemm", &[flat, weight, bias], id, vec![int("transB", 1)]);
            }
            other => panic!("{other:?} is in no recipe of these"),
        }
    }
}

fn name(id: NodeId) -> String {
    format!("%{}", id.index())
}

fn exported(network: &Network) -> Vec<u8> {
    let mut export = Export { nodes: Vec::new(), shapes: Vec::new() };
    network.graph.ids().for_each(|id| export.node(&network.graph, id));
    let side = i64::from(SIDE);
    let graph = GraphProto {
        node: export.nodes,
        initializer: export.shapes,
        input: vec![value(&name(network.input), &[1, 3, side, side])],
        output: vec![value(&name(network.logits), &[])],
        ..Default::default()
    };
    // Before operator set 11 a Clip has its bounds as attributes.
    let opset_import = vec![OperatorSetIdProto { version: Some(10), ..Default::default() }];
    ModelProto { graph: Some(graph), opset_import, ..Default::default() }.encode_to_vec()
}

fn plan(network: &Network, profile: &Profile) -> Plan {
    let wiring = Wiring::new(network, &Method::default(), Wanted { slots: 1, audit: false }).unwrap();
    wiring.plan(1, profile, Sharing::Shared).unwrap()
}

#[test]
fn a_file_plans_to_the_steps_of_its_recipe() {
    for architecture in [Architecture::EfficientNetLite0, Architecture::ResNet18] {
        let recipe = architecture.build(SIDE, SIDE, architecture.default_classes()).unwrap();
        let onnx = Onnx::parse(exported(&recipe), "test.onnx", &OnnxOptions::default()).unwrap();
        let read = onnx.build(SIDE, SIDE).unwrap();
        for profile in [Profile::WEBGPU, Profile::SOFTWARE] {
            let [of_recipe, of_file] = [&recipe, &read].map(|network| plan(network, &profile));
            let steps = |plan: &Plan| -> Vec<String> {
                plan.steps.iter().map(|step| format!("{} {}", step.kernel, step.uniforms)).collect()
            };
            assert_eq!(steps(&of_file), steps(&of_recipe), "{architecture}");
        }
    }
}
