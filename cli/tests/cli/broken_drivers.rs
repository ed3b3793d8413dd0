//! Drivers that fail at a chosen moment, through a Vulkan layer (`tests/faults/layer.c`) between the program and a
//! sound one: the device is lost, memory runs out, a pipeline does not compile, results are NaN.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::support::{Place, Run, compiled};

const LAYER: &str = "VK_LAYER_AGF_faults";
const TINY: [&str; 6] = ["--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40"];
const EXPLAIN: [&str; 5] = ["explain", "photos", "--save", "npy,heatmap,overlay", "--batch=1"];
const EVAL: [&str; 7] = ["eval", "perturbation", "--data", "photos", "--methods", "agf,gradient", "--batch=1"];

/// The layer, compiled once, with the file by which Vulkan's loader finds it.
fn layer() -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let made = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let library = compiled("layer.c", folder.path());
        let manifest = serde_json::json!({"file_format_version": "1.2.0", "layer": {
            "name": LAYER, "type": "GLOBAL", "library_path": library, "api_version": "1.3.0",
            "implementation_version": "1", "description": "fails when it is told to",
        }});
        fs::write(folder.path().join("layer.json"), manifest.to_string()).unwrap();
        folder
    });
    made.path().into()
}

/// What shall fail, by the layer's variable: numbers of calls.
type Faults<'a> = (&'a str, &'a [u32]);

const NONE: Faults = ("FAULTY_SUBMISSIONS", &[]);

impl Place {
    fn run_with(&self, (variable, calls): Faults, line: &[&[&str]]) -> Run {
        let mut command = self.command(&line.concat());
        let calls: Vec<String> = calls.iter().map(u32::to_string).collect();
        command.env("VK_LAYER_PATH", layer()).env("VK_INSTANCE_LAYERS", LAYER).env(variable, calls.join(","));
        command.env("FAULTY_COUNTS", self.path("counts"));
        self.run_command(command)
    }

    /// Submissions, allocations, pipelines, readings and copies on the GPU of the last run.
    fn counts(&self) -> [u32; 5] {
        let text = fs::read_to_string(self.path("counts")).expect("the layer was loaded");
        let counts: Vec<u32> = text.split_whitespace().map(|count| count.parse().unwrap()).collect();
        counts.try_into().unwrap()
    }
}

fn place(count: u32) -> Place {
    let place = Place::new();
    place.photos("photos", count);
    place
}

/// Some numbers from 1 to `last`, the first and the last among them.
fn some(last: u32, step: usize) -> Vec<u32> {
    let mut numbers: Vec<u32> = (1..=last).step_by(step).collect();
    numbers.extend((numbers.last() != Some(&last)).then_some(last));
    numbers
}

fn warnings(run: &Run) -> usize {
    run.stderr.matches("warning: the GPU was lost; going on with a new device").count()
}

#[test]
fn a_device_lost_at_any_submission_costs_nothing() {
    let place = place(4);
    let whole = place.run_with(NONE, &[&EXPLAIN, &TINY, &["--out", "whole"]]).succeeds();
    let [submissions, ..] = place.counts();
    assert!(submissions > 4, "{submissions} submissions of 4 pictures");
    for number in some(submissions, 3) {
        let out = format!("lost{number}");
        let run = place.run_with(("FAULTY_SUBMISSIONS", &[number]), &[&EXPLAIN, &TINY, &["--out", &out]]).succeeds();
        assert_eq!(warnings(&run), 1, "{}", run.stderr);
        assert_eq!(place.report(&out)["lost_devices"], 1);
        assert_eq!(run.stdout.replace(&out, "whole"), whole.stdout);
        assert!(place.contents(&out) == place.contents("whole"), "submission {number}");
    }
}

#[test]
fn the_fourth_loss_ends_the_run_and_another_goes_on() {
    let place = place(6);
    place.run_with(NONE, &[&EXPLAIN, &TINY, &["--out", "whole"]]).succeeds();
    let for_good: Vec<u32> = (8..100).collect();
    let line: [&[&str]; 3] = [&EXPLAIN, &TINY, &["--out", "ended"]];
    let run = place.run_with(("FAULTY_SUBMISSIONS", &for_good), &line);
    assert_eq!((run.code, warnings(&run)), (2, 3), "{}", run.stderr);
    let report = place.report("ended");
    let [done, failed] = ["inputs", "failed"].map(|list| report[list].as_array().unwrap().len() as u64);
    let undone = report["undone"].as_u64().unwrap();
    assert!(done > 0 && undone > 0 && done + failed + undone == 6, "{done} done, {failed} failed, {undone} undone");
    let last = run.errors().pop().unwrap().to_owned();
    assert!(last.starts_with("error: the GPU was lost again and again; ") && last.ends_with("not done"), "{last}");
    let whole = place.contents("whole");
    assert!(place.contents("ended").iter().all(|file| whole.contains(file)));
    place.run(&[&line.concat()[..], &["--resume"]].concat()).succeeds();
    assert!(place.contents("ended") == whole);
}

