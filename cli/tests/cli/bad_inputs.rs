//! Each bad input gives one clear error and exit code 2, and costs nothing that was written before or belongs to
//! another input.

use std::fs;

use crate::support::{Place, npy, of_repository, png_header};

/// Bad pictures by name, with words of their errors.
fn bad_pictures(place: &Place) -> Vec<(&'static str, Vec<&'static str>)> {
    place.photo("whole.png", 60, 50);
    let png = fs::read(place.path("whole.png")).unwrap();
    let jpeg = fs::read(of_repository("samples/panda.jpg")).unwrap();
    fs::remove_file(place.path("whole.png")).unwrap();
    place.write("bad/empty.jpg", b"");
    place.write("bad/text.jpg", b"this is a text, not a photo");
    place.write("bad/cut.png", &png[..png.len() / 2]);
    place.write("bad/cut.jpg", &jpeg[..jpeg.len() / 2]);
    place.write("bad/huge.png", &png_header(30_000, 30_000));
    place.write("bad/none.png", &png_header(0, 0));
    vec![
        ("bad/empty.jpg", vec!["is empty"]),
        ("bad/text.jpg", vec!["is not a picture", "this is a text"]),
        ("bad/cut.png", vec![]),
        ("bad/cut.jpg", vec!["is cut off"]),
        ("bad/huge.png", vec!["too large", "30000 x 30000"]),
        ("bad/none.png", vec![]),
        ("bad/missing.jpg", vec!["check the path"]),
    ]
}

#[test]
fn bad_pictures_alone() {
    let place = Place::new();
    for (name, words) in bad_pictures(&place) {
        let run = place.explain(&[name]).fails(&[&[name][..], &words].concat());
        assert!(run.stdout.is_empty(), "{}", run.stdout);
        place.run(&["predict", "--model", "tiny_vgg", "--weights", "synthetic", name]).fails(&[name]);
    }
}

#[test]
fn bad_pictures_among_good_ones() {
    let place = Place::new();
    place.photo("first.png", 50, 40);
    place.photo("last.png", 64, 64);
    let bad = bad_pictures(&place);
    let mut arguments = vec!["first.png"];
    arguments.extend(bad.iter().map(|(name, _)| *name));
    arguments.extend(["last.png", "--batch", "1", "--class", "3"]);
    let run = place.explain(&arguments);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert_eq!(run.errors().len(), bad.len(), "{}", run.stderr);
    assert_eq!(run.rows().len(), 2, "{}", run.stdout);
    assert_eq!(place.files("out"), ["first.3.overlay.png", "last.3.overlay.png", "report.json"]);
    let report = place.report("out");
    assert_eq!(report["inputs"].as_array().unwrap().len(), 2);
    let failed: Vec<&str> = report["failed"].as_array().unwrap().iter().map(|f| f["input"].as_str().unwrap()).collect();
    for (name, _) in bad {
        assert!(failed.contains(&name), "{name} is missing in {failed:?}");
        assert!(run.errors().iter().any(|error| error.contains(name)), "{name}: {}", run.stderr);
    }
}

#[test]
fn bad_arrays() {
    let place = Place::new();
    let values = vec![0.5; 3 * 32 * 40];
    let mut not_a_number = values.clone();
    not_a_number[7] = f32::NAN;
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("empty.npy", vec![], "empty"),
        ("text.npy", b"no array".to_vec(), "header"),
        ("rank.npy", npy("<f4", &[3, 32, 40], &values), "(N, channels, H, W)"),
        ("channels.npy", npy("<f4", &[1, 1, 32, 120], &values), "3 channels"),
        ("double.npy", npy("<f8", &[1, 3, 32, 20], &values), "<f4"),
        ("cut.npy", npy("<f4", &[2, 3, 32, 40], &values), "bytes"),
        ("none.npy", npy("<f4", &[0, 3, 32, 40], &[]), "no values"),
        ("nan.npy", npy("<f4", &[1, 3, 32, 40], &not_a_number), "NaN"),
    ];
    for (name, bytes, word) in cases {
        place.write(name, &bytes);
        place.explain(&[name]).fails(&[name, word]);
    }
}

#[test]
fn photos_of_one_pixel() {
    let place = Place::new();
    place.photo("dot.png", 1, 1);
    place.explain(&["dot.png", "--save", "npy,overlay,heatmap,panel", "--class", "1"]).succeeds();
    assert!(place.exists("out/dot.1.overlay.png"));
    let tiny = ["explain", "dot.png", "--model", "tiny_vgg", "--weights", "synthetic", "--size", "native"];
    place.run(&tiny).fails(&["dot.png", "larger picture"]);
}

