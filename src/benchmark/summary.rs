//! Many measurements of one thing as a few numbers.

use crate::platform::Stopwatch;

/// Median and spread of repeated measurements, all in the same unit.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Summary {
    /// The middle one.
    pub median: f64,
    /// A quarter of them are not above this.
    pub lower_quartile: f64,
    /// A quarter of them are not below this.
    pub upper_quartile: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// How many there are.
    pub runs: usize,
}

impl Summary {
    /// Of at least one measurement; of none, everything is NaN.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let quantile = |share: f64| {
            let at = share * values.len().saturating_sub(1) as f64;
            let (low, high) = (values.get(at.floor() as usize), values.get(at.ceil() as usize));
            let (low, high) = (low.copied().unwrap_or(f64::NAN), high.copied().unwrap_or(f64::NAN));
            low + (high - low) * at.fract()
        };
        Self {
            median: quantile(0.5),
            lower_quartile: quantile(0.25),
            upper_quartile: quantile(0.75),
            least: quantile(0.0),
            greatest: quantile(1.0),
            runs: values.len(),
        }
    }
}

/// How often something is measured: until the time is up, but not too seldom and not for ever.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Repeats {
    /// At least so often.
    pub least: usize,
    /// At most so often.
    pub most: usize,
    /// Between the two: until so many seconds are over.
    pub seconds: f64,
}

impl Repeats {
    /// The numbers of the measurements to take, until there are enough.
    pub fn rounds(self) -> impl Iterator<Item = usize> {
        let watch = Stopwatch::start();
        let is_wanted = move |round: &usize| *round < self.least || watch.milliseconds() < 1e3 * self.seconds;
        (0..self.most.max(self.least)).take_while(is_wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_neighbours() {
        let summary = Summary::of(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!((summary.least, summary.median, summary.greatest, summary.runs), (1.0, 2.5, 4.0, 4));
        assert_eq!((summary.lower_quartile, summary.upper_quartile), (1.75, 3.25));
        let one = Summary::of(vec![7.0]);
        assert_eq!((one.least, one.lower_quartile, one.median, one.upper_quartile), (7.0, 7.0, 7.0, 7.0));
        assert!(Summary::of(Vec::new()).median.is_nan());
    }

    #[test]
    fn there_are_enough_rounds_and_an_end() {
        let rounds = |least, most, seconds| Repeats { least, most, seconds }.rounds().count();
        assert_eq!(rounds(3, 10, 0.0), 3);
        assert_eq!(rounds(3, 10, 1e9), 10);
        assert_eq!(rounds(5, 2, f64::INFINITY), 5);
    }
}
