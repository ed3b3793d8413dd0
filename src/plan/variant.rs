//! Variants of a dense convolution pass: which there are for a shape, the default, and what was found to be faster.
//!
//! A variant is chosen by one sample's shape and never by the batch, so that a sample has the same bits in every batch.

use super::kernel::Shader;
use super::tiling::{self, Product, Tiling};
use super::{DenseKernels, Profile, measured};
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
    /// Whether max-pooling and ReLU decide on the result, and an explanation on what they decide: then it is summed in
    /// two levels.
    pub decides: bool,
    /// The largest tile by which Winograd's algorithm is accurate enough and allowed; `None` where it is not at all.
    pub winograd: Option<WinogradTile>,
    /// Whether another product is computed along with it: of a forward pass that with absolute weights, of a transpose
    /// that of another source with another part of the same weights.
    pub joint: bool,
    /// Whether it is a product of matrices: one tap, no padding, a source that is taken whole or by its absolute
    /// values.
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

/// Output tile of Winograd's algorithm for kernels of 3x3 taps (Lavin and Gray, CVPR 2016): a larger one saves more
/// multiplications, and its transforms have larger factors, which rounding errors grow with.
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
    /// By tiles in workgroup memory, for graphics cards.
    Tiled(Tiling),
}

impl DenseKernel {
    /// Its file.
    pub fn shader(self) -> Shader {
        match self {
            DenseKernel::Uniform | DenseKernel::UniformSmall => Shader::ConvolutionUniform,
            DenseKernel::Broadcast => Shader::ConvolutionBroadcast,
            DenseKernel::Product => Shader::ProductBroadcast,
            DenseKernel::Tiled(_) => Shader::ConvolutionTiled,
        }
    }

    /// How many workgroups share each sum.
    pub const fn splits(self) -> u32 {
        match self {
            DenseKernel::Uniform | DenseKernel::UniformSmall | DenseKernel::Broadcast | DenseKernel::Product => 1,
            DenseKernel::Tiled(tiling) => tiling.splits,
        }
    }

