//! The walk from the logits to the picture: relevance, and the gradient where a rule needs it, go back one forward node
//! at a time.

use super::assign::Assignment;
use super::{Layer, Rule, RuleList, Start, Weighted};
use crate::graph::{
    Backward, Binary, Explain, Forward, Graph, GraphError, LogitRelevance, Network, NodeId, Op, Reduction,
};
use crate::methods::{ClassMap, MethodError, Quantity, Trace, gradient, slot};

/// Adds the map of one slot.
pub(super) fn explain(
    graph: &mut Graph,
    network: &Network,
    list: &RuleList,
    assignment: &Assignment,
    slot: u32,
) -> Result<ClassMap, MethodError> {
    let tag = slot::tag(slot);
    let class = slot::class(graph, network.logits, slot)?;
    let mut walk =
        |start: Option<LogitRelevance>, tag: &str| Walk::new(graph, network, list, assignment, tag).run(class, start);
    let Walked { mut relevance, trace, masks } = match list.start {
        Start::Probability => walk(None, &tag)?,
        Start::Logit | Start::LogitContrast => walk(Some(LogitRelevance::Target), &tag)?,
        Start::SoftmaxContrast => walk(Some(LogitRelevance::SoftmaxTarget), &tag)?,
    };
    let others = match list.start {
        Start::LogitContrast => Some(LogitRelevance::Others),
        Start::SoftmaxContrast => Some(LogitRelevance::SoftmaxOthers),
        Start::Probability | Start::Logit => None,
    };
    if others.is_some() {
        let of_others = walk(others, &format!(" of others{tag}"))?;
        relevance = contrast(graph, relevance, of_others.relevance, &tag)?;
    }
    let (map, peak) = if list.normalize {
        let peak = graph.add(&format!("map:peak{tag}"), Reduction::Maximum, &[relevance])?;
        (graph.add(&format!("map{tag}"), Explain::HeatMap, &[relevance, peak])?, Some(peak))
    } else {
        (graph.add(&format!("map{tag}"), Explain::PlainMap { absolute: false }, &[relevance])?, None)
    };
    Ok(ClassMap { class, attribution: relevance, map, peak, masks, completeness: Vec::new(), trace })
}

/// `target - others (sum(target) / sum(others))`.
fn contrast(graph: &mut Graph, target: NodeId, others: NodeId, tag: &str) -> Result<NodeId, GraphError> {
    let mut add = |what: &str, op: Op, inputs: &[NodeId]| graph.add(&format!("contrast:{what}{tag}"), op, inputs);
    let of_target = add("sum of target", Reduction::Sum.into(), &[target])?;
    let of_others = add("sum of others", Reduction::Sum.into(), &[others])?;
    let scale = add("scale", Binary::Divide.into(), &[of_target, of_others])?;
    let scaled = add("others", Forward::Multiply.into(), &[others, scale])?;
    add("relevance", Forward::Subtract.into(), &[target, scaled])
}

/// Where a walk came to.
struct Walked {
    /// The picture's relevance.
    relevance: NodeId,
    trace: Vec<Trace>,
    /// Relevance before and behind each activation that masks.
    masks: Vec<(NodeId, NodeId)>,
}

struct Walk<'a> {
    graph: &'a mut Graph,
    network: &'a Network,
    list: &'a RuleList,
    assignment: &'a Assignment,
    tag: &'a str,
    /// What the readers of each forward node sent back, by node index.
    gradients: Vec<Vec<NodeId>>,
    relevances: Vec<Vec<NodeId>>,
    trace: Vec<Trace>,
    masks: Vec<(NodeId, NodeId)>,
}

impl<'a> Walk<'a> {
    fn new(
        graph: &'a mut Graph,
        network: &'a Network,
        list: &'a RuleList,
        assignment: &'a Assignment,
        tag: &'a str,
    ) -> Self {
        let forward = network.graph.nodes().len();
        let (gradients, relevances) = (vec![Vec::new(); forward], vec![Vec::new(); forward]);
        Self { graph, network, list, assignment, tag, gradients, relevances, trace: Vec::new(), masks: Vec::new() }
    }

    /// The relevance of the picture, from `start` at the logits or, without it, from the target's probability.
    fn run(mut self, class: NodeId, start: Option<LogitRelevance>) -> Result<Walked, MethodError> {
        let (input, logits) = (self.network.input, self.network.logits);
        if self.list.needs_gradient() {
            let name = format!("target:gradient{}", self.tag);
            let gradient = self.graph.add(&name, Backward::TargetGradient, &[logits, class])?;
            self.gradients[logits.index()].push(gradient);
        }
        match start {
            Some(start) => {
                let name = format!("target:relevance{}", self.tag);
                let relevance = self.graph.add(&name, Explain::LogitRelevance(start), &[logits, class])?;
                self.relevances[logits.index()].push(relevance);
            }
            None => self.first_products()?,
        }
        for id in self.network.graph.ids().rev().filter(|id| self.assignment.live[id.index()]) {
            let lies_behind = start.is_none() && self.assignment.head[id.index()];
            if !lies_behind {
                self.step(id)?;
            }
        }
        let relevance = self.relevance_of(input)?.ok_or(MethodError::Form {
            method: self.list.name,
            needs: "a path from the logits to the picture",
            found: "none was found".into(),
        })?;
        Ok(Walked { relevance, trace: self.trace, masks: self.masks })
    }

