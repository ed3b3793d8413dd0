//! `predict`, `devices`, `plan` and `verify`, and the embedded model.

use crate::support::{Place, of_repository};

#[test]
fn predictions() {
    let place = Place::new();
    place.photo("a.png", 40, 40);
    place.photo("b.png", 50, 60);
    let tiny = ["predict", "a.png", "b.png", "--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40"];
    let run = place.run(&[&tiny[..], &["--top", "3"]].concat()).succeeds();
    assert_eq!(run.rows().len(), 6, "{}", run.stdout);
    assert_eq!(run.rows()[3][0], "b.png");
    let probability = |row: usize| run.rows()[row][3].parse::<f64>().unwrap();
    assert!(probability(0) >= probability(1) && probability(1) >= probability(2));

    let document = place.run(&[&tiny[..], &["--json"]].concat()).succeeds().json();
    assert_eq!(document["schema"], 1);
    let top = document["inputs"][0]["top"].as_array().unwrap();
    assert_eq!(top.len(), 5);
    assert_eq!(top[0]["class"].to_string(), run.rows()[0][1]);
    place.run(&[&tiny[..], &["--top", "11"]].concat()).fails(&["--top 11", "10"]);
}

#[test]
fn the_embedded_model_knows_a_panda() {
    let place = Place::new();
    let run = place.run(&["predict", &of_repository("samples/panda.jpg"), "--top", "1"]).succeeds();
    assert_eq!(run.rows()[0][1..3], ["388", "giant panda"], "{}", run.stdout);
}

#[test]
fn devices() {
    let place = Place::new();
    let run = place.run(&["devices"]).succeeds();
    assert!(run.stdout.contains("Taken: "), "{}", run.stdout);
    let offers = place.run(&["devices", "--limits"]).succeeds().stdout;
    for words in ["max_storage_buffers_per_shader_stage: ", "max_compute_workgroup_storage_size: ", "Features: "] {
        assert!(offers.contains(words), "'{words}' is missing: {offers}");
        assert!(!run.stdout.contains(words), "nobody asked for it: {}", run.stdout);
    }
    place.run(&["devices", "--adapter", "99"]).fails(&["'99'", "--adapter"]);
    place.run(&["plan", "--model", "tiny_vgg", "--adapter", "99"]).fails(&["'99'", "--adapter"]);
    let words = ["'no such adapter'", "--adapter", "agf-run devices"];
    place.run(&["plan", "--model", "tiny_vgg", "--adapter", "no such adapter"]).fails(&words);
}

#[cfg(target_os = "linux")]
#[test]
fn without_an_adapter_it_says_what_to_install() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    for line in [&["devices"][..], &["explain", "x.png"], &["predict", "x.png"]] {
        let mut command = place.command(line);
        command.env("VK_DRIVER_FILES", "/nonexistent.json").env("VK_ICD_FILENAMES", "/none.json");
        let output = command.output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        for words in
            ["error:", "mesa-vulkan-drivers", "VK_DRIVER_FILES=/nonexistent.json", "VK_ICD_FILENAMES=/none.json"]
        {
            assert!(errors.contains(words), "'{words}' is missing: {errors}");
        }
    }
}

#[test]
fn plans() {
    let place = Place::new();
    let explained = place.run(&["plan", "--model", "tiny_vgg", "--size", "32x40", "--classes", "2"]).succeeds();
    assert!(explained.stdout.lines().count() > 5, "{}", explained.stdout);
    place.run(&["plan", "--model", "tiny_vgg", "--size", "32x40", "--forward", "--batch", "4"]).succeeds();
    place.run(&["plan", "--model", "tiny_vgg", "--size", "1x1"]).fails(&["--size"]);
    place.run(&["plan", "--model", "tiny_vgg", "--classes", "4000000"]).fails(&["--classes 4000000", "has 10"]);
}

