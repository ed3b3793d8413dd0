//! What the window shows.

mod canvas;
mod classes;
mod cursor;
mod help;
mod keys;
mod methods;
#[cfg(not(target_arch = "wasm32"))]
mod opener;
mod status;
mod truth;
mod view;

pub(crate) use methods::ABLATIONS;

#[cfg(not(target_arch = "wasm32"))]
pub use opener::Opener;

use crate::app::Viewer;
use eframe::egui::{Align, CentralPanel, Color32, Context, Layout, Panel, ScrollArea, Theme, ThemePreference, Ui};

/// Whether files have names, by which they are opened and written: not so in a browser.
const HAS_FILES: bool = cfg!(not(target_arch = "wasm32"));

/// Makes text stand out more than is usual.
pub(crate) fn set_contrast(context: &Context) {
    for (theme, level) in [(Theme::Dark, 205), (Theme::Light, 25)] {
        let text = Color32::from_gray(level);
        context.style_mut_of(theme, |style| style.visuals.widgets.noninteractive.fg_stroke.color = text);
    }
}

impl Viewer {
    /// Everything.
    pub(crate) fn show(&mut self, ui: &mut Ui) {
        self.keys(ui.ctx());
        Panel::top("files").show(ui, |ui| self.files(ui));
        Panel::bottom("status").show(ui, |ui| self.status(ui));
        Panel::left("classes").default_size(250.0).show(ui, |ui| {
            Panel::bottom("test").show(ui, |ui| self.test(ui));
            self.class_list(ui);
        });
        Panel::right("settings").default_size(230.0).show(ui, |ui| {
            ScrollArea::vertical().show(ui, |ui| {
                self.method_list(ui);
                ui.separator();
                self.looks(ui);
            });
        });
        CentralPanel::default().show(ui, |ui| self.canvas(ui));
        self.help(ui.ctx());
        #[cfg(not(target_arch = "wasm32"))]
        self.open_window(ui.ctx());
    }

    /// Which photo, which network.
    fn files(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            let what = if HAS_FILES { "photos, networks (O)" } else { "photos (O)" };
            if ui.button("Open ...").on_hover_text(what).clicked() {
                self.open();
            }
            let (at, count) = self.photos.place();
            if count > 1 {
                if ui.button("Previous").on_hover_text("previous photo (Left)").clicked() {
                    self.go(-1);
                }
                if ui.button("Next").on_hover_text("next photo (Right)").clicked() {
                    self.go(1);
                }
            }
            if let Some(source) = self.photos.current() {
                let place = if count > 1 { format!(" ({at} of {count})") } else { String::new() };
                ui.label(format!("{}{place}", source.name()));
                ui.separator();
            }
            match &self.model {
                Some(model) => ui.label(format!("network: {}", model.name())),
                None => ui.label("reading the network ..."),
            };
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Keys").on_hover_text("F1").clicked() {
                    self.is_help_open = !self.is_help_open;
                }
                theme(ui);
            });
        });
    }
}

/// Light or dark, or as the system has it.
fn theme(ui: &mut Ui) {
    let before = ui.ctx().options(|options| options.theme_preference);
    let mut preference = before;
    ui.selectable_value(&mut preference, ThemePreference::Dark, "dark");
    ui.selectable_value(&mut preference, ThemePreference::Light, "light");
    ui.selectable_value(&mut preference, ThemePreference::System, "as the system");
    if preference != before {
        ui.ctx().set_theme(preference);
    }
}
