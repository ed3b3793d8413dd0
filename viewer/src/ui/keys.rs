//! The keyboard.

use super::HAS_FILES;
use crate::app::Viewer;
use crate::classes::{Choice, ranked};
use crate::view::Mode;
use agf::Method;
use eframe::egui::{Context, Key, Vec2};

/// How much a key press zooms.
const ZOOM_STEP: f32 = 1.25;
/// The largest zoom.
const MOST_ZOOM: f32 = 16.0;
const DIGITS: [Key; 9] =
    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];

impl Viewer {
    /// Keys that mean something wherever the focus is, unless text is being written.
    pub(super) fn keys(&mut self, context: &Context) {
        if context.input(|input| input.key_pressed(Key::F1)) {
            self.is_help_open = !self.is_help_open;
        }
        if context.egui_wants_keyboard_input() {
            return;
        }
        let is_pressed = |key: Key| context.input(|input| input.key_pressed(key));
        if is_pressed(Key::ArrowLeft) {
            self.go(-1);
        }
        if is_pressed(Key::ArrowRight) {
            self.go(1);
        }
        if is_pressed(Key::Escape) {
            self.explanation.cancel();
        }
        if is_pressed(Key::O) {
            self.open();
        }
        if HAS_FILES && is_pressed(Key::S) {
            self.save();
        }
        if is_pressed(Key::V) {
            self.view.mode = match self.view.mode {
                Mode::Both => Mode::Map,
                Mode::Map => Mode::Photo,
                Mode::Photo => Mode::Both,
            };
        }
        if is_pressed(Key::M) {
            self.next_method();
        }
        if let Some(rank) = DIGITS.iter().position(|&key| is_pressed(key)) {
            self.choose_rank(rank);
        }
        if is_pressed(Key::Plus) || is_pressed(Key::Equals) {
            self.view.zoom = (self.view.zoom * ZOOM_STEP).min(MOST_ZOOM);
        }
        if is_pressed(Key::Minus) {
            self.view.zoom = (self.view.zoom / ZOOM_STEP).max(1.0);
        }
        if is_pressed(Key::Num0) {
            (self.view.zoom, self.view.center) = (1.0, Vec2::ZERO);
        }
    }

    fn next_method(&mut self) {
        let at = self.methods.first().and_then(|method| Method::ALL.iter().position(|other| other == method));
        let next = at.map_or(0, |at| (at + 1) % Method::ALL.len());
        self.methods = vec![Method::ALL[next].clone()];
        self.ask();
    }

    fn choose_rank(&mut self, rank: usize) {
        if let Some(&class) = ranked(&self.logits).get(rank) {
            self.choice = Choice::Classes(vec![class]);
            self.ask();
        }
    }
}
