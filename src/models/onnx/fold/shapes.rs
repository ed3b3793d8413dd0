//! Folding of what makes, moves and picks elements without changing them.

use super::{Fold, positions, strides};
use crate::models::onnx::OnnxError;
use crate::models::onnx::node::OnnxNode;
use crate::models::onnx::tensor::{Tensor, Values, decode};
use std::sync::Arc;

impl Fold<'_> {
    pub(super) fn shape(&self) -> Result<Arc<Tensor>, OnnxError> {
        shape_of(self.node, &self.first()?.dims)
    }

    pub(super) fn constant_of_shape(&self) -> Result<Arc<Tensor>, OnnxError> {
        let dims = self.dims(self.first()?)?;
        let value = self.node.tensor("value").map(|tensor| decode(tensor, "", None)).transpose()?;
        let name = self.node.outputs().first().map_or("", String::as_str);
        match value {
            Some(value) if value.is_integer() => {
                let number = self.whole(&value)?.first().copied().unwrap_or(0);
                let count = self.size(&dims)?;
                Ok(Tensor::new(name, dims, Values::Integer(vec![number; count])))
            }
            value => {
                let number = value.map_or(Some(0.0), |value| value.scalar());
                let number = number.ok_or_else(|| self.node.error("has a value of more than one element"))?;
                Ok(Tensor::new(name, dims, Values::Fill(number)))
            }
        }
    }

    /// A shape that a tensor spells.
    fn dims(&self, tensor: &Tensor) -> Result<Vec<usize>, OnnxError> {
        let dims = self.whole(tensor)?.into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>();
        dims.map_err(|_| self.node.error("has a shape with a negative size"))
    }

    pub(super) fn reshape(&self) -> Result<Arc<Tensor>, OnnxError> {
        let wanted = self.node.list("shape", self.optional(1))?;
        let wanted = wanted.ok_or_else(|| self.node.error("has no shape"))?;
        let first = self.first()?;
        Ok(first.reshaped(self.node.reshaped(&first.dims, &wanted)?))
    }

    pub(super) fn squeeze(&self) -> Result<Arc<Tensor>, OnnxError> {
        let first = self.first()?;
        let axes = self.node.list("axes", self.optional(1))?;
        Ok(first.reshaped(squeezed(self.node, &first.dims, axes)?))
    }

    pub(super) fn unsqueeze(&self) -> Result<Arc<Tensor>, OnnxError> {
        let first = self.first()?;
        let axes = self.node.list("axes", self.optional(1))?;
        Ok(first.reshaped(unsqueezed(self.node, &first.dims, axes)?))
    }

    pub(super) fn transpose(&self) -> Result<Arc<Tensor>, OnnxError> {
        let first = self.first()?;
        let order = permutation(self.node, first.dims.len())?;
        let dims: Vec<usize> = order.iter().map(|&axis| first.dims[axis]).collect();
        self.count(first)?;
        let from = strides(&first.dims);
        let steps: Vec<usize> = order.iter().map(|&axis| from[axis]).collect();
        self.gathered(first, dims, |position| position.iter().zip(&steps).map(|(at, step)| at * step).sum())
    }

    /// Elements at `index` of each position of the result.
    fn gathered(
        &self,
        from: &Tensor,
        dims: Vec<usize>,
        index: impl Fn(&[usize]) -> usize,
    ) -> Result<Arc<Tensor>, OnnxError> {
        let mut indices = Vec::with_capacity(self.size(&dims)?);
        positions(&dims, |position| indices.push(index(position)));
        self.picked(from, dims, &indices)
    }

    pub(super) fn slice(&self) -> Result<Arc<Tensor>, OnnxError> {
        let first = self.first()?;
        let slices = self.node.slices(&first.dims, self.inputs)?;
        let from = strides(&first.dims);
        let dims: Vec<usize> = slices.iter().map(|slice| slice.count).collect();
        self.gathered(first, dims, |position| {
            let along = position.iter().zip(&slices).map(|(&at, slice)| slice.start + at as i64 * slice.step);
            along.zip(&from).map(|(at, step)| at as usize * step).sum()
        })
    }

    pub(super) fn gather(&self) -> Result<Arc<Tensor>, OnnxError> {
        let (first, indices) = (self.first()?, self.input(1)?);
        let axis = self.node.axis(self.node.int("axis").unwrap_or(0), first.dims.len())?;
        let size = first.dims[axis] as i64;
        let chosen = self.whole(indices)?.into_iter().map(|index| if index < 0 { index + size } else { index });
        let chosen: Option<Vec<usize>> =
            chosen.map(|index| usize::try_from(index).ok().filter(|&index| index < first.dims[axis])).collect();
        let chosen =
            chosen.ok_or_else(|| self.node.error(format!("gathers outside of its input's {size} elements")))?;
        let inner: usize = self.size(&first.dims[axis + 1..])?;
        let dims = [&first.dims[..axis], &indices.dims, &first.dims[axis + 1..]].concat();
        let mut picked = Vec::with_capacity(self.size(&dims)?);
        for outer in 0..self.size(&first.dims[..axis])? {
            for &index in &chosen {
                let start = (outer * first.dims[axis] + index) * inner;
                picked.extend(start..start + inner);
            }
        }
        self.picked(first, dims, &picked)
    }

    pub(super) fn concat(&self) -> Result<Arc<Tensor>, OnnxError> {
        let first = self.first()?;
        let axis = self.node.axis(self.node.int("axis").unwrap_or(1), first.dims.len())?;
        let mut dims = first.dims.clone();
        dims[axis] = 0;
        for index in 0..self.inputs.len() {
            let tensor = self.input(index)?;
            let fits = tensor.dims.len() == dims.len()
                && tensor.dims.iter().zip(&dims).enumerate().all(|(at, (a, b))| at == axis || a == b);
            if !fits {
                return Err(self.node.error(format!("joins {:?} and {:?}", first.dims, tensor.dims)));
            }
            dims[axis] += tensor.dims[axis];
        }
        let (outer, _) = (self.size(&dims[..axis])?, self.size(&dims)?);
        let tensors = self.inputs.iter().flatten();
        if tensors.clone().all(|tensor| tensor.is_integer()) {
            let parts = tensors.map(|tensor| self.whole(tensor).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
            return Ok(Tensor::new("", dims, Values::Integer(joined(&parts, outer))));
        }
        let parts = tensors.map(|tensor| self.floats(tensor)).collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::of_floats("", dims, joined(&parts, outer)))
    }

    pub(super) fn expand(&self) -> Result<Arc<Tensor>, OnnxError> {
        let first = self.first()?;
        let dims = self.broadcast(&first.dims, &self.dims(self.input(1)?)?)?;
        let (from, skipped) = (strides(&first.dims), dims.len() - first.dims.len());
        self.gathered(first, dims, |position| {
            let along = position[skipped..].iter().zip(&first.dims).zip(&from);
            along.map(|((&at, &size), step)| if size == 1 { 0 } else { at * step }).sum()
        })
    }

    pub(super) fn tile(&self) -> Result<Arc<Tensor>, OnnxError> {
        let first = self.first()?;
        let repeats = self.dims(self.input(1)?)?;
        if repeats.len() != first.dims.len() {
            return Err(self.node.error("has another number of repeats than of dimensions"));
        }
        let dims = first.dims.iter().zip(&repeats).map(|(size, repeat)| size.saturating_mul(*repeat)).collect();
        let from = strides(&first.dims);
        self.gathered(first, dims, |position| {
            position.iter().zip(&first.dims).zip(&from).map(|((at, size), step)| at % size * step).sum()
        })
    }

    pub(super) fn range(&self) -> Result<Arc<Tensor>, OnnxError> {
        let number = |index| -> Result<i64, OnnxError> {
            let tensor = self.input(index)?;
            if !tensor.is_integer() {
                return Err(self.node.error("counts in fractions, which is not folded"));
            }
            self.whole(tensor)?.first().copied().ok_or_else(|| self.node.error("has an empty input"))
        };
        let (start, limit, step) = (number(0)?, number(1)?, number(2)?);
        let distance = i128::from(limit) - i128::from(start);
        let count = match i128::from(step) {
            0 => return Err(self.node.error("has a step of 0")),
            step if (distance > 0) == (step > 0) && distance != 0 => (distance.abs() - 1) / step.abs() + 1,
            _ => 0,
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.size(&[count])?;
        Ok(Tensor::integers("", (0..count as i64).map(|index| start + index * step).collect()))
    }

    pub(super) fn split(&self) -> Result<Vec<Arc<Tensor>>, OnnxError> {
        let first = self.first()?;
        let axis = self.node.axis(self.node.int("axis").unwrap_or(0), first.dims.len())?;
        let sizes = split_sizes(self.node, first.dims[axis], self.optional(1))?;
        let from = strides(&first.dims);
        let mut start = 0;
        let mut parts = Vec::new();
        for size in sizes {
            let mut dims = first.dims.clone();
            dims[axis] = size;
            let offset = start * from[axis];
            let index = |position: &[usize]| position.iter().zip(&from).map(|(at, step)| at * step).sum::<usize>();
            parts.push(self.gathered(first, dims, |position| offset + index(position))?);
            start += size;
        }
        Ok(parts)
    }
}

