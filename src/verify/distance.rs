//! How far values are from the exact ones.

/// `|a - b| / |b|`; the norm of `a` where `b` is zero.
pub(super) fn relative_l2(actual: &[f64], expected: &[f64]) -> f64 {
    distance(actual, expected, norm(expected))
}

/// `|a - b| / scale`, undivided where the scale is zero.
pub(super) fn distance(actual: &[f64], expected: &[f64], scale: f64) -> f64 {
    if actual.len() != expected.len() {
        return f64::INFINITY;
    }
    let differences: Vec<f64> = actual.iter().zip(expected).map(|(a, b)| a - b).collect();
    norm(&differences) / if scale == 0.0 { 1.0 } else { scale }
}

pub(super) fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Garbage is as far from an exact zero as its size says, whatever the terms are that cancel to it.
    #[test]
    fn an_exact_zero_is_measured_by_its_terms() {
        let (garbage, zero, terms) = ([123.0, -5.0, 1e6, 7.0], [0.0; 4], [1.0, 2.0, 2.0, 4.0]);
        assert!((distance(&garbage, &zero, norm(&terms)) - 2e5).abs() < 1.0);
        assert!(relative_l2(&garbage, &zero) > 1e6 - 1.0);
        assert_eq!(distance(&[1e-7, 0.0], &[0.0; 2], 5.0), 2e-8);
    }

    #[test]
    fn odd_values_and_lengths_pass_no_tolerance() {
        assert!(distance(&[f64::NAN], &[1.0], 1.0).is_nan());
        assert_eq!(distance(&[1.0], &[1.0, 1.0], 1.0), f64::INFINITY);
        assert_eq!(distance(&[f64::INFINITY], &[1.0], 1.0), f64::INFINITY);
    }
}
