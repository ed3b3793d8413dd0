//! The reference's operations that move values to other places.

use crate::graph::{Order, Region, Shape};

/// The elements of `x`, of this shape, that lie in the region.
pub(super) fn sliced(region: Region, x: &[f64], shape: Shape) -> Vec<f64> {
    places(region, shape).map(|place| x[place]).collect()
}

/// `x` as the region of a value of this shape, with 0 elsewhere.
pub(super) fn padded(region: Region, x: &[f64], shape: Shape) -> Vec<f64> {
    let mut value = vec![0.0; shape.elements() as usize];
    places(region, shape).zip(x).for_each(|(place, x)| value[place] = *x);
    value
}

/// The place of each of the region's elements, in order, in a value of this shape.
fn places(region: Region, shape: Shape) -> impl Iterator<Item = usize> {
    let Region { channels, rows, columns } = region;
    let elements = 0..region.shape().elements() as u32;
    elements.map(move |element| {
        let (row, column) = (element / columns.count % rows.count, element % columns.count);
        let channel = element / columns.count / rows.count;
        let [channel, row, column] = [channels.at(channel), rows.at(row), columns.at(column)].map(|at| at as usize);
        (channel * shape.height as usize + row) * shape.width as usize + column
    })
}

/// Channels taken from so many groups in turn.
pub(super) fn shuffled(groups: u32, x: &[f64], shape: Shape) -> Vec<f64> {
    let (groups, pixels) = (groups as usize, shape.pixels() as usize);
    let each = shape.channels as usize / groups;
    let source = |channel: usize| channel % groups * each + channel / groups;
    (0..shape.channels as usize).flat_map(|channel| &x[source(channel) * pixels..][..pixels]).copied().collect()
}

/// `x`, of this shape, with its axes in another order.
pub(super) fn transposed(order: Order, x: &[f64], shape: Shape) -> Vec<f64> {
    let result = order.shape(shape);
    let at = |element: usize| {
        let (height, width) = (result.height as usize, result.width as usize);
        let place = [element / width / height, element / width % height, element % width];
        let mut from = [0; 3];
        for (axis, place) in order.axes().into_iter().zip(place) {
            from[usize::from(axis)] = place;
        }
        let [channel, row, column] = from;
        x[(channel * shape.height as usize + row) * shape.width as usize + column]
    };
    (0..x.len()).map(at).collect()
}
