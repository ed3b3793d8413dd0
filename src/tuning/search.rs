//! Measures the candidates of every shape of a network against the default.

use crate::benchmark::{Repeats, Runner, Summary, wiring};
use crate::error::Error;
use crate::gpu::{Gpu, WeightStore};
use crate::models::Model;
use crate::plan::Sharing;
use crate::plan::variant::{PassShape, Tuning, Variant};
use crate::session::SessionShape;
use std::collections::BTreeSet;

/// How much longer than the candidate the default must take.
const LEAST_SPEED_UP: f64 = 1.03;

/// What to measure, and how often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Rows of the network's input.
    pub height: u32,
    /// Columns of the network's input.
    pub width: u32,
    /// How often each candidate of each shape is measured.
    pub repeats: Repeats,
}

impl Settings {
    /// The model's own size, and enough measurements for most devices.
    pub fn of(model: &Model) -> Self {
        let spec = model.input_spec();
        let repeats = Repeats { least: 5, most: 51, seconds: 0.1 };
        Self { height: spec.height, width: spec.width, repeats }
    }
}

/// What was found for a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The shape.
    pub shape: PassShape,
    /// What is taken without tuning.
    pub default: Variant,
    /// The fastest; the default unless another was faster by more than the spread.
    pub chosen: Variant,
    /// Time of the default over that of the chosen one, measured in turn.
    pub speed_up: f64,
}

/// A shape to be measured, and where a plan has it.
struct Job {
    shape: PassShape,
    default: Variant,
    candidates: Vec<Variant>,
    /// Position among the plan's dense passes.
    position: usize,
}

/// The measurements of a network: an explanation, and what only a forward pass alone has.
pub struct Tuner<'a> {
    gpu: Gpu,
    model: &'a Model,
    repeats: Repeats,
    jobs: Vec<(SessionShape, Vec<Job>)>,
}

impl<'a> Tuner<'a> {
    /// Finds what there is to measure; nothing runs yet.
    ///
    /// # Errors
    /// [`Error`] where the size does not fit the network or the device.
    pub fn new(gpu: &Gpu, model: &'a Model, settings: Settings) -> Result<Self, Error> {
        let Settings { height, width, repeats } = settings;
        let gpu = gpu.with_tuning(Tuning::new());
        let (mut known, mut jobs) = (BTreeSet::new(), Vec::new());
        for slots in [1, 0] {
            let shape = SessionShape { count: 1, height, width, slots };
            let profile = gpu.profile().with_precision(model.precision);
            let plan = wiring(model, shape, false)?.plan(1, &profile, Sharing::Shared)?;
            // A gated pass mostly does nothing.
            let passes = plan.dense.iter().enumerate().filter(|(_, pass)| !pass.gated && known.insert(pass.shape));
            let jobs_of = passes.map(|(position, pass)| {
                let mut candidates = pass.shape.candidates(gpu.profile());
                candidates.retain(|candidate| *candidate != pass.variant);
                Job { shape: pass.shape, default: pass.variant, candidates, position }
            });
            jobs.push((shape, jobs_of.collect()));
        }
        Ok(Self { gpu, model, repeats, jobs })
    }

    /// Comparisons to be made, of one candidate of one shape with the default each.
    pub fn comparisons(&self) -> usize {
        self.jobs.iter().flat_map(|(_, jobs)| jobs).map(|job| job.candidates.len()).sum()
    }

    /// Runs all comparisons, and `progress` after each of them. Returns what was found for every shape.
    ///
    /// # Errors
    /// [`Error`] where the GPU fails.
    pub async fn run(&self, mut progress: impl FnMut()) -> Result<Vec<Measured>, Error> {
        let mut store = WeightStore::default();
        let mut measured = Vec::new();
        for (shape, jobs) in self.jobs.iter().filter(|(_, jobs)| !jobs.is_empty()) {
            measured.extend(self.measure(*shape, jobs, &mut store, &mut progress).await?);
        }
        Ok(measured)
    }

    /// Sessions with the first, second, ... candidate of all shapes, one after the other beside one with the defaults.
    async fn measure(
        &self,
        shape: SessionShape,
        jobs: &[Job],
        store: &mut WeightStore,
        progress: &mut impl FnMut(),
    ) -> Result<Vec<Measured>, Error> {
        let undecided =
            |job: &Job| Measured { shape: job.shape, default: job.default, chosen: job.default, speed_up: 1.0 };
        let mut measured: Vec<Measured> = jobs.iter().map(undecided).collect();
        let defaults = Runner::new(&self.gpu, self.model, store, shape).await?;
        let rounds = jobs.iter().map(|job| job.candidates.len()).max().unwrap_or(0);
        for round in 0..rounds {
            let candidate_of = |job: &Job| Some((job.shape, *job.candidates.get(round)?));
            let gpu = self.gpu.with_tuning(jobs.iter().filter_map(candidate_of).collect());
            let candidates = Runner::new(&gpu, self.model, store, shape).await?;
            for (job, best) in jobs.iter().zip(&mut measured) {
                let Some(&candidate) = job.candidates.get(round) else { continue };
                if let Some(speed_up) = self.compare(&defaults, &candidates, job.position).await?
                    && speed_up > best.speed_up
                {
                    (best.chosen, best.speed_up) = (candidate, speed_up);
                }
                progress();
            }
        }
        Ok(measured)
    }

    /// How much faster than the default the candidate is, if it is by more than the spread.
    async fn compare(&self, default: &Runner, candidate: &Runner, position: usize) -> Result<Option<f64>, Error> {
        let (mut of_default, mut of_candidate) = (Vec::new(), Vec::new());
        for _ in self.repeats.rounds() {
            of_default.push(time(default, position).await?);
            of_candidate.push(time(candidate, position).await?);
        }
        Ok(speed_up(&Summary::of(of_default), &Summary::of(of_candidate)))
    }
}

/// Time of the default over that of the candidate, where the candidate is faster by more than the spread.
fn speed_up(default: &Summary, candidate: &Summary) -> Option<f64> {
    let speed_up = default.median / candidate.median;
    let is_faster = speed_up >= LEAST_SPEED_UP && candidate.upper_quartile < default.lower_quartile;
    is_faster.then_some(speed_up)
}

/// Milliseconds of a dense pass. Both sessions have the same passes, in as many steps as their variants take.
async fn time(runner: &Runner, position: usize) -> Result<f64, Error> {
    let Some(pass) = runner.session().plan().dense.get(position) else { return Ok(f64::NAN) };
    Ok(runner.session().time_steps(pass.steps.clone()).await?.milliseconds.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_must_be_faster_by_more_than_the_spread() {
        let of = |values: [f64; 5]| Summary::of(values.to_vec());
        let default = of([10.0, 10.1, 10.2, 10.3, 10.4]);
        assert_eq!(speed_up(&default, &of([5.0, 5.0, 5.1, 5.2, 5.3])), Some(2.0));
        assert_eq!(speed_up(&default, &default), None);
        assert_eq!(speed_up(&default, &of([9.9, 9.9, 10.0, 10.0, 10.0])), None, "two in a hundred");
        assert_eq!(speed_up(&default, &of([4.0, 5.0, 6.0, 20.0, 30.0])), None, "quartiles overlap");
        assert_eq!(speed_up(&default, &of([20.0; 5])), None, "slower");
        assert_eq!(speed_up(&default, &of([f64::NAN; 5])), None, "not measured");
    }
}
