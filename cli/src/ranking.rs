//! From logits to classes with probabilities.

use serde::Serialize;

use agf::models::Labels;

/// A class and how probable the network finds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Ranked {
    /// Class number.
    pub(super) class: u32,
    /// The class's usual name.
    pub(super) name: String,
    /// From 0 to 1.
    pub(super) probability: f32,
}

/// The softmax of logits.
pub(super) fn probabilities(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| (power / sum) as f32).collect()
}

/// The `count` most probable classes, the best first; of equal ones the smaller number first.
pub(super) fn best(probabilities: &[f32], count: usize, labels: &Labels) -> Vec<Ranked> {
    let mut order: Vec<(u32, f32)> = (0..).zip(probabilities.iter().copied()).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order.truncate(count);
    order
        .into_iter()
        .map(|(class, probability)| Ranked { class, name: labels.name(class).into(), probability })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_even_for_large_logits() {
        let found = probabilities(&[1000.0, 1000.0 + 2.0_f32.ln(), -1000.0]);
        for (found, expected) in found.iter().zip([1.0 / 3.0, 2.0 / 3.0, 0.0]) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }

    #[test]
    fn the_best_come_first_and_ties_by_number() {
        let ranked = best(&[0.1, 0.4, 0.1, 0.4], 3, &Labels::numbered(4));
        assert_eq!(ranked.iter().map(|ranked| ranked.class).collect::<Vec<_>>(), [1, 3, 0]);
        assert_eq!(ranked[0].name, "class 1");
        assert_eq!(best(&[1.0], 5, &Labels::numbered(1)).len(), 1);
    }
}
