//! The runs that are looked at: on the GPU with values apart and with values that share memory, and in f64 from end to
//! end.

use super::accuracy::Accuracy;
use super::distance::relative_l2;
use super::{Memory, NOTABLE_MAP_ERROR, PATTERN};
use crate::Batch;
use crate::error::Error;
use crate::gpu::{Gpu, GpuError, Program, WeightStore};
use crate::graph::{NodeId, VariationField};
use crate::models::Model;
use crate::plan::{Plan, Sharing};
use crate::random::philox;
use crate::reference::Reference;
use crate::wiring::Wiring;

/// Runs a wiring on the GPU.
pub(super) struct Runner<'a> {
    pub gpu: &'a Gpu,
    pub model: &'a Model,
    pub wiring: &'a Wiring,
    pub batch: &'a Batch,
    pub store: WeightStore,
}

/// What a run leaves behind.
pub(super) struct Ran {
    pub plan: Plan,
    /// All words of all buffers, where every value has a place of its own.
    pub buffers: Vec<Vec<u32>>,
    /// The bits of all outputs.
    pub outputs: Vec<Vec<u32>>,
}

impl Runner<'_> {
    /// Explains each picture's best class, in memory that is filled with the pattern.
    pub async fn run(&mut self, sharing: Sharing, edit: &mut impl FnMut(Sharing, &mut Plan)) -> Result<Ran, Error> {
        let Wiring { graph, .. } = self.wiring;
        let profile = self.gpu.profile().with_precision(self.model.precision);
        let mut plan = self.wiring.plan(self.batch.count, &profile, sharing)?;
        self.store.upload(self.gpu, graph, &self.model.weights, &plan.packings()).await?;
        edit(sharing, &mut plan);
        let program = Program::new(self.gpu, plan, &self.store).await?;
        program.fill(PATTERN).await?;
        self.gpu.checked("uploading pictures", 4 * self.batch.data.len() as u64, || self.write(&program)).await??;
        program.submit().await?;
        program.finished().await?;
        let buffers = match sharing {
            Sharing::Separate => program.read_buffers().await?,
            Sharing::Shared => Vec::new(),
        };
        let outputs = program.read(graph, &self.wiring.outputs()).await?;
        let outputs = outputs.into_iter().map(bytemuck::cast_vec).collect();
        Ok(Ran { plan: program.plan().clone(), buffers, outputs })
    }

    fn write(&self, program: &Program) -> Result<(), GpuError> {
        let Wiring { graph, input, slots, variations, given, .. } = self.wiring;
        program.write(graph, *input, &self.batch.data)?;
        if let Some(given) = given {
            program.write(graph, *given, &self.batch.neighbours)?;
        }
        for slot in slots {
            program.write(graph, slot.request, &vec![-1.0; self.batch.count as usize])?;
        }
        for &(field, node) in variations {
            let values: Vec<f32> = (0..self.batch.count).map(|sample| variation_field(field, sample) as f32).collect();
            program.write(graph, node, &values)?;
        }
        Ok(())
    }
}

/// The largest relative error of all pictures' maps against a run in f64 alone; and where that is notable, how far the
/// rounding of every value moves the map there.
pub(super) fn map_error(
    memory: &Memory,
    mut reference: Reference,
    map: NodeId,
    batch: &Batch,
) -> Result<(f64, Option<f64>), Error> {
    let (mut largest, mut sensitivity): (f64, Option<f64>) = (0.0, None);
    for sample in 0..batch.count as usize {
        let fields = [VariationField::Index, VariationField::Scale, VariationField::Offset];
        let vector = batch.neighbour(sample).iter().map(|&value| value.into()).collect();
        reference =
            reference.with_variation(fields.map(|field| variation_field(field, sample as u32))).with_vector(vector);
        let picture: Vec<f64> = batch.picture(sample).iter().map(|&value| value.into()).collect();
        let run = |rounding: f64| {
            let round = |node: NodeId, values: &mut [f64]| {
                let is_computed = Accuracy::of(&memory.graph.node(node).op).tolerance > 0.0;
                let factor = |at: usize| 1.0 + rounding * between_ones(node, at);
                let changed = values.iter_mut().enumerate().filter(|_| is_computed);
                changed.for_each(|(at, value)| *value *= factor(at));
            };
            let mut values = reference.run_changed(&picture, &[-1.0], &[map], round)?;
            Ok::<_, Error>(values.remove(&map).unwrap_or_default())
        };
        let exact = run(0.0)?;
        let error = relative_l2(&memory.sample(map, sample), &exact);
        if error.is_nan() || error > NOTABLE_MAP_ERROR {
            let moved = relative_l2(&run(ROUNDING)?, &exact);
            sensitivity = Some(sensitivity.map_or(moved, |other| other.max(moved)));
        }
        largest = if largest.is_nan() || error.is_nan() { f64::NAN } else { largest.max(error) };
    }
    Ok((largest, sensitivity))
}

/// The most that f32 is off by, relative to a value.
const ROUNDING: f64 = 1.0 / (1 << 24) as f64;

/// A value in [-1, 1) that depends on the node and the position alone.
fn between_ones(node: NodeId, position: usize) -> f64 {
    let [word, ..] = philox([position as u32, node.index() as u32, 0, 2], [0; 2]);
    f64::from(word) / f64::from(1_u32 << 31) - 1.0
}

/// Variations that differ from picture to picture, in numbers that f32 holds exactly.
fn variation_field(field: VariationField, sample: u32) -> f64 {
    match field {
        VariationField::Index => f64::from(sample),
        VariationField::Scale => 0.5 + 0.25 * f64::from(sample % 8),
        VariationField::Offset => 0.125,
    }
}