    /// Pixels that a workgroup computes.
    pub const fn pixels(self) -> u32 {
        match self {
            DenseKernel::Uniform => 256,
            DenseKernel::UniformSmall => 64,
            DenseKernel::Broadcast => 32,
            DenseKernel::Product => 56,
            DenseKernel::Tiled(tiling) => tiling.pixels,
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

/// Kinds of tiles that are tried of a direct sum; for Winograd's algorithms half as many.
const TILINGS_TRIED: usize = 6;

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
    /// The variants that are worth a try on a device, in no particular order: new ones are listed here.
    pub fn candidates(&self, profile: &Profile) -> Vec<Variant> {
        let mut candidates = Vec::new();
        for algorithm in self.algorithms() {
            for kernel in self.kernels(algorithm, profile) {
                let row_tiles = self.least_row_tiles(kernel)..=self.most_row_tiles(kernel, profile);
                candidates.extend(row_tiles.map(|row_tiles| Variant { algorithm, kernel, row_tiles }));
            }
        }
        let measured = self.measured(profile).filter(|variant| !candidates.contains(variant));
        candidates.extend(measured);
        candidates
    }

    /// What was measured to be the fastest for such a pass on a graphics card.
    fn measured(&self, profile: &Profile) -> Option<Variant> {
        let is_card = profile.strategy.dense == DenseKernels::Tiled;
        is_card.then(|| measured::fastest(self, |variant| self.computes(variant, profile))).flatten()
    }

    /// The variant that is taken where nobody has measured: neither a user nor, for passes nearly like this one, who
    /// made the program's list.
    pub fn default_variant(&self, profile: &Profile) -> Variant {
        if let Some(measured) = self.measured(profile) {
            return measured;
        }
        let algorithm = self.default_algorithm(profile);
        let kernel = self.default_kernel(algorithm, profile);
        Variant { algorithm, kernel, row_tiles: self.most_row_tiles(kernel, profile) }
    }

    /// The kernels that fit a device.
    fn kernels(&self, algorithm: Algorithm, profile: &Profile) -> Vec<DenseKernel> {
        let kinds = match algorithm {
            Algorithm::Direct => TILINGS_TRIED,
            Algorithm::Winograd(_) => TILINGS_TRIED / 2,
        };
        let all = [DenseKernel::Uniform, DenseKernel::UniformSmall, DenseKernel::Broadcast, DenseKernel::Product];
        let tiled = Tiling::candidates(&self.matrices(algorithm, profile), kinds).into_iter().map(DenseKernel::Tiled);
        all.into_iter().chain(tiled).filter(|&kernel| self.fits(algorithm, kernel, profile)).collect()
    }

    fn fits(&self, algorithm: Algorithm, kernel: DenseKernel, profile: &Profile) -> bool {
        match kernel {
            DenseKernel::Uniform => !self.joint && self.lane_sums(profile) >= 32,
            DenseKernel::UniformSmall => !self.joint,
            DenseKernel::Broadcast => profile.facts.can_broadcast() && !(self.joint && self.transposed),
            DenseKernel::Product => profile.facts.can_broadcast() && self.is_product(algorithm),
            // Where weights go by broadcast, workgroup memory is as slow as any other.
            DenseKernel::Tiled(tiling) => {
                let is_card = profile.strategy.dense != DenseKernels::Broadcast;
                is_card && (self.transposed || !self.joint) && tiling.fits(&self.matrices(algorithm, profile))
            }
        }
    }

    /// Whether a variant, one of the candidates or not, computes it on a device.
    pub fn computes(&self, variant: &Variant, profile: &Profile) -> bool {
        let Variant { algorithm, kernel, row_tiles } = *variant;
        let has_rows = (self.least_row_tiles(kernel)..=self.most_row_tiles(kernel, profile)).contains(&row_tiles);
        has_rows && self.algorithms().any(|known| known == algorithm) && self.fits(algorithm, kernel, profile)
    }

    fn default_kernel(&self, algorithm: Algorithm, profile: &Profile) -> DenseKernel {
        let is_small = algorithm == Algorithm::Direct && self.grid_pixels() <= DenseKernel::UniformSmall.pixels();
        match profile.strategy.dense {
            DenseKernels::Broadcast if self.is_product(algorithm) => DenseKernel::Product,
            DenseKernels::Broadcast => DenseKernel::Broadcast,
            DenseKernels::Uniform if is_small || self.lane_sums(profile) < 32 => DenseKernel::UniformSmall,
            DenseKernels::Uniform => DenseKernel::Uniform,
            DenseKernels::Tiled => DenseKernel::Tiled(Tiling::best(&self.matrices(algorithm, profile))),
        }
    }

    fn is_product(&self, algorithm: Algorithm) -> bool {
        self.product || algorithm != Algorithm::Direct
    }

    /// Pixels of one sample that go through the weights together: with stride s, a transposed pass has s * s grids of
    /// them.
    fn grid_pixels(&self) -> u32 {
        let step = if self.transposed { self.stride } else { 1 };
        self.height.div_ceil(step) * self.width.div_ceil(step)
    }

    /// The tuned variant where there is one that fits, otherwise the default.
    pub(super) fn variant(&self, profile: &Profile) -> Variant {
        let tuned = profile.choices.tuning.get(self).filter(|variant| self.computes(variant, profile));
        tuned.copied().unwrap_or_else(|| self.default_variant(profile))
    }

    /// Sums that a lane may keep in registers, each in one level or two.
    fn lane_sums(&self, profile: &Profile) -> u32 {
        profile.strategy.lane_sums / if self.decides { 2 } else { 1 }
    }

    /// Sums in two levels take the uniform kernel twice the registers for each tile. The others always take two tiles:
    /// each pipeline takes software drivers half a second or more to compile.
    fn most_row_tiles(&self, kernel: DenseKernel, profile: &Profile) -> u32 {
        match kernel {
            DenseKernel::Broadcast | DenseKernel::Product => 2,
            DenseKernel::Uniform if self.decides || self.lane_sums(profile) < 64 => 1,
            DenseKernel::Uniform | DenseKernel::UniformSmall => self.channels.div_ceil(8).min(2),
            DenseKernel::Tiled(tiling) => tiling.rows / 8,
        }
    }

    fn least_row_tiles(&self, kernel: DenseKernel) -> u32 {
        match kernel {
            DenseKernel::Tiled(tiling) => tiling.rows / 8,
            DenseKernel::Uniform | DenseKernel::UniformSmall | DenseKernel::Broadcast | DenseKernel::Product => 1,
        }
    }

    /// The products of matrices that it is made of. With stride s, each of the s * s grids of a transposed pass meets a
    /// share of the taps.
    fn matrices(&self, algorithm: Algorithm, profile: &Profile) -> Product {
        let (rows, source_quads) = (self.channels, self.source_channels.div_ceil(4));
        let lane_sums = self.lane_sums(profile);
        match algorithm {
            Algorithm::Direct => {
                let grids = if self.transposed { self.stride * self.stride } else { 1 };
                let taps = (self.kernel[0] * self.kernel[1]).div_ceil(grids);
                let slices = if self.joint { 2 * grids } else { grids };
                Product { rows, pixels: self.grid_pixels(), taps, source_quads, slices, lane_sums, can_split: true }
            }
            Algorithm::Winograd(tile) => {
                let pixels = self.height.div_ceil(tile.side()) * self.width.div_ceil(tile.side());
                let slices = tile.slices();
                Product { rows, pixels, taps: 1, source_quads, slices, lane_sums, can_split: false }
            }
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
        let cost = |algorithm: Algorithm| match profile.strategy.dense {
            DenseKernels::Tiled => self.time(algorithm, profile),
            DenseKernels::Uniform | DenseKernels::Broadcast => self.products(algorithm, profile) as f64,
        };
        let fastest = self.algorithms().min_by(|&a, &b| cost(a).total_cmp(&cost(b)));
        fastest.unwrap_or(Algorithm::Direct)
    }

    /// Products per pair of channels, those in the rest of the kernel's last pixels included, with an allowance for
    /// transforms.
    fn products(&self, algorithm: Algorithm, profile: &Profile) -> u64 {
        let together = self.default_kernel(algorithm, profile).pixels();
        let rounded = |pixels: u32| u64::from(pixels.next_multiple_of(together));
        let patches = |side: u32| rounded(self.height.div_ceil(side) * self.width.div_ceil(side));
        match algorithm {
            Algorithm::Direct => 9 * rounded(self.height * self.width),
            Algorithm::Winograd(WinogradTile::Two) => 16 * patches(2) * 5 / 4,
            Algorithm::Winograd(WinogradTile::Four) => 36 * patches(4) * 3 / 2,
        }
    }

    /// Expected time on a graphics card, transforms included.
    fn time(&self, algorithm: Algorithm, profile: &Profile) -> f64 {
        let product = self.matrices(algorithm, profile);
        let time = Tiling::best(&product).cost(&product);
        match algorithm {
            Algorithm::Direct => time,
            Algorithm::Winograd(_) => {
                let pixels = f64::from(self.height * self.width + product.pixels * product.slices);
                let bytes = |channels: u32| 4.0 * f64::from(channels) * pixels;
                time + tiling::cost_of_bytes(bytes(self.source_channels)) + tiling::cost_of_bytes(bytes(self.channels))
            }
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
            DenseKernel::Tiled(tiling) => return write!(f, "{algorithm} tiled {tiling}"),
        };
        write!(f, "{algorithm} {kernel} x{}", self.row_tiles)
    }
}
