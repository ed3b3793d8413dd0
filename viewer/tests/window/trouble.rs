//! What goes wrong, and what is too much.

use crate::support::{Look, PANDA, Window, sample};
use agf_viewer::{Network, Options};
use eframe::egui::Key;
use egui_kittest::kittest::Queryable;
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn what_cannot_be_read_is_said_and_the_next_photo_goes_on() {
    let photos = tempfile::tempdir().unwrap();
    std::fs::write(photos.path().join("a.png"), b"not a picture").unwrap();
    std::fs::copy(sample("espresso.jpg"), photos.path().join("b.jpg")).unwrap();
    let mut window = Window::of(Options { path: Some(photos.path().into()), ..Default::default() });
    window.wait(|viewer| viewer.message().is_some());
    assert!(window.viewer().message().unwrap().contains("a.png"));
    window.press(Key::ArrowRight);
    window.settle();
    assert!(window.viewer().message().is_none());

    for (path, network, words) in [
        ("/no/such/photo.jpg", Network::Embedded, "/no/such/photo.jpg"),
        ("/no/photo.jpg", Network::Onnx("/no/such/network.onnx".into()), "network.onnx"),
    ] {
        let mut none = Window::of(Options { path: Some(path.into()), network, ..Default::default() });
        none.wait(|viewer| viewer.message().is_some_and(|message| message.contains(words)));
    }
}

/// A question that changes while a slow network works ends the last one: nothing more is handed to the GPU.
#[test]
fn a_new_question_ends_the_last() {
    let network = Network::Synthetic("resnet18".parse().unwrap());
    let mut window = Window::of(Options { path: Some(sample("espresso.jpg")), network, ..Default::default() });
    window.settle();
    window.harness.get_by_label("smoothgrad").click();
    window.harness.run_steps(20);
    assert!(!window.viewer().is_settled());
    window.press(Key::Escape);
    let begin = Instant::now();
    window.wait(|viewer| !viewer.is_computing());
    assert!(begin.elapsed() < Duration::from_secs(2), "what was handed over is little");
    window.harness.run_steps(20);
    assert!(window.viewer().is_settled() && !window.viewer().is_computing(), "nothing more is handed over");
    assert_eq!(window.viewer().maps().count(), 1, "what was there before");
    window.press(Key::M);
    window.settle();
    assert_eq!(window.viewer().maps().count(), 1);
}

#[test]
fn a_lost_device_is_replaced_and_said() {
    let mut window = Window::on("panda_macaw.jpg");
    window.press(Key::Num2);
    window.settle();
    let classes = window.classes();
    window.viewer().device().destroy();
    window.wait_for_loss();
    let left = window.left.take().unwrap();
    let mut next = Window::of(left);
    next.settle();
    assert_eq!(next.classes(), classes, "where the last window was");
    assert!(next.viewer().message().unwrap().contains("lost"));
}

#[test]
fn webgpu_limits_are_enough_and_two_windows_do_not_mind_each_other() {
    let options = Options { path: Some(sample("panda_macaw.jpg")), ..Default::default() };
    let mut one = Window::with(Look { webgpu_limits: true, ..Default::default() }, options.clone());
    let mut other = Window::of(options);
    for _ in 0..10 {
        one.harness.step();
        other.harness.step();
    }
    one.settle();
    other.settle();
    assert_eq!((one.classes(), other.classes()), (vec![PANDA], vec![PANDA]));
}

#[test]
fn a_photo_of_108_megapixels_is_explained() {
    let photos = tempfile::tempdir().unwrap();
    let path = photos.path().join("large.jpg");
    let small = image::open(sample("panda_macaw.jpg")).unwrap().to_rgb8();
    let (width, height) = (12_000, 9_000);
    let pixel = |x: u32, y: u32| *small.get_pixel(x * small.width() / width, y * small.height() / height);
    image::RgbImage::from_fn(width, height, pixel).save(&path).unwrap();
    let mut window = Window::of(Options { path: Some(path), ..Default::default() });
    window.settle();
    assert_eq!(window.classes().len(), 1);
    assert!(window.viewer().frames().unwrap().count > 0);
}

#[test]
fn a_folder_of_5000_is_gone_through() {
    let photos = tempfile::tempdir().unwrap();
    for index in 0..5000 {
        std::fs::hard_link(copy(&photos), photos.path().join(format!("{index:04}.jpg"))).unwrap();
    }
    let mut window = Window::of(Options { path: Some(photos.path().into()), ..Default::default() });
    window.settle();
    for _ in 0..200 {
        window.harness.key_press(Key::ArrowRight);
        window.harness.step();
    }
    window.settle();
    assert!(window.harness.query_by_label("0200.jpg (201 of 5000)").is_some());
}

/// A photo in a hidden folder beside the others.
fn copy(photos: &tempfile::TempDir) -> std::path::PathBuf {
    let path = photos.path().join(".original.jpg");
    if !path.exists() {
        std::fs::copy(sample("espresso.jpg"), &path).unwrap();
    }
    path
}

#[test]
fn without_a_screen_or_a_graphics_driver_words_are_said() {
    let context = eframe::CreationContext::_new_kittest(eframe::egui::Context::default());
    let viewer = agf_viewer::Viewer::new(&context, Options::default(), |_| ());
    assert!(viewer.is_err_and(|error| error.contains("wgpu")));
    let program = env!("CARGO_BIN_EXE_agf-viewer");
    let ran = Command::new(program).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output().unwrap();
    let words = String::from_utf8_lossy(&ran.stderr);
    if cfg!(target_os = "linux") {
        assert_eq!(ran.status.code(), Some(2), "{words}");
        assert!(words.contains("agf-run works without a window"), "{words}");
    }
}
