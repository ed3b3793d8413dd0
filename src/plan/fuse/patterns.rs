//! Small steps that rules put one behind the other, each found by the node that comes first in the graph.
//!
//! Whatever reads one of a group's values must come later than the place where the group runs.

use super::{ActivationBack, FanOut, Fusion, Group, SumBack};
use crate::graph::{Backward, Binary, Explain, Forward, NodeId, Op};

impl Fusion<'_> {
    /// The group that begins with a node, if there is one.
    pub(super) fn pattern(&self, id: NodeId) -> Option<Group> {
        let group = match self.op(id) {
            Op::Forward(Forward::Add) => self.activation(Some(id), self.only_reader(id)?),
            Op::Backward(Backward::ClampGradient(_)) => self.activation(None, id),
            Op::Explain(Explain::Binary(Binary::SafeDivide)) => self.fan_out(id).map(Group::FanOut),
            Op::Explain(Explain::Binary(Binary::Ratio)) => self.pooling(id),
            Op::Explain(Explain::FactorBasis) => self.bases(id),
            Op::Explain(Explain::SaliencyMaps) => self.saliency(id),
            Op::Explain(Explain::Residual(_)) => self.residual(id),
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
        let is_relevance = |&id: &NodeId| {
            let is_back = self.op(id) == Explain::ClampRelevance(activation).into() && self.inputs(id)[1] == y;
            is_back && id > gradient && !self.is_absorbed[id.index()]
        };
        let relevance = self.readers[y.index()].iter().copied().find(is_relevance);
        let readers = &self.readers[gradient.index()];
        let is_scale = |&id: &NodeId| matches!(self.op(id), Op::Backward(Backward::BatchNormGradient(_)));
        let scaled = readers.iter().copied().find(is_scale);
        let back = |(relevance, scaled): (Option<NodeId>, Option<NodeId>)| {
            let keeps_gradient = scaled.is_none() || self.is_kept[gradient.index()] || readers.len() > 1;
            Group::Activation(ActivationBack { sum, gradient, scaled, keeps_gradient, relevance })
        };
        let sizes = [(relevance, scaled), (relevance, None), (None, scaled), (None, None)];
        let group = sizes.into_iter().map(back).find(|group| self.is_ordered(group))?;
        (group.nodes().len() > 1).then_some(group)
    }

    /// The group of the first of both quotients.
    fn fan_out(&self, quotient: NodeId) -> Option<FanOut> {
        self.fan_out_to(self.only_reader(self.only_reader(quotient)?)?)
    }

    /// The group whose product it is.
    fn fan_out_to(&self, product: NodeId) -> Option<FanOut> {
        let &[x, sum] = self.inputs(product) else { return None };
        if self.op(product) != Forward::Multiply.into() || self.op(sum) != Forward::Add.into() {
            return None;
        }
        let &[first, second] = self.inputs(sum) else { return None };
        let is_quotient = |id: NodeId| {
            let is_of_x = self.op(id) == Binary::SafeDivide.into() && self.inputs(id)[1] == x;
            is_of_x && self.only_reader(id) == Some(sum)
        };
        let is_whole = [first, second, sum, product].iter().all(|&id| self.graph.shape(id) == self.graph.shape(x));
        let fits = first != second
            && self.only_reader(sum) == Some(product)
            && is_whole
            && is_quotient(first)
            && is_quotient(second);
        fits.then_some(FanOut { quotients: [first, second], sum, product })
    }

    /// The group of a quotient, and what stands between that and the relevances of those who read the sum.
    pub(super) fn summands(&self, quotient: NodeId) -> Option<SumBack> {
        let &[relevance, sum] = self.inputs(quotient) else { return None };
        let is_ratio = self.op(quotient) == Binary::Ratio.into();
        if !is_ratio || self.op(sum) != Forward::Add.into() || self.is_kept[quotient.index()] {
            return None;
        }
        let &[a, b] = self.inputs(sum) else { return None };
        let &[to_a, to_b] = &self.readers[quotient.index()][..] else { return None };
        let is_product =
            |id: NodeId, x: NodeId| self.op(id) == Forward::Multiply.into() && self.inputs(id) == [x, quotient];
        let is_whole = [a, b, quotient].iter().all(|&id| self.graph.shape(id) == self.graph.shape(sum));
        if !is_whole || !is_product(to_a, a) || !is_product(to_b, b) {
            return None;
        }
        let activation = self.activation_of(relevance, sum).filter(|_| self.is_only_read_by(relevance, quotient));
        let (value, behind, reader) = match activation {
            Some(value) => (value, self.inputs(relevance)[0], relevance),
            None => (sum, relevance, quotient),
        };
        let is_behind = |fan_out: &FanOut| {
            self.inputs(fan_out.product)[0] == value && self.is_only_read_by(fan_out.product, reader)
        };
        let fan_out = self.fan_out_to(behind).filter(is_behind);
        let activation = activation.map(|_| relevance);
        let is_summed = |id: &NodeId| self.readers[id.index()].len() > 1;
        let summed_product = fan_out.map(|fan_out| fan_out.product).filter(is_summed);
        let summed_relevance = activation.filter(is_summed);
        let products = [to_a, to_b];
        let back = SumBack { fan_out, activation, quotient, products, summed_product, summed_relevance };
        self.is_ordered(&Group::Summands(back)).then_some(back)
    }

    /// The value of a sum's activation, where `relevance` is that at its input.
    fn activation_of(&self, relevance: NodeId, sum: NodeId) -> Option<NodeId> {
        let Op::Explain(Explain::ClampRelevance(activation)) = self.op(relevance) else { return None };
        let value = self.inputs(relevance)[1];
        let is_of_sum = self.op(value) == Forward::Clamp(activation).into() && self.inputs(value) == [sum];
        is_of_sum.then_some(value)
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

    /// Whether everything that reads a value of the group comes behind its place.
    fn is_ordered(&self, group: &Group) -> bool {
        let nodes = group.nodes();
        let place = self.place(group);
        let readers = group.outputs().into_iter().flat_map(|output| &self.readers[output.index()]);
        let mut outside = readers.filter(|reader| !nodes.contains(reader));
        outside.all(|reader| Some(*reader) > place)
    }
}
