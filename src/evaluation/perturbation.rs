//! Perturbation: pixels are set to black, the lowest-ranked first (negative) or the highest-ranked first (positive),
//! and the network is asked again. Per share of black pixels: is the best class still the explained one?

use super::Scores;
use super::bench::{Bench, Job, Round, top};
use super::curve::area;
use super::pixels::{Copy, Rule};
use crate::error::Error;

/// Tenths of the pixels that are set to black.
pub(super) const TENTHS: std::ops::RangeInclusive<u32> = 1..=9;

/// Series for the predicted class, then for the labelled one.
pub(super) const SERIES: [[&str; 2]; 2] =
    [["negative, predicted", "positive, predicted"], ["negative, target", "positive, target"]];

pub(super) async fn evaluate(bench: &mut Bench, round: &Round<'_>) -> Result<Vec<Scores>, Error> {
    let jobs = jobs(round);
    let mut scores = vec![Scores::new(); round.samples.len()];
    for jobs in jobs.chunks(bench.capacity()) {
        bench.rank(round.samples, jobs).await?;
        let copies = copies(jobs, bench.height * bench.width);
        let tops: Vec<u32> = bench.classify(&copies).await?.iter().map(|logits| top(logits)).collect();
        for (job, tops) in jobs.iter().zip(tops.chunks(2 * TENTHS.count())) {
            add(&mut scores[job.sample], round, job, tops);
        }
    }
    Ok(scores)
}

/// The predicted class of every sample, and its labelled one where that differs.
fn jobs(round: &Round<'_>) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (sample, picture) in round.samples.iter().enumerate() {
        let predicted = round.predicted(sample);
        jobs.push(Job { sample, class: predicted });
        jobs.extend(picture.classes.first().filter(|&&class| class != predicted).map(|&class| Job { sample, class }));
    }
    jobs
}

/// For each job: all shares of the lowest pixels, then all shares of the highest.
fn copies(jobs: &[Job], pixels: u32) -> Vec<Copy> {
    let mut copies = Vec::new();
    for (map, job) in (0..).zip(jobs) {
        for rule in [Rule::Lowest, Rule::Highest] {
            let copy = |tenths| Copy { picture: job.sample as u32, map, rule: rule(share(pixels, tenths)) };
            copies.extend(TENTHS.map(copy));
        }
    }
    copies
}

/// Tenths of the pixels, rounded to the nearest number.
fn share(pixels: u32, tenths: u32) -> u32 {
    ((u64::from(pixels) * u64::from(tenths) + 5) / 10) as u32
}

/// Notes for a job whether the best class is the explained one.
fn add(scores: &mut Scores, round: &Round<'_>, job: &Job, tops: &[u32]) {
    let modes = [Some(round.predicted(job.sample)), round.samples[job.sample].classes.first().copied()];
    for (names, class) in SERIES.iter().zip(modes) {
        if class != Some(job.class) {
            continue;
        }
        for (name, tops) in names.iter().zip(tops.chunks(TENTHS.count())) {
            let hits = tops.iter().map(|&top| f64::from(u8::from(top == job.class))).collect();
            scores.insert((*name).to_owned(), hits);
        }
    }
}

/// Area under accuracy over the nine shares, in percent of its largest value.
pub(super) fn score(accuracies: &[f64]) -> f64 {
    100.0 * area(accuracies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::sample::Sample;

    #[test]
    fn shares_are_rounded() {
        assert_eq!([1, 5, 9].map(|tenths| share(224 * 224, tenths)), [5018, 25088, 45158]);
        assert_eq!(TENTHS.map(|tenths| share(7, tenths)).collect::<Vec<_>>(), [1, 1, 2, 3, 4, 4, 5, 6, 6]);
    }

    #[test]
    fn a_wrong_prediction_is_explained_twice_and_each_map_counts_for_its_class() {
        let sample = |classes: &[u32]| Sample {
            tensor: Vec::new(),
            classes: classes.to_vec(),
            mask: None,
            references: Vec::new(),
        };
        let samples = [sample(&[1]), sample(&[0]), sample(&[])];
        let round = Round { samples: &samples, logits: vec![vec![0.0, 1.0]; 3] };
        let jobs = jobs(&round);
        let found: Vec<(usize, u32)> = jobs.iter().map(|job| (job.sample, job.class)).collect();
        assert_eq!(found, [(0, 1), (1, 1), (1, 0), (2, 1)]);
        assert_eq!(copies(&jobs, 10).len(), 4 * 18);

        let tops: Vec<u32> = (0..18).map(|at| u32::from(at % 3 == 0)).collect();
        let mut right = Scores::new();
        add(&mut right, &round, &jobs[0], &tops);
        assert_eq!(right.len(), 4);
        assert_eq!(right["negative, predicted"], [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(right["positive, target"], right["negative, predicted"]);
        let mut wrong = Scores::new();
        add(&mut wrong, &round, &jobs[1], &tops);
        assert_eq!(wrong.keys().collect::<Vec<_>>(), ["negative, predicted", "positive, predicted"]);
        add(&mut wrong, &round, &jobs[2], &tops);
        assert_eq!(wrong["negative, target"], [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn the_area_is_that_of_the_trapezoids() {
        assert!((score(&[1.0; 9]) - 100.0).abs() < 1e-12);
        // 0.1 (0.5 + 7 * 1 + 0.25) / 0.8, without the first and the last half.
        let accuracies = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5];
        assert!((score(&accuracies) - 100.0 * 0.1 * (0.5 + 7.0 + 0.25) / 0.8).abs() < 1e-12);
    }
}
