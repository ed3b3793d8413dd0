//! A value as a file sees it: the dimensions of its tensor, each made of factors of the channels, rows and columns that
//! a node has.
//!
//! Reshape, Transpose, Squeeze, Unsqueeze and Flatten only rename dimensions; they cost nothing until an operation
//! needs another order of channels than the node's.

use crate::graph::{NodeId, Order, Region, Shape, Span};

/// Which dimension of a node's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Channel,
    Row,
    Column,
}

/// A part of an axis: `size` positions that are `stride` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Factor {
    pub axis: Axis,
    pub size: usize,
    pub stride: usize,
}

/// A node's value under the dimensions that the file gives it. The batch is a dimension without factors.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub node: NodeId,
    /// Shape of the node's value.
    pub shape: Shape,
    /// Factors of each dimension, the outermost first; none for one of size 1.
    pub dims: Vec<Vec<Factor>>,
}

fn whole(shape: Shape) -> [Vec<Factor>; 3] {
    [part(Axis::Channel, shape.channels, 1), part(Axis::Row, shape.height, 1), part(Axis::Column, shape.width, 1)]
}

/// The factors of a dimension that holds `size` positions of an axis.
pub(super) fn part(axis: Axis, size: u32, stride: usize) -> Vec<Factor> {
    match size {
        1 => Vec::new(),
        size => vec![Factor { axis, size: size as usize, stride }],
    }
}

impl View {
    /// (N, C, H, W).
    pub fn image(node: NodeId, shape: Shape) -> Self {
        let [channels, rows, columns] = whole(shape);
        Self { node, shape, dims: vec![Vec::new(), channels, rows, columns] }
    }

    /// (N, H, W, C).
    pub fn channels_last(node: NodeId, shape: Shape) -> Self {
        let [channels, rows, columns] = whole(shape);
        Self { node, shape, dims: vec![Vec::new(), rows, columns, channels] }
    }

    /// (N, C), of a value with one pixel.
    pub fn vector(node: NodeId, shape: Shape) -> Self {
        let [channels, ..] = whole(shape);
        Self { node, shape, dims: vec![Vec::new(), channels] }
    }

    /// The same dimensions of another node, whose value has the same shape.
    pub fn of(&self, node: NodeId) -> Self {
        Self { node, ..self.clone() }
    }

    /// Sizes of the dimensions.
    pub fn sizes(&self) -> Vec<usize> {
        self.dims.iter().map(|factors| factors.iter().map(|factor| factor.size).product()).collect()
    }

    /// Whether it is (N, C, H, W) in the node's own order.
    pub fn is_image(&self) -> bool {
        self.dims[..] == Self::image(self.node, self.shape).dims[..]
    }

    /// The dimension that holds all channels in their order, and nothing else; `None` where there is none.
    pub fn channel_dim(&self) -> Option<usize> {
        let [channels, ..] = whole(self.shape);
        if channels.is_empty() {
            return None;
        }
        self.dims.iter().position(|factors| *factors == channels)
    }

    /// Whether a constant of these dimensions varies along the channels alone.
    pub fn is_per_channel(&self, dims: &[usize]) -> bool {
        let rank = self.dims.len();
        let Some(channels) = self.channel_dim() else { return dims.iter().all(|&size| size == 1) };
        dims.len() <= rank
            && dims.iter().enumerate().all(|(index, &size)| {
                let axis = rank - dims.len() + index;
                size == 1 || axis == channels && size == self.shape.channels as usize
            })
    }

    /// Whether `other` is broadcast to this value's dimensions: it has each of them, or 1 in its place, and none of its
    /// own.
    pub fn takes(&self, other: &View) -> bool {
        let Some(skipped) = self.dims.len().checked_sub(other.dims.len()) else { return false };
        let pairs = self.dims[skipped..].iter().zip(&other.dims);
        pairs.into_iter().all(|(own, of_other)| own == of_other || of_other.is_empty())
    }

    /// Whether a dimension is all rows and columns, and nothing else.
    pub fn holds_all_pixels(&self, dim: usize) -> bool {
        let [_, rows, columns] = whole(self.shape);
        self.dims.get(dim).is_some_and(|factors| *factors == [rows, columns].concat())
    }

    /// Of (N, A, B, C), A to C being channels, rows and columns: in which order they are.
    pub fn order(&self) -> Option<Order> {
        let [batch, dims @ ..] = self.dims.as_slice() else { return None };
        let dims = <&[Vec<Factor>; 3]>::try_from(dims).ok()?;
        let all = whole(self.shape);
        let mut axes = dims.each_ref().map(|factors| {
            let found = if factors.is_empty() { None } else { all.iter().position(|axis| axis == factors) };
            found.and_then(|axis| u8::try_from(axis).ok())
        });
        // A dimension of one position is any of the axes that have one.
        for axis in 0..3 {
            if !axes.contains(&Some(axis)) {
                let open = axes.iter().zip(dims).position(|(axis, factors)| axis.is_none() && factors.is_empty())?;
                axes[open] = Some(axis);
            }
        }
        let [Some(first), Some(second), Some(third)] = axes else { return None };
        Order::new([first, second, third]).filter(|_| batch.is_empty())
    }

