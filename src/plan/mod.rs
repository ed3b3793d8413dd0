//! The plan: what a graph becomes on a device of given limits. Steps, memory and uniforms as one printable value
//! without GPU types.
//!
//! Between `methods` (which make the graph) and `gpu` (which records the plan). Order: live nodes, fused into groups
//! ([`fuse`]), lowered to steps (`lower`), their values placed in memory ([`memory`]).

mod call;
pub mod codes;
pub mod fuse;
pub mod kernel;
pub mod layout;
mod lower;
mod measured;
pub mod memory;
pub mod packing;
mod profile;
mod shorten;
mod text;
pub mod tiling;
pub mod uniforms;
pub mod variant;

pub use call::Call;
pub use profile::{Block, Choices, DenseKernels, Facts, Loads, Profile, Strategy};

use crate::graph::{Graph, NodeId, Role};
use kernel::Kernel;
use memory::Place;
use packing::Packing;
use std::collections::HashMap;
use uniforms::{Scalar, Uniforms};
use variant::DensePass;

/// How values share memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Values that are not needed at the same time share memory.
    Shared,
    /// Every value keeps its own place, with a guard zone behind it: for tests and verification.
    Separate,
}

/// Free bytes behind every value with [`Sharing::Separate`].
pub const GUARD_BYTES: u64 = 256;

/// Index of a [`Value`] in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub(crate) usize);

impl ValueId {
    /// Position in [`Plan::values`] and [`Plan::places`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// Something in GPU memory that steps write and read: the value of a node for the whole batch, or a partial result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Node name, or what it is a part of.
    pub name: String,
    /// The node; `None` for partial results.
    pub node: Option<NodeId>,
    /// Bytes for the whole batch.
    pub bytes: u64,
    /// The value that it is a part of, and at which byte of it: what one step goes through as one lies together.
    pub within: Option<(ValueId, u64)>,
}

/// One dispatch.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The node whose value it writes (or is a part of).
    pub node: NodeId,
    /// Names of the fused nodes.
    pub label: String,
    /// Pipeline.
    pub kernel: Kernel,
    /// Uniforms, binding 0.
    pub uniforms: Uniforms,
    /// Weights, the bindings from 1 on.
    pub weights: Vec<Packing>,
    /// Values, the bindings behind the weights; the last ones are written.
    pub values: Vec<ValueId>,
    /// How many of the values are written.
    pub written: usize,
    /// Workgroups in x, y, z.
    pub workgroups: [u32; 3],
    /// Floating-point operations.
    pub flops: u64,
    /// Bytes of all bindings; of weights that several steps divide, its share.
    pub bytes: u64,
}

/// What so many operations on so many bytes cost, in floating-point operations. A byte counts as eight: on slow
/// adapters elementwise steps take as long as products of many times their operations.
pub fn cost(flops: u64, bytes: u64) -> u64 {
    flops + 8 * bytes
}

impl Step {
    /// What it costs, in floating-point operations.
    pub fn cost(&self) -> u64 {
        cost(self.flops, self.bytes)
    }

    /// Whether it does nothing where a count, which a value has, is zero.
    pub fn is_gated(&self) -> bool {
        self.uniforms.fields().iter().any(|&(name, value)| name == "gate" && value != Scalar::Unsigned(0))
    }
}

/// How often the weights of a convolution are gone through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerPasses {
    /// Layer name.
    pub layer: String,
    /// Its role.
    pub role: Role,
    /// Passes of every run.
    pub always: u32,
    /// Passes that only run where a gradient is masked.
    pub gated: u32,
}

/// A graph laid out for a device and a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Samples.
    pub batch: u32,
    /// Dispatches, in order.
    pub steps: Vec<Step>,
    /// Everything in memory but weights.
    pub values: Vec<Value>,
    /// Where each value is.
    pub places: Vec<Place>,
    /// Size of each buffer of values.
    pub buffers: Vec<u64>,
    /// Value of every node that is stored.
    pub value_of: HashMap<NodeId, ValueId>,
    /// Passes over the weights of each convolution.
    pub passes: Vec<LayerPasses>,
    /// Dense convolution passes, in order.
    pub dense: Vec<DensePass>,
    /// Bytes of packed weights.
    pub weight_bytes: u64,
    /// No placement of the values can be smaller than this.
    pub lower_bound: u64,
}

/// Why a graph cannot be laid out for a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// One value does not fit a binding even for a single sample.
    #[error(
        "'{value}' needs {bytes} bytes for one picture, this adapter binds at most {limit}; \
         use a smaller picture or another adapter"
    )]
    TooLarge {
        /// Name of the value.
        value: String,
        /// Its bytes for one sample.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
}

