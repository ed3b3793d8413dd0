//! How channels lie in GPU memory: four at a time (C4). A value of one sample is `[channels / 4][pixels]` of vec4, the
//! last quad padded with zeros; packed weights have the same order, with taps or other entries in the place of pixels.

use crate::graph::{Node, Shape};

/// Channels that lie together.
pub const QUAD: u32 = 4;

/// Bytes of a quad of f32, a vec4 of the shaders.
pub const QUAD_BYTES: u64 = 16;

impl Shape {
    /// Number of channel quads.
    pub const fn quads(self) -> u32 {
        self.channels.div_ceil(QUAD)
    }

    /// Number of vec4 of one sample.
    pub const fn vectors(self) -> u32 {
        self.quads() * self.pixels()
    }

    /// Bytes of one sample.
    pub const fn bytes(self) -> u64 {
        QUAD_BYTES * self.quads() as u64 * self.pixels() as u64
    }
}

/// Bytes of a node's value for one sample: a map is one plain f32 per pixel, all else are channel quads.
pub fn bytes(node: &Node) -> u64 {
    if node.op.is_map() { 4 * u64::from(node.shape.pixels()) } else { node.shape.bytes() }
}

/// Where entry `index` of `count` of a channel is in `[channels / 4][count][4]`.
pub const fn place(channel: usize, count: usize, index: usize) -> usize {
    let quad = QUAD as usize;
    (channel / quad * count + index) * quad + channel % quad
}

/// `[samples][channels][pixels]` to `[samples][channels / 4][pixels][4]`; samples that `values` does not have are
/// zeros.
pub fn pack(values: &[f32], shape: Shape, batch: u32) -> Vec<f32> {
    let (pixels, sample_length) = (shape.pixels() as usize, (shape.vectors() * QUAD) as usize);
    let mut packed = vec![0.0; batch as usize * sample_length];
    for (sample, target) in values.chunks(shape.elements() as usize).zip(packed.chunks_mut(sample_length)) {
        for (channel, plane) in sample.chunks(pixels).enumerate() {
            plane.iter().enumerate().for_each(|(pixel, value)| target[place(channel, pixels, pixel)] = *value);
        }
    }
    packed
}

/// `[samples][channels / 4][pixels][4]` to `[samples][channels][pixels]`.
pub fn unpack<T: Copy>(packed: &[T], shape: Shape) -> Vec<T> {
    let (pixels, sample_length) = (shape.pixels() as usize, (shape.vectors() * QUAD) as usize);
    let mut values = Vec::with_capacity(packed.len());
    for sample in packed.chunks_exact(sample_length) {
        for channel in 0..shape.channels as usize {
            values.extend((0..pixels).map(|pixel| sample[place(channel, pixels, pixel)]));
        }
    }
    values
}

/// The values beside the last channel of `[samples][channels / 4][pixels][4]`, which are zeros.
pub fn padding<T: Copy>(packed: &[T], shape: Shape) -> Vec<T> {
    let quads = shape.quads() * QUAD;
    let padded = unpack(packed, Shape { channels: quads, ..shape });
    let (own, all) = ((shape.channels * shape.pixels()) as usize, (quads * shape.pixels()) as usize);
    padded.chunks_exact(all.max(1)).flat_map(|sample| sample[own..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_by_channel_quads_and_come_back() {
        let shape = Shape::new(5, 1, 2);
        let values: Vec<f32> = (0..20_u8).map(f32::from).collect();
        let packed = pack(&values, shape, 2);
        assert_eq!(packed[..8], [0.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 7.0]);
        assert_eq!(packed[8..16], [8.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0]);
        assert_eq!(packed.len() as u64, 2 * shape.bytes() / 4);
        assert_eq!(unpack(&packed, shape), values);
        assert_eq!(padding(&packed, shape), [0.0; 12]);
        let numbers: Vec<u32> = (0..32).collect();
        assert_eq!(padding(&numbers, shape), [9, 13, 10, 14, 11, 15, 25, 29, 26, 30, 27, 31]);
    }

    #[test]
    fn samples_that_are_not_given_are_zeros() {
        let packed = pack(&[1.0, 2.0], Shape::new(1, 1, 2), 3);
        assert_eq!(packed.len(), 24);
        assert_eq!(packed.iter().filter(|&&value| value != 0.0).count(), 2);
    }
}
