//! Methods that run each picture several times: all passes of all pictures form one long row of samples, which is cut into batches.
//! Gradients are summed in f64, pass after pass, so that maps do not depend on the cut.

use super::{Batch, Cost, Error, Explained, Explainer, GpuError, Map, SessionShape, Target};
use crate::methods::{Pass, Schedule};

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
    pub(super) async fn explain_in_passes(
        &mut self,
        batch: &Batch,
        targets: &[Vec<Target>],
        schedule: Schedule,
    ) -> Result<(Vec<Explained>, Cost), Error> {
        let (logits, baseline, mut cost) = self.answers(batch, schedule).await?;
        let classes: Vec<Vec<u32>> = logits
            .iter()
            .zip(targets)
            .map(|(logits, targets)| classes_of(logits, targets))
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
                let difference = baseline.as_ref().map(|baseline| logit(&logits, class) - logit(baseline, class));
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

    /// The logits of the pictures as they are, and of the baseline where there is one.
    async fn answers(
        &mut self,
        batch: &Batch,
        schedule: Schedule,
    ) -> Result<(Vec<Vec<f32>>, Option<Vec<f32>>, Cost), Error> {
        let mut asked = batch.clone();
        if let Some(value) = schedule.baseline() {
            asked.count += 1;
            asked.data.extend(std::iter::repeat_n(value, batch.picture_elements() as usize));
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

    /// Runs all passes of all pictures; the sum of gradients by picture and slot.
    async fn run_row(&mut self, row: &Row<'_>, cost: &mut Cost) -> Result<Vec<Sums>, Error> {
        let Batch { height, width, .. } = *row.batch;
        let total = row.batch.count as usize * row.schedule.count() as usize;
        let shape = SessionShape { count: 1, height, width, slots: row.slots };
        let mut largest = self.largest_batch(shape)? as usize;
        let mut sums: Vec<Sums> = vec![Vec::new(); row.batch.count as usize];
        let mut done = 0;
        while done < total {
            // Batches of about equal size need one session instead of two.
            let left = total - done;
            let count = left.div_ceil(left.div_ceil(largest));
            let samples: Vec<(usize, Pass)> = (done..done + count).map(|sample| row.sample(sample)).collect();
            match self.run_samples(row, &samples, cost).await {
                Err(Error::Gpu(GpuError::OutOfMemory { .. })) if count > 1 => {
                    self.sessions.clear();
                    largest = count / 2;
                    continue;
                }
                answers => {
                    for ((picture, _), answer) in samples.iter().zip(answers?) {
                        add(&mut sums[*picture], &answer.maps);
                    }
                }
            }
            done += count;
            self.report_progress(done, total);
        }
        Ok(sums)
    }

    async fn run_samples(
        &mut self,
        row: &Row<'_>,
        samples: &[(usize, Pass)],
        cost: &mut Cost,
    ) -> Result<Vec<Explained>, Error> {
        let data = samples.iter().flat_map(|(picture, _)| row.batch.picture(*picture)).copied().collect();
        let batch = Batch { count: samples.len() as u32, data, ..*row.batch };
        let targets: Vec<Vec<Target>> = samples.iter().map(|(picture, _)| row.classes[*picture].clone()).collect();
        let passes: Vec<Pass> = samples.iter().map(|(_, pass)| *pass).collect();
        self.run(&batch, &targets, row.slots, Some(&passes), cost).await
    }
}

impl Row<'_> {
    /// Picture and pass of a sample: all passes of the first picture, then all of the second, and so on.
    fn sample(&self, sample: usize) -> (usize, Pass) {
        let count = self.schedule.count() as usize;
        let (picture, index) = (sample / count, (sample % count) as u32);
        (picture, self.schedule.pass(index, self.batch.picture(picture)))
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

/// The classes that targets mean; of equal logits the lowest id ranks first.
fn classes_of(logits: &[f32], targets: &[Target]) -> Result<Vec<u32>, Error> {
    let classes = logits.len() as u32;
    // Adding zero makes the two zeros equal.
    let value = |id: u32| logits[id as usize] + 0.0;
    let mut order: Vec<u32> = (0..classes).collect();
    order.sort_by(|&a, &b| value(b).total_cmp(&value(a)).then(a.cmp(&b)));
    let of = |target: &Target| {
        let (class, found) = match *target {
            Target::Class(id) => (id, (id < classes).then_some(id)),
            Target::Rank(rank) => (rank, order.get(rank as usize).copied()),
        };
        found.ok_or(Error::Class { class, classes })
    };
    targets.iter().map(of).collect()
}

fn logit(logits: &[f32], class: u32) -> f64 {
    logits.get(class as usize).copied().unwrap_or(f32::NAN).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_looked_up_and_ties_go_to_the_lowest_class() {
        let logits = [1.0, 3.0, 3.0, -0.0, 0.0];
        let targets = [Target::Rank(0), Target::Rank(1), Target::Rank(2), Target::Rank(3), Target::Class(4)];
        assert_eq!(classes_of(&logits, &targets).unwrap(), [1, 2, 0, 3, 4]);
        assert!(classes_of(&logits, &[Target::Class(5)]).is_err());
        assert!(classes_of(&logits, &[Target::Rank(5)]).is_err());
    }
}
