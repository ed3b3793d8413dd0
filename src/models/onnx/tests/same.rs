//! Files that say one network in different words give the same logits, by the f64 reference.

use super::{error, file, floats, int, integers, ints, node};
use crate::models::onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use crate::models::onnx::{Onnx, OnnxOptions};
use crate::reference::Reference;

/// Six weights that are multiples of 1/4, so that they are integers times a scale.
const WEIGHTS: [f32; 6] = [0.5, -0.25, 1.0, -1.0, 0.75, 0.25];
const STEPS: [i32; 6] = [2, -1, 4, -4, 3, 1];

fn bytes(name: &str, dims: &[i64], kind: i32, values: &[i32]) -> TensorProto {
    let int32_data = values.to_vec();
    TensorProto {
        name: Some(name.into()),
        dims: dims.to_vec(),
        data_type: Some(kind),
        int32_data,
        ..Default::default()
    }
}

fn number(name: &str, value: f32) -> TensorProto {
    floats(name, &[], &[value])
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: Some(name.into()), f: Some(f), ..Default::default() }
}

fn constants() -> Vec<TensorProto> {
    vec![
        floats("w", &[2, 3, 1, 1], &WEIGHTS),
        floats("matrix", &[3, 2], &[0.5, -1.0, -0.25, 0.75, 1.0, 0.25]),
        floats("turned", &[2, 3, 1, 1], &[0.5, -0.25, 1.0, -1.0, 0.75, 0.25]),
        floats("scales", &[3], &[1.5, 0.5, -1.0]),
        floats("shifts", &[3], &[0.25, 0.0, -0.5]),
        bytes("wq", &[2, 3, 1, 1], 3, &STEPS),
        bytes("wu", &[2, 3, 1, 1], 2, &STEPS.map(|step| step + 128)),
        bytes("zero", &[], 3, &[0]),
        bytes("lowest", &[], 2, &[0]),
        bytes("centre", &[], 2, &[128]),
        number("quarter", 0.25),
        number("one", 1.0),
        number("two", 2.0),
        number("three", 3.0),
        number("six", 6.0),
        number("sixth", 1.0 / 6.0),
        number("half", 0.5),
        number("none", 0.0),
        number("root", std::f32::consts::SQRT_2),
        integers("pads", &[0, 0, 1, 1, 0, 0, 1, 1]),
        integers("back", &[2, 1, 0]),
        integers("last", &[-1]),
        integers("end", &[i64::MIN]),
        integers("channels", &[1]),
        integers("lines", &[1, 3, 48]),
        integers("map", &[1, 3, 8, 6]),
        integers("parts", &[1, 2]),
        floats("mask", &[1, 3, 1, 1], &[0.5, -0.25, 1.0]),
        integers("rows", &[2]),
        integers("eight", &[8]),
        integers("sixteen", &[16]),
    ]
}

fn means(input: &str) -> Vec<NodeProto> {
    vec![node("GlobalAveragePool", &[input], "m", vec![]), node("Flatten", &["m"], "y", vec![])]
}

/// Logits of the mean over pixels of what the nodes make under the name `r`.
fn logits(nodes: Vec<NodeProto>) -> Vec<f64> {
    let onnx =
        Onnx::parse(file([nodes, means("r")].concat(), constants()), "test.onnx", &OnnxOptions::default()).unwrap();
    let network = onnx.build(8, 6).unwrap();
    let weights = onnx.weights(8, 6, false).unwrap();
    let picture: Vec<f64> = (0..144).map(|index| f64::from((index * 7919) % 101 - 50) / 12.5).collect();
    let reference = Reference::new(&network.graph, &weights).unwrap();
    reference.run(&picture, &[], &[network.logits]).unwrap().remove(&network.logits).unwrap()
}

fn assert_same(what: &str, one: Vec<NodeProto>, other: Vec<NodeProto>) {
    let (one, other) = (logits(one), logits(other));
    assert_eq!(one.len(), other.len(), "{what}");
    let distance = one.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(distance <= 1e-6, "{what}: {one:?} and {other:?}");
    assert!(one.iter().any(|value| value.abs() > 1e-3), "{what}: {one:?}");
}

