//! The corpora of `fuzz/`: every file is read or refused with an error.

#[path = "../fuzz/targets.rs"]
mod targets;

use agf::models::onnx::{Onnx, OnnxOptions};
use agf::models::{Architecture, Model};
use std::path::Path;

/// The content of every file of a folder, by path.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect()
}

/// Files of the repository with which a fuzzer begins besides its corpus.
fn seeds(target: &str) -> &'static [&'static str] {
    match target {
        "checkpoint" => &["tests/checkpoints"],
        "onnx" => &["tests/onnx"],
        "picture" => &["tests/hostile", "tests/image/fixtures", "tests/self_supervised"],
        "rules" => &["src/methods/relevance/presets"],
        _ => &[],
    }
}

#[test]
fn every_input_of_every_fuzzer() {
    for (name, target) in targets::ALL {
        let mut files = files(&format!("fuzz/corpus/{name}"));
        files.extend(seeds(name).iter().flat_map(|folder| self::files(folder)));
        println!("{name}: {} inputs", files.len());
        assert!(files.len() > 4, "{name}");
        for (path, bytes) in files {
            println!("{path}");
            target(&bytes);
        }
    }
}

#[test]
fn files_of_weights() {
    let mut files = [files("fuzz/corpus/checkpoint"), files("tests/checkpoints")].concat();
    files.retain(|(path, _)| !path.ends_with(".md"));
    assert!(files.len() > 30, "{} files", files.len());
    for (path, bytes) in files {
        match Model::parse(Architecture::TinyVgg, &bytes, "input") {
            Ok(_) => assert!(path.ends_with("tiny_vgg.pth"), "{path}"),
            Err(error) => assert!(error.to_string().starts_with("weights file input "), "{path}: {error}"),
        }
    }
}

/// What the fuzzer of networks does with each of them.
#[test]
fn networks() {
    let mut files = [files("fuzz/corpus/onnx"), files("tests/onnx")].concat();
    files.retain(|(path, _)| !path.ends_with(".md") && !path.ends_with(".safetensors"));
    assert!(files.len() > 30, "{} files", files.len());
    let mut whole = 0;
    for (path, bytes) in files {
        let Ok(onnx) = Onnx::parse(bytes, "input", &OnnxOptions::default()) else { continue };
        let [height, width] = onnx.size().map(|side| side.unwrap_or(32).min(512));
        if onnx.build(height, width).is_ok() {
            whole += 1;
            let weights = onnx.weights(height, width, true);
            assert!(weights.is_ok() || path.contains("corpus"), "{path}: {weights:?}");
        }
    }
    assert!(whole > 10, "{whole} networks");
}
