//! Files, and the command that makes the same.

use crate::support::{Window, files};
use eframe::egui::Key;
use std::path::Path;
use std::process::Command;

/// What is saved has the bits of what `agf-run` makes by the command that the window names. Build that program before:
/// `cargo build`.
#[test]
fn the_saved_command_makes_the_same_bits() {
    let mut window = Window::on("panda_macaw.jpg");
    for label in ["lrp", "smoothgrad"] {
        window.click(label);
    }
    window.press(Key::S);
    window.wait(|viewer| viewer.message().is_some());
    let saved = window.saved("npy");
    assert_eq!((saved.len(), window.saved("png").len()), (3, 3), "{:?}", window.viewer().message());
    let picture = image::open(&window.saved("png")[0]).unwrap();
    assert!(picture.width() > 300);

    let viewer = Path::new(env!("CARGO_BIN_EXE_agf-viewer"));
    let program = viewer.with_file_name(format!("agf-run{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is not there: run `cargo build` first", program.display());
    let out = tempfile::tempdir().unwrap();
    for arguments in window.viewer().arguments().unwrap() {
        let result = Command::new(&program).args(&arguments).arg("--out").arg(out.path()).output().unwrap();
        assert!(result.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&result.stderr));
    }
    let made = files(out.path(), "npy");
    assert_eq!(made.len(), 3);
    for (saved, made) in saved.iter().zip(&made) {
        assert!(std::fs::read(saved).unwrap() == std::fs::read(made).unwrap(), "{saved:?} and {made:?} differ");
    }
}
