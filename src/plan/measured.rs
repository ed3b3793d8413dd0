//! What was measured to be the fastest on a graphics card: goes before the model of work for passes that are nearly
//! those of the list. The list is that of `benches/gpu/nvidia-h200.md`, without what the model finds by itself.

use super::tiling::Tiling;
use super::variant::{Algorithm, DenseKernel, PassShape, Variant, WinogradTile};

/// A pass that was measured, and the fastest variant.
struct Measured {
    /// Whether the pass is the convolution's transpose.
    transposed: bool,
    /// Rows, and columns, of the kernel.
    kernel: u32,
    stride: u32,
    /// Channels that it reads, and writes.
    channels: [u32; 2],
    /// Rows of what it writes.
    height: u32,
    algorithm: Algorithm,
    fastest: DenseKernel,
}

/// A pass as far from a measured one as this, in powers of two of channels and pixels, is left to the model.
const FARTHEST: f64 = 1.0;

const MEASURED: [Measured; 15] = [
    forward([3, 1], [3, 64], 224, DenseKernel::Uniform),
    forward([3, 1], [64, 64], 224, tiled([64, 64, 16], [8, 4], 1)),
    forward([3, 1], [128, 128], 112, tiled([128, 128, 8], [8, 8], 1)),
    forward([3, 1], [256, 256], 56, tiled([32, 32, 16], [4, 4], 1)),
    forward([3, 1], [512, 512], 28, tiled([128, 128, 8], [8, 8], 4)),
    forward([3, 1], [512, 512], 14, tiled([128, 128, 8], [8, 8], 16)),
    forward([3, 2], [128, 128], 28, tiled([64, 32, 16], [8, 4], 8)),
    forward([1, 1], [1024, 256], 14, tiled([64, 32, 16], [8, 4], 16)),
    backward([7, 2], [64, 3], 224, Algorithm::Direct, DenseKernel::UniformSmall),
    backward([1, 1], [24, 144], 56, Algorithm::Direct, DenseKernel::UniformSmall),
    backward([3, 1], [64, 3], 224, LARGE, DenseKernel::UniformSmall),
    backward([3, 1], [64, 64], 224, LARGE, DenseKernel::Uniform),
    backward([3, 1], [128, 128], 112, LARGE, tiled([128, 64, 8], [8, 8], 1)),
    backward([3, 1], [256, 256], 56, LARGE, tiled([64, 32, 16], [8, 4], 1)),
    backward([3, 1], [512, 512], 28, LARGE, tiled([64, 64, 16], [8, 4], 1)),
];

const LARGE: Algorithm = Algorithm::Winograd(WinogradTile::Four);

const fn forward([kernel, stride]: [u32; 2], channels: [u32; 2], height: u32, fastest: DenseKernel) -> Measured {
    Measured { transposed: false, kernel, stride, channels, height, algorithm: Algorithm::Direct, fastest }
}

const fn backward(
    [kernel, stride]: [u32; 2],
    channels: [u32; 2],
    height: u32,
    algorithm: Algorithm,
    fastest: DenseKernel,
) -> Measured {
    Measured { transposed: true, kernel, stride, channels, height, algorithm, fastest }
}

const fn tiled([rows, pixels, depth]: [u32; 3], [lane_rows, lane_pixels]: [u32; 2], splits: u32) -> DenseKernel {
    DenseKernel::Tiled(Tiling { rows, pixels, lane_rows, lane_pixels, depth, splits })
}

impl Measured {
    /// How far a pass is from this one; `None` where it is of another kind.
    fn distance(&self, shape: &PassShape) -> Option<f64> {
        let is_alike = shape.transposed == self.transposed
            && shape.kernel == [self.kernel; 2]
            && shape.stride == self.stride
            && !shape.joint;
        let factor = |a: u32, b: u32| (f64::from(a) / f64::from(b)).log2().abs();
        let [source, channels] = self.channels;
        let pixels = factor(shape.height * shape.width, self.height * self.height);
        is_alike.then(|| factor(shape.source_channels, source) + factor(shape.channels, channels) + pixels)
    }

    fn variant(&self) -> Variant {
        let row_tiles = match self.fastest {
            DenseKernel::Tiled(tiling) => tiling.rows / 8,
            DenseKernel::Uniform | DenseKernel::UniformSmall | DenseKernel::Broadcast | DenseKernel::Product => 1,
        };
        Variant { algorithm: self.algorithm, kernel: self.fastest, row_tiles }
    }
}

/// The fastest variant of the measured pass that is the nearest to this one, of those that `computes` accepts.
pub(super) fn fastest(shape: &PassShape, computes: impl Fn(&Variant) -> bool) -> Option<Variant> {
    let near = MEASURED.iter().filter_map(|measured| Some((measured.distance(shape)?, measured.variant())));
    let near = near.filter(|(distance, variant)| *distance <= FARTHEST && computes(variant));
    near.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, variant)| variant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Profile;

    fn shape(measured: &Measured, height: u32) -> PassShape {
        PassShape {
            transposed: measured.transposed,
            kernel: [measured.kernel; 2],
            stride: measured.stride,
            source_channels: measured.channels[0],
            channels: measured.channels[1],
            height,
            width: height,
            decides: !measured.transposed,
            winograd: Some(WinogradTile::Four).filter(|_| measured.transposed && measured.kernel == 3),
            joint: false,
            product: false,
        }
    }

    #[test]
    fn measured_passes_take_what_was_fastest() {
        for measured in &MEASURED {
            let pass = shape(measured, measured.height);
            assert_eq!(pass.default_variant(&Profile::WEBGPU), measured.variant(), "{pass}");
            let far = shape(measured, 4 * measured.height);
            let is_other = |other: &Measured| other.distance(&far).is_none_or(|distance| distance > FARTHEST);
            assert_eq!(fastest(&far, |_| true).is_none(), MEASURED.iter().all(is_other), "{far}");
            assert!(measured.distance(&far).is_some_and(|distance| distance > FARTHEST), "{far}");
        }
    }
}
