//! Relevance rules written down a second time, from contributions `a[k][j] = W[k][j] x[j]` of inputs j to outputs k.

use super::matrix::Matrix;
use super::method::div;

pub fn contributions(w: &Matrix, x: &[f64]) -> Matrix {
    Matrix::from_fn(w.rows, w.columns, |row, column| w.at(row, column) * x[column])
}

/// Every output shares its relevance out in proportion to its row of `shares`.
pub fn shared(shares: &Matrix, c: &[f64]) -> Vec<f64> {
    let totals: Vec<f64> = shares.entries.chunks(shares.columns).map(|row| row.iter().sum()).collect();
    let of_input = |column: usize| (0..shares.rows).map(|row| shares.at(row, column) * div(c[row], totals[row])).sum();
    (0..shares.columns).map(of_input).collect()
}

/// What outputs have to share out: nothing where the shares sum to 0, and otherwise what the 1e-9 in `div` leaves.
pub fn given(shares: &Matrix, c: &[f64]) -> Vec<f64> {
    let totals = shares.entries.chunks(shares.columns).map(|row| row.iter().sum::<f64>());
    totals.zip(c).map(|(total, &c)| total * div(c, total)).collect()
}

pub fn epsilon(contributions: &Matrix, c: &[f64], epsilon: f64) -> Vec<f64> {
    let part = |row: usize| {
        let z: f64 = (0..contributions.columns).map(|column| contributions.at(row, column)).sum();
        c[row] / (z + if z < 0.0 { -epsilon } else { epsilon })
    };
    let parts: Vec<f64> = (0..contributions.rows).map(part).collect();
    let of_input = |column: usize| (0..parts.len()).map(|row| contributions.at(row, column) * parts[row]).sum();
    (0..contributions.columns).map(of_input).collect()
}

/// Contributions of one sign of weight and one sign of input at a time, each shared by itself.
pub fn alpha_beta(w: &Matrix, x: &[f64], c: &[f64], alpha: f64) -> Vec<f64> {
    let of = |positive_weight: bool, positive_input: bool| {
        let takes = |value: f64, positive: bool| if (value > 0.0) == positive { value } else { 0.0 };
        let shares = Matrix::from_fn(w.rows, w.columns, |row, column| {
            takes(w.at(row, column), positive_weight) * takes(x[column], positive_input)
        });
        shared(&shares, c)
    };
    let [same_positive, same_negative] = [of(true, true), of(false, false)];
    let [against_positive, against_negative] = [of(false, true), of(true, false)];
    let at = |index: usize| {
        alpha * (same_positive[index] + same_negative[index])
            - (alpha - 1.0) * (against_positive[index] + against_negative[index])
    };
    (0..x.len()).map(at).collect()
}

/// Two values that share a sum's relevance by their magnitudes.
pub fn magnitude(a: &[f64], b: &[f64], c: &[f64]) -> [Vec<f64>; 2] {
    let share = |own: &[f64], other: &[f64]| {
        let at = |index: usize| own[index].abs() * div(c[index], own[index].abs() + other[index].abs());
        (0..c.len()).map(at).collect()
    };
    [share(a, b), share(b, a)]
}

/// RAP term by term, masks included.
pub fn rap(w: &Matrix, x: &[f64], c: &[f64], is_linear: bool) -> Vec<f64> {
    let [positive, negative] = [w.map(|w| w.max(0.0)), w.map(|w| w.min(0.0))];
    let x_positive: Vec<f64> = x.iter().map(|x| x.max(0.0)).collect();
    let x_negative: Vec<f64> = x.iter().map(|x| x.min(0.0)).collect();
    let first = rap_part([&positive, &negative.map(|w| -w)], &x_positive, c, is_linear);
    let second = rap_part([&positive.map(|w| -w), &negative], &x_negative, c, is_linear);
    first.iter().zip(&second).map(|(a, b)| a + b).collect()
}

/// `a` and `b` are the maps with their signs.
fn rap_part([a, b]: [&Matrix; 2], v: &[f64], c: &[f64], is_linear: bool) -> Vec<f64> {
    let mask = |values: Vec<f64>| -> Vec<f64> {
        values.iter().zip(c).map(|(value, c)| if *c == 0.0 { 0.0 } else { *value }).collect()
    };
    let [za, zb] = [mask(a.apply(v)), mask(b.apply(v))];
    let total = |k: usize| za[k] + zb[k];
    let back =
        |map: &Matrix, values: &dyn Fn(usize) -> f64| map.transposed().apply(&mask((0..c.len()).map(values).collect()));
    let [positive, negative] = [|c: f64| c.max(0.0), |c: f64| c.min(0.0)];
    let terms = [
        back(a, &|k| div(positive(c[k]) * div(total(k), total(k)), za[k])),
        back(b, &|k| div(positive(c[k]) * div(zb[k], total(k)), zb[k])),
        back(b, &|k| div(negative(c[k]) * div(zb[k], total(k)), zb[k])),
        match is_linear {
            true => back(a, &|k| div(negative(c[k]) * div(total(k), total(k)), za[k])),
            false => back(b, &|k| div(negative(c[k]) * div(total(k), total(k)), zb[k])),
        },
    ];
    let relevance: Vec<f64> = (0..v.len()).map(|j| v[j] * terms.iter().map(|term| term[j]).sum::<f64>()).collect();
    let surplus = relevance.iter().sum::<f64>() - c.iter().sum::<f64>();
    let count = relevance.iter().filter(|value| **value != 0.0).count() as f64;
    let less = |value: &f64| if *value == 0.0 { 0.0 } else { value - div(surplus, count) };
    relevance.iter().map(less).collect()
}

/// Relevance at the logits of the target, and of all others.
pub fn starts(y: &[f64], t: usize, softmax: bool) -> [Vec<f64>; 2] {
    let total: f64 = y.iter().map(|y_k| (y_k - y[t]).exp()).sum();
    let p = |k: usize| (y[k] - y[t]).exp() / total;
    let own = if softmax { p(t) * (1.0 - p(t)) } else { y[t] };
    let other = |k: usize| if softmax { p(t) * p(k) } else { y[t] / (y.len() - 1) as f64 };
    let only = |is_target: bool, value: &dyn Fn(usize) -> f64| {
        (0..y.len()).map(|k| if (k == t) == is_target { value(k) } else { 0.0 }).collect()
    };
    [only(true, &|_| own), only(false, &other)]
}

/// What a layer gets, it gives on.
#[track_caller]
pub fn assert_conserved(name: &str, c: &[f64], relevance: &[f64]) {
    let size: f64 = c.iter().map(|c| c.abs()).sum();
    let [before, after]: [f64; 2] = [c, relevance].map(|values| values.iter().sum());
    assert!((before - after).abs() <= 1e-4 * size, "'{name}': {before} arrives, {after} leaves, of {size}");
}
