//! A window that shows which pixels of a photo speak for which class: a host of the library `agf` on the wgpu device
//! that it is drawn with.

mod app;
mod classes;
#[cfg(not(target_arch = "wasm32"))]
mod dialog;
mod explanation;
mod frame;
mod frames;
mod health;
mod measurement;
mod network;
mod options;
mod perturbation;
mod photos;
mod picture;
mod question;
mod run;
mod save;
mod truth;
mod ui;
mod view;
#[cfg(target_arch = "wasm32")]
mod web;
mod worker;

pub use app::Viewer;
pub use frames::Summary;
pub use network::Network;
pub use options::Options;

use agf::wgpu::{DeviceDescriptor, Features, Limits};
use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
use std::sync::Arc;

/// What the window's device must have: what the engine makes use of, besides what the window needs; or WebGPU's default
/// limits and no more.
pub fn graphics(webgpu_limits: bool) -> WgpuConfiguration {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    setup.instance_descriptor.backends.remove(agf::wgpu::Backends::GL);
    setup.device_descriptor = Arc::new(move |adapter| {
        let (required_features, required_limits) = match webgpu_limits {
            true => (Features::empty(), Limits::default().using_alignment(adapter.limits())),
            false => agf::gpu::requirements(adapter),
        };
        let memory_hints = agf::wgpu::MemoryHints::Performance;
        DeviceDescriptor {
            label: Some("agf-viewer"),
            required_features,
            required_limits,
            memory_hints,
            ..Default::default()
        }
    });
    WgpuConfiguration { wgpu_setup: WgpuSetup::CreateNew(setup), ..Default::default() }
}

impl Viewer {
    /// Whether the question is answered, and nothing is on its way.
    pub fn is_settled(&self) -> bool {
        let is_answered = self.photos.current().is_none() || !self.answer.maps.is_empty();
        self.model.is_some() && !self.is_arriving && !self.explanation.is_busy() && is_answered
    }

    /// Whether the GPU is busy with an explanation, or still with one that was given up.
    pub fn is_computing(&self) -> bool {
        self.explanation.is_computing()
    }

    /// The maps that are there.
    pub fn maps(&self) -> impl Iterator<Item = &agf::Map> {
        self.answer.maps.iter().map(|shown| &shown.map)
    }

    /// What is to be said to the user, if anything is.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The logits of all classes, and those with pixels hidden.
    pub fn logits(&self) -> (&[f32], Option<&[f32]>) {
        (&self.logits, self.truth.answer.as_ref().map(|answer| &answer.logits[..]))
    }

    /// How long frames took while something was on its way.
    pub fn frames(&self) -> Option<Summary> {
        self.frames.summary()
    }

    /// The device that it draws and computes on.
    pub fn device(&self) -> &agf::wgpu::Device {
        self.gpu.device()
    }

    /// Writes what is seen to the folder for files.
    pub fn save(&mut self) {
        let Some(loaded) = &self.loaded else { return };
        let saved = |(index, shown): (usize, &question::Shown)| {
            Some((save::stem(&loaded.picture, shown), shown.map.clone(), self.cells.texture(index)?.clone()))
        };
        let maps = self.answer.maps.iter().enumerate().filter_map(saved).collect();
        self.worker.send(worker::Job::Save(save::Save { folder: self.folder.clone(), maps }));
    }

    /// The arguments of the runs of `agf-run` that make the same maps; `None` where the photo is no file.
    pub fn arguments(&self) -> Option<Vec<Vec<String>>> {
        let loaded = self.loaded.as_ref()?;
        save::arguments(&self.network, &loaded.picture, &self.answer.maps, &self.view)
    }

    /// The command that makes the same maps.
    pub(crate) fn command_line(&self) -> Option<String> {
        let runs = self.arguments()?;
        Some(runs.iter().map(|arguments| save::line(arguments)).collect::<Vec<_>>().join(" && "))
    }
}
