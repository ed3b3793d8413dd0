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
