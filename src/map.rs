//! What comes out: the network's answer, and maps of classes.

/// One picture's answer and maps.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// One logit per class.
    pub logits: Vec<f32>,
    /// One map per target, in the order of the targets.
    pub maps: Vec<Map>,
}

/// One class's map of one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// The class that was explained.
    pub class: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// `height` x `width` values, row-major: positive speaks for the class, negative against it.
    pub values: Vec<f32>,
    /// Largest relevance of any input value, by which the map is divided where it is positive; `None` for methods that
    /// do not divide.
    pub peak: Option<f32>,
    /// By how much what the method promises to add up to the class's logit misses it; `None` where it promises
    /// nothing, or no audit was asked for.
    pub completeness_gap: Option<f64>,
    /// Share of the relevance arriving at masks (activations that pass nothing beyond their bounds) that is dropped
    /// there; `None` for methods without masks, or without an audit.
    pub mask_loss: Option<f64>,
    /// Sum of the relevance at the input of each layer with weights, from the logits to the picture; empty without an
    /// audit.
    pub conservation: Vec<LayerSum>,
}

/// The total relevance at one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSum {
    /// Layer name.
    pub layer: String,
    /// Sum over all channels and pixels of the relevance of the layer's input.
    pub sum: f32,
}

impl Map {
    /// Number of values that are NaN, by their bits.
    pub fn nan_count(&self) -> usize {
        self.values.iter().filter(|value| value.to_bits() << 1 > 0xff00_0000).count()
    }

    /// Number of values that are infinite, by their bits.
    pub fn infinite_count(&self) -> usize {
        self.values.iter().filter(|value| value.to_bits() << 1 == 0xff00_0000).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[f32]) -> Map {
        let (height, width, values) = (1, values.len() as u32, values.to_vec());
        let (peak, completeness_gap, mask_loss, conservation) = (None, None, None, Vec::new());
        Map { class: 0, height, width, values, peak, completeness_gap, mask_loss, conservation }
    }

    #[test]
    fn odd_values_are_counted_by_their_bits() {
        let quiet = [f32::NAN, -f32::NAN, f32::from_bits(0x7f80_0001), f32::from_bits(0xffff_ffff)];
        let rest = [f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 0.0, -0.0, 1e-45];
        let map = map(&[&quiet[..], &rest[..]].concat());
        assert_eq!((map.nan_count(), map.infinite_count()), (4, 2));
    }
}
