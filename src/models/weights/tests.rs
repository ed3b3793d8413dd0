//! Loading, checking and refusing weights. Files are made from small lists of parameters with random values.

mod loading;
mod refusals;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, TensorView};

use super::*;
use crate::graph::parameter::ParameterKind;
use crate::random::{philox, seed::seed};

/// A tensor to write: name, shape, element type, little-endian bytes.
type Stored = (String, Vec<usize>, Dtype, Vec<u8>);

/// A small VGG-like list.
fn vgg_parameters() -> Vec<Parameter> {
    [
        ("features.0.weight", vec![4, 3, 3, 3], ParameterKind::Weight),
        ("features.0.bias", vec![4], ParameterKind::Bias),
        ("classifier.0.weight", vec![6, 36], ParameterKind::Weight),
        ("classifier.0.bias", vec![6], ParameterKind::Bias),
        ("classifier.3.weight", vec![6, 6], ParameterKind::Weight),
        ("classifier.3.bias", vec![6], ParameterKind::Bias),
        ("classifier.6.weight", vec![5, 6], ParameterKind::Weight),
        ("classifier.6.bias", vec![5], ParameterKind::Bias),
    ]
    .into_iter()
    .map(|(name, shape, kind)| Parameter::new(name, &shape, kind))
    .collect()
}

/// Values in [-2, 2), others for every number of them.
fn random_values(count: usize) -> Vec<f32> {
    let (seed, count) = (seed(), count as u32);
    let word = |index| philox([index, count, 0, 3], [seed as u32, (seed >> 32) as u32])[0];
    (0..count).map(|index| (word(index) >> 8) as f32 / (1 << 22) as f32 - 2.0).collect()
}

/// `values` as bytes of type F32, F16 or BF16.
fn encode(values: &[f32], element_type: Dtype) -> Vec<u8> {
    let encode_one = |value: &f32| match element_type {
        Dtype::F32 => value.to_le_bytes().to_vec(),
        Dtype::F16 => f16::from_f32(*value).to_le_bytes().to_vec(),
        Dtype::BF16 => bf16::from_f32(*value).to_le_bytes().to_vec(),
        other => panic!("no encoding for {other}"),
    };
    values.iter().flat_map(encode_one).collect()
}

/// Random F32 contents for `parameters`: what to store, and the values.
fn random_file(parameters: &[Parameter]) -> (Vec<Stored>, Vec<Vec<f32>>) {
    parameters
        .iter()
        .map(|parameter| {
            let values = random_values(parameter.element_count());
            let bytes = encode(&values, Dtype::F32);
            let (name, shape) = (parameter.name.clone(), parameter.shape.clone());
            ((name, shape, Dtype::F32, bytes), values)
        })
        .unzip()
}

/// The bytes of a safetensors file.
fn serialize(stored: &[Stored]) -> Vec<u8> {
    let views = stored.iter().map(|(name, shape, element_type, bytes)| {
        let view = TensorView::new(*element_type, shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    safetensors::serialize(views, None).unwrap()
}

/// Writes `bytes` to a file of a new folder; the folder goes when dropped.
fn write(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Loads a file whose tensors have exactly the names of `parameters`.
fn load(file: TensorFile, parameters: &[Parameter]) -> Result<Weights, WeightsError> {
    let wanted = Wanted { parameters, head: None, namings: &[] };
    let fit = fit::find(&file.shapes(), &wanted, file.name())?;
    Weights::read(&file, &fit)
}

fn open(path: &std::path::Path, parameters: &[Parameter]) -> Result<Weights, WeightsError> {
    load(TensorFile::open(path)?, parameters)
}

fn parse(bytes: &[u8], name: &str, parameters: &[Parameter]) -> Result<Weights, WeightsError> {
    load(TensorFile::parse(bytes, name)?, parameters)
}

/// Asserts that the weights hold `expected` within `tolerance`.
fn assert_values(weights: &Weights, parameters: &[Parameter], expected: &[Vec<f32>], tolerance: f32) {
    assert_eq!(weights.len(), parameters.len());
    for (parameter, expected) in parameters.iter().zip(expected) {
        let tensor = weights.get(&parameter.name).unwrap();
        assert_eq!(tensor.shape(), parameter.shape, "{}", parameter.name);
        assert_eq!(tensor.data().len(), expected.len(), "{}", parameter.name);
        for (index, (found, expected)) in tensor.data().iter().zip(expected).enumerate() {
            let difference = (found - expected).abs();
            assert!(difference <= tolerance, "{}[{index}]: {found} for {expected}", parameter.name);
        }
    }
}
