//! Runs into a folder in which earlier ones have left something: what is kept, what is done anew, and what is left out.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{Place, npy};

#[test]
fn maps_of_other_inputs_stay() {
    let place = Place::new();
    place.photo("a/x.png", 40, 40);
    place.photo("b/x.png", 48, 40);
    place.explain(&["a/x.png", "--class", "1"]).succeeds();
    let of_a = fs::read(place.path("out/x.1.overlay.png")).unwrap();
    place.explain(&["b/x.png", "--class", "1"]).succeeds();
    let files = ["report.json", "x-2.1.overlay.png", "x.1.overlay.png"];
    assert_eq!(place.files("out"), files);
    assert_eq!(fs::read(place.path("out/x.1.overlay.png")).unwrap(), of_a);
    assert_eq!(place.report("out")["earlier"][0]["name"], "x");
    // Each keeps its name, in whatever order they come.
    let run = place.explain(&["b/x.png", "a/x.png", "--class", "1"]).succeeds();
    assert_eq!(place.files("out"), files);
    assert!(run.rows()[0][4].ends_with("x-2.1.overlay.png"), "{}", run.stdout);
    assert_eq!(fs::read(place.path("out/x.1.overlay.png")).unwrap(), of_a);
    assert_eq!(place.report("out")["earlier"], serde_json::json!([]));
}

#[test]
fn resuming_does_what_is_missing_or_has_changed() {
    let place = Place::new();
    for index in 0..4 {
        place.photo(&format!("photos/{index}.png"), 40, 40);
    }
    let line = ["photos", "--class", "1", "--save", "npy", "--resume"];
    assert_eq!(place.explain(&line).succeeds().rows().len(), 4);
    fs::remove_file(place.path("out/0.1.npy")).unwrap();
    place.photo("photos/2.png", 44, 40);
    let run = place.explain(&line).succeeds();
    let done: Vec<&str> = run.rows().iter().map(|row| row[0]).collect();
    assert_eq!(done, ["photos/0.png", "photos/2.png"]);
    assert!(run.stderr.contains("2 inputs done already"), "{}", run.stderr);
    let names = |report: serde_json::Value| {
        let inputs = report["inputs"].as_array().unwrap().iter();
        let mut names: Vec<String> = inputs.map(|input| input["name"].as_str().unwrap().into()).collect();
        names.sort();
        names
    };
    assert_eq!(names(place.report("out")), ["0", "1", "2", "3"]);
    assert!(place.explain(&line).succeeds().rows().is_empty());
    assert_eq!(names(place.report("out")), ["0", "1", "2", "3"]);
}

#[test]
fn resuming_goes_on_inside_an_array() {
    let place = Place::new();
    place.write("x.npy", &npy("<f4", &[3, 3, 32, 40], &[0.5; 3 * 3 * 32 * 40]));
    let line = ["x.npy", "--class", "1", "--save", "npy", "--resume"];
    assert_eq!(place.explain(&line).succeeds().rows().len(), 3);
    fs::remove_file(place.path("out/x.1.1.npy")).unwrap();
    let run = place.explain(&line).succeeds();
    assert_eq!(run.rows().len(), 1);
    assert_eq!(run.rows()[0][0], "x.npy[1]");
}

#[test]
fn resuming_with_other_settings_is_refused() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    place.explain(&["x.png", "--class", "1"]).succeeds();
    let words = ["--resume", "report.json", "classes is [\"1\"] there and [\"2\"] now", "--out"];
    place.explain(&["x.png", "--class", "2", "--resume"]).fails(&words);
    place.explain(&["x.png", "--class", "1", "--range", "2", "--resume"]).fails(&["range is \"auto\" there"]);
    assert_eq!(place.report("out")["inputs"][0]["maps"][0]["class"], 1);
}

#[test]
fn a_report_of_something_else_is_not_replaced() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    for text in [&b"{\"mine\": 1}"[..], b"half a rep"] {
        place.write("out/report.json", text);
        place.explain(&["x.png"]).fails(&["report.json", "would be replaced", "--out"]);
        assert_eq!(fs::read(place.path("out/report.json")).unwrap(), text);
    }
}

#[test]
fn pictures_that_the_program_wrote_are_no_inputs() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    place.run(&["eval", "deletion", "--data", ".", "--model", "tiny_vgg", "--weights", "synthetic"]).succeeds();
    let save = ["--class", "1", "--save", "overlay,heatmap,panel"];
    for out in ["maps", ".", "out"] {
        let run = place.explain(&[&[".", "--out", out][..], &save].concat()).succeeds();
        assert_eq!(run.rows().len(), 1, "{}", run.stdout);
        assert!(!run.stderr.contains("left out"), "{}", run.stderr);
    }
}

#[test]
fn pictures_of_other_formats_are_counted() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    for name in ["photos/a.jfif", "photos/b.JPE"] {
        let jpeg = fs::read(crate::support::of_repository("samples/panda.jpg")).unwrap();
        place.write(name, &jpeg);
    }
    for name in ["photos/c.heic", "photos/sub/d.HEIC", "photos/e.avif", "photos/notes.txt"] {
        place.write(name, b"some bytes");
    }
    let run = place.explain(&["photos", "--class", "1"]).succeeds();
    assert_eq!(run.rows().len(), 2, "{}", run.stdout);
    assert!(run.stderr.contains("note: 3 pictures left out"), "{}", run.stderr);
    assert!(run.stderr.contains("1 .avif, 2 .heic"), "{}", run.stderr);
    place.explain(&["photos/sub"]).fails(&["photos/sub", "no pictures", ".heic"]);
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    place.write("photo.heic", heic);
    place.explain(&["photo.heic"]).fails(&["photo.heic", "HEIC"]);
}

#[test]
fn a_map_of_zeros_gets_a_note() {
    let place = Place::new();
    place.write("zero.npy", &npy("<f4", &[1, 3, 32, 40], &[0.0; 3 * 32 * 40]));
    let run = place.explain(&["zero.npy", "--class", "1", "--method", "input-x-gradient", "--method", "gradient"]);
    let run = run.succeeds();
    let notes: Vec<&str> = run.stderr.lines().filter(|line| line.contains("zero everywhere")).collect();
    assert_eq!(notes.len(), 1, "{}", run.stderr);
    for words in ["note: zero.npy[0]", "input-x-gradient map of class 1"] {
        assert!(notes[0].contains(words), "{}", notes[0]);
    }
}

/// Each name is found without trying all before it.
#[test]
fn many_inputs_of_one_name_are_named_at_once() {
    let place = Place::new();
    place.write("x.png", b"no picture");
    let line = [&["--adapter", "99"][..], &["x.png"; 20_000]].concat();
    let started = Instant::now();
    place.explain(&line).fails(&["'99'"]);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}
