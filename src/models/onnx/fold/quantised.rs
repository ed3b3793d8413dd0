//! Folding of quantised constants.

use super::Fold;
use crate::models::onnx::OnnxError;
use crate::models::onnx::tensor::{Tensor, Values};
use std::sync::Arc;

/// Range of the integers that are meant where nothing says so.
const BYTE: [i64; 2] = [0, 255];

impl Fold<'_> {
    /// `(x - zero point) * scale`
    pub(super) fn dequantized(&self) -> Result<Arc<Tensor>, OnnxError> {
        let (x, scale) = (self.first()?, self.input(1)?);
        let axis = self.node.int("axis").unwrap_or(1);
        dequantized(self, x, scale, self.optional(2), axis)
    }

    /// `x / scale + zero point`, rounded to the nearest integer, halves to the even one, and cut to the range of the
    /// zero point's type.
    pub(super) fn quantized(&self) -> Result<Arc<Tensor>, OnnxError> {
        let (x, scale) = (self.first()?, self.input(1)?);
        let [low, high] = self.optional(2).and_then(|zero| zero.range).unwrap_or(BYTE);
        let numbers = PerAxis::new(self, x, scale, self.optional(2), self.node.int("axis").unwrap_or(1))?;
        let values = self.floats(x)?;
        let value = |(index, &x): (usize, &f32)| {
            let (scale, zero) = numbers.at(index);
            let rounded = (x / scale).round_ties_even() as i64;
            rounded.saturating_add(zero).clamp(low, high)
        };
        let values = values.iter().enumerate().map(value).collect();
        Ok(Tensor::ranged(&x.name, x.dims.clone(), Values::Integer(values), Some([low, high])))
    }
}

/// A quantised tensor's values: one scale and zero point for all, or one along an axis.
pub(in crate::models::onnx) fn dequantized(
    fold: &Fold,
    x: &Tensor,
    scale: &Tensor,
    zero: Option<&Arc<Tensor>>,
    axis: i64,
) -> Result<Arc<Tensor>, OnnxError> {
    let numbers = PerAxis::new(fold, x, scale, zero, axis)?;
    let values = fold.floats(x)?;
    let value = |(index, &x): (usize, &f32)| {
        let (scale, zero) = numbers.at(index);
        (x - zero as f32) * scale
    };
    Ok(Tensor::of_floats(&x.name, x.dims.clone(), values.iter().enumerate().map(value).collect()))
}

/// Scales and zero points along an axis.
struct PerAxis {
    scales: Arc<Vec<f32>>,
    zeros: Vec<i64>,
    /// Size of the axis, and elements from one of its positions to the next.
    size: usize,
    step: usize,
}

impl PerAxis {
    fn new(fold: &Fold, x: &Tensor, scale: &Tensor, zero: Option<&Arc<Tensor>>, axis: i64) -> Result<Self, OnnxError> {
        let scales = fold.floats(scale)?;
        let zeros = zero.map_or(Ok(vec![0]), |zero| fold.whole(zero))?;
        let most = scales.len().max(zeros.len());
        let (size, step) = match most {
            1 => (1, 1),
            _ => {
                let axis = fold.node.axis(axis, x.dims.len())?;
                (x.dims[axis], fold.size(&x.dims[axis + 1..])?.max(1))
            }
        };
        let fits = |count: usize| count == 1 || count == size;
        if scales.is_empty() || !fits(scales.len()) || !fits(zeros.len()) {
            let (scales, zeros, dims) = (scales.len(), zeros.len(), &x.dims);
            return Err(fold
                .node
                .error(format!("has {scales} scales and {zeros} zero points for a tensor of {dims:?}")));
        }
        Ok(Self { scales, zeros, size, step })
    }

    fn at(&self, index: usize) -> (f32, i64) {
        let position = index / self.step % self.size.max(1);
        let of = |count: usize| if count == 1 { 0 } else { position };
        (self.scales[of(self.scales.len())], self.zeros[of(self.zeros.len())])
    }
}
