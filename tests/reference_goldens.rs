//! The f64 reference against the goldens: every tensor of the two traces, and logits and maps of whole networks.

mod common;

use agf::graph::NodeId;
use agf::methods::Method;
use agf::reference::Reference;
use common::compare::{assert_relative_l2, assert_similar};
use common::goldens::{FLAT, Golden, LOGITS_TOLERANCE, Place, all, place};
use std::time::Instant;

/// Whole networks, smallest first.
const NETWORKS: [&str; 14] = [
    "vgg11_64",
    "vgg11_64_gradcam",
    "vgg11_64_no_a",
    "vgg11_64_no_fdx",
    "vgg11_64_no_fx",
    "vgg11_64_no_m",
    "vgg11_64_no_reg",
    "resnet18_64",
    "resnet101_64",
    "vgg16_bn_96x128",
    "efficientnet_lite0_dogcat_224",
    "efficientnet_lite0_zebra_elephant_192x256",
    "resnet50_224",
    "vgg19_224",
];

const TRACES: [&str; 2] = ["trace_tiny_resnet", "trace_tiny_vgg"];

/// Compares logits and maps of a golden, all its tensors; gives the values of the first sample.
fn check_network(name: &str) {
    let start = Instant::now();
    let golden = Golden::load(name);
    let mut tensors = vec!["input".to_string(), "logits".to_string()];
    tensors.extend(golden.classes.iter().map(|class| format!("heatmap.{class}")));
    tensors.sort();
    assert!(golden.tensors.keys().eq(&tensors), "{name} has other tensors than {tensors:?}");

    let explanation = golden.explanation();
    let weights = golden.weights(&explanation);
    let reference = Reference::new(&explanation.graph, &weights).unwrap();
    let mut wanted = vec![explanation.logits];
    wanted.extend(explanation.maps.iter().map(|map| map.map));
    for sample in 0..golden.samples() {
        let values = reference.run(&golden.picture(sample), &golden.requests(), &wanted).unwrap();
        let logits = golden.sample("logits", sample);
        let (l2, cosine) = assert_similar(name, &values[&explanation.logits], logits, LOGITS_TOLERANCE);
        println!("{name}[{sample}] logits: relative L2 {l2:.1e}, cosine {cosine:.9}");
        for (map, class) in explanation.maps.iter().zip(&golden.classes) {
            let expected = golden.sample(&format!("heatmap.{class}"), sample);
            let what = format!("{name}[{sample}] class {class}");
            let (l2, cosine) = assert_similar(&what, &values[&map.map], expected, golden.map_tolerance());
            println!("{what}: relative L2 {l2:.1e}, cosine {cosine:.9}");
        }
    }
    println!("{name}: {:.1} s", start.elapsed().as_secs_f64());
}

#[test]
fn logits_and_maps_of_whole_networks() {
    NETWORKS.iter().for_each(|name| check_network(name));
}

/// Methods that need one pass, and the golden of what their map is made of.
const METHODS: [(Method, &str); 3] = [
    (Method::InputXGradient, "input_x_gradient"),
    (Method::GuidedBackprop, "guided_backprop"),
    (Method::GradCam, "grad_cam_last_relu"),
];

#[test]
fn gradient_methods() {
    let golden = Golden::load("methods_vgg11_224");
    let weights = golden.weights(&golden.explanation());
    let network = golden.architecture.build(224, 224, 1000).unwrap();
    for (method, tensor) in METHODS {
        let explanation = method.explain(&network, 1).unwrap();
        let wanted = explanation.maps[0].attribution;
        let reference = Reference::new(&explanation.graph, &weights).unwrap();
        let values = reference.run(&golden.picture(0), &golden.requests(), &[wanted]).unwrap();
        let l2 = assert_relative_l2(tensor, &values[&wanted], golden.sample(tensor, 0), 1e-4);
        println!("{tensor}: relative L2 {l2:.1e}");
    }
}

/// Other goldens of other methods, `methods_*`, are compared on the GPU.
#[test]
fn every_golden_is_compared() {
    let mut compared = [&NETWORKS[..], &TRACES[..]].concat();
    compared.sort();
    let files: Vec<String> = all().into_iter().filter(|name| !name.starts_with("methods_")).collect();
    assert_eq!(files, compared);
}

/// Traces were computed in f32. Largest relative L2 errors, about ten times what was measured.
struct TraceTolerance {
    output: f64,
    gradient: f64,
    relevance: f64,
}

/// Compares every tensor of a trace; gives the names of those that have no counterpart.
fn check_trace(name: &str, tolerance: TraceTolerance) -> Vec<String> {
    let golden = Golden::load(name);
    let explanation = golden.explanation();
    let weights = golden.weights(&explanation);
    let reference = Reference::new(&explanation.graph, &weights).unwrap();
    let places: Vec<(&String, Place)> = golden
        .tensors
        .keys()
        .map(|tensor| (tensor, place(&explanation, 0, tensor).unwrap_or_else(|| panic!("{name}: what is '{tensor}'?"))))
        .collect();
    let wanted: Vec<NodeId> = explanation.graph.ids().collect();
    for sample in 0..golden.samples() {
        let values = reference.run(&golden.picture(sample), &golden.requests(), &wanted).unwrap();
        for (tensor, place) in &places {
            let Place::Node { node, channels } = place else { continue };
            let pixels = explanation.graph.shape(*node).pixels();
            let value = &values[node][(channels.start * pixels) as usize..(channels.end * pixels) as usize];
            let limit = match tensor.as_str() {
                "input" => 0.0,
                "logits" => LOGITS_TOLERANCE,
                tensor if tensor.starts_with("heatmap.") => golden.map_tolerance(),
                tensor if tensor.ends_with(".output") => tolerance.output,
                tensor if tensor.contains(".gradient") => tolerance.gradient,
                _ => tolerance.relevance,
            };
            let what = format!("{name}[{sample}] {tensor}");
            let l2 = assert_relative_l2(&what, value, golden.sample(tensor, sample), limit);
            println!("{what}: relative L2 {l2:.1e}");
        }
    }
    let unmatched = places.into_iter().filter(|(_, place)| *place == Place::NotApplicable(FLAT));
    unmatched.map(|(tensor, _)| tensor.clone()).collect()
}

#[test]
fn every_tensor_of_the_small_vgg() {
    let unmatched = check_trace("trace_tiny_vgg", TraceTolerance { output: 1e-6, gradient: 2e-5, relevance: 1e-4 });
    assert!(unmatched.is_empty(), "{unmatched:?}");
}

#[test]
fn every_tensor_of_the_small_resnet() {
    let unmatched = check_trace("trace_tiny_resnet", TraceTolerance { output: 1e-6, gradient: 1e-5, relevance: 1e-3 });
    let flat = [
        "layer1.0.conv1",
        "layer1.0.conv3",
        "layer1.0.downsample.0",
        "layer1.1.conv1",
        "layer1.1.conv3",
        "layer2.0.conv2",
        "layer2.0.downsample.0",
        "layer2.1.conv2",
    ];
    let quantities = ["factor_dx", "factor_x", "residual"];
    let expected: Vec<String> =
        flat.iter().flat_map(|layer| quantities.map(|quantity| format!("{layer}.{quantity}"))).collect();
    assert_eq!(unmatched, expected);
    let golden = Golden::load("trace_tiny_resnet");
    for layer in flat {
        let [relevance, c] = ["relevance", "c"].map(|quantity| &golden.tensor(&format!("{layer}.{quantity}")).values);
        assert_eq!(relevance, c, "{layer}: {FLAT}");
    }
}
