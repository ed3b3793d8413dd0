//! Checkpoints of every kind that `tools/make_checkpoints.py` made, against the safetensors files beside them.

mod hostile;

use super::*;
use crate::models::weights::{TensorFile, WeightsError};
use std::path::PathBuf;

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoints").join(name)
}

fn open(name: &str) -> TensorFile<'static> {
    TensorFile::open(&sample(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(bytes: &[u8]) -> CheckpointError {
    match TensorFile::parse(bytes, "x").map(|file| file.shapes().len()) {
        Err(WeightsError::Checkpoint { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// Asserts that the tensors of a file, read from disk and from memory, have the bits of those of a safetensors file,
/// and gives its notes.
fn assert_equal(name: &str, expected: &str, prefix: &str) -> Vec<String> {
    let expected = open(expected);
    let bytes = std::fs::read(sample(name)).unwrap();
    for found in [open(name), TensorFile::parse(&bytes, name).unwrap()] {
        let shapes = expected.shapes();
        let prefixed: Vec<(String, &[usize])> =
            shapes.iter().map(|(key, shape)| (format!("{prefix}{key}"), *shape)).collect();
        let own: Vec<(String, &[usize])> =
            found.shapes().iter().map(|(key, shape)| ((*key).to_owned(), *shape)).collect();
        assert_eq!(own, prefixed, "{name}");
        let read = |file: &TensorFile, prefix: &str| {
            let keys = shapes.keys().filter(|key| !key.ends_with("num_batches_tracked"));
            let names: Vec<String> = keys.map(|key| format!("{prefix}{key}")).collect();
            assert_eq!(names.len(), 8, "{name}");
            let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            file.read(&names).unwrap().into_iter().map(bits).collect::<Vec<_>>()
        };
        assert_eq!(read(&found, prefix), read(&expected, ""), "{name}");
    }
    open(name).notes().to_vec()
}

#[test]
fn state_dicts_of_every_kind() {
    for (name, expected, prefix) in [
        ("zip.pth", "plain", ""),
        ("zip64.pth", "plain", ""),
        ("legacy.pth", "plain", ""),
        ("legacy_cuda.pth", "plain", ""),
        ("legacy_module.pth", "plain", "module."),
        ("zip_views.pth", "views", ""),
        ("legacy_views.pth", "views", ""),
        ("zip_f16.pth", "f16", ""),
        ("zip_bf16.pth", "bf16", ""),
        ("zip_f64.pth", "f64", ""),
    ] {
        let notes = assert_equal(name, &format!("{expected}.safetensors"), prefix);
        assert!(notes.is_empty(), "{name}: {notes:?}");
    }
}

#[test]
fn state_dicts_beside_other_things() {
    for (name, place) in [
        ("zip_net.pth", "'net'"),
        ("legacy_optimiser.pth.tar", "'state_dict'"),
        ("legacy_old_tensors.pth", "'state_dict'"),
        ("zip_ema.pth", "'model'; left out: 'model_ema'"),
        ("zip_parameters.pth", "'model.state_dict'"),
    ] {
        let notes = assert_equal(name, "plain.safetensors", "");
        assert_eq!(notes, [format!("the weights are those under {place}")], "{name}");
    }
}

#[test]
fn tensors_of_64_bits_are_counted() {
    let file = open("zip_f64.pth");
    let names: Vec<String> = file.shapes().keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(file.rounded(&names), 8);
    assert_eq!(open("zip_f16.pth").rounded(&names), 0);
}

#[test]
fn what_is_no_state_dict_says_what_to_do() {
    let class = || "networks.Network".to_owned();
    for (name, expected, words) in [
        ("torchscript.pt", CheckpointError::TorchScript, "torch.onnx.export"),
        ("quantised.pth", CheckpointError::Quantised, "before quantisation"),
        ("whole_module.pth", CheckpointError::WholeModule { class: class() }, "torch.save(model.state_dict()"),
        ("whole_module_inside.pth", CheckpointError::WholeModule { class: class() }, "networks.Network"),
        ("list.pth", CheckpointError::NoTensors, "state_dict()"),
        ("two.pth", CheckpointError::Several(vec!["'student'".into(), "'teacher'".into()]), "'student', 'teacher'"),
        ("protocol4.pth", CheckpointError::Opcode { opcode: 0x95, at: 2 }, "pickle_protocol"),
    ] {
        let found = refusal(&std::fs::read(sample(name)).unwrap());
        assert_eq!(found, expected, "{name}");
        assert!(found.to_string().contains(words), "{found}");
    }
}
