//! The reference's treatment of the target class: which class is meant, and the gradient of its probability (method
//! section 1).

use crate::graph::LogitRelevance;

/// The class that `request` means: an id, or `-1 - rank`. Of equal logits the lowest id ranks first.
pub(super) fn class_index(logits: &[f64], request: f64) -> f64 {
    if request >= 0.0 {
        return request;
    }
    let rank = (-1.0 - request) as usize;
    let ranks_before =
        |other: usize, class: usize| logits[other] > logits[class] || (logits[other] == logits[class] && other < class);
    let classes = 0..logits.len();
    let rank_of = |class: usize| classes.clone().filter(|&other| ranks_before(other, class)).count();
    classes.clone().find(|&class| rank_of(class) == rank).unwrap_or(0) as f64
}

/// 1 at the class, 0 elsewhere.
pub(super) fn one_hot(classes: usize, class: f64) -> Vec<f64> {
    (0..classes).map(|id| if id as f64 == class { 1.0 } else { 0.0 }).collect()
}

/// The gradient of `p_t` with respect to the logits `y`, where
/// `d_k = y_k - y_t`, `s = max_k |d_k|`, `z_k = y_t exp(-(d_k / s)^2 / 2)`, `p = softmax(z)`.
/// It goes through `y_t`, `d_k` and `s`; through `s` it reaches the lowest k with the largest `|d_k|`.
/// Where all logits are equal, `s` is 0, all classes are alike, and the gradient is 0.
pub(super) fn target_gradient(logits: &[f64], class: f64) -> Vec<f64> {
    let mut gradient = vec![0.0; logits.len()];
    let target = class as usize;
    let y_t = logits[target];
    let d: Vec<f64> = logits.iter().map(|y| y - y_t).collect();
    let mut farthest = 0;
    for (k, d_k) in d.iter().enumerate() {
        if d_k.abs() > d[farthest].abs() {
            farthest = k;
        }
    }
    let s = d[farthest].abs();
    if s == 0.0 {
        return gradient;
    }
    let e: Vec<f64> = d.iter().map(|d_k| (-(d_k / s).powi(2) / 2.0).exp()).collect();
    let p = softmax(&e.iter().map(|e_k| y_t * e_k).collect::<Vec<_>>());
    let (mut by_y_t, mut by_s) = (0.0, 0.0);
    for k in 0..logits.len() {
        let by_z = p[target] * (if k == target { 1.0 } else { 0.0 } - p[k]);
        let by_ratio = by_z * y_t * e[k] * -(d[k] / s);
        gradient[k] += by_ratio / s;
        by_y_t += by_z * e[k] - by_ratio / s;
        by_s -= by_ratio * d[k] / (s * s);
    }
    let sign = d[farthest].signum();
    gradient[farthest] += by_s * sign;
    gradient[target] += by_y_t - by_s * sign;
    gradient
}

/// What relevance begins with at the logits.
pub(super) fn logit_relevance(kind: LogitRelevance, logits: &[f64], class: f64) -> Vec<f64> {
    let target = class as usize;
    let (y_t, p) = (logits[target], softmax(logits));
    let of_others: f64 = (0..p.len()).filter(|&k| k != target).map(|k| p[k]).sum();
    let at = |k: usize| match (kind, k == target) {
        (LogitRelevance::Target, true) => y_t,
        (LogitRelevance::Others, false) => y_t / (logits.len() - 1) as f64,
        (LogitRelevance::SoftmaxTarget, true) => p[target] * of_others,
        (LogitRelevance::SoftmaxOthers, false) => p[target] * p[k],
        _ => 0.0,
    };
    (0..logits.len()).map(at).collect()
}

fn softmax(z: &[f64]) -> Vec<f64> {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = z.iter().map(|z_k| (z_k - largest).exp()).collect();
    let total: f64 = exponentials.iter().sum();
    exponentials.iter().map(|value| value / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_logits_have_the_probabilities_of_their_differences() {
        let kinds = [LogitRelevance::SoftmaxTarget, LogitRelevance::SoftmaxOthers];
        for (kind, of_others) in kinds.into_iter().zip([false, true]) {
            let [small, large] = [0.0, 800.0].map(|by| logit_relevance(kind, &[2.0 + by, 1.0 + by, by], 1.0));
            assert_eq!(small, large, "{kind:?}");
            assert_eq!(small.iter().map(|&value| value > 0.0).collect::<Vec<_>>(), [of_others, !of_others, of_others]);
        }
    }
}
