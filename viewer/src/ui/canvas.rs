//! The maps, beside each other.

use super::methods::title;
use crate::app::Viewer;
use crate::truth::Order;
use agf::display::Region;
use eframe::egui::{self, Color32, Pos2, Rect, Response, Role, Sense, StrokeKind, TextureId, Ui, Vec2, WidgetInfo};

/// Height of a map's caption.
const CAPTION: f32 = 22.0;

impl Viewer {
    pub(super) fn canvas(&mut self, ui: &mut Ui) {
        let Some(loaded) = &self.loaded else {
            let words = self.message.as_deref().unwrap_or("Drop, open or paste a photo.");
            ui.centered_and_justified(|ui| ui.heading(words));
            return;
        };
        let size = Vec2::new(loaded.picture.shown.width() as f32, loaded.picture.shown.height() as f32);
        let count = self.answer.maps.len();
        if count == 0 {
            ui.centered_and_justified(|ui| ui.heading("Explaining ..."));
            return;
        }
        let area = ui.available_rect_before_wrap();
        let columns = best_columns(count, area.size(), size);
        let rows = count.div_ceil(columns);
        let cell = Vec2::new(area.width() / columns as f32, area.height() / rows as f32);
        for index in 0..count {
            let place = Vec2::new((index % columns) as f32, (index / columns) as f32);
            self.map(ui, index, Rect::from_min_size(area.min + place * cell, cell).shrink(3.0), size);
        }
    }

    /// One map with its caption.
    fn map(&mut self, ui: &mut Ui, index: usize, cell: Rect, size: Vec2) {
        let (Some(shown), Some(model)) = (self.answer.maps.get(index), &self.model) else { return };
        let Some(id) = self.cells.id(index) else { return };
        let class = shown.map.class;
        let probability = crate::classes::probabilities(&self.logits).get(class as usize).copied().unwrap_or(f32::NAN);
        let name = format!("{} {:.1} %, {}", model.labels().name(class), 100.0 * probability, title(&shown.method));
        let name =
            if shown.map.values.iter().all(|&value| value == 0.0) { format!("{name}: zero everywhere") } else { name };
        let frame = fitted(cell, size);
        let caption =
            Rect::from_min_max(Pos2::new(cell.left(), frame.top() - CAPTION), Pos2::new(cell.right(), frame.top()));
        let font = egui::TextStyle::Body.resolve(ui.style());
        ui.painter().with_clip_rect(caption).text(
            caption.center(),
            egui::Align2::CENTER_CENTER,
            &name,
            font,
            ui.visuals().text_color(),
        );
        let response = ui.interact(frame, ui.scope_id().with(("map", index)), Sense::click_and_drag());
        self.point(ui, &response);
        let pointed = self.cursor.filter(|_| response.has_focus()).and_then(|pixel| self.told(index, pixel));
        let label = pointed.map_or(name.clone(), |words| format!("{name}: {words}"));
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, label.clone()));
        let window = self.window();
        draw(ui, id, frame, window);
        if response.has_focus() {
            ui.painter().rect_stroke(frame, 0.0, ui.visuals().selection.stroke, StrokeKind::Outside);
            self.mark(ui, index, frame);
        }
        self.move_about(ui, &response, frame, window);
        if let Some(pointer) = response.hover_pos() {
            let at = window.min + (pointer - frame.min) / frame.size() * window.size();
            let words = self.network_pixel(at).and_then(|[x, y]| self.told(index, Vec2::new(x.floor(), y.floor())));
            response.on_hover_text_at_pointer(words.unwrap_or_else(|| "the network does not see this".into()));
        }
    }

    /// The part of the photo that is seen, in shares of its sides.
    pub(super) fn window(&self) -> Rect {
        let side = 1.0 / self.view.zoom;
        let middle = Pos2::new(0.5, 0.5) + self.view.center;
        Rect::from_center_size(middle, Vec2::splat(side))
    }

    /// Zooming, dragging, brushing.
    fn move_about(&mut self, ui: &Ui, response: &Response, frame: Rect, window: Rect) {
        let of_photo = |pointer: Pos2| window.min + (pointer - frame.min) / frame.size() * window.size();
        if let (true, Some(pointer)) = (response.dragged(), response.interact_pointer_pos()) {
            match self.truth.order {
                Order::Brush => self.brush(of_photo(pointer)),
                Order::MostFirst | Order::LeastFirst | Order::KeepMost => {
                    self.view.center -= response.drag_delta() / frame.size() * window.size();
                }
            }
        }
        if let Some(pointer) = response.hover_pos() {
            let zoom = ui.input(|input| input.zoom_delta() * (input.smooth_scroll_delta().y / 200.0).exp());
            let before = of_photo(pointer);
            self.view.zoom = (self.view.zoom * zoom).clamp(1.0, 16.0);
            let window = self.window();
            let after = window.min + (pointer - frame.min) / frame.size() * window.size();
            self.view.center += before - after;
        }
        let most = (1.0 - 1.0 / self.view.zoom) / 2.0;
        self.view.center = self.view.center.clamp(Vec2::splat(-most), Vec2::splat(most));
    }

    /// Covers what the brush touches, at a position in shares of the photo's sides.
    fn brush(&mut self, at: Pos2) {
        let Some([x, y]) = self.network_pixel(at) else { return };
        let Some(loaded) = &self.loaded else { return };
        self.truth.touch([x, y], loaded.batch.width, loaded.batch.height);
    }

    /// The pixel of the network's input at a position in shares of the photo's sides; it may lie outside.
    fn network_pixel(&self, at: Pos2) -> Option<[f32; 2]> {
        let loaded = self.loaded.as_ref()?;
        let Region { left, top, width, height } = loaded.picture.region();
        let x = (at.x * loaded.picture.shown.width() as f32 - left) / width * loaded.batch.width as f32;
        let y = (at.y * loaded.picture.shown.height() as f32 - top) / height * loaded.batch.height as f32;
        Some([x, y])
    }

    /// The value of a pixel of the network's input, and its share of all that speaks for the class, or against it;
    /// `None` beside the input.
    pub(super) fn told(&self, index: usize, pixel: Vec2) -> Option<String> {
        let map = &self.answer.maps.get(index)?.map;
        let [column, row] = [pixel.x, pixel.y];
        let is_inside = column >= 0.0 && row >= 0.0 && column < map.width as f32 && row < map.height as f32;
        let value = map.values.get(row as usize * map.width as usize + column as usize).copied();
        let value = value.filter(|_| is_inside)?;
        let same_sign = map.values.iter().filter(|&&other| other * value > 0.0);
        let total: f64 = same_sign.map(|&other| f64::from(other.abs())).sum();
        let share = if total > 0.0 { 100.0 * f64::from(value.abs()) / total } else { 0.0 };
        let side = if value < 0.0 { "against" } else { "for" };
        Some(format!("{value:+.3e} at {column}, {row}: {share:.4} % of all {side} it"))
    }
}

