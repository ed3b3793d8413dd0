//! Signals that ask the program to end. SIGTERM stands for all of them, as SIGINT is ignored where tests run in the
//! background.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Place, npy};

const TINY: [&str; 9] =
    ["explain", "many.npy", "--model", "tiny_vgg", "--weights", "synthetic", "--batch", "1", "--class=1"];
const COUNT: usize = 1000;

fn place() -> Place {
    let place = Place::new();
    let values = vec![0.5; COUNT * 3 * 32 * 40];
    place.write("many.npy", &npy("<f4", &[COUNT, 3, 32, 40], &values));
    place
}

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

fn wait_for_first_map(place: &Place) {
    let (first, started) = (place.path("out/many.0.1.overlay.png"), Instant::now());
    while !first.exists() {
        assert!(started.elapsed() < Duration::from_secs(120), "no map is written");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The program has told what it left undone, on standard error and in the report.
#[track_caller]
fn check_end(place: &Place, child: Child) {
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("stopping after this run; press again to stop at once"), "{errors}");
    let report = place.report("out");
    let undone = COUNT - report["inputs"].as_array().unwrap().len();
    assert!(undone > 0 && errors.contains(&format!("error: interrupted; {undone} inputs were not done")), "{errors}");
    assert_eq!(report["undone"], undone);
    assert!(place.files("out").iter().all(|name| !name.ends_with(".part")));
}

#[test]
fn an_interrupted_run_reports_what_is_done_and_goes_on_later() {
    let place = place();
    let child = start(place.command(&TINY));
    wait_for_first_map(&place);
    send("-TERM", &child);
    check_end(&place, child);
    let done = place.report("out")["inputs"].as_array().unwrap().len();
    let run = place.run(&[&TINY[..], &["--resume"]].concat()).succeeds();
    assert_eq!(run.rows().len(), COUNT - done);
    let report = place.report("out");
    assert_eq!((report["inputs"].as_array().unwrap().len(), &report["undone"]), (COUNT, &0.into()));
}

/// Scripts start background jobs with SIGINT ignored.
#[test]
fn an_ignored_signal_stays_ignored_and_another_is_heeded() {
    let place = place();
    let program = place.command(&TINY);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' INT; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.current_dir(program.get_current_dir().unwrap());
    let child = start(command);
    wait_for_first_map(&place);
    send("-INT", &child);
    send("-INT", &child);
    let second = place.path("out/many.20.1.overlay.png");
    let started = Instant::now();
    while !second.exists() {
        assert!(started.elapsed() < Duration::from_secs(120), "the run has ended");
        std::thread::sleep(Duration::from_millis(2));
    }
    send("-TERM", &child);
    check_end(&place, child);
}

/// Sends a signal to a program that would go on for long, waits for its end, and gives what it says.
#[track_caller]
fn stop_in_the_middle(command: Command) -> String {
    let mut child = start(command);
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut introduction = String::new();
    errors.read_line(&mut introduction).unwrap();
    assert!(introduction.contains("tiny_vgg"), "{introduction}");
    // Into the runs.
    std::thread::sleep(Duration::from_secs(3));
    send("-TERM", &child);
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("the work goes on");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    rest
}

const TINY_PHOTO: [&str; 6] = ["--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40"];

/// A picture that takes many runs is not waited for.
#[test]
fn the_work_ends_between_the_runs_of_a_picture() {
    let place = Place::new();
    place.photo("x.png", 40, 40);
    let line = ["explain", "x.png", "--method", "smoothgrad", "--samples", "1000000"];
    let rest = stop_in_the_middle(place.command(&[&line[..], &TINY_PHOTO].concat()));
    assert!(rest.contains("error: interrupted; 1 input was not done"), "{rest}");
    let report = place.report("out");
    assert_eq!((&report["undone"], &report["failed"]), (&1.into(), &serde_json::json!([])));
}

/// Nor are many methods and randomised networks of one batch.
#[test]
fn an_evaluation_ends_between_the_runs_of_a_picture() {
    let place = Place::new();
    (0..3).for_each(|index| place.photo(&format!("photos/{index}.png"), 40, 40));
    let line = ["eval", "randomisation", "--data", "photos", "--methods", "all", "--stages", "1000"];
    let rest = stop_in_the_middle(place.command(&[&line[..], &TINY_PHOTO].concat()));
    assert!(rest.contains("error: interrupted; 3 of 3 pictures not done; run again to go on"), "{rest}");
    assert_eq!(place.files("eval-randomisation"), ["records.jsonl"]);
}
