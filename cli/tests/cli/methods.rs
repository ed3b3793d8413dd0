//! `--method`: names of files and columns, options, the panel of all methods, the audit, and `--max-memory`.

use agf::image::Photo;
use agf::methods::Method;

use crate::support::{Place, read_npy};

fn names() -> Vec<&'static str> {
    Method::ALL.iter().map(Method::name).collect()
}

/// Few passes, where a method has several.
const SHORT: [&str; 4] = ["--samples", "2", "--steps", "2"];

#[test]
fn a_method_is_named_in_files_and_lines_unless_it_is_the_usual_one() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let all = ["--save", "overlay,heatmap,panel,npy", "--class", "3"];
    let run = place.explain(&[&["x.png", "--method", "grad-cam"], &all[..]].concat()).succeeds();
    let files = [
        "report.json",
        "x.3.grad-cam.heatmap.png",
        "x.3.grad-cam.npy",
        "x.3.grad-cam.overlay.png",
        "x.grad-cam.panel.png",
    ];
    assert_eq!(place.files("out"), files);
    assert_eq!((run.rows()[0][4], run.rows()[0].len()), ("grad-cam", 5 + 4));
    assert!(run.rows()[0][5..].iter().all(|file| place.exists(file)), "{}", run.stdout);
    assert!(read_npy(&place.path("out/x.3.grad-cam.npy")).1.iter().any(|value| *value > 0.0));

    let usual = place.explain(&["x.png", "--class", "3", "--out", "usual"]).succeeds();
    let named = place.explain(&["x.png", "--class", "3", "--method", "agf", "--out", "named"]).succeeds();
    assert_eq!(usual.rows()[0].len(), 5);
    assert_eq!(named.rows()[0].len(), 5);
    assert_eq!(place.files("usual"), place.files("named"));

    // Outputs of methods in a searched folder are no inputs.
    place.explain(&["out", "--out", "out"]).fails(&["holds no pictures"]);
}

#[test]
fn all_methods_give_one_panel_with_a_column_each() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let line = ["x.png", "--method", "all", "--class", "3", "--class", "7", "--json"];
    let report = place.explain(&[&line[..], &SHORT[..]].concat()).succeeds().json();
    assert_eq!(place.files("out"), ["report.json", "x.panel.png"]);
    let of = |list: &serde_json::Value, key: &str| -> Vec<String> {
        list.as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of(&report["methods"], "name"), names());
    let maps = &report["inputs"][0]["maps"];
    assert_eq!(of(maps, "method"), names().into_iter().flat_map(|name| [name; 2]).collect::<Vec<_>>());
    for map in maps.as_array().unwrap() {
        let promised = ["fullgrad", "integrated-gradients"].contains(&map["method"].as_str().unwrap());
        assert_eq!(map["completeness_gap"].is_f64(), promised, "{map}");
        assert_eq!(map["nan_count"].as_u64().unwrap() + map["infinite_count"].as_u64().unwrap(), 0, "{map}");
    }
    let panel = Photo::open(place.path("out/x.panel.png")).unwrap();
    let one = place.explain(&["x.png", "--method", "gradient", "--method", "agf", "--class", "3", "--out", "one"]);
    assert_eq!(one.succeeds().rows().len(), 2);
    let small = Photo::open(place.path("one/x.panel.png")).unwrap();
    let columns = |width: u32| width / (small.width() / 3);
    assert!(columns(panel.width()) >= names().len() as u32, "{} and {}", panel.width(), small.width());
    assert!(panel.height() > small.height());
}

#[test]
fn options_reach_the_method_and_the_report() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let smooth = ["x.png", "--method", "smoothgrad", "--samples", "3", "--class", "1", "--save", "npy"];
    let values = |options: &[&str], out: &str| {
        place.explain(&[&smooth[..], options, &["--out", out]].concat()).succeeds();
        read_npy(&place.path(&format!("{out}/x.1.smoothgrad.npy"))).1
    };
    let first = values(&["--seed", "4"], "a");
    assert_eq!(first, values(&["--seed", "4"], "b"));
    assert_ne!(first, values(&["--seed", "5"], "c"));
    assert_ne!(first, values(&["--seed", "4", "--noise", "0.5"], "d"));
    let options = &place.report("d")["methods"][0]["options"];
    assert_eq!(options, &serde_json::json!({"samples": 3, "noise": 0.5, "seed": 4}));
    assert_eq!(place.report("a")["inputs"][0]["maps"][0]["method"], "smoothgrad");
}

