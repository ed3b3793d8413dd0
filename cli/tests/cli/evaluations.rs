//! `agf-run eval`: results, interruptions, shards.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::support::{Place, Run, of_repository};
use agf::image::RgbImage;

impl Place {
    /// Runs an evaluation with the small network.
    pub fn eval(&self, arguments: &[&str]) -> Run {
        self.run(&[&["eval", arguments[0]][..], &TINY, &arguments[1..]].concat())
    }

    /// Photos of different sizes and colours with a list of labels.
    pub fn photos(&self, folder: &str, count: u32) {
        let mut list = String::new();
        for index in 0..count {
            let name = format!("{index:02}.png");
            self.write(&format!("{folder}/{name}"), b"");
            let level = |value: u32| (value * (index + 3) % 251) as u8;
            let pixels = (0..48 * 52u32).flat_map(|at| [level(at), level(at / 7 + 40), level(at * 3 + index * 17)]);
            let image = RgbImage::from_raw(48, 52, pixels.collect()).expect("three bytes a pixel");
            image.save(self.path(folder).join(&name)).expect("a new photo");
            list.push_str(&format!("{name},{}\n", index % 10));
        }
        self.write(&format!("{folder}/labels.csv"), list.as_bytes());
    }

    /// Masks beside the photos, in which the class is at the right.
    pub fn masks(&self, folder: &str, count: u32) {
        for index in 0..count {
            let mask = RgbImage::from_fn(48, 52, |x, _| image::Rgb([u8::from(x > 20 + index); 3]));
            mask.save(self.path(&format!("{folder}/{index:02}_mask.png"))).expect("a new mask");
        }
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

pub const TINY: [&str; 6] = ["--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40"];
const METHODS: [&str; 2] = ["--methods", "agf,gradient"];

/// Everything that a finished run leaves, but the folder's name on standard error.
fn results(place: &Place, folder: &str) -> Vec<(String, String)> {
    let files = place.files(folder).into_iter().filter(|name| !name.ends_with(".png"));
    files.map(|name| (name.clone(), place.read(&format!("{folder}/{name}")))).collect()
}

#[test]
fn every_evaluation_gives_a_table_and_files() {
    let place = Place::new();
    place.photos("photos", 5);
    place.masks("photos", 5);
    for (name, columns, charts, options) in [
        ("perturbation", 4, 4, &[][..]),
        ("segmentation", 3, 0, &[]),
        ("grid-pointing", 1, 0, &["--mosaics", "3"]),
        ("pointing", 1, 0, &[]),
        ("insertion", 1, 1, &["--pixel-steps", "5"]),
        ("deletion", 1, 1, &["--pixel-steps", "5"]),
        ("randomisation", 2, 1, &["--stages", "2", "--seed", "7"]),
    ] {
        let run = place.eval(&[&[name, "--data", "photos"], &METHODS[..], options].concat()).succeeds();
        let lines: Vec<&str> = run.stdout.lines().collect();
        assert_eq!(lines.len(), 4, "{}", run.stdout);
        assert!(lines[2].starts_with("| agf ") && lines[3].starts_with("| gradient "), "{}", run.stdout);
        assert_eq!(lines[0].matches('|').count(), columns + 2, "{}", run.stdout);
        let folder = format!("eval-{name}");
        let files = place.files(&folder);
        assert_eq!(files.iter().filter(|file| file.ends_with(".png")).count(), charts, "{files:?}");
        assert_eq!(files.iter().filter(|file| file.ends_with(".svg")).count(), charts, "{files:?}");
        let document: serde_json::Value = serde_json::from_str(&place.read(&format!("{folder}/results.json"))).unwrap();
        let scores = document["scores"]["agf"].as_object().unwrap();
        assert_eq!(scores.len(), columns);
        assert!(scores.values().all(serde_json::Value::is_number), "{document}");
        assert_eq!(place.read(&format!("{folder}/results.csv")).lines().count(), 3);

        let again = place.eval(&[&[name, "--data", "photos", "--json"], &METHODS[..], options].concat()).succeeds();
        assert_eq!(again.json(), document);
        assert!(again.stderr.contains("done already"), "{}", again.stderr);
    }
}

/// The accuracies of a network that answers the same for black pixels everywhere must be 0 or 1 in the extremes, and
/// the curve is a mean over pictures: with one picture it holds zeros and ones only.
#[test]
fn perturbation_counts_whole_answers() {
    let place = Place::new();
    place.photos("photos", 1);
    place.eval(&["perturbation", "--data", "photos"]).succeeds();
    let text = place.read("eval-perturbation/curves.csv");
    let values: Vec<&str> = text.lines().skip(1).map(|line| line.rsplit(',').next().unwrap()).collect();
    assert_eq!(values.len(), 4 * 9);
    assert!(values.iter().all(|value| ["0", "100"].contains(value)), "{values:?}");
}

#[test]
fn a_killed_run_goes_on_and_gives_the_same() {
    let place = Place::new();
    place.photos("photos", 14);
    place.write("photos/07.png", b"no picture");
    let arguments = ["perturbation", "--data", "photos", "--methods", "agf,gradient", "--batch", "2"];
    let whole = place.eval(&[&arguments[..], &["--out", "whole"]].concat());
    assert_eq!(whole.code, 2, "{}", whole.stderr);
    let line = [&["eval", "perturbation"][..], &TINY, &arguments[1..], &["--out", "killed"]].concat();
    let mut milliseconds = 150;
    let mut kills = 0;
    let mut lengths = Vec::new();
    while kills < 8 {
        let mut child = place.command(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(milliseconds));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        lengths.push(fs::metadata(place.path("killed/records.jsonl")).map_or(0, |file| file.len()));
        if ended.is_some() {
            break;
        }
        kills += 1;
        milliseconds = milliseconds * 3 / 2;
    }
    assert!(kills > 0, "no run was killed");
    println!("{kills} runs were killed; the records grew to {lengths:?} bytes");
    // What a kill while a file is written leaves; no process has this number.
    place.write("killed/.agf-4194305-0.part", b"half");
    let rest = place.eval(&[&arguments[..], &["--out", "killed"]].concat());
    assert_eq!((rest.code, &rest.stdout), (2, &whole.stdout), "{}", rest.stderr);
    assert_eq!(rest.errors(), whole.errors());
    assert_eq!(results(&place, "killed"), results(&place, "whole"));
}

/// Whatever the moment of the kill: the records cut at any byte lead to the same end.
#[test]
fn records_cut_anywhere_lead_to_the_same_results() {
    let place = Place::new();
    place.photos("photos", 3);
    let arguments = ["pointing", "--data", "photos", "--methods", "gradient"];
    for index in 0..3 {
        let mask = RgbImage::from_fn(48, 52, |x, _| image::Rgb([u8::from(x > 20); 3]));
        mask.save(place.path(&format!("photos/{index:02}_mask.png"))).unwrap();
    }
    let whole = place.eval(&arguments).succeeds();
    let before = results(&place, "eval-pointing");
    let bytes = fs::read(place.path("eval-pointing/records.jsonl")).unwrap();
    let line = bytes.iter().position(|&byte| byte == b'\n').unwrap();
    for cut in [0, 1, line - 1, line, line + 1, line + 2, bytes.len() - 40, bytes.len() - 1] {
        place.write("eval-pointing/records.jsonl", &bytes[..cut]);
        let run = place.eval(&arguments).succeeds();
        assert_eq!(run.stdout, whole.stdout, "cut at {cut}");
        assert_eq!(results(&place, "eval-pointing"), before, "cut at {cut}");
    }
    let mut damaged = bytes.clone();
    damaged[line + 4] = b'?';
    place.write("eval-pointing/records.jsonl", &damaged);
    place.eval(&arguments).fails(&["records.jsonl", "line 2"]);
}

#[test]
fn merged_shards_are_the_single_run() {
    let place = Place::new();
    place.photos("photos", 7);
    place.write("photos/02.png", b"");
    let arguments = ["deletion", "--data", "photos", "--pixel-steps", "4"];
    let whole = place.eval(&[&arguments[..], &["--out", "whole"]].concat());
    assert_eq!(whole.code, 2);
    for shard in ["1/3", "2/3", "3/3"] {
        let out = format!("shards/{}", &shard[..1]);
        place.eval(&[&arguments[..], &["--shard", shard, "--out", &out, "--batch", "1"]].concat());
    }
    let folders = ["shards/3", "shards/1", "shards/2"];
    let merged = place.run(&[&["eval", "merge", "--out", "merged"], &folders[..]].concat());
    assert_eq!((merged.code, &merged.stdout), (2, &whole.stdout), "{}", merged.stderr);
    assert_eq!(merged.errors(), whole.errors());
    assert_eq!(results(&place, "merged"), results(&place, "whole"));

    let merge = |folders: &[&str]| place.run(&[&["eval", "merge", "--out", "none"], folders].concat());
    merge(&["shards/1", "shards/3"]).fails(&["2/3", "missing"]);
    merge(&["shards/1", "shards/1", "shards/2", "shards/3"]).fails(&["shards/1", "same shard"]);
    merge(&["shards/1", "whole"]).fails(&["shards"]);
    merge(&["nothing"]).fails(&["nothing"]);
    let records = place.read("shards/2/records.jsonl");
    let cut = records.trim_end().rfind('\n').unwrap();
    place.write("shards/2/records.jsonl", &records.as_bytes()[..=cut]);
    merge(&folders).fails(&["1 of 2", "end first"]);
}

#[test]
fn other_settings_are_refused() {
    let place = Place::new();
    place.photos("photos", 2);
    let arguments = ["deletion", "--data", "photos", "--pixel-steps", "4"];
    place.eval(&arguments).succeeds();
    let before = results(&place, "eval-deletion");
    for (change, word) in
        [(&["--methods", "gradient"][..], "methods"), (&["--limit", "1"], "pictures"), (&["--shard", "1/2"], "shard")]
    {
        place.eval(&[&arguments[..], change].concat()).fails(&["records.jsonl", word, "--out"]);
    }
    place.eval(&["insertion", "--data", "photos", "--out", "eval-deletion"]).fails(&["evaluation"]);
    place.eval(&["deletion", "--data", "photos"]).fails(&["steps is 4 there and 20 now"]);
    place.write("photos/labels.csv", b"00.png,5\n");
    place.eval(&arguments).fails(&["data"]);
    assert_eq!(results(&place, "eval-deletion"), before);
}

/// No class is used: of labels only that photos differ, or show the same.
#[test]
fn mosaics_are_compared_with_photos() {
    let place = Place::new();
    place.photos("photos", 6);
    let list: String = (0..6).map(|index| format!("{index:02}.png,{}\n", index % 3)).collect();
    place.write("pairs.csv", list.as_bytes());
    let eval = |rest: &[&str]| {
        let common = ["grid-pointing", "--data", "photos", "--labels", "pairs.csv", "--cells", "1x2", "--json"];
        place.eval(&[&common[..], rest].concat())
    };
    let share = |run: &Run| run.json()["scores"]["agf"]["share in the cell"].as_f64().unwrap();
    let own = eval(&["--like", "own", "--mosaics", "4", "--out", "own"]).succeeds();
    assert_eq!((own.json()["pictures"].as_u64(), own.json()["settings"]["like"].as_str()), (Some(4), Some("own")));
    assert_eq!(own.json()["settings"]["cells"], serde_json::json!([1, 2]));
    let other = eval(&["--like", "other", "--mosaics", "4", "--out", "other", "--methods", "agf,gradient"]).succeeds();
    let classes = eval(&["--mosaics", "4", "--out", "classes"]).succeeds();
    let shares = [share(&own), share(&other), share(&classes)];
    assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)) && shares[0] != shares[1], "{shares:?}");
    assert!(shares[0] != shares[2], "{shares:?}");
    // Records of one are not taken for the other.
    eval(&["--like", "other", "--mosaics", "4", "--out", "own"]).fails(&["own"]);
    place.eval(&["grid-pointing", "--data", "photos", "--like", "other"]).fails(&["--like other"]);
    place.eval(&["grid-pointing", "--data", "photos", "--cells", "1x1"]).fails(&["1x2"]);
}

