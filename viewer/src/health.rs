//! What a device says of itself: that it is lost, or that something was asked of it that it does not do.

use agf::wgpu;
use eframe::egui;
use std::sync::{Arc, Mutex, PoisonError};

/// What a device has said.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    lost: Option<String>,
    error: Option<String>,
}

impl Health {
    /// Listens to a device from now on, and has a frame drawn when it says something. Errors that nobody catches are
    /// kept instead of ending the program.
    pub fn of(device: &wgpu::Device, context: &egui::Context) -> Self {
        let health = Self::default();
        let (listener, drawn) = (health.clone(), context.clone());
        device.set_device_lost_callback(move |_, text| {
            listener.with(|said| said.lost = Some(text));
            drawn.request_repaint();
        });
        let (listener, drawn) = (health.clone(), context.clone());
        device.on_uncaptured_error(Arc::new(move |error| {
            listener.with(|said| said.error = Some(error.to_string()));
            drawn.request_repaint();
        }));
        health
    }

    /// Why the device is lost, if it is.
    pub fn lost(&self) -> Option<String> {
        self.with(|said| said.lost.clone())
    }

    /// The last error that nobody caught.
    pub fn take_error(&self) -> Option<String> {
        self.with(|said| said.error.take())
    }

    fn with<T>(&self, look: impl FnOnce(&mut Said) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
