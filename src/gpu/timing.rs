//! How long steps take: by the GPU's own timestamps where it has them, otherwise by the wall clock around a submission.

use super::pipelines::lock;
use super::{Gpu, GpuError, Program};
use crate::platform::Stopwatch;
use std::ops::Range;

/// What a time was measured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Timestamps that the GPU wrote at the start and end of a pass.
    GpuTimestamps,
    /// The wall clock, from before a submission until the GPU was done with it.
    Wall,
}

/// Times of some steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// What they were measured with.
    pub clock: Clock,
    /// Milliseconds of each step.
    pub milliseconds: Vec<f64>,
}

/// Where a pass stamps its timestamps.
type Stamps<'a> = Option<wgpu::ComputePassTimestampWrites<'a>>;

/// Steps that are timed by one set of queries; WebGPU's sets hold up to 4096.
const STEPS_PER_SET: usize = 1024;
/// What the timestamps of so many steps take.
const SET_BYTES: u64 = 2 * STEPS_PER_SET as u64 * wgpu::QUERY_SIZE as u64;

/// Where timestamps are written, and read. A device keeps those that nobody uses: to time many short things, many
/// times, would make thousands of them.
pub(super) struct StampSet {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
}

impl Gpu {
    /// What steps are timed with on this device.
    pub fn clock(&self) -> Clock {
        match self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            true => Clock::GpuTimestamps,
            false => Clock::Wall,
        }
    }

    /// Runs what `record` puts into a pass, and says how many milliseconds it took.
    pub(crate) async fn time_pass(
        &self,
        record: impl Fn(&mut wgpu::CommandEncoder, Stamps<'_>),
    ) -> Result<f64, GpuError> {
        let times = self.time_passes(1, |_, encoder, stamps| record(encoder, stamps)).await?;
        Ok(times.first().copied().unwrap_or(f64::NAN))
    }

    async fn time_passes(
        &self,
        count: usize,
        record: impl Fn(usize, &mut wgpu::CommandEncoder, Stamps<'_>),
    ) -> Result<Vec<f64>, GpuError> {
        match self.clock() {
            Clock::GpuTimestamps => self.stamp_passes(count, record).await,
            Clock::Wall => {
                let mut times = Vec::new();
                for index in 0..count {
                    let watch = Stopwatch::start();
                    let submit = || {
                        let mut encoder = self.device.create_command_encoder(&Default::default());
                        record(index, &mut encoder, None);
                        self.queue.submit([encoder.finish()]);
                    };
                    self.checked("timing a step", 0, submit).await?;
                    self.finished().await?;
                    times.push(watch.milliseconds());
                }
                Ok(times)
            }
        }
    }

    /// One submission of `count` passes, at most [`STEPS_PER_SET`].
    async fn stamp_passes(
        &self,
        count: usize,
        record: impl Fn(usize, &mut wgpu::CommandEncoder, Stamps<'_>),
    ) -> Result<Vec<f64>, GpuError> {
        let spare = lock(&self.spare_stamps).pop();
        let set = match spare {
            Some(set) => set,
            None => self.checked("timing steps", 2 * SET_BYTES, || StampSet::new(&self.device)).await?,
        };
        let queries = 2 * count as u32;
        let run = || {
            let mut encoder = self.device.create_command_encoder(&Default::default());
            for index in 0..count {
                let first = 2 * index as u32;
                let stamps = wgpu::ComputePassTimestampWrites {
                    query_set: &set.queries,
                    beginning_of_pass_write_index: Some(first),
                    end_of_pass_write_index: Some(first + 1),
                };
                record(index, &mut encoder, Some(stamps));
            }
            encoder.resolve_query_set(&set.queries, 0..queries, &set.resolved, 0);
            let size = u64::from(queries) * u64::from(wgpu::QUERY_SIZE);
            encoder.copy_buffer_to_buffer(&set.resolved, 0, &set.staging, 0, size);
            self.queue.submit([encoder.finish()]);
        };
        self.checked("timing steps", 0, run).await?;
        let view = self.mapped(&set.staging, "reading timestamps").await?;
        let ticks: &[u64] = bytemuck::cast_slice(&view);
        let milliseconds = f64::from(self.queue.get_timestamp_period()) * 1e-6;
        let span = |pair: &[u64]| pair[1].saturating_sub(pair[0]) as f64 * milliseconds;
        let times = ticks.chunks_exact(2).take(count).map(span).collect();
        drop(view);
        set.staging.unmap();
        lock(&self.spare_stamps).push(set);
        Ok(times)
    }
}

impl StampSet {
    fn new(device: &wgpu::Device) -> Self {
        let (ty, count) = (wgpu::QueryType::Timestamp, 2 * STEPS_PER_SET as u32);
        let buffer = |usage| {
            let (size, mapped_at_creation) = (SET_BYTES, false);
            device.create_buffer(&wgpu::BufferDescriptor { label: Some("timestamps"), size, usage, mapped_at_creation })
        };
        Self {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor { label: None, ty, count }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            staging: buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
        }
    }
}

impl Program {
    /// Runs `steps` in order, each in a pass of its own, in submissions as bounded as [`Program::submit`] makes them.
    pub(crate) async fn time_steps(&self, steps: Range<usize>) -> Result<Times, GpuError> {
        let gpu = self.gpu();
        let mut milliseconds = Vec::with_capacity(steps.len());
        for run in super::program::cut(&self.plan().steps[steps.clone()], gpu.profile.strategy.max_step_flops) {
            let run: Vec<usize> = run.map(|index| index + steps.start).collect();
            for part in run.chunks(STEPS_PER_SET) {
                let times = gpu.time_passes(part.len(), |index, encoder, stamps| {
                    self.record_steps(encoder, part[index]..part[index] + 1, stamps);
                });
                milliseconds.extend(times.await?);
            }
        }
        Ok(Times { clock: gpu.clock(), milliseconds })
    }
}
