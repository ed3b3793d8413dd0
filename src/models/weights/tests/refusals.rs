//! Files and tensors that must be refused, each with its own error.

use super::*;

/// The error of opening a file with these bytes, and its message.
fn refused(bytes: &[u8], parameters: &[Parameter]) -> (WeightsError, String) {
    let (_folder, path) = write(bytes);
    let error = open(&path, parameters).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(&path.display().to_string()), "{message}");
    let parsed = parse(bytes, "built in", parameters).unwrap_err();
    assert_eq!(parsed.to_string().replace("built in", ""), message.replace(&path.display().to_string(), ""));
    (error, message)
}

fn valid_file() -> Vec<u8> {
    serialize(&random_file(&vgg_parameters()).0)
}

#[test]
fn an_absent_file_or_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent.safetensors");
    let error = open(&absent, &[]).unwrap_err();
    assert!(matches!(error, WeightsError::NotFound { .. }), "{error}");
    assert!(error.to_string().contains("absent.safetensors does not exist"));
    let error = open(folder.path(), &[]).unwrap_err();
    assert!(matches!(error, WeightsError::Read { .. }), "{error}");
}

#[test]
fn an_empty_file_and_a_pointer() {
    let (error, _) = refused(b"", &[]);
    assert!(matches!(error, WeightsError::Empty { .. }), "{error}");
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
    let (error, message) = refused(pointer, &[]);
    assert!(matches!(error, WeightsError::LfsPointer { .. }), "{error}");
    assert!(message.contains("git lfs pull"), "{message}");
}

#[test]
fn files_of_other_kinds() {
    let padded = |start: &[u8]| {
        let mut bytes = start.to_vec();
        bytes.resize(2000, 0x5A);
        bytes
    };
    for (start, expected, hint) in [
        (&b"\x89HDF\r\n\x1a\n"[..], FileKind::Hdf5, "HDF5"),
        (b"\x08\x07\x12\x07pytorch", FileKind::Onnx, "ONNX"),
        (b"\n<!DOCTYPE html>", FileKind::Html, "web page"),
        (b"<html><head>", FileKind::Html, "web page"),
        (b"GGUF\x03\0\0\0", FileKind::Gguf, "GGUF"),
        (b"\x93NUMPY\x01\x00", FileKind::Other("\\x93NUMPY\\x01\\x00".to_string()), "NUMPY"),
    ] {
        let (error, message) = refused(&padded(start), &[]);
        assert!(message.contains(hint), "{message}");
        match error {
            WeightsError::OtherKind { kind, .. } => assert_eq!(kind, expected),
            other => panic!("{other:?} for {expected:?}"),
        }
    }
    for short in [&b"abc"[..], &[0; 8], &[0; 100]] {
        let (error, _) = refused(short, &[]);
        assert!(matches!(error, WeightsError::OtherKind { .. }), "{error:?}");
    }
}

