//! Files of weights whose tensors have other names than the network's own.

use std::fs;

use crate::support::{Place, npy, of_repository};

/// The embedded network's file with other names.
fn renamed(rename: impl Fn(&str) -> String) -> Vec<u8> {
    let bytes = fs::read(of_repository("weights/efficientnet_lite0.safetensors")).unwrap();
    let (length, rest) = bytes.split_at(8);
    let (header, data) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
    let header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(header).unwrap();
    let tensors = header.into_iter().filter(|(name, _)| name != "__metadata__");
    let header: serde_json::Map<_, _> = tensors.map(|(name, info)| (rename(&name), info)).collect();
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes()[..], &header, data].concat()
}

/// timm's name of a tensor, written down from its `tf_efficientnet_lite0`.
fn timm(name: &str) -> String {
    let (layer, tensor) = name.rsplit_once('.').unwrap();
    let blocks = [1, 2, 2, 3, 3, 4, 1];
    let outer = [
        ("_conv_stem", "conv_stem"),
        ("_bn0", "bn1"),
        ("_conv_head", "conv_head"),
        ("_bn1", "bn2"),
        ("_fc", "classifier"),
    ];
    let Some(block) = layer.strip_prefix("_blocks.") else {
        let (_, layer) = outer.into_iter().find(|(ours, _)| *ours == layer).unwrap();
        return format!("{layer}.{tensor}");
    };
    let (index, layer) = block.split_once('.').unwrap();
    let (mut stage, mut index) = (0, index.parse::<usize>().unwrap());
    while index >= blocks[stage] {
        index -= blocks[stage];
        stage += 1;
    }
    let first = [("_depthwise_conv", "conv_dw"), ("_bn1", "bn1"), ("_project_conv", "conv_pw"), ("_bn2", "bn2")];
    let later = [
        ("_expand_conv", "conv_pw"),
        ("_bn0", "bn1"),
        ("_depthwise_conv", "conv_dw"),
        ("_bn1", "bn2"),
        ("_project_conv", "conv_pwl"),
        ("_bn2", "bn3"),
    ];
    let names = if stage == 0 { &first[..] } else { &later[..] };
    let (_, layer) = names.iter().find(|(ours, _)| *ours == layer).unwrap();
    format!("blocks.{stage}.{index}.{layer}.{tensor}")
}

#[test]
fn other_names_give_the_same_answer_and_a_note() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let predict = ["predict", "x.png", "--json", "--size", "64x64"];
    let embedded = place.run(&predict).succeeds().json();
    assert_eq!(embedded["model"]["notes"], serde_json::json!([]));
    place.write("timm.safetensors", &renamed(timm));
    place.write(
        "wrapped.safetensors",
        &renamed(|name| match name.strip_prefix("_fc.") {
            Some(tensor) => format!("module.head.1.{tensor}"),
            None => format!("module.backbone.{name}"),
        }),
    );
    for (file, words) in [
        ("timm.safetensors", &["timm's names", "tf_efficientnet_lite0"][..]),
        ("wrapped.safetensors", &["begin with 'module.backbone.'", "the last layer, _fc, is 'module.head.1'"]),
    ] {
        let run = place.run(&[&predict[..], &["--weights", file]].concat()).succeeds();
        let found = run.json();
        assert_eq!(found["inputs"], embedded["inputs"], "{file}");
        let notes = found["model"]["notes"].as_array().unwrap();
        for word in words {
            assert!(notes.iter().any(|note| note.as_str().unwrap().contains(word)), "{word}: {notes:?}");
            let is_note = |line: &str| line.starts_with(&format!("note: {file}: ")) && line.contains(word);
            assert!(run.stderr.lines().any(is_note), "{word}: {}", run.stderr);
        }
    }
}

#[test]
fn tensors_are_left_out_by_name() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    place.write("student.safetensors", &renamed(|name| format!("student.{name}")));
    let predict = ["predict", "x.png", "--size", "64x64", "--weights"];
    let run = |arguments: &[&str]| place.run(&[&predict[..], arguments].concat());
    let file = "student.safetensors";
    run(&[file, "--skip-tensors", "teacher.*"]).fails(&["no tensor called 'teacher.*'", "student", "--skip-tensors"]);
    let headless = run(&[file, "--skip-tensors", "student._fc.*"]).succeeds();
    assert!(headless.stderr.contains("there is no last layer"), "{}", headless.stderr);
    run(&["synthetic", "--skip-tensors", "x"]).fails(&["--skip-tensors", "synthetic"]);
    run(&[file]).succeeds();
}