fn joined<T: Copy, P: std::ops::Deref<Target = Vec<T>>>(parts: &[P], outer: usize) -> Vec<T> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    for index in 0..outer {
        for part in parts {
            let run = part.len() / outer;
            joined.extend_from_slice(&part[index * run..][..run]);
        }
    }
    joined
}

/// `Shape` of a value of these dimensions.
pub(in crate::models::onnx) fn shape_of(node: &OnnxNode, dims: &[usize]) -> Result<Arc<Tensor>, OnnxError> {
    let rank = dims.len() as i64;
    let bound = |value: i64| (if value < 0 { value.saturating_add(rank) } else { value }).clamp(0, rank) as usize;
    let (start, end) = (bound(node.int("start").unwrap_or(0)), bound(node.int("end").unwrap_or(rank)));
    let sizes = dims.get(start..end.max(start)).unwrap_or_default();
    Ok(Tensor::integers("", sizes.iter().map(|&size| size as i64).collect()))
}

/// Dimensions without those of size 1, or without certain ones.
pub(in crate::models::onnx) fn squeezed(
    node: &OnnxNode,
    dims: &[usize],
    axes: Option<Vec<i64>>,
) -> Result<Vec<usize>, OnnxError> {
    let dropped = match axes {
        Some(axes) => node.axes(&axes, dims.len())?,
        None => (0..dims.len()).filter(|&axis| dims[axis] == 1).collect(),
    };
    if let Some(&axis) = dropped.iter().find(|&&axis| dims[axis] != 1) {
        return Err(node.error(format!("squeezes axis {axis} of {dims:?}, which is not 1")));
    }
    let kept = dims.iter().enumerate().filter(|(axis, _)| !dropped.contains(axis));
    Ok(kept.map(|(_, &size)| size).collect())
}

