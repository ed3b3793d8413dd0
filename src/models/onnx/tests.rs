//! Files that nobody means well with: each is one error, without a crash and without memory for what it claims.

mod plan;
mod same;

use super::proto::tensor_shape_proto::{Dimension, dimension};
use super::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};
use super::{Onnx, OnnxError, OnnxOptions};
use prost::Message;
use std::path::Path;

fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |&size: &i64| Dimension { value: Some(dimension::Value::DimValue(size)), ..Default::default() };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor = type_proto::Tensor { elem_type: Some(1), shape };
    let r#type = Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() });
    ValueInfoProto { name: Some(name.into()), r#type, ..Default::default() }
}

fn integers(name: &str, values: &[i64]) -> TensorProto {
    let (dims, int64_data) = (vec![values.len() as i64], values.to_vec());
    TensorProto { name: Some(name.into()), dims, data_type: Some(7), int64_data, ..Default::default() }
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let (dims, float_data) = (dims.to_vec(), values.to_vec());
    TensorProto { name: Some(name.into()), dims, data_type: Some(1), float_data, ..Default::default() }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { name: Some(name.into()), ints: ints.to_vec(), ..Default::default() }
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: Some(name.into()), i: Some(i), ..Default::default() }
}

fn node(op: &str, input: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    let input = input.iter().map(ToString::to_string).collect();
    NodeProto { op_type: Some(op.into()), input, output: vec![output.into()], attribute, ..Default::default() }
}

/// A file of the picture `x`, (1, 3, 8, 6), and the output `y`.
fn file(node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> Vec<u8> {
    let (input, output) = (vec![value("x", &[1, 3, 8, 6])], vec![value("y", &[])]);
    let graph = GraphProto { node, initializer, input, output, ..Default::default() };
    let opset_import = vec![OperatorSetIdProto { version: Some(17), ..Default::default() }];
    ModelProto { graph: Some(graph), opset_import, ..Default::default() }.encode_to_vec()
}

/// The error of reading a file, building its graph and making its weights up.
fn error(bytes: Vec<u8>) -> OnnxError {
    let read = || {
        let onnx = Onnx::parse(bytes, "test.onnx", &OnnxOptions::default())?;
        onnx.build(8, 6)?;
        onnx.weights(8, 6, true).map(drop)
    };
    read().expect_err("an error")
}

#[test]
fn nesting_has_a_limit() {
    let mut graph = GraphProto::default().encode_to_vec();
    // One message in the other: a graph's node, its attribute, a graph.
    for _ in 0..20_000 {
        for tag in [6_u8, 5, 1] {
            let mut outer = vec![(tag << 3) | 2];
            prost::encoding::encode_varint(graph.len() as u64, &mut outer);
            outer.extend(graph.iter().take(60_000));
            graph = outer;
        }
        if graph.len() > 60_000 {
            break;
        }
    }
    let mut model = vec![(7 << 3) | 2];
    prost::encoding::encode_varint(graph.len() as u64, &mut model);
    model.extend(graph);
    let found = error(model);
    assert!(matches!(found, OnnxError::Format { .. }), "{found}");
}

#[test]
fn lengths_beyond_the_file() {
    let whole = file(vec![node("Flatten", &["x"], "y", vec![])], vec![]);
    for cut in 0..whole.len() {
        // A cut file may still be a whole one that is not the same; none may crash.
        let _ = Onnx::parse(whole[..cut].to_vec(), "test.onnx", &OnnxOptions::default());
    }
    let mut bytes = vec![(7 << 3) | 2];
    prost::encoding::encode_varint(1 << 60, &mut bytes);
    bytes.extend([0; 16]);
    assert!(matches!(error(bytes), OnnxError::Format { .. }));
}

#[test]
fn tensors_that_are_not_there() {
    let conv = || node("Conv", &["x", "w"], "y", vec![]);
    let raw =
        |dims: &[i64], bytes: usize| TensorProto { raw_data: Some(vec![0; bytes].into()), ..floats("w", dims, &[]) };
    for tensor in [
        raw(&[1 << 40], 4),
        raw(&[1 << 32, 1 << 32, 1, 1], 0),
        raw(&[-1, 3, 1, 1], 12),
        raw(&[2, 3, 1, 1], 23),
        TensorProto { data_type: Some(8), ..floats("w", &[1], &[]) },
        TensorProto { data_type: Some(99), ..floats("w", &[1], &[]) },
    ] {
        let found = error(file(vec![conv()], vec![tensor]));
        assert!(matches!(found, OnnxError::Tensor { .. }), "{found}");
    }
}

#[test]
fn external_data_stays_in_the_models_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("models");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(folder.path().join("secret"), [0; 64]).unwrap();
    std::fs::write(inner.join("short"), [0; 8]).unwrap();
    let entry = |key: &str, value: &str| StringStringEntryProto { key: Some(key.into()), value: Some(value.into()) };
    let read = |entries: Vec<StringStringEntryProto>| {
        let tensor = TensorProto { external_data: entries, data_location: Some(1), ..floats("w", &[1, 3, 1, 1], &[]) };
        let path = inner.join("test.onnx");
        std::fs::write(&path, file(vec![node("Conv", &["x", "w"], "y", vec![])], vec![tensor])).unwrap();
        Onnx::open(Path::new(&path), &OnnxOptions::default()).expect_err("an error").to_string()
    };
    for (location, words) in [
        ("../secret", "not in the model's folder"),
        ("/etc/passwd", "not in the model's folder"),
        ("missing", "cannot be read"),
        ("short", "12"),
    ] {
        let found = read(vec![entry("location", location), entry("length", "12")]);
        assert!(found.contains(words), "{location}: {found}");
    }
    assert!(read(vec![]).contains("without a location"));
    let beyond = vec![entry("location", "short"), entry("offset", "18446744073709551615"), entry("length", "4")];
    assert!(read(beyond).contains("bytes, but the file has 8"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path().join("secret"), inner.join("link")).unwrap();
        assert!(read(vec![entry("location", "link")]).contains("leads out"));
    }
}

