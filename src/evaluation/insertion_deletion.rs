//! Insertion and deletion (Petsiuk, Das, Saenko: RISE, BMVC 2018): the target's probability while pixels appear on the
//! blurred photo, or vanish from the photo behind the mean colour, the most relevant first.

use super::Scores;
use super::bench::{Bench, Replacement, Round, probability};
use super::pixels::{Copy, Rule};
use crate::error::Error;

/// The series of probabilities, from no pixel to all.
pub(super) const SERIES: &str = "probability";

/// The blur's radius and standard deviation are 5 pixels for a photo of 224, as the authors have it, and in proportion
/// for others.
pub(super) fn blur(height: u32, width: u32) -> Replacement {
    let deviation = 5.0 * height.min(width) as f32 / 224.0;
    Replacement::Blur { radius: (deviation.round() as u32).max(1), deviation: deviation.max(0.5) }
}

pub(super) async fn evaluate(
    bench: &mut Bench,
    round: &Round<'_>,
    steps: u32,
    inserts: bool,
) -> Result<Vec<Scores>, Error> {
    let jobs = round.jobs();
    bench.rank(round.samples, &jobs).await?;
    let pixels = bench.height * bench.width;
    let rule = if inserts { Rule::AllButHighest } else { Rule::Highest };
    let mut copies = Vec::new();
    for (map, job) in (0..).zip(&jobs) {
        let copy = |step| Copy { picture: job.sample as u32, map, rule: rule(share(pixels, step, steps)) };
        copies.extend((0..=steps).map(copy));
    }
    let logits = bench.classify(&copies).await?;
    let scores = jobs.iter().zip(logits.chunks(steps as usize + 1)).map(|(job, logits)| {
        let probabilities = logits.iter().map(|logits| probability(logits, job.class)).collect();
        Scores::from([(SERIES.to_owned(), probabilities)])
    });
    Ok(scores.collect())
}

/// `step / steps` of the pixels, rounded down; all of them at the last step.
fn share(pixels: u32, step: u32, steps: u32) -> u32 {
    (u64::from(pixels) * u64::from(step) / u64::from(steps.max(1))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_begin_at_nothing_and_end_at_all() {
        assert_eq!((0..=4).map(|step| share(10, step, 4)).collect::<Vec<_>>(), [0, 2, 5, 7, 10]);
        assert_eq!(share(4_000_000, 20, 20), 4_000_000);
        assert_eq!(blur(224, 300), Replacement::Blur { radius: 5, deviation: 5.0 });
        assert_eq!(blur(20, 30), Replacement::Blur { radius: 1, deviation: 0.5 });
    }
}
