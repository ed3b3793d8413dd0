//! Files that get in the way: outputs that would replace inputs, leftovers of other runs, odd names, pipes, and full
//! disks.

use std::fs;

use crate::support::{Place, npy};

#[test]
fn inputs_are_never_overwritten() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    let array = npy("<f4", &[1, 3, 32, 40], &[0.5; 3 * 32 * 40]);
    place.write("x.0.npy", &array);
    let arguments = ["x.png", "x.0.npy", "--class", "0", "--save", "npy", "--out", "."];
    let run = place.explain(&arguments).fails(&["x.png: ", "x.0.npy is one of the inputs"]);
    assert_eq!(run.rows().len(), 1, "{}", run.stdout);
    assert_eq!(fs::read(place.path("x.0.npy")).unwrap(), array);
    assert_eq!(place.report(".")["failed"][0]["input"], "x.png");
}

#[test]
fn outputs_among_the_inputs_are_not_explained_again() {
    let place = Place::new();
    place.photo("photos/x.png", 40, 40);
    for _ in 0..2 {
        let run = place.explain(&["photos", "--out", "photos", "--class", "1", "--save", "overlay,heatmap,panel"]);
        assert_eq!(run.succeeds().rows().len(), 1);
    }
}

#[test]
fn a_value_that_is_not_finite_costs_only_its_picture() {
    let place = Place::new();
    let mut values = vec![0.5; 3 * 3 * 32 * 40];
    values[3 * 32 * 40 + 7] = f32::NAN;
    place.write("three.npy", &npy("<f4", &[3, 3, 32, 40], &values));
    let run = place.explain(&["three.npy", "--class", "1"]).fails(&["three.npy", "NaN"]);
    assert_eq!(run.rows().iter().map(|row| row[0]).collect::<Vec<_>>(), ["three.npy[0]", "three.npy[2]"]);
    assert_eq!(place.report("out")["failed"][0]["input"], "three.npy[1]");
}

#[test]
fn a_report_that_cannot_be_written_is_still_printed() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    place.write("out/report.json/in_the_way", b"");
    let run = place.explain(&["x.png", "--class", "1", "--json"]).fails(&["report.json"]);
    assert_eq!(run.json()["inputs"].as_array().unwrap().len(), 1);
}

#[test]
fn pointers_of_git_lfs_are_named() {
    let place = Place::new();
    place.write("x.jpg", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n");
    place.explain(&["x.jpg"]).fails(&["x.jpg", "git lfs pull"]);
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::unix::fs::symlink;
    use std::process::{Command, Stdio};

    use super::*;

    fn pipe(place: &Place, name: &str) {
        let made = Command::new("mkfifo").arg(place.path(name)).status().unwrap();
        assert!(made.success());
    }

    #[test]
    fn a_full_disk_behind_standard_output_costs_no_files() {
        let place = Place::new();
        for index in 0..4 {
            place.photo(&format!("photos/{index}.png"), 40, 40);
        }
        let tiny =
            ["explain", "photos", "--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40", "--batch", "3"];
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = place.command(&tiny).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert_eq!(errors.matches("error: cannot write to standard output").count(), 1, "{errors}");
        assert_eq!(place.report("out")["inputs"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn pipes_and_links_to_nothing_are_refused() {
        let place = Place::new();
        place.photo("photos/a.png", 40, 40);
        pipe(&place, "photos/b.png");
        symlink("nowhere.png", place.path("photos/c.png")).unwrap();
        let run = place.explain(&["photos", "--class", "1"]);
        assert_eq!((run.code, run.rows().len()), (2, 1), "{}", run.stderr);
        assert!(run.errors()[0].contains("b.png: is a named pipe"), "{}", run.stderr);
        assert!(run.errors()[1].contains("c.png: ") && run.errors()[1].contains("link"), "{}", run.stderr);
        place.explain(&["photos/b.png"]).fails(&["b.png: is a named pipe", "give a file"]);
        place.run(&["explain", "photos/a.png", "--weights", "photos/b.png"]).fails(&["b.png", "no regular file"]);
    }

    #[test]
    fn control_characters_in_names_are_escaped() {
        let place = Place::new();
        place.photo("a\tb\nc\x1b.png", 40, 40);
        place.write("d\ne.jpg", b"no picture");
        let run = place.explain(&["a\tb\nc\x1b.png", "d\ne.jpg", "--class", "1"]).fails(&["d\\ne.jpg"]);
        assert_eq!(run.rows().len(), 1, "{}", run.stdout);
        assert_eq!(run.rows()[0][0], "a\\tb\\nc\\u{1b}.png");
        assert_eq!(place.report("out")["inputs"][0]["input"], "a\tb\nc\x1b.png");
    }

    #[test]
    fn names_that_grow_too_long_are_the_problem() {
        let place = Place::new();
        let name = format!("{}.png", "x".repeat(250));
        place.photo("x.png", 40, 40);
        fs::rename(place.path("x.png"), place.path(&name)).unwrap();
        place.explain(&[&name, "--class", "1"]).fails(&["name is too long", "rename"]);
    }

    #[test]
    fn unfinished_files_of_dead_processes_are_removed() {
        let place = Place::new();
        place.photo("photos/a/x.png", 40, 40);
        let alive = format!("out/a/.agf-{}-0.part", std::process::id());
        for name in ["out/.agf-4194305-0.part", "out/a/.agf-4194305-7.part", &alive] {
            place.write(name, b"half");
        }
        place.explain(&["photos", "--class", "1"]).succeeds();
        assert_eq!(place.files("out"), [&alive[4..], "a/x.1.overlay.png", "report.json"]);
    }
}