#[test]
fn cycles_and_names_that_nothing_makes() {
    let cycle = vec![node("Add", &["x", "b"], "a", vec![]), node("Relu", &["a"], "b", vec![])];
    let behind = [cycle, vec![node("Flatten", &["b"], "y", vec![])]].concat();
    assert!(error(file(behind, vec![])).to_string().contains("reads 'b', which nothing before it makes"));
    let own = vec![node("Add", &["x", "y"], "y", vec![])];
    assert!(error(file(own, vec![])).to_string().contains("nothing before it makes"));
}

/// Shapes that would fill any memory, made by nodes.
#[test]
fn shape_bombs() {
    const HUGE: i64 = 1 << 40;
    let made = |dims: &[i64], rest: Vec<NodeProto>| {
        let nodes = [vec![node("ConstantOfShape", &["dims"], "c", vec![])], rest].concat();
        file(nodes, vec![integers("dims", dims), integers("step", &[1])])
    };
    let conv = |weight: &str| node("Conv", &["x", weight], "y", vec![]);
    let bombs = [
        made(&[HUGE, 3, 1, 1], vec![conv("c")]),
        made(&[1 << 30, 3, 1, 1], vec![conv("c")]),
        made(&[HUGE], vec![node("Expand", &["step", "dims"], "e", vec![]), node("Mul", &["x", "e"], "y", vec![])]),
        made(&[HUGE], vec![node("Tile", &["step", "dims"], "e", vec![]), node("Mul", &["x", "e"], "y", vec![])]),
        made(&[4], vec![node("Gemm", &["x", "c"], "y", vec![])]),
        file(
            vec![node("Range", &["a", "b", "c"], "r", vec![]), node("Add", &["x", "r"], "y", vec![])],
            vec![integers("a", &[0]), integers("b", &[i64::MAX]), integers("c", &[1])],
        ),
        file(
            vec![node("Pad", &["x", "p"], "y", vec![])],
            vec![integers("p", &[0, 0, 1 << 31, 1 << 31, 0, 0, 1 << 31, 1 << 31])],
        ),
        file(
            vec![node("Pad", &["x", "p"], "q", vec![]), node("Relu", &["q"], "y", vec![])],
            vec![integers("p", &[0, 0, 1 << 30, 1 << 30, 0, 0, 1 << 30, 1 << 30])],
        ),
        file(vec![node("Pad", &["x", "p"], "y", vec![])], vec![integers("p", &[0, i64::MAX, 0, 0, 0, 0, 0, 0])]),
    ];
    for (index, bomb) in bombs.into_iter().enumerate() {
        let found = error(bomb).to_string();
        assert!(!found.is_empty(), "bomb {index}");
    }
}

