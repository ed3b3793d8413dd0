//! What a plan is made for: facts of the device, the strategy that suits its kind, and what the user has chosen.

use super::variant::{Tuning, WinogradTile};
use crate::models::Precision;

/// Everything that a plan depends on besides its graph and its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What the device can do.
    pub facts: Facts,
    /// What is fast on a device of its kind.
    pub strategy: Strategy,
    /// What the user wants.
    pub choices: Choices,
}

/// What a device can do: a plan that goes beyond it does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Largest storage binding, bytes.
    pub max_binding_bytes: u64,
    /// Largest buffer, bytes.
    pub max_buffer_bytes: u64,
    /// Workgroups per dimension of a dispatch.
    pub max_workgroups: u32,
    /// Lanes that every subgroup has at least; `None` without subgroup operations.
    pub min_subgroup: Option<u32>,
    /// Integers of 64 bits.
    pub int64: bool,
}

/// What is fast on a kind of device. Every strategy computes the same; the order of sums may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strategy {
    /// Lanes of the workgroups of elementwise kernels.
    pub lanes: u32,
    /// Pixels of one channel quad, or vec4 elements, that such a workgroup goes through.
    pub run: u32,
    /// Pixels that such a workgroup goes through where each takes all channels. Old versions of llvmpipe (22.3) end a
    /// lane's loops after 65,535 turns in all.
    pub pixel_run: u32,
    /// Lanes that may share a pixel's channels: 1, or 64, which then are of one workgroup.
    pub channel_lanes: u32,
    /// Lanes of the workgroups of reductions.
    pub reduction_lanes: u32,
    /// vec4 elements that such a workgroup goes through at least.
    pub reduction_run: u32,
    /// Partial results of a reduction at most, all of which every lane of a reader folds.
    pub partial_results: u32,
    /// Values at most whose sums, which the host alone reads, are one step: at most 7, and 1 where a driver takes all
    /// branches of a choice.
    pub summed_values: usize,
    /// What a lane of a depthwise or grouped convolution computes where enough lanes are left; else one pixel.
    pub lane_block: Block,
    /// How many are enough.
    pub enough_lanes: u32,
    /// How kernels that exist in two forms load and store values.
    pub loads: Loads,
    /// Sums of a dense convolution, of both levels where there are two, that a lane keeps in registers at most: 128, or
    /// 32 where lanes have few of them.
    pub lane_sums: u32,
    /// The kernels that dense convolutions take where no other choice was measured to be faster.
    pub dense: DenseKernels,
    /// From how many operations on `W x` and `|W| |x|` of a convolution are one product; `None`: never. That saves a
    /// quarter of both, 0.3 ms of a layer of the default size, and takes a kernel that takes seconds to compile:
    /// for networks whose layers are mostly larger.
    pub joint_flops: Option<u64>,
    /// Bytes that the transformed source, or result, of one run of Winograd's algorithm may take.
    pub winograd_run_bytes: u64,
    /// Steps of more operations than this are cut.
    pub max_step_flops: u64,
}

/// Pixels of a map that a lane computes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// 1 or 2.
    pub rows: u32,
    /// 1 or 4.
    pub columns: u32,
}

impl Block {
    /// A lane has one pixel.
    pub const PIXEL: Block = Block { rows: 1, columns: 1 };

    /// How many of them a map of this size has.
    pub(super) fn count(self, [height, width]: [u32; 2]) -> u32 {
        height.div_ceil(self.rows) * width.div_ceil(self.columns)
    }
}

/// How values are loaded and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loads {
    /// As four floats.
    Floats,
    /// As two integers of 64 bits.
    Integers64,
}

/// A family of kernels for dense convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenseKernels {
    /// Weights at addresses that are equal for all lanes.
    Uniform,
    /// Weights by subgroup broadcast.
    Broadcast,
    /// Tiles in workgroup memory.
    Tiled,
}

/// What the user wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// The largest tile by which Winograd's algorithm may compute convolutions of 3x3 taps; `None` where it may not at
    /// all.
    pub winograd: Option<WinogradTile>,
    /// How weights are kept.
    pub precision: Precision,
    /// Variants of dense convolutions to take instead of the default ones.
    pub tuning: Tuning,
}

impl Facts {
    /// WebGPU's default limits.
    pub const WEBGPU: Facts = Facts {
        max_binding_bytes: 128 << 20,
        max_buffer_bytes: 256 << 20,
        max_workgroups: 65_535,
        min_subgroup: None,
        int64: false,
    };

    /// Whether the kernels run that bring weights by subgroup broadcast.
    pub fn can_broadcast(&self) -> bool {
        self.int64 && self.min_subgroup.is_some_and(|lanes| lanes >= 8)
    }
}

