//! Networks from ONNX files through the program.

use crate::support::{Place, of_repository};

fn file(name: &str) -> String {
    of_repository(&format!("tests/onnx/{name}.onnx"))
}

#[test]
fn a_network_is_explained_and_what_was_assumed_is_said() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let model = file("mnasnet0_5_128_op10");
    let arguments = ["explain", "x.png", "--model", &model, "--weights", "synthetic", "--class", "top:2", "--json"];
    let run = place.run(&arguments).succeeds();
    let report = run.json();
    assert_eq!(report["inputs"][0]["maps"].as_array().map(Vec::len), Some(2), "{report}");
    assert!(run.stderr.contains("does not say how pictures are prepared"), "{}", run.stderr);
}

#[test]
fn a_file_without_weights_gets_synthetic_ones() {
    let place = Place::new();
    let model = file("mobilenet_v2_128_op13");
    let arguments = ["verify", "--model", &model, "--weights", "synthetic", "--size", "64x64"];
    place.run(&arguments).succeeds();
}

#[test]
fn everything_that_is_not_supported_is_listed_at_once() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let run = place.run(&["predict", "x.png", "--model", &file("light_squeezenet")]).fails(&["not supported"]);
    assert!(run.stderr.contains("Concat, 8 times"), "{}", run.stderr);
}

#[test]
fn files_that_are_no_networks_say_why() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    place.write("noise.onnx", &[0xff; 100]);
    place.write("empty.onnx", &[]);
    let whole = std::fs::read(file("light_squeezenet")).unwrap();
    place.write("cut.onnx", &whole[..whole.len() / 2]);
    for (name, words) in [
        ("noise.onnx", &["noise.onnx", "no ONNX model"][..]),
        ("empty.onnx", &["empty.onnx", "no graph"]),
        ("cut.onnx", &["cut.onnx", "no ONNX model"]),
        ("missing.onnx", &["cannot read", "missing.onnx"]),
    ] {
        place.run(&["predict", "x.png", "--model", name]).fails(words);
    }
    place.write("w.safetensors", b"");
    place
        .run(&["predict", "x.png", "--model", &file("light_squeezenet"), "--weights", "w.safetensors"])
        .fails(&["own weights"]);
}
