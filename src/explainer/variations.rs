//! Methods that run each picture several times: all variations of all pictures form one long row of samples, which is
//! cut into batches. Gradients are summed in f64, variation after variation, so that maps do not depend on the cut.

use super::batches::in_batches;
use super::{Cost, Explainer};
use crate::batch::Batch;
use crate::error::Error;
use crate::map::{Explained, Map};
use crate::methods::{Schedule, Variation};
use crate::session::SessionShape;
use crate::target::Target;
use std::ops::Range;

/// The sums of one picture's gradients so far, by slot.
type Sums = Vec<Vec<f64>>;

/// Where the row of samples stands.
struct Row<'a> {
    batch: &'a Batch,
    /// Per picture the classes to explain, as many for each picture as it has targets.
    classes: Vec<Vec<Target>>,
    slots: u32,
    schedule: Schedule,
}

impl Explainer {
    pub(super) async fn explain_variations(
        &mut self,
        batch: &Batch,
        targets: &[Vec<Target>],
        schedule: Schedule,
    ) -> Result<(Vec<Explained>, Cost), Error> {
        let (logits, baseline, mut cost) = self.answers(batch, schedule).await?;
        let classes: Vec<Vec<u32>> = logits
            .iter()
            .zip(targets)
            .map(|(logits, targets)| targets.iter().map(|target| target.class(logits)).collect())
            .collect::<Result<_, _>>()?;
        let slots = targets.iter().map(Vec::len).max().unwrap_or(0) as u32;
        let as_targets = |classes: &Vec<u32>| classes.iter().map(|&class| Target::Class(class)).collect();
        let row = Row { batch, classes: classes.iter().map(as_targets).collect(), slots, schedule };
        let sums = self.run_row(&row, &mut cost).await?;

        let pixels = batch.height as usize * batch.width as usize;
        let mut explained = Vec::with_capacity(logits.len());
        for (index, (logits, sums)) in logits.into_iter().zip(sums).enumerate() {
            let map = |(&class, sum): (&u32, Vec<f64>)| {
                let values = schedule.map(&sum, batch.picture(index), pixels);
                // Of the picture's and the baseline's logits, without what a neighbour takes from either.
                let own = logit(&logits, class) + batch.neighbour(index).get(class as usize).map_or(0.0, |&y| y.into());
                let difference = baseline.as_ref().map(|baseline| own - logit(baseline, class));
                Map {
                    class,
                    height: batch.height,
                    width: batch.width,
                    completeness_gap: difference.map(|difference| values.iter().sum::<f64>() - difference),
                    values: values.into_iter().map(|value| value as f32).collect(),
                    peak: None,
                    mask_loss: None,
                    conservation: Vec::new(),
                }
            };
            let maps = classes[index].iter().zip(sums).map(map).collect();
            explained.push(Explained { logits, maps });
        }
        Ok((explained, cost))
    }

    /// The logits of the pictures as they are, and of the baseline where there is one and an audit is wanted.
    async fn answers(
        &mut self,
        batch: &Batch,
        schedule: Schedule,
    ) -> Result<(Vec<Vec<f32>>, Option<Vec<f32>>, Cost), Error> {
        let mut asked = batch.clone();
        // The length of the penultimate vector, a constant of each picture, changes on the way from the baseline:
        // nothing is promised of likeness.
        let promises = self.model.recipe.references().is_none();
        if let (true, Some(value)) = (self.audit && promises, schedule.baseline()) {
            asked.count += 1;
            asked.data.extend(std::iter::repeat_n(value, batch.picture_elements() as usize));
            asked.neighbours.extend(batch.neighbour(0).iter().map(|_| 0.0));
        }
        let nothing = vec![Vec::new(); asked.count as usize];
        let progress = self.on_progress.take();
        let answers = self.explain_at_once(&asked, &nothing).await;
        self.on_progress = progress;
        let (answers, cost) = answers?;
        let mut logits: Vec<Vec<f32>> = answers.into_iter().map(|answer| answer.logits).collect();
        let baseline = if asked.count > batch.count { logits.pop() } else { None };
        Ok((logits, baseline, cost))
    }

    /// Runs all variations of all pictures; the sum of gradients by picture and slot.
    async fn run_row(&mut self, row: &Row<'_>, cost: &mut Cost) -> Result<Vec<Sums>, Error> {
        let Batch { height, width, .. } = *row.batch;
        let total = row.batch.count as usize * row.schedule.count() as usize;
        let shape = SessionShape { count: 1, height, width, slots: row.slots };
        let largest = self.largest_batch(shape)?;
        let mut sums: Vec<Sums> = vec![Vec::new(); row.batch.count as usize];
        let run = async |samples: Range<usize>| {
            let end = samples.end;
            let samples: Vec<(usize, Variation)> = samples.map(|sample| row.sample(sample)).collect();
            let answers = self.run_samples(row, &samples, cost).await?;
            for ((picture, _), answer) in samples.iter().zip(answers) {
                add(&mut sums[*picture], &answer.maps);
            }
            self.report_progress(end, total)?;
            Ok(Vec::<()>::new())
        };
        in_batches(total, largest, run).await?;
        Ok(sums)
    }

    async fn run_samples(
        &mut self,
        row: &Row<'_>,
        samples: &[(usize, Variation)],
        cost: &mut Cost,
    ) -> Result<Vec<Explained>, Error> {
        let batch = row.batch.select(samples.iter().map(|(picture, _)| *picture));
        let targets: Vec<Vec<Target>> = samples.iter().map(|(picture, _)| row.classes[*picture].clone()).collect();
        let variations: Vec<Variation> = samples.iter().map(|(_, variation)| *variation).collect();
        self.run(&batch, &targets, row.slots, Some(&variations), cost).await
    }
}

impl Row<'_> {
    /// Picture and variation of a sample: all variations of the first picture, then all of the second, and so on.
    fn sample(&self, sample: usize) -> (usize, Variation) {
        let count = self.schedule.count() as usize;
        let (picture, index) = (sample / count, (sample % count) as u32);
        (picture, self.schedule.variation(index, self.batch.picture(picture)))
    }
}

fn add(sums: &mut Sums, maps: &[Map]) {
    sums.resize(maps.len(), Vec::new());
    for (sum, map) in sums.iter_mut().zip(maps) {
        sum.resize(map.values.len(), 0.0);
        for (sum, value) in sum.iter_mut().zip(&map.values) {
            *sum += f64::from(*value);
        }
    }
}

fn logit(logits: &[f32], class: u32) -> f64 {
    logits.get(class as usize).copied().unwrap_or(f32::NAN).into()
}
