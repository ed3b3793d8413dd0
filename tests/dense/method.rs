//! The relevance rules as the method's text writes them, over dense matrices. Written without the reference's code.

use super::matrix::Matrix;
use agf::methods::agf::Ablations;

pub fn div(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / if b + 1e-9 == 0.0 { 1e-9 } else { b + 1e-9 } }
}

/// `[v != 0]`
fn nonzero(v: f64) -> f64 {
    if v == 0.0 { 0.0 } else { 1.0 }
}

fn zip(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

fn max(v: &[f64]) -> f64 {
    v.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn min(v: &[f64]) -> f64 {
    v.iter().copied().fold(f64::INFINITY, f64::min)
}

/// `div(c, z [c != 0])`
fn quotient(c: &[f64], z: &[f64]) -> Vec<f64> {
    zip(c, z, |c, z| div(c, z * nonzero(c)))
}

/// Mean over channels, one value per pixel.
fn mean_ch(v: &[f64], pixels: usize) -> Vec<f64> {
    let channels = v.len() / pixels;
    (0..pixels)
        .map(|pixel| (0..channels).map(|channel| v[channel * pixels + pixel]).sum::<f64>() / channels as f64)
        .collect()
}

fn broadcast(map: &[f64], elements: usize) -> Vec<f64> {
    (0..elements).map(|element| map[element % map.len()]).collect()
}

/// `x * J^T div(c, f(x) [c != 0])`
pub fn ratio_rule(jacobian: &Matrix, x: &[f64], y: &[f64], c: &[f64]) -> Vec<f64> {
    zip(x, &jacobian.transposed().apply(&quotient(c, y)), |x, spread| x * spread)
}

/// `C = |x| * bwd(|W|, div(c, fwd(|W|, |x|) [c != 0]))`
pub fn relevance_c(w: &Matrix, x: &[f64], c: &[f64]) -> Vec<f64> {
    let absolute = w.map(f64::abs);
    let x: Vec<f64> = x.iter().map(|x| x.abs()).collect();
    zip(&x, &absolute.transposed().apply(&quotient(c, &absolute.apply(&x))), |x, spread| x * spread)
}

/// `C + R - (sum(R) / count(C != 0)) [C != 0]`
fn shift(c: &[f64], r: &[f64]) -> Vec<f64> {
    let count: f64 = c.iter().map(|&c| nonzero(c)).sum();
    let mean = if count == 0.0 { 0.0 } else { r.iter().sum::<f64>() / count };
    zip(c, r, |c, r| c + r - mean * nonzero(c))
}

/// A linear layer over a flattened map: `shift(C, div(M, max(M)))`.
pub fn linear_over_map(w: &Matrix, x: &[f64], c: &[f64], g_x: &[f64], pixels: usize) -> Vec<f64> {
    let relevance = relevance_c(w, x, c);
    let saliency = broadcast(&mean_ch(&zip(x, g_x, |x, g| x * g), pixels), x.len());
    let m = zip(&saliency, &relevance, |m, c| m.max(0.0) * nonzero(c));
    let largest = max(&m);
    shift(&relevance, &m.iter().map(|&m| div(m, largest)).collect::<Vec<_>>())
}

/// `factor(v, phi)`, by dense products and the inverse of a 2x2 matrix.
pub fn factor(v: &[f64], phi: &[f64]) -> Vec<f64> {
    let (pixels, channels) = (phi.len(), v.len() / phi.len());
    let h =
        Matrix::from_fn(channels, pixels, |channel, pixel| 1.0 / (1.0 + (-10.0 * v[channel * pixels + pixel]).exp()));
    let average = |side: Vec<f64>| {
        let count: f64 = side.iter().sum();
        h.apply(&side).into_iter().map(|sum| div(sum, count)).collect::<Vec<f64>>()
    };
    let negative = average(phi.iter().map(|&phi| if phi < 0.0 { 1.0 } else { 0.0 }).collect());
    let positive = average(phi.iter().map(|&phi| if phi > 0.0 { 1.0 } else { 0.0 }).collect());
    let q = Matrix::from_fn(channels, 2, |channel, column| [&negative, &positive][column][channel]);
    let mut gram = q.transposed().times(&q);
    gram.entries[0] += 1.0;
    gram.entries[3] += 1.0;
    let [a, b, c, d] = [gram.at(0, 0), gram.at(0, 1), gram.at(1, 0), gram.at(1, 1)];
    let inverse = Matrix { entries: vec![d, -b, -c, a], ..gram }.map(|entry| entry / (a * d - b * c));
    let z = inverse.times(&q.transposed()).times(&h).map(|z| z.max(0.0));
    (0..pixels).map(|pixel| z.at(1, pixel) - z.at(0, pixel)).collect()
}

/// What a full convolution computes on its way.
pub struct Full {
    pub c: Vec<f64>,
    pub factor_x: Vec<f64>,
    pub factor_dx: Vec<f64>,
    pub residual: Vec<f64>,
    pub relevance: Vec<f64>,
}

/// The rule of a full convolution; `g` is the gradient at its output, `g_x` at its input.
pub fn full(w: &Matrix, x: &[f64], c: &[f64], g: &[f64], g_x: &[f64], pixels: usize, ablations: Ablations) -> Full {
    let relevance_c = relevance_c(w, x, c);
    let phi = mean_ch(&relevance_c, pixels);
    let saliency: Vec<f64> = mean_ch(&zip(x, g_x, |x, g| x * g), pixels).into_iter().map(|m| m.max(0.0)).collect();
    let m: Vec<f64> = saliency.iter().map(|&m| div(m, max(&saliency))).collect();
    let gm = w.transposed().apply(&zip(g, c, |g, c| g * nonzero(c)));
    let scaled = |v: &[f64]| v.iter().map(|&value| div(value, max(v))).collect::<Vec<f64>>();
    let factor_x = factor(&scaled(x), &phi);
    let factor_dx = factor(&scaled(&gm), &phi);
    let absolute = w.map(f64::abs);
    let agnostic = absolute.transposed().apply(&quotient(c, &absolute.apply(&vec![1.0; x.len()])));

    let grad_cam = || {
        let averaged: Vec<f64> =
            gm.chunks(pixels).flat_map(|channel| vec![channel.iter().sum::<f64>() / pixels as f64; pixels]).collect();
        mean_ch(&zip(x, &averaged, |x, g| x * g), pixels).into_iter().map(|m| m.max(0.0)).collect::<Vec<f64>>()
    };
    let used = |is_dropped: bool, map: &[f64]| if is_dropped { vec![0.0; pixels] } else { map.to_vec() };
    let positive = |map: &[f64]| map.iter().map(|value| value.max(0.0)).collect::<Vec<f64>>();
    let evidence = if ablations.gradcam {
        grad_cam()
    } else {
        zip(&used(ablations.no_fx, &positive(&factor_x)), &used(ablations.no_m, &m), |f, m| f + m)
    };
    let evidence = zip(&broadcast(&evidence, x.len()), &relevance_c, |evidence, c| {
        if ablations.no_reg { evidence } else { div(evidence, 1.0 + (-c).exp()) }
    });
    let dx = broadcast(&used(ablations.no_fdx, &positive(&factor_dx)), x.len());
    let a: Vec<f64> = if ablations.no_a { vec![0.0; x.len()] } else { agnostic };
    let sum = zip(&zip(&evidence, &dx, |e, f| e + f), &a, |sum, a| sum + a);
    let residual = zip(&sum, &relevance_c, |sum, c| sum * nonzero(c));
    let relevance = shift(&relevance_c, &residual);
    Full { c: relevance_c, factor_x, factor_dx, residual, relevance }
}

/// The box rule.
pub fn box_rule(w: &Matrix, x: &[f64], c: &[f64]) -> Vec<f64> {
    let (low, high) = (vec![min(x); x.len()], vec![max(x); x.len()]);
    let (positive, negative) = (w.map(|w| w.max(0.0)), w.map(|w| w.min(0.0)));
    let [of_x, of_low, of_high] = [w.apply(x), positive.apply(&low), negative.apply(&high)];
    let s: Vec<f64> = (0..c.len()).map(|index| div(c[index], of_x[index] - of_low[index] - of_high[index])).collect();
    let [by_w, by_positive, by_negative] = [w, &positive, &negative].map(|w| w.transposed().apply(&s));
    (0..x.len())
        .map(|index| x[index] * by_w[index] - low[index] * by_positive[index] - high[index] * by_negative[index])
        .collect()
}

/// `x * sum_i div(c_i, x)`
pub fn fan_out(x: &[f64], relevances: &[&[f64]]) -> Vec<f64> {
    (0..x.len()).map(|index| x[index] * relevances.iter().map(|c| div(c[index], x[index])).sum::<f64>()).collect()
}

/// `a S` and `b S` with `S = div(c, (a + b) [c != 0])`
pub fn add(a: &[f64], b: &[f64], c: &[f64]) -> [Vec<f64>; 2] {
    let s = quotient(c, &zip(a, b, |a, b| a + b));
    [a, b].map(|value| zip(value, &s, |value, s| value * s))
}

/// `sum_ch( out / max(out) )`
pub fn map(relevance: &[f64], pixels: usize) -> Vec<f64> {
    let largest = max(relevance);
    let divisor = if largest > 0.0 { largest } else { 1.0 };
    (0..pixels).map(|pixel| relevance.iter().skip(pixel).step_by(pixels).map(|value| value / divisor).sum()).collect()
}
