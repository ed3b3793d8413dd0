//! What evaluations do with a network: explain and rank, change pictures by rank, ask again. Pictures, maps and ranks
//! stay on the GPU.

mod ranks;

use super::likeness::Asked;
use super::pixels::{Copy, Pixels, Rule};
use super::sample::Sample;
use crate::error::Error;
use crate::explainer::Explainer;
use crate::gpu::{Gpu, GpuError};
use crate::map::Explained;
use crate::methods::Method;
use crate::models::Model;
use crate::session::SessionShape;
use crate::{Batch, Target};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The class of a sample that is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// Index of the sample.
    pub sample: usize,
    /// Class.
    pub class: u32,
}

/// Samples with the network's own answers.
pub(super) struct Round<'a> {
    pub samples: &'a [Sample],
    /// Logits of each sample; empty for an evaluation that does not ask for them.
    pub logits: Vec<Vec<f32>>,
}

impl Round<'_> {
    /// The class that the network predicts.
    pub fn predicted(&self, sample: usize) -> u32 {
        self.logits.get(sample).map_or(0, |logits| top(logits))
    }

    /// The labelled class, or the predicted one where there is no label.
    pub fn class(&self, sample: usize) -> u32 {
        self.samples[sample].classes.first().copied().unwrap_or_else(|| self.predicted(sample))
    }

    /// One job per sample.
    pub fn jobs(&self) -> Vec<Job> {
        (0..self.samples.len()).map(|sample| Job { sample, class: self.class(sample) }).collect()
    }
}

/// What replaces pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Replacement {
    /// One colour: red, green, blue, normalised.
    Color([f32; 3]),
    /// The picture itself, blurred with a deviation, cut off after a radius.
    Blur { radius: u32, deviation: f32 },
}

/// Says between two runs whether to go on.
pub(super) type Flow = dyn Fn() -> ControlFlow<()> + Send + Sync;

/// One model's pictures of one size, with maps and ranks of theirs.
pub(super) struct Bench {
    pub model: Model,
    pub height: u32,
    pub width: u32,
    gpu: Gpu,
    explainer: Explainer,
    pixels: Pixels,
    /// Pictures that are classified at a time.
    classified: u32,
    max_bytes: Option<u64>,
    flow: Arc<Flow>,
    /// Where no class is used.
    asked: Option<Asked>,
}

impl Bench {
    /// For pictures of `height` x `width`, at most `batch` at a time.
    pub async fn new(
        gpu: &Gpu,
        model: &Model,
        [height, width]: [u32; 2],
        batch: u32,
        asked: Option<Asked>,
    ) -> Result<Self, Error> {
        let pixels = Pixels::new(gpu, height, width, batch).await?;
        let explainer = Explainer::new(gpu, model, Method::default());
        let (gpu, model, classified) = (gpu.clone(), model.clone(), batch.max(1));
        let flow = Arc::new(|| ControlFlow::Continue(()));
        Ok(Self { model, height, width, gpu, explainer, pixels, classified, max_bytes: None, flow, asked })
    }

    /// Works on another device from now on, with as many samples and jobs at a time.
    pub async fn set_gpu(&mut self, gpu: &Gpu) -> Result<(), Error> {
        self.pixels = Pixels::new(gpu, self.height, self.width, self.pixels.capacity()).await?;
        self.explainer.set_gpu(gpu);
        self.asked = self.asked.take().map(|asked| asked.on(gpu));
        self.gpu = gpu.clone();
        Ok(())
    }

    /// Samples and jobs at a time.
    pub fn capacity(&self) -> usize {
        self.pixels.capacity() as usize
    }

    pub fn method(&self) -> &Method {
        self.explainer.method()
    }

    pub fn set_method(&mut self, method: &Method) {
        self.explainer.set_method(method.clone());
    }

    pub fn limit_memory(&mut self, max_bytes: Option<u64>) {
        self.max_bytes = max_bytes;
        self.explainer.limit_memory(max_bytes);
    }

    pub fn on_run(&mut self, flow: Arc<Flow>) {
        self.flow = flow;
        self.follow();
    }

    /// Makes the explainer ask between the variations of a picture.
    fn follow(&mut self) {
        let flow = self.flow.clone();
        self.explainer.on_progress(move |_| flow());
    }

