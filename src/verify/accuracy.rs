//! How near to the exact value a GPU comes with each operation.

use crate::graph::{Backward, Binary, Explain, Forward, Op, Reduction, Shape};

/// What one f32 operation may differ by from f64, given equal inputs.
pub(super) struct Accuracy {
    /// Largest relative L2 distance.
    pub tolerance: f64,
    /// Whether it adds terms, or multiplies such sums: where they cancel, the distance follows the terms instead of
    /// the sum.
    pub is_sum: bool,
    /// Whether it is linear in its first input, and adds nothing: it passes on that input's distance.
    pub is_linear: bool,
    /// Inputs with which terms are subtracted: all terms add up where these are negative.
    pub subtracted: &'static [usize],
}

/// Rounding of a product, a quotient or a sum.
const ROUNDING: f64 = 1e-5;

/// One that copies or chooses.
const EXACT: Accuracy = of(0.0);

/// One whose terms do not cancel.
const PLAIN: Accuracy = of(ROUNDING);

/// A quotient, or a share of its first input.
const LINEAR: Accuracy = Accuracy { is_linear: true, ..PLAIN };

/// A sum of terms of both signs.
const SUM: Accuracy = Accuracy { is_sum: true, ..PLAIN };

const fn of(tolerance: f64) -> Accuracy {
    Accuracy { tolerance, is_sum: false, is_linear: false, subtracted: &[] }
}

const fn subtracting(subtracted: &'static [usize]) -> Accuracy {
    Accuracy { subtracted, ..SUM }
}

/// What a normalisation of channels adds up and takes off: `s (|x| + mean |x|)`. All of a pixel whose channels are
/// equal cancels.
pub(super) fn normalized_terms(x: &[f64], shape: Shape, epsilon: f64) -> Vec<f64> {
    let of_pixel = |pixel: &Pixel, index: usize| pixel.factor * (x[index].abs() + pixel.mean(&|index| x[index].abs()));
    of_each_pixel(x, shape, epsilon, of_pixel)
}

/// What the gradient through a normalisation of channels adds up and takes off: `s (|g| + mean |g| + |y| mean |g y|)`
/// with `y = s (x - mean x)`. All of a gradient that is equal in all channels cancels.
pub(super) fn normalization_terms(g: &[f64], x: &[f64], shape: Shape, epsilon: f64) -> Vec<f64> {
    of_each_pixel(x, shape, epsilon, |pixel, index| {
        let y = |index: usize| ((x[index] - pixel.middle) * pixel.factor).abs();
        let (of_g, of_product) = (pixel.mean(&|index| g[index].abs()), pixel.mean(&|index| g[index].abs() * y(index)));
        pixel.factor * (g[index].abs() + of_g + y(index) * of_product)
    })
}

/// A pixel whose channels are normalised.
struct Pixel {
    /// Where its channels lie.
    indices: Vec<usize>,
    /// Their mean.
    middle: f64,
    /// One by their deviation.
    factor: f64,
}

impl Pixel {
    fn new(indices: Vec<usize>, x: &[f64], epsilon: f64) -> Self {
        let mut pixel = Self { indices, middle: 0.0, factor: 1.0 };
        pixel.middle = pixel.mean(&|index| x[index]);
        pixel.factor = (pixel.mean(&|index| (x[index] - pixel.middle).powi(2)) + epsilon).sqrt().recip();
        pixel
    }

    fn mean(&self, of: &dyn Fn(usize) -> f64) -> f64 {
        self.indices.iter().map(|&index| of(index)).sum::<f64>() / self.indices.len() as f64
    }
}

fn of_each_pixel(x: &[f64], shape: Shape, epsilon: f64, terms: impl Fn(&Pixel, usize) -> f64) -> Vec<f64> {
    let (pixels, channels) = (shape.pixels() as usize, shape.channels as usize);
    let mut values = vec![0.0; x.len()];
    for at in 0..pixels {
        let pixel = Pixel::new((0..channels).map(|channel| channel * pixels + at).collect(), x, epsilon);
        pixel.indices.iter().for_each(|&index| values[index] = terms(&pixel, index));
    }
    values
}

/// How far the rounding of a denominator's terms moves the box rule's quotient `c / d`, with `d = W x - low W+ 1 - high
/// W- 1`: `|c| / d^2` times the sum of the terms' sizes. Where `d` is zero the quotient is, too. `inputs` are all of
/// the node's but `c`.
pub(super) fn box_ratio_terms(c: &[f64], inputs: &[Vec<f64>]) -> Vec<f64> {
    let [full, positive, negative, low, high] = inputs else { return c.to_vec() };
    let at = |(index, c): (usize, &f64)| {
        let terms = [full[index], -low[0] * positive[index], -high[0] * negative[index]];
        let denominator: f64 = terms.iter().sum();
        let size: f64 = terms.iter().map(|term| term.abs()).sum();
        if denominator == 0.0 { 0.0 } else { c.abs() * size / denominator.powi(2) }
    };
    c.iter().enumerate().map(at).collect()
}

impl Accuracy {
    pub fn of(op: &Op) -> Self {
        match op {
            Op::Forward(op) => forward(op),
            Op::Backward(op) => backward(op),
            Op::Explain(op) => explain(op),
        }
    }
}