/// Many constants, none too large alone, made of next to nothing.
#[test]
fn constants_that_are_too_many() {
    const COUNT: i64 = 1 << 20;
    let range = |index: usize| node("Range", &["zero", "count", "one"], &format!("r{index}"), vec![]);
    let sum = |index: usize| node("ReduceSum", &["filled"], &format!("s{index}"), vec![]);
    let filled = || node("ConstantOfShape", &["count"], "filled", vec![]);
    let last = |name: &str| node("Flatten", &[name], "y", vec![int("axis", 1)]);
    let tensors = || vec![integers("zero", &[0]), integers("count", &[COUNT]), integers("one", &[1])];
    let used = |name: &str, count: usize| {
        let adds = (0..count).map(|index| {
            let before = if index == 0 { "x".into() } else { format!("a{}", index - 1) };
            node("Add", &[&before, &format!("{name}{index}")], &format!("a{index}"), vec![])
        });
        adds.collect::<Vec<_>>()
    };
    for (nodes, name) in [((0..100).map(range).collect::<Vec<_>>(), "r"), ((0..100).map(sum).collect(), "s")] {
        let nodes = [vec![filled()], nodes, used(name, 100), vec![last("a99")]].concat();
        let found = error(file(nodes, tensors())).to_string();
        assert!(found.contains("more constants than any network needs"), "{found}");
    }
    // A few are fine: that sum alone is what does not fit the picture.
    let nodes = vec![filled(), sum(0), node("Add", &["x", "s0"], "a", vec![]), last("a")];
    let found = Onnx::parse(file(nodes, tensors()), "test.onnx", &OnnxOptions::default()).unwrap().build(8, 6);
    assert!(!format!("{found:?}").contains("more constants"), "{found:?}");
}

/// A file that gives weights no more than shapes has as many as it likes only where they are to be made up.
#[test]
fn weights_that_are_only_shapes() {
    let nodes = vec![
        node("ConstantOfShape", &["dims"], "w", vec![]),
        node("Conv", &["x", "w"], "c", vec![]),
        node("GlobalAveragePool", &["c"], "y", vec![]),
    ];
    let onnx = |outputs: i64| {
        let bytes = file(nodes.clone(), vec![integers("dims", &[outputs, 3, 3, 3])]);
        Onnx::parse(bytes, "test.onnx", &OnnxOptions::default()).unwrap()
    };
    assert!(onnx(10).weights(8, 6, false).is_ok());
    let found = onnx(200_000).weights(8, 6, false).unwrap_err().to_string();
    assert!(found.contains("5400000 weights") && found.contains("synthetic"), "{found}");
    assert!(onnx(200_000).weights(8, 6, true).is_ok());
}

