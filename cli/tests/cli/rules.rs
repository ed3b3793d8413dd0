//! `rules`, `--rules` and `--add-rule`.

use std::fs;

use crate::support::Place;

const TINY: [&str; 6] = ["--model", "tiny_resnet", "--weights", "synthetic", "--size", "40x48"];

/// A printed method explains to the same bits as the method.
#[test]
fn printed_rules_explain_as_the_method_does() {
    let place = Place::new();
    place.photo("a.png", 60, 50);
    for method in ["lrp", "sglrp", "rap", "agf"] {
        let printed = place.run(&["rules", "--method", method]).succeeds();
        assert!(
            printed.stdout.contains("[[rule]]") && printed.stdout.contains("apply = \"box\""),
            "{}",
            printed.stdout
        );
        fs::write(place.path("my.toml"), &printed.stdout).unwrap();
        let explain = |choice: [&str; 2], out: &str| {
            let line =
                [&["explain", "a.png", "--class", "3", "--save", "npy", "--out", out], &choice[..], &TINY].concat();
            let run = place.run(&line).succeeds();
            let file = run.rows()[0].last().unwrap().to_string();
            fs::read(place.path(&file)).unwrap()
        };
        let by_file = explain(["--rules", "my.toml"], "by_file");
        assert!(by_file == explain(["--method", method], "by_name"), "{method}: other bits by its printed rules");
    }
}

#[test]
fn rules_stand_in_the_report() {
    let place = Place::new();
    place.photo("a.png", 60, 50);
    let printed = place.run(&["rules", "--method", "lrp-ab", "--add-rule", "magnitude"]).succeeds();
    assert!(printed.stdout.contains("op = \"add\"\napply = \"magnitude\""), "{}", printed.stdout);
    fs::write(place.path("my.toml"), &printed.stdout).unwrap();
    let line = [&["explain", "a.png", "--rules", "my.toml", "--method", "gradient", "--json"], &TINY[..]].concat();
    let report = place.run(&line).succeeds().json();
    assert_eq!(report["methods"][0]["name"], "gradient");
    assert_eq!(report["methods"][1]["name"], "rules");
    let text = report["methods"][1]["options"]["rules"].as_str().unwrap();
    assert!(printed.stdout.ends_with(text), "{text}");
    let line = [&["explain", "a.png", "--method", "lrp", "--add-rule", "magnitude", "--json"], &TINY[..]].concat();
    let report = place.run(&line).succeeds().json();
    assert_eq!(report["methods"][0]["name"], "lrp");
    assert!(report["methods"][0]["options"]["rules"].as_str().unwrap().contains("magnitude"));
}

#[test]
fn bad_rules_are_refused() {
    let place = Place::new();
    place.photo("a.png", 60, 50);
    fs::write(place.path("bad.toml"), "[[rule]]\napply = \"flat\"\n\n[[rule]]\napply = \"box\"\nsigma = 1\n").unwrap();
    fs::write(place.path("few.toml"), "[[rule]]\napply = \"flat\"\n").unwrap();
    fs::write(place.path("not_text.toml"), [0xff, 0xfe, 0x00]).unwrap();
    let explain = |file: &str| place.run(&[&["explain", "a.png", "--rules", file], &TINY[..]].concat());
    explain("bad.toml").fails(&["bad.toml, line 6", "sigma"]);
    explain("none.toml").fails(&["none.toml", "--rules"]);
    explain("not_text.toml").fails(&["not_text.toml"]);
    let run = place.run(&["rules", "--method", "gradient"]).fails(&["gradient"]);
    assert!(run.stderr.contains("lrp-ab") && !run.stderr.contains("grad-cam"), "{}", run.stderr);
    let line = [&["explain", "a.png", "--method", "gradient", "--add-rule", "magnitude"], &TINY[..]].concat();
    place.run(&line).fails(&["--add-rule"]);
    let plan = ["plan", "--rules", "few.toml", "--model", "tiny_resnet"];
    place.run(&plan).fails(&["'bn1' (batch_norm)", "'maxpool' (max_pool)", "(fan-out)"]);
}
