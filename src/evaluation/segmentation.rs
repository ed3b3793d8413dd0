//! Segmentation: foreground is where the map exceeds its mean (methods with only positive maps) or zero (signed ones);
//! compared with masks by pixel accuracy, intersection over union and average precision.

use super::bench::{Bench, Job, Round};
use super::pixels::Place;
use super::{Scores, VOID};
use crate::error::Error;
use crate::methods::MapKind;

/// Numbers of pixels: right ones, all, then intersection and union of the foreground and of the background.
pub(super) const COUNTS: &str = "pixel counts";
/// Sum of the average precisions of a photo's regions, and their number.
pub(super) const PRECISION: &str = "average precision";

/// A job and, for each pixel, whether it belongs to its class; `None` where the mask leaves that open.
pub(super) struct Region {
    pub job: Job,
    pub is_inside: Vec<Option<bool>>,
}

/// The regions of all samples, one for each class.
pub(super) fn regions(round: &Round<'_>) -> Vec<Region> {
    let mut regions = Vec::new();
    for (sample, picture) in round.samples.iter().enumerate() {
        let mask = picture.mask.as_deref().unwrap_or_default();
        let classes = if picture.classes.is_empty() { vec![round.class(sample)] } else { picture.classes.clone() };
        for (value, class) in (1..).zip(classes) {
            let is_inside = mask.iter().map(|&found| (found != VOID).then_some(found == value)).collect();
            regions.push(Region { job: Job { sample, class }, is_inside });
        }
    }
    regions
}

pub(super) async fn evaluate(bench: &mut Bench, round: &Round<'_>) -> Result<Vec<Scores>, Error> {
    let kind = bench.method().map_kind();
    let regions = regions(round);
    let mut counts = vec![vec![0.0; 6]; round.samples.len()];
    let mut precisions = vec![vec![0.0; 2]; round.samples.len()];
    for regions in regions.chunks(bench.capacity()) {
        let jobs: Vec<Job> = regions.iter().map(|region| region.job).collect();
        bench.rank(round.samples, &jobs).await?;
        let (maps, places) = (bench.maps(jobs.len()).await?, bench.places(jobs.len()).await?);
        for ((Region { job, is_inside }, map), places) in regions.iter().zip(&maps).zip(&places) {
            let found = pixel_counts(map, kind, is_inside);
            counts[job.sample].iter_mut().zip(found).for_each(|(sum, count)| *sum += count);
            precisions[job.sample][0] += average_precision(places, is_inside);
            precisions[job.sample][1] += 1.0;
        }
    }
    let pairs = counts.into_iter().zip(precisions);
    Ok(pairs.map(|(c, p)| Scores::from([(COUNTS.to_owned(), c), (PRECISION.to_owned(), p)])).collect())
}

/// What [`COUNTS`] is for one map.
fn pixel_counts(map: &[f32], kind: MapKind, is_inside: &[Option<bool>]) -> [f64; 6] {
    let threshold = match kind {
        MapKind::Signed => 0.0,
        MapKind::Positive => map.iter().map(|&value| f64::from(value)).sum::<f64>() / map.len().max(1) as f64,
    };
    let mut confusion = [[0.0; 2]; 2];
    let counted = map.iter().zip(is_inside).filter_map(|(value, inside)| Some((value, (*inside)?)));
    for (&value, inside) in counted {
        confusion[usize::from(f64::from(value) > threshold)][usize::from(inside)] += 1.0;
    }
    let [[both_out, missed], [false_alarm, both_in]] = confusion;
    let wrong = missed + false_alarm;
    [both_in + both_out, both_in + both_out + wrong, both_in, both_in + wrong, both_out, both_out + wrong]
}

