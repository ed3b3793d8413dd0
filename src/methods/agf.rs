//! Attribution Guided Factorization (Gur, Ali, Wolf, AAAI 2021, arXiv 2012.02166): the walk from the logits to the picture.
//!
//! Gradient and relevance go back together, one forward node at a time; the rules themselves are in `agf/rules.rs`.

mod rules;

use super::slot::{self, tag};
use super::{ClassMap, Explanation, MethodError, Network, Quantity, Trace, gradient};
use crate::graph::{Binary, Graph, GraphError, NodeId, Op, Reduction, Role};
use rules::Layer;

const METHOD: &str = "AGF";

/// The paper's ablations; all off by default. They act on convolutions of role `full`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ablations {
    /// Drop `F_x`.
    pub no_fx: bool,
    /// Drop `M`.
    pub no_m: bool,
    /// Use `F_x + M` undivided.
    pub no_reg: bool,
    /// Drop `F_dx`.
    pub no_fdx: bool,
    /// Drop `A`.
    pub no_a: bool,
    /// Replace `F_x + M` by the Grad-CAM map of the layer.
    pub gradcam: bool,
}

impl Ablations {
    /// The whole method.
    pub const NONE: Ablations =
        Ablations { no_fx: false, no_m: false, no_reg: false, no_fdx: false, no_a: false, gradcam: false };
}

/// Adds the AGF maps of `slots` classes to a network's graph. Which class a slot means is data of the run (see
/// [`Op::ClassRequest`]), so that one explanation serves every class. Slots share everything that does not depend on the class.
///
/// # Errors
/// [`MethodError::NoRule`] names every node without a rule; [`MethodError::Form`] where the network does not end in a linear
/// layer or does not begin with one convolution of role `first`.
pub fn explain(network: &Network, slots: u32, ablations: Ablations) -> Result<Explanation, MethodError> {
    check(network)?;
    let mut graph = network.graph.clone();
    let mut maps = Vec::new();
    for slot in 0..slots {
        maps.push(Walk::new(&mut graph, network, slot, ablations).run()?);
    }
    Ok(Explanation { graph, input: network.input, logits: network.logits, maps, passes: None })
}

fn check(network: &Network) -> Result<(), MethodError> {
    let graph = &network.graph;
    let live = graph.live(&[network.logits]);
    let nodes: Vec<String> = graph
        .ids()
        .filter(|&id| live[id.index()] && id != network.input && !has_rule(graph, id, network))
        .map(|id| format!("'{}' ({})", graph.node(id).name, graph.node(id).op.name()))
        .collect();
    if !nodes.is_empty() {
        return Err(MethodError::NoRule { method: METHOD, nodes });
    }
    let last = graph.node(network.logits);
    if !matches!(last.op, Op::Linear { .. }) {
        let found = format!("the logits come from '{}' ({})", last.name, last.op.name());
        return Err(MethodError::Form { method: METHOD, needs: "a linear layer at the end", found });
    }
    let readers = graph.ids().filter(|id| live[id.index()] && graph.node(*id).inputs.contains(&network.input)).count();
    if readers != 1 {
        let found = format!("{readers} layers read it");
        return Err(MethodError::Form { method: METHOD, needs: "one convolution that reads the picture", found });
    }
    Ok(())
}

/// A convolution reads the picture exactly if its role is `first`; everything else needs a gradient rule.
fn has_rule(graph: &Graph, id: NodeId, network: &Network) -> bool {
    let node = graph.node(id);
    let reads_picture = node.inputs.contains(&network.input);
    match node.op {
        Op::Convolve { layer, .. } => {
            gradient::covers(&node.op) && (graph.convolution(layer).role == Role::First) == reads_picture
        }
        _ => gradient::covers(&node.op) && !reads_picture,
    }
}

struct Walk<'a> {
    graph: &'a mut Graph,
    network: &'a Network,
    slot: u32,
    ablations: Ablations,
    /// What the readers of each forward node sent back, by node index.
    gradients: Vec<Vec<NodeId>>,
    relevances: Vec<Vec<NodeId>>,
    trace: Vec<Trace>,
    masks: Vec<(NodeId, NodeId)>,
}

impl<'a> Walk<'a> {
    fn new(graph: &'a mut Graph, network: &'a Network, slot: u32, ablations: Ablations) -> Self {
        let forward = network.graph.nodes().len();
        let (gradients, relevances) = (vec![Vec::new(); forward], vec![Vec::new(); forward]);
        Self { graph, network, slot, ablations, gradients, relevances, trace: Vec::new(), masks: Vec::new() }
    }

