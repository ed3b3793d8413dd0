//! The folder `tests/hostile`: pictures made to do harm, with the answer to each in its table; and files too large to
//! be kept there.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use crate::support::{Place, of_repository};

/// How long anything may take on a slow, busy machine. Each file takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Words of each file's error, or `read`.
fn answers() -> BTreeMap<String, String> {
    let table = fs::read_to_string(of_repository("tests/hostile/answers.csv")).unwrap();
    let answer = |line: &str| {
        let (file, answer) = line.split_once(',').unwrap_or_else(|| panic!("{line}"));
        (file.to_owned(), answer.to_owned())
    };
    table.lines().skip(1).map(answer).collect()
}

#[test]
fn every_hostile_picture_has_its_answer() {
    let folder = of_repository("tests/hostile");
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != "answers.csv").collect();
    names.sort();
    let answers = answers();
    assert_eq!(names, answers.keys().cloned().collect::<Vec<_>>());

    let files: Vec<String> = names.iter().map(|name| format!("{folder}/{name}")).collect();
    let command = ["predict", "--model", "tiny_vgg", "--weights", "synthetic"];
    let arguments: Vec<&str> = command.into_iter().chain(files.iter().map(String::as_str)).collect();
    let started = Instant::now();
    let run = Place::new().run(&arguments);
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    assert_eq!(run.code, 2, "{}", run.stderr);
    for (file, (name, answer)) in files.iter().zip(&answers) {
        let error = run.errors().into_iter().find(|error| error.contains(file.as_str()));
        let is_read = run.rows().iter().any(|row| row[0] == file);
        match (error, answer.as_str()) {
            (None, "read") => assert!(is_read, "{name} is neither read nor refused"),
            (Some(error), words) => assert!(error.contains(words) && !is_read, "{name}: {error}"),
            (None, words) => panic!("{name} should be refused with: {words}"),
        }
    }
}

/// A JPEG file of 64 MB of metadata, most of it behind a segment that claims to be EXIF.
#[test]
fn metadata_without_end_are_skipped() {
    let place = Place::new();
    let photo = fs::read(of_repository("samples/espresso.jpg")).unwrap();
    let segment = [&[0xFF, 0xE1, 0xFF, 0xFF][..], b"Exif\0\0II*\0\x08\0\0\0\xFF\xFF", &[1; 65_517]].concat();
    place.write("x.jpg", &[&photo[..2], &segment.repeat(1000), &photo[2..]].concat());
    let started = Instant::now();
    let run = place.run(&["predict", "--model", "tiny_vgg", "--weights", "synthetic", "x.jpg"]).succeeds();
    assert_eq!(run.rows()[0][0], "x.jpg");
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn rules_nested_without_end_are_refused() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    let depth = 100_000;
    for (name, text) in [
        ("arrays", format!("a = {}{}", "[".repeat(depth), "]".repeat(depth))),
        ("tables", format!("a = {}1{}", "{ a = ".repeat(depth), " }".repeat(depth))),
        ("keys", format!("{}a = 1", "a.".repeat(depth))),
    ] {
        place.write(&format!("{name}.toml"), text.as_bytes());
        let file = format!("{name}.toml");
        let started = Instant::now();
        place.explain(&["x.png", "--rules", &file]).fails(&[&file]);
        assert!(started.elapsed() < PATIENCE, "{name}: {:?}", started.elapsed());
    }
}

/// A list of a million photos of which one is there.
#[test]
fn a_list_of_a_million_lines_is_read_in_no_time() {
    let place = Place::new();
    place.photo("photos/7.png", 40, 40);
    let list: String = (0..1_000_000).map(|index| format!("{index}.png,class {}\n", index % 10)).collect();
    place.write("photos/labels.csv", list.as_bytes());
    let arguments = ["eval", "deletion", "--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40"];
    let options = ["--data", "photos", "--pixel-steps", "2", "--limit", "20", "--methods", "gradient"];
    let started = Instant::now();
    let run = place.run(&[&arguments[..], &options].concat());
    assert_eq!((run.code, run.errors().len()), (2, 20), "{}", run.stderr);
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}