#[test]
fn activations_in_parts() {
    let shifted = || vec![node("Add", &["x", "three"], "a", vec![]), node("Clip", &["a", "none", "six"], "c", vec![])];
    let swish = || vec![node("HardSwish", &["x"], "r", vec![])];
    assert_same(
        "SiLU",
        vec![node("Sigmoid", &["x"], "s", vec![]), node("Mul", &["x", "s"], "r", vec![])],
        vec![node("Sigmoid", &["x"], "s", vec![]), node("Mul", &["s", "x"], "r", vec![])],
    );
    let divided = [shifted(), vec![node("Mul", &["x", "c"], "p", vec![]), node("Div", &["p", "six"], "r", vec![])]];
    assert_same("hard swish divided at the end", divided.concat(), swish());
    let scaled = [shifted(), vec![node("Mul", &["c", "sixth"], "g", vec![]), node("Mul", &["g", "x"], "r", vec![])]];
    assert_same("hard swish with a scaled gate", scaled.concat(), swish());
    let sigmoid =
        vec![node("HardSigmoid", &["x"], "s", vec![float("alpha", 1.0 / 6.0)]), node("Mul", &["x", "s"], "r", vec![])];
    assert_same("hard swish by hard sigmoid", sigmoid, swish());
    let normal = || {
        vec![
            node("Div", &["x", "root"], "d", vec![]),
            node("Erf", &["d"], "e", vec![]),
            node("Add", &["e", "one"], "n", vec![]),
        ]
    };
    let gelu = || vec![node("Gelu", &["x"], "r", vec![])];
    let late = [normal(), vec![node("Mul", &["x", "n"], "p", vec![]), node("Mul", &["p", "half"], "r", vec![])]];
    assert_same("GELU halved at the end", late.concat(), gelu());
    let early = [normal(), vec![node("Mul", &["x", "half"], "h", vec![]), node("Mul", &["h", "n"], "r", vec![])]];
    assert_same("GELU halved at first", early.concat(), gelu());
}

#[test]
fn what_is_moved_and_moved_back() {
    let plain = || vec![node("Relu", &["x"], "r", vec![])];
    let lines = vec![
        node("Reshape", &["x", "lines"], "l", vec![]),
        node("Relu", &["l"], "a", vec![]),
        node("Reshape", &["a", "map"], "r", vec![]),
    ];
    assert_same("lines", lines, plain());
    let back = |input: &str, output: &str| node("Slice", &[input, "last", "end", "channels", "last"], output, vec![]);
    let twice = vec![back("x", "b"), node("Relu", &["b"], "a", vec![]), back("a", "r")];
    assert_same("channels backwards twice", twice, plain());
    let gathered = vec![
        node("Gather", &["x", "back"], "b", vec![int("axis", 1)]),
        back("b", "f"),
        node("Relu", &["f"], "r", vec![]),
    ];
    assert_same("gathered backwards", gathered, plain());
    let mut split = node("Split", &["x", "parts"], "s", vec![int("axis", 1)]);
    split.output.push("t".into());
    let joined = vec![split, node("Concat", &["s", "t"], "c", vec![int("axis", 1)]), node("Relu", &["c"], "r", vec![])];
    assert_same("split and joined", joined, plain());
    let window = |rest: Vec<AttributeProto>| [vec![ints("kernel_shape", &[3, 3])], rest].concat();
    let padded = vec![node("Pad", &["x", "pads"], "p", vec![]), node("AveragePool", &["p"], "r", window(vec![]))];
    let counted = window(vec![ints("pads", &[1; 4]), int("count_include_pad", 1)]);
    assert_same("padding that counts", padded, vec![node("AveragePool", &["x"], "r", counted)]);
    let last = vec![
        node("Transpose", &["x"], "t", vec![ints("perm", &[0, 2, 3, 1])]),
        node("MatMul", &["t", "matrix"], "p", vec![]),
        node("Transpose", &["p"], "r", vec![ints("perm", &[0, 3, 1, 2])]),
    ];
    assert_same("a matrix over the channels", last, vec![node("Conv", &["x", "turned"], "r", vec![])]);
}

