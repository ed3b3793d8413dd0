//! Systems that fail: full and read-only disks at any call that changes something (a preloaded library, `tests/faults/
//! system.c`, makes them fail), kills at any moment, few handles, little memory, odd clocks.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::seed::seed;
use crate::support::{Place, Run, compiled, npy};

const TINY: [&str; 6] = ["--model", "tiny_vgg", "--weights", "synthetic", "--size", "32x40"];
const EXPLAIN: [&str; 5] = ["explain", "photos", "--save", "npy,heatmap,overlay,panel", "--batch=1"];
const EVAL: [&str; 7] = ["eval", "perturbation", "--data", "photos", "--methods", "agf,gradient", "--batch=1"];

/// Numbers of the system's errors.
const NO_SPACE: (i32, &str) = (28, "No space left on device");
const READ_ONLY: (i32, &str) = (30, "Read-only file system");

/// The library, compiled once.
fn library() -> PathBuf {
    static FOLDER: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let made = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let library = compiled("system.c", folder.path());
        (folder, library)
    });
    made.1.clone()
}

impl Place {
    /// Runs with `--out` and every change below it failing from call number `from` on; gives how many calls there were.
    fn run_failing(&self, line: &[&str], out: &str, from: u32, (number, _): (i32, &str)) -> (Run, u32) {
        let folder = self.true_path().join(out);
        let mut command = self.command(&[line, &TINY, &["--out", folder.to_str().unwrap()]].concat());
        command.env("LD_PRELOAD", library()).env("FAULTY_FOLDER", &folder).env("FAULTY_CALLS", self.path("calls"));
        command.env("FAULTY_FROM", from.to_string()).env("FAULTY_ERROR", number.to_string());
        let run = self.run_command(command);
        let calls = fs::read_to_string(self.path("calls")).expect("the library was loaded");
        (run, calls.trim().parse().unwrap())
    }

    fn true_path(&self) -> PathBuf {
        self.path(".").canonicalize().unwrap()
    }

    /// The program behind a line of shell that changes its limits.
    fn limited(&self, limit: &str, line: &[&str]) -> Command {
        let program = self.command(line);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")]).arg(program.get_program());
        command.args(program.get_args()).current_dir(program.get_current_dir().unwrap());
        for (name, value) in program.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
    }
}

fn place(photos: u32) -> Place {
    let place = Place::new();
    place.photos("photos", photos);
    place
}

/// A first, some, and a last number of a call.
fn some(last: u32, count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(move |index| 1 + index * (last - 1) / (count - 1))
}

#[test]
fn a_disk_that_fills_up_at_any_write_leaves_whole_files() {
    let place = place(3);
    let (run, calls) = place.run_failing(&EXPLAIN, "whole", 1_000_000, NO_SPACE);
    run.succeeds();
    let whole = place.contents("whole");
    assert!(calls > 40, "{calls} calls");
    for (from, error) in some(calls, 12).zip([NO_SPACE, READ_ONLY].into_iter().cycle()) {
        let out = format!("full{from}");
        let (run, _) = place.run_failing(&EXPLAIN, &out, from, error);
        assert_eq!(run.code, 2, "call {from}: {}", run.stderr);
        for message in run.errors() {
            assert!(message.contains("cannot write") && message.contains(error.1), "call {from}: {message}");
            assert!(message.contains(&out) && !message.contains(".part"), "call {from}: {message}");
        }
        assert!(place.path(&out).is_dir() || from == 1, "call {from}");
        fs::create_dir_all(place.path(&out)).unwrap();
        let left = place.contents(&out);
        assert!(left.iter().all(|file| whole.contains(file)), "call {from}: {:?}", place.files(&out));
        place.run(&[&EXPLAIN[..], &TINY, &["--out", &out, "--resume"]].concat()).succeeds();
        assert!(place.contents(&out) == whole, "call {from}");
    }
}

