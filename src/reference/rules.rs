//! The reference's last steps of the relevance rules: residual, shift, box rule, and the map (method sections 3 and 4).

use super::elementwise::safe_divide;
use crate::graph::ResidualTerms;

/// `R = ( div(F_x + M, 1 + exp(-C)) + F_dx + A ) [C != 0]`; `M` is the second of `saliency`, `F_x` and `F_dx` are
/// `factors` after the ReLU. Maps have one value per pixel.
pub(super) fn residual(
    terms: ResidualTerms,
    c: &[f64],
    agnostic: &[f64],
    saliency: &[f64],
    saliency_maximum: f64,
    factors: &[f64],
    pixels: usize,
) -> Vec<f64> {
    let at = |(index, (&c, &agnostic)): (usize, (&f64, &f64))| {
        if c == 0.0 {
            return 0.0;
        }
        let pixel = index % pixels;
        let m = saliency[pixels + pixel];
        let m = if terms.normalized { safe_divide(m, saliency_maximum) } else { m };
        let kept = |used: bool, value: f64| if used { value } else { 0.0 };
        let evidence = kept(terms.factor_x, factors[pixel].max(0.0)) + kept(terms.saliency, m);
        let evidence = if terms.regularized { safe_divide(evidence, 1.0 + (-c).exp()) } else { evidence };
        evidence + kept(terms.factor_dx, factors[pixels + pixel].max(0.0)) + kept(terms.agnostic, agnostic)
    };
    c.iter().zip(agnostic).enumerate().map(at).collect()
}

/// `M [C != 0]`; `M` is the second of `maps`.
pub(super) fn masked_saliency(c: &[f64], maps: &[f64], pixels: usize) -> Vec<f64> {
    let at = |(index, &c): (usize, &f64)| if c == 0.0 { 0.0 } else { maps[pixels + index % pixels] };
    c.iter().enumerate().map(at).collect()
}

/// `C + R - (sum / count) [C != 0]`.
pub(super) fn shift(c: &[f64], r: &[f64], sum: f64, count: f64) -> Vec<f64> {
    let at = |(&c, &r): (&f64, &f64)| if c == 0.0 { r } else { c + r - sum / count };
    c.iter().zip(r).map(at).collect()
}

/// `div(c, W x - low W+ 1 - high W- 1)`; `responses` are `W x`, `W+ 1`, `W- 1`.
pub(super) fn box_ratio(c: &[f64], responses: [&[f64]; 3], [low, high]: [f64; 2]) -> Vec<f64> {
    let [full, positive, negative] = responses;
    let response = |index: usize| full[index] - low * positive[index] - high * negative[index];
    c.iter().enumerate().map(|(index, &c)| safe_divide(c, response(index))).collect()
}

/// `(x - low) W+^T S + (x - high) W-^T S`; `spread` are the two transposed products.
pub(super) fn box_relevance(x: &[f64], spread: [&[f64]; 2], [low, high]: [f64; 2]) -> Vec<f64> {
    let [positive, negative] = spread;
    let at = |(index, &x): (usize, &f64)| (x - low) * positive[index] + (x - high) * negative[index];
    x.iter().enumerate().map(at).collect()
}

/// The map: the sum over channels of `relevance / maximum`, undivided where `maximum` is not positive.
pub(super) fn heat_map(relevance: &[f64], maximum: f64, pixels: usize) -> Vec<f64> {
    let divisor = if maximum > 0.0 { maximum } else { 1.0 };
    let at = |pixel: usize| relevance.iter().skip(pixel).step_by(pixels).map(|value| value / divisor).sum();
    (0..pixels).map(at).collect()
}
