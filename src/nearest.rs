//! The nearest of many vectors by the angle between them, searched exactly.

use crate::platform::map_parallel;

/// Numbers that are added up side by side, so that compilers make vectors of them.
const LANES: usize = 16;

/// Vectors of one length, of which the direction counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directions {
    length: usize,
    /// Each vector by its length, one behind the other; zeros for one that has no direction.
    units: Vec<f32>,
}

/// One of several vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its place among them.
    pub index: usize,
    /// The cosine of the angle to it, from -1 to 1.
    pub similarity: f32,
}

impl Directions {
    /// No vectors yet, each of `length` values.
    pub fn new(length: usize) -> Self {
        Self { length, units: Vec::new() }
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.units.len().checked_div(self.length).unwrap_or(0)
    }

    /// True without any vector.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Appends a vector. `false`, and nothing is appended, for one of another length.
    pub fn push(&mut self, vector: &[f32]) -> bool {
        if vector.len() != self.length {
            return false;
        }
        self.units.extend(unit(vector).unwrap_or_else(|| vec![0.0; self.length]));
        true
    }

    /// The `count` vectors with the smallest angle to this one, the nearest first and of equal ones that which was
    /// pushed first; only those that are allowed. None for a vector of zeros, one that is not finite, or one of
    /// another length; and vectors of zeros are nobody's neighbours.
    pub fn nearest(&self, vector: &[f32], count: usize, is_allowed: impl Fn(usize) -> bool + Sync) -> Vec<Neighbour> {
        let Some(wanted) = unit(vector).filter(|wanted| wanted.len() == self.length && self.length > 0) else {
            return Vec::new();
        };
        let similarity = |&(index, other): &(usize, &[f32])| {
            let is_direction = other.iter().any(|value| *value != 0.0);
            (is_direction && is_allowed(index)).then(|| Neighbour { index, similarity: product(&wanted, other) })
        };
        let units: Vec<(usize, &[f32])> = self.units.chunks_exact(self.length).enumerate().collect();
        let mut found: Vec<Neighbour> = map_parallel(&units, similarity).into_iter().flatten().collect();
        found.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.index.cmp(&b.index)));
        found.truncate(count);
        found
    }
}

/// The vector by its length; `None` where that is 0 or not finite.
fn unit(vector: &[f32]) -> Option<Vec<f32>> {
    let length = vector.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    (length > 0.0 && length.is_finite())
        .then(|| vector.iter().map(|&value| (f64::from(value) / length) as f32).collect())
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let (a, b) = (a.chunks(LANES), b.chunks(LANES));
    for (a, b) in a.zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>().clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::philox;
    use std::time::{Duration, Instant};

    fn random(index: u32, length: usize) -> Vec<f32> {
        (0..length as u32).map(|at| philox([at, index, 0, 9], [0; 2])[0] as f32 / u32::MAX as f32 - 0.5).collect()
    }

    #[test]
    fn neighbours_come_by_their_angle() {
        let mut directions = Directions::new(2);
        for vector in [[0.0, 5.0], [1.0, 0.1], [0.0, 0.0], [10.0, 1.0], [-1.0, 0.0]] {
            assert!(directions.push(&vector));
        }
        assert!(!directions.push(&[1.0]));
        let order = |count, allowed: fn(usize) -> bool| -> Vec<usize> {
            let found = directions.nearest(&[2.0, 0.0], count, allowed);
            found.iter().map(|neighbour| neighbour.index).collect()
        };
        assert_eq!(order(9, |_| true), [1, 3, 0, 4], "equal angles in the order of pushing, and no zeros");
        assert_eq!(order(1, |index| index != 1), [3]);
        assert!(order(2, |_| false).is_empty());
        let nearest = directions.nearest(&[0.0, 3.0], 1, |_| true);
        assert_eq!(nearest, [Neighbour { index: 0, similarity: 1.0 }]);
        for vector in [&[0.0, 0.0][..], &[f32::NAN, 1.0], &[1.0]] {
            assert!(directions.nearest(vector, 1, |_| true).is_empty(), "{vector:?}");
        }
        assert!(Directions::default().nearest(&[], 1, |_| true).is_empty());
    }

    #[test]
    fn ten_thousand_vectors_are_searched_in_under_a_second() {
        let mut directions = Directions::new(1280);
        for index in 0..10_000 {
            directions.push(&random(index, 1280));
        }
        let started = Instant::now();
        let found = directions.nearest(&random(1234, 1280), 5, |index| index != 77);
        let took = started.elapsed();
        assert!((found[0].index, found.len()) == (1234, 5) && (found[0].similarity - 1.0).abs() < 1e-6);
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}