#[test]
fn photos_with_masks_are_compared_with_photos_of_their_classes() {
    let place = Place::new();
    place.photos("photos", 5);
    let mask = image::ImageBuffer::from_fn(48, 52, |x, _| image::Luma([u16::from(x > 20) + 1]));
    mask.save(place.path("photos/00_mask.png")).unwrap();
    mask.save(place.path("photos/01_mask.png")).unwrap();
    place.write("list.csv", b"00.png,1,2\n01.png,1,7\n02.png,1\n03.png,2\n04.png,5\n");
    let arguments = ["pointing", "--data", "photos", "--labels", "list.csv", "--like", "--json"];
    let run = place.eval(&arguments).succeeds();
    assert_eq!(run.json()["pictures"], 1);
    assert!(run.stderr.contains("without another photo of each of its classes"), "{}", run.stderr);
    let hits = run.json()["scores"]["agf"]["hits, %"].as_f64().unwrap();
    assert!([0.0, 50.0, 100.0].contains(&hits), "{hits}");
}

/// Two sample photos side by side, and maps of how like each of the two they are.
#[test]
fn likeness_finds_the_photo_that_a_mosaic_was_made_of() {
    let place = Place::new();
    let samples = of_repository("samples");
    let arguments = ["eval", "grid-pointing", "--data", &samples, "--like", "own", "--cells", "1x2", "--mosaics", "8"];
    let run = place.run(&[&arguments[..], &["--json"]].concat()).succeeds();
    let share = run.json()["scores"]["agf"]["share in the cell"].as_f64().unwrap();
    assert!(share >= 0.96, "{share}");
}

/// The photos of the repository with the network that comes with the program.
#[test]
fn the_embedded_model_points_at_what_it_names() {
    let place = Place::new();
    let samples = of_repository("samples");
    let run = place.run(&["eval", "pointing", "--data", &samples, "--limit", "2", "--json"]).succeeds();
    // A bison and a polar bear, and a koala and a macaw.
    assert_eq!(run.json()["pictures"], 2);
    assert_eq!(run.json()["scores"]["agf"]["hits, %"], 100.0);
}
