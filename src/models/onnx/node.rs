//! A node of a file with typed access to its attributes, and what several operations say in the same way.

use super::OnnxError;
use super::proto::{GraphProto, NodeProto, TensorProto};
use super::tensor::Tensor;
use std::sync::Arc;

/// A node as the importer reads it.
pub(super) struct OnnxNode<'a> {
    proto: &'a NodeProto,
}

impl<'a> OnnxNode<'a> {
    pub fn new(proto: &'a NodeProto) -> Self {
        Self { proto }
    }

    /// Its operation, behind the domain where that is not ONNX's own.
    pub fn op(&self) -> String {
        let op = self.proto.op_type();
        match self.proto.domain() {
            "" | "ai.onnx" => op.into(),
            domain => format!("{domain}.{op}"),
        }
    }

    /// Its name, or that of its first output where it has none.
    pub fn name(&self) -> &'a str {
        match self.proto.name() {
            "" => self.proto.output.first().map_or("", String::as_str),
            name => name,
        }
    }

    /// Names of its inputs; empty for one that is left out.
    pub fn inputs(&self) -> &'a [String] {
        &self.proto.input
    }

    pub fn outputs(&self) -> &'a [String] {
        &self.proto.output
    }

    pub fn error(&self, reason: impl Into<String>) -> OnnxError {
        OnnxError::Node { node: self.name().into(), op: self.op(), reason: reason.into() }
    }

    fn attribute(&self, name: &str) -> Option<&'a super::proto::AttributeProto> {
        self.proto.attribute.iter().find(|attribute| attribute.name() == name)
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.i
    }

    pub fn float(&self, name: &str) -> Option<f32> {
        self.attribute(name)?.f
    }

    pub fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    pub fn floats(&self, name: &str) -> Option<&'a [f32]> {
        self.attribute(name).map(|attribute| attribute.floats.as_slice())
    }

    pub fn string(&self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.attribute(name)?.s.as_deref()?).ok()
    }

    pub fn graph(&self, name: &str) -> Option<&'a GraphProto> {
        self.attribute(name)?.g.as_ref()
    }

    pub fn tensor(&self, name: &str) -> Option<&'a TensorProto> {
        self.attribute(name)?.t.as_ref()
    }

    /// A list that older opsets have as an attribute and newer ones as an input; `None` where neither is there.
    pub fn list(&self, name: &str, input: Option<&Arc<Tensor>>) -> Result<Option<Vec<i64>>, OnnxError> {
        match input {
            Some(tensor) => tensor.whole().map(Some).ok_or_else(|| self.error(format!("has too many {name}"))),
            None => Ok(self.ints(name).map(<[i64]>::to_vec)),
        }
    }

    /// An axis of a value with `rank` dimensions; negative ones count from the end.
    pub fn axis(&self, axis: i64, rank: usize) -> Result<usize, OnnxError> {
        let counted = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
        let axis_found = counted.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank);
        axis_found.ok_or_else(|| self.error(format!("has the axis {axis}, but its input has {rank} dimensions")))
    }

    /// Axes, each once, in ascending order.
    pub fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>, OnnxError> {
        let found: Result<std::collections::BTreeSet<usize>, OnnxError> =
            axes.iter().map(|&axis| self.axis(axis, rank)).collect();
        Ok(found?.into_iter().collect())
    }

    /// The shape that a Reshape of `dims` gives: 0 keeps a dimension (unless `allowzero`), -1 takes what is left.
    pub fn reshaped(&self, dims: &[usize], wanted: &[i64]) -> Result<Vec<usize>, OnnxError> {
        let wrong = || self.error(format!("cannot give a value of {dims:?} the shape {wanted:?}"));
        let keeps = self.int("allowzero").unwrap_or(0) == 0;
        let mut sizes = Vec::with_capacity(wanted.len());
        let mut open = None;
        for (index, &size) in wanted.iter().enumerate() {
            sizes.push(match size {
                -1 if open.is_none() => {
                    open = Some(index);
                    1
                }
                0 if keeps => *dims.get(index).ok_or_else(wrong)?,
                size => usize::try_from(size).map_err(|_| wrong())?,
            });
        }
        let (before, after) = (super::tensor::count(dims), super::tensor::count(&sizes));
        let (before, after) = (before.ok_or_else(wrong)?, after.ok_or_else(wrong)?);
        match open {
            Some(index) if after > 0 && before % after == 0 => sizes[index] = before / after,
            None if before == after => {}
            _ => return Err(wrong()),
        }
        Ok(sizes)
    }

    /// Whether a Dropout with these inputs drops anything: in training it does.
    pub fn drops(&self, ratio: Option<&Arc<Tensor>>, training: Option<&Arc<Tensor>>) -> bool {
        let ratio = ratio.map_or(Some(0.5), |ratio| ratio.scalar());
        training.is_some_and(|training| training.scalar() != Some(0.0)) && ratio != Some(0.0)
    }

    /// The shape that a Flatten gives: everything before the axis, everything from it on.
    pub fn flattened(&self, dims: &[usize]) -> Result<Vec<usize>, OnnxError> {
        let axis = self.int("axis").unwrap_or(1);
        let axis = if axis == dims.len() as i64 { dims.len() } else { self.axis(axis, dims.len())? };
        let size = |part: &[usize]| super::tensor::count(part).ok_or_else(|| self.error("has too large an input"));
        Ok(vec![size(&dims[..axis])?, size(&dims[axis..])?])
    }

    /// Start, step and number of elements along each dimension that a Slice takes.
    pub fn slices(&self, dims: &[usize], inputs: &[Option<Arc<Tensor>>]) -> Result<Vec<Slice>, OnnxError> {
        let input = |index: usize| inputs.get(index).and_then(Option::as_ref);
        let missing = |what: &str| self.error(format!("has no {what}"));
        let starts = self.list("starts", input(1))?.ok_or_else(|| missing("starts"))?;
        let ends = self.list("ends", input(2))?.ok_or_else(|| missing("ends"))?;
        let axes = self.list("axes", input(3))?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = self.list("steps", input(4))?.unwrap_or_else(|| vec![1; starts.len()]);
        if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
            return Err(self.error("has starts, ends, axes and steps of different lengths"));
        }
        let mut slices: Vec<Slice> = dims.iter().map(|&count| Slice { start: 0, step: 1, count }).collect();
        for (((&start, &end), &axis), &step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
            let axis = self.axis(axis, dims.len())?;
            slices[axis] = self.slice(dims[axis] as i64, start, end, step)?;
        }
        Ok(slices)
    }

    fn slice(&self, size: i64, start: i64, end: i64, step: i64) -> Result<Slice, OnnxError> {
        if step == 0 {
            return Err(self.error("has a step of 0"));
        }
        let counted = |index: i64| if index < 0 { index.saturating_add(size) } else { index };
        let (lowest, highest) = if step > 0 { (0, size) } else { (-1, size - 1) };
        let (start, end) = (counted(start).clamp(lowest, highest), counted(end).clamp(lowest, highest));
        let distance = if step > 0 { end - start } else { start - end };
        let count = if distance > 0 { (distance - 1) / step.saturating_abs() + 1 } else { 0 };
        Ok(Slice { start, step, count: count as usize })
    }
}

/// What a Slice takes along one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub start: i64,
    pub step: i64,
    pub count: usize,
}