    /// AGF, section 1: input times gradient of the last layers with weights, of which there are several where they lie
    /// side by side.
    fn first_products(&mut self) -> Result<(), MethodError> {
        let head = self.assignment.head.clone();
        for id in self.network.graph.ids().rev().filter(|id| head[id.index()]) {
            let node = self.graph.node(id);
            let (inputs, name) = (node.inputs.clone(), format!("{}:relevance{}", node.name, self.tag));
            for (index, g) in (0..).zip(self.gradients_at_inputs(id)?) {
                let x = inputs[index as usize];
                self.send(id, index, Quantity::Gradient(index), g);
                // A value that a last layer reads begins there, whatever else reads it.
                if !head[x.index()] {
                    let relevance = self.graph.add(&name, Forward::Multiply, &[x, g])?;
                    self.send(id, index, Quantity::Relevance(index), relevance);
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, id: NodeId) -> Result<(), MethodError> {
        let Some((op, rule)) = self.assignment.rule(id) else { return Ok(()) };
        let Some(c) = self.relevance_of(id)? else { return self.pass_gradient(id) };
        let g = self.gradient_of(id)?;
        let inputs = self.graph.node(id).inputs.clone();
        // The gradient at the picture is of use to one rule only.
        let is_full = matches!(rule, Rule::Weighted(Weighted::Full(_)));
        let goes_on = inputs.iter().any(|&input| input != self.network.input) || is_full;
        let at_inputs = if goes_on { self.gradients_at(id, g)? } else { Vec::new() };
        let mut layer = Layer {
            graph: self.graph,
            id,
            inputs,
            c,
            gradients: g.zip(at_inputs.first().copied()),
            folded: self.assignment.folded(id),
            tag: self.tag,
            trace: Vec::new(),
        };
        let relevances = layer.relevances(op, rule)?;
        self.trace.append(&mut layer.trace);
        if let (Forward::Clamp(_), Rule::Ratio, [Some(relevance)]) = (op, rule, &relevances[..]) {
            self.masks.push((c, *relevance));
        }
        for (index, relevance) in (0..).zip(relevances) {
            if let Some(&gradient) = at_inputs.get(index as usize) {
                self.send(id, index, Quantity::Gradient(index), gradient);
            }
            if let Some(relevance) = relevance {
                self.send(id, index, Quantity::Relevance(index), relevance);
            }
        }
        Ok(())
    }

    /// Through a node that relevance does not reach, such as those of a gate's branch, the gradient goes on alone.
    fn pass_gradient(&mut self, id: NodeId) -> Result<(), MethodError> {
        for (index, gradient) in (0..).zip(self.gradients_at_inputs(id)?) {
            self.send(id, index, Quantity::Gradient(index), gradient);
        }
        Ok(())
    }

    fn send(&mut self, layer: NodeId, index: u32, quantity: Quantity, node: NodeId) {
        let input = self.network.graph.node(layer).inputs[index as usize];
        match quantity {
            Quantity::Gradient(_) => self.gradients[input.index()].push(node),
            Quantity::Relevance(_)
            | Quantity::C
            | Quantity::Residual
            | Quantity::Factors
            | Quantity::FanOutRelevance => self.relevances[input.index()].push(node),
        }
        self.trace.push(Trace { layer, quantity, node });
    }

    fn gradients_at_inputs(&mut self, id: NodeId) -> Result<Vec<NodeId>, GraphError> {
        let g = self.gradient_of(id)?;
        self.gradients_at(id, g)
    }

    /// Gradients at the inputs of a node, given that at its output.
    fn gradients_at(&mut self, id: NodeId, g: Option<NodeId>) -> Result<Vec<NodeId>, GraphError> {
        let (Some(g), Op::Forward(op)) = (g, self.graph.node(id).op) else { return Ok(Vec::new()) };
        gradient::gradient(self.graph, id, op, g, self.tag)
    }

    /// Fan-out sums gradients. `None` where no rule asks for gradients.
    fn gradient_of(&mut self, id: NodeId) -> Result<Option<NodeId>, GraphError> {
        let parts = std::mem::take(&mut self.gradients[id.index()]);
        self.sum(&parts, &format!("{}:gradient sum{}", self.graph.node(id).name, self.tag))
    }

    /// Relevance at a node's output; what several readers sent back becomes one by the fan-out rule.
    fn relevance_of(&mut self, id: NodeId) -> Result<Option<NodeId>, GraphError> {
        let mut parts = std::mem::take(&mut self.relevances[id.index()]);
        if parts.len() < 2 {
            return Ok(parts.pop());
        }
        let name = format!("{}:fan-out{}", self.graph.node(id).name, self.tag);
        let by_ratio = self.assignment.fan_out(id) == Rule::Ratio;
        if by_ratio {
            for part in &mut parts {
                *part = self.graph.add(&name, Binary::SafeDivide, &[*part, id])?;
            }
        }
        let mut relevance = self.sum(&parts, &name)?;
        if let (true, Some(sum)) = (by_ratio, relevance) {
            relevance = Some(self.graph.add(&name, Forward::Multiply, &[id, sum])?);
        }
        self.trace.extend(relevance.map(|node| Trace { layer: id, quantity: Quantity::FanOutRelevance, node }));
        Ok(relevance)
    }

    fn sum(&mut self, parts: &[NodeId], name: &str) -> Result<Option<NodeId>, GraphError> {
        let Some((&first, rest)) = parts.split_first() else { return Ok(None) };
        let mut sum = first;
        for &part in rest {
            sum = self.graph.add(name, Forward::Add, &[sum, part])?;
        }
        Ok(Some(sum))
    }
}
