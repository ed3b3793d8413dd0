use super::*;

/// Of all window places that begin within the input or the padding before it, as many as are needed to reach the end
/// (PyTorch's `ceil_mode`).
#[test]
fn ceiled_windows_reach_the_end_and_begin_within() {
    let mut count = 0;
    for size in 1..12 {
        for (kernel, stride, dilation) in [(1, 1, 1), (2, 2, 1), (3, 2, 1), (2, 3, 1), (1, 4, 1), (3, 2, 2), (2, 5, 3)]
        {
            for (before, after) in [(0, 0), (1, 1), (1, 0), (0, 2)] {
                let padding = Padding { top: before, left: 0, bottom: after, right: 0 };
                let window = Window::new([kernel, 1], stride, padding);
                let window = Window { dilation: [dilation, 1], ..window };
                let Some([floored, columns]) = window.output(size, 1) else { continue };
                let reach = (kernel - 1) * dilation + 1;
                let begins = |place: u32| place * stride < size + before;
                let ends = |places: u32| (places - 1) * stride + reach >= size + before + after;
                let places = (floored..).find(|&places| ends(places) || !begins(places)).unwrap();
                let ceiled = window.ceiled(size, 1);
                let found = ceiled.output(size, 1).unwrap();
                assert_eq!(found, [places, columns], "{window:?} on {size}");
                assert!(begins(places - 1) || places == floored, "{window:?} on {size}");
                assert!(ceiled.padding.bottom >= after && Window { padding, ..ceiled } == window);
                count += 1;
            }
        }
    }
    assert!(count > 200, "{count}");
}

#[test]
fn windows_beside_the_input_are_found() {
    let mut missing = 0;
    for size in 1..6 {
        for (kernel, stride, dilation) in [
            (1, 1, 1),
            (2, 1, 1),
            (3, 2, 1),
            (2, 2, 2),
            (2, 1, 3),
            (3, 2, 4),
            (3, 5, 3),
            (2, 3, 7),
            (4, 7, 5),
            (2, 2, 5),
        ] {
            for (before, after) in [(0, 0), (1, 1), (2, 0), (0, 3), (4, 4), (7, 2), (4, 3)] {
                let padding = Padding { top: 0, left: before, bottom: 0, right: after };
                let window = Window { dilation: [1, dilation], ..Window::new([1, kernel], stride, padding) };
                let Some([_, places]) = window.output(1, size) else { continue };
                let is_seen = |place: u32| {
                    let positions = (0..kernel).map(|tap| place * stride + tap * dilation);
                    positions.filter_map(|at| at.checked_sub(before)).any(|at| at < size)
                };
                let misses = !(0..places).all(is_seen);
                assert_eq!(window.misses(1, size), misses, "{window:?} on {size}");
                missing += usize::from(misses);
            }
        }
    }
    assert!(missing > 20, "{missing}");
}

#[test]
fn depthwise_is_more_than_one_channel_with_a_kernel_each() {
    let is_depthwise = |input_channels, output_channels, groups| {
        let window = Window::square(3, 1, 1);
        let name = "c".into();
        Convolution { name, input_channels, output_channels, window, groups, bias: false }.is_depthwise()
    };
    assert!(is_depthwise(6, 6, 6));
    assert!(!is_depthwise(1, 1, 1) && !is_depthwise(6, 12, 6) && !is_depthwise(6, 6, 3) && !is_depthwise(6, 6, 1));
}

#[test]
fn a_plain_stride_is_one_number() {
    let window = Window::new([3, 2], 2, Padding::all(0));
    assert_eq!(window.plain_stride(), Some(2));
    for other in [Window { stride: [2, 1], ..window }, Window { dilation: [1, 2], ..window }] {
        assert_eq!(other.plain_stride(), None);
    }
}
