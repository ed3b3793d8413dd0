//! What all evaluations share: maps, ranks and answers for a batch of samples.

use super::pixels::{Copy, Pixels, Place, Rule};
use super::sample::Sample;
use super::{
    Evaluation, Options, Scores, grid_pointing, insertion_deletion, likeness, perturbation, pointing, randomisation,
    segmentation,
};
use crate::error::Error;
use crate::explainer::Explainer;
use crate::gpu::{Gpu, GpuError};
use crate::map::Explained;
use crate::methods::Method;
use crate::models::Model;
use crate::session::SessionShape;
use crate::{Batch, Target};
use std::collections::BTreeMap;

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

/// Evaluates methods of one model on pictures of one size.
pub struct Evaluator {
    pub(super) gpu: Gpu,
    pub(super) model: Model,
    pub(super) options: Options,
    pub(super) explainer: Explainer,
    /// Where no class is used.
    asked: Option<likeness::Asked>,
    pub(super) height: u32,
    pub(super) width: u32,
    evaluation: Evaluation,
    pixels: Pixels,
    /// Pictures that are classified at a time.
    classified: u32,
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
        let asked = options.like.map(|_| likeness::Asked::new(gpu, model, [height, width]));
        let (height, width) = (height.saturating_mul(rows), width.saturating_mul(columns));
        let pixels = Pixels::new(gpu, height, width, batch).await?;
        let explainer = Explainer::new(gpu, model, Method::default());
        let (gpu, model, classified) = (gpu.clone(), model.clone(), batch.max(1));
        Ok(Self { gpu, model, options, explainer, asked, height, width, evaluation, pixels, classified })
    }

    /// Samples at a time.
    pub fn batch(&self) -> usize {
        self.pixels.capacity() as usize
    }

    /// The explainer, for its limit of memory and its progress.
    pub fn explainer(&mut self) -> &mut Explainer {
        &mut self.explainer
    }

    /// Scores of every method, for each of at most [`Evaluator::batch`] samples.
    ///
    /// # Errors
    /// [`Error`] where the GPU fails or a class does not exist.
    pub async fn evaluate(
        &mut self,
        samples: &[Sample],
        methods: &[Method],
    ) -> Result<Vec<BTreeMap<String, Scores>>, Error> {
        let round = self.start(samples).await?;
        let mut results = vec![BTreeMap::new(); samples.len()];
        for method in methods {
            self.explainer.set_method(method.clone());
            let scores = match self.evaluation {
                Evaluation::Perturbation => perturbation::evaluate(self, &round).await?,
                Evaluation::Segmentation => segmentation::evaluate(self, &round).await?,
                Evaluation::GridPointing => grid_pointing::evaluate(self, &round).await?,
                Evaluation::Pointing => pointing::evaluate(self, &round).await?,
                Evaluation::Insertion => insertion_deletion::evaluate(self, &round, true).await?,
                Evaluation::Deletion => insertion_deletion::evaluate(self, &round, false).await?,
                Evaluation::Randomisation => randomisation::evaluate(self, &round, method).await?,
            };
            for (result, scores) in results.iter_mut().zip(scores) {
                result.insert(method.name().to_owned(), scores);
            }
        }
        Ok(results)
    }

    /// Loads the pictures, with what replaces their pixels, and asks the network for its answers.
    async fn start<'a>(&mut self, samples: &'a [Sample]) -> Result<Round<'a>, Error> {
        if self.evaluation == Evaluation::GridPointing {
            return Ok(Round { samples, logits: Vec::new() });
        }
        let all: Vec<usize> = (0..samples.len()).collect();
        self.pixels.load_pictures(&self.batch_of(samples, &all)).await?;
        match self.evaluation {
            Evaluation::Insertion => {
                let (radius, deviation) = insertion_deletion::blur(self.height, self.width);
                self.pixels.replace_by_blurred(radius, deviation).await?;
            }
            Evaluation::Deletion => self.pixels.replace_by_color([0.0; 3]).await?,
            _ => {
                let spec = self.model.input_spec();
                let black = [0, 1, 2].map(|channel| -spec.mean[channel] / spec.std[channel]);
                self.pixels.replace_by_color(black).await?;
            }
        }
        let whole = |picture| Copy { picture, map: 0, rule: Rule::Whole };
        let copies: Vec<Copy> = (0..samples.len() as u32).map(whole).collect();
        let logits = self.classify(&copies).await?;
        Ok(Round { samples, logits })
    }

    /// Some of the samples as a batch.
    fn batch_of(&self, samples: &[Sample], indices: &[usize]) -> Batch {
        let data = indices.iter().flat_map(|&index| samples[index].tensor.iter().copied()).collect();
        Batch::new(indices.len() as u32, self.height, self.width, data)
    }

    /// Explains all classes of each sample, or its references.
    pub(super) async fn explain(&mut self, samples: &[Sample]) -> Result<Vec<Explained>, Error> {
        if let Some(asked) = &mut self.asked {
            let mut explained = Vec::with_capacity(samples.len());
            for sample in samples {
                explained.push(asked.explain(self.explainer.method(), sample, [self.height, self.width]).await?);
            }
            return Ok(explained);
        }
        let all: Vec<usize> = (0..samples.len()).collect();
        let targets = |sample: &Sample| sample.classes.iter().map(|&class| Target::Class(class)).collect();
        let targets: Vec<Vec<Target>> = samples.iter().map(targets).collect();
        Ok(self.explainer.explain(&self.batch_of(samples, &all), &targets).await?.0)
    }

    /// Maps of classes, height x width values each.
    pub(super) async fn maps(&mut self, samples: &[Sample], jobs: &[Job]) -> Result<Vec<Vec<f32>>, Error> {
        if self.asked.is_some() {
            return self.maps_of_references(samples, jobs).await;
        }
        let indices: Vec<usize> = jobs.iter().map(|job| job.sample).collect();
        let batch = self.batch_of(samples, &indices);
        let targets: Vec<Vec<Target>> = jobs.iter().map(|job| vec![Target::Class(job.class)]).collect();
        let (explained, _) = self.explainer.explain(&batch, &targets).await?;
        Ok(explained.into_iter().flat_map(|picture| picture.maps).map(|map| map.values).collect())
    }

    /// Maps of the references that stand for classes.
    async fn maps_of_references(&mut self, samples: &[Sample], jobs: &[Job]) -> Result<Vec<Vec<f32>>, Error> {
        let mut maps = Vec::with_capacity(jobs.len());
        for Job { sample, class } in jobs {
            let sample = &samples[*sample];
            let explained = self.explain(std::slice::from_ref(sample)).await?;
            let own = explained.into_iter().flat_map(|picture| picture.maps).zip(&sample.classes);
            maps.extend(own.filter(|(_, known)| *known == class).map(|(map, _)| map.values).take(1));
        }
        Ok(maps)
    }

    /// Ranks maps, at most [`Evaluator::batch`].
    pub(super) async fn rank(&self, maps: &[Vec<f32>]) -> Result<(), Error> {
        let maps: Vec<&[f32]> = maps.iter().map(Vec::as_slice).collect();
        self.pixels.rank(&maps).await
    }

    /// The places of pixels in the first `count` maps that were ranked.
    pub(super) async fn places(&self, count: usize) -> Result<Vec<Vec<Place>>, Error> {
        self.pixels.places(count as u32).await
    }

    /// Logits of copies of the loaded pictures. They are written and classified in batches of one size, so that one session serves all.
    pub(super) async fn classify(&mut self, copies: &[Copy]) -> Result<Vec<Vec<f32>>, Error> {
        let mut logits: Vec<Vec<f32>> = Vec::with_capacity(copies.len());
        while logits.len() < copies.len() {
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
        let answers = session.read().await?.into_iter().take(copies.len());
        Ok(answers.map(|answer| answer.logits).collect())
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
