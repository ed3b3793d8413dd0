//! What happens from frame to frame.

use crate::app::Viewer;
use crate::measurement::Measurement;
use crate::network::Network;
use crate::options::Options;
use crate::photos::{Photos, Source};
use crate::view::View;
use crate::worker::Job;
use agf::image::RgbImage;
use eframe::egui::{self, Event, ViewportCommand};
use std::sync::Arc;
#[cfg(target_arch = "wasm32")]
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The time from one frame to the next while something is on its way.
const BETWEEN_FRAMES: Duration = Duration::from_millis(16);

impl Viewer {
    /// What goes on without the user: the explanation, the test of it, the textures.
    fn go_on(&mut self, context: &egui::Context) {
        let woken = context.clone();
        if let Err(error) = self.explanation.advance(&self.worker, move || woken.request_repaint()) {
            self.explanation.cancel();
            self.message = Some(error);
        }
        let (Some(loaded), Some(model)) = (&self.loaded, &self.model) else { return };
        let map = self.answer.maps.get(self.truth.map).map(|shown| &shown.map.values[..]);
        if let Some((ticket, perturbation)) = self.truth.question(&loaded.batch, map, &model.input_spec()) {
            self.worker.send(Job::Perturb { ticket, perturbation });
        }
        let looked_at = View { zoom: 1.0, center: egui::Vec2::ZERO, ..self.view.clone() };
        if let Some(display) = &self.display
            && self.painted.as_ref() != Some(&looked_at)
        {
            let region = loaded.picture.region();
            match self.cells.paint(display, &loaded.texture, region, &self.answer.maps, &looked_at) {
                Ok(()) => self.painted = Some(looked_at),
                Err(error) => self.message = Some(error),
            }
        }
    }

    /// Notes that the device is lost: the window closes, and the next one begins where this one was.
    fn look_after_device(&mut self, context: &egui::Context) {
        #[cfg(not(target_arch = "wasm32"))]
        let _ = self.gpu.device().poll(agf::wgpu::PollType::Poll);
        self.message = self.health.take_error().or(self.message.take());
        if self.is_lost {
            return;
        }
        let Some(reason) = self.health.lost() else { return };
        self.is_lost = true;
        self.explanation.cancel();
        let notice = format!("The graphics device was lost ({reason}), and all was set up anew.");
        (self.on_lost)(Options {
            network: self.network.clone(),
            path: None,
            photos: self.photos.clone(),
            choice: self.choice.clone(),
            methods: self.methods.clone(),
            view: self.view.clone(),
            folder: self.folder.clone(),
            measures_frames: self.measurement != Measurement::Off,
            notice: Some(notice),
        });
        context.send_viewport_cmd(ViewportCommand::Close);
    }

    /// Asks for the next frame. The window's surface holds it back until the GPU can take it.
    #[cfg(not(target_arch = "wasm32"))]
    fn draw_again(&self, context: &egui::Context) {
        context.request_repaint_after(BETWEEN_FRAMES);
    }

    /// Asks for the next frame once the GPU has drawn what it has. A browser takes frames faster than a slow GPU draws
    /// them, and whatever waits for the GPU would wait for all of them.
    #[cfg(target_arch = "wasm32")]
    fn draw_again(&self, context: &egui::Context) {
        if self.is_drawing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (context, is_drawing) = (context.clone(), self.is_drawing.clone());
        self.gpu.queue().on_submitted_work_done(move || {
            is_drawing.store(false, Ordering::Relaxed);
            context.request_repaint_after(BETWEEN_FRAMES);
        });
    }

    /// Files that were dropped, and pictures that were pasted.
    fn take_files(&mut self, context: &egui::Context) {
        let dropped = context.input_mut(|input| std::mem::take(&mut input.raw.dropped_files));
        let pasted = context.input(|input| {
            input.events.iter().find_map(|event| match event {
                Event::PasteImage(image) => Some(image.clone()),
                _ => None,
            })
        });
        if let Some(image) = pasted {
            self.message = None;
            self.show_photos(Photos::of(vec![pixels(&image)]));
        }
        match dropped.first().map(|file| file.path()) {
            Some(path) if Network::is_file(path) && path.exists() => self.open_network(Network::Onnx(path.into())),
            Some(_) => {
                (self.message, self.is_arriving) = (None, true);
                self.worker.send(Job::Receive(dropped));
            }
            None => {}
        }
    }
}

/// A picture of the clipboard as a photo.
fn pixels(image: &egui::ColorImage) -> Source {
    let [width, height] = image.size.map(|side| side as u32);
    let color = |x: u32, y: u32| {
        let [red, green, blue, _] = image[(x as usize, y as usize)].to_array();
        image::Rgb([red, green, blue])
    };
    Source::Pixels(Arc::new(RgbImage::from_fn(width, height, color)))
}

impl eframe::App for Viewer {
    fn logic(&mut self, context: &egui::Context, _: &mut eframe::Frame) {
        self.look_after_device(context);
        if self.is_lost {
            return;
        }
        self.take_files(context);
        self.take_events(context);
        self.go_on(context);
        self.measure(context);
        if self.explanation.is_busy() {
            self.draw_again(context);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        self.frames.begin(self.explanation.is_busy());
        self.show(ui);
    }

    fn on_exit(&mut self) {
        if let Some(figures) = self.measured() {
            println!("{figures}");
        }
    }

    #[cfg(target_arch = "wasm32")]
    fn as_any_mut(&mut self) -> Option<&mut dyn std::any::Any> {
        Some(self)
    }
}