impl Plan {
    /// Lays out what `outputs` need, for `batch` samples. The values of `outputs` stay in place until the end.
    ///
    /// # Errors
    /// [`PlanError::TooLarge`] where a value of the whole batch does not fit a binding; see [`Plan::largest_batch`].
    pub fn new(
        graph: &Graph,
        outputs: &[NodeId],
        batch: u32,
        profile: &Profile,
        sharing: Sharing,
    ) -> Result<Self, PlanError> {
        let live = graph.live(outputs);
        let mut draft = lower::Draft::new(graph, &live, outputs, profile, batch);
        for id in graph.ids().filter(|id| live[id.index()] && graph.node(*id).op.is_given()) {
            draft.value(id);
        }
        let limits = fuse::Limits {
            joint_flops: profile.strategy.joint_flops,
            shares_parts: profile.strategy.dense == DenseKernels::Tiled,
            pair_bytes: profile.facts.max_binding_bytes / u64::from(batch),
            summed_values: profile.strategy.summed_values.min(lower::MOST_SUMMED),
        };
        let mut groups = fuse::groups(graph, &live, outputs, &limits);
        if draft.partial_sum_bytes(&groups) > profile.facts.max_binding_bytes {
            groups = fuse::groups(graph, &live, outputs, &fuse::Limits { summed_values: 0, ..limits });
        }
        groups.iter().for_each(|group| draft.place_together(group));
        draft.place_sums(&groups);
        groups.iter().for_each(|group| lower::Lowering::group(&mut draft, group));
        lower::Lowering::totals(&mut draft);
        let lower::Draft { steps, values, value_of, passes, dense, .. } = draft;
        let too_large = values.iter().find(|value| value.bytes > profile.facts.max_binding_bytes);
        if let Some(value) = too_large {
            let bytes = value.bytes / u64::from(batch);
            return Err(PlanError::TooLarge {
                value: value.name.clone(),
                bytes,
                limit: profile.facts.max_binding_bytes,
            });
        }
        let lifetimes = memory::lifetimes(&steps, &values, &value_of, outputs);
        let (separate, gap) = match sharing {
            Sharing::Shared => (None, 0),
            Sharing::Separate => (Some(memory::keep_all(&lifetimes, steps.len())), GUARD_BYTES),
        };
        let (mut places, buffers) =
            memory::place(separate.as_ref().unwrap_or(&lifetimes), profile.facts.max_buffer_bytes, gap);
        memory::place_parts(&values, &mut places);
        let lower_bound = memory::lower_bound(&lifetimes);
        let weight_bytes = weight_bytes(graph, &steps);
        Ok(Self { batch, steps, values, places, buffers, value_of, passes, dense, weight_bytes, lower_bound })
    }

    /// The most samples whose values each fit a binding, at least 1.
    pub fn largest_batch(graph: &Graph, outputs: &[NodeId], profile: &Profile) -> u32 {
        let live = graph.live(outputs);
        let largest = graph.ids().filter(|id| live[id.index()]).map(|id| graph.shape(id).bytes());
        let largest = largest.max().unwrap_or(1).max(1);
        (profile.facts.max_binding_bytes / largest).clamp(1, u64::from(u16::MAX)) as u32
    }

    /// Floating-point operations of all steps.
    pub fn flops(&self) -> u64 {
        self.steps.iter().map(|step| step.flops).sum()
    }

    /// Bytes of all buffers of values.
    pub fn value_bytes(&self) -> u64 {
        self.buffers.iter().sum()
    }

    /// Different packed weights, in order of first use.
    pub fn packings(&self) -> Vec<Packing> {
        let mut seen = std::collections::HashSet::new();
        self.steps
            .iter()
            .flat_map(|step| step.weights.iter().copied())
            .filter(|packing| seen.insert(*packing))
            .collect()
    }

    /// Different kernels, in order of first use.
    pub fn kernels(&self) -> Vec<&Kernel> {
        let mut seen = std::collections::HashSet::new();
        self.steps.iter().map(|step| &step.kernel).filter(|kernel| seen.insert(*kernel)).collect()
    }
}

fn weight_bytes(graph: &Graph, steps: &[Step]) -> u64 {
    let packings: std::collections::HashSet<Packing> =
        steps.iter().flat_map(|step| step.weights.iter().copied()).collect();
    packings.iter().map(|packing| packing.bytes(graph)).sum()
}
