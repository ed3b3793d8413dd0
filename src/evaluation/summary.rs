//! From scores of many pictures to a table and curves: means of every series, and what each evaluation makes of them.

use super::records::Record;
use super::{Evaluation, grid_pointing, insertion_deletion, perturbation, pointing, randomisation, segmentation};
use std::collections::BTreeMap;

/// Sum of a series over pictures, and their number.
#[derive(Clone, Debug, Default, PartialEq)]
struct Series {
    count: u64,
    sums: Vec<f64>,
}

/// Means over pictures. Memory does not depend on their number, but on that of failures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Means {
    pictures: u64,
    failures: Vec<(String, String)>,
    /// By method and name.
    series: BTreeMap<String, BTreeMap<String, Series>>,
}

/// A method's numbers, in the order of [`Evaluation::columns`]; `None` where no picture had any.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Method.
    pub method: String,
    /// Numbers.
    pub values: Vec<Option<f64>>,
}

/// A curve per method over one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What is shown; also the beginning of the file's name, with hyphens.
    pub title: String,
    /// What is below the axis.
    pub x_label: &'static str,
    /// What is beside the axis.
    pub y_label: &'static str,
    /// Positions.
    pub x: Vec<f64>,
    /// Methods and their values.
    pub lines: Vec<(String, Vec<f64>)>,
}