/// The mean over the foreground's pixels of the precision among all pixels that score no less; 0 where there is no
/// foreground. Pixels that the mask leaves open count nowhere.
fn average_precision(places: &[Place], is_inside: &[Option<bool>]) -> f64 {
    let pixels = places.len();
    // By how many pixels score no less than a pixel, which form its group's last places from above: those of the
    // foreground, and all.
    let mut groups = vec![[0u32; 2]; pixels + 1];
    for (place, inside) in places.iter().zip(is_inside) {
        let group = &mut groups[pixels - place.lower as usize];
        group[0] += u32::from(*inside == Some(true));
        group[1] += u32::from(inside.is_some());
    }
    let (mut found, mut taken, mut sum) = (0.0, 0.0, 0.0);
    for [hits, all] in groups.iter().filter(|[_, all]| *all > 0) {
        found += f64::from(*hits);
        taken += f64::from(*all);
        sum += f64::from(*hits) * found / taken;
    }
    if found > 0.0 { sum / found } else { 0.0 }
}

/// Pixel accuracy, mean intersection over union and mean average precision in percent, from the means of the two
/// series.
pub(super) fn scores(counts: &[f64], precision: &[f64]) -> [f64; 3] {
    let at = |values: &[f64], index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    let ratio = |values: &[f64], index| at(values, index) / at(values, index + 1);
    let of_background = if at(counts, 5) > 0.0 { ratio(counts, 4) } else { 1.0 };
    [ratio(counts, 0), (ratio(counts, 2) + of_background) / 2.0, ratio(precision, 0)].map(|share| 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_counted_against_mean_or_zero() {
        let inside = [true, true, false, false, false].map(Some);
        let map = [4.0, 1.0, 2.0, -1.0, -6.0];
        // Signed: 4, 1, 2 are foreground; one is a false alarm.
        assert_eq!(pixel_counts(&map, MapKind::Signed, &inside), [4.0, 5.0, 2.0, 3.0, 2.0, 3.0]);
        let positive = [4.0, 1.0, 5.0, 0.0, 0.0];
        // The mean is 2: 4 and 5 are foreground; one is missed, one a false alarm.
        assert_eq!(pixel_counts(&positive, MapKind::Positive, &inside), [3.0, 5.0, 1.0, 3.0, 2.0, 4.0]);
        // Neither the mean nor zero exceeds itself.
        assert_eq!(pixel_counts(&[2.0; 5], MapKind::Positive, &inside), [3.0, 5.0, 0.0, 2.0, 3.0, 5.0]);
        assert_eq!(pixel_counts(&[0.0; 5], MapKind::Signed, &inside), [3.0, 5.0, 0.0, 2.0, 3.0, 5.0]);
        let open = [Some(true), None, None, Some(false), Some(false)];
        assert_eq!(pixel_counts(&map, MapKind::Signed, &open), [3.0, 3.0, 1.0, 1.0, 2.0, 2.0]);
        let counts = pixel_counts(&map, MapKind::Signed, &inside);
        let [accuracy, union, precision] = scores(&counts, &[1.5, 2.0]);
        assert!(
            (accuracy - 80.0).abs() < 1e-12 && (union - 200.0 / 3.0).abs() < 1e-12 && (precision - 75.0).abs() < 1e-12
        );
    }

    #[test]
    fn a_mask_without_background_finds_all_of_it() {
        // Right, all, intersection and union of the foreground and of the background.
        let [_, union, _] = scores(&[3.0, 4.0, 3.0, 4.0, 0.0, 0.0], &[1.0, 1.0]);
        assert_eq!(union, 87.5);
    }

    #[test]
    fn average_precision_takes_ties_together() {
        let place = |lower: u32, equal: u32| Place { from_lowest: 0, from_highest: 0, lower, equal };
        // Scores 3, 2, 2, 1 and the foreground at 3, at one of the 2, and at 1: precisions 1, 2/3, 3/4.
        let places = [place(3, 1), place(1, 2), place(1, 2), place(0, 1)];
        let found = average_precision(&places, &[true, false, true, true].map(Some));
        assert!((found - (1.0 + 2.0 / 3.0 + 0.75) / 3.0).abs() < 1e-12, "{found}");
        assert_eq!(average_precision(&places, &[Some(false); 4]), 0.0);
        // Without the second pixel all is foreground.
        assert_eq!(average_precision(&places, &[Some(true), None, Some(true), Some(true)]), 1.0);
        let found = average_precision(&places, &[None, Some(false), Some(true), Some(true)]);
        assert!((found - (1.0 / 2.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12, "{found}");
    }
}
