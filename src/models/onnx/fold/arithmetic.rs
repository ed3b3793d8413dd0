//! Folding of arithmetic, comparisons and casts, with ONNX's (NumPy's) broadcasting.

use super::{Fold, positions, strides};
use crate::models::onnx::OnnxError;
use crate::models::onnx::proto::tensor_proto::DataType;
use crate::models::onnx::tensor::{Tensor, Values};
use half::{bf16, f16};
use std::sync::Arc;

/// The shape of a result, and for each of its elements those of both operands that it is made of.
type Pairs = (Vec<usize>, Vec<(usize, usize)>);

/// Two values that a reduction makes one; `None` where that has no result within 64 bits.
type OfIntegers = fn(i64, i64) -> Option<i64>;

/// The result of an elementwise operation; `None` for one that is not known.
pub(super) fn apply(fold: &Fold, op: &str) -> Result<Option<Arc<Tensor>>, OnnxError> {
    if let Some(function) = unary(op) {
        let first = fold.first()?;
        let values = match (&first.values, op) {
            (Values::Integer(values), "Neg") => {
                Values::Integer(values.iter().map(|value| value.wrapping_neg()).collect())
            }
            (Values::Integer(values), "Abs") => {
                Values::Integer(values.iter().map(|value| value.wrapping_abs()).collect())
            }
            (Values::Integer(values), "Not") => {
                Values::Integer(values.iter().map(|&value| (value == 0).into()).collect())
            }
            (Values::Fill(value), _) => Values::Fill(function(*value)),
            _ => Values::Float(Arc::new(fold.floats(first)?.iter().copied().map(function).collect())),
        };
        return Ok(Some(Tensor::new("", first.dims.clone(), values)));
    }
    let signed_as_first = fold.node.int("fmod").unwrap_or(0) != 0;
    let (Some(of_floats), Some(of_integers)) = (binary(op), whole(op, signed_as_first)) else { return Ok(None) };
    let mut result = fold.first()?.clone();
    for index in 1..fold.inputs.len() {
        let other = fold.input(index)?;
        result = match result.is_integer() && other.is_integer() {
            true => fold.integers(&result, other, of_integers)?,
            false => fold.combined(&result, other, of_floats)?,
        };
        if matches!(op, "Equal" | "Greater" | "Less" | "GreaterOrEqual" | "LessOrEqual") && !result.is_integer() {
            result = Tensor::new("", result.dims.clone(), Values::Integer(fold.whole(&result)?));
        }
    }
    Ok(Some(result))
}

fn unary(op: &str) -> Option<fn(f32) -> f32> {
    Some(match op {
        "Neg" => |x| -x,
        "Abs" => f32::abs,
        "Sqrt" => f32::sqrt,
        "Reciprocal" => |x| 1.0 / x,
        "Exp" => f32::exp,
        "Log" => f32::ln,
        "Floor" => f32::floor,
        "Ceil" => f32::ceil,
        "Not" => |x| f32::from(x == 0.0),
        _ => return None,
    })
}

fn binary(op: &str) -> Option<fn(f32, f32) -> f32> {
    Some(match op {
        "Add" | "Sum" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Pow" => f32::powf,
        "Min" => f32::min,
        "Max" => f32::max,
        "Mod" => |a, b| a % b,
        "Equal" => |a, b| f32::from(a == b),
        "Greater" => |a, b| f32::from(a > b),
        "Less" => |a, b| f32::from(a < b),
        "GreaterOrEqual" => |a, b| f32::from(a >= b),
        "LessOrEqual" => |a, b| f32::from(a <= b),
        "And" => |a, b| f32::from(a != 0.0 && b != 0.0),
        "Or" => |a, b| f32::from(a != 0.0 || b != 0.0),
        _ => return None,
    })
}

/// Integer arithmetic; `None` where there is no result, as of a division by 0. A remainder has the second operand's
/// sign, or else the first one's.
fn whole(op: &str, signed_as_first: bool) -> Option<OfIntegers> {
    Some(match op {
        "Add" | "Sum" => i64::checked_add,
        "Sub" => i64::checked_sub,
        "Mul" => i64::checked_mul,
        "Div" => i64::checked_div,
        "Pow" => |a, b| a.checked_pow(u32::try_from(b).ok()?),
        "Min" => |a, b| Some(a.min(b)),
        "Max" => |a, b| Some(a.max(b)),
        "Mod" if signed_as_first => i64::checked_rem,
        "Mod" => |a, b| a.checked_rem(b).map(|rest| if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }),
        "Equal" => |a, b| Some((a == b).into()),
        "Greater" => |a, b| Some((a > b).into()),
        "Less" => |a, b| Some((a < b).into()),
        "GreaterOrEqual" => |a, b| Some((a >= b).into()),
        "LessOrEqual" => |a, b| Some((a <= b).into()),
        "And" => |a, b| Some((a != 0 && b != 0).into()),
        "Or" => |a, b| Some((a != 0 || b != 0).into()),
        _ => return None,
    })
}

