//! What a dispatch costs beside its arithmetic: its launch, the barrier before it, a pass and a submission of its own.

use super::Summary;
use super::probes::{PROBE_DISPATCH, compute_pipeline};
use super::summary::Repeats;
use crate::gpu::{Clock, Gpu, GpuError};
use crate::platform::Stopwatch;

/// Dispatches that are timed together.
const DISPATCHES: usize = 1000;
/// Lanes of a workgroup.
const LANES: u64 = 64;
/// Workgroups of a wide dispatch: enough to reach every core of a graphics card, little enough to do nothing there.
const WIDE_GROUPS: u32 = 1024;

/// Microseconds per dispatch that does next to nothing, each taken from a thousand of them.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct DispatchCosts {
    /// What the GPU's times were measured with.
    pub clock: Clock,
    /// Dispatches that are timed together.
    pub dispatches: usize,
    /// On the GPU, one workgroup each, every one with a buffer of its own: no barriers between them.
    pub independent: Summary,
    /// On the GPU, one workgroup each, every one changing what the one before has changed: a barrier before each.
    pub dependent: Summary,
    /// On the GPU, dependent, of 1024 workgroups each.
    pub dependent_wide: Summary,
    /// On the GPU, dependent, each in a pass of its own.
    pub dependent_passes: Summary,
    /// On the CPU: recording and submitting dependent dispatches of one pass, until the submission returns.
    pub recording: Summary,
    /// By the wall clock: one dispatch, from before it is recorded until the CPU knows that it is done.
    pub round_trip: Summary,
    /// Whether every dependent dispatch ran, one after the other: each lane counts them.
    pub all_counted: bool,
}

/// The probe and its buffers.
struct Dispatches {
    gpu: Gpu,
    pipeline: wgpu::ComputePipeline,
    /// Over one buffer that is wide enough for all.
    shared: wgpu::BindGroup,
    counters: wgpu::Buffer,
    /// Over buffers of their own.
    own: Vec<wgpu::BindGroup>,
}

/// Times dispatches that do next to nothing.
///
/// # Errors
/// [`GpuError`] where the GPU fails.
pub async fn dispatch_costs(gpu: &Gpu, repeats: Repeats) -> Result<DispatchCosts, GpuError> {
    let probe = gpu.checked("making the dispatch probe", 0, || Dispatches::new(gpu)).await?;
    // The first run may compile, and brings the buffers to the GPU.
    probe.round().await?;
    let mut times: [Vec<f64>; 6] = Default::default();
    for _ in repeats.rounds() {
        for (times, time) in times.iter_mut().zip(probe.round().await?) {
            times.push(time);
        }
    }
    let rounds = 1 + times[0].len() as u32;
    let [independent, dependent, dependent_wide, dependent_passes, recording, round_trip] = times.map(Summary::of);
    Ok(DispatchCosts {
        clock: gpu.clock(),
        dispatches: DISPATCHES,
        independent,
        dependent,
        dependent_wide,
        dependent_passes,
        recording,
        round_trip,
        all_counted: probe.all_counted(rounds).await?,
    })
}

