//! `tune`: choices are measured, kept, used and, where they are of no use, ignored with a note.

use crate::support::{Place, Run};
use std::fs;

fn run(place: &Place, line: &[&str]) -> Run {
    let mut command = place.command(line);
    for variable in ["HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"] {
        command.env(variable, place.path("cache"));
    }
    place.run_command(command).succeeds()
}

/// Choices for tiles of both sizes lie in one file, and each is used where its size is allowed.
#[test]
fn choices_for_large_tiles_have_their_own_shapes() {
    let place = Place::new();
    let tune = ["tune", "--model", "tiny_vgg", "--size", "32x40", "--seconds", "0"];
    run(&place, &tune);
    let tuned = run(&place, &[&tune[..], &["--winograd", "4"]].concat());
    assert!(tuned.stdout.contains("Winograd F(4x4) allowed"), "{}", tuned.stdout);
    let name = place.files("cache").into_iter().find(|name| name.ends_with(".json")).expect("a file of choices");
    let text = fs::read_to_string(place.path("cache").join(name)).expect("the file");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let choices = document["choices"].as_array().expect("choices");
    let largest = |tile: &str| choices.iter().filter(|choice| choice["shape"]["winograd"] == tile).count();
    assert!(largest("two") > 0 && largest("two") == largest("four"), "{text}");
    for tile in ["2", "4"] {
        let used = run(&place, &["devices", "--winograd", tile]);
        assert!(used.stdout.contains("Tuned") && !used.stderr.contains("warning"), "{}", used.stderr);
    }
}

#[test]
fn choices_are_kept_and_bad_files_are_ignored() {
    let place = Place::new();
    place.photo("a.png", 40, 40);
    let tuned = run(&place, &["tune", "--model", "tiny_vgg", "--size", "32x40", "--seconds", "0"]);
    assert!(tuned.stdout.contains("speed-up") && tuned.stdout.contains("direct"), "{}", tuned.stdout);
    let name = place.files("cache").into_iter().find(|name| name.ends_with(".json")).expect("a file of choices");
    let file = place.path("cache").join(name);
    let text = fs::read_to_string(&file).expect("the file");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let choices = document["choices"].as_array().expect("choices").len();
    assert_eq!(document["schema"], 1);
    assert!(choices > 5 && tuned.stdout.lines().count() == choices + 2, "{}", tuned.stdout);

    let predict = ["predict", "a.png", "--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40"];
    let used = run(&place, &predict);
    assert!(used.stderr.contains(", tuned") && !used.stderr.contains("warning"), "{}", used.stderr);
    assert!(!run(&place, &[&predict[..], &["--no-tuning"]].concat()).stderr.contains(", tuned"));
    assert!(run(&place, &["devices"]).stdout.contains(&format!("Tuned: choices of agf-run tune for {choices} shapes")));
    let ignored = |content: &str, words: &str| {
        fs::write(&file, content).expect("a faulty file");
        let faulty = run(&place, &["devices"]);
        let notes: Vec<&str> = faulty.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
        assert_eq!(notes.len(), 1, "{}", faulty.stderr);
        for words in [words, "ignored", "agf-run tune", &file.display().to_string()] {
            assert!(notes[0].contains(words), "'{words}' is missing in: {}", notes[0]);
        }
        assert!(!faulty.stdout.contains("Tuned"), "{}", faulty.stdout);
    };
    assert!(!run(&place, &["devices", "--no-tuning"]).stdout.contains("Tuned"));

    ignored(&text[..text.len() / 2], "damaged");
    ignored(&text.replace("\"direct\"", "\"unheard of\""), "unheard of");
    ignored(&text.replace("\"driver version\": \"", "\"driver version\": \"0."), "driver version");
    ignored(&text.replace("\"row_tiles\": 1", "\"row_tiles\": 9"), "does not run on this adapter");
}