#[test]
fn a_file_cut_at_any_place() {
    let bytes = valid_file();
    for length in 9..bytes.len() {
        match parse(&bytes[..length], "cut", &vgg_parameters()) {
            Err(WeightsError::Truncated { needed, found, .. }) => {
                assert!(needed > found && found == length as u64);
            }
            other => panic!("{other:?} at {length}"),
        }
    }
    let (error, message) = refused(&bytes[..bytes.len() - 1], &vgg_parameters());
    let WeightsError::Truncated { needed, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(needed, bytes.len() as u64);
    assert!(message.contains("truncated"), "{message}");
}

#[test]
fn a_file_that_is_too_long() {
    let mut bytes = valid_file();
    let length = bytes.len() as u64;
    bytes.push(0);
    match refused(&bytes, &vgg_parameters()).0 {
        WeightsError::TrailingBytes { needed, found, .. } => {
            assert_eq!((needed, found), (length, length + 1));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn damaged_headers() {
    let valid = valid_file();
    let mut absurd = valid.clone();
    absurd[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let (error, message) = refused(&absurd, &vgg_parameters());
    assert!(matches!(error, WeightsError::HeaderLength { length: u64::MAX, .. }));
    assert!(message.contains("18446744073709551615"), "{message}");

    let header = |text: &str, data: usize| {
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend(text.bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    };
    for (text, data) in [
        ("{\"a\": oops}", 4),
        ("{", 0),
        ("[]", 4),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4),
        (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8),
        (r#"{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}"#, 4),
        (r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,4]}}"#, 4),
    ] {
        let (error, _) = refused(&header(text, data), &[]);
        assert!(matches!(error, WeightsError::CorruptHeader { .. }), "{text}: {error:?}");
    }
    let far = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}"#;
    let (error, _) = refused(&header(far, 4), &[]);
    assert!(matches!(error, WeightsError::Truncated { .. }), "{error:?}");
}

#[test]
fn a_huge_sparse_file_is_refused_by_its_header() {
    let (_folder, path) = write(&valid_file());
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    let error = open(&path, &vgg_parameters()).unwrap_err();
    assert!(matches!(error, WeightsError::TrailingBytes { found: 0x100_0000_0000, .. }), "{error}");
}

#[test]
fn everything_that_does_not_match_is_listed_at_once() {
    let (mut stored, _) = random_file(&vgg_parameters());
    stored[0].0 = "features.9.weight".to_string();
    stored[7].0 = "extra.bias".to_string();
    stored[4].1 = vec![4, 9];
    stored[2].1 = vec![6, 36, 1];
    let (error, message) = refused(&serialize(&stored), &vgg_parameters());
    let WeightsError::Mismatch { missing, unexpected, misshapen, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(missing, ["features.0.weight", "classifier.6.bias"]);
    assert_eq!(unexpected, ["extra.bias", "features.9.weight"]);
    let shape = |name: &str, found: &[usize], expected: &[usize]| ShapeMismatch {
        name: name.to_string(),
        found: found.to_vec(),
        expected: expected.to_vec(),
    };
    assert_eq!(
        misshapen,
        [shape("classifier.0.weight", &[6, 36, 1], &[6, 36]), shape("classifier.3.weight", &[4, 9], &[6, 6]),]
    );
    assert!(message.contains("2 missing (features.0.weight, classifier.6.bias)"), "{message}");
    assert!(message.contains("classifier.3.weight is [4, 9] instead of [6, 6]"), "{message}");
}

#[test]
fn long_lists_are_shortened_in_the_message_only() {
    let parameters: Vec<Parameter> =
        (0..40).map(|index| Parameter::new(format!("layer{index}.bias"), &[2], ParameterKind::Bias)).collect();
    let (error, message) = refused(&serialize(&random_file(&parameters[..1]).0), &parameters);
    let WeightsError::Mismatch { missing, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(missing.len(), 39);
    assert!(message.contains("39 missing"), "{message}");
    assert!(message.contains("layer12.bias and 27 more"), "{message}");
    assert!(!message.contains("layer13.bias"), "{message}");
    assert!(!message.contains("unexpected"), "{message}");
}

#[test]
fn unsupported_element_types() {
    let (mut stored, _) = random_file(&vgg_parameters());
    stored[1].2 = Dtype::I32;
    stored[3].2 = Dtype::U32;
    let (error, message) = refused(&serialize(&stored), &vgg_parameters());
    let WeightsError::ElementType { tensors, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(tensors.len(), 2);
    assert!(message.contains("features.0.bias is I32, classifier.0.bias is U32"), "{message}");
}

/// One parameter of each kind.
fn one_of_each_kind() -> [Parameter; 6] {
    [
        Parameter::new("fc.weight", &[2, 40_000], ParameterKind::Weight),
        Parameter::new("fc.bias", &[2], ParameterKind::Bias),
        Parameter::new("bn.weight", &[2], ParameterKind::BatchNormScale),
        Parameter::new("bn.bias", &[2], ParameterKind::BatchNormShift),
        Parameter::new("bn.running_mean", &[2], ParameterKind::BatchNormMean),
        Parameter::new("bn.running_var", &[2], ParameterKind::BatchNormVariance),
    ]
}

#[test]
fn values_that_are_not_finite() {
    let parameters = one_of_each_kind();
    let (mut stored, mut values) = random_file(&parameters);
    values[0][70_001] = f32::NAN;
    values[0][79_999] = f32::INFINITY;
    for (stored, values) in stored.iter_mut().zip(&mut values).skip(1) {
        values[1] = f32::NEG_INFINITY;
        values[0] = 1.0;
        stored.2 = Dtype::F16;
        stored.3 = encode(values, Dtype::F16);
    }
    stored[0].3 = encode(&values[0], Dtype::F32);
    let (error, message) = refused(&serialize(&stored), &parameters);
    let WeightsError::Impossible { tensors, .. } = error else {
        panic!("{error}");
    };
    let found: Vec<(&str, usize, usize)> =
        tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.first_index, tensor.count)).collect();
    let others = parameters[1..].iter().map(|parameter| (parameter.name.as_str(), 1, 1));
    assert_eq!(found, [("fc.weight", 70_001, 2)].into_iter().chain(others).collect::<Vec<_>>());
    assert!(tensors.iter().all(|tensor| tensor.problem == Problem::NotFinite));
    assert!(message.contains("fc.weight is NaN or infinite in 2 places, the first at 70001 (NaN)"), "{message}");
}

#[test]
fn a_negative_variance_and_nothing_else_that_is_negative() {
    let parameters = one_of_each_kind();
    let (mut stored, values) = random_file(&parameters);
    let with_variance = |stored: &mut Vec<Stored>, variance: [f32; 2]| {
        stored[5].3 = encode(&variance, Dtype::F32);
        serialize(stored)
    };
    for (stored, values) in stored.iter_mut().zip(&values) {
        stored.3 = encode(&values.iter().map(|value| -value.abs()).collect::<Vec<_>>(), Dtype::F32);
    }
    assert!(parse(&with_variance(&mut stored, [0.0, -0.0]), "built in", &parameters).is_ok());
    let (error, message) = refused(&with_variance(&mut stored, [0.5, -1e-30]), &parameters);
    let WeightsError::Impossible { tensors, .. } = error else {
        panic!("{error}");
    };
    let tensor = &tensors[0];
    assert_eq!((tensors.len(), tensor.problem, tensor.first_index), (1, Problem::NegativeVariance, 1));
    assert!(message.contains("bn.running_var is negative, though it is a variance, in 1 place"), "{message}");
    assert!(message.contains("-0.000"), "{message}");
}

#[test]
fn tensors_in_memory() {
    let error = Tensor::new(&[2, 3], vec![0.0; 5]).unwrap_err();
    assert!(matches!(error, WeightsError::TensorLength { found: 5, .. }), "{error}");
    assert!(Tensor::new(&[usize::MAX, 2], vec![]).is_err());

    let parameters = [Parameter::new("fc.bias", &[2], ParameterKind::Bias)];
    let load = |name: &str, shape: &[usize], values: Vec<f32>| {
        let tensor = Tensor::new(shape, values).unwrap();
        Weights::from_tensors(HashMap::from([(name.to_string(), tensor)]), &parameters)
    };
    for (name, shape) in [("fc.biases", vec![2]), ("fc.bias", vec![1, 2])] {
        let error = load(name, &shape, vec![0.0; 2]).unwrap_err();
        assert!(matches!(error, WeightsError::Mismatch { .. }), "{error}");
    }
    let error = load("fc.bias", &[2], vec![0.0, f32::NAN]).unwrap_err();
    assert!(matches!(error, WeightsError::Impossible { .. }), "{error}");
}
