//! `explain`: the files, their names and numbers, and the lines about them.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use crate::support::{Place, npy, read_npy};

#[test]
fn all_kinds_of_files() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let run =
        place.explain(&["x.png", "--class", "3", "--class", "7", "--save", "overlay,heatmap,panel,npy"]).succeeds();
    let mut expected = vec!["report.json", "x.panel.png"];
    for ending in ["heatmap.png", "npy", "overlay.png"] {
        expected.extend([format!("x.3.{ending}"), format!("x.7.{ending}")].map(|name| &*name.leak()));
    }
    expected.sort_unstable();
    assert_eq!(place.files("out"), expected);

    let rows = run.rows();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][..3], ["x.png", "3", "class 3"]);
    assert!((0.0..=1.0).contains(&rows[0][3].parse::<f64>().unwrap()));
    assert_eq!(rows[0].len(), 4 + 4);
    assert!(rows[0][4..].iter().all(|file| place.exists(file)), "{rows:?}");

    let (shape, values) = read_npy(&place.path("out/x.3.npy"));
    assert_eq!(shape, [32, 40]);
    assert!(values.iter().all(|value| value.is_finite()));
    let overlay = agf::image::Photo::open(place.path("out/x.3.overlay.png")).unwrap();
    assert_eq!((overlay.width(), overlay.height()), (60, 48));
    let heatmap = agf::image::Photo::open(place.path("out/x.3.heatmap.png")).unwrap();
    assert_eq!((heatmap.width(), heatmap.height()), (40, 32));
}

#[test]
fn the_report_says_what_was_done() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let run = place.explain(&["x.png", "--class", "3", "--save", "npy", "--ablate", "no_m,no_a", "--json"]).succeeds();
    let report = place.report("out");
    assert_eq!(run.json(), report);
    assert_eq!(report["schema"], 2);
    assert_eq!(report["model"]["name"], "tiny_vgg");
    assert_eq!(report["methods"][0]["name"], "agf");
    assert_eq!(report["methods"][0]["options"], serde_json::json!({"ablations": ["no_m", "no_a"]}));
    assert!(report["adapter"]["name"].is_string() && report["adapter"]["driver"].is_string());
    assert!(report["peak_gpu_bytes"].as_u64().unwrap() > 0);
    let input = &report["inputs"][0];
    assert_eq!(input["input"], "x.png");
    assert_eq!(input["photo"], serde_json::json!({"height": 48, "width": 60}));
    assert_eq!(input["network_input"], serde_json::json!({"height": 32, "width": 40}));
    assert_eq!(input["top5"].as_array().unwrap().len(), 5);
    for stage in ["decode", "prepare", "upload", "gpu", "read_back"] {
        assert!(input["milliseconds"][stage].as_f64().unwrap() >= 0.0, "{stage}");
    }
    let map = &input["maps"][0];
    let (_, values) = read_npy(&place.path("out/x.3.npy"));
    assert_eq!(map["class"], 3);
    assert_eq!(map["nan_count"], 0);
    assert_eq!(map["files"], serde_json::json!(["x.3.npy"]));
    let max = values.iter().copied().fold(f32::MIN, f32::max);
    let sum: f64 = values.iter().copied().map(f64::from).sum();
    assert_eq!(map["max"].as_f64().unwrap() as f32, max);
    assert!((map["sum"].as_f64().unwrap() - sum).abs() <= 1e-9 * sum.abs().max(1.0));
    let layers = report["methods"][0]["layers"].as_array().unwrap().len();
    assert_eq!(map["conservation"].as_array().unwrap().len(), layers);
    assert_eq!(map["conservation_deviation"].as_array().unwrap().len(), layers);
    assert_eq!(map["conservation_deviation"][0], 0.0);
    assert!((0.0..1.0).contains(&(map["mask_loss"].as_f64().unwrap() + 1e-6)), "{map}");
    assert!(map["completeness_gap"].is_null() && map["sensitivity"].is_null());
    assert!(layers > 0);
}

#[test]
fn a_class_asked_for_twice_gets_one_map() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let best = place.explain(&["x.png"]).succeeds();
    let id = best.rows()[0][1].to_owned();
    let run = place.explain(&["x.png", "--class", "top:2", "--class", &id, "--class", "top"]).succeeds();
    assert_eq!(run.rows().len(), 2, "{}", run.stdout);
    assert_eq!(run.rows()[0], best.rows()[0]);
}

#[test]
fn maps_do_not_depend_on_the_batch() {
    let place = Place::new();
    for index in 0..5 {
        place.photo(&format!("photos/{index}.png"), 40 + index, 50);
    }
    for batch in ["1", "3"] {
        place.explain(&["photos", "--class", "2", "--save", "npy", "--batch", batch, "--out", batch]).succeeds();
    }
    for index in 0..5 {
        let values = |batch: &str| read_npy(&place.path(&format!("{batch}/{index}.2.npy"))).1;
        let (alone, together) = (values("1"), values("3"));
        let scale = alone.iter().fold(0.0, |scale: f32, value| scale.max(value.abs()));
        for (a, b) in alone.iter().zip(&together) {
            assert!((a - b).abs() <= 1e-4 * scale, "{index}: {a} {b}");
        }
    }
}