fn forward(op: &Forward) -> Accuracy {
    match op {
        Forward::Input
        | Forward::Given { .. }
        | Forward::MaxPool(_)
        | Forward::Concat
        | Forward::Slice(_)
        | Forward::Pad { .. }
        | Forward::Shuffle { .. }
        | Forward::Transpose(_)
        | Forward::LogitPair => EXACT,
        Forward::Subtract | Forward::Against => subtracting(&[1]),
        Forward::Clamp(_)
        | Forward::Activate(_)
        | Forward::ParametricRelu(_)
        | Forward::NormalizeResponse(_)
        | Forward::Normalize => PLAIN,
        Forward::BatchNorm(_)
        | Forward::Convolve { .. }
        | Forward::Linear { .. }
        | Forward::AveragePool { .. }
        | Forward::AverageWindows(_)
        | Forward::NormalizeChannels { .. }
        | Forward::Add
        | Forward::Multiply => SUM,
    }
}

fn backward(op: &Backward) -> Accuracy {
    match op {
        Backward::OneHot | Backward::MaxPoolIndex(_) => EXACT,
        Backward::TargetGradient => of(1e-4),
        Backward::BatchNormGradient(_)
        | Backward::ClampGradient(_)
        | Backward::ActivateGradient(_)
        | Backward::ParametricReluGradient(_)
        | Backward::LogitPairGradient
        | Backward::NormalizeGradient
        | Backward::BiasGradient(_) => PLAIN,
        Backward::ConvolveTranspose { .. }
        | Backward::LinearTranspose { .. }
        | Backward::MaxPoolTranspose { .. }
        | Backward::AveragePoolTranspose { .. }
        | Backward::AverageWindowsTranspose { .. }
        | Backward::NormalizeResponseGradient(_)
        | Backward::NormalizeChannelsGradient { .. } => SUM,
    }
}

fn explain(op: &Explain) -> Accuracy {
    match op {
        Explain::ClassRequest { .. } | Explain::VariationRequest(_) | Explain::ClassIndex => EXACT,
        Explain::LogitRelevance(_) => of(1e-4),
        Explain::ConvolveParts { .. } | Explain::ConvolveTransposeMasked { .. } | Explain::LinearParts { .. } => SUM,
        Explain::ConvolveOnes { .. } | Explain::LinearOnes { .. } => PLAIN,
        Explain::ClampRelevance(_) => LINEAR,
        Explain::Unary(_) => SUM,
        Explain::Binary(binary) => of_binary(binary),
        Explain::Reduce(Reduction::Sum | Reduction::CountNonZero) => SUM,
        Explain::Reduce(
            Reduction::Maximum
            | Reduction::Minimum
            | Reduction::MaximumAbsolute
            | Reduction::MinimumAbsolute
            | Reduction::SumAbsolute,
        ) => PLAIN,
        Explain::SaliencyMaps | Explain::ChannelSum | Explain::Resize { .. } => SUM,
        // The products of hundreds of channels, of which two by two are solved for, are nearly equal.
        Explain::FactorMaps => Accuracy { tolerance: 1e-4, ..SUM },
        Explain::SaliencyMaximum | Explain::MaskedSaliency | Explain::FactorBasis => PLAIN,
        Explain::Residual(_) | Explain::ScaledMagnitude => PLAIN,
        Explain::BoxRatio => SUM,
        Explain::Shift => subtracting(&[2]),
        Explain::BoxRelevance => subtracting(&[3, 4]),
        // Integers with 21 binary places.
        Explain::Noise { .. } => of(1e-6),
        Explain::HeatMap | Explain::PlainMap { .. } => SUM,
    }
}

fn of_binary(binary: &Binary) -> Accuracy {
    match binary {
        Binary::MultiplyAbsolute => SUM,
        Binary::Divide | Binary::SafeDivide | Binary::Ratio => LINEAR,
        Binary::AddAbsolute | Binary::Mask => PLAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cancels_in_a_normalisation_is_measured_by_its_terms() {
        let shape = Shape::new(2, 1, 2);
        // The mean of channels is 2 and 0, and the deviation 1 and 2.
        let terms = normalization_terms(&[3.0, 1.0, 3.0, -1.0], &[1.0, -2.0, 3.0, 2.0], shape, 0.0);
        assert_eq!(terms, [9.0, 1.5, 9.0, 1.5]);
        let terms = normalized_terms(&[1.0, -2.0, 3.0, 2.0], shape, 0.0);
        assert_eq!(terms, [3.0, 2.0, 5.0, 2.0]);
    }

    #[test]
    fn a_quotient_is_measured_by_what_cancels_below_it() {
        // Denominators 8 - (-1) 2 - 3 (-2) = 16, of terms that agree; 8 - 2 - 3 (2) = 4 of such that cancel; and 0.
        let inputs = [[8.0, 10.0, 3.0], [2.0, 0.0, -3.0], [-2.0, 2.0, 0.0], [-1.0; 3], [3.0; 3]].map(Vec::from);
        let terms = box_ratio_terms(&[4.0, -4.0, 1.0], &inputs);
        assert_eq!(terms, [4.0 / 16.0, 4.0 * 16.0 / 16.0, 0.0]);
    }
}
