//! Areas under curves over evenly spaced shares.

/// Area under a curve by trapezoids, divided by the length of its axis.
pub(super) fn area(values: &[f64]) -> f64 {
    let pairs = values.len().saturating_sub(1).max(1) as f64;
    values.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).sum::<f64>() / pairs
}

#[cfg(test)]
mod tests {
    use super::area;

    #[test]
    fn areas_of_lines_and_steps() {
        assert_eq!(area(&[0.0, 0.5, 1.0]), 0.5);
        assert_eq!(area(&[1.0, 0.0, 0.0, 0.0, 0.0]), 0.125);
        assert_eq!(area(&[3.0]), 0.0);
    }
}
