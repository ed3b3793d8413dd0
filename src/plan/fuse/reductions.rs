//! Reductions that are made along with the values that they are of, or that are read for other reasons.

use super::{Fusion, Group};
use crate::graph::{Explain, NodeId, Op, Reduction};

/// The nodes of [`Group::Saliency`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saliency {
    /// phi and M.
    pub maps: NodeId,
    /// The largest M.
    pub peak: Option<NodeId>,
    /// The largest value of x.
    pub largest: Option<NodeId>,
    /// The largest value of the masked gradient.
    pub largest_masked: Option<NodeId>,
    /// How many elements of C are not zero.
    pub count: Option<NodeId>,
}

impl Saliency {
    /// The maps alone.
    pub fn of(maps: NodeId) -> Self {
        Self { maps, peak: None, largest: None, largest_masked: None, count: None }
    }

    /// The reductions, in the order in which the kernel has them.
    pub fn reductions(&self) -> [Option<NodeId>; 4] {
        [self.peak, self.largest, self.largest_masked, self.count]
    }
}

/// Whether an operation takes partial results for a reduction's result.
pub fn folds(op: Op) -> bool {
    matches!(
        op,
        Op::Explain(
            Explain::FactorBasis
                | Explain::FactorMaps
                | Explain::Residual(_)
                | Explain::Shift
                | Explain::BoxRatio
                | Explain::BoxRelevance
        )
    )
}

impl Fusion<'_> {
    /// Whether all that read a reduction's result take partial results for it.
    fn is_folded_by_readers(&self, id: NodeId) -> bool {
        !self.is_kept[id.index()] && self.readers[id.index()].iter().all(|&reader| folds(self.op(reader)))
    }

    /// A reduction of a value whose partial results suffice.
    fn reduction_of(&self, value: NodeId, op: Op) -> Option<NodeId> {
        let mut readers = self.readers[value.index()].iter().copied();
        readers.find(|&id| self.op(id) == op && !self.is_absorbed[id.index()] && self.is_folded_by_readers(id))
    }

    /// Maps of a layer with what is found along the way.
    pub(super) fn saliency(&self, maps: NodeId) -> Option<Group> {
        let &[c, x, _] = self.inputs(maps) else { return None };
        let is_basis = |id: &NodeId| self.op(*id) == Explain::FactorBasis.into();
        let mut bases = self.readers[maps.index()].iter().copied().filter(is_basis).map(|id| self.inputs(id)[0]);
        let masked = bases.find(|&value| value != x && value < maps && self.graph.shape(value) == self.graph.shape(x));
        let saliency = Saliency {
            maps,
            peak: self.reduction_of(maps, Explain::SaliencyMaximum.into()),
            largest: self.reduction_of(x, Reduction::Maximum.into()),
            largest_masked: masked.and_then(|masked| self.reduction_of(masked, Reduction::Maximum.into())),
            count: self.reduction_of(c, Reduction::CountNonZero.into()),
        };
        Some(Group::Saliency(saliency))
    }

    /// A residual with its sum.
    pub(super) fn residual(&self, residual: NodeId) -> Option<Group> {
        let sum = self.reduction_of(residual, Reduction::Sum.into())?;
        Some(Group::Residual { residual, sum })
    }
}
