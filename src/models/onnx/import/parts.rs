//! Operations that cut values up, join them, and put zeros around them.

use super::layers::{fill, or_refuse};
use super::sums::Affine;
use super::{Importer, Inputs, Outcome, Value, constant_input, data};
use crate::graph::{Forward, NodeId, Region, Shape, Span};
use crate::models::onnx::OnnxError;
use crate::models::onnx::fold::split_sizes;
use crate::models::onnx::node::{OnnxNode, Slice};
use crate::models::onnx::tensor::Tensor;
use crate::models::onnx::view::{Axis, View, part};
use std::sync::Arc;

/// Values behind each other along an axis.
pub(super) fn concat(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    if inputs.iter().any(|input| matches!(input, Some(Value::Constant(_)))) {
        return Ok(Outcome::Unsupported("of data and constants".into()));
    }
    let mut views: Vec<View> =
        (0..inputs.len()).map(|index| data(node, inputs, index).cloned()).collect::<Result<_, _>>()?;
    let rank = views.first().map_or(0, |first| first.dims.len());
    let dim = node.axis(node.int("axis").unwrap_or(1), rank)?;
    let name = importer.layer_name(node);
    if common_axis(&views, dim).is_none() {
        views = views.iter().map(|view| importer.laid_out(&name, view)).collect::<Result<_, _>>()?;
    }
    let Some(axis) = common_axis(&views, dim) else {
        let sizes: Vec<Vec<usize>> = views.iter().map(View::sizes).collect();
        return Ok(Outcome::Unsupported(format!(
            "of {sizes:?} along axis {dim}, which is no axis that equal maps have"
        )));
    };
    let nodes: Vec<NodeId> = views.iter().map(|view| view.node).collect();
    let made = importer.joined(&name, &nodes, axis)?;
    let shape = importer.graph.shape(made);
    let mut dims = views.swap_remove(0).dims;
    dims[dim] = match axis {
        Axis::Channel => part(axis, shape.channels, 1),
        Axis::Row => part(axis, shape.height, 1),
        Axis::Column => part(axis, shape.width, 1),
    };
    Ok(Outcome::Value(View { dims, shape, node: made }))
}

/// The axis that a dimension is of all values, where their other dimensions are the same.
fn common_axis(views: &[View], dim: usize) -> Option<Axis> {
    let (first, rest) = views.split_first()?;
    let axis = first.axis(dim)?;
    let is_same = |view: &View| {
        let mut others = view.dims.iter().zip(&first.dims).enumerate().filter(|(index, _)| *index != dim);
        view.dims.len() == first.dims.len()
            && view.axis(dim) == Some(axis)
            && others.all(|(_, (own, of_first))| own == of_first)
    };
    rest.iter().all(is_same).then_some(axis)
}

pub(super) fn slice(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let mut constants: Vec<Option<Arc<Tensor>>> = Vec::with_capacity(inputs.len());
    for index in 0..inputs.len() {
        constants.push(if index == 0 { None } else { or_refuse!(constant_input(inputs, index)).cloned() });
    }
    let slices = node.slices(&x.sizes(), &constants)?;
    let mut view = x.clone();
    for (dim, slice) in slices.into_iter().enumerate() {
        view = match sliced(importer, node, &view, dim, slice)? {
            Some(view) => view,
            None => return Ok(Outcome::Unsupported(format!("of axis {dim} of {:?}", view.sizes()))),
        };
    }
    Ok(Outcome::Value(view))
}

/// What a slice takes along one dimension; `None` where that is no region of the node's value.
fn sliced(
    importer: &mut Importer,
    node: &OnnxNode,
    x: &View,
    dim: usize,
    slice: Slice,
) -> Result<Option<View>, OnnxError> {
    let size = x.sizes().get(dim).copied().unwrap_or(0);
    if slice == (Slice { start: 0, step: 1, count: size }) {
        return Ok(Some(x.clone()));
    }
    if slice.count == 0 {
        return Err(node.error(format!("takes nothing of axis {dim} of {:?}", x.sizes())));
    }
    // Of one position the step is of no account.
    let step = if slice.count == 1 { 1 } else { slice.step };
    let span = || Some((u32::try_from(slice.start).ok()?, u32::try_from(slice.count).ok()?, i32::try_from(step).ok()?));
    let Some((first, count, step)) = span() else { return Ok(None) };
    let Some((region, factors)) = x.region(dim, Span { first, count, step }) else { return Ok(None) };
    let name = importer.layer_name(node);
    let made = importer.graph.add(&name, Forward::Slice(region), &[x.node])?;
    let mut dims = x.dims.clone();
    dims[dim] = factors;
    Ok(Some(View { dims, shape: region.shape(), ..x.of(made) }))
}

pub(super) fn split(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let sizes = x.sizes();
    let dim = node.axis(node.int("axis").unwrap_or(0), sizes.len())?;
    let parts = split_sizes(node, sizes[dim], or_refuse!(constant_input(inputs, 1)))?;
    let (mut views, mut start) = (Vec::with_capacity(parts.len()), 0);
    for count in parts {
        match sliced(importer, node, x, dim, Slice { start, step: 1, count })? {
            Some(view) => views.push(Value::Data(view)),
            None => return Ok(Outcome::Unsupported(format!("of axis {dim} of {sizes:?}"))),
        }
        start += count as i64;
    }
    Ok(Outcome::Values(views))
}

