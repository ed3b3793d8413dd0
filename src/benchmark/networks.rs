//! Whole networks: forward pass, explanation, a further class, a batch.

use super::{Settings, Summary};
use crate::error::Error;
use crate::gpu::{Gpu, WeightStore};
use crate::methods::Method;
use crate::models::Model;
use crate::plan::Sharing;
use crate::platform::Stopwatch;
use crate::session::{Session, SessionShape};
use crate::wiring::Wiring;
use crate::{Batch, Target};
use std::sync::Arc;

/// Times of whole networks by the wall clock: from the picture in main memory to the results in main memory.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Networks {
    /// Forward pass of one picture, milliseconds.
    pub forward: Summary,
    /// Forward pass and explanation of one class, milliseconds.
    pub explanation: Summary,
    /// The same with the sums of relevance that `explain` reports, milliseconds.
    pub audited_explanation: Summary,
    /// What a second class of the same picture adds, milliseconds.
    pub further_class: Summary,
    /// Explanation over forward pass, of the medians.
    pub explanation_over_forward: f64,
    /// Further class over forward pass, of the medians.
    pub further_class_over_forward: f64,
    /// Several pictures at once, if asked for.
    pub batch: Option<BatchTimes>,
}

/// One class each of several pictures, together and one by one.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct BatchTimes {
    /// Number of pictures; less than asked for where more do not fit the adapter at a time.
    pub pictures: u32,
    /// All at once, milliseconds.
    pub together: Summary,
    /// One after the other, milliseconds.
    pub singly: Summary,
    /// Together over singly, of the medians.
    pub together_over_singly: f64,
}

/// A session with its input.
pub struct Runner {
    session: Session,
    batch: Batch,
}

impl Runner {
    /// Makes the session and runs it once, so that everything is compiled and uploaded.
    pub(crate) async fn new(
        gpu: &Gpu,
        model: &Model,
        store: &mut WeightStore,
        shape: SessionShape,
    ) -> Result<Self, Error> {
        Self::with_audit(gpu, model, store, shape, false).await
    }

    /// The same, with an audit or without.
    async fn with_audit(
        gpu: &Gpu,
        model: &Model,
        store: &mut WeightStore,
        shape: SessionShape,
        audit: bool,
    ) -> Result<Self, Error> {
        let wiring = Arc::new(wiring(model, shape, audit)?);
        let channels = wiring.graph.shape(wiring.input).channels;
        let plan = wiring.plan(shape.count, &gpu.profile().with_precision(model.precision), Sharing::Shared)?;
        let session = Session::new(gpu, model, store, shape, wiring, plan).await?;
        let runner = Self { session, batch: pattern(shape, channels) };
        runner.run().await?;
        Ok(runner)
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// One run: milliseconds from the picture in main memory to the results there.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU fails.
    pub async fn run(&self) -> Result<f64, Error> {
        let watch = Stopwatch::start();
        let SessionShape { count, slots, .. } = self.session.shape();
        self.session.write_pictures(&self.batch)?;
        for slot in 0..slots {
            self.session.write_targets(slot, &vec![Target::Rank(slot); count as usize])?;
        }
        self.session.run().await?;
        self.session.read().await?;
        Ok(watch.milliseconds())
    }
}

/// The network explained by the default method, with an audit or without.
pub(crate) fn wiring(model: &Model, shape: SessionShape, audit: bool) -> Result<Wiring, Error> {
    let network = model.build(shape.height, shape.width)?;
    Wiring::new(&network, &Method::default(), shape.wanted(audit))
}

/// Normalised pictures, the same on every machine: smooth, with noise upon it.
fn pattern(shape: SessionShape, channels: u32) -> Batch {
    let SessionShape { count, height, width, .. } = shape;
    let value = |at: u32| {
        let noise = (at.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32 - 0.5;
        let (row, column) = (at / width % height, at % width);
        (row as f32 / 17.0).sin() + (column as f32 / 23.0).cos() + noise
    };
    let data = (0..channels * count * height * width).map(value).collect();
    Batch::new(count, height, width, data)
}

/// Sessions of one network for one picture, and for a batch if asked for; they share the weights.
pub struct Runners {
    forward: Runner,
    explanation: Runner,
    audited: Runner,
    two_classes: Runner,
    batch: Option<Runner>,
}

impl Runners {
    /// Makes and warms up all sessions.
    ///
    /// # Errors
    /// [`Error`] where the size does not fit the network or the device.
    pub async fn new(gpu: &Gpu, model: &Model, settings: &Settings) -> Result<Self, Error> {
        let mut store = WeightStore::default();
        let Settings { height, width, .. } = *settings;
        let shape = |count, slots| SessionShape { count, height, width, slots };
        let batch = match settings.batch {
            Some(count) => {
                let largest = wiring(model, shape(1, 1), false)?.largest_batch(gpu.profile());
                Some(Runner::new(gpu, model, &mut store, shape(count.min(largest), 1)).await?)
            }
            None => None,
        };
        Ok(Self {
            forward: Runner::new(gpu, model, &mut store, shape(1, 0)).await?,
            explanation: Runner::new(gpu, model, &mut store, shape(1, 1)).await?,
            audited: Runner::with_audit(gpu, model, &mut store, shape(1, 1), true).await?,
            two_classes: Runner::new(gpu, model, &mut store, shape(1, 2)).await?,
            batch,
        })
    }

    /// The forward pass alone.
    pub fn forward(&self) -> &Runner {
        &self.forward
    }

    /// Two classes of one picture.
    pub fn two_classes(&self) -> &Runner {
        &self.two_classes
    }

    /// One class of one picture.
    pub fn explanation(&self) -> &Runner {
        &self.explanation
    }

    /// Times all, round after round, so that what disturbs the machine disturbs them alike.
    pub(super) async fn measure(&self, settings: &Settings) -> Result<Networks, Error> {
        let (mut forward, mut explanation, mut audited, mut further) = (vec![], vec![], vec![], vec![]);
        for _ in settings.repeats.rounds() {
            forward.push(self.forward.run().await?);
            let one = self.explanation.run().await?;
            explanation.push(one);
            audited.push(self.audited.run().await?);
            further.push(self.two_classes.run().await? - one);
        }
        let forward = Summary::of(forward);
        let (explanation, further_class) = (Summary::of(explanation), Summary::of(further));
        let batch = match &self.batch {
            Some(batch) => Some(self.measure_batch(batch, settings).await?),
            None => None,
        };
        Ok(Networks {
            explanation_over_forward: explanation.median / forward.median,
            further_class_over_forward: further_class.median / forward.median,
            forward,
            explanation,
            audited_explanation: Summary::of(audited),
            further_class,
            batch,
        })
    }

    async fn measure_batch(&self, batch: &Runner, settings: &Settings) -> Result<BatchTimes, Error> {
        let pictures = batch.session.shape().count;
        let (mut together, mut singly) = (Vec::new(), Vec::new());
        for _ in settings.repeats.rounds() {
            together.push(batch.run().await?);
            let mut sum = 0.0;
            for _ in 0..pictures {
                sum += self.explanation.run().await?;
            }
            singly.push(sum);
        }
        let (together, singly) = (Summary::of(together), Summary::of(singly));
        Ok(BatchTimes { pictures, together, singly, together_over_singly: together.median / singly.median })
    }
}
