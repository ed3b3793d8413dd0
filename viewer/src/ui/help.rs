//! The keys, in a window.

use super::HAS_FILES;
use crate::app::Viewer;
use eframe::egui::{Context, Grid, Window};

/// Keys and what they do.
const KEYS: [(&str, &str); 11] = [
    ("O", if HAS_FILES { "open a photo, a folder or a network" } else { "open photos" }),
    ("Left, Right", "previous and next photo"),
    ("1 ... 9", "the class of this rank"),
    ("M", "the next method"),
    ("V", "both, map, photo"),
    ("+ - 0", "zoom in, out, and back"),
    ("S", "save pictures and numbers"),
    ("Esc", "stop"),
    ("Tab, Space", "go through everything, press it"),
    ("Tab to a map, arrows", "point at its pixels (Shift: by ten); Space covers them where a brush hides"),
    ("F1", "this window"),
];

impl Viewer {
    pub(super) fn help(&mut self, context: &Context) {
        Window::new("Keys").open(&mut self.is_help_open).resizable(false).show(context, |ui| {
            Grid::new("keys").num_columns(2).show(ui, |ui| {
                let is_here = |(key, _): &(&str, &str)| HAS_FILES || *key != "S";
                for (key, what) in KEYS.into_iter().filter(is_here) {
                    ui.strong(key);
                    ui.label(what);
                    ui.end_row();
                }
            });
        });
    }
}
