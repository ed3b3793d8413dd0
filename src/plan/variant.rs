//! Variants of a dense convolution pass: which there are for a shape, the default, and what was found to be faster.
//!
//! A variant is chosen by one sample's shape and never by the batch, so that a sample has the same bits in every batch.

use super::kernel::Shader;
use super::{DenseKernels, Profile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// What the choice of a variant depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassShape {
    /// Whether the pass is the convolution's transpose.
    pub transposed: bool,
    /// Rows and columns of the kernel.
    pub kernel: [u32; 2],
    /// Stride of the convolution.
    pub stride: u32,
    /// Channels that it reads.
    pub source_channels: u32,
    /// Channels that it writes.
    pub channels: u32,
    /// Rows of what it writes, of one sample.
    pub height: u32,
    /// Columns of what it writes.
    pub width: u32,
    /// Whether max-pooling and ReLU decide on the result, and an explanation on what they decide: then it is summed in two levels.
    pub decides: bool,
    /// The largest tile by which Winograd's algorithm is accurate enough and allowed; `None` where it is not at all.
    pub winograd: Option<WinogradTile>,
    /// Whether the product with absolute weights is computed along with it.
    pub joint: bool,
    /// Whether it is a product of matrices: one tap, no padding, a source that is taken whole or by its absolute values.
    pub product: bool,
}

/// How the sums of a pass are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// As a sum over taps and channels.
    Direct,
    /// By Winograd's algorithm with tiles of this size.
    Winograd(WinogradTile),
}

/// Output tile of Winograd's algorithm for kernels of 3x3 taps (Lavin and Gray, CVPR 2016): a larger one saves more multiplications, and
/// its transforms have larger factors, which rounding errors grow with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WinogradTile {
    /// 2x2 pixels of patches of 4x4, F(2x2, 3x3): 2.25 times fewer multiplications.
    Two,
    /// 4x4 pixels of patches of 6x6, F(4x4, 3x3): 4 times fewer multiplications.
    Four,
}

impl WinogradTile {
    /// Rows, and columns, of the result that one patch gives.
    pub const fn side(self) -> u32 {
        match self {
            WinogradTile::Two => 2,
            WinogradTile::Four => 4,
        }
    }

    /// Entries of a transformed patch: so many independent products make a convolution.
    pub const fn slices(self) -> u32 {
        let patch = self.side() + 2;
        patch * patch
    }
}

/// The kernel that multiplies weights and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DenseKernel {
    /// Weights by loads at addresses that are equal for all lanes, of which each owns four pixels.
    Uniform,
    /// The same with one pixel per lane, for small maps.
    UniformSmall,
    /// Weights by subgroup broadcast.
    Broadcast,
    /// Likewise, for products of matrices only: two of Winograd's algorithms, and convolutions of one tap.
    Product,
}

impl DenseKernel {
    /// Its file.
    pub fn shader(self) -> Shader {
        match self {
            DenseKernel::Uniform | DenseKernel::UniformSmall => Shader::ConvolutionUniform,
            DenseKernel::Broadcast => Shader::ConvolutionBroadcast,
            DenseKernel::Product => Shader::ProductBroadcast,
        }
    }

    /// Pixels that a workgroup computes.
    pub const fn pixels(self) -> u32 {
        match self {
            DenseKernel::Uniform => 256,
            DenseKernel::UniformSmall => 64,
            DenseKernel::Broadcast => 32,
            DenseKernel::Product => 56,
        }
    }
}

/// How a dense convolution pass is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The kernel.
    pub kernel: DenseKernel,
    /// Tiles of 8 output channels that a workgroup computes.
    pub row_tiles: u32,
}

/// Variants that were measured to be the fastest; shapes that are not in it take the default.
pub type Tuning = BTreeMap<PassShape, Variant>;

/// A dense convolution pass of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DensePass {
    /// What it computes.
    pub shape: PassShape,
    /// How.
    pub variant: Variant,
    /// Its steps in the plan.
    pub steps: Range<usize>,
    /// Whether it does nothing unless a gradient is masked.
    pub gated: bool,
}

impl PassShape {
    /// All variants that compute it on a device, in no particular order: new ones are listed here.
    pub fn candidates(&self, profile: &Profile) -> Vec<Variant> {
        let mut candidates = Vec::new();
        for algorithm in self.algorithms() {
            for kernel in self.kernels(algorithm, profile) {
                let row_tiles = 1..=self.most_row_tiles(kernel);
                candidates.extend(row_tiles.map(|row_tiles| Variant { algorithm, kernel, row_tiles }));
            }
        }
        candidates
    }

    /// The variant that is taken without measurements.
    pub fn default_variant(&self, profile: &Profile) -> Variant {
        let algorithm = self.default_algorithm(profile);
        let kernel = self.default_kernel(algorithm, profile);
        Variant { algorithm, kernel, row_tiles: self.most_row_tiles(kernel) }
    }

