//! Measurements that can be believed: medians of many runs with their spread, beside what the adapter can do at best in
//! the same run.
//!
//! On top of the flow, beside [`verify`](mod@crate::verify): it runs sessions of a model and times them, whole and step
//! by step. `agf-run bench` prints what it finds and adds what only a program of its own can have: start-up times and
//! the process's memory.

mod dispatches;
mod kernels;
mod networks;
mod probes;
mod summary;
mod variants;

pub use dispatches::{DispatchCosts, dispatch_costs};
pub use kernels::{Group, KernelRow, groups};
pub(crate) use networks::wiring;
pub use networks::{BatchTimes, Networks, Runner, Runners};
pub use probes::{Probes, SOURCES as PROBE_SOURCES};
pub use summary::{Repeats, Summary};
pub use variants::{LAYERS, LayerShape, PassVariants, VariantTime, Variants, measure_variants};

use crate::error::Error;
use crate::gpu::{Clock, Gpu};
use crate::models::Model;

/// What to measure, and how often.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Settings {
    /// Rows of the network's input.
    pub height: u32,
    /// Columns of the network's input.
    pub width: u32,
    /// How often each thing is measured.
    pub repeats: Repeats,
    /// Pictures of a batch to be compared with as many single runs.
    pub batch: Option<u32>,
}

/// What was measured on a device.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Measurement {
    /// What kernels and probes were timed with.
    pub kernel_clock: Clock,
    /// What whole networks were timed with.
    pub network_clock: Clock,
    /// FMA probe, 1e9 floating-point operations per second.
    pub fma_probe: Summary,
    /// Copy probe, 1e9 bytes per second.
    pub copy_probe: Summary,
    /// Whole networks.
    pub networks: Networks,
    /// All steps of an explanation of one class, timed one by one, milliseconds.
    pub kernels_total: Summary,
    /// These steps by kernel and shape, longest first.
    pub kernels: Vec<KernelRow>,
    /// GPU memory of an explanation of one class.
    pub memory: Memory,
}

/// Planned bytes of GPU memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Memory {
    /// Values.
    pub values: u64,
    /// No placement of the values can be smaller than this.
    pub values_lower_bound: u64,
    /// Weights.
    pub weights: u64,
}

/// Measures a model on a device.
///
/// # Errors
/// [`Error`] where the size does not fit the network or the device, or the GPU fails.
pub async fn measure(gpu: &Gpu, model: &Model, settings: &Settings) -> Result<Measurement, Error> {
    let probes = Probes::new(gpu).await?;
    let runners = Runners::new(gpu, model, settings).await?;
    let networks = runners.measure(settings).await?;
    let session = runners.explanation().session();
    let found = kernels::measure(session, &probes, settings.repeats).await?;
    let plan = session.plan();
    Ok(Measurement {
        kernel_clock: gpu.clock(),
        network_clock: Clock::Wall,
        fma_probe: found.fma,
        copy_probe: found.copy,
        networks,
        kernels_total: found.total,
        kernels: found.rows,
        memory: Memory { values: plan.value_bytes(), values_lower_bound: plan.lower_bound, weights: plan.weight_bytes },
    })
}
