//! Which draws of random networks and pictures can tell a right map from a wrong one.

use super::compare::relative_l2;
use super::random::Random;

/// How far rounding may move a map by itself, as a share of the tolerance.
pub const SHARE: f64 = 0.25;

/// Draws that are made to find one that says something.
const MOST_DRAWS: usize = 24;

/// Whether the exact map of a picture stays the same, to a share of the tolerance, when every value of the picture
/// changes by up to a millionth, and when it changes by as much the other way.
///
/// The rules divide by sums that may be next to zero, and ReLU and max-pooling decide by signs and orders. Where such a
/// sum or decision lies within rounding, the network's map jumps there, and a right f32 result may lie on the other
/// side. A decision that a change of one direction does not turn over is turned over by the opposite change, so that
/// both together find it. The draw is judged by f64 alone: what the GPU computes has no say in which draws count.
pub fn is_well_conditioned(
    random: &mut Random,
    picture: &[f64],
    tolerance: f64,
    mut map: impl FnMut(&[f64]) -> Vec<f64>,
) -> bool {
    let exact = map(picture);
    let changes: Vec<f64> = picture.iter().map(|_| random.uniform(-1e-6, 1e-6)).collect();
    [1.0, -1.0].into_iter().all(|sign| {
        let changed: Vec<f64> = picture.iter().zip(&changes).map(|(value, by)| value * (1.0 + sign * by)).collect();
        relative_l2(&map(&changed), &exact) <= SHARE * tolerance
    })
}

/// The first so many of draws that say something.
#[track_caller]
pub fn well_conditioned<T>(count: usize, mut draw: impl FnMut() -> Option<T>) -> Vec<T> {
    let found: Vec<T> = (0..MOST_DRAWS).filter_map(|_| draw()).take(count).collect();
    assert_eq!(found.len(), count, "of {MOST_DRAWS} draws too few are well-conditioned");
    found
}
