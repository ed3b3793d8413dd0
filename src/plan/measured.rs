//! What was measured to be the fastest on a graphics card: goes before the model of work and bytes for passes that are
//! nearly those of the list. The list is of `benches/gpu/nvidia-h200.md` and of what `agf-run tune` found there,
//! without what the model finds by itself, and without what AMD's compiler makes badly.

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
    /// The largest tile by which Winograd's algorithm was allowed.
    winograd: Option<WinogradTile>,
    /// Whether another product went along.
    joint: bool,
    algorithm: Algorithm,
    fastest: DenseKernel,
}

/// A pass as far from a measured one as this, in powers of two of channels and pixels, is left to the model.
const FARTHEST: f64 = 1.0;

const MEASURED: [Measured; 11] = [
    forward([3, 1], [3, 64], 224, DenseKernel::Uniform),
    forward([3, 1], [3, 64], 224, DenseKernel::Uniform).where_allowed(WinogradTile::Two),
    forward([3, 1], [512, 512], 28, tiled([128, 128, 8], [8, 8], 4)),
    forward([3, 1], [512, 512], 14, tiled([128, 128, 8], [8, 8], 16)),
    backward([7, 2], [64, 3], 224, DenseKernel::UniformSmall),
    backward([1, 1], [24, 144], 56, DenseKernel::UniformSmall),
    backward([1, 1], [256, 512], 28, tiled([64, 32, 16], [8, 4], 1)).joint(),
    backward([3, 1], [64, 3], 224, DenseKernel::UniformSmall).where_allowed(WinogradTile::Two),
    backward([3, 1], [64, 3], 224, DenseKernel::UniformSmall).where_allowed(WinogradTile::Four).by(WinogradTile::Four),
    backward([3, 1], [64, 64], 224, DenseKernel::Uniform).where_allowed(WinogradTile::Four).by(WinogradTile::Four),
    backward([3, 1], [512, 512], 14, tiled([32, 32, 16], [4, 4], 1))
        .where_allowed(WinogradTile::Four)
        .by(WinogradTile::Two),
];

const fn forward([kernel, stride]: [u32; 2], channels: [u32; 2], height: u32, fastest: DenseKernel) -> Measured {
    let (transposed, winograd, joint, algorithm) = (false, None, false, Algorithm::Direct);
    Measured { transposed, kernel, stride, channels, height, winograd, joint, algorithm, fastest }
}

const fn backward(kernel: [u32; 2], channels: [u32; 2], height: u32, fastest: DenseKernel) -> Measured {
    Measured { transposed: true, ..forward(kernel, channels, height, fastest) }
}

const fn tiled([rows, pixels, depth]: [u32; 3], [lane_rows, lane_pixels]: [u32; 2], splits: u32) -> DenseKernel {
    DenseKernel::Tiled(Tiling { rows, pixels, lane_rows, lane_pixels, depth, splits })
}

impl Measured {
    /// Where Winograd's algorithm was allowed.
    const fn where_allowed(self, largest: WinogradTile) -> Measured {
        Measured { winograd: Some(largest), ..self }
    }

    /// Where Winograd's algorithm was the fastest.
    const fn by(self, tile: WinogradTile) -> Measured {
        Measured { algorithm: Algorithm::Winograd(tile), ..self }
    }

    /// With another product.
    const fn joint(self) -> Measured {
        Measured { joint: true, ..self }
    }

    /// How far a pass is from this one; `None` where it is of another kind.
    fn distance(&self, shape: &PassShape) -> Option<f64> {
        let is_alike = shape.transposed == self.transposed
            && shape.kernel == [self.kernel; 2]
            && shape.stride == self.stride
            && shape.winograd == self.winograd
            && shape.joint == self.joint;
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
            winograd: measured.winograd,
            joint: measured.joint,
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
