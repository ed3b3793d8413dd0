//! Ctrl-C and the signals that ask a program to end: the first ends the work after the run at hand, the second at once.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::terminal::Terminal;
use agf::files::{UNFINISHED_PREFIX, UNFINISHED_SUFFIX};

/// Exit code after the second request, as shells have it for Ctrl-C.
const ENDED_AT_ONCE: i32 = 130;
/// An unfinished file that was not touched for so long is nobody's any more.
const ABANDONED: Duration = Duration::from_secs(3600);

static REQUESTS: AtomicU32 = AtomicU32::new(0);

/// Listens from now on. At the second request the unfinished files in `folders` are removed.
///
/// A signal that is ignored stays so, as SIGINT in background jobs of scripts and SIGHUP under `nohup`.
pub(super) fn listen(terminal: Terminal, folders: Vec<PathBuf>) {
    let ignored = ignored::find();
    let _ = ctrlc::set_handler(move || {
        if REQUESTS.fetch_add(1, Ordering::Relaxed) == 0 {
            return terminal.say("stopping after this run; press again to stop at once");
        }
        remove_unfinished(&folders, |_, process| process == process::id());
        process::exit(ENDED_AT_ONCE);
    });
    ignored::ignore(&ignored);
}

#[cfg(unix)]
mod ignored {
    /// The signals that end the work.
    const ENDING: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

    /// Those that the process was started to ignore.
    pub fn find() -> Vec<libc::c_int> {
        ENDING.into_iter().filter(|&signal| is_ignored(signal)).collect()
    }

    fn is_ignored(signal: libc::c_int) -> bool {
        // Safety: without a new action the call only writes the present one, for which zeros are a valid value.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0 && action.sa_sigaction == libc::SIG_IGN
        }
    }

    /// Ignores signals.
    pub fn ignore(signals: &[libc::c_int]) {
        for &signal in signals {
            // Safety: ignoring a signal runs no code of ours.
            unsafe { libc::signal(signal, libc::SIG_IGN) };
        }
    }
}

#[cfg(not(unix))]
mod ignored {
    /// No signal is inherited there.
    pub fn find() -> [(); 0] {
        []
    }

    pub fn ignore(_: &[(); 0]) {}
}

/// What tells an explainer between two runs whether to go on.
pub(super) fn flow() -> ControlFlow<()> {
    if is_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Whether the work shall end.
pub(super) fn is_requested() -> bool {
    REQUESTS.load(Ordering::Relaxed) > 0
}

/// Removes the unfinished files in `folders` that runs which were killed left behind.
pub(super) fn remove_stale(folders: &[PathBuf]) {
    remove_unfinished(folders, |path, process| process == process::id() || is_dead(process) || is_abandoned(path));
}

/// Removes unfinished files by path and process id. Those that cannot be removed do no harm.
fn remove_unfinished(folders: &[PathBuf], is_meant: impl Fn(&Path, u32) -> bool) {
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if process_of(&path).is_some_and(|process| is_meant(&path, process)) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The process that writes an unfinished file, `.agf-PROCESS-RANDOM.part`.
fn process_of(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?.strip_prefix(UNFINISHED_PREFIX)?.strip_suffix(UNFINISHED_SUFFIX)?;
    let (process, random) = name.split_once('-')?;
    let is_random = !random.is_empty() && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    process.parse().ok().filter(|_| is_random)
}

/// Known only where the system shows its processes as files.
fn is_dead(process: u32) -> bool {
    cfg!(target_os = "linux") && Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{process}")).exists()
}

fn is_abandoned(path: &Path) -> bool {
    let modified = path.metadata().and_then(|file| file.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_files_carry_their_process() {
        assert_eq!(process_of(Path::new("out/.agf-12-3aZ.part")), Some(12));
        for name in ["agf-12-3.part", ".agf-12.part", ".agf-12-.part", ".agf-12-3.png", ".agf-x-3.part"] {
            assert_eq!(process_of(Path::new(name)), None, "{name}");
        }
    }
}
