//! How the kernel for graphics cards cuts a product of matrices into tiles, and how long each way is expected to take.

use super::kernel::{Kernel, Shader};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Tiles of a product of matrices: what a workgroup computes, and what each of its lanes does of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiling {
    /// Output channels of a workgroup.
    pub rows: u32,
    /// Pixels of a workgroup.
    pub pixels: u32,
    /// Output channels of a lane: 4 or 8.
    pub lane_rows: u32,
    /// Pixels of a lane: 4 or 8.
    pub lane_pixels: u32,
    /// Input channels that lie in workgroup memory at a time, and as many that are on their way to it.
    pub depth: u32,
    /// Workgroups that share one tile's sum: each takes a part of taps and input channels. More than one need a step
    /// that adds their sums.
    pub splits: u32,
}

/// A product of matrices, or several independent ones, as far as times depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    /// Output channels.
    pub rows: u32,
    /// Pixels of each product.
    pub pixels: u32,
    /// Taps of each product, each of which meets all source quads.
    pub taps: u32,
    /// Input channels / 4.
    pub source_quads: u32,
    /// Independent products.
    pub slices: u32,
    /// Sums that a lane may keep in registers.
    pub lane_sums: u32,
    /// Whether its sums may be split: where samples are apart, so that the sums of a few at a time can be kept.
    pub can_split: bool,
}

/// Most workgroups that share a sum.
const MOST_SPLITS: u32 = 16;
/// How many other splits of the best tiles are tried.
const OTHER_SPLITS: usize = 3;
// The constants below fit the times of some 300 variants and 80 choices on an NVIDIA H200 (benches/NOTES.md).

/// Lanes that a large card needs to be busy. With fewer, all take their own time.
const LANES_AT_ONCE: f64 = 65_536.0;
/// What a step costs besides its work, in instructions of a lane: about 2 microseconds.
const STEP: f64 = 2000.0;
/// Bytes that go to memory or come from it during an instruction of a lane.
const BYTES: f64 = 2200.0;
/// The same of sums of splits, which the next step reads and which the card's cache mostly keeps.
const PARTIAL_BYTES: f64 = 4400.0;
/// What a load of four values from workgroup memory costs, in instructions.
const LOAD: f64 = 8.0;
/// What every filling of workgroup memory costs, in instructions of a lane.
const FILL: f64 = 120.0;
/// What each result costs, in instructions of a lane.
const RESULT: f64 = 8.0;

impl Tiling {
    /// Every way that is tried, without splits.
    pub const ALL: [Tiling; 9] = [
        Tiling::new([128, 128], [8, 8], 8),
        Tiling::new([128, 64], [8, 8], 8),
        Tiling::new([64, 128], [8, 8], 8),
        Tiling::new([64, 64], [8, 8], 8),
        Tiling::new([64, 64], [8, 8], 16),
        Tiling::new([64, 64], [8, 4], 16),
        Tiling::new([64, 32], [8, 4], 16),
        Tiling::new([32, 64], [8, 4], 16),
        Tiling::new([32, 32], [4, 4], 16),
    ];

    const fn new([rows, pixels]: [u32; 2], [lane_rows, lane_pixels]: [u32; 2], depth: u32) -> Tiling {
        Tiling { rows, pixels, lane_rows, lane_pixels, depth, splits: 1 }
    }

    /// Lanes of a workgroup.
    pub const fn lanes(&self) -> u32 {
        self.rows * self.pixels / (self.lane_rows * self.lane_pixels)
    }

    /// Its kernel; with sums in two levels where max-pooling and ReLU decide on the result.
    pub fn kernel(&self, decides: bool) -> Kernel {
        Kernel::new(Shader::ConvolutionTiled)
            .with("ROWS", self.rows)
            .with("PIXELS", self.pixels)
            .with("ROW_QUADS", self.lane_rows / 4)
            .with("PIXEL_QUADS", self.lane_pixels / 4)
            .with("DEPTH", self.depth / 4)
            .with("LANES", self.lanes())
            .with("TWO_LEVELS", decides.into())
    }

    /// Whether it can compute a product: with more splits only as long as there are too few lanes otherwise, and enough
    /// for each to add up.
    pub(super) fn fits(&self, product: &Product) -> bool {
        let Tiling { splits, .. } = *self;
        let is_split_well = splits.is_power_of_two() && splits <= MOST_SPLITS && splits <= self.fillings(product);
        let has_few_lanes = self.all_lanes(product) <= LANES_AT_ONCE;
        Self::ALL.contains(&Tiling { splits: 1, ..*self })
            && self.lane_rows * self.lane_pixels <= product.lane_sums
            && (splits == 1 || product.can_split && is_split_well && has_few_lanes)
    }

