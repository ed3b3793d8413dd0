//! Steps of one kernel and shape, taken together.

use super::Summary;
use super::probes::Probes;
use super::summary::Repeats;
use crate::error::Error;
use crate::graph::{ConvolutionId, Graph};
use crate::plan::Step;
use crate::plan::packing::Packing;
use crate::plan::uniforms::Scalar;
use crate::plan::variant::WinogradTile;
use crate::session::Session;
use std::collections::HashMap;

/// All steps of a plan that run one kernel on values of one shape.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct KernelRow {
    /// Shader and overridden constants.
    pub kernel: String,
    /// Layer and size of the value that is written.
    pub shape: String,
    /// Number of steps.
    pub steps: usize,
    /// Floating-point operations of all these steps, as planned; 0 of gated steps, which return at once unless a
    /// gradient is masked.
    pub flops: u64,
    /// Bytes of all their bindings; 0 of gated steps.
    pub bytes: u64,
    /// Milliseconds that they take together.
    pub milliseconds: Summary,
    /// 1e9 operations per second, from the median.
    pub gflops: f64,
    /// 1e9 bytes per second, from the median.
    pub gigabytes_per_second: f64,
    /// Operations per second over those of the FMA probe.
    pub share_of_fma: f64,
    /// Bytes per second over those of the copy probe.
    pub share_of_copy: f64,
}

/// Steps of one kernel and shape, by their positions in the plan.
pub struct Group {
    /// Kernel and shape.
    pub name: (String, String),
    /// Positions.
    pub steps: Vec<usize>,
}

/// What was measured in the same rounds: both probes and every step.
pub struct Kernels {
    /// 1e9 operations per second.
    pub fma: Summary,
    /// 1e9 bytes per second.
    pub copy: Summary,
    /// Milliseconds of all steps together.
    pub total: Summary,
    /// Longest first.
    pub rows: Vec<KernelRow>,
}

/// The steps of a session by kernel and shape, in order of first use.
pub fn groups(session: &Session) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<(String, String), usize> = HashMap::new();
    for (index, step) in session.plan().steps.iter().enumerate() {
        let name = (step.kernel.to_string(), shape(session.graph(), step));
        let at = *known.entry(name.clone()).or_insert_with(|| {
            groups.push(Group { name, steps: Vec::new() });
            groups.len() - 1
        });
        groups[at].steps.push(index);
    }
    groups
}

/// Times every step of a session that has run before, round after round, with both probes in each round.
///
/// # Errors
/// [`Error::Gpu`] where the GPU fails.
pub async fn measure(session: &Session, probes: &Probes, repeats: Repeats) -> Result<Kernels, Error> {
    let groups = groups(session);
    let steps = session.plan().steps.len();
    let mut times = vec![Vec::new(); groups.len()];
    let (mut fma, mut copy, mut total) = (Vec::new(), Vec::new(), Vec::new());
    for _ in repeats.rounds() {
        fma.push(probes.fma().await?);
        copy.push(probes.copy().await?);
        let round = session.time_steps(0..steps).await?.milliseconds;
        total.push(round.iter().sum());
        for (group, times) in groups.iter().zip(&mut times) {
            times.push(group.steps.iter().filter_map(|&step| round.get(step)).sum());
        }
    }
    let (fma, copy, total) = (Summary::of(fma), Summary::of(copy), Summary::of(total));
    let row = |(group, times): (Group, Vec<f64>)| row(session, group, Summary::of(times), fma.median, copy.median);
    let mut rows: Vec<KernelRow> = groups.into_iter().zip(times).map(row).collect();
    rows.sort_by(|a, b| b.milliseconds.median.total_cmp(&a.milliseconds.median));
    Ok(Kernels { fma, copy, total, rows })
}

fn row(session: &Session, group: Group, milliseconds: Summary, fma: f64, copy: f64) -> KernelRow {
    let steps = || group.steps.iter().filter_map(|&index| session.plan().steps.get(index));
    let at_work = || steps().filter(|step| !step.is_gated());
    let (flops, bytes) = (at_work().map(|step| step.flops).sum(), at_work().map(|step| step.bytes).sum());
    // A clock may be too coarse for the shortest steps.
    let seconds = milliseconds.median.max(1e-6) / 1e3;
    let (gflops, gigabytes_per_second) = (flops as f64 / 1e9 / seconds, bytes as f64 / 1e9 / seconds);
    let (kernel, shape) = group.name;
    let (share_of_fma, share_of_copy) = (gflops / fma, gigabytes_per_second / copy);
    let steps = group.steps.len();
    KernelRow {
        kernel,
        shape,
        steps,
        flops,
        bytes,
        milliseconds,
        gflops,
        gigabytes_per_second,
        share_of_fma,
        share_of_copy,
    }
}

/// One number where rows and columns have one stride.
fn stride([rows, columns]: [u32; 2]) -> String {
    if rows == columns { rows.to_string() } else { format!("{rows}x{columns}") }
}

/// A layer's channels, kernel and stride (`<-` for the transpose) where the step has a layer's weights, the size of the
/// value that it writes, the algorithm of which the step is a product, and whether it is gated.
fn shape(graph: &Graph, step: &Step) -> String {
    let written = graph.shape(step.node);
    let gated = if step.is_gated() { ", gated" } else { "" };
    let Some(layer) = step.weights.iter().find_map(convolution) else { return format!("{written}{gated}") };
    let layer = graph.convolution(layer);
    let ([rows, columns], stride) = (layer.window.kernel, stride(layer.window.stride));
    let (inputs, outputs) = (layer.input_channels, layer.output_channels);
    let (is_transposed, tile) = step
        .weights
        .iter()
        .find_map(direction_and_tile)
        .unwrap_or_else(|| (step.uniforms.fields().contains(&("transposed", Scalar::Unsigned(1))), None));
    let direction = if is_transposed { "<-" } else { "->" };
    let algorithm = tile.map(|tile| format!(", F({side}x{side})", side = tile.side())).unwrap_or_default();
    let (height, width) = (written.height, written.width);
    format!("{inputs}{direction}{outputs} {rows}x{columns}/{stride} {height}x{width}{algorithm}{gated}")
}

/// Whether dense weights are packed for the transpose, and for which of Winograd's algorithms.
fn direction_and_tile(packing: &Packing) -> Option<(bool, Option<WinogradTile>)> {
    match *packing {
        Packing::Dense { transposed, .. } => Some((transposed, None)),
        Packing::Winograd { transposed, tile, .. } => Some((transposed, Some(tile))),
        _ => None,
    }
}

fn convolution(packing: &Packing) -> Option<ConvolutionId> {
    match packing {
        Packing::Dense { layer, .. }
        | Packing::Depthwise { layer }
        | Packing::General { layer, .. }
        | Packing::Grouped { layer, .. }
        | Packing::TapSums { layer, .. }
        | Packing::Winograd { layer, .. } => Some(*layer),
        _ => None,
    }
}
