//! Dimensions renamed, cut and put in another order.

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
    assert_eq!((once.shuffle(), image.shuffle()), (Some((1, 3)), None));
    assert_eq!(shuffle(&once, 4), image);
}

#[test]
fn parts_of_dimensions_are_regions() {
    let image = view(12, 5, 7);
    let span = Span::from(1, 2);
    let channels = |first, count| Region::of_channels(first, count, image.shape);
    assert_eq!(image.region(1, span).unwrap().0, channels(1, 2));
    let groups = image.reshaped(&[1, 3, 4, 5, 7]).unwrap();
    let (region, factors) = groups.region(1, span).unwrap();
    assert_eq!((region, factors[0].size, factors[0].stride), (channels(4, 8), 2, 4));
    assert_eq!(groups.region(2, span), None, "parts of every group");
    let last = image.transposed(&[0, 2, 3, 1]).unwrap();
    assert_eq!((last.axis(1), last.axis(2), last.axis(3)), (Some(Axis::Row), Some(Axis::Column), Some(Axis::Channel)));
    assert_eq!(View::channels_last(NodeId(0), Shape::new(1, 5, 7)).axis(3), Some(Axis::Channel));
}

#[test]
fn orders_of_axes() {
    let image = view(12, 5, 7);
    assert_eq!(image.order(), Some(Order::SAME));
    assert_eq!(image.transposed(&[0, 3, 2, 1]).unwrap().order(), Order::new([2, 1, 0]));
    assert_eq!(view(12, 1, 7).transposed(&[0, 2, 3, 1]).unwrap().order(), Order::new([1, 2, 0]));
    assert_eq!(image.reshaped(&[1, 12, 35]).unwrap().order(), None);
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