impl Fold<'_> {
    /// The shape that two values have together.
    pub(super) fn broadcast(&self, a: &[usize], b: &[usize]) -> Result<Vec<usize>, OnnxError> {
        broadcast(a, b).ok_or_else(|| self.node.error(format!("combines {a:?} with {b:?}")))
    }

    fn pairs(&self, a: &Tensor, b: &Tensor) -> Result<Pairs, OnnxError> {
        let dims = self.broadcast(&a.dims, &b.dims)?;
        let mut pairs = Vec::with_capacity(self.size(&dims)?);
        let (of_a, of_b) = (steps(&a.dims, dims.len()), steps(&b.dims, dims.len()));
        let index = |position: &[usize], steps: &[usize]| position.iter().zip(steps).map(|(at, step)| at * step).sum();
        positions(&dims, |position| pairs.push((index(position, &of_a), index(position, &of_b))));
        Ok((dims, pairs))
    }

    fn combined(&self, a: &Tensor, b: &Tensor, function: fn(f32, f32) -> f32) -> Result<Arc<Tensor>, OnnxError> {
        let (x, y) = (self.floats(a)?, self.floats(b)?);
        let (dims, pairs) = self.pairs(a, b)?;
        Ok(Tensor::of_floats("", dims, pairs.into_iter().map(|(i, j)| function(x[i], y[j])).collect()))
    }

    fn integers(&self, a: &Tensor, b: &Tensor, function: OfIntegers) -> Result<Arc<Tensor>, OnnxError> {
        let (x, y) = (self.whole(a)?, self.whole(b)?);
        let (dims, pairs) = self.pairs(a, b)?;
        let values: Option<Vec<i64>> = pairs.into_iter().map(|(i, j)| function(x[i], y[j])).collect();
        let values = values.ok_or_else(|| self.node.error("has no result within 64 bits"))?;
        Ok(Tensor::new("", dims, Values::Integer(values)))
    }

    pub(super) fn cast(&self) -> Result<Arc<Tensor>, OnnxError> {
        let first = self.first()?;
        let code = self.node.int("to").unwrap_or_default() as i32;
        let kind = match self.optional(1) {
            Some(like) if like.is_integer() => DataType::Int64,
            Some(_) => DataType::Float,
            None => DataType::try_from(code).map_err(|_| self.node.error(format!("casts to the type {code}")))?,
        };
        let is_float = matches!(kind, DataType::Float | DataType::Float16 | DataType::Double | DataType::Bfloat16);
        let values = match (&first.values, is_float) {
            _ if kind == DataType::Bool => Values::Integer(self.truths(first)?),
            (Values::Integer(_), false) => return Ok(first.clone()),
            (Values::Float(_) | Values::Fill(_), false) => Values::Integer(self.whole(first)?),
            (values, true) => match (values, rounding(kind)) {
                (Values::Float(_) | Values::Fill(_), None) => return Ok(first.clone()),
                (Values::Fill(value), Some(rounded)) => Values::Fill(rounded(*value)),
                (Values::Integer(_), None) => Values::Float(self.floats(first)?),
                (Values::Float(_) | Values::Integer(_), Some(rounded)) => {
                    Values::Float(Arc::new(self.floats(first)?.iter().copied().map(rounded).collect()))
                }
            },
        };
        Ok(Tensor::new(&first.name, first.dims.clone(), values))
    }

    /// 1 for what is not 0.
    fn truths(&self, tensor: &Tensor) -> Result<Vec<i64>, OnnxError> {
        match &tensor.values {
            Values::Integer(values) => Ok(values.iter().map(|&value| (value != 0).into()).collect()),
            Values::Float(_) | Values::Fill(_) => {
                Ok(self.floats(tensor)?.iter().map(|&value| (value != 0.0).into()).collect())
            }
        }
    }

    /// `Where`: the second input where the first is not 0, else the third.
    pub(super) fn choose(&self) -> Result<Arc<Tensor>, OnnxError> {
        let (condition, a, b) = (self.first()?, self.input(1)?, self.input(2)?);
        let dims = self.broadcast(&condition.dims, &self.broadcast(&a.dims, &b.dims)?)?;
        let (chosen, steps_of) = (self.whole(condition)?, |tensor: &Tensor| steps(&tensor.dims, dims.len()));
        let [of_condition, of_a, of_b] = [steps_of(condition), steps_of(a), steps_of(b)];
        let index = |position: &[usize], steps: &[usize]| position.iter().zip(steps).map(|(at, step)| at * step).sum();
        let mut picks: Vec<(bool, usize)> = Vec::with_capacity(self.size(&dims)?);
        positions(&dims, |position| {
            let at: usize = index(position, &of_condition);
            let is_first = chosen[at] != 0;
            picks.push((is_first, index(position, if is_first { &of_a } else { &of_b })));
        });
        let values = if a.is_integer() && b.is_integer() {
            let (x, y) = (self.whole(a)?, self.whole(b)?);
            Values::Integer(picks.into_iter().map(|(is_first, at)| if is_first { x[at] } else { y[at] }).collect())
        } else {
            let (x, y) = (self.floats(a)?, self.floats(b)?);
            let values = picks.into_iter().map(|(is_first, at)| if is_first { x[at] } else { y[at] });
            Values::Float(Arc::new(values.collect()))
        };
        Ok(Tensor::new("", dims, values))
    }

    /// A reduction over some axes; where none are named over all, or over none if the node says so.
    pub(super) fn reduce(&self, op: &str) -> Result<Arc<Tensor>, OnnxError> {
        let first = self.first()?;
        let axes = self.node.list("axes", self.optional(1))?.unwrap_or_default();
        if axes.is_empty() && self.node.int("noop_with_empty_axes").unwrap_or(0) != 0 {
            return Ok(first.clone());
        }
        let axes = match axes.is_empty() {
            true => (0..first.dims.len()).collect(),
            false => self.node.axes(&axes, first.dims.len())?,
        };
        let kept: Vec<usize> =
            first.dims.iter().enumerate().map(|(axis, &size)| if axes.contains(&axis) { 1 } else { size }).collect();
        let keeps = self.node.int("keepdims").unwrap_or(1) != 0;
        let to = steps(&kept, kept.len());
        let mut target = Vec::with_capacity(self.count(first)?);
        positions(&first.dims, |position| {
            target.push(position.iter().zip(&to).map(|(at, step)| at * step).sum::<usize>())
        });
        let (start, function, of_integers): (f64, fn(f64, f64) -> f64, OfIntegers) = match op {
            "ReduceProd" => (1.0, |a, b| a * b, i64::checked_mul),
            "ReduceSum" => (0.0, |a, b| a + b, i64::checked_add),
            "ReduceMax" => (f64::NEG_INFINITY, f64::max, |a, b| Some(a.max(b))),
            _ => (f64::INFINITY, f64::min, |a, b| Some(a.min(b))),
        };
        let length = self.size(&kept)?;
        let values = if first.is_integer() {
            let mut sums: Vec<Option<i64>> = vec![None; length];
            for (value, &at) in self.whole(first)?.into_iter().zip(&target) {
                let next = sums[at].map_or(Some(value), |sum| of_integers(sum, value));
                sums[at] = Some(next.ok_or_else(|| self.node.error("has no result within 64 bits"))?);
            }
            Values::Integer(sums.into_iter().map(|sum| sum.unwrap_or(start as i64)).collect())
        } else {
            let mut sums = vec![start; length];
            for (&value, &at) in self.floats(first)?.iter().zip(&target) {
                sums[at] = function(sums[at], value.into());
            }
            Values::Float(Arc::new(sums.into_iter().map(|sum| sum as f32).collect()))
        };
        let dims = kept.into_iter().enumerate().filter(|(axis, _)| keeps || !axes.contains(axis));
        Ok(Tensor::new("", dims.map(|(_, size)| size).collect(), values))
    }
}

/// What a cast to a type of 16 bits does to a number.
fn rounding(kind: DataType) -> Option<fn(f32) -> f32> {
    match kind {
        DataType::Float16 => Some(|value| f16::from_f32(value).to_f32()),
        DataType::Bfloat16 => Some(|value| bf16::from_f32(value).to_f32()),
        _ => None,
    }
}

/// The shape that two values have together: sizes agree or one of them is 1, counted from the last dimension.
pub(in crate::models::onnx) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |dims: &[usize], index: usize| (index + dims.len()).checked_sub(rank).map_or(1, |index| dims[index]);
    (0..rank)
        .map(|index| match (at(a, index), at(b, index)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

/// Steps through a tensor's elements along the dimensions of what it is broadcast to; 0 where it repeats.
fn steps(dims: &[usize], rank: usize) -> Vec<usize> {
    let own = strides(dims);
    let padded = vec![0; rank - dims.len()];
    let along = dims.iter().zip(own).map(|(&size, step)| if size == 1 { 0 } else { step });
    padded.into_iter().chain(along).collect()
}