    /// The kernels that fit a device.
    fn kernels(&self, algorithm: Algorithm, profile: &Profile) -> Vec<DenseKernel> {
        let is_product = self.is_product(algorithm);
        let fits = |kernel: &DenseKernel| match kernel {
            DenseKernel::Uniform | DenseKernel::UniformSmall => !self.joint,
            DenseKernel::Broadcast => profile.facts.can_broadcast(),
            DenseKernel::Product => profile.facts.can_broadcast() && is_product,
        };
        let all = [DenseKernel::Uniform, DenseKernel::UniformSmall, DenseKernel::Broadcast, DenseKernel::Product];
        all.into_iter().filter(fits).collect()
    }

    fn default_kernel(&self, algorithm: Algorithm, profile: &Profile) -> DenseKernel {
        let is_small = algorithm == Algorithm::Direct && self.grid_pixels() <= DenseKernel::UniformSmall.pixels();
        match profile.strategy.dense {
            DenseKernels::Broadcast if self.is_product(algorithm) => DenseKernel::Product,
            DenseKernels::Broadcast => DenseKernel::Broadcast,
            DenseKernels::Uniform if is_small => DenseKernel::UniformSmall,
            DenseKernels::Uniform => DenseKernel::Uniform,
        }
    }

    fn is_product(&self, algorithm: Algorithm) -> bool {
        self.product || algorithm != Algorithm::Direct
    }

    /// Pixels of one sample that go through the weights together: with stride s, a transposed pass has s * s grids of them.
    fn grid_pixels(&self) -> u32 {
        let step = if self.transposed { self.stride } else { 1 };
        self.height.div_ceil(step) * self.width.div_ceil(step)
    }

    /// The tuned variant where there is one that fits, otherwise the default.
    pub(super) fn variant(&self, profile: &Profile) -> Variant {
        let tuned = profile.choices.tuning.get(self).filter(|variant| self.candidates(profile).contains(variant));
        tuned.copied().unwrap_or_else(|| self.default_variant(profile))
    }

    /// Sums in two levels take the uniform kernel twice the registers for each tile. The others always take two tiles: each pipeline takes
    /// software drivers half a second or more to compile.
    fn most_row_tiles(&self, kernel: DenseKernel) -> u32 {
        match kernel {
            DenseKernel::Broadcast | DenseKernel::Product => 2,
            DenseKernel::Uniform if self.decides => 1,
            DenseKernel::Uniform | DenseKernel::UniformSmall => self.channels.div_ceil(8).min(2),
        }
    }

    /// The algorithms that are accurate enough, the most accurate one last.
    fn algorithms(&self) -> impl DoubleEndedIterator<Item = Algorithm> {
        let tiles = [WinogradTile::Four, WinogradTile::Two].into_iter().filter(|&tile| Some(tile) <= self.winograd);
        tiles.map(Algorithm::Winograd).chain([Algorithm::Direct])
    }

    /// The algorithm that is expected to be the fastest.
    fn default_algorithm(&self, profile: &Profile) -> Algorithm {
        if self.source_channels.min(self.channels) < 64 {
            return Algorithm::Direct;
        }
        self.algorithms().min_by_key(|&algorithm| self.cost(algorithm, profile)).unwrap_or(Algorithm::Direct)
    }

    /// Products per pair of channels, those in the rest of the kernel's last pixels included, with an allowance for transforms.
    fn cost(&self, algorithm: Algorithm, profile: &Profile) -> u64 {
        let together = self.default_kernel(algorithm, profile).pixels();
        let rounded = |pixels: u32| u64::from(pixels.next_multiple_of(together));
        let patches = |side: u32| rounded(self.height.div_ceil(side) * self.width.div_ceil(side));
        match algorithm {
            Algorithm::Direct => 9 * rounded(self.height * self.width),
            Algorithm::Winograd(WinogradTile::Two) => 16 * patches(2) * 5 / 4,
            Algorithm::Winograd(WinogradTile::Four) => 36 * patches(4) * 3 / 2,
        }
    }
}

impl fmt::Display for PassShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PassShape { source_channels, channels, kernel: [rows, columns], stride, height, width, .. } = self;
        let (inputs, arrow, outputs) = match self.transposed {
            true => (channels, "<-", source_channels),
            false => (source_channels, "->", channels),
        };
        write!(f, "{inputs}{arrow}{outputs} {rows}x{columns}/{stride} {height}x{width}")?;
        f.write_str(if self.decides { ", two levels" } else { "" })?;
        f.write_str(if self.joint { ", joint" } else { "" })?;
        f.write_str(if self.product { ", product" } else { "" })?;
        match self.winograd {
            Some(tile) => write!(f, ", {tile} allowed"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for WinogradTile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = self.side();
        write!(f, "Winograd F({side}x{side})")
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = match self.algorithm {
            Algorithm::Direct => "direct".into(),
            Algorithm::Winograd(tile) => tile.to_string(),
        };
        let kernel = match self.kernel {
            DenseKernel::Uniform => "uniform",
            DenseKernel::UniformSmall => "uniform small",
            DenseKernel::Broadcast => "broadcast",
            DenseKernel::Product => "product",
        };
        write!(f, "{algorithm} {kernel} x{}", self.row_tiles)
    }
}
