//! A value as a file sees it: the dimensions of its tensor, each made of factors of the channels, rows and columns that a node has.
//!
//! Reshape, Transpose, Squeeze, Unsqueeze and Flatten only rename dimensions; they cost nothing until an operation needs another order of
//! channels than the node's.

use crate::graph::{NodeId, Padding, Shape};

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
    /// Zeros that a Pad puts around it, which the next convolution takes in.
    pub padding: Padding,
}

fn whole(shape: Shape) -> [Vec<Factor>; 3] {
    let of = |axis, size: u32| match size {
        1 => Vec::new(),
        size => vec![Factor { axis, size: size as usize, stride: 1 }],
    };
    [of(Axis::Channel, shape.channels), of(Axis::Row, shape.height), of(Axis::Column, shape.width)]
}

impl View {
    /// (N, C, H, W).
    pub fn image(node: NodeId, shape: Shape) -> Self {
        let [channels, rows, columns] = whole(shape);
        Self { node, shape, dims: vec![Vec::new(), channels, rows, columns], padding: Padding::default() }
    }

    /// (N, H, W, C).
    pub fn channels_last(node: NodeId, shape: Shape) -> Self {
        let [channels, rows, columns] = whole(shape);
        Self { node, shape, dims: vec![Vec::new(), rows, columns, channels], padding: Padding::default() }
    }

    /// (N, C), of a value with one pixel.
    pub fn vector(node: NodeId, shape: Shape) -> Self {
        let [channels, ..] = whole(shape);
        Self { node, shape, dims: vec![Vec::new(), channels], padding: Padding::default() }
    }

    /// The same dimensions of another node, whose value has the same shape.
    pub fn of(&self, node: NodeId) -> Self {
        Self { node, ..self.clone() }
    }

    /// Sizes of the dimensions, padding included.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<usize> =
            self.dims.iter().map(|factors| factors.iter().map(|factor| factor.size).product()).collect();
        if let ([_, _, height, width], true) = (sizes.as_mut_slice(), self.is_padded()) {
            let Padding { top, left, bottom, right } = self.padding;
            *height += (top + bottom) as usize;
            *width += (left + right) as usize;
        }
        sizes
    }

    /// Whether it is (N, C, H, W) in the node's own order.
    pub fn is_image(&self) -> bool {
        self.dims[..] == Self::image(self.node, self.shape).dims[..]
    }

    pub fn is_padded(&self) -> bool {
        self.padding != Padding::default()
    }

    /// The dimension that holds all channels in their order, and nothing else; `None` where there is none.
    pub fn channel_dim(&self) -> Option<usize> {
        let [channels, ..] = whole(self.shape);
        if channels.is_empty() {
            return None;
        }
        self.dims.iter().position(|factors| *factors == channels)
    }

    /// The dimensions under another shape of as many elements; `None` where a size cuts through a factor.
    pub fn reshaped(&self, sizes: &[usize]) -> Option<Self> {
        if self.is_padded() {
            return None;
        }
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
        if self.is_padded() {
            return None;
        }
        let dims: Option<Vec<_>> = order.iter().map(|&axis| self.dims.get(axis).cloned()).collect();
        Some(Self { dims: dims?, ..self.clone() })
    }

    /// For a value whose elements all lie in the last dimension: where each element of the node's value, in its (C, H, W) order, stands in
    /// it. `None` where other dimensions hold elements too.
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
mod tests {
    use super::*;

    fn view(channels: u32, height: u32, width: u32) -> View {
        View::image(NodeId(0), Shape::new(channels, height, width))
    }

    #[test]
    fn a_reshape_there_and_back_is_the_value_itself() {
        let image = view(12, 5, 7);
        let split = image.reshaped(&[1, 3, 4, 5, 7]).unwrap();
        assert_eq!(split.sizes(), [1, 3, 4, 5, 7]);
        assert_eq!(split.reshaped(&[1, 12, 5, 7]).unwrap(), image);
        assert!(image.reshaped(&[1, 5, 84]).is_none(), "5 cuts through the 12 channels");
    }

    #[test]
    fn a_channel_shuffle_is_no_image_and_twice_the_other_way_is_one() {
        let image = view(12, 5, 7);
        let shuffle = |view: &View, groups: usize| {
            let split = view.reshaped(&[1, groups, 12 / groups, 5, 7]).unwrap();
            split.transposed(&[0, 2, 1, 3, 4]).unwrap().reshaped(&[1, 12, 5, 7]).unwrap()
        };
        let once = shuffle(&image, 3);
        assert!(!once.is_image());
        assert_eq!(shuffle(&once, 4), image);
    }

    #[test]
    fn positions_of_a_flatten_behind_a_transpose() {
        let image = view(2, 2, 3);
        let flat = image.transposed(&[0, 2, 3, 1]).unwrap().reshaped(&[1, 12]).unwrap();
        let positions = flat.flat_positions().unwrap();
        for channel in 0..2 {
            for row in 0..2 {
                for column in 0..3 {
                    assert_eq!(positions[(channel * 2 + row) * 3 + column], (row * 3 + column) * 2 + channel);
                }
            }
        }
        assert_eq!(image.reshaped(&[1, 12]).unwrap().flat_positions().unwrap(), (0..12).collect::<Vec<_>>());
    }
}
