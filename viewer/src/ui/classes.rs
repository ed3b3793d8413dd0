//! The classes, the best first, with what the network gives them.

use crate::app::Viewer;
use crate::classes::{Choice, found, probabilities, ranked};
use eframe::egui::{self, Color32, CornerRadius, Rect, Response, Role, ScrollArea, Sense, Ui, Vec2, WidgetInfo};

/// Classes that are listed without a search.
const LISTED: usize = 12;
/// Classes that a search lists.
const FOUND: usize = 60;

/// A line of the list.
struct Line<'a> {
    name: &'a str,
    probability: f32,
    /// With pixels hidden.
    hidden: Option<f32>,
    is_chosen: bool,
}

impl Viewer {
    pub(super) fn class_list(&mut self, ui: &mut Ui) {
        ui.heading("Classes");
        let Some(model) = &self.model else { return };
        let label = ui.label("Search by name or number");
        ui.add(egui::TextEdit::singleline(&mut self.search).hint_text("all")).labelled_by(label.id);
        let before = self.choice.clone();
        let mut top = match self.choice {
            Choice::Top(count) => count,
            Choice::Classes(_) => 0,
        };
        ui.horizontal(|ui| {
            for (count, text) in [(1, "the best"), (2, "the best 2"), (3, "the best 3")] {
                ui.selectable_value(&mut top, count, text).on_hover_text("of every photo");
            }
        });
        if top > 0 {
            self.choice = Choice::Top(top);
        }
        ui.separator();
        if self.logits.is_empty() {
            ui.label("No photo yet: drop one here.");
            return;
        }
        let ranked = ranked(&self.logits);
        let (probabilities, chosen) = (probabilities(&self.logits), self.choice.classes(&self.logits));
        let hidden = self.truth.answer.as_ref().map(|answer| crate::classes::probabilities(&answer.logits));
        let listed: Vec<u32> = match self.search.trim() {
            "" => {
                let best = ranked.iter().copied().take(LISTED);
                best.chain(chosen.iter().copied().filter(|class| !ranked[..LISTED.min(ranked.len())].contains(class)))
                    .collect()
            }
            text => found(text, model.labels(), &ranked).into_iter().take(FOUND).collect(),
        };
        let mut clicked = None;
        ScrollArea::vertical().show(ui, |ui| {
            for class in listed {
                let at = |values: &Vec<f32>| values.get(class as usize).copied();
                let line = Line {
                    name: model.labels().name(class),
                    probability: at(&probabilities).unwrap_or(f32::NAN),
                    hidden: hidden.as_ref().and_then(at),
                    is_chosen: chosen.contains(&class),
                };
                if line.show(ui).on_hover_text("Ctrl-click: beside the others").clicked() {
                    clicked = Some(class);
                }
            }
        });
        if let Some(class) = clicked {
            let is_added = ui.input(|input| input.modifiers.command);
            self.choice.click(class, is_added, &self.logits);
        }
        if self.choice != before {
            self.ask();
        }
    }
}

impl Line<'_> {
    fn text(&self) -> String {
        let percent = |value: f32| format!("{:.1} %", 100.0 * value);
        match self.hidden {
            Some(hidden) => format!("{}, now {}", percent(self.probability), percent(hidden)),
            None => percent(self.probability),
        }
    }

    /// A name above a bar; with pixels hidden, what is left of the bar is strong and what is lost pale.
    fn show(&self, ui: &mut Ui) -> Response {
        let size = Vec2::new(ui.available_width(), 34.0);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response.widget_info(|| {
            let label = format!("{} {}", self.name, self.text());
            WidgetInfo::selected(Role::Button, ui.is_enabled(), self.is_chosen, label)
        });
        if !ui.is_rect_visible(rect) {
            return response;
        }
        let style = ui.style().interact_selectable(&response, self.is_chosen);
        if self.is_chosen || response.hovered() || response.has_focus() {
            ui.painter().rect_filled(rect, style.corner_radius, style.weak_bg_fill);
        }
        let inner = rect.shrink2(Vec2::new(6.0, 3.0));
        let text = |position, align, text: String| {
            ui.painter().text(position, align, text, egui::TextStyle::Body.resolve(ui.style()), style.text_color());
        };
        text(inner.left_top(), egui::Align2::LEFT_TOP, self.name.to_owned());
        text(inner.right_top(), egui::Align2::RIGHT_TOP, self.text());
        let bar = |share: f32, color: Color32| {
            let width = (inner.width() * share.clamp(0.0, 1.0)).max(1.0);
            let bar = Rect::from_min_size(inner.left_bottom() - Vec2::new(0.0, 5.0), Vec2::new(width, 5.0));
            ui.painter().rect_filled(bar, CornerRadius::same(2), color);
        };
        let color = if self.is_chosen { style.text_color() } else { ui.visuals().hyperlink_color };
        match self.hidden {
            Some(hidden) => {
                bar(self.probability, color.gamma_multiply(0.35));
                bar(hidden, color);
            }
            None => bar(self.probability, color),
        }
        response
    }
}
