//! Networks from ONNX files against goldens of an independent implementation: alone, in a batch of three, and with
//! WebGPU's limits.

use crate::common::compare::{assert_relative_l2, assert_similar};
use crate::common::goldens::{LOGITS_TOLERANCE, repository_path, synthetic_picture};
use crate::{gpu, limited_gpu};
use agf::gpu::Gpu;
use agf::graph::{Forward, Op, Role};
use agf::methods::Method;
use agf::models::onnx::{Onnx, OnnxOptions};
use agf::models::{InputSpec, Model};
use agf::{Batch, Explained, Explainer, Target};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::Path;

/// A golden: picture, roles, tolerance and tensors.
pub(super) struct Golden {
    pub(super) height: u32,
    pub(super) width: u32,
    picture: Vec<f32>,
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
        let map = format!("heatmap.{}", maps.keys().next().unwrap());
        let &[1, height, width] = tensors.tensor(&map).unwrap().shape() else { panic!("{name}: the map's shape") };
        let picture = match metadata["input"].as_str() {
            "stored" => values("input"),
            made if made.starts_with("unit(\"input\")") => synthetic_picture(height as u32, width as u32),
            other => panic!("{name}: the input {other}"),
        };
        Self {
            height: height as u32,
            width: width as u32,
            picture,
            roles: serde_json::from_str(&metadata["roles"]).unwrap(),
            tolerances: alone.into_iter().map(|(class, error)| (class, f64::max(1e-3, 10.0 * error))).collect(),
            logits: values("logits"),
            maps,
        }
    }
}

/// The network of a file in the repository.
pub(super) fn model(name: &str, golden: &Golden) -> Model {
    model_of(&repository_path(&format!("tests/onnx/{name}.onnx")), golden)
}

fn model_of(path: &Path, golden: &Golden) -> Model {
    let onnx = Onnx::open(path, &OnnxOptions::default()).unwrap();
    let input = InputSpec::torchvision(golden.height, golden.width);
    onnx.model(&path.display().to_string(), input, true).unwrap()
}

fn explain(gpu: &Gpu, model: &Model, golden: &Golden, count: u32) -> Vec<Explained> {
    let data = golden.picture.repeat(count as usize);
    let batch = Batch::new(count, golden.height, golden.width, data);
    let targets: Vec<Target> = golden.maps.keys().map(|&class| Target::Class(class)).collect();
    let mut explainer = Explainer::new(gpu, model, Method::default());
    pollster::block_on(explainer.explain(&batch, &vec![targets; count as usize])).unwrap().0
}

fn check(name: &str) {
    check_file(name, &repository_path(&format!("tests/onnx/{name}.onnx")));
}

fn check_file(name: &str, path: &Path) {
    let golden = Golden::load(name);
    check_model(name, &golden, &model_of(path, &golden));
}

/// A model against a golden of its network.
pub(super) fn check_model(name: &str, golden: &Golden, model: &Model) {
    assert_eq!(roles(model, golden), golden.roles, "{name}: roles");
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
fn roles(model: &Model, golden: &Golden) -> BTreeMap<String, usize> {
    let network = model.build(golden.height, golden.width).unwrap();
    let mut roles: BTreeMap<String, usize> =
        [Role::First, Role::Full, Role::Flat].map(|role| (role.name().to_string(), 0)).into();
    for node in network.graph.nodes() {
        if let Op::Forward(Forward::Convolve { layer, .. }) = node.op {
            *roles.entry(network.graph.role(layer).name().to_string()).or_default() += 1;
        }
    }
    roles
}

macro_rules! goldens {
    ($($test:ident $name:literal,)*) => {
        $(#[test]
        fn $test() {
            check($name);
        })*
    };
}

goldens! {
    efficientnet_b0 "efficientnet_b0_128_op13",
    inception_v3 "inception_v3_139_op13",
    mnasnet "mnasnet0_5_128_op10",
    mobilenet_v2 "mobilenet_v2_128_op13",
    mobilenet_v3 "mobilenet_v3_small_128_op17",
    resnext50 "resnext50_32x4d_96_op17",
    shufflenet_v2 "shufflenet_v2_x0_5_128_op13",
    squeezenet "squeezenet1_1_128_op18_dynamic",
    alexnet_of_caffe2 "light_bvlc_alexnet",
    inception_v1_of_caffe2 "light_inception_v1",
    resnet50_of_caffe2 "light_resnet50",
    shufflenet_of_caffe2 "light_shufflenet",
    squeezenet_of_caffe2 "light_squeezenet",
    o_net_of_mtcnn "mtcnn_onet_prelu",
    text_direction_of_paddle "ch_ppocr_mobile_v2.0_cls_infer",
}

/// Networks whose files are too large to be kept here.
fn check_large(name: &str) {
    let folder = std::env::var("AGF_ONNX_MODELS").expect("AGF_ONNX_MODELS names the folder of the models");
    check_file(name, &Path::new(&folder).join(format!("{name}.onnx")));
}

#[test]
#[ignore = "needs the models of tests/onnx/README.md in the folder AGF_ONNX_MODELS"]
fn age() {
    check_large("age-v1");
}

#[test]
#[ignore = "needs the models of tests/onnx/README.md in the folder AGF_ONNX_MODELS"]
fn efficientnet_lite1() {
    check_large("efficientnet_lite1_imagenet");
}