    /// What is worth a try, the fastest by expectation first: so many kinds of tiles in their best splits, and the best
    /// tiles in other splits.
    pub(super) fn candidates(product: &Product, kinds: usize) -> Vec<Tiling> {
        let by_cost = |tilings: &mut Vec<Tiling>| tilings.sort_by(|a, b| a.cost(product).total_cmp(&b.cost(product)));
        let in_splits = |tiling: &Tiling| {
            let splits = (0..=MOST_SPLITS.ilog2()).map(|power| Tiling { splits: 1 << power, ..*tiling });
            let mut fitting: Vec<Tiling> = splits.filter(|tiling| tiling.fits(product)).collect();
            by_cost(&mut fitting);
            fitting
        };
        let mut candidates: Vec<Tiling> =
            Self::ALL.iter().filter_map(|tiling| in_splits(tiling).first().copied()).collect();
        by_cost(&mut candidates);
        candidates.truncate(kinds);
        let others = candidates.first().map(in_splits).unwrap_or_default();
        candidates.extend(others.into_iter().skip(1).take(OTHER_SPLITS));
        candidates
    }

    /// The one that is expected to be the fastest.
    pub(super) fn best(product: &Product) -> Tiling {
        Self::candidates(product, 1).first().copied().unwrap_or(Self::ALL[0])
    }

    /// Expected time, in instructions of a lane: where lanes are few, one's own time; otherwise all of theirs, as many
    /// at once as a card has.
    pub(super) fn cost(&self, product: &Product) -> f64 {
        let [rows, pixels] = [self.lane_rows, self.lane_pixels].map(f64::from);
        let multiply_adds = 4.0 * rows * pixels;
        let of_quad = multiply_adds + LOAD * (rows + pixels);
        let of_filling = f64::from(self.depth / 4) * of_quad + FILL;
        let of_lane = f64::from(self.fillings(product)) / f64::from(self.splits) * of_filling + RESULT * rows * pixels;
        let time = of_lane * (self.all_lanes(product) / LANES_AT_ONCE).max(1.0) + STEP;
        if self.splits == 1 { time } else { time + STEP + self.partial_bytes(product) / PARTIAL_BYTES }
    }

    /// Lanes of all workgroups.
    fn all_lanes(&self, product: &Product) -> f64 {
        let workgroups = product.rows.div_ceil(self.rows) * product.pixels.div_ceil(self.pixels) * product.slices;
        f64::from(workgroups) * f64::from(self.splits * self.lanes())
    }

    /// How often workgroup memory is filled for one tile.
    fn fillings(&self, product: &Product) -> u32 {
        product.taps * product.source_quads.div_ceil(self.depth / 4)
    }

    /// What splits write, and the step that adds them reads.
    fn partial_bytes(&self, product: &Product) -> f64 {
        2.0 * 4.0 * f64::from(self.splits * product.slices) * f64::from(product.rows) * f64::from(product.pixels)
    }
}

/// The time of a step that reads and writes so many bytes, in the unit of [`Tiling::cost`].
pub(super) fn cost_of_bytes(bytes: f64) -> f64 {
    STEP + bytes / BYTES
}

impl fmt::Display for Tiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tiling { rows, pixels, lane_rows, lane_pixels, depth, splits } = self;
        write!(f, "{rows}x{pixels}x{depth} by {lane_rows}x{lane_pixels}")?;
        if *splits > 1 { write!(f, " in {splits}") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lane brings 1, 2 or 4 quads of one row and of one pixel, and a workgroup fits WebGPU's limits.
    #[test]
    fn every_tiling_fits() {
        for tiling in Tiling::ALL {
            let Tiling { rows, pixels, depth, .. } = tiling;
            assert!(tiling.lanes() >= rows.max(pixels) && tiling.lanes() <= 256, "{tiling}");
            assert!(2 * depth * (rows + pixels) * 4 <= 16_384, "{tiling}");
            for side in [rows, pixels] {
                let loads = depth / 4 * side / tiling.lanes();
                assert!([1, 2, 4].contains(&loads) && loads * tiling.lanes() == depth / 4 * side, "{tiling}: {loads}");
            }
        }
    }

    /// 512 channels of 7x7 pixels have 8 tiles of 64x64: too few for a card.
    #[test]
    fn small_maps_are_cut_small_and_split() {
        let product = |rows, pixels, source_quads| Product {
            rows,
            pixels,
            taps: 9,
            source_quads,
            slices: 1,
            lane_sums: 64,
            can_split: true,
        };
        let small = Tiling::best(&product(512, 49, 128));
        assert!(small.all_lanes(&product(512, 49, 128)) > LANES_AT_ONCE / 4.0, "{small}");
        assert!(small.splits > 1, "{small}");
        let large = Tiling::best(&product(256, 56 * 56 * 8, 64));
        assert_eq!((large.splits, large.lane_rows, large.lane_pixels), (1, 8, 8), "{large}");
        let candidates = Tiling::candidates(&product(256, 56 * 56 * 8, 64), 9);
        assert_eq!(candidates.len(), 9, "each kind once");
        assert!(candidates.iter().all(|tiling| tiling.splits == 1));
    }
}