/// `Gather` by constants in equal steps, which is a slice; a single index drops its dimension.
pub(super) fn gather(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let indices = or_refuse!(constant_input(inputs, 1)).ok_or_else(|| node.error("has no indices"))?;
    let sizes = x.sizes();
    let dim = node.axis(node.int("axis").unwrap_or(0), sizes.len())?;
    let size = sizes[dim] as i64;
    let wanted = indices.whole().unwrap_or_default();
    let wanted: Vec<i64> =
        wanted.into_iter().map(|index| if index < 0 { index.saturating_add(size) } else { index }).collect();
    if let Some(index) = wanted.iter().find(|index| !(0..size).contains(*index)) {
        return Err(node.error(format!("gathers position {index} of {size}")));
    }
    let step = match wanted[..] {
        [] => return Err(node.error("gathers nothing")),
        [_] => 1,
        [first, second, ..] => second - first,
    };
    let is_even = step != 0 && wanted.windows(2).all(|pair| pair[1] - pair[0] == step);
    if !is_even || indices.dims.len() > 1 {
        return Ok(Outcome::Unsupported("of positions that are not in equal steps".into()));
    }
    let slice = Slice { start: wanted[0], step, count: wanted.len() };
    let Some(mut view) = sliced(importer, node, x, dim, slice)? else {
        return Ok(Outcome::Unsupported(format!("of axis {dim} of {sizes:?}")));
    };
    if indices.dims.is_empty() {
        view.dims.remove(dim);
    }
    Ok(Outcome::Value(view))
}

/// A constant around the value, or less of it where a number is negative. It is no convolution's own padding: what
/// relevance goes to the constant is lost.
pub(super) fn pad(importer: &mut Importer, node: &OnnxNode, inputs: &Inputs) -> Result<Outcome, OnnxError> {
    let x = data(node, inputs, 0)?;
    let pads = match node.list("pads", or_refuse!(constant_input(inputs, 1)))? {
        Some(pads) => pads,
        None => node.ints("paddings").map(<[i64]>::to_vec).ok_or_else(|| node.error("has no pads"))?,
    };
    let rank = x.dims.len();
    let axes = match or_refuse!(constant_input(inputs, 3)) {
        Some(axes) => axes.whole().unwrap_or_default(),
        None => (0..rank as i64).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(node.error(format!("has pads {pads:?} for the axes {axes:?}")));
    }
    let mut sides = vec![(0, 0); rank];
    for (&axis, (&before, &behind)) in axes.iter().zip(pads.iter().zip(&pads[axes.len()..])) {
        sides[node.axis(axis, rank)?] = (before, behind);
    }
    if sides.iter().all(|&side| side == (0, 0)) {
        return Ok(Outcome::Value(x.clone()));
    }
    if node.string("mode").unwrap_or("constant") != "constant" {
        return Ok(Outcome::Unsupported("by other values than a constant".into()));
    }
    let value = or_refuse!(constant_input(inputs, 2)).and_then(|value| value.scalar()).or(node.float("value"));
    let value = value.unwrap_or(0.0);
    padded(importer, node, x, &sides, value)
}

fn padded(
    importer: &mut Importer,
    node: &OnnxNode,
    x: &View,
    sides: &[(i64, i64)],
    value: f32,
) -> Result<Outcome, OnnxError> {
    if !value.is_finite() {
        return Ok(Outcome::Unsupported("by a value that is not finite".into()));
    }
    let mut view = x.clone();
    for (dim, &(before, behind)) in sides.iter().enumerate() {
        let size = x.sizes()[dim] as i64;
        let count = size.saturating_add(before.min(0)).saturating_add(behind.min(0));
        let count =
            usize::try_from(count).map_err(|_| node.error(format!("takes more of axis {dim} than its {size}")))?;
        let cut = Slice { start: (-before).max(0), step: 1, count };
        view = match sliced(importer, node, &view, dim, cut)? {
            Some(view) => view,
            None => return Ok(Outcome::Unsupported(format!("of axis {dim} of {:?}", x.sizes()))),
        };
    }
    // Another constant than 0 around x is 0 around what x is more than it.
    let by = fill(value);
    if value != 0.0 {
        let less = Affine { term: Some((&by, -1.0)), ..Affine::default() };
        view = match importer.affine(node, &view, less, false)? {
            Outcome::Value(view) => view,
            other => return Ok(other),
        };
    }
    let mut shape = [view.shape.channels, view.shape.height, view.shape.width];
    let mut spans = shape.map(Span::whole);
    let mut dims = view.dims.clone();
    for (dim, &(before, behind)) in sides.iter().enumerate() {
        let (before, behind) = (before.max(0), behind.max(0));
        if (before, behind) == (0, 0) {
            continue;
        }
        let Some(axis) = view.axis(dim) else {
            return Ok(Outcome::Unsupported(format!("of axis {dim} of {:?}", view.sizes())));
        };
        let index = match axis {
            Axis::Channel => 0,
            Axis::Row => 1,
            Axis::Column => 2,
        };
        let size = |number: i64| u32::try_from(number).map_err(|_| node.error("pads by too many elements"));
        let grown = i64::from(shape[index]).checked_add(before).and_then(|size| size.checked_add(behind));
        spans[index] = Span::from(size(before)?, shape[index]);
        shape[index] = size(grown.unwrap_or(i64::MAX))?;
        dims[dim] = part(axis, shape[index], 1);
    }
    let [channels, rows, columns] = spans;
    let shape = Shape::new(shape[0], shape[1], shape[2]);
    let name = importer.layer_name(node);
    let pad = Forward::Pad { region: Region { channels, rows, columns }, shape };
    let made = importer.graph.add(&name, pad, &[view.node])?;
    let view = View { dims, shape, ..view.of(made) };
    if value == 0.0 {
        return Ok(Outcome::Value(view));
    }
    let more = Affine { term: Some((&by, 1.0)), ..Affine::default() };
    importer.affine(node, &view, more, false)
}