impl Dispatches {
    fn new(gpu: &Gpu) -> Self {
        let buffer = |size| {
            gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some("dispatch probe"),
                size,
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            })
        };
        let pipeline = compute_pipeline(gpu, PROBE_DISPATCH);
        let layout = &pipeline.get_bind_group_layout(0);
        let group = |buffer: &wgpu::Buffer| {
            let entries = [wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }];
            gpu.device().create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
        };
        let counters = buffer(u64::from(WIDE_GROUPS) * LANES * 4);
        let own = (0..DISPATCHES).map(|_| group(&buffer(LANES * 4))).collect();
        Self { gpu: gpu.clone(), shared: group(&counters), counters, own, pipeline }
    }

    /// Microseconds per dispatch, in the order of [`DispatchCosts`].
    async fn round(&self) -> Result<[f64; 6], GpuError> {
        let per_dispatch = |milliseconds: f64| milliseconds * 1e3 / DISPATCHES as f64;
        let independent = self.time(self.own.iter(), 1).await?;
        let dependent = self.time(std::iter::repeat_n(&self.shared, DISPATCHES), 1).await?;
        let wide = self.time(std::iter::repeat_n(&self.shared, DISPATCHES), WIDE_GROUPS).await?;
        let passes = self.time_passes().await?;
        let (recording, _) = self.submit(DISPATCHES).await?;
        let (_, round_trip) = self.submit(1).await?;
        let [independent, dependent, wide, passes, recording] =
            [independent, dependent, wide, passes, recording].map(per_dispatch);
        Ok([independent, dependent, wide, passes, recording, round_trip * 1e3])
    }

    /// Whether each lane counted as many dispatches as so many rounds have.
    async fn all_counted(&self, rounds: u32) -> Result<bool, GpuError> {
        let counted = self.gpu.read_regions(&[(&self.counters, 0, self.counters.size())]).await?.concat();
        let (narrow, wide) = counted.split_at(LANES as usize);
        let dispatches = DISPATCHES as u32;
        // Dependent, wide, in passes, recorded; and the round trip's one.
        let is_narrow = |&count: &u32| count == rounds * (4 * dispatches + 1);
        Ok(narrow.iter().all(is_narrow) && wide.iter().all(|&count| count == rounds * dispatches))
    }

    /// Milliseconds of one pass with a dispatch for each bind group.
    async fn time<'a>(
        &self,
        groups: impl Iterator<Item = &'a wgpu::BindGroup> + Clone,
        workgroups: u32,
    ) -> Result<f64, GpuError> {
        let record = |encoder: &mut wgpu::CommandEncoder, stamps: Option<wgpu::ComputePassTimestampWrites<'_>>| {
            self.record(encoder, stamps, groups.clone(), workgroups);
        };
        self.gpu.time_pass(record).await
    }

    /// Milliseconds of passes of one dependent dispatch each.
    async fn time_passes(&self) -> Result<f64, GpuError> {
        let record = |encoder: &mut wgpu::CommandEncoder, stamps: Option<wgpu::ComputePassTimestampWrites<'_>>| {
            for index in 0..DISPATCHES {
                let stamps = stamps.as_ref().and_then(|stamps| stamps_of(stamps, index));
                self.record(encoder, stamps, std::iter::once(&self.shared), 1);
            }
        };
        self.gpu.time_pass(record).await
    }

    /// Milliseconds by the wall clock: until the submission of dependent dispatches returns, and until they are done.
    async fn submit(&self, dispatches: usize) -> Result<(f64, f64), GpuError> {
        let watch = Stopwatch::start();
        let mut encoder = self.gpu.device().create_command_encoder(&Default::default());
        self.record(&mut encoder, None, std::iter::repeat_n(&self.shared, dispatches), 1);
        self.gpu.queue().submit([encoder.finish()]);
        let submitted = watch.milliseconds();
        self.gpu.finished().await?;
        Ok((submitted, watch.milliseconds()))
    }

    fn record<'a>(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
        groups: impl Iterator<Item = &'a wgpu::BindGroup>,
        workgroups: u32,
    ) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
        pass.set_pipeline(&self.pipeline);
        for group in groups {
            pass.set_bind_group(0, group, &[]);
            pass.dispatch_workgroups(workgroups, 1, 1);
        }
    }
}

/// The beginning in the first pass, the end in the last, nothing between.
fn stamps_of<'a>(
    stamps: &wgpu::ComputePassTimestampWrites<'a>,
    index: usize,
) -> Option<wgpu::ComputePassTimestampWrites<'a>> {
    let beginning = stamps.beginning_of_pass_write_index.filter(|_| index == 0);
    let end = stamps.end_of_pass_write_index.filter(|_| index + 1 == DISPATCHES);
    (beginning.is_some() || end.is_some()).then_some(wgpu::ComputePassTimestampWrites {
        query_set: stamps.query_set,
        beginning_of_pass_write_index: beginning,
        end_of_pass_write_index: end,
    })
}
