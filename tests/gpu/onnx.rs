//! Networks from ONNX files against goldens of an independent implementation: alone, in a batch of three, and with WebGPU's limits.

use crate::common::compare::{assert_relative_l2, assert_similar};
use crate::common::goldens::{LOGITS_TOLERANCE, repository_path, synthetic_picture};
use crate::{gpu, limited_gpu};
use agf::gpu::Gpu;
use agf::graph::{Forward, Op, Role};
use agf::methods::Method;
use agf::models::onnx::{Onnx, OnnxOptions};
use agf::models::{Architecture, InputSpec, Model};
use agf::{Batch, Explained, Explainer, Target};
use safetensors::SafeTensors;
use std::collections::BTreeMap;

/// A golden: roles, tolerance and tensors.
pub(super) struct Golden {
    pub(super) size: u32,
    roles: BTreeMap<String, usize>,
    tolerances: BTreeMap<u32, f64>,
    logits: Vec<f32>,
    maps: BTreeMap<u32, Vec<f32>>,
}

impl Golden {
    pub(super) fn load(name: &str) -> Self {
        let bytes = std::fs::read(repository_path(&format!("tests/onnx/{name}.safetensors"))).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().clone().unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let values = |name: &str| -> Vec<f32> {
            let data = tensors.tensor(name).unwrap().data().to_vec();
            data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        };
        let alone: BTreeMap<u32, f64> = serde_json::from_str(&metadata["float32_against_float64"]).unwrap();
        let class = |name: &str| name.strip_prefix("heatmap.").and_then(|class| class.parse().ok());
        let maps: BTreeMap<u32, Vec<f32>> =
            tensors.names().into_iter().filter_map(|name| Some((class(name)?, values(name)))).collect();
        let pixels = maps.values().next().unwrap().len();
        Self {
            size: pixels.isqrt() as u32,
            roles: serde_json::from_str(&metadata["roles"]).unwrap(),
            tolerances: alone.into_iter().map(|(class, error)| (class, f64::max(1e-3, 10.0 * error))).collect(),
            logits: values("logits"),
            maps,
        }
    }
}

pub(super) fn model(name: &str, size: u32) -> Model {
    let path = repository_path(&format!("tests/onnx/{name}.onnx"));
    let onnx = Onnx::open(&path, &OnnxOptions::default()).unwrap();
    let input = Architecture::Vgg11.recipe(10).unwrap().input_spec();
    onnx.model(name, InputSpec { height: size, width: size, ..input }, true).unwrap()
}

fn explain(gpu: &Gpu, model: &Model, golden: &Golden, count: u32) -> Vec<Explained> {
    let data = synthetic_picture(golden.size, golden.size).repeat(count as usize);
    let batch = Batch::new(count, golden.size, golden.size, data);
    let targets: Vec<Target> = golden.maps.keys().map(|&class| Target::Class(class)).collect();
    let mut explainer = Explainer::new(gpu, model, Method::default());
    pollster::block_on(explainer.explain(&batch, &vec![targets; count as usize])).unwrap().0
}

fn check(name: &str) {
    let golden = Golden::load(name);
    check_model(name, &golden, &model(name, golden.size));
}

/// A model against a golden of its network.
pub(super) fn check_model(name: &str, golden: &Golden, model: &Model) {
    assert_eq!(roles(model, golden.size), golden.roles, "{name}: roles");
    for (what, gpu, count) in
        [("alone", gpu(), 1), ("in a batch", gpu(), 3), ("with WebGPU's limits", limited_gpu(), 1)]
    {
        for explained in explain(gpu, model, golden, count) {
            assert_relative_l2(&format!("{name} {what} logits"), &explained.logits, &golden.logits, LOGITS_TOLERANCE);
            assert_eq!(explained.maps.len(), golden.maps.len());
            for map in &explained.maps {
                let title = format!("{name} {what} class {}", map.class);
                let tolerance = golden.tolerances[&map.class];
                let (l2, _) = assert_similar(&title, &map.values, &golden.maps[&map.class], tolerance);
                println!("{title}: relative L2 {l2:.1e} of {tolerance:.1e}");
            }
        }
    }
}

/// How many convolutions have each role.
fn roles(model: &Model, size: u32) -> BTreeMap<String, usize> {
    let network = model.build(size, size).unwrap();
    let mut roles: BTreeMap<String, usize> =
        [Role::First, Role::Full, Role::Flat].map(|role| (role.name().to_string(), 0)).into();
    for node in network.graph.nodes() {
        if let Op::Forward(Forward::Convolve { layer, .. }) = node.op {
            *roles.entry(network.graph.role(layer).name().to_string()).or_default() += 1;
        }
    }
    roles
}

#[test]
fn mobilenet_v2() {
    check("mobilenet_v2_128_op13");
}

#[test]
fn mnasnet() {
    check("mnasnet0_5_128_op10");
}

#[test]
fn resnext50() {
    check("resnext50_32x4d_96_op17");
}

#[test]
fn resnet50_of_caffe2() {
    check("light_resnet50");
}
