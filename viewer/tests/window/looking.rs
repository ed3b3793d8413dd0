//! Photos, classes, methods, views, and the test of what a map says.

use crate::support::{Look, MACAW, PANDA, Window, difference, sample};
use agf_viewer::Options;
use eframe::egui::{self, Key, Modifiers};
use egui_kittest::kittest::Queryable;

#[test]
fn a_photo_is_explained_and_classes_are_chosen() {
    let mut window = Window::on("panda_macaw.jpg");
    assert_eq!(window.classes(), [PANDA]);
    let panda = window.picture();
    window.hold_to("photo");

    window.class("macaw").click();
    window.harness.step();
    window.settle();
    assert_eq!(window.classes(), [MACAW]);
    let macaw = window.picture();
    assert!(difference(&panda, &macaw) > 10_000, "another map");

    window.class("giant panda").click_modifiers(Modifiers::COMMAND);
    window.harness.step();
    window.settle();
    assert_eq!(window.classes(), [MACAW, PANDA]);
    window.click("lrp");
    assert_eq!(window.classes(), [MACAW, PANDA, MACAW, PANDA]);
    window.hold_to("grid");
}

#[test]
fn the_class_follows_the_photo() {
    let photos = tempfile::tempdir().unwrap();
    for (name, sample_name) in [("1.jpg", "espresso.jpg"), ("2.jpg", "panda_macaw.jpg")] {
        std::fs::copy(sample(sample_name), photos.path().join(name)).unwrap();
    }
    let mut window = Window::of(Options { path: Some(photos.path().into()), ..Default::default() });
    window.settle();
    let first = window.classes();
    window.press(Key::ArrowRight);
    window.settle();
    assert_eq!(window.classes(), [PANDA]);
    window.press(Key::ArrowLeft);
    window.settle();
    assert_eq!(window.classes(), first);
}

#[test]
fn the_view_changes_without_another_explanation() {
    let mut window = Window::on("espresso.jpg");
    let both = window.picture();
    let values = window.viewer().maps().next().unwrap().values.clone();
    for label in ["map", "photo", "against"] {
        window.harness.get_by_label(label).click();
        window.harness.run_steps(4);
        let seen = window.picture();
        assert!(difference(&both, &seen) > 5_000, "{label}");
    }
    assert!(window.viewer().maps().next().unwrap().values == values);
}

#[test]
fn all_methods_answer_side_by_side() {
    let mut window = Window::on("espresso.jpg");
    for label in ["grad-cam", "integrated-gradients"] {
        window.click(label);
    }
    assert_eq!(window.viewer().maps().count(), 3);
    let maps: Vec<_> = window.viewer().maps().map(|map| map.values.clone()).collect();
    assert!(maps[0] != maps[1] && maps[1] != maps[2]);
}

#[test]
fn hidden_pixels_change_the_answer() {
    let mut window = Window::on("panda_macaw.jpg");
    assert!(window.viewer().logits().1.is_none());
    window.set("of the pixels", 20.0);
    window.wait(|viewer| viewer.logits().1.is_some());
    let (whole, hidden) = window.viewer().logits();
    let (whole, hidden) = (whole[PANDA as usize], hidden.unwrap()[PANDA as usize]);
    assert!(hidden < whole - 1.0, "without its most relevant pixels {hidden}, with them {whole}");
    window.hold_to("hidden");
    window.set("of the pixels", 0.0);
    window.wait(|viewer| viewer.logits().1.is_none());
}

#[test]
fn it_is_readable_when_enlarged_and_in_light_colours() {
    let look = Look { size: egui::vec2(720.0, 480.0), scale: 2.0, theme: egui::Theme::Light, ..Default::default() };
    let mut window = Window::with(look, Options { path: Some(sample("espresso.jpg")), ..Default::default() });
    window.settle();
    window.hold_to("light_enlarged");
    window.press(Key::F1);
    assert!(window.harness.query_by_label("previous and next photo").is_some());
    window.press(Key::F1);
}
