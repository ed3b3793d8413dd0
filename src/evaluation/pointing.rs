//! Pointing (Zhang et al., ECCV 2016): the pixel of the map's maximum lies in the class's region, or at most 15 pixels
//! beside it.

use super::Scores;
use super::bench::{Bench, Job, Round};
use super::segmentation::{Region, regions};
use crate::error::Error;

/// Number of hits, and of regions.
pub(super) const SERIES: &str = "hits";

/// How far beside a region a hit may lie, in pixels.
const TOLERANCE: i64 = 15;

pub(super) async fn evaluate(bench: &mut Bench, round: &Round<'_>) -> Result<Vec<Scores>, Error> {
    let regions = regions(round);
    let mut hits = vec![vec![0.0; 2]; round.samples.len()];
    for regions in regions.chunks(bench.capacity()) {
        let jobs: Vec<Job> = regions.iter().map(|region| region.job).collect();
        bench.rank(round.samples, &jobs).await?;
        for (Region { job, is_inside }, places) in regions.iter().zip(bench.places(jobs.len()).await?) {
            let highest = places.iter().position(|place| place.from_highest == 0).unwrap_or_default();
            hits[job.sample][0] += f64::from(u8::from(is_hit(highest, is_inside, bench.width as usize)));
            hits[job.sample][1] += 1.0;
        }
    }
    Ok(hits.into_iter().map(|hits| Scores::from([(SERIES.to_owned(), hits)])).collect())
}

/// Whether a pixel of the region lies within the tolerance around a pixel.
fn is_hit(pixel: usize, is_inside: &[Option<bool>], width: usize) -> bool {
    let position = |pixel: usize| ((pixel / width.max(1)) as i64, (pixel % width.max(1)) as i64);
    let (row, column) = position(pixel);
    is_inside.iter().enumerate().filter(|(_, inside)| **inside == Some(true)).any(|(other, _)| {
        let (other_row, other_column) = position(other);
        (row - other_row).pow(2) + (column - other_column).pow(2) <= TOLERANCE * TOLERANCE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_may_lie_fifteen_pixels_beside() {
        let width = 40;
        let mut inside = vec![Some(false); width * 40];
        inside[20 * width + 20] = Some(true);
        for ((row, column), expected) in [
            ((20, 20), true),
            ((20, 35), true),
            ((20, 36), false),
            ((5, 20), true),
            ((29, 32), true),
            ((31, 31), false),
        ] {
            assert_eq!(is_hit(row * width + column, &inside, width), expected, "{row} {column}");
        }
        assert!(!is_hit(0, &vec![Some(false); width * 40], width));
    }
}