    /// The axis that a dimension is, all of it in its order; `None` where it is a part or several.
    pub fn axis(&self, dim: usize) -> Option<Axis> {
        let axes = [Axis::Channel, Axis::Row, Axis::Column];
        match self.dims.get(dim)?.as_slice() {
            [factor] => {
                axes.into_iter().zip(whole(self.shape)).find(|(_, all)| *all == [*factor]).map(|(axis, _)| axis)
            }
            [] if self.is_image() => dim.checked_sub(1).and_then(|index| axes.get(index)).copied(),
            [] if self.dims == Self::channels_last(self.node, self.shape).dims => {
                [Axis::Row, Axis::Column, Axis::Channel].get(dim.checked_sub(1)?).copied()
            }
            [] if self.dims == Self::vector(self.node, self.shape).dims && dim == 1 => Some(Axis::Channel),
            _ => None,
        }
    }

    /// The region of the node's value that `span` of a dimension is, and the dimension's factors then; `None` where
    /// that is no region.
    pub fn region(&self, dim: usize, span: Span) -> Option<(Region, Vec<Factor>)> {
        let mut region = Region::whole(self.shape);
        if let Some(axis) = self.axis(dim) {
            let of_axis = match axis {
                Axis::Channel => &mut region.channels,
                Axis::Row => &mut region.rows,
                Axis::Column => &mut region.columns,
            };
            *of_axis = span;
            return Some((region, part(axis, span.count, 1)));
        }
        let [factor] = self.dims.get(dim)?.as_slice() else { return None };
        let stride = u32::try_from(factor.stride).ok()?;
        let is_outermost = factor.axis == Axis::Channel && factor.size * factor.stride == self.shape.channels as usize;
        if !is_outermost || span.step != 1 {
            return None;
        }
        region.channels = Span::from(span.first.checked_mul(stride)?, span.count.checked_mul(stride)?);
        Some((region, part(Axis::Channel, span.count, factor.stride)))
    }

    /// The dimension and the groups of a shuffle: of channels that stand in the order `(channel of a group, group)`.
    pub fn shuffle(&self) -> Option<(usize, u32)> {
        let is_shuffled = |factors: &[Factor]| match factors {
            [of_group, group] => {
                [of_group.axis, group.axis] == [Axis::Channel; 2]
                    && of_group.stride == 1
                    && group.stride == of_group.size
                    && of_group.size * group.size == self.shape.channels as usize
            }
            _ => false,
        };
        let dim = self.dims.iter().position(|factors| is_shuffled(factors))?;
        Some((dim, u32::try_from(self.dims[dim].last()?.size).ok()?))
    }

    /// Of another node with other channels: the same dimensions, of which one holds them all.
    pub fn with_channels(&self, dim: usize, node: NodeId, shape: Shape) -> Self {
        let mut dims = self.dims.clone();
        if let Some(factors) = dims.get_mut(dim) {
            *factors = part(Axis::Channel, shape.channels, 1);
        }
        Self { node, shape, dims }
    }

    /// The dimensions under another shape of as many elements; `None` where a size cuts through a factor.
    pub fn reshaped(&self, sizes: &[usize]) -> Option<Self> {
        let mut left: std::collections::VecDeque<Factor> = self.dims.iter().flatten().copied().collect();
        let mut dims = Vec::with_capacity(sizes.len());
        for &size in sizes {
            let (mut factors, mut rest) = (Vec::new(), size);
            while rest > 1 {
                let factor = left.pop_front()?;
                if rest.is_multiple_of(factor.size) {
                    rest /= factor.size;
                    factors.push(factor);
                } else if factor.size.is_multiple_of(rest) {
                    let inner = factor.size / rest;
                    factors.push(Factor { size: rest, stride: factor.stride * inner, ..factor });
                    left.push_front(Factor { size: inner, ..factor });
                    rest = 1;
                } else {
                    return None;
                }
            }
            dims.push(merged(factors));
        }
        left.is_empty().then(|| Self { dims, ..self.clone() })
    }

    /// The dimensions in another order.
    pub fn transposed(&self, order: &[usize]) -> Option<Self> {
        let dims: Option<Vec<_>> = order.iter().map(|&axis| self.dims.get(axis).cloned()).collect();
        Some(Self { dims: dims?, ..self.clone() })
    }

    /// For a value whose elements all lie in the last dimension: where each element of the node's value, in its (C, H,
    /// W) order, stands in it. `None` where other dimensions hold elements too.
    pub fn flat_positions(&self) -> Option<Vec<usize>> {
        let (last, before) = self.dims.split_last()?;
        if before.iter().any(|factors| !factors.is_empty()) {
            return None;
        }
        let (height, width) = (self.shape.height as usize, self.shape.width as usize);
        let mut positions = vec![0; self.shape.channels as usize * height * width];
        let mut step = 1;
        let mut offsets = vec![(0_usize, 0_usize)];
        for factor in last.iter().rev() {
            let unit = factor.stride
                * match factor.axis {
                    Axis::Channel => height * width,
                    Axis::Row => width,
                    Axis::Column => 1,
                };
            let along = |&(place, position): &(usize, usize)| {
                (0..factor.size).map(move |at| (place + at * unit, position + at * step))
            };
            offsets = offsets.iter().flat_map(along).collect();
            step *= factor.size;
        }
        for (place, position) in offsets {
            *positions.get_mut(place)? = position;
        }
        Some(positions)
    }
}

/// Neighbouring factors that are one run of an axis, as one.
fn merged(factors: Vec<Factor>) -> Vec<Factor> {
    let mut merged: Vec<Factor> = Vec::with_capacity(factors.len());
    for factor in factors {
        match merged.last_mut() {
            Some(last) if last.axis == factor.axis && last.stride == factor.size * factor.stride => {
                last.size *= factor.size;
                last.stride = factor.stride;
            }
            _ => merged.push(factor),
        }
    }
    merged
}

#[cfg(test)]
mod tests;
