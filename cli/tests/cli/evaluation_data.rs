//! What `agf-run eval` is given: photos, lists of labels, masks, and folders with something in them.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::evaluations::TINY;
use crate::support::Place;
use agf::image::RgbImage;

#[test]
fn bad_pictures_are_listed_and_the_others_count() {
    let place = Place::new();
    place.photos("photos", 4);
    place.eval(&["deletion", "--data", "photos", "--pixel-steps", "4", "--out", "good"]).succeeds();
    let good = place.read("good/results.csv");
    place.write("photos/bad.png", b"this is no picture");
    let list = format!("{}gone.jpg,3\nbad.png,4\n", place.read("photos/labels.csv"));
    place.write("photos/labels.csv", list.as_bytes());
    let run = place.eval(&["deletion", "--data", "photos", "--pixel-steps", "4"]);
    assert_eq!(run.code, 2);
    assert_eq!(run.errors().len(), 2, "{}", run.stderr);
    assert!(run.errors()[0].contains("bad.png") && run.errors()[1].contains("gone.jpg"), "{}", run.stderr);
    assert_eq!(place.read("eval-deletion/results.csv"), good);
    let again = place.eval(&["deletion", "--data", "photos", "--pixel-steps", "4"]);
    assert_eq!((again.code, again.errors()), (2, run.errors()));
    place.eval(&["segmentation", "--data", "photos"]).fails(&["photos has no masks"]);
    image::GrayImage::new(20, 20).save(place.path("photos/00_mask.png")).unwrap();
    let run = place.eval(&["segmentation", "--data", "photos"]).fails(&["00_mask.png", "20 x 20", "52 x 48"]);
    assert!(run.stderr.contains("5 pictures left out (without a mask): 01.png, "), "{}", run.stderr);
}

#[test]
fn photos_without_a_label_are_left_out_and_named() {
    let place = Place::new();
    place.photos("photos", 3);
    let arguments = ["deletion", "--data", "photos", "--pixel-steps", "4"];
    place.eval(&arguments).succeeds();
    let labelled = place.read("eval-deletion/results.csv");
    fs::copy(place.path("photos/00.png"), place.path("photos/stray.png")).unwrap();
    let list = place.read("photos/labels.csv");
    place.write("photos/labels.csv", format!("\u{feff}File;Label\r\n{}", list.replace(',', ";")).as_bytes());
    let run = place.eval(&[&arguments[..], &["--out", "again"]].concat()).succeeds();
    assert!(run.stderr.contains("1 picture left out (not in the list of labels): stray.png"), "{}", run.stderr);
    assert_eq!(place.read("again/results.csv"), labelled);
    let document: serde_json::Value = serde_json::from_str(&place.read("again/results.json")).unwrap();
    assert_eq!(document["settings"]["left_out"]["not in the list of labels"][0], "stray.png");
    place.write("photos/labels.csv", format!("{list}./00.png,7\n").as_bytes());
    place.eval(&arguments).fails(&["labels.csv", "lines 1 and 4", "00.png"]);
}

/// Results lie wherever the user wants: beside the photos, among them, or in a folder of theirs.
#[test]
fn own_results_are_no_photos() {
    let place = Place::new();
    place.photos("photos", 2);
    let arguments = ["deletion", "--data", "photos", "--pixel-steps", "4"];
    let first = place.eval(&arguments).succeeds();
    let explain = ["explain", "photos", "--out", "photos/maps", "--save", "overlay,heatmap,panel"];
    place.run(&[&explain[..], &TINY].concat()).succeeds();
    for out in ["photos", "photos/results", "photos/maps"] {
        for _ in 0..2 {
            let run = place.eval(&[&arguments[..], &["--out", out]].concat()).succeeds();
            assert_eq!(run.stdout, first.stdout);
            assert!(!run.stderr.contains("left out"), "{}", run.stderr);
        }
    }
}

/// Whatever a run would write: a plot over a photo, tables over tables, records over records; and so does a merge.
#[test]
fn nothing_of_the_users_is_overwritten() {
    let place = Place::new();
    place.photos("photos", 2);
    let insertion = ["insertion", "--data", "photos", "--pixel-steps", "4"];
    for name in ["insertion.png", "insertion.svg", "results.json", "results.csv", "curves.csv"] {
        let out = format!("of {name}");
        let path = format!("{out}/{name}");
        place.write(&path, b"the user's");
        let run = place.eval(&[&insertion[..], &["--out", &out]].concat());
        run.fails(&[name, "not overwritten", "--out"]);
        assert_eq!((place.read(&path).as_str(), place.files(&out).len()), ("the user's", 1));
    }
    place.write("own/records.jsonl", b"the user's");
    place.eval(&[&insertion[..], &["--out", "own"]].concat()).fails(&["own/records.jsonl", "--out"]);
    assert_eq!(place.read("own/records.jsonl"), "the user's");

    place.eval(&insertion).succeeds();
    place.write("merged/results.csv", b"the user's");
    let merge = ["eval", "merge", "eval-insertion", "--out", "merged"];
    place.run(&merge).fails(&["merged/results.csv", "not overwritten"]);
    assert_eq!(place.files("merged"), ["results.csv"]);
    fs::remove_file(place.path("merged/results.csv")).unwrap();
    (0..2).for_each(|_| drop(place.run(&merge).succeeds()));
}