#[test]
fn commands_without_maps_outlive_a_device_too() {
    let place = place(3);
    for line in [
        &["predict", "photos"][..],
        &["embed", "photos", "--out", "vectors.npy"],
        &["neighbours", "photos", "--in", "photos", "--out", "near", "--cache", "vectors"],
    ] {
        let whole = place.run_with(NONE, &[line, &TINY]).succeeds();
        let [submissions, ..] = place.counts();
        // So that what was kept is computed again.
        let _ = fs::remove_dir_all(place.path("vectors"));
        let run = place.run_with(("FAULTY_SUBMISSIONS", &[submissions - 1]), &[line, &TINY]).succeeds();
        assert_eq!((warnings(&run), &run.stdout), (1, &whole.stdout), "{}", run.stderr);
    }
}

#[test]
fn an_evaluation_outlives_its_device() {
    let place = place(5);
    let whole = place.run_with(NONE, &[&EVAL, &TINY, &["--out", "whole"]]).succeeds();
    let [submissions, ..] = place.counts();
    let lost = [2, submissions / 2, submissions];
    let run = place.run_with(("FAULTY_SUBMISSIONS", &lost), &[&EVAL, &TINY, &["--out", "lost"]]).succeeds();
    assert_eq!((warnings(&run), &run.stdout), (3, &whole.stdout), "{}", run.stderr);
    assert!(place.contents("lost") == place.contents("whole"));
    let for_good: Vec<u32> = (submissions / 2..9 * submissions).collect();
    let line: [&[&str]; 3] = [&EVAL, &TINY, &["--out", "ended"]];
    place.run_with(("FAULTY_SUBMISSIONS", &for_good), &line).fails(&["the GPU was lost while"]);
    assert_eq!(place.files("ended"), ["records.jsonl"]);
    place.run(&line.concat()).succeeds();
    assert!(place.contents("ended") == place.contents("whole"));
}

#[test]
fn no_memory_is_named() {
    let place = place(2);
    place.run_with(NONE, &[&EXPLAIN, &TINY, &["--out", "whole"]]).succeeds();
    let [_, allocations, ..] = place.counts();
    let whole = place.contents("whole");
    let mut failures = 0;
    for number in 1..=allocations {
        let out = format!("out{number}");
        let run = place.run_with(("FAULTY_ALLOCATIONS", &[number]), &[&EXPLAIN, &TINY, &["--out", &out]]);
        let errors = run.errors();
        assert_eq!(run.code, if errors.is_empty() { 0 } else { 2 }, "allocation {number}: {}", run.stderr);
        assert!(errors.iter().all(|error| error.contains("memory")), "allocation {number}: {}", run.stderr);
        // Without a device not even the folder is made.
        fs::create_dir_all(place.path(&out)).unwrap();
        assert!(place.contents(&out).iter().all(|file| whole.contains(file)), "allocation {number}");
        failures += errors.len();
    }
    assert!(failures > 0, "none of {allocations} allocations was missed");
}

/// wgpu takes a driver that cannot compile for a lost device.
#[test]
fn a_pipeline_that_does_not_compile_is_made_on_another_device() {
    let place = place(4);
    place.run_with(NONE, &[&EXPLAIN, &TINY, &["--out", "whole"]]).succeeds();
    let [_, _, pipelines, ..] = place.counts();
    for number in some(pipelines, 9) {
        let out = format!("out{number}");
        let run = place.run_with(("FAULTY_PIPELINES", &[number]), &[&EXPLAIN, &TINY, &["--out", &out]]).succeeds();
        assert_eq!(warnings(&run), 1, "pipeline {number}: {}", run.stderr);
        assert!(place.contents(&out) == place.contents("whole"), "pipeline {number}");
    }
    let all: Vec<u32> = (pipelines / 2..20 * pipelines).collect();
    let run = place.run_with(("FAULTY_PIPELINES", &all), &[&EXPLAIN, &TINY]);
    assert_eq!((run.code, warnings(&run)), (2, 3), "{}", run.stderr);
    assert!(run.errors().iter().all(|error| error.contains("the GPU was lost")), "{}", run.stderr);
}

/// The program's words for a driver that it found out.
const WRONG: &str = "this driver computes wrong results";