    /// Asks whether to go on.
    fn ask(&self) -> Result<(), Error> {
        match (self.flow)() {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Stopped),
        }
    }

    /// Does some work with other weights, by the same method and within the same bounds.
    pub async fn with_model<T>(&mut self, model: &Model, work: impl AsyncFnOnce(&mut Self) -> T) -> T {
        let explainer = Explainer::new(&self.gpu, model, self.explainer.method().clone());
        let intact = std::mem::replace(&mut self.explainer, explainer);
        self.explainer.limit_memory(self.max_bytes);
        self.follow();
        let result = work(self).await;
        self.explainer = intact;
        result
    }

    /// Loads the pictures, with what replaces their pixels, and asks the network for its answers.
    pub async fn load<'a>(&mut self, samples: &'a [Sample], by: Replacement) -> Result<Round<'a>, Error> {
        self.pixels.load_pictures(&self.batch_of(samples.iter())).await?;
        match by {
            Replacement::Color(color) => self.pixels.replace_by_color(color).await?,
            Replacement::Blur { radius, deviation } => self.pixels.replace_by_blurred(radius, deviation).await?,
        }
        let whole = |picture| Copy { picture, map: 0, rule: Rule::Whole };
        let copies: Vec<Copy> = (0..samples.len() as u32).map(whole).collect();
        let logits = self.classify(&copies).await?;
        self.explainer.check_facts(&self.batch_of(samples.iter()), logits.iter().map(Vec::as_slice))?;
        Ok(Round { samples, logits })
    }

    fn batch_of<'a>(&self, samples: impl ExactSizeIterator<Item = &'a Sample>) -> Batch {
        let count = samples.len() as u32;
        let data = samples.flat_map(|sample| sample.tensor.iter().copied()).collect();
        Batch::new(count, self.height, self.width, data)
    }

    /// Explains all classes of each sample, or its references; the maps come to the host.
    pub async fn explain(&mut self, samples: &[Sample]) -> Result<Vec<Explained>, Error> {
        self.ask()?;
        if self.asked.is_some() {
            let mut explained = Vec::with_capacity(samples.len());
            for sample in samples {
                explained.extend(self.explain_references(sample).await?);
            }
            return Ok(explained);
        }
        let batch = self.batch_of(samples.iter());
        let targets = |sample: &Sample| sample.classes.iter().map(|&class| Target::Class(class)).collect();
        let targets: Vec<Vec<Target>> = samples.iter().map(targets).collect();
        Ok(self.explainer.explain(&batch, &targets).await?.0)
    }

    /// Explains how like its references a sample is; nothing where classes are used.
    async fn explain_references(&mut self, sample: &Sample) -> Result<Option<Explained>, Error> {
        self.ask()?;
        let size = [self.height, self.width];
        let Some(asked) = &mut self.asked else { return Ok(None) };
        Ok(Some(asked.explain(self.explainer.method(), sample, size).await?))
    }

    /// Logits of copies of the loaded pictures. They are written and classified in batches of one size, so that one
    /// session serves all.
    pub async fn classify(&mut self, copies: &[Copy]) -> Result<Vec<Vec<f32>>, Error> {
        let mut logits: Vec<Vec<f32>> = Vec::with_capacity(copies.len());
        while logits.len() < copies.len() {
            self.ask()?;
            let rest = &copies[logits.len()..];
            match self.classify_some(rest).await {
                Err(Error::Gpu(GpuError::OutOfMemory { .. })) if self.classified > 1 => self.classified /= 2,
                answers => logits.extend(answers?),
            }
        }
        Ok(logits)
    }

    async fn classify_some(&mut self, copies: &[Copy]) -> Result<Vec<Vec<f32>>, Error> {
        let shape = SessionShape { count: 1, height: self.height, width: self.width, slots: 0 };
        self.classified = self.classified.min(self.explainer.largest_batch(shape)?);
        let copies = &copies[..copies.len().min(self.classified as usize)];
        let session = self.explainer.session(SessionShape { count: self.classified, ..shape }).await?;
        self.pixels.write_copies(copies, &session).await?;
        session.run().await?;
        let logits: Vec<Vec<f32>> = session.read_logits().await?.into_iter().take(copies.len()).collect();
        let is_whole = |copy: &Copy| matches!(copy.rule, Rule::Whole);
        let of_parts = logits.iter().zip(copies).filter(|(_, copy)| !is_whole(copy)).flat_map(|(logits, _)| logits);
        self.explainer.check_finite(of_parts)?;
        Ok(logits)
    }
}

/// The class of the largest logit; of equal ones the lowest, and NaN never.
pub(super) fn top(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] || logits[best].is_nan() {
            best = class;
        }
    }
    best as u32
}

/// The softmax of logits at a class; 0 where it is no number.
pub(super) fn probability(logits: &[f32], class: u32) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let power = |logit: &f32| f64::from(logit - largest).exp();
    let share = logits.get(class as usize).map_or(0.0, power) / logits.iter().map(power).sum::<f64>();
    if share.is_finite() { share } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_class_and_its_probability() {
        assert_eq!(top(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(top(&[f32::NAN, -1.0, f32::NAN]), 1);
        assert_eq!(top(&[f32::NAN; 3]), 2);
        assert!((probability(&[2.0_f32.ln(), 0.0, 0.0], 0) - 0.5).abs() < 1e-7);
        assert_eq!(probability(&[f32::NAN, 0.0], 1), 0.0);
        assert_eq!(probability(&[1.0], 5), 0.0);
    }
}
