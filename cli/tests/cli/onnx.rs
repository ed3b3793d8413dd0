//! Networks from ONNX files through the program.

use crate::support::{Place, npy, of_repository};

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
    // The names of operations lie in the file as they are.
    let text = std::fs::read(file("light_squeezenet")).unwrap();
    let replaced = |text: &[u8], from: &[u8], to: &[u8]| -> Vec<u8> {
        let at = |index: usize| text[index..].starts_with(from);
        let mut result = text.to_vec();
        (0..text.len()).filter(|&index| at(index)).for_each(|index| result[index..][..to.len()].copy_from_slice(to));
        result
    };
    let odd = replaced(&replaced(&text, b"Concat", b"Einsum"), b"MaxPool", b"LpPoolX");
    place.write("odd.onnx", &odd);
    let run = place.run(&["predict", "x.png", "--model", "odd.onnx"]).fails(&["not supported"]);
    for words in ["Einsum, 8 times", "LpPoolX, 3 times"] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
}

#[test]
fn grey_networks_and_single_outputs() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let model = file("grey_two_outputs");
    place.run(&["predict", "x.png", "--model", &model]).fails(&["several outputs", "'probability'", "--output"]);
    place.run(&["predict", "x.png", "--model", &model, "--output", "y"]).fails(&["no output 'y'", "'other'"]);
    let run = place.run(&["predict", "x.png", "--model", &model, "--output", "probability", "--json"]).succeeds();
    let top = &run.json()["inputs"][0]["top"];
    assert_eq!(top.as_array().map(Vec::len), Some(2), "{top}");
    let arguments = ["explain", "x.png", "--model", &model, "--output", "other", "--class", "top:3", "--json"];
    let run = place.run(&arguments).succeeds();
    assert_eq!(run.json()["model"]["preprocessing"]["order"], "grey");
    place.run(&["verify", "--model", &model, "--output", "probability", "--size", "28x28"]).succeeds();
    place.write("one.npy", &npy("<f4", &[2, 1, 28, 28], &vec![0.5; 2 * 28 * 28]));
    place.write("three.npy", &npy("<f4", &[1, 3, 28, 28], &vec![0.5; 3 * 28 * 28]));
    place.run(&["predict", "one.npy", "--model", &model, "--output", "other"]).succeeds();
    place.run(&["predict", "three.npy", "--model", &model, "--output", "other"]).fails(&["for 1 channel each"]);
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
