//! How maps are looked at.

use super::HAS_FILES;
use crate::app::Viewer;
use crate::view::{Mode, RangeChoice, View};
use agf::display::Sign;
use agf::image::Colormap;
use eframe::egui::{ComboBox, DragValue, Slider, Ui};

impl Viewer {
    pub(super) fn looks(&mut self, ui: &mut Ui) {
        ui.heading("View");
        let View { mode, colormap, range, fixed, sign, opacity, wipe, zoom, center } = &mut self.view;
        ui.horizontal(|ui| {
            ui.selectable_value(mode, Mode::Both, "both");
            ui.selectable_value(mode, Mode::Map, "map");
            ui.selectable_value(mode, Mode::Photo, "photo");
        });
        ui.horizontal(|ui| {
            ui.selectable_value(sign, Sign::Both, "for and against");
            ui.selectable_value(sign, Sign::Positive, "for");
            ui.selectable_value(sign, Sign::Negative, "against");
        });
        ComboBox::from_label("colours").selected_text(colormap.name()).show_ui(ui, |ui| {
            for choice in Colormap::ALL {
                ui.selectable_value(colormap, choice, choice.name());
            }
        });
        ui.horizontal(|ui| {
            ui.label("range");
            ui.selectable_value(range, RangeChoice::Automatic, "own");
            ui.selectable_value(range, RangeChoice::Linked, "linked");
            ui.selectable_value(range, RangeChoice::Fixed, "fixed");
        });
        if *range == RangeChoice::Fixed {
            ui.horizontal(|ui| {
                let label = ui.label("end of the colours");
                ui.add(DragValue::new(fixed).speed(0.01).range(1e-6..=1e6)).labelled_by(label.id);
            });
        }
        ui.add(Slider::new(opacity, 0.0..=1.0).fixed_decimals(2).text("opacity"));
        ui.add(Slider::new(wipe, 0.0..=1.0).fixed_decimals(2).text("wipe"));
        ui.add(Slider::new(zoom, 1.0..=16.0).logarithmic(true).fixed_decimals(1).text("zoom"));
        if *zoom <= 1.0 {
            *center = eframe::egui::Vec2::ZERO;
        }
        if HAS_FILES && ui.button("Save (S)").on_hover_text("pictures and numbers").clicked() {
            self.save();
        }
        if let Some(line) = self.command_line()
            && ui.button("Copy the command").on_hover_text(format!("It makes the same maps: {line}")).clicked()
        {
            ui.ctx().copy_text(line);
        }
    }
}
