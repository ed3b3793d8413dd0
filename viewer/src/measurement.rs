//! What `--frame-times` measures: a photo is explained, then once more, and half-way that is stopped.

use crate::app::Viewer;
use eframe::egui::{Context, ViewportCommand};

/// How far the second explanation goes before it is stopped.
const HALF_WAY: f32 = 0.5;

/// Where a measurement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measurement {
    /// Nothing is measured.
    Off,
    /// The photo is being explained.
    Explaining,
    /// It is explained once more.
    Again,
    /// That was stopped so many frames ago, and the GPU was not done yet.
    Stopped(u32),
    /// The GPU was at rest at this frame after it.
    Done(u32),
}

impl Viewer {
    /// Goes on with the measurement, and closes the window at its end.
    pub(crate) fn measure(&mut self, context: &Context) {
        let is_explained = self.is_settled() && !self.answer.maps.is_empty();
        let is_half_way = self.explanation.share().is_some_and(|share| share >= HALF_WAY);
        self.measurement = match self.measurement {
            Measurement::Explaining if is_explained => {
                self.ask();
                Measurement::Again
            }
            Measurement::Again if is_explained || is_half_way => {
                self.explanation.cancel();
                Measurement::Stopped(0)
            }
            Measurement::Stopped(frames) if self.explanation.is_computing() => Measurement::Stopped(frames + 1),
            Measurement::Stopped(frames) => {
                context.send_viewport_cmd(ViewportCommand::Close);
                Measurement::Done(frames + 1)
            }
            same => same,
        };
        if self.measurement != Measurement::Off {
            context.request_repaint();
        }
    }

    /// The figures, in words.
    pub(crate) fn measured(&self) -> Option<String> {
        let Measurement::Done(frames) = self.measurement else { return None };
        Some(format!("{}, at frame {frames} after a stop the GPU was at rest", self.frames.summary()?))
    }
}