impl Strategy {
    /// For graphics cards: a lane has one element.
    pub const GRAPHICS_CARD: Strategy = Strategy {
        lanes: 64,
        run: 64,
        pixel_run: 64,
        channel_lanes: 64,
        reduction_lanes: 256,
        reduction_run: 1024,
        partial_results: 64,
        summed_values: 7,
        lane_block: Block { rows: 1, columns: 4 },
        enough_lanes: 1 << 15,
        loads: Loads::Floats,
        lane_sums: 128,
        dense: DenseKernels::Tiled,
        joint_flops: None,
        winograd_run_bytes: 32 << 20,
        max_step_flops: 50_000_000_000,
    };

    /// For graphics cards whose compilers spill registers of a lane with more sums: those of Apple, Qualcomm, ARM and
    /// Imagination, of which the first two were seen to.
    pub const SMALL_GRAPHICS_CARD: Strategy = Strategy { lane_sums: 32, ..Strategy::GRAPHICS_CARD };

    /// For drivers that run on the processor, and can broadcast. They take about as long to begin a workgroup as for
    /// dozens of its elements, and the lanes of one vector stay together: there 8 lanes go through a run of
    /// elements.
    pub const SOFTWARE: Strategy = Strategy {
        lanes: 8,
        run: 1024,
        pixel_run: 64,
        channel_lanes: 1,
        reduction_lanes: 8,
        reduction_run: 2048,
        partial_results: 1024,
        summed_values: 1,
        lane_block: Block { rows: 2, columns: 4 },
        enough_lanes: 0,
        loads: Loads::Integers64,
        lane_sums: 128,
        dense: DenseKernels::Broadcast,
        joint_flops: Some(1 << 26),
        winograd_run_bytes: 16 << 20,
        max_step_flops: 4_000_000_000,
    };

    /// For such drivers with vectors of more than 8 lanes. They make a loop over all lanes of each broadcast, which
    /// takes five times as long as equal loads by all lanes.
    pub const WIDE_SOFTWARE: Strategy =
        Strategy { lanes: 16, dense: DenseKernels::Uniform, joint_flops: None, ..Strategy::SOFTWARE };

    /// A lane's block of maps of a size, so many in all: this one, or a pixel.
    pub(super) fn block_of(&self, block: Block, size: [u32; 2], planes: [u32; 2]) -> Block {
        let lanes = [block.count(size), planes[0], planes[1]].map(u64::from);
        if lanes.iter().product::<u64>() >= u64::from(self.enough_lanes) { block } else { Block::PIXEL }
    }

    /// How `count` vec4 elements of a sample are reduced: elements of a run, and number of runs. They depend on the
    /// sample's shape alone, so that it gives the same bits in every batch.
    pub(super) fn cut(&self, count: u32) -> (u32, u32) {
        let run = self.reduction_run.max(count.div_ceil(self.partial_results));
        (run, count.div_ceil(run))
    }
}

impl Choices {
    /// What is taken where nobody chooses.
    pub const DEFAULT: Choices =
        Choices { winograd: Some(WinogradTile::Two), precision: Precision::F32, tuning: Tuning::new() };
}

impl Profile {
    /// Any GPU with WebGPU's default limits.
    pub const WEBGPU: Profile =
        Profile { facts: Facts::WEBGPU, strategy: Strategy::GRAPHICS_CARD, choices: Choices::DEFAULT };

    /// A software driver with subgroups of 8 lanes and WebGPU's default limits.
    pub const SOFTWARE: Profile = Profile {
        facts: Facts { min_subgroup: Some(8), int64: true, ..Facts::WEBGPU },
        strategy: Strategy::SOFTWARE,
        choices: Choices::DEFAULT,
    };

    /// With weights kept so.
    pub fn with_precision(&self, precision: Precision) -> Profile {
        Profile { choices: Choices { precision, ..self.choices.clone() }, ..self.clone() }
    }

    /// With tiles of at most this size for Winograd's algorithm.
    pub fn with_winograd(&self, winograd: Option<WinogradTile>) -> Profile {
        Profile { choices: Choices { winograd, ..self.choices.clone() }, ..self.clone() }
    }

    /// With these variants instead of the default ones.
    pub fn with_tuning(&self, tuning: Tuning) -> Profile {
        Profile { choices: Choices { tuning, ..self.choices.clone() }, ..self.clone() }
    }

    /// With other facts.
    pub fn with_facts(&self, facts: Facts) -> Profile {
        Profile { facts, ..self.clone() }
    }

    /// With another strategy.
    pub fn with_strategy(&self, strategy: Strategy) -> Profile {
        Profile { strategy, ..self.clone() }
    }
}