#[test]
fn the_audit_tells_how_sensitive_a_map_is() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let line = ["x.png", "--method", "input-x-gradient", "--method", "agf", "--class", "2", "--json", "--audit"];
    let report = place.explain(&line).succeeds().json();
    for map in report["inputs"][0]["maps"].as_array().unwrap() {
        let sensitivity = map["sensitivity"].as_f64().unwrap();
        assert!(sensitivity > 0.0 && sensitivity < 0.5, "{map}");
    }
}

#[test]
fn misspelt_methods_and_idle_options_are_refused() {
    let place = Place::new();
    place.photo("x.png", 60, 48);
    let run = place.explain(&["x.png", "--method", "gradcam"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("'grad-cam'"), "{}", run.stderr);
    place.explain(&["x.png", "--steps", "3"]).fails(&["--steps", "integrated-gradients"]);
    place.run(&["plan", "--model", "tiny_vgg", "--method", "fullgrad", "--ablate", "no_m"]).fails(&["--ablate", "agf"]);
}

#[test]
fn memory_is_limited() {
    let place = Place::new();
    for index in 0..3 {
        place.photo(&format!("photos/{index}.png"), 60, 48);
    }
    let line = ["photos", "--class", "1", "--save", "npy"];
    place.explain(&[&line[..], &["--out", "free"]].concat()).succeeds();
    let free = place.report("free")["peak_gpu_bytes"].as_u64().unwrap();
    let limit = (free * 3 / 4).to_string();
    place.explain(&[&line[..], &["--out", "cut", "--max-memory", &limit]].concat()).succeeds();
    let cut = place.report("cut")["peak_gpu_bytes"].as_u64().unwrap();
    assert!(cut <= free * 3 / 4, "{cut} of {free}");
    for index in 0..3 {
        let values = |out: &str| read_npy(&place.path(&format!("{out}/{index}.1.npy"))).1;
        assert_eq!(values("free"), values("cut"));
    }
    let run = place.explain(&["photos/0.png", "--max-memory", "10k"]).fails(&["one picture needs", "--max-memory"]);
    let words: Vec<&str> = run.errors()[0].split(' ').collect();
    let bytes = words[words.iter().position(|word| word.starts_with("bytes")).unwrap() - 1].to_owned();
    place.explain(&["photos/0.png", "--max-memory", &bytes]).succeeds();
    let tiny = ["predict", "photos", "--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40"];
    place.run(&[&tiny[..], &["--max-memory", "500kB"]].concat()).succeeds();
    let plan = ["plan", "--model", "tiny_vgg", "--size", "32x40", "--batch", "50"];
    let at_most = |arguments: &[&str]| {
        let run = place.run(&[&plan[..], arguments].concat()).succeeds();
        run.stdout.trim_end().rsplit(' ').next().unwrap().parse::<u32>().unwrap()
    };
    assert!(at_most(&["--max-memory", "2M"]) < at_most(&[]));
    place.run(&[&plan[..], &["--max-memory", "x"]].concat()).fails(&["--max-memory"]);
}

#[test]
fn plan_and_verify_take_a_method() {
    let place = Place::new();
    let run = place.run(&["plan", "--model", "tiny_vgg", "--method", "smoothgrad"]).succeeds();
    assert!(run.stdout.contains("noisy input"), "{}", run.stdout);
    let verify = ["verify", "--model", "tiny_vgg", "--size", "32x40"];
    for options in [["--method", "fullgrad"], ["--ablate", "no_fx,gradcam"]] {
        let run = place.run(&[&verify[..], &options].concat()).succeeds();
        assert!(run.stdout.contains("all nodes are within tolerance"), "{}", run.stdout);
    }
    place.run(&[&verify[..], &["--method", "lrp", "--ablate", "no_m"]].concat()).fails(&["--ablate", "agf"]);
}
