//! What hands do: dropping, pasting, brushing, wiping, searching.

use crate::support::{PANDA, Window, difference, sample};
use agf_viewer::{Options, Viewer};
use eframe::egui::accesskit::Role;
use eframe::egui::{self, DroppedFile, Event, Key, Modifiers, Pos2, Rect};
use egui_kittest::kittest::{NodeT, Queryable};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const ESPRESSO: u32 = 967;
const ESPRESSO_MAKER: u32 = 550;
const KOALA: u32 = 105;

/// A file as a desktop hands it over, or, where it lies nowhere, as a browser does.
#[derive(Debug)]
struct Dropped {
    path: PathBuf,
    content: Vec<u8>,
}

impl DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.path
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Ok(self.content.clone())
    }
}

fn drop_file(window: &mut Window, path: PathBuf, content: Vec<u8>) {
    window.harness.input_mut().dropped_files.push(Arc::new(Dropped { path, content }));
    window.harness.step();
}

/// The map.
fn map(window: &Window) -> egui_kittest::Node<'_> {
    let images = window.harness.get_all_by_role(Role::Image);
    images.max_by(|a, b| a.rect().width().total_cmp(&b.rect().width())).unwrap()
}

/// The place of the map.
fn place(window: &Window) -> Rect {
    map(window).rect()
}

#[test]
fn what_is_dropped_is_explained() {
    let mut window = Window::on("panda_macaw.jpg");
    drop_file(&mut window, sample("espresso.jpg"), Vec::new());
    window.settle();
    assert_eq!(window.classes(), [ESPRESSO], "a file");
    drop_file(&mut window, "somewhere.jpg".into(), std::fs::read(sample("koala.jpg")).unwrap());
    window.settle();
    assert_eq!(window.classes(), [KOALA], "the content of a file");
    let folder = tempfile::tempdir().unwrap();
    for name in ["espresso.jpg", "panda_macaw.jpg"] {
        std::fs::copy(sample(name), folder.path().join(name)).unwrap();
    }
    drop_file(&mut window, folder.path().into(), Vec::new());
    window.settle();
    assert_eq!(window.classes(), [ESPRESSO], "a folder");
    assert!(window.harness.query_by_label("espresso.jpg (1 of 2)").is_some());
    drop_file(&mut window, "notes.txt".into(), b"no picture".to_vec());
    window.wait(|viewer| viewer.message().is_some_and(|message| message.contains("notes.txt")));
}

#[test]
fn a_picture_is_pasted() {
    let mut window = Window::of(Options::default());
    window.settle();
    let photo = image::open(sample("koala.jpg")).unwrap().to_rgba8();
    let size = [photo.width() as usize, photo.height() as usize];
    let pasted = egui::ColorImage::from_rgba_unmultiplied(size, photo.as_raw());
    window.harness.event(Event::PasteImage(Arc::new(pasted)));
    window.harness.step();
    window.settle();
    assert_eq!(window.classes(), [KOALA]);
    assert!(window.viewer().arguments().is_none(), "no command explains a clipboard");
}

#[test]
fn a_brush_covers_pixels_and_the_bars_answer() {
    let mut window = Window::on("panda_macaw.jpg");
    window.harness.get_by_value("the most relevant").click();
    window.harness.run_steps(2);
    window.harness.get_by_label("what I brush over").click();
    window.harness.run_steps(2);
    window.set("brush", 40.0);
    let place = place(&window);
    let at = |x: f32, y: f32| place.min + egui::vec2(x, y) * place.size();
    brush(&mut window, [at(0.2, 0.2), at(0.5, 0.25), at(0.8, 0.25)]);
    let logit = |viewer: &Viewer| viewer.logits().1.map(|logits| logits[PANDA as usize]);
    let whole = window.viewer().logits().0[PANDA as usize];
    window.wait(move |viewer| logit(viewer).is_some_and(|covered| covered < whole - 1.0));
    window.harness.get_by_label("Uncover all").click();
    window.wait(|viewer| viewer.logits().1.is_none());
}