    fn run(mut self) -> Result<ClassMap, MethodError> {
        let class = self.start()?;
        let live = self.network.graph.live(&[self.network.logits]);
        for id in self.network.graph.ids().rev().filter(|id| live[id.index()] && *id != self.network.logits) {
            if id != self.network.input {
                self.step(id)?;
            }
        }
        let picture = self.relevances[self.network.input.index()].first().copied();
        let relevance = picture.ok_or(MethodError::Form {
            method: METHOD,
            needs: "a path from the logits to the picture",
            found: "none was found".into(),
        })?;
        let tag = tag(self.slot);
        let peak = self.graph.add(&format!("map:peak{tag}"), Op::Reduce(Reduction::Maximum), &[relevance])?;
        let map = self.graph.add(&format!("map{tag}"), Op::HeatMap, &[relevance, peak])?;
        Ok(ClassMap {
            class,
            attribution: relevance,
            map,
            peak: Some(peak),
            masks: self.masks,
            completeness: Vec::new(),
            trace: self.trace,
        })
    }

    /// Section 1: the target's gradient at the logits, and the first relevance `x * g`.
    fn start(&mut self) -> Result<NodeId, GraphError> {
        let logits = self.network.logits;
        let tag = tag(self.slot);
        let class = slot::class(self.graph, logits, self.slot)?;
        let at_logits = self.graph.add(&format!("target:gradient{tag}"), Op::TargetGradient, &[logits, class])?;
        let x = self.graph.node(logits).inputs[0];
        for g in gradient::gradient(self.graph, logits, at_logits, &tag)?.unwrap_or_default() {
            let name = format!("{}:relevance{tag}", self.graph.node(logits).name);
            let relevance = self.graph.add(&name, Op::Binary(Binary::Multiply), &[x, g])?;
            self.send(logits, 0, g, relevance);
        }
        Ok(class)
    }

    fn step(&mut self, id: NodeId) -> Result<(), GraphError> {
        let tag = tag(self.slot);
        let c = self.relevance_of(id)?;
        let is_first = matches!(self.graph.node(id).op, Op::Convolve { layer, .. } if self.graph.convolution(layer).role == Role::First);
        let g = if is_first { None } else { Some(self.gradient_of(id)?) };
        let at_inputs = match g {
            Some(g) => gradient::gradient(self.graph, id, g, &tag)?.unwrap_or_default(),
            None => Vec::new(),
        };
        let mut layer = Layer::new(self.graph, id, c, g, at_inputs.first().copied(), tag);
        let relevances = layer.relevances(self.ablations)?;
        self.trace.append(&mut layer.trace);
        if let (Op::Clamp(_), [relevance]) = (self.graph.node(id).op, &relevances[..]) {
            self.masks.push((c, *relevance));
        }
        for (index, relevance) in relevances.into_iter().enumerate() {
            match at_inputs.get(index) {
                Some(&gradient) => self.send(id, index, gradient, relevance),
                None => self.send_relevance(id, index, relevance),
            }
        }
        Ok(())
    }

    fn send(&mut self, layer: NodeId, index: usize, gradient: NodeId, relevance: NodeId) {
        let input = self.network.graph.node(layer).inputs[index];
        self.gradients[input.index()].push(gradient);
        self.trace.push(Trace { layer, quantity: Quantity::Gradient(index as u32), node: gradient });
        self.send_relevance(layer, index, relevance);
    }

    fn send_relevance(&mut self, layer: NodeId, index: usize, relevance: NodeId) {
        let input = self.network.graph.node(layer).inputs[index];
        self.relevances[input.index()].push(relevance);
        self.trace.push(Trace { layer, quantity: Quantity::Relevance(index as u32), node: relevance });
    }

    /// Fan-out sums gradients.
    fn gradient_of(&mut self, id: NodeId) -> Result<NodeId, GraphError> {
        let parts = std::mem::take(&mut self.gradients[id.index()]);
        let name = format!("{}:gradient sum{}", self.graph.node(id).name, tag(self.slot));
        let mut sum = parts[0];
        for &part in &parts[1..] {
            sum = self.graph.add(&name, Op::Binary(Binary::Add), &[sum, part])?;
        }
        Ok(sum)
    }

    /// Fan-out relevance: `x * sum_i div(c_i, x)`.
    fn relevance_of(&mut self, id: NodeId) -> Result<NodeId, GraphError> {
        let parts = std::mem::take(&mut self.relevances[id.index()]);
        if parts.len() == 1 {
            return Ok(parts[0]);
        }
        let name = format!("{}:fan-out{}", self.graph.node(id).name, tag(self.slot));
        let mut sum = self.graph.add(&name, Op::Binary(Binary::SafeDivide), &[parts[0], id])?;
        for &part in &parts[1..] {
            let quotient = self.graph.add(&name, Op::Binary(Binary::SafeDivide), &[part, id])?;
            sum = self.graph.add(&name, Op::Binary(Binary::Add), &[sum, quotient])?;
        }
        let relevance = self.graph.add(&name, Op::Binary(Binary::Multiply), &[id, sum])?;
        self.trace.push(Trace { layer: id, quantity: Quantity::FanOutRelevance, node: relevance });
        Ok(relevance)
    }
}