/// The place of a picture in a cell, below its caption.
fn fitted(cell: Rect, size: Vec2) -> Rect {
    let (_, place) = cell.split_top_bottom_at_y(cell.top() + CAPTION);
    let scale = (place.width() / size.x).min(place.height() / size.y);
    Rect::from_center_size(place.center(), size * scale)
}

fn draw(ui: &Ui, id: TextureId, frame: Rect, window: Rect) {
    ui.painter().with_clip_rect(frame).image(id, frame, window, Color32::WHITE);
}

/// The number of columns with which pictures of this size are largest.
fn best_columns(count: usize, area: Vec2, size: Vec2) -> usize {
    let scale = |columns: usize| {
        let rows = count.div_ceil(columns);
        let (width, height) = (area.x / columns as f32, area.y / rows as f32 - CAPTION);
        (width / size.x).min(height / size.y)
    };
    (1..=count).max_by(|&a, &b| scale(a).total_cmp(&scale(b))).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_as_large_as_can_be() {
        let square = Vec2::splat(100.0);
        assert_eq!(best_columns(1, Vec2::new(800.0, 600.0), square), 1);
        assert_eq!(best_columns(2, Vec2::new(800.0, 400.0), square), 2);
        assert_eq!(best_columns(2, Vec2::new(400.0, 800.0), square), 1);
        assert_eq!(best_columns(4, Vec2::new(800.0, 800.0), square), 2);
        assert_eq!(best_columns(13, Vec2::new(1000.0, 300.0), square), 7);
    }
}