/// Nodes whose attributes contradict themselves or their inputs.
#[test]
fn nodes_that_make_no_sense() {
    let weight = || floats("w", &[2, 3, 1, 1], &[0.5; 6]);
    let nodes = [
        node("Conv", &["x"], "y", vec![]),
        node("Conv", &[], "y", vec![]),
        node("Conv", &["x", "w"], "y", vec![int("group", 0)]),
        node("Conv", &["x", "w"], "y", vec![int("group", -3)]),
        node("Conv", &["x", "w"], "y", vec![ints("strides", &[0, 1])]),
        node("Conv", &["x", "w"], "y", vec![ints("dilations", &[0, 0]), ints("strides", &[-1, 1])]),
        node("Conv", &["x", "w"], "y", vec![ints("pads", &[1, 1])]),
        node("MaxPool", &["x"], "y", vec![ints("kernel_shape", &[0, 3])]),
        node("MaxPool", &["x"], "y", vec![ints("kernel_shape", &[3])]),
        node("AveragePool", &["x"], "y", vec![ints("kernel_shape", &[1 << 31, 1 << 31]), ints("pads", &[1 << 31; 4])]),
        node(
            "AveragePool",
            &["x"],
            "y",
            vec![ints("kernel_shape", &[1 << 20, 1 << 20]), ints("pads", &[1 << 20; 4]), int("ceil_mode", 1)],
        ),
        node("Reshape", &["x", "i"], "y", vec![]),
        node("Transpose", &["x"], "y", vec![ints("perm", &[0, 1, 1, 7])]),
        node("Transpose", &["x"], "y", vec![ints("perm", &[])]),
        node("Squeeze", &["x", "i"], "y", vec![]),
        node("Unsqueeze", &["x", "i"], "y", vec![]),
        node("Slice", &["x", "i", "i"], "y", vec![]),
        node("Slice", &["x", "i", "i", "i", "zero"], "y", vec![]),
        node("Split", &["x", "i"], "y", vec![int("axis", 1)]),
        node("Split", &["x"], "y", vec![int("axis", i64::MIN)]),
        node("Gather", &["x", "i"], "y", vec![int("axis", 1)]),
        node("Concat", &["x", "x"], "y", vec![int("axis", 9)]),
        node("Concat", &[], "y", vec![]),
        node("Flatten", &["x"], "y", vec![int("axis", i64::MIN)]),
        node("Clip", &["x", "nan", "nan"], "y", vec![]),
        node("BatchNormalization", &["x"], "y", vec![]),
        node("LRN", &["x"], "y", vec![int("size", -1)]),
        node("PRelu", &["x"], "y", vec![]),
        node("ReduceMean", &["x"], "y", vec![ints("axes", &[1])]),
        node("ReduceMean", &["x"], "y", vec![ints("axes", &[99])]),
        node("QLinearConv", &["x", "w"], "y", vec![]),
        node("ConvInteger", &["x", "w"], "y", vec![]),
        node("Add", &["x"], "z", vec![]),
        node("Mul", &["x", "x", "x"], "y", vec![]),
        node("Loop", &["x"], "y", vec![]),
        node("", &["x"], "y", vec![]),
        NodeProto::default(),
    ];
    let constants = || {
        vec![
            weight(),
            integers("i", &[-7, i64::MAX, i64::MIN, 0, 3]),
            integers("zero", &[0; 5]),
            floats("nan", &[], &[f32::NAN]),
        ]
    };
    for node in nodes {
        let what = format!("{node:?}");
        let found = error(file(vec![node], constants())).to_string();
        assert!(!found.is_empty(), "{what}");
    }
}

/// What is computed otherwise in training, and outputs that have no counterpart here.
#[test]
fn nodes_that_are_not_taken() {
    let normalization = ["x", "s", "s", "s", "s"];
    let further = |op: &str, attributes| NodeProto {
        output: vec!["z".into(), "further".into()],
        ..node(op, &["x"], "", attributes)
    };
    let read = || node("Add", &["z", "further"], "y", vec![]);
    for (nodes, words) in [
        (vec![node("BatchNormalization", &normalization, "y", vec![int("training_mode", 1)])], "as in training"),
        (vec![node("Dropout", &["x", "half", "on"], "y", vec![])], "as in training"),
        (
            vec![node("Dropout", &["half", "half", "on"], "z", vec![]), node("Mul", &["x", "z"], "y", vec![])],
            "constants",
        ),
        (vec![further("Dropout", vec![]), read()], "whose further outputs are read"),
        (vec![further("MaxPool", vec![ints("kernel_shape", &[2, 2])]), read()], "whose further outputs are read"),
    ] {
        let constants = vec![floats("s", &[3], &[1.0; 3]), floats("half", &[], &[0.5]), integers("on", &[1])];
        let found = error(file(nodes, constants));
        assert!(matches!(found, OnnxError::Unsupported(_)) && found.to_string().contains(words), "{found}");
    }
}
