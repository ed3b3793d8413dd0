//! What it costs, and what is wrong.

use crate::app::Viewer;
use eframe::egui::{ProgressBar, Ui};

impl Viewer {
    pub(super) fn status(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            let adapter = self.gpu.summary();
            ui.label(match adapter.name.as_str() {
                "" => "the browser's graphics card, which it does not name".into(),
                name => format!("{name} ({})", adapter.backend),
            });
            ui.separator();
            if let Some(method) = self.explanation.method().filter(|_| self.explanation.is_busy()) {
                let text = format!("{method} ...");
                match self.explanation.share() {
                    Some(share) => ui.add(ProgressBar::new(share).desired_width(160.0).text(text)),
                    None => ui.label(format!("{text} is planned and compiled")),
                };
                if ui.button("Stop (Esc)").clicked() {
                    self.explanation.cancel();
                }
            } else if !self.answer.maps.is_empty() {
                let [forward, maps] = [self.forward, self.answer.time].map(|time| time.as_secs_f64() * 1e3);
                let megabytes = self.answer.bytes as f64 / 1e6;
                ui.label(format!("forward {forward:.0} ms, maps {maps:.0} ms, {megabytes:.0} MB"))
                    .on_hover_text("the forward pass alone, maps with it, and the memory of their values");
            }
            if let Some(summary) = self.frames.summary() {
                ui.separator();
                ui.weak(format!("{:.0} ms a frame", summary.median.as_secs_f64() * 1e3));
            }
            self.audit_figures(ui);
            if let Some(message) = &self.message {
                ui.separator();
                ui.colored_label(ui.visuals().warn_fg_color, message);
            }
        });
    }

    /// How far the first map's promises are kept.
    fn audit_figures(&self, ui: &mut Ui) {
        let Some(shown) = self.answer.maps.first() else { return };
        if let Some(gap) = shown.map.completeness_gap {
            ui.separator();
            ui.label(format!("misses its sum by {gap:.2e}"));
        }
        if let Some(loss) = shown.map.mask_loss {
            ui.separator();
            ui.label(format!("lost at masks {:.1} %", 100.0 * loss));
        }
        if let (Some(first), Some(last)) = (shown.map.conservation.first(), shown.map.conservation.last()) {
            ui.separator();
            ui.label(format!("relevance from {:.3} to {:.3}", first.sum, last.sum));
        }
    }
}