fn brush(window: &mut Window, [first, rest @ ..]: [Pos2; 3]) {
    window.harness.hover_at(first);
    window.harness.step();
    window.harness.drag_at(first);
    window.harness.step();
    for at in rest {
        window.harness.hover_at(at);
        window.harness.step();
    }
    window.harness.drop_at(rest[1]);
    window.harness.step();
}

#[test]
fn a_wipe_shows_the_photo_left_and_the_map_right() {
    let mut window = Window::on("panda_macaw.jpg");
    let place = place(&window);
    let part = |picture: &image::RgbaImage, from: f32| {
        let side = |share: f32| (share * place.width()) as u32;
        let (left, top) = (place.left() as u32 + side(from), place.top() as u32 + side(0.1));
        image::imageops::crop_imm(picture, left, top, side(0.3), side(0.3)).to_image()
    };
    let map = window.picture();
    window.set("wipe", 0.5);
    window.harness.run_steps(4);
    let wiped = window.picture();
    window.set("wipe", 1.0);
    window.harness.run_steps(4);
    let photo = window.picture();
    for (from, same, other) in [(0.1, &photo, &map), (0.6, &map, &photo)] {
        assert_eq!(difference(&part(&wiped, from), &part(same, from)), 0, "from {from}");
        assert!(difference(&part(&wiped, from), &part(other, from)) > 1000, "from {from}");
    }
}

#[test]
fn every_class_is_found_by_name_and_by_number() {
    let mut window = Window::on("panda_macaw.jpg");
    for (text, name, class) in [("espre", "espresso maker", ESPRESSO_MAKER), ("105", "koala", KOALA)] {
        assert!(window.harness.query_by_label_contains(name).is_none(), "{name} is not among the best");
        window.harness.get_by_label("Search by name or number").focus();
        window.harness.step();
        window.harness.get_by_label("Search by name or number").type_text(text);
        window.harness.run_steps(3);
        window.class(name).click();
        window.harness.step();
        window.settle();
        assert_eq!(window.classes(), [class]);
        window.harness.get_by_label("the best").click();
        window.harness.step();
        window.settle();
        for _ in text.chars() {
            window.harness.get_by_label("Search by name or number").focus();
            window.harness.key_press(Key::Backspace);
            window.harness.run_steps(2);
        }
    }
}

#[test]
fn the_keyboard_points_at_pixels_and_covers_them() {
    let mut window = Window::on("panda_macaw.jpg");
    window.harness.get_by_value("the most relevant").click();
    window.harness.run_steps(2);
    window.harness.get_by_label("what I brush over").click();
    window.harness.run_steps(2);
    map(&window).focus();
    window.harness.run_steps(2);
    let told =
        |window: &Window, words: &str| map(window).accesskit_node().label().is_some_and(|label| label.contains(words));
    assert!(told(&window, " at 111, 111: "), "{:?}", map(&window).accesskit_node().label());
    window.harness.key_press(Key::ArrowDown);
    window.harness.step();
    window.harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowLeft);
    window.harness.run_steps(2);
    assert!(told(&window, " at 101, 112: "), "{:?}", map(&window).accesskit_node().label());
    window.press(Key::Space);
    window.wait(|viewer| viewer.logits().1.is_some());
    assert_eq!(window.classes(), [PANDA], "arrows go to no other photo then");
}

#[test]
fn files_are_chosen_in_a_dialog_or_named() {
    let mut window = Window::of(Options::default());
    window.settle();
    window.press(Key::O);
    for label in ["Choose a photo ...", "Choose a folder ...", "Choose a network ...", "Choose its weights ..."] {
        assert!(window.harness.query_by_label(label).is_some(), "{label}");
    }
    window.harness.get_by_label("Photo or folder").focus();
    window.harness.step();
    window.harness.get_by_label("Photo or folder").type_text(sample("koala.jpg").to_str().unwrap());
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.harness.run_steps(2);
    window.settle();
    assert_eq!(window.classes(), [KOALA]);
}