/// A second run into one folder would mix both runs' records.
#[test]
fn one_run_at_a_time_writes_into_a_folder() {
    let place = Place::new();
    place.photos("photos", 3);
    let line = ["randomisation", "--data", "photos", "--stages", "1000"];
    let mut first = place.command(&[&["eval"][..], &line, &TINY].concat());
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !place.exists("eval-randomisation/records.jsonl") {
        assert!(started.elapsed() < Duration::from_secs(120), "the run does not begin");
        sleep(Duration::from_millis(2));
    }
    place.eval(&line).fails(&["another run is writing into eval-randomisation", "--out"]);
    let explain = ["explain", "photos", "--out", "eval-randomisation"];
    place.run(&[&explain[..], &TINY].concat()).fails(&["another run", "--out"]);
    first.kill().unwrap();
    first.wait().unwrap();
    let explained = place.run(&[&explain[..], &TINY].concat()).succeeds();
    assert_eq!(explained.rows().len(), 3);
}

#[test]
fn a_replaced_photo_or_mask_is_noticed() {
    let place = Place::new();
    place.photos("photos", 3);
    for index in 0..3 {
        let mask = RgbImage::from_fn(48, 52, |x, _| image::Rgb([u8::from(x > 20); 3]));
        mask.save(place.path(&format!("photos/{index:02}_mask.png"))).unwrap();
    }
    let deletion = ["deletion", "--data", "photos", "--pixel-steps", "4"];
    let pointing = ["pointing", "--data", "photos"];
    place.photos("more", 4);
    let mosaics = ["grid-pointing", "--data", "more", "--mosaics", "2"];
    [&deletion[..], &pointing, &mosaics].into_iter().for_each(|arguments| drop(place.eval(arguments).succeeds()));
    let mask = place.path("photos/01_mask.png");
    RgbImage::from_fn(48, 52, |x, _| image::Rgb([u8::from(x > 30); 3])).save(mask).unwrap();
    // Deletion needs no mask.
    place.eval(&deletion).succeeds();
    place.eval(&pointing).fails(&["1 of the pictures", "01.png", "replaced", "--out"]);
    fs::copy(place.path("photos/00.png"), place.path("photos/02.png")).unwrap();
    place.eval(&deletion).fails(&["1 of the pictures", "02.png", "replaced"]);
    fs::copy(place.path("photos/00.png"), place.path("more/03.png")).unwrap();
    place.eval(&mosaics).fails(&["2 of the pictures", "03.png"]);
}

#[test]
fn masks_that_show_nothing_are_listed() {
    let place = Place::new();
    place.photos("photos", 3);
    let save = |name: &str, level: fn(u32) -> u16| {
        let mask = image::ImageBuffer::from_fn(48, 52, |x, _| image::Luma([level(x)]));
        mask.save(place.path(&format!("photos/{name}_mask.png"))).unwrap();
    };
    save("00", |x| u16::from(x > 20));
    save("01", |_| 0);
    save("02", |x| if x == 21 { 255 } else { u16::from(x > 20) });
    let run = place.eval(&["segmentation", "--data", "photos"]).fails(&["01_mask.png", "no pixel of value 1"]);
    assert!(run.stderr.contains("2 pictures, 1 could not be used"), "{}", run.stderr);
}

#[test]
fn bad_arguments() {
    let place = Place::new();
    place.photos("photos", 3);
    place.write("empty/notes.txt", b"");
    place.eval(&["deletion", "--data", "missing"]).fails(&["missing", "--data"]);
    place.eval(&["deletion", "--data", "empty"]).fails(&["empty", "no photos"]);
    place.eval(&["grid-pointing", "--data", "photos"]).fails(&["fewer than 4 classes", "--cells"]);
    place.eval(&["deletion", "--data", "photos", "--shard", "3/2"]).fails(&["3/100"]);
    place.eval(&["deletion", "--data", "photos", "--methods", "agf,nothing"]).fails(&["nothing"]);
    place.eval(&["deletion", "--data", "photos", "--labels", "none.csv"]).fails(&["none.csv"]);
    place.eval(&["deletion", "--data", "photos", "--audit"]).fails(&["--audit"]);
    place.run(&["eval", "nothing"]).fails(&["nothing"]);
}