#[test]
fn along_any_axis() {
    let concat = |inputs: &[&str], output: &str, axis| node("Concat", inputs, output, vec![int("axis", axis)]);
    let mask = || vec![node("Conv", &["x", "mask"], "c", vec![]), node("Softplus", &["c"], "s", vec![])];
    let product = |one: &str, other: &str| vec![node("Mul", &[one, other], "r", vec![])];
    let spelled = [mask(), vec![concat(&["s", "s", "s"], "t", 1)], product("x", "t")].concat();
    assert_same("one channel and three", [mask(), product("s", "x")].concat(), spelled);
    for (axis, count) in [(2, 8), (3, 6)] {
        let mean =
            || vec![node("Relu", &["x"], "q", vec![]), node("ReduceMean", &["q"], "m", vec![ints("axes", &[axis])])];
        let whole = mean().into_iter().chain([concat(&vec!["m"; count], "t", axis)]);
        for op in ["Mul", "Add", "Sub"] {
            let combined = |name: &str| vec![node(op, &[name, "x"], "d", vec![]), node("Elu", &["d"], "r", vec![])];
            let spelled = whole.clone().chain(combined("t")).collect();
            assert_same(&format!("{op} along axis {axis}"), [mean(), combined("m")].concat(), spelled);
        }
    }
    let joined = [
        vec![node("Relu", &["x"], "a", vec![]), concat(&["x", "a"], "j", 2)],
        vec![node("Slice", &["j", "eight", "sixteen", "rows"], "r", vec![])],
    ];
    let turned = |input: &str, output: &str| node("Transpose", &[input], output, vec![ints("perm", &[0, 1, 3, 2])]);
    let across = vec![turned("x", "t"), concat(&["t", "t"], "j", 3), turned("j", "v"), concat(&["v", "x"], "r", 2)];
    let spelled = vec![concat(&["x", "x", "x"], "r", 2)];
    assert_same("rows beside rows, turned", across, spelled);
    let beside = vec![
        node("Relu", &["x"], "a", vec![]),
        turned("a", "t"),
        turned("t", "b"),
        turned("b", "u"),
        turned("x", "y1"),
    ];
    let sums = [beside, vec![node("Mul", &["u", "y1"], "p", vec![]), turned("p", "r")]].concat();
    let spelled = vec![node("Relu", &["x"], "a", vec![]), node("Mul", &["a", "x"], "r", vec![])];
    assert_same("a product of what is turned", sums, spelled);
    assert_same("rows below rows", joined.concat(), vec![node("Relu", &["x"], "r", vec![])]);
    let parts = vec![node("GlobalAveragePool", &["x"], "m", vec![]), node("Conv", &["x", "mask"], "c", vec![])];
    let outer = [parts.clone(), vec![node("Mul", &["m", "c"], "r", vec![])]].concat();
    let found = error(file([outer, means("r")].concat(), constants())).to_string();
    assert!(found.contains("Mul, 1 time (of [1, 3, 1, 1] and [1, 1, 8, 6])"), "{found}");
    let unequal = [parts, vec![concat(&["m", "c"], "r", 1)]].concat();
    let found = error(file([unequal, means("r")].concat(), constants())).to_string();
    assert!(found.contains("which is no axis that equal maps have"), "{found}");
}

/// A condition that follows from shapes chooses a branch; it may read what is made outside.
#[test]
fn branches_of_known_conditions() {
    let branch = |name: &str, op: &str| {
        let made = format!("{name} made");
        let output = vec![ValueInfoProto { name: Some(made.clone()), ..Default::default() }];
        let graph = GraphProto { node: vec![node(op, &["a"], &made, vec![])], output, ..Default::default() };
        AttributeProto { name: Some(name.into()), g: Some(graph), ..Default::default() }
    };
    let chosen = |size: &str| {
        vec![
            node("Neg", &["x"], "unused", vec![]),
            node("Add", &["x", "one"], "a", vec![]),
            node("Shape", &["x"], "d", vec![int("start", 2), int("end", 3)]),
            node("Equal", &["d", size], "c", vec![]),
            node("If", &["c"], "r", vec![branch("then_branch", "Relu"), branch("else_branch", "Sigmoid")]),
        ]
    };
    let spelled = |op: &str| vec![node("Add", &["x", "one"], "a", vec![]), node(op, &["a"], "r", vec![])];
    assert_same("the first branch", chosen("eight"), spelled("Relu"));
    assert_same("the other branch", chosen("sixteen"), spelled("Sigmoid"));
    let open = node("If", &["x"], "r", vec![branch("then_branch", "Relu"), branch("else_branch", "Relu")]);
    let found = error(file([vec![open], means("r")].concat(), constants())).to_string();
    assert!(found.contains("If, 1 time"), "{found}");
    let absent = vec![node("Equal", &["eight", "eight"], "c", vec![]), node("If", &["c"], "r", vec![])];
    let found = error(file([absent, means("r")].concat(), constants())).to_string();
    assert!(found.contains("has no then_branch"), "{found}");
}

