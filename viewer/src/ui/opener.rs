//! A window for photos and networks that are opened by their paths.

use crate::app::Viewer;
use crate::network::Network;
use agf::models::Architecture;
use eframe::egui::{Button, ComboBox, Context, Key, TextEdit, Ui, Window};
use std::path::PathBuf;

/// What the user has written into the window.
pub struct Opener {
    pub(super) is_open: bool,
    photo: String,
    onnx: String,
    architecture: Architecture,
    weights: String,
}

impl Default for Opener {
    fn default() -> Self {
        Self {
            is_open: false,
            photo: String::new(),
            onnx: String::new(),
            architecture: Architecture::Vgg19,
            weights: "synthetic".into(),
        }
    }
}

/// What the user asked for.
enum Asked {
    Photo(PathBuf),
    Network(Network),
}

impl Viewer {
    pub(super) fn open_window(&mut self, context: &Context) {
        let mut is_open = self.opener.is_open;
        let opener = &mut self.opener;
        let asked = Window::new("Open").open(&mut is_open).resizable(false).show(context, |ui| opener.show(ui));
        self.opener.is_open = is_open;
        match asked.and_then(|response| response.inner.flatten()) {
            Some(Asked::Photo(path)) => self.open_path(&path),
            Some(Asked::Network(network)) => self.open_network(network),
            None => return,
        }
        self.opener.is_open = false;
    }
}

impl Opener {
    fn show(&mut self, ui: &mut Ui) -> Option<Asked> {
        let mut asked = None;
        ui.label("A photo or a folder of photos can also be dropped into the window, and a picture pasted.");
        if line(ui, "Photo or folder", "photo.jpg", &mut self.photo) {
            asked = Some(Asked::Photo(self.photo.trim().into()));
        }
        ui.separator();
        if line(ui, "Network as an ONNX file", "network.onnx", &mut self.onnx) {
            asked = Some(Asked::Network(Network::Onnx(self.onnx.trim().into())));
        }
        ui.separator();
        ComboBox::from_label("network that agf knows").selected_text(self.architecture.to_string()).show_ui(ui, |ui| {
            for architecture in Architecture::ALL {
                ui.selectable_value(&mut self.architecture, architecture, architecture.to_string());
            }
        });
        if line(ui, "Its weights", "weights.pth, or synthetic", &mut self.weights) {
            asked = Some(Asked::Network(match self.weights.trim() {
                "synthetic" => Network::Synthetic(self.architecture),
                path => Network::Weights(self.architecture, path.into()),
            }));
        }
        ui.separator();
        if ui.button("The built-in network").clicked() {
            asked = Some(Asked::Network(Network::Embedded));
        }
        asked
    }
}

/// A line for a path; whether it is to be opened.
fn line(ui: &mut Ui, name: &str, hint: &str, text: &mut String) -> bool {
    let label = ui.label(name);
    ui.horizontal(|ui| {
        let field = ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(300.0)).labelled_by(label.id);
        let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let is_filled = !text.trim().is_empty();
        let button = ui.add_enabled(is_filled, Button::new("Open"));
        is_filled && (button.clicked() || is_entered)
    })
    .inner
}
