//! "Is it true?": pixels are hidden, and the bars of the classes answer.

use super::methods::title;
use crate::app::Viewer;
use crate::truth::{Hidden, Order};
use eframe::egui::{ComboBox, Image, Slider, Ui};

/// Width of sliders, so that their names have room.
const SLIDER: f32 = 70.0;
/// Height of the picture of what the network sees.
const SEEN: f32 = 120.0;

impl Viewer {
    pub(super) fn test(&mut self, ui: &mut Ui) {
        ui.heading("Is it true?");
        ui.label("Hide pixels, and see what the network says then.");
        ui.spacing_mut().slider_width = SLIDER;
        let truth = &mut self.truth;
        ComboBox::from_label("hidden").selected_text(truth.order.name()).show_ui(ui, |ui| {
            for order in Order::ALL {
                ui.selectable_value(&mut truth.order, order, order.name());
            }
        });
        ComboBox::from_label("instead").selected_text(truth.hidden.name()).show_ui(ui, |ui| {
            for hidden in Hidden::ALL {
                ui.selectable_value(&mut truth.hidden, hidden, hidden.name());
            }
        });
        if truth.order == Order::Brush {
            ui.add(Slider::new(&mut truth.brush, 1.0..=60.0).text("brush"));
            if ui.button("Uncover all").clicked() {
                truth.uncover();
            }
            ui.label("Brush over the photo.");
        } else {
            let mut percent = 100.0 * truth.share;
            ui.add(Slider::new(&mut percent, 0.0..=100.0).suffix(" %").fixed_decimals(0).text("of the pixels"));
            truth.share = percent / 100.0;
        }
        let name = |index: usize| {
            let shown = self.answer.maps.get(index)?;
            let class = self.model.as_ref()?.labels().name(shown.map.class);
            Some(format!("{}: {class}", title(&shown.method)))
        };
        if self.answer.maps.len() > 1 && truth.order != Order::Brush {
            ComboBox::from_label("by the map").selected_text(name(truth.map).unwrap_or_default()).show_ui(ui, |ui| {
                for index in 0..self.answer.maps.len() {
                    ui.selectable_value(&mut truth.map, index, name(index).unwrap_or_default());
                }
            });
        }
        if let Some(texture) = &truth.texture {
            ui.add(Image::new(texture).max_height(SEEN).alt_text("what the network sees"));
        }
    }
}