#[test]
fn an_evaluation_goes_on_where_its_disk_was_full() {
    let place = place(4);
    let (run, calls) = place.run_failing(&EVAL, "whole", 1_000_000, NO_SPACE);
    let whole = (run.succeeds().stdout, place.contents("whole"));
    let mut failed = 0;
    for (from, error) in some(calls, 8).zip([NO_SPACE, READ_ONLY].into_iter().cycle()) {
        let out = format!("full{from}");
        let (run, made) = place.run_failing(&EVAL, &out, from, error);
        // A slow run writes its summary more often, by the clock: a quick one may end before the last calls of that.
        if made < from {
            run.succeeds();
        } else {
            run.fails(&["cannot", error.1, &out]);
            failed += 1;
        }
        fs::create_dir_all(place.path(&out)).unwrap();
        assert!(place.files(&out).iter().all(|name| !name.ends_with(".part")));
        let rest = place.run(&[&EVAL[..], &TINY, &["--out", &out]].concat()).succeeds();
        assert_eq!(rest.stdout, whole.0, "call {from}");
        assert!(place.contents(&out) == whole.1, "call {from}");
    }
    assert!(failed > 4, "{failed} of 8 runs failed");
}

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn wait_for(path: &std::path::Path) {
    let started = Instant::now();
    while !path.exists() {
        assert!(started.elapsed() < Duration::from_secs(120), "no {}", path.display());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A line that explains many inputs, and takes seconds for it.
fn many(place: &Place) -> Vec<&'static str> {
    const COUNT: usize = 400;
    place.write("many.npy", &npy("<f4", &[COUNT, 3, 32, 40], &vec![0.5; COUNT * 3 * 32 * 40]));
    let line = ["explain", "many.npy", "--class=1", "--save", "npy", "--batch=1", "--model", "tiny_vgg"];
    [&line[..], &["--weights", "synthetic"]].concat()
}

/// Whether all files of the folder are among `whole`, but for what was being written when the run or the folder went,
/// which says so by its name.
fn are_whole(place: &Place, folder: &str, whole: &[(String, Vec<u8>)]) -> bool {
    place.contents(folder).iter().all(|file| whole.contains(file) || file.0.ends_with(".part"))
}

/// Ten moments, one behind the other; each run goes on where the one before ended, however it did.
#[test]
fn runs_that_are_killed_at_any_moment_lead_to_the_same_files() {
    let place = Place::new();
    let line = many(&place);
    place.run(&[&line[..], &["--out", "whole"]].concat()).succeeds();
    let whole = place.contents("whole");
    let mut state = seed();
    let mut killed = 0;
    for signal in ["-KILL", "-TERM", "-KILL", "-HUP", "-KILL", "-TERM", "-KILL", "-TERM", "-KILL", "-KILL"] {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        let mut child = start(place.command(&[&line[..], &["--resume"]].concat()));
        std::thread::sleep(Duration::from_millis(100 + (state >> 33) % 600));
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        assert!(sent.is_ok());
        let status = child.wait().unwrap();
        killed += usize::from(status.signal().is_some() || status.code() == Some(2));
        fs::create_dir_all(place.path("out")).unwrap();
        assert!(are_whole(&place, "out", &whole), "{signal}, {status}: {:?}", place.files("out"));
    }
    assert!(killed > 0, "no run was killed");
    place.run(&[&line[..], &["--resume"]].concat()).succeeds();
    assert!(place.contents("out") == whole);
    assert_eq!(place.report("out")["inputs"].as_array().unwrap().len(), whole.len());
}

#[test]
fn a_folder_that_is_moved_away_takes_whole_files_along() {
    let place = Place::new();
    let line = many(&place);
    place.run(&[&line[..], &["--out", "whole"]].concat()).succeeds();
    let mut child = start(place.command(&line));
    wait_for(&place.path("out/many.3.1.npy"));
    fs::rename(place.path("out"), place.path("gone")).unwrap();
    assert!(child.wait().unwrap().code().is_some());
    let whole = place.contents("whole");
    assert!(are_whole(&place, "gone", &whole), "{:?}", place.files("gone"));
    place.run(&[&line[..], &["--resume"]].concat()).succeeds();
    assert!(place.contents("out") == whole);
}

#[test]
fn two_runs_do_not_write_into_one_folder() {
    let place = Place::new();
    let line = many(&place);
    let mut child = start(place.command(&line));
    wait_for(&place.path("out/many.0.1.npy"));
    place.run(&line).fails(&["another run is writing into out", "--out"]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn sixty_four_handles_are_enough() {
    let place = place(40);
    let line = [&EXPLAIN[..4], &["--batch=16"], &TINY].concat();
    place.run_command(place.limited("ulimit -n 64", &line)).succeeds();
    place.run_command(place.limited("ulimit -n 64", &[&EVAL[..6], &["--batch=16"], &TINY].concat())).succeeds();
}

/// Mesa's software driver takes a gigabyte of addresses, and ends the process where it has less: then files are whole.
#[test]
fn with_little_memory_files_are_whole() {
    let place = place(4);
    place.run(&[&EXPLAIN[..], &TINY, &["--out", "whole"]].concat()).succeeds();
    let whole = place.contents("whole");
    for kibibytes in [300_000, 600_000, 1_200_000] {
        let mut command = place.limited(&format!("ulimit -v {kibibytes}"), &[&EXPLAIN[..], &TINY].concat());
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        println!("{kibibytes} KiB: {status}");
        assert_ne!(status.code(), Some(101), "a panic with {kibibytes} KiB");
        fs::create_dir_all(place.path("out")).unwrap();
        assert!(place.contents("out").iter().all(|file| whole.contains(file)), "{:?}", place.files("out"));
    }
    place.run(&[&EXPLAIN[..], &TINY, &["--resume"]].concat()).succeeds();
    assert!(place.contents("out") == whole);
}

#[test]
fn a_clock_that_is_set_back_changes_nothing() {
    let place = place(3);
    place.run(&[&EXPLAIN[..], &TINY, &["--out", "whole"]].concat()).succeeds();
    for line in [&EXPLAIN[..], &EVAL] {
        let mut command = place.command(&[line, &TINY, &["--out", "set_back"]].concat());
        command.env("LD_PRELOAD", library()).env("FAULTY_CLOCK", "4000");
        place.run_command(command).succeeds();
        if line == EXPLAIN {
            assert!(place.contents("set_back") == place.contents("whole"));
        }
        fs::remove_dir_all(place.path("set_back")).unwrap();
    }
}

#[test]
fn without_a_home_or_a_cache_all_goes_well() {
    let place = place(2);
    for folder in ["/proc/none", "/dev/null/none", ""] {
        let mut command = place.command(&[&EXPLAIN[..], &TINY].concat());
        for variable in ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MESA_SHADER_CACHE_DIR"] {
            command.env(variable, folder);
        }
        assert_eq!(place.run_command(command).succeeds().rows().len(), 2, "{folder}");
    }
}

#[test]
fn closed_streams_cost_no_files() {
    let place = place(2);
    for (closed, line) in [(">&-", "out"), ("2>&-", "err"), (">&- 2>&- <&-", "all")] {
        let mut command = place.limited(&format!("exec {closed}"), &[&EXPLAIN[..], &TINY, &["--out", line]].concat());
        assert_eq!(command.status().unwrap().code(), Some(0), "{closed}");
        assert_eq!(place.report(line)["inputs"].as_array().unwrap().len(), 2);
    }
}