#[test]
fn nothing_comes_of_a_driver_that_gives_nan() {
    let place = place(2);
    let all: Vec<u32> = (1..2000).collect();
    for line in [&["predict", "photos"][..], &EXPLAIN, &[&EVAL[..], &["--out", "out"]].concat()] {
        let run = place.run_with(("FAULTY_READINGS", &all), &[line, &TINY]);
        let errors = run.errors();
        assert!(run.code != 0 && run.stdout.is_empty() && !errors.is_empty(), "{}\n{}", run.stdout, run.stderr);
        assert!(errors.iter().all(|error| error.contains(WRONG)), "{}", run.stderr);
    }
}

#[test]
fn maps_of_a_driver_that_begins_to_give_nan_are_not_written() {
    let place = place(3);
    place.run_with(NONE, &[&EXPLAIN, &TINY, &["--out", "whole"]]).succeeds();
    let [_, _, _, readings, _] = place.counts();
    let whole = place.contents("whole");
    assert!(readings > 20, "{readings} readings of 3 pictures");
    let mut failures = 0;
    for number in some(readings, 5) {
        let for_good: Vec<u32> = (number..20 * readings).collect();
        for (what, faults) in [("once", &[number][..]), ("for_good", &for_good)] {
            let out = format!("{what}{number}");
            let run = place.run_with(("FAULTY_READINGS", faults), &[&EXPLAIN, &TINY, &["--out", &out]]);
            let errors = run.errors();
            assert_eq!(run.code, if errors.is_empty() { 0 } else { 2 }, "{out}: {}", run.stderr);
            assert!(errors.iter().all(|error| error.contains(WRONG)), "{out}: {}", run.stderr);
            fs::create_dir_all(place.path(&out)).unwrap();
            let contents = place.contents(&out);
            assert!(contents.iter().all(|file| whole.contains(file)), "{out}: {:?}", place.files(&out));
            assert_eq!(contents.len() == whole.len(), errors.is_empty(), "{out}: {}", run.stderr);
            failures += errors.len();
        }
    }
    assert!(failures > 5, "{failures}");
}

/// Evaluates with drivers that begin to give NaN at every `step`-th call of a kind, once and for good: nothing is
/// recorded that a sound one does not give. Says how often that ended the run.
fn scores_with_nan(place: &Place, line: &[&str], variable: &str, counted: usize, step: usize) -> u32 {
    let run = |faults: Faults, out: &str| place.run_with(faults, &[line, &TINY, &["--out", out]]);
    let records = |out: &str| {
        let text = fs::read_to_string(place.path(out).join("records.jsonl")).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let name = line[1];
    run(NONE, &format!("{name}-whole")).succeeds();
    let calls = place.counts()[counted];
    let whole = records(&format!("{name}-whole"));
    let mut failures = 0;
    for number in some(calls, step) {
        let for_good: Vec<u32> = (number..20 * calls).collect();
        for (what, faults) in [("once", &[number][..]), ("for_good", &for_good)] {
            let out = format!("{name}-{variable}-{what}{number}");
            let run = run((variable, faults), &out);
            assert!(run.code == 0 || run.stderr.contains(WRONG), "{out}: {}", run.stderr);
            let found = records(&out);
            let wrong = found.iter().find(|line| !whole.contains(line));
            assert!(wrong.is_none(), "{out}: {wrong:?}");
            assert!(run.code != 0 || found.len() == whole.len(), "{out}: {}", run.stderr);
            failures += u32::from(run.code != 0);
        }
    }
    failures
}

#[test]
fn scores_of_a_driver_that_begins_to_give_nan_are_not_recorded() {
    let place = place(3);
    let failures = scores_with_nan(&place, &EVAL, "FAULTY_READINGS", 3, 7);
    assert!(failures > 8, "{failures}");
}

#[test]
fn nor_are_those_of_maps_that_come_to_the_host() {
    let place = place(3);
    place.masks("photos", 3);
    for line in [
        &["eval", "segmentation"][..],
        &["eval", "pointing"],
        &["eval", "grid-pointing", "--mosaics", "2", "--cells", "1x2"],
        &["eval", "randomisation", "--stages", "2"],
    ] {
        let line = [line, &["--data", "photos", "--methods", "agf", "--batch=2"]].concat();
        let failures = scores_with_nan(&place, &line, "FAULTY_READINGS", 3, 5);
        assert!(failures > 2, "{line:?}: {failures}");
    }
}

/// The host sees nothing of them but their range.
#[test]
fn nor_are_those_of_maps_that_stay_on_the_gpu() {
    let place = place(3);
    let line = ["eval", "insertion", "--pixel-steps", "4", "--data", "photos", "--methods", "agf", "--batch=1"];
    for line in [&EVAL[..], &line] {
        let failures = scores_with_nan(&place, line, "FAULTY_COPIES", 4, 1);
        assert!(failures > 3, "{line:?}: {failures}");
    }
}