#[test]
fn winograd_tiles() {
    let place = Place::new();
    let line = ["plan", "--model", "resnet18", "--size", "224x224", "--forward"];
    let plan = |tile: &[&str]| place.run(&[&line[..], tile].concat()).succeeds().stdout;
    let (never, two, four) = (plan(&["--winograd", "0"]), plan(&["--winograd", "2"]), plan(&["--winograd", "4"]));
    assert!(!never.contains("winograd"), "{never}");
    assert!(two.contains("winograd_input_2x2") && !two.contains("4x4"), "{two}");
    assert_eq!(two, plan(&[]), "tiles of 2x2 are the default");
    assert!(four.contains("winograd_input_4x4") && four.contains("winograd_output_4x4"), "{four}");
    place.run(&[&line[..], &["--winograd", "3"]].concat()).fails(&["'3'", "--winograd"]);
    let refused = place.run(&[&line[..], &["--winograd", "3"]].concat());
    assert!(refused.stderr.contains("[possible values: 0, 2, 4]"), "{}", refused.stderr);

    place.photo("a.png", 40, 40);
    let line = ["predict", "a.png", "--model", "resnet18", "--weights", "synthetic", "--size", "224x224", "--winograd"];
    let predict = |tile: &str| place.run(&[&line[..], &[tile]].concat()).succeeds();
    let (never, four) = (predict("0"), predict("4"));
    assert!(four.stderr.contains("Winograd F(4x4)"), "{}", four.stderr);
    assert_eq!(never.rows()[0][..3], four.rows()[0][..3], "the most probable class");
}

#[test]
fn precisions() {
    let place = Place::new();
    let line = ["plan", "--model", "tiny_vgg", "--size", "32x40"];
    let bytes = |precision: &[&str]| {
        let text = place.run(&[&line[..], precision].concat()).succeeds().stdout;
        text.split("weights ").nth(1).and_then(|text| text.split(' ').next()?.parse::<f64>().ok()).unwrap()
    };
    assert_eq!(bytes(&[]), bytes(&["--precision", "f32"]));
    assert!(bytes(&["--precision", "f16-weights"]) < 0.7 * bytes(&[]));
    place.run(&[&line[..], &["--precision", "f16"]].concat()).fails(&["'f16'", "--precision"]);

    place.photo("x.png", 32, 40);
    let explain = ["explain", "x.png", "--model", "tiny_vgg", "--weights", "synthetic", "--precision", "f16-weights"];
    let report = place.run(&[&explain[..], &["--size", "native", "--json"]].concat()).succeeds().json();
    assert_eq!(report["model"]["precision"], "f16-weights");
    let verify = place.run(&["verify", "--model", "tiny_vgg", "--size", "32x40", "--precision", "f16-weights"]);
    assert!(verify.succeeds().stdout.contains("all nodes are within tolerance"));
}

#[test]
fn verification() {
    let place = Place::new();
    let run = place.run(&["verify", "--model", "tiny_resnet", "--size", "32x40", "--batch", "2"]).succeeds();
    for words in ["nodes checked", "relative error", "all nodes are within tolerance"] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
}

/// Mesa's software driver with vectors of 128 and 512 bits: there are other kernels for other numbers of lanes than 8.
/// Other drivers ignore the variables.
#[test]
fn verification_with_subgroups_of_four_and_of_sixteen_lanes() {
    let place = Place::new();
    for bits in ["128", "512"] {
        let mut command = place.command(&["verify", "--model", "tiny_vgg", "--size", "32x40"]);
        command.env("LP_NATIVE_VECTOR_WIDTH", bits).env("MESA_SHADER_CACHE_DISABLE", "true");
        let run = place.run_command(command).succeeds();
        assert!(run.stdout.contains("all nodes are within tolerance"), "{bits} bits: {}", run.stdout);
    }
}

#[test]
fn pictures_too_large_to_verify_are_refused_first() {
    let place = Place::new();
    place.run(&["verify", "--model", "tiny_vgg", "--batch", "64", "--size", "16384x16384"]).fails(&[]);
}

#[test]
fn help_has_examples() {
    let place = Place::new();
    assert!(place.run(&["--help"]).succeeds().stdout.contains("Examples:"));
    let explain = place.run(&["explain", "--help"]).succeeds().stdout;
    for words in ["Examples:", "report.json", "x-2", "top:K", "native"] {
        assert!(explain.contains(words), "{words}");
    }
}
