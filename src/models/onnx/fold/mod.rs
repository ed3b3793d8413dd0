//! The constant folder: operations whose inputs are all known before a picture is. Shape chains and arithmetic on
//! weights end here.

mod arithmetic;
mod quantised;
mod shapes;

pub(super) use quantised::dequantized;
pub(super) use shapes::{permutation, shape_of, split_sizes, squeezed, unsqueezed};

use super::OnnxError;
use super::node::OnnxNode;
use super::tensor::{MOST_FOLDED, Tensor, Values};
use std::sync::Arc;

/// Operations that in a network only shapes and constants go through; behind a node that is not supported they are no
/// fault of their own.
pub(super) const OF_SHAPES: [&str; 13] = [
    "Shape",
    "Size",
    "ConstantOfShape",
    "Expand",
    "Tile",
    "Range",
    "Where",
    "ReduceProd",
    "Floor",
    "Ceil",
    "Equal",
    "Less",
    "Greater",
];

/// Inputs of a node, `None` where one is left out.
pub(super) type Inputs = [Option<Arc<Tensor>>];

/// The node's outputs where its operation folds constants; `None` for an operation that is not known here.
///
/// # Errors
/// [`OnnxError::Node`] where inputs are missing, do not fit, or would be too large.
pub(super) fn fold(node: &OnnxNode, inputs: &Inputs) -> Result<Option<Vec<Arc<Tensor>>>, OnnxError> {
    let op = node.op();
    let context = Fold { node, inputs };
    let one = match op.as_str() {
        "Dropout" if node.drops(context.optional(1), context.optional(2)) => return Ok(None),
        "Identity" | "Dropout" => context.first()?.clone(),
        "Shape" => context.shape()?,
        "Size" => Tensor::new("", vec![], Values::Integer(vec![context.count(context.first()?)? as i64])),
        "ConstantOfShape" => context.constant_of_shape()?,
        "Reshape" => context.reshape()?,
        "Flatten" => context.first()?.reshaped(node.flattened(&context.first()?.dims)?),
        "Squeeze" => context.squeeze()?,
        "Unsqueeze" => context.unsqueeze()?,
        "Transpose" => context.transpose()?,
        "Slice" => context.slice()?,
        "Gather" => context.gather()?,
        "Concat" => context.concat()?,
        "Expand" => context.expand()?,
        "Tile" => context.tile()?,
        "Range" => context.range()?,
        "Split" => return context.split().map(Some),
        "Cast" | "CastLike" => context.cast()?,
        "Where" => context.choose()?,
        "QuantizeLinear" => context.quantized()?,
        "DequantizeLinear" => context.dequantized()?,
        "ReduceProd" | "ReduceSum" | "ReduceMax" | "ReduceMin" => context.reduce(&op)?,
        _ => match arithmetic::apply(&context, &op)? {
            Some(tensor) => tensor,
            None => return Ok(None),
        },
    };
    Ok(Some(vec![one]))
}

/// One node with its inputs.
pub(super) struct Fold<'a> {
    node: &'a OnnxNode<'a>,
    inputs: &'a Inputs,
}

impl<'a> Fold<'a> {
    /// A node whose inputs are handed in otherwise.
    pub fn of(node: &'a OnnxNode<'a>) -> Self {
        Self { node, inputs: &[] }
    }

    fn optional(&self, index: usize) -> Option<&Arc<Tensor>> {
        self.inputs.get(index).and_then(Option::as_ref)
    }

    fn input(&self, index: usize) -> Result<&Arc<Tensor>, OnnxError> {
        self.optional(index).ok_or_else(|| self.node.error(format!("has no input {index}")))
    }

    fn first(&self) -> Result<&Arc<Tensor>, OnnxError> {
        self.input(0)
    }

    fn floats(&self, tensor: &Tensor) -> Result<Arc<Vec<f32>>, OnnxError> {
        tensor.floats().ok_or_else(|| self.too_large(&tensor.dims))
    }

    fn whole(&self, tensor: &Tensor) -> Result<Vec<i64>, OnnxError> {
        tensor.whole().ok_or_else(|| self.too_large(&tensor.dims))
    }

    /// Number of elements, of as many as may be folded.
    fn count(&self, tensor: &Tensor) -> Result<usize, OnnxError> {
        self.size(&tensor.dims)
    }

    fn size(&self, dims: &[usize]) -> Result<usize, OnnxError> {
        let count = super::tensor::count(dims);
        count.filter(|&count| count <= MOST_FOLDED).ok_or_else(|| self.too_large(dims))
    }

    fn too_large(&self, dims: &[usize]) -> OnnxError {
        self.node.error(format!("would make a constant of {dims:?}, more than {MOST_FOLDED} elements"))
    }

    /// Elements picked by index, in the shape `dims`.
    fn picked(&self, from: &Tensor, dims: Vec<usize>, indices: &[usize]) -> Result<Arc<Tensor>, OnnxError> {
        let out = || self.node.error("reads beyond its input");
        fn pick<T: Copy>(values: &[T], indices: &[usize]) -> Option<Vec<T>> {
            indices.iter().map(|&index| values.get(index).copied()).collect()
        }
        let values = match &from.values {
            Values::Float(values) => Values::Float(Arc::new(pick(values, indices).ok_or_else(out)?)),
            Values::Integer(values) => Values::Integer(pick(values, indices).ok_or_else(out)?),
            Values::Fill(value) => Values::Fill(*value),
        };
        Ok(Tensor::new(&from.name, dims, values))
    }
}

/// Distance of neighbours along each dimension of a row-major tensor.
fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; dims.len()];
    for index in (0..dims.len().saturating_sub(1)).rev() {
        strides[index] = strides[index + 1].saturating_mul(dims[index + 1]);
    }
    strides
}

/// Calls `visit` with every position of a tensor, in row-major order.
fn positions(dims: &[usize], mut visit: impl FnMut(&[usize])) {
    if dims.contains(&0) {
        return;
    }
    let mut position = vec![0; dims.len()];
    loop {
        visit(&position);
        let Some(axis) = (0..dims.len()).rev().find(|&axis| position[axis] + 1 < dims[axis]) else { return };
        position[axis] += 1;
        position[axis + 1..].fill(0);
    }
}
