//! Which network, and where its weights come from: checkpoints, what others have downloaded, roles, and what a network
//! is.

use std::fs;

use crate::support::{Place, Run, of_repository};

const CHECKPOINT: &str = "tests/checkpoints/tiny_vgg.pth";
const PREDICT: [&str; 8] = ["predict", "x.png", "--json", "--size", "32x40", "--model", "tiny_vgg", "--weights"];

fn predict(place: &Place, weights: &str, variable: Option<(&str, &str)>) -> Run {
    let mut command = place.command(&[&PREDICT[..], &[weights]].concat());
    if let Some((name, folder)) = variable {
        command.env(name, place.path(folder));
    }
    place.run_command(command)
}

#[test]
fn a_checkpoint_by_any_name_gives_the_answers_of_its_weights() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    place.write("weights", &fs::read(of_repository(CHECKPOINT)).unwrap());
    let run = predict(&place, "weights", None).succeeds();
    let synthetic = predict(&place, "synthetic", None).succeeds();
    assert_eq!(run.json()["inputs"], synthetic.json()["inputs"]);
    for words in ["the weights are those under 'model'", "names begin with 'module.'"] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

#[test]
fn what_is_no_state_dict_is_refused_with_a_way_out() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    for (file, words) in [
        ("torchscript.pt", "torch.onnx.export"),
        ("quantised.pth", "before quantisation"),
        ("whole_module.pth", "networks.Network"),
        ("zip.pth", "does not fit the model"),
    ] {
        predict(&place, &of_repository(&format!("tests/checkpoints/{file}")), None).fails(&[file, words]);
    }
}

#[test]
fn downloads_of_others_are_found_and_nothing_is_downloaded() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let hub = Some(("HF_HOME", "hf"));
    predict(&place, "hf:someone/tiny", hub)
        .fails(&["someone/tiny", "huggingface.co/someone/tiny/resolve/main/model.safetensors"]);
    let snapshot = "hf/hub/models--someone--tiny/snapshots/0123/pytorch_model.bin";
    place.write(snapshot, &fs::read(of_repository(CHECKPOINT)).unwrap());
    let run = predict(&place, "hf:someone/tiny", hub).succeeds();
    assert!(run.stderr.contains("pytorch_model.bin"), "{}", run.stderr);
    predict(&place, "hf:../tiny", hub).fails(&["hf:OWNER/NAME"]);
    predict(&place, "torchvision", None).fails(&["torchvision has no weights of tiny_vgg"]);
    let vgg = ["predict", "x.png", "--model", "vgg19", "--weights", "torchvision"];
    place.run(&vgg).fails(&["torch/hub/checkpoints", "download.pytorch.org/models/vgg19-dcbb9e9d.pth"]);
}

#[test]
fn roles_are_given_by_name() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let map = |role: &[&str], out: &str| {
        place.explain(&[&["x.png", "--class", "3", "--save", "npy", "--out", out], role].concat()).succeeds();
        fs::read(place.path(&format!("{out}/x.3.npy"))).unwrap()
    };
    let (own, same) = (map(&[], "own"), map(&["--role", "features.5=full"], "same"));
    assert!(own == same && own != map(&["--role", "features.*=flat", "--role", "features.0=first"], "flat"));
    assert_eq!(place.report("same")["request"]["roles"], serde_json::json!(["features.5=full"]));
    place.explain(&["x.png", "--role", "conv1=flat"]).fails(&["'conv1'", "features.0"]);
    place
        .explain(&["x.png", "--class", "3", "--save", "npy", "--out", "own", "--resume", "--role", "features.5=flat"])
        .fails(&["other settings"]);
}

#[test]
fn what_a_network_is() {
    let place = Place::new();
    let run = place.run(&["model", "squeezenet1_1"]).succeeds();
    for line in [
        "classes\t1000, names: imagenet",
        "operations\taverage_pool 1, clamp 26, concat 8, convolve 26",
        "roles\tfirst 1, flat 17, full 8",
    ] {
        assert!(run.stdout.contains(line), "{}", run.stdout);
    }
    let file = of_repository("tests/onnx/resnext50_32x4d_96_op17.onnx");
    let found = place.run(&["model", &file, "--role", "*=full", "--json"]).succeeds().json();
    assert_eq!(found["roles"], serde_json::json!({"full": 53}));
    assert_eq!((&found["file"]["opset"], &found["classes"]), (&17.into(), &1000.into()));
    assert_eq!(found["convolutions"].as_array().map(Vec::len), Some(53));
    place.run(&["model", "vgg20"]).fails(&["vgg20"]);
}