/// Dimensions with ones put in at `axes` of the result.
pub(in crate::models::onnx) fn unsqueezed(
    node: &OnnxNode,
    dims: &[usize],
    axes: Option<Vec<i64>>,
) -> Result<Vec<usize>, OnnxError> {
    let axes = axes.ok_or_else(|| node.error("has no axes"))?;
    let mut result = dims.to_vec();
    for axis in node.axes(&axes, dims.len() + axes.len())? {
        if axis > result.len() {
            return Err(node.error(format!("has axes {axes:?} for an input of {} dimensions", dims.len())));
        }
        result.insert(axis, 1);
    }
    Ok(result)
}

/// The order of axes of a Transpose; reversed where none is given.
pub(in crate::models::onnx) fn permutation(node: &OnnxNode, rank: usize) -> Result<Vec<usize>, OnnxError> {
    let Some(wanted) = node.ints("perm") else { return Ok((0..rank).rev().collect()) };
    let order: Vec<usize> = wanted.iter().map(|&axis| node.axis(axis, rank)).collect::<Result<_, _>>()?;
    if node.axes(wanted, rank)?.len() != rank || order.len() != rank {
        return Err(node.error(format!("has the order {wanted:?} for {rank} dimensions")));
    }
    Ok(order)
}

/// Sizes of the parts of a Split of `size` elements.
pub(in crate::models::onnx) fn split_sizes(
    node: &OnnxNode,
    size: usize,
    input: Option<&Arc<Tensor>>,
) -> Result<Vec<usize>, OnnxError> {
    let parts = node.outputs().len().max(1);
    let sizes: Vec<usize> = match node.list("split", input)? {
        Some(sizes) => sizes
            .into_iter()
            .map(|size| usize::try_from(size).map_err(|_| node.error(format!("has a part of size {size}"))))
            .collect::<Result<_, _>>()?,
        None => {
            let each = size.div_ceil(parts);
            (0..parts).map(|index| size.saturating_sub(index * each).min(each)).collect()
        }
    };
    let total = sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size));
    if total != Some(size) || sizes.len() != parts {
        return Err(node.error(format!("splits {size} elements into {sizes:?} for {parts} outputs")));
    }
    Ok(sizes)
}