#[test]
fn bad_weights() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    place.write("out/report.json", b"of an earlier run");
    let embedded = fs::read(of_repository("weights/efficientnet_lite0.safetensors")).unwrap();
    place.write("empty.safetensors", b"");
    place.write("text.safetensors", b"no weights in here");
    place.write("cut.safetensors", &embedded[..embedded.len() / 2]);
    place.write("short.safetensors", &embedded[..5]);
    let shape = br#"{"classifier.3.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#;
    let misshapen = [&(shape.len() as u64).to_le_bytes()[..], shape, &[0; 8]].concat();
    place.write("misshapen.safetensors", &misshapen);
    let cases = [
        ("efficientnet_lite0", "empty.safetensors", "is empty"),
        ("efficientnet_lite0", "text.safetensors", "safetensors"),
        ("efficientnet_lite0", "cut.safetensors", "truncated"),
        ("efficientnet_lite0", "short.safetensors", "neither a safetensors file nor a PyTorch checkpoint"),
        ("efficientnet_lite0", "misshapen.safetensors", "does not fit the model"),
        ("tiny_vgg", "misshapen.safetensors", "[2, 1]"),
        ("efficientnet_lite0", "missing.safetensors", "does not exist"),
        ("efficientnet_lite0", "out", "cannot be read"),
    ];
    for (model, weights, word) in cases {
        let run = place.run(&["explain", "x.png", "--model", model, "--weights", weights]);
        run.fails(&[weights, word]);
    }
    let wrong_model = of_repository("weights/efficientnet_lite0.safetensors");
    place.run(&["explain", "x.png", "--model", "vgg11", "--weights", &wrong_model]).fails(&["does not fit the model"]);
    assert_eq!(fs::read(place.path("out/report.json")).unwrap(), b"of an earlier run");
}

#[test]
fn models_without_weights_say_where_to_get_them() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    let words = ["vgg19", "--weights FILE", "timm/vgg19.tv_in1k", "model.safetensors", "--weights synthetic"];
    place.run(&["explain", "x.png", "--model", "vgg19"]).fails(&words);
    place.run(&["predict", "x.png", "--model", "resnet50"]).fails(&["timm/resnet50.tv_in1k"]);
    assert!(!place.path("out").exists());
}

#[test]
fn bad_classes() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    let cases: [(&str, &[&str]); 7] = [
        ("top:65", &["at most 64 classes of one photo", "run again for others"]),
        ("5000", &["5000", "0 to 999"]),
        ("1000", &["0 to 999"]),
        ("panda", &["387", "388", "giant panda"]),
        ("crane", &["134", "517"]),
        ("giant pamda", &["giant pamda", "388"]),
        ("top:1001", &["1000"]),
    ];
    for (class, words) in cases {
        place.run(&["explain", "x.png", "--class", class]).fails(words);
    }
    place.explain(&["x.png", "--class", "10"]).fails(&["0 to 9"]);
    place.explain(&["x.png", "--class", "tabby"]).fails(&["no class is called 'tabby'"]);
    assert!(!place.path("out").exists());
}

#[test]
fn folders_without_pictures() {
    let place = Place::new();
    place.write("notes/readme.txt", b"no picture");
    place.explain(&["notes"]).fails(&["notes", "no pictures"]);
    place.photo("x.png", 40, 40);
    let run = place.explain(&["notes", "x.png", "--class", "2"]).fails(&["notes"]);
    assert_eq!(run.rows().len(), 1);
    assert!(place.exists("out/x.2.overlay.png"));
}

#[test]
fn output_folders_that_cannot_be_written() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    place.write("taken", b"a file");
    place.explain(&["x.png", "--out", "taken"]).fails(&["taken", "--out"]);
    place.explain(&["x.png", "--out", "taken/below"]).fails(&["below", "--out"]);
    assert_eq!(fs::read(place.path("taken")).unwrap(), b"a file");
}

#[test]
fn a_file_that_cannot_be_written_costs_only_its_input() {
    let place = Place::new();
    for name in ["a.png", "b.png", "c.png"] {
        place.photo(name, 40, 40);
    }
    place.write("out/b.4.overlay.png/in_the_way", b"");
    let run = place.explain(&["a.png", "b.png", "c.png", "--class", "4"]).fails(&["b.4.overlay.png"]);
    assert_eq!(run.rows().len(), 2);
    assert!(place.exists("out/a.4.overlay.png") && place.exists("out/c.4.overlay.png"));
    assert_eq!(place.report("out")["failed"][0]["input"], "b.png");
}

#[test]
fn bad_arguments() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    let lines: [&[&str]; 14] = [
        &[],
        &["explain"],
        &["explain", "x.png", "--model", "vgg20"],
        &["explain", "x.png", "--size", "0x32"],
        &["explain", "x.png", "--size", "32"],
        &["explain", "x.png", "--save", "photo"],
        &["explain", "x.png", "--ablate", "no-fx"],
        &["explain", "x.png", "--range", "-1"],
        &["explain", "x.png", "--batch", "0"],
        &["explain", "x.png", "--class", "top:0"],
        &["explain", "x.png", "--class", "-3"],
        &["plan", "--size", "native"],
        &["plan", "--classes", "65"],
        &["verify", "--model", "tiny_vgg", "--batch", "65"],
    ];
    for line in lines {
        let run = place.run(line);
        assert_eq!(run.code, 2, "{line:?}: {}", run.stderr);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{line:?}");
    }
}

#[test]
fn pictures_too_small_for_the_network() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    let arguments = ["explain", "x.png", "--model", "tiny_vgg", "--weights", "synthetic", "--size", "1x1"];
    place.run(&arguments).fails(&["x.png", "--size"]);
}
