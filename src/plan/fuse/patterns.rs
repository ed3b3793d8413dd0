//! Small steps that rules put one behind the other, each found by the node that comes first in the graph.
//!
//! A group runs where its last node stood. So whatever reads one of its values must come later than all of its nodes.

use super::{ActivationBack, Fusion, Group};
use crate::graph::{Backward, Binary, Explain, Forward, NodeId, Op};

impl Fusion<'_> {
    /// The group that begins with a node, if there is one.
    pub(super) fn pattern(&self, id: NodeId) -> Option<Group> {
        let group = match self.op(id) {
            Op::Forward(Forward::Add) => self.activation(Some(id), self.only_reader(id)?),
            Op::Backward(Backward::ClampGradient(_)) => self.activation(None, id),
            Op::Explain(Explain::Binary(Binary::SafeDivide)) => self.fan_out(id),
            Op::Explain(Explain::Binary(Binary::Ratio)) => self.pooling(id).or_else(|| self.summands(id)),
            Op::Explain(Explain::FactorBasis) => self.bases(id),
            Op::Forward(_) | Op::Backward(_) | Op::Explain(_) => None,
        };
        group.filter(|group| self.is_ordered(group))
    }

    fn activation(&self, sum: Option<NodeId>, gradient: NodeId) -> Option<Group> {
        let Op::Backward(Backward::ClampGradient(activation)) = self.op(gradient) else { return None };
        let &[g, y] = self.inputs(gradient) else { return None };
        if sum.is_some_and(|sum| sum != g || !self.is_of_one_shape(sum)) {
            return None;
        }
        let is_relevance = |&&id: &&NodeId| {
            self.op(id) == Explain::ClampRelevance(activation).into() && self.inputs(id)[1] == y && id > gradient
        };
        let &relevance = self.readers[y.index()].iter().find(is_relevance)?;
        let scaled = self
            .only_reader(gradient)
            .filter(|&id| matches!(self.op(id), Op::Backward(Backward::BatchNormGradient(_))));
        let back = |scaled| Group::Activation { back: ActivationBack { sum, gradient, scaled, relevance } };
        [scaled, None].into_iter().map(back).find(|group| self.is_ordered(group))
    }

    fn fan_out(&self, quotient: NodeId) -> Option<Group> {
        let x = self.inputs(quotient)[1];
        let sum = self.only_reader(quotient)?;
        let &[first, second] = self.inputs(sum) else { return None };
        let product = self.only_reader(sum)?;
        let is_quotient = |id: NodeId| {
            let is_of_x = self.op(id) == Binary::SafeDivide.into() && self.inputs(id)[1] == x;
            is_of_x && self.only_reader(id) == Some(sum)
        };
        let is_whole = [quotient, sum, product].iter().all(|&id| self.graph.shape(id) == self.graph.shape(x));
        let fits = self.op(sum) == Forward::Add.into()
            && self.op(product) == Forward::Multiply.into()
            && self.inputs(product) == [x, sum]
            && first != second
            && is_whole
            && is_quotient(first)
            && is_quotient(second);
        fits.then_some(Group::FanOut { quotients: [first, second], sum, product })
    }

    fn summands(&self, quotient: NodeId) -> Option<Group> {
        let &[_, sum] = self.inputs(quotient) else { return None };
        if self.op(sum) != Forward::Add.into() || self.is_kept[quotient.index()] {
            return None;
        }
        let &[a, b] = self.inputs(sum) else { return None };
        let &[to_a, to_b] = &self.readers[quotient.index()][..] else { return None };
        let is_product =
            |id: NodeId, x: NodeId| self.op(id) == Forward::Multiply.into() && self.inputs(id) == [x, quotient];
        let is_whole = [a, b, quotient].iter().all(|&id| self.graph.shape(id) == self.graph.shape(sum));
        let fits = is_whole && is_product(to_a, a) && is_product(to_b, b);
        fits.then_some(Group::Summands { quotient, products: [to_a, to_b] })
    }

    fn pooling(&self, quotient: NodeId) -> Option<Group> {
        let transpose = self.only_reader(quotient)?;
        let is_transpose = matches!(
            self.op(transpose),
            Op::Backward(Backward::MaxPoolTranspose { .. } | Backward::AveragePoolTranspose { .. })
        );
        let product = self.only_reader(transpose)?;
        let shape = self.graph.shape(transpose);
        let fits = is_transpose
            && self.op(product) == Forward::Multiply.into()
            && self.inputs(product)[1] == transpose
            && self.graph.shape(self.inputs(product)[0]) == shape
            && self.graph.shape(self.inputs(quotient)[1]) == self.graph.shape(quotient);
        fits.then_some(Group::Pooling { quotient, transpose, product })
    }

    fn bases(&self, first: NodeId) -> Option<Group> {
        let maps = self.inputs(first)[2];
        let is_second = |&&id: &&NodeId| {
            self.op(id) == Explain::FactorBasis.into() && id > first && self.graph.shape(id) == self.graph.shape(first)
        };
        let &second = self.readers[maps.index()].iter().find(is_second)?;
        Some(Group::Bases([first, second]))
    }

    /// Whether everything that reads a value of the group comes behind all of its nodes.
    fn is_ordered(&self, group: &Group) -> bool {
        let nodes = group.nodes();
        let last = nodes.iter().max();
        let readers = group.outputs().into_iter().flat_map(|output| &self.readers[output.index()]);
        let mut outside = readers.filter(|reader| !nodes.contains(reader));
        outside.all(|reader| Some(reader) > last)
    }
}