#[test]
fn equal_names_do_not_overwrite_each_other() {
    let place = Place::new();
    for name in ["a/x.png", "b/x.png", "all/a/x.png", "all/x.png", "all/b/y.png"] {
        place.photo(name, 40, 40);
    }
    place.explain(&["a/x.png", "b/x.png", "all", "--class", "1"]).succeeds();
    let expected = ["a/x.1.overlay.png", "b/y.1.overlay.png", "report.json", "x-2.1.overlay.png", "x-3.1.overlay.png"];
    let files = place.files("out");
    assert_eq!(files[..5], expected);
    assert_eq!(files[5], "x.1.overlay.png");
    let report = place.report("out");
    assert_eq!(report["inputs"][1]["name"], "x-2");
}

#[test]
fn arrays_carry_an_index() {
    let place = Place::new();
    let values: Vec<f32> = (0..2 * 3 * 24 * 28).map(|at| (at % 97) as f32 / 48.0 - 1.0).collect();
    place.write("two.npy", &npy("<f4", &[2, 3, 24, 28], &values));
    place.write("one.npy", &npy("<f4", &[1, 3, 24, 28], &values[..values.len() / 2]));
    let run = place.explain(&["two.npy", "one.npy", "--class", "5", "--save", "npy,overlay,panel"]).succeeds();
    assert_eq!(run.rows()[1][0], "two.npy[1]");
    for name in ["two.0.5.npy", "two.1.5.npy", "one.0.5.npy", "two.1.5.overlay.png", "one.0.panel.png"] {
        assert!(place.exists(&format!("out/{name}")), "{name}: {:?}", place.files("out"));
    }
    let (shape, first) = read_npy(&place.path("out/two.0.5.npy"));
    assert_eq!(shape, [24, 28]);
    assert_eq!(first.len(), 24 * 28);
    let report = place.report("out");
    assert_eq!(report["inputs"][1]["index"], 1);
    assert!(report["inputs"][0]["photo"].is_null());
}

#[test]
fn native_keeps_each_photos_size() {
    let place = Place::new();
    place.photo("a.png", 33, 41);
    place.photo("b.png", 50, 20);
    let tiny = ["explain", "--model", "tiny_vgg", "--weights", "synthetic", "--size", "native"];
    place.run(&[&tiny[..], &["a.png", "b.png", "--class", "0", "--save", "npy"]].concat()).succeeds();
    assert_eq!(read_npy(&place.path("out/a.0.npy")).0, [41, 33]);
    assert_eq!(read_npy(&place.path("out/b.0.npy")).0, [20, 50]);
}

#[test]
fn the_output_folder_is_not_searched() {
    let place = Place::new();
    place.photo("photos/x.png", 40, 40);
    for _ in 0..2 {
        let run = place.explain(&["photos", "--out", "photos/maps", "--class", "1"]).succeeds();
        assert_eq!(run.rows().len(), 1, "{}", run.stdout);
    }
}

#[test]
fn nobody_reading_is_no_error() {
    let place = Place::new();
    for index in 0..4 {
        place.photo(&format!("photos/{index}.png"), 40, 40);
    }
    let line =
        ["explain", "photos", "--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40", "--class", "1"];
    let mut command = place.command(&line);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    assert_eq!(place.files("out").len(), 5);
}

#[test]
fn half_files_are_not_left_behind() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    place.explain(&["x.png", "--save", "overlay,npy"]).succeeds();
    let names: Vec<_> = fs::read_dir(place.path("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{names:?}");
}

#[test]
fn fixed_ranges_and_colours() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    let save = ["x.png", "--save", "heatmap", "--class", "1", "--colormap", "gray"];
    place.explain(&[&save[..], &["--range", "1e9"]].concat()).succeeds();
    let heatmap = agf::image::Photo::open(place.path("out/x.1.heatmap.png")).unwrap();
    let grey = [127, 128];
    assert!(heatmap.rgb().pixels().all(|pixel| pixel.0.iter().all(|level| grey.contains(level))));
    assert_eq!(place.report("out")["colors"]["colormap"], "gray");
}

#[test]
fn one_page_shows_a_run() {
    let place = Place::new();
    for (name, side) in [("photos/a/<x>.png", 60), ("photos/y.png", 48)] {
        place.photo(name, side, 48);
    }
    place.write("photos/bad.png", b"no picture");
    let all = ["photos", "--class", "3", "--class", "7", "--save", "html"];
    let run = place.explain(&all);
    assert_eq!((run.code, run.errors().len()), (2, 1), "{}", run.stderr);
    assert!(run.stderr.contains("see out/report.html"), "{}", run.stderr);
    let mut expected = vec!["report.html".to_owned(), "report.json".into()];
    for name in ["a/<x>", "y"] {
        expected.extend(["3.agf", "7.agf", "photo"].map(|what| format!("page/{name}.{what}.png")));
    }
    expected.sort_unstable();
    assert_eq!(place.files("out"), expected);
    let page = fs::read_to_string(place.path("out/report.html")).unwrap();
    assert_eq!(page.matches("<img src=\"data:image/png;base64,iVBOR").count(), 6);
    for words in ["tiny_vgg", "<b>class 7</b>", "photos/a/&lt;x&gt;.png", "values from", "bad.png", "2 inputs"] {
        assert!(page.contains(words), "{words} is missing");
    }
    // The page's pictures are no photos for later runs, and a run that goes on has all of them on its page.
    fs::remove_file(place.path("out/page/y.photo.png")).unwrap();
    let again = place.explain(&[&all[..], &["--resume"]].concat());
    assert_eq!(again.rows().len(), 2, "{}", again.stdout);
    let page = fs::read_to_string(place.path("out/report.html")).unwrap();
    assert_eq!(page.matches("<img src=\"data:image/png;base64,iVBOR").count(), 6);
    place.explain(&["out", "--out", "other"]).fails(&["out"]);
}