#[test]
fn a_file_of_another_network_is_told_which() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    place.write("timm.safetensors", &renamed(timm));
    let run = place.run(&["predict", "x.png", "--model", "resnet18", "--weights", "timm.safetensors"]);
    run.fails(&["timm.safetensors", "does not fit", "fits efficientnet_lite0 best", "of its 2"]);
}

#[test]
fn classes_have_the_names_that_are_given() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let names: Vec<String> = (0..10).map(|id| format!("thing {id}, synonym {id}")).collect();
    place.write("names.txt", format!("\u{feff}{}\n", names.join("\r\n")).as_bytes());
    let json: serde_json::Map<_, _> =
        names.iter().enumerate().map(|(id, name)| (id.to_string(), name.clone().into())).collect();
    place.write("names.json", &serde_json::to_vec(&serde_json::json!({"id2label": json})).unwrap());
    for file in ["names.txt", "names.json"] {
        let run = place.explain(&["x.png", "--labels", file, "--class", "thing 3", "--class", "synonym 7", "--json"]);
        let report = run.succeeds().json();
        assert_eq!(report["model"]["labels"], file);
        let maps = report["inputs"][0]["maps"].as_array().unwrap();
        let found: Vec<_> = maps.iter().map(|map| (map["class"].as_u64(), map["name"].as_str())).collect();
        assert_eq!(found, [(Some(3), Some("thing 3")), (Some(7), Some("thing 7"))]);
    }
    place.write("few.txt", b"cat\ndog\n");
    place.explain(&["x.png", "--labels", "few.txt"]).fails(&["2 class names", "10 classes"]);
    place.explain(&["x.png", "--labels", "imagenet"]).fails(&["1000 class names", "10 classes"]);
    place.explain(&["x.png", "--labels", "absent.txt"]).fails(&["absent.txt", "check the path"]);
}

#[test]
fn wordnet_numbers_are_classes() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let line = ["explain", "x.png", "--size", "64x64", "--save", "npy", "--class", "n02510455"];
    assert_eq!(place.run(&line).succeeds().rows()[0][1..3], ["388", "giant panda"]);
    place.explain(&["x.png", "--class", "n02510455"]).fails(&["no class is called 'n02510455'"]);
}

#[test]
fn pictures_are_prepared_as_asked_for_and_reported() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let predict = |options: &str| {
        let line = "predict x.png --model tiny_vgg --weights synthetic --size 32x40 --json";
        let line: Vec<&str> = line.split(' ').chain(options.split_whitespace()).collect();
        place.run(&line).succeeds().json()
    };
    let own = predict("");
    assert_eq!(own["model"]["preprocessing"]["resize"], "crop");
    assert_eq!(own["model"]["labels"], "numbers");
    let same = predict("--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --order rgb --resize crop");
    let top = |answer: &serde_json::Value| answer["inputs"][0]["top"][0].clone();
    let difference = top(&own)["probability"].as_f64().unwrap() - top(&same)["probability"].as_f64().unwrap();
    assert!(difference.abs() <= 1e-5, "{own} {same}");
    for (options, key, value) in [
        ("--scale 0..255", "mean", serde_json::json!([0.0, 0.0, 0.0])),
        ("--scale -1..1", "std", serde_json::json!([127.5, 127.5, 127.5])),
        ("--order bgr", "order", "bgr".into()),
        ("--resize squash", "resize", "squash".into()),
        ("--resize pad", "resize", "pad".into()),
    ] {
        let other = predict(options);
        assert_eq!(other["model"]["preprocessing"][key], value, "{options}");
        assert_ne!(top(&other)["probability"], top(&own)["probability"], "{options} changes nothing");
    }
    place.explain(&["x.png", "--mean", "123.7", "--std", "58"]).fails(&["--scale 0..255"]);
}

#[test]
fn arrays_of_bytes_get_a_warning() {
    let place = Place::new();
    let bytes: Vec<f32> = (0..2 * 768).map(|index| (index % 256) as f32).collect();
    let usual: Vec<f32> = bytes.iter().map(|byte| byte / 64.0 - 2.0).collect();
    place.write("bytes.npy", &npy("<f4", &[2, 3, 16, 16], &bytes));
    place.write("usual.npy", &npy("<f4", &[2, 3, 16, 16], &usual));
    let warnings = |file: &str, options: &[&str]| {
        let run = place.explain(&[&[file, "--class", "1", "--save", "npy"], options].concat()).succeeds();
        run.stderr.lines().filter(|line| line.starts_with("warning: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let found = warnings("bytes.npy", &[]);
    assert!(found.len() == 1 && found[0].contains("bytes.npy[0]: its values go from 0 to 255"), "{found:?}");
    assert!(warnings("usual.npy", &[]).is_empty());
    assert!(warnings("bytes.npy", &["--scale", "0..255"]).is_empty());
}