#[test]
fn layer_normalisation_by_its_definition() {
    let network = |epsilon: f32| {
        vec![
            node("Transpose", &["x"], "t", vec![ints("perm", &[0, 2, 3, 1])]),
            node("LayerNormalization", &["t", "scales", "shifts"], "n", vec![float("epsilon", epsilon)]),
            node("Transpose", &["n"], "r", vec![ints("perm", &[0, 3, 1, 2])]),
        ]
    };
    let found = logits(network(0.5));
    let picture: Vec<f64> = (0..144).map(|index| f64::from((index * 7919) % 101 - 50) / 12.5).collect();
    let mut expected = [0.0; 3];
    for pixel in 0..48 {
        let x = [0, 1, 2].map(|channel| picture[channel * 48 + pixel]);
        let mean = x.iter().sum::<f64>() / 3.0;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3.0;
        for (channel, (scale, shift)) in [(1.5, 0.25), (0.5, 0.0), (-1.0, -0.5)].into_iter().enumerate() {
            expected[channel] += ((x[channel] - mean) / (variance + 0.5).sqrt() * scale + shift) / 48.0;
        }
    }
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-9), "{found:?} and {expected:?}");
    let mean = |input: &str, output: &str| node("ReduceMean", &[input], output, vec![ints("axes", &[-1])]);
    let in_parts = vec![
        node("Transpose", &["x"], "t", vec![ints("perm", &[0, 2, 3, 1])]),
        mean("t", "m0"),
        node("Sub", &["t", "m0"], "d", vec![]),
        node("Pow", &["d", "two"], "p", vec![]),
        mean("p", "v"),
        node("Add", &["v", "half"], "e", vec![]),
        node("Sqrt", &["e"], "q", vec![]),
        node("Div", &["d", "q"], "n", vec![]),
        node("Mul", &["n", "scales"], "s", vec![]),
        node("Add", &["s", "shifts"], "o", vec![]),
        node("Transpose", &["o"], "r", vec![ints("perm", &[0, 3, 1, 2])]),
    ];
    assert_same("in parts", in_parts, network(0.5));
}

#[test]
fn casts_of_constants_to_booleans() {
    let cast = |from: &str, to: i64, output: &str| node("Cast", &[from], output, vec![int("to", to)]);
    for constant in ["mask", "rows"] {
        let ones = vec![cast(constant, 9, "b"), cast("b", 1, "f"), node("Mul", &["x", "f"], "r", vec![])];
        assert_same(constant, ones, vec![node("Identity", &["x"], "r", vec![])]);
    }
}

#[test]
fn quantised_files_are_their_float_networks() {
    let plain = || vec![node("Conv", &["x", "w"], "r", vec![])];
    let rectified = || vec![node("Conv", &["x", "w"], "c", vec![]), node("Relu", &["c"], "r", vec![])];
    let pair = |scale: &str, zero: &str, input: &str, output: &str| {
        let quantised = format!("{output} quantised");
        vec![
            node("QuantizeLinear", &[input, scale, zero], &quantised, vec![]),
            node("DequantizeLinear", &[&quantised, scale, zero], output, vec![]),
        ]
    };
    let weight = || vec![node("DequantizeLinear", &["wq", "quarter", "zero"], "v", vec![])];
    let conv = || vec![node("Conv", &["q", "v"], "c", vec![])];
    let signed = [pair("two", "zero", "x", "q"), weight(), conv(), pair("one", "zero", "c", "r")].concat();
    assert_same("pairs of quantisation", signed, plain());
    let cut = [pair("two", "zero", "x", "q"), weight(), conv(), pair("one", "lowest", "c", "r")].concat();
    assert_same("a ReLU in a quantisation", cut, rectified());

    let mut dynamic = node("DynamicQuantizeLinear", &["x"], "q", vec![]);
    dynamic.output.extend(["s".to_string(), "z".to_string()]);
    let by_integers = vec![
        dynamic,
        node("ConvInteger", &["q", "wu", "z", "centre"], "i", vec![]),
        node("Cast", &["i"], "f", vec![int("to", 1)]),
        node("Mul", &["s", "quarter"], "k", vec![]),
        node("Mul", &["f", "k"], "r", vec![]),
    ];
    assert_same("dynamic quantisation", by_integers, plain());

    let linear = |zero: &str| {
        let inputs = ["q", "two", "centre", "wu", "quarter", "centre", "one", zero];
        vec![
            node("QuantizeLinear", &["x", "two", "centre"], "q", vec![]),
            node("QLinearConv", &inputs, "i", vec![]),
            node("DequantizeLinear", &["i", "one", zero], "r", vec![]),
        ]
    };
    assert_same("QLinearConv", linear("centre"), plain());
    assert_same("QLinearConv with a ReLU", linear("lowest"), rectified());

    let other = [
        vec![node("QuantizeLinear", &["x", "two", "zero"], "q", vec![])],
        vec![node("DequantizeLinear", &["q", "one", "zero"], "r", vec![])],
    ]
    .concat();
    let found = error(file([other, means("r")].concat(), constants())).to_string();
    assert!(found.contains("by another scale"), "{found}");
}