impl Means {
    /// Adds a picture.
    pub fn add(&mut self, record: &Record) {
        if let Some(error) = &record.error {
            self.failures.push((record.item.clone(), error.clone()));
            return;
        }
        self.pictures += 1;
        for (method, scores) in &record.results {
            let of_method = self.series.entry(method.clone()).or_default();
            for (name, values) in scores {
                let series = of_method.entry(name.clone()).or_default();
                series.count += 1;
                series.sums.resize(series.sums.len().max(values.len()), 0.0);
                series.sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
    }

    /// Pictures that were evaluated.
    pub fn pictures(&self) -> u64 {
        self.pictures
    }

    /// Names of pictures that could not be, and why.
    pub fn failures(&self) -> &[(String, String)] {
        &self.failures
    }

    /// The mean of a series; empty where no picture had it.
    fn mean(&self, method: &str, name: &str) -> Vec<f64> {
        let series = self.series.get(method).and_then(|series| series.get(name));
        series.map(|series| series.sums.iter().map(|sum| sum / series.count as f64).collect()).unwrap_or_default()
    }

    /// The rows of the table.
    pub fn table(&self, evaluation: Evaluation, methods: &[String]) -> Vec<Row> {
        let row = |method: &String| Row { method: method.clone(), values: self.values(evaluation, method) };
        methods.iter().map(row).collect()
    }

    fn values(&self, evaluation: Evaluation, method: &str) -> Vec<Option<f64>> {
        let mean = |name| self.mean(method, name);
        let scored =
            |name, score: fn(&[f64]) -> f64| Some(mean(name)).filter(|mean| !mean.is_empty()).map(|mean| score(&mean));
        let average = |mean: &[f64]| mean.iter().sum::<f64>() / mean.len() as f64;
        let values = match evaluation {
            Evaluation::Perturbation => {
                perturbation::SERIES.iter().flatten().map(|name| scored(name, perturbation::score)).collect()
            }
            Evaluation::Segmentation => {
                let scores = segmentation::scores(&mean(segmentation::COUNTS), &mean(segmentation::PRECISION));
                scores.into_iter().map(Some).collect()
            }
            Evaluation::GridPointing => vec![scored(grid_pointing::SERIES, average)],
            Evaluation::Pointing => vec![scored(pointing::SERIES, |mean| 100.0 * mean[0] / mean[1])],
            Evaluation::Insertion | Evaluation::Deletion => {
                vec![scored(insertion_deletion::SERIES, super::curve::area)]
            }
            Evaluation::Randomisation => {
                let last = |mean: &[f64]| mean.last().copied().unwrap_or(f64::NAN);
                let all = |mean: &[f64]| mean.iter().skip(1).sum::<f64>() / (mean.len() as f64 - 1.0);
                vec![scored(randomisation::SERIES, all), scored(randomisation::SERIES, last)]
            }
        };
        values.into_iter().map(|value: Option<f64>| value.filter(|value| value.is_finite())).collect()
    }

    /// The curves; none for an evaluation that gives single numbers.
    pub fn curves(&self, evaluation: Evaluation, methods: &[String]) -> Vec<Curve> {
        let curve = |(title, name): (String, &str), x_label, y_label, x: fn(usize, usize) -> f64, scale: f64| {
            let scaled =
                |method: &String| (method.clone(), self.mean(method, name).iter().map(|y| scale * y).collect());
            let lines: Vec<(String, Vec<f64>)> =
                methods.iter().map(scaled).filter(|(_, y): &(_, Vec<f64>)| !y.is_empty()).collect();
            let count = lines.iter().map(|(_, values)| values.len()).max()?;
            let x = (0..count).map(|index| x(index, count)).collect();
            Some(Curve { title, x_label, y_label, x, lines })
        };
        let tenths: fn(usize, usize) -> f64 = |index, _| 10.0 * (index as f64 + 1.0);
        let whole: fn(usize, usize) -> f64 = |index, count| 100.0 * index as f64 / (count - 1).max(1) as f64;
        let curves = evaluation.titles().into_iter().map(|titled| match evaluation {
            Evaluation::Perturbation => curve(titled, "black pixels, %", "accuracy, %", tenths, 100.0),
            Evaluation::Insertion => curve(titled, "pixels shown, %", "probability of the class", whole, 1.0),
            Evaluation::Deletion => curve(titled, "pixels removed, %", "probability of the class", whole, 1.0),
            Evaluation::Randomisation => {
                curve(titled, "random layers, from the last, %", "rank correlation", whole, 1.0)
            }
            Evaluation::Segmentation | Evaluation::GridPointing | Evaluation::Pointing => None,
        });
        curves.flatten().collect()
    }
}

impl Evaluation {
    /// The titles of the curves, with the series that each shows.
    fn titles(self) -> Vec<(String, &'static str)> {
        let named = |series| vec![(self.name().to_owned(), series)];
        match self {
            Self::Perturbation => {
                let series = perturbation::SERIES.into_iter().flatten();
                series.map(|series| (format!("{self}, {series}"), series)).collect()
            }
            Self::Insertion | Self::Deletion => named(insertion_deletion::SERIES),
            Self::Randomisation => named(randomisation::SERIES),
            Self::Segmentation | Self::GridPointing | Self::Pointing => Vec::new(),
        }
    }

    /// The titles of the curves; none for an evaluation that gives single numbers.
    pub fn curve_titles(self) -> Vec<String> {
        self.titles().into_iter().map(|(title, _)| title).collect()
    }

    /// What the columns of the table are: a name, and whether more is better (`None` where neither is).
    pub const fn columns(self) -> &'static [(&'static str, Option<bool>)] {
        match self {
            Self::Perturbation => &[
                ("negative, predicted, %", Some(true)),
                ("positive, predicted, %", Some(false)),
                ("negative, target, %", Some(true)),
                ("positive, target, %", Some(false)),
            ],
            Self::Segmentation => {
                &[("pixel accuracy, %", Some(true)), ("mean IoU, %", Some(true)), ("mean AP, %", Some(true))]
            }
            Self::GridPointing => &[("share in the cell", Some(true))],
            Self::Pointing => &[("hits, %", Some(true))],
            Self::Insertion => &[("area", Some(true))],
            Self::Deletion => &[("area", Some(false))],
            Self::Randomisation => &[("mean correlation", None), ("correlation, all random", None)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Scores;

    fn record(index: u64, scores: &[(&str, &[f64])]) -> Record {
        let scores: Scores = scores.iter().map(|(name, values)| ((*name).into(), values.to_vec())).collect();
        Record {
            index,
            item: index.to_string(),
            content: String::new(),
            error: None,
            results: [("agf".to_string(), scores)].into(),
        }
    }

    fn table(evaluation: Evaluation, records: &[Record]) -> Vec<Option<f64>> {
        let mut means = Means::default();
        records.iter().for_each(|record| means.add(record));
        means.table(evaluation, &["agf".into()])[0].values.clone()
    }

    #[test]
    fn series_that_some_pictures_lack_are_means_over_the_others() {
        let records = [
            record(0, &[("negative, predicted", &[1.0; 9])]),
            record(1, &[("negative, predicted", &[0.0; 9]), ("negative, target", &[1.0; 9])]),
            Record { error: Some("broken".into()), ..record(2, &[]) },
        ];
        let found = table(Evaluation::Perturbation, &records);
        assert_eq!(found, [Some(50.0), None, Some(100.0), None]);
        let mut means = Means::default();
        records.iter().for_each(|record| means.add(record));
        assert_eq!((means.pictures(), means.failures()), (2, &[("2".to_owned(), "broken".to_owned())][..]));
        let curves = means.curves(Evaluation::Perturbation, &["agf".into()]);
        assert_eq!(curves.len(), 2);
        assert_eq!((curves[0].x[0], curves[0].x[8], curves[0].lines[0].1[3]), (10.0, 90.0, 50.0));
    }

    #[test]
    fn counts_are_summed_before_they_are_divided() {
        let share =
            [record(0, &[("share in the cell", &[0.5, 0.5])]), record(1, &[("share in the cell", &[1.0, 1.0])])];
        assert_eq!(table(Evaluation::GridPointing, &share), [Some(0.75)]);
        let hits = [record(0, &[("hits", &[0.0, 1.0])]), record(1, &[("hits", &[2.0, 2.0])])];
        assert!((table(Evaluation::Pointing, &hits)[0].unwrap() - 200.0 / 3.0).abs() < 1e-9);
        let correlations = [record(0, &[("rank correlation", &[1.0, 0.5, 0.1])])];
        assert_eq!(table(Evaluation::Randomisation, &correlations), [Some(0.3), Some(0.1)]);
        assert_eq!(table(Evaluation::Deletion, &[record(0, &[("probability", &[1.0, 0.0, 0.0])])]), [Some(0.25)]);
        assert_eq!(table(Evaluation::Deletion, &[]), [None]);
    }

    #[test]
    fn every_column_and_curve_has_its_numbers() {
        for evaluation in Evaluation::ALL {
            assert_eq!(table(evaluation, &[]).len(), evaluation.columns().len(), "{evaluation}");
        }
        let counts = [6.0, 8.0, 2.0, 4.0, 3.0, 4.0];
        let segmented = record(0, &[("pixel counts", &counts), ("average precision", &[1.0, 2.0])]);
        assert_eq!(table(Evaluation::Segmentation, &[segmented]), [Some(75.0), Some(62.5), Some(50.0)]);

        let mut means = Means::default();
        means.add(&record(0, &[("probability", &[0.25, 0.5, 1.0]), ("rank correlation", &[1.0, 0.5, 0.0])]));
        let curves = |evaluation| means.curves(evaluation, &["lrp".into(), "agf".into()]);
        for evaluation in [Evaluation::Insertion, Evaluation::Deletion, Evaluation::Randomisation] {
            let curves = curves(evaluation);
            assert_eq!(evaluation.curve_titles(), [evaluation.name()]);
            assert_eq!(
                (curves.len(), &*curves[0].title, &curves[0].x[..]),
                (1, evaluation.name(), &[0.0, 50.0, 100.0][..])
            );
            // A method without numbers has no line.
            assert_eq!((curves[0].lines.len(), &*curves[0].lines[0].0), (1, "agf"));
            let middle = curves[0].lines[0].1[1];
            assert_eq!(middle, 0.5);
        }
        assert!(curves(Evaluation::Pointing).is_empty() && curves(Evaluation::Perturbation).is_empty());
        let titles = Evaluation::Perturbation.curve_titles();
        assert_eq!((titles.len(), &*titles[3]), (4, "perturbation, positive, target"));
        let kinds = Evaluation::ALL.map(|evaluation| evaluation.columns()[0].1);
        assert_eq!(kinds, [Some(true), Some(true), Some(true), Some(true), Some(true), Some(false), None]);
    }
}
