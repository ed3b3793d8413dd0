//! Files of weights whose tensors have other names than the network's own.

use std::fs;

use crate::support::{Place, of_repository};

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
fn a_file_of_another_network_is_told_which() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    place.write("timm.safetensors", &renamed(timm));
    let run = place.run(&["predict", "x.png", "--model", "resnet18", "--weights", "timm.safetensors"]);
    run.fails(&["timm.safetensors", "does not fit", "fits efficientnet_lite0 best", "of its 2"]);
}
