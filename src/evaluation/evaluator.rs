//! The list of evaluations: what each needs loaded, and which of them runs.

use super::bench::{Bench, Replacement, Round};
use super::likeness::Asked;
use super::sample::Sample;
use super::{
    Evaluation, Options, Scores, grid_pointing, insertion_deletion, perturbation, pointing, randomisation, segmentation,
};
use crate::error::Error;
use crate::gpu::Gpu;
use crate::methods::Method;
use crate::models::Model;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Evaluates methods of one model on pictures of one size.
pub struct Evaluator {
    evaluation: Evaluation,
    options: Options,
    bench: Bench,
}

impl Evaluator {
    /// For pictures of `height` x `width`, at most `batch` at a time. With grid-pointing this is the size of a cell.
    ///
    /// # Errors
    /// [`Error`] where the pictures do not fit the device.
    pub async fn new(
        gpu: &Gpu,
        model: &Model,
        evaluation: Evaluation,
        options: Options,
        [height, width]: [u32; 2],
        batch: u32,
    ) -> Result<Self, Error> {
        let [rows, columns] = if evaluation == Evaluation::GridPointing { options.cells } else { [1, 1] };
        let size = [height.saturating_mul(rows), width.saturating_mul(columns)];
        let asked = options.like.map(|_| Asked::new(gpu, model, [height, width]));
        Ok(Self { evaluation, options, bench: Bench::new(gpu, model, size, batch, asked).await? })
    }

    /// Samples at a time.
    pub fn batch(&self) -> usize {
        self.bench.capacity()
    }

    /// As [`Explainer::set_gpu`](crate::Explainer::set_gpu): works on another device from now on.
    ///
    /// # Errors
    /// [`Error`] where the pictures do not fit the device.
    pub async fn set_gpu(&mut self, gpu: &Gpu) -> Result<(), Error> {
        self.bench.set_gpu(gpu).await
    }

    /// As [`Explainer::limit_memory`](crate::Explainer::limit_memory).
    pub fn limit_memory(&mut self, max_bytes: Option<u64>) {
        self.bench.limit_memory(max_bytes);
    }

    /// Calls back between runs, those of a picture's variations and of randomised networks included. Where it breaks,
    /// [`Evaluator::evaluate`] ends with [`Error::Stopped`].
    pub fn on_run(&mut self, callback: impl Fn() -> ControlFlow<()> + Send + Sync + 'static) {
        self.bench.on_run(Arc::new(callback));
    }

    /// Scores of every method, for each of at most [`Evaluator::batch`] samples.
    ///
    /// # Errors
    /// [`Error`] where the GPU fails, a class does not exist, or the host stops it.
    pub async fn evaluate(
        &mut self,
        samples: &[Sample],
        methods: &[Method],
    ) -> Result<Vec<BTreeMap<String, Scores>>, Error> {
        let round = match self.replacement() {
            Some(replacement) => self.bench.load(samples, replacement).await?,
            None => Round { samples, logits: Vec::new() },
        };
        let mut results = vec![BTreeMap::new(); samples.len()];
        for method in methods {
            self.bench.set_method(method);
            for (result, scores) in results.iter_mut().zip(self.scores(&round).await?) {
                result.insert(method.name().to_owned(), scores);
            }
        }
        Ok(results)
    }

    async fn scores(&mut self, round: &Round<'_>) -> Result<Vec<Scores>, Error> {
        let (bench, Options { steps, cells, stages, seed, like: _ }) = (&mut self.bench, self.options);
        match self.evaluation {
            Evaluation::Perturbation => perturbation::evaluate(bench, round).await,
            Evaluation::Segmentation => segmentation::evaluate(bench, round).await,
            Evaluation::GridPointing => grid_pointing::evaluate(bench, round, cells).await,
            Evaluation::Pointing => pointing::evaluate(bench, round).await,
            Evaluation::Insertion => insertion_deletion::evaluate(bench, round, steps, true).await,
            Evaluation::Deletion => insertion_deletion::evaluate(bench, round, steps, false).await,
            Evaluation::Randomisation => randomisation::evaluate(bench, round, stages, seed).await,
        }
    }

    /// What replaces pixels; `None` where the network is not asked for its own answers, since every class is given.
    fn replacement(&self) -> Option<Replacement> {
        match self.evaluation {
            Evaluation::GridPointing => None,
            Evaluation::Insertion => Some(insertion_deletion::blur(self.bench.height, self.bench.width)),
            Evaluation::Deletion => Some(Replacement::Color([0.0; 3])),
            Evaluation::Perturbation | Evaluation::Segmentation | Evaluation::Pointing | Evaluation::Randomisation => {
                let spec = self.bench.model.input_spec();
                Some(Replacement::Color([0, 1, 2].map(|channel| -spec.mean[channel] / spec.std[channel])))
            }
        }
    }
}
