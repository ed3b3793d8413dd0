//! Parts of a value: what is cut out of one, and where it is put into another.

use crate::graph::Shape;

/// Positions along one axis: `first`, `first + step` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first position.
    pub first: u32,
    /// Number of positions.
    pub count: u32,
    /// From one to the next; negative where they are taken backwards, never 0.
    pub step: i32,
}

impl Span {
    /// All positions of an axis.
    pub const fn whole(size: u32) -> Self {
        Self::from(0, size)
    }

    /// `count` neighbours.
    pub const fn from(first: u32, count: u32) -> Self {
        Self { first, count, step: 1 }
    }

    /// Where its position `index` stands.
    pub const fn at(self, index: u32) -> i64 {
        self.first as i64 + index as i64 * self.step as i64
    }

    /// Which of its positions stands at `place`.
    pub const fn index(self, place: u32) -> Option<u32> {
        let distance = place as i64 - self.first as i64;
        let step = self.step as i64;
        if step == 0 || distance % step != 0 || distance / step < 0 || distance / step >= self.count as i64 {
            return None;
        }
        Some((distance / step) as u32)
    }

    /// Whether there are positions, and all lie on an axis of this size.
    pub const fn fits(self, size: u32) -> bool {
        let last = self.at(self.count.saturating_sub(1));
        self.count > 0 && self.step != 0 && self.first < size && last >= 0 && last < size as i64
    }
}

/// Positions along each axis of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    /// Channels.
    pub channels: Span,
    /// Rows.
    pub rows: Span,
    /// Columns.
    pub columns: Span,
}

impl Region {
    /// `count` channels from `first` on, with all pixels of a value of this shape.
    pub const fn of_channels(first: u32, count: u32, shape: Shape) -> Self {
        Self { channels: Span::from(first, count), ..Self::whole(shape) }
    }

    /// All of a value.
    pub const fn whole(shape: Shape) -> Self {
        Self {
            channels: Span::whole(shape.channels),
            rows: Span::whole(shape.height),
            columns: Span::whole(shape.width),
        }
    }

    /// The shape of what it holds.
    pub const fn shape(self) -> Shape {
        Shape::new(self.channels.count, self.rows.count, self.columns.count)
    }

    /// Whether it lies in a value of this shape.
    pub const fn fits(self, shape: Shape) -> bool {
        self.channels.fits(shape.channels) && self.rows.fits(shape.height) && self.columns.fits(shape.width)
    }
}

/// An order of channels (0), rows (1) and columns (2): which of them the first, second and third axis of a transposed
/// value are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order([u8; 3]);

impl Order {
    /// Channels, rows, columns.
    pub const SAME: Order = Order([0, 1, 2]);

    /// From the axes; `None` where one is missing.
    pub fn new(axes: [u8; 3]) -> Option<Self> {
        (0..3).all(|axis| axes.contains(&axis)).then_some(Self(axes))
    }

    /// The axes in this order.
    pub const fn axes(self) -> [u8; 3] {
        self.0
    }

    /// The order that leads back.
    pub fn inverse(self) -> Self {
        let mut inverse = [0; 3];
        for (place, &axis) in (0..).zip(&self.0) {
            inverse[usize::from(axis)] = place;
        }
        Self(inverse)
    }

    /// The shape of a value in this order.
    pub fn shape(self, shape: Shape) -> Shape {
        let sizes = [shape.channels, shape.height, shape.width];
        let [channels, height, width] = self.0.map(|axis| sizes[usize::from(axis)]);
        Shape::new(channels, height, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_the_way_back() {
        let order = Order::new([2, 0, 1]).unwrap();
        let shape = Shape::new(5, 3, 4);
        assert_eq!(order.shape(shape), Shape::new(4, 5, 3));
        assert_eq!(order.inverse().shape(order.shape(shape)), shape);
        assert_eq!((Order::new([0, 1, 1]), Order::new([0, 1, 3])), (None, None));
    }

    #[test]
    fn positions_and_their_places() {
        let odd = Span { first: 1, count: 3, step: 2 };
        assert_eq!((0..3).map(|index| odd.at(index)).collect::<Vec<_>>(), [1, 3, 5]);
        assert_eq!(
            (0..7).map(|place| odd.index(place)).collect::<Vec<_>>(),
            [None, Some(0), None, Some(1), None, Some(2), None]
        );
        let backwards = Span { first: 2, count: 3, step: -1 };
        assert_eq!([0, 1, 2, 3].map(|place| backwards.index(place)), [Some(2), Some(1), Some(0), None]);
        let spaced = Span { first: 7, count: 4, step: -2 };
        for (place, index) in [(7, Some(0)), (1, Some(3)), (4, None), (9, None), (0, None)] {
            assert_eq!(spaced.index(place), index, "{place}");
        }
        let far = Span { first: 0, count: 3, step: 4 };
        assert_eq!([8, 12, 11].map(|place| far.index(place)), [Some(2), None, None]);
        assert_eq!(Span { step: 0, ..far }.index(0), None);
        assert!(odd.fits(6) && !odd.fits(5) && backwards.fits(3) && !backwards.fits(2));
        for wrong in [Span::from(0, 0), Span { step: 0, ..odd }, Span { count: 4, ..backwards }] {
            assert!(!wrong.fits(100), "{wrong:?}");
        }
    }
}
