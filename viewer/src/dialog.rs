//! The system's own dialog for files.

use agf::image::PICTURE_ENDINGS;
use rfd::AsyncFileDialog;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A photo.
    Photo,
    /// A folder of photos.
    Folder,
    /// A network.
    Onnx,
    /// A network's weights.
    Weights,
}

/// What came of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A file or folder was chosen.
    Chosen(PathBuf),
    /// The user left it.
    Left,
    /// The system showed none.
    Absent,
}

/// A dialog that ends sooner without a choice was never seen: nobody is so quick.
const QUICKEST: Duration = Duration::from_millis(250);

/// A dialog that was opened; frames go on meanwhile.
pub struct Dialog {
    wanted: Wanted,
    outcome: Receiver<Outcome>,
}

impl Dialog {
    /// Opens the system's dialog; `wake` is called when it is closed.
    pub fn open(wanted: Wanted, wake: impl FnOnce() + Send + 'static) -> Self {
        let dialog = AsyncFileDialog::new().set_title(wanted.title());
        let file =
            |kind: &str, endings: &[&str]| dialog.clone().add_filter(kind, endings).add_filter("all files", &["*"]);
        match wanted {
            Wanted::Photo => Self::of(wanted, path(file("photos", &PICTURE_ENDINGS).pick_file()), wake),
            Wanted::Folder => Self::of(wanted, path(dialog.clone().pick_folder()), wake),
            Wanted::Onnx => Self::of(wanted, path(file("ONNX files", &["onnx"]).pick_file()), wake),
            Wanted::Weights => {
                let endings = ["safetensors", "pth", "pt", "bin"];
                Self::of(wanted, path(file("weights", &endings).pick_file()), wake)
            }
        }
    }

    /// Waits in a thread of its own for what is chosen.
    fn of(
        wanted: Wanted,
        chosen: impl Future<Output = Option<PathBuf>> + Send + 'static,
        wake: impl FnOnce() + Send + 'static,
    ) -> Self {
        let (sender, outcome) = mpsc::channel();
        let opened = Instant::now();
        std::thread::spawn(move || {
            let outcome = match pollster::block_on(chosen) {
                Some(path) => Outcome::Chosen(path),
                None if opened.elapsed() < QUICKEST => Outcome::Absent,
                None => Outcome::Left,
            };
            // Nobody listens any more where the window is gone.
            let _ = sender.send(outcome);
            wake();
        });
        Self { wanted, outcome }
    }

    /// What it looks for.
    pub fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// What came of it, once it is closed.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.outcome.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Outcome::Absent),
        }
    }
}

impl Wanted {
    fn title(self) -> &'static str {
        match self {
            Self::Photo => "Open a photo",
            Self::Folder => "Open a folder of photos",
            Self::Onnx => "Open a network",
            Self::Weights => "Open weights",
        }
    }
}

async fn path(chosen: impl Future<Output = Option<rfd::FileHandle>>) -> Option<PathBuf> {
    chosen.await.map(|file| file.path().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a dialog that is closed after `open`.
    fn outcome(open: Duration, chosen: Option<PathBuf>) -> Outcome {
        let (sender, woken) = mpsc::channel();
        let answer = async move {
            std::thread::sleep(open);
            chosen
        };
        let dialog = Dialog::of(Wanted::Photo, answer, move || sender.send(()).unwrap());
        woken.recv().unwrap();
        dialog.outcome().unwrap()
    }

    #[test]
    fn a_dialog_that_was_never_seen_is_told_from_one_that_was_left() {
        assert_eq!(outcome(Duration::ZERO, Some("a.png".into())), Outcome::Chosen("a.png".into()));
        assert_eq!(outcome(2 * QUICKEST, None), Outcome::Left);
        assert_eq!(outcome(Duration::ZERO, None), Outcome::Absent);
    }

    #[test]
    fn an_open_dialog_holds_nobody_up() {
        let dialog = Dialog::of(Wanted::Folder, std::future::pending(), || ());
        assert_eq!((dialog.outcome(), dialog.wanted()), (None, Wanted::Folder));
    }
}
