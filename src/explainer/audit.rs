//! How far a map can be trusted: what it does when the picture changes by next to nothing.

use super::{Cost, Explainer};
use crate::error::Error;
use crate::random::philox;
use crate::{Batch, Explained, Map, Target};

/// Largest relative change of each value of the picture.
const CHANGE: f64 = 1e-6;

impl Explainer {
    /// Explains the same classes of the same pictures again, each value changed by a random part of at most a millionth
    /// of it: per picture and map the relative L2 change of the map. A value far above a millionth says that
    /// rounding alone may move the map. The change depends on the seed and the place in the picture alone.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub async fn sensitivity(
        &mut self,
        batch: &Batch,
        explained: &[Explained],
        seed: u64,
    ) -> Result<(Vec<Vec<f64>>, Cost), Error> {
        batch.check(self.channels())?;
        let mut changed = batch.clone();
        let picture = batch.picture_elements() as usize;
        for (index, value) in changed.data.iter_mut().enumerate() {
            *value = (f64::from(*value) * (1.0 + CHANGE * between_ones(index % picture, seed))) as f32;
        }
        let classes = |picture: &Explained| picture.maps.iter().map(|map| Target::Class(map.class)).collect();
        let targets: Vec<Vec<Target>> = explained.iter().map(classes).collect();
        let (again, cost) = self.explain(&changed, &targets).await?;
        let changes = |(before, after): (&Explained, &Explained)| {
            before.maps.iter().zip(&after.maps).map(|(before, after)| relative_change(before, after)).collect()
        };
        Ok((explained.iter().zip(&again).map(changes).collect(), cost))
    }
}

/// A value in [-1, 1) that depends on position and seed.
fn between_ones(position: usize, seed: u64) -> f64 {
    let [word, ..] = philox([position as u32, 0, 0, 1], [seed as u32, (seed >> 32) as u32]);
    f64::from(word) / f64::from(1_u32 << 31) - 1.0
}

/// `|after - before| / |before|`; 0 where nothing changes.
fn relative_change(before: &Map, after: &Map) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
    let pairs = before.values.iter().zip(&after.values);
    let change = norm(&mut pairs.map(|(&before, &after)| f64::from(after) - f64::from(before)));
    let whole = norm(&mut before.values.iter().map(|&value| f64::from(value)));
    if change == 0.0 { 0.0 } else { change / whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[f32]) -> Map {
        let (height, width, values) = (1, values.len() as u32, values.to_vec());
        let (peak, completeness_gap, mask_loss, conservation) = (None, None, None, Vec::new());
        Map { class: 0, height, width, values, peak, completeness_gap, mask_loss, conservation }
    }

    #[test]
    fn changes_are_relative() {
        assert_eq!(relative_change(&map(&[3.0, 4.0]), &map(&[3.0, 4.5])), 0.1);
        assert_eq!(relative_change(&map(&[0.0]), &map(&[0.0])), 0.0);
        assert!(relative_change(&map(&[0.0]), &map(&[1.0])).is_infinite());
        assert!(relative_change(&map(&[1.0]), &map(&[f32::NAN])).is_nan());
    }

    #[test]
    fn the_change_is_even_and_depends_on_the_seed() {
        let values: Vec<f64> = (0..10_000).map(|position| between_ones(position, 5)).collect();
        let mean = values.iter().sum::<f64>() / 1e4;
        assert!(values.iter().all(|value| (-1.0..1.0).contains(value)) && mean.abs() < 0.05, "{mean}");
        assert!((0..10).any(|position| between_ones(position, 5) != between_ones(position, 6)));
    }
}
