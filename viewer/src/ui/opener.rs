//! A window for photos and networks: by the system's dialog, or by their paths.

use crate::app::Viewer;
use crate::dialog::{Dialog, Outcome, Wanted};
use crate::network::Network;
use agf::models::Architecture;
use eframe::egui::{Button, ComboBox, Context, Key, TextEdit, Ui, Window};
use std::path::PathBuf;

/// What the user has written into the window, and the dialog that is open.
pub struct Opener {
    is_open: bool,
    photo: String,
    onnx: String,
    architecture: Architecture,
    weights: String,
    dialog: Option<Dialog>,
}

impl Default for Opener {
    fn default() -> Self {
        Self {
            is_open: false,
            photo: String::new(),
            onnx: String::new(),
            architecture: Architecture::Vgg19,
            weights: "synthetic".into(),
            dialog: None,
        }
    }
}

/// What the user asked for.
enum Asked {
    Photo(PathBuf),
    Network(Network),
    Dialog(Wanted),
}

const NO_DIALOG: &str = "The system shows no dialog for files (on Linux it takes a desktop portal or zenity): \
                         write the path into the window instead, or drop the file.";

impl Viewer {
    /// Opens the window, or closes it.
    pub(super) fn open(&mut self) {
        self.opener.is_open = !self.opener.is_open;
    }

    pub(super) fn open_window(&mut self, context: &Context) {
        self.take_outcome();
        let mut is_open = self.opener.is_open;
        let opener = &mut self.opener;
        let asked = Window::new("Open").open(&mut is_open).resizable(false).show(context, |ui| opener.show(ui));
        self.opener.is_open = is_open;
        match asked.and_then(|response| response.inner.flatten()) {
            Some(Asked::Photo(path)) => self.open_path(&path),
            Some(Asked::Network(network)) => self.open_network(network),
            Some(Asked::Dialog(wanted)) => {
                let woken = context.clone();
                self.opener.dialog = Some(Dialog::open(wanted, move || woken.request_repaint()));
                return;
            }
            None => return,
        }
        self.opener.is_open = false;
    }

    /// Opens what was chosen in the system's dialog. Weights also need the name of a network, so that they are only
    /// written into the window.
    fn take_outcome(&mut self) {
        let Some(dialog) = &self.opener.dialog else { return };
        let (wanted, Some(outcome)) = (dialog.wanted(), dialog.outcome()) else { return };
        self.opener.dialog = None;
        match (wanted, outcome) {
            (Wanted::Photo | Wanted::Folder, Outcome::Chosen(path)) => {
                self.open_path(&path);
                self.opener.is_open = false;
            }
            (Wanted::Onnx, Outcome::Chosen(path)) => {
                self.open_network(Network::Onnx(path));
                self.opener.is_open = false;
            }
            (Wanted::Weights, Outcome::Chosen(path)) => self.opener.weights = path.display().to_string(),
            (_, Outcome::Left) => {}
            (_, Outcome::Absent) => self.message = Some(NO_DIALOG.into()),
        }
    }
}

impl Opener {
    fn show(&mut self, ui: &mut Ui) -> Option<Asked> {
        let mut asked = None;
        let is_free = self.dialog.is_none();
        let dialogs = |ui: &mut Ui, choices: &[(&str, Wanted)]| {
            let clicked = |ui: &mut Ui| {
                choices.iter().find(|(name, _)| ui.add_enabled(is_free, Button::new(*name)).clicked()).copied()
            };
            ui.horizontal(clicked).inner.map(|(_, wanted)| Asked::Dialog(wanted))
        };
        ui.label("A photo or a folder of photos can also be dropped into the window, and a picture pasted.");
        asked =
            dialogs(ui, &[("Choose a photo ...", Wanted::Photo), ("Choose a folder ...", Wanted::Folder)]).or(asked);
        if line(ui, "Photo or folder", "photo.jpg", &mut self.photo) {
            asked = Some(Asked::Photo(self.photo.trim().into()));
        }
        ui.separator();
        asked = dialogs(ui, &[("Choose a network ...", Wanted::Onnx)]).or(asked);
        if line(ui, "Network as an ONNX file", "network.onnx", &mut self.onnx) {
            asked = Some(Asked::Network(Network::Onnx(self.onnx.trim().into())));
        }
        ui.separator();
        ComboBox::from_label("network that agf knows").selected_text(self.architecture.to_string()).show_ui(ui, |ui| {
            for architecture in Architecture::ALL {
                ui.selectable_value(&mut self.architecture, architecture, architecture.to_string());
            }
        });
        asked = dialogs(ui, &[("Choose its weights ...", Wanted::Weights)]).or(asked);
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
