//! The pixel that the keyboard points at where a map has the focus.

use crate::app::Viewer;
use crate::truth::Order;
use agf::display::Region;
use eframe::egui::{Align2, Color32, EventFilter, Key, Pos2, Rect, Response, Stroke, TextStyle, Ui, Vec2};

/// How far an arrow key goes with Shift, in pixels.
const LEAP: f32 = 10.0;
/// Radius of the mark, in points.
const MARK: f32 = 5.0;
const ARROWS: [(Key, Vec2); 4] = [
    (Key::ArrowLeft, Vec2::new(-1.0, 0.0)),
    (Key::ArrowRight, Vec2::new(1.0, 0.0)),
    (Key::ArrowUp, Vec2::new(0.0, -1.0)),
    (Key::ArrowDown, Vec2::new(0.0, 1.0)),
];

impl Viewer {
    /// Moves the pixel by the arrow keys, covers it by Space where a brush hides, and goes with it where the photo is
    /// enlarged.
    pub(super) fn point(&mut self, ui: &Ui, map: &Response) {
        let (true, Some(loaded)) = (map.has_focus(), &self.loaded) else { return };
        let [width, height] = [loaded.batch.width, loaded.batch.height];
        let last = Vec2::new(width as f32 - 1.0, height as f32 - 1.0);
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(map.id, filter));
        let (moved, is_covered) = ui.input(|input| {
            let step = if input.modifiers.shift { LEAP } else { 1.0 };
            let pressed = ARROWS.into_iter().filter(|(key, _)| input.key_pressed(*key));
            (pressed.fold(Vec2::ZERO, |sum, (_, way)| sum + step * way), input.key_pressed(Key::Space))
        });
        let pixel = (self.cursor.unwrap_or((0.5 * last).floor()) + moved).clamp(Vec2::ZERO, last);
        self.cursor = Some(pixel);
        if is_covered && self.truth.order == Order::Brush {
            self.truth.touch([pixel.x + 0.5, pixel.y + 0.5], width, height);
        }
        if moved != Vec2::ZERO {
            self.keep_in_sight(pixel);
        }
    }

    fn keep_in_sight(&mut self, pixel: Vec2) {
        let (Some(at), window) = (self.on_photo(pixel), self.window()) else { return };
        self.view.center += (at - window.clamp(at)).clamp(Vec2::splat(-1.0), Vec2::splat(1.0));
    }

    /// Marks the pixel, and says what is there.
    pub(super) fn mark(&self, ui: &Ui, index: usize, frame: Rect) {
        let Some((pixel, at)) = self.cursor.and_then(|pixel| Some((pixel, self.on_photo(pixel)?))) else { return };
        let window = self.window();
        let place = frame.min + (at - window.min) / window.size() * frame.size();
        let painter = ui.painter().with_clip_rect(frame);
        painter.circle_stroke(place, MARK + 1.0, Stroke::new(1.0, Color32::BLACK));
        painter.circle_stroke(place, MARK, Stroke::new(1.0, Color32::WHITE));
        let Some(words) = self.told(index, pixel) else { return };
        let text = painter.layout_no_wrap(words, TextStyle::Body.resolve(ui.style()), Color32::WHITE);
        let corner = Align2::CENTER_BOTTOM.anchor_size(frame.center_bottom(), text.size());
        painter.rect_filled(corner.expand(3.0), 2.0, Color32::from_black_alpha(190));
        painter.galley(corner.min, text, Color32::WHITE);
    }

    /// The middle of a pixel of the network's input, in shares of the photo's sides.
    fn on_photo(&self, pixel: Vec2) -> Option<Pos2> {
        let loaded = self.loaded.as_ref()?;
        let Region { left, top, width, height } = loaded.picture.region();
        let x = left + (pixel.x + 0.5) / loaded.batch.width as f32 * width;
        let y = top + (pixel.y + 0.5) / loaded.batch.height as f32 * height;
        Some(Pos2::new(x / loaded.picture.shown.width() as f32, y / loaded.picture.shown.height() as f32))
    }
}
