//! One wiring: the graph of a network explained by a method, and which of its nodes are filled from outside or wanted.
//! Sessions, verification and the catalogue of plans take it from here, so that what is verified is what runs.

use crate::error::Error;
use crate::graph::{Explain, Graph, Network, NodeId, Reduction, VariationField};
use crate::methods::{ClassMap, Explanation, Method, Quantity, Trace, VariationNodes};
use crate::plan::{Plan, PlanError, Profile, Sharing};

/// What is asked of a network besides its logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Classes to explain per picture; 0 asks for the forward pass alone.
    pub slots: u32,
    /// Whether to compute how far the method's promises are kept, too.
    pub audit: bool,
}

/// A graph, what is written into it, and what is read from it.
#[derive(Clone, Debug)]
pub struct Wiring {
    /// Forward pass, and the explanations of all slots.
    pub graph: Graph,
    /// The normalised pictures.
    pub input: NodeId,
    /// The logits.
    pub logits: NodeId,
    /// One per class slot.
    pub slots: Vec<Slot>,
    /// What each variation is told, for methods that run a picture several times: those fields that the method makes
    /// use of.
    pub variations: Vec<(VariationField, NodeId)>,
    /// The vector that comes with each picture, for networks that have one.
    pub given: Option<NodeId>,
}

/// The nodes of a class slot.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The class that is asked for.
    pub request: NodeId,
    /// The class that it is.
    pub class: NodeId,
    /// The map; for methods with several variations a variation's gradient.
    pub map: NodeId,
    /// What the map is divided by.
    pub peak: Option<NodeId>,
    /// Sums about the map; empty where no audit is wanted.
    pub audit: Audit,
}

/// Scalars that say how far a method's promises are kept.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// What is promised to add up to the class's logit.
    pub completeness: Vec<NodeId>,
    /// Sums of magnitudes before and behind each mask, in turn.
    pub masks: Vec<NodeId>,
    /// The relevance at each layer's input, summed up, by the layer's name.
    pub sums: Vec<(String, NodeId)>,
}

impl Wiring {
    /// Explains a network. Without slots the method is not asked, so that any network can be predicted.
    ///
    /// # Errors
    /// [`Error::Method`] where the method does not cover the network.
    pub fn new(network: &Network, method: &Method, wanted: Wanted) -> Result<Self, Error> {
        if wanted.slots == 0 {
            let Network { graph, input, logits } = network.clone();
            let given = graph.given();
            return Ok(Self { graph, input, logits, slots: Vec::new(), variations: Vec::new(), given });
        }
        let Explanation { mut graph, input, logits, maps, variations } = method.explain(network, wanted.slots)?;
        let mut slots = Vec::new();
        for (slot, map) in (0..).zip(maps) {
            let request = graph.add("request", Explain::ClassRequest { slot }, &[])?;
            let audit = if wanted.audit { Audit::of(&mut graph, &map)? } else { Audit::default() };
            let ClassMap { class, map, peak, .. } = map;
            slots.push(Slot { request, class, map, peak, audit });
        }
        let given = graph.given();
        let mut wiring = Self { graph, input, logits, slots, variations: Vec::new(), given };
        if let Some(VariationNodes { index, scale, offset }) = variations {
            let live = wiring.graph.live(&wiring.outputs());
            let fields =
                [(VariationField::Index, index), (VariationField::Scale, scale), (VariationField::Offset, offset)];
            wiring.variations = fields.into_iter().filter(|(_, node)| live[node.index()]).collect();
        }
        Ok(wiring)
    }

    /// Everything that is wanted: the logits, then per slot class, map, peak where there is one, and what the audit
    /// needs.
    pub fn outputs(&self) -> Vec<NodeId> {
        let mut outputs = vec![self.logits];
        for Slot { class, map, peak, audit, .. } in &self.slots {
            outputs.extend([*class, *map]);
            outputs.extend(*peak);
            outputs.extend(&audit.completeness);
            outputs.extend(&audit.masks);
            outputs.extend(audit.sums.iter().map(|(_, node)| *node));
        }
        outputs
    }

    /// The plan for so many pictures at a time.
    ///
    /// # Errors
    /// [`PlanError`] where they do not fit the device.
    pub fn plan(&self, count: u32, profile: &Profile, sharing: Sharing) -> Result<Plan, PlanError> {
        Plan::new(&self.graph, &self.outputs(), count, profile, sharing)
    }

    /// The most pictures at a time within the device's limits.
    pub fn largest_batch(&self, profile: &Profile) -> u32 {
        Plan::largest_batch(&self.graph, &self.outputs(), profile)
    }

    /// The most pictures at a time within the device's limits and so many bytes of values and weights, with the plans
    /// that were made to find out: the one for one picture, and the one for the most.
    ///
    /// # Errors
    /// [`Error::Memory`] where not even one fits.
    pub fn largest_batch_within(&self, profile: &Profile, limit: u64) -> Result<(u32, Vec<Plan>), Error> {
        let plan = |count| self.plan(count, profile, Sharing::Shared);
        let fits = |plan: &Plan| plan.value_bytes() + plan.weight_bytes <= limit;
        let one = plan(1)?;
        if !fits(&one) {
            return Err(Error::Memory { values: one.value_bytes(), weights: one.weight_bytes, limit });
        }
        let within = (limit - one.weight_bytes) / one.value_bytes().max(1);
        let largest = u64::from(self.largest_batch(profile)).min(within).max(1) as u32;
        for count in (2..=largest).rev() {
            let plan = plan(count)?;
            if fits(&plan) {
                return Ok((count, vec![one, plan]));
            }
        }
        Ok((1, vec![one]))
    }
}

impl Audit {
    /// Adds the sums of a map.
    fn of(graph: &mut Graph, map: &ClassMap) -> Result<Self, Error> {
        let mut sums = Vec::new();
        for Trace { layer, quantity, node } in &map.trace {
            let layer = graph.node(*layer);
            let is_weighted = layer.op.forward().is_some_and(|op| op.has_weights());
            if let (true, Quantity::Relevance(_)) = (is_weighted, quantity) {
                let name = layer.name.clone();
                let sum = graph.add(&format!("{name}:total relevance"), Reduction::Sum, &[*node])?;
                sums.push((name, sum));
            }
        }
        let mut masks = Vec::new();
        for node in map.masks.iter().flat_map(|&(before, behind)| [before, behind]) {
            let name = format!("{}:magnitude", graph.node(node).name);
            masks.push(graph.add(&name, Reduction::SumAbsolute, &[node])?);
        }
        Ok(Self { completeness: map.completeness.clone(), masks, sums })
    }
}
