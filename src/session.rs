//! One network on one device for pictures of one size: the graph, its plan and program, and where inputs and maps are.
//!
//! The [`Explainer`](crate::Explainer) makes sessions as pictures come. A graphics program asks it for one, writes pictures and targets
//! on its queue, records the session into its encoder and reads the maps from the buffer without leaving the GPU.

use crate::error::Error;
use crate::explainer::{Batch, Target};
use crate::gpu::{Gpu, Program, Times, WeightStore};
use crate::graph::{Explain, Graph, NodeId, PassField, Reduction};
use crate::methods::{ClassMap, Explanation, Method, Pass, PassNodes, Quantity};
use crate::models::Model;
use crate::plan::{Plan, Sharing};
use std::ops::Range;

/// Sizes that a session is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionShape {
    /// Pictures at a time.
    pub count: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Classes to explain per picture; 0 runs the forward pass alone.
    pub slots: u32,
}

/// A recorded network.
pub struct Session {
    shape: SessionShape,
    graph: Graph,
    nodes: SessionNodes,
    program: Program,
}

/// What a session reads and gives.
struct SessionNodes {
    input: NodeId,
    logits: NodeId,
    slots: Vec<SlotNodes>,
    passes: Option<PassNodes>,
}

pub(crate) struct SlotNodes {
    request: NodeId,
    pub class: NodeId,
    pub map: NodeId,
    pub peak: Option<NodeId>,
    /// Scalars that are promised to add up to the class's logit.
    pub completeness: Vec<NodeId>,
    /// Sums of magnitudes before and behind each mask, in turn.
    pub masks: Vec<NodeId>,
    /// Sum of the relevance at each layer's input.
    pub sums: Vec<(String, NodeId)>,
}

impl SessionNodes {
    fn outputs(&self) -> Vec<NodeId> {
        let mut outputs = vec![self.logits];
        for slot in &self.slots {
            outputs.extend([slot.class, slot.map]);
            outputs.extend(slot.peak);
            outputs.extend(&slot.completeness);
            outputs.extend(&slot.masks);
            outputs.extend(slot.sums.iter().map(|(_, node)| *node));
        }
        outputs
    }
}

/// The graph of a session, and what of it is wanted.
struct Wiring {
    graph: Graph,
    nodes: SessionNodes,
}

impl Wiring {
    fn new(model: &Model, shape: SessionShape, method: &Method) -> Result<Self, Error> {
        let network = model.build(shape.height, shape.width)?;
        let Explanation { mut graph, input, logits, maps, passes } = method.explain(&network, shape.slots)?;
        let mut slots = Vec::new();
        for (slot, map) in (0..).zip(maps) {
            let request = graph.add("request", Explain::ClassRequest { slot }, &[])?;
            let mut sums = Vec::new();
            for trace in &map.trace {
                let layer = graph.node(trace.layer);
                let weighted = layer.op.forward().is_some_and(|op| op.has_weights());
                if let (true, Quantity::Relevance(_)) = (weighted, trace.quantity) {
                    let name = layer.name.clone();
                    let sum = graph.add(&format!("{name}:total relevance"), Reduction::Sum, &[trace.node])?;
                    sums.push((name, sum));
                }
            }
            let mut masks = Vec::new();
            for node in map.masks.iter().flat_map(|&(before, behind)| [before, behind]) {
                let name = format!("{}:magnitude", graph.node(node).name);
                masks.push(graph.add(&name, Reduction::SumAbsolute, &[node])?);
            }
            let ClassMap { class, map, peak, completeness, .. } = map;
            slots.push(SlotNodes { request, class, map, peak, completeness, masks, sums });
        }
        Ok(Self { graph, nodes: SessionNodes { input, logits, slots, passes } })
    }
}

/// The method that a session runs: without classes to explain there is only the forward pass, the same for all.
pub(crate) fn effective_method(shape: SessionShape, method: &Method) -> Method {
    if shape.slots == 0 { Method::default() } else { method.clone() }
}

/// The plan that a session of this shape would run, and the most pictures that fit at a time within `max_bytes` of values and weights.
pub(crate) fn plan(
    gpu: &Gpu,
    model: &Model,
    shape: SessionShape,
    method: &Method,
    max_bytes: Option<u64>,
) -> Result<(Plan, u32), Error> {
    let wiring = Wiring::new(model, shape, method)?;
    let outputs = wiring.nodes.outputs();
    let profile = gpu.profile().with_precision(model.precision);
    let plan_of = |count| Plan::new(&wiring.graph, &outputs, count, &profile, Sharing::Shared);
    let mut largest = Plan::largest_batch(&wiring.graph, &outputs, &profile);
    if let Some(limit) = max_bytes {
        let one = plan_of(1)?;
        let fits = |plan: &Plan| plan.value_bytes() + plan.weight_bytes <= limit;
        if !fits(&one) {
            return Err(Error::Memory { values: one.value_bytes(), weights: one.weight_bytes, limit });
        }
        largest = largest.min(((limit - one.weight_bytes) / one.value_bytes().max(1)).clamp(1, u32::MAX.into()) as u32);
        while largest > 1 && !fits(&plan_of(largest)?) {
            largest -= 1;
        }
    }
    Ok((plan_of(shape.count.min(largest))?, largest))
}

impl Session {
    pub(crate) async fn new(
        gpu: &Gpu,
        model: &Model,
        store: &mut WeightStore,
        shape: SessionShape,
        method: &Method,
    ) -> Result<Self, Error> {
        let Wiring { graph, nodes } = Wiring::new(model, shape, method)?;
        let profile = gpu.profile().with_precision(model.precision);
        let plan = Plan::new(&graph, &nodes.outputs(), shape.count, &profile, Sharing::Shared)?;
        store.upload(gpu, &graph, &model.weights, &plan.packings()).await?;
        let program = Program::new(gpu, plan, store).await?;
        Ok(Self { shape, graph, nodes, program })
    }

    /// The sizes it was made for.
    pub fn shape(&self) -> SessionShape {
        self.shape
    }

    /// The plan that it runs.
    pub fn plan(&self) -> &Plan {
        self.program.plan()
    }

    /// Records all dispatches into an encoder; nothing is submitted. Call it between writing the input and reading the maps.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        self.program.record(encoder);
    }

    /// Writes normalised pictures through the queue. A host that has them on the GPU copies them to [`Session::input_buffer`] instead.
    ///
    /// # Errors
    /// [`Error::Batch`] where number or size differ from the session's.
    pub async fn write_pictures(&self, batch: &Batch) -> Result<(), Error> {
        let SessionShape { count, height, width, .. } = self.shape;
        batch.check()?;
        if (batch.count, batch.height, batch.width) != (count, height, width) {
            let wanted = crate::explainer::pictures_of(count, height, width);
            return Err(Error::Batch { found: batch.describe(), wanted });
        }
        Ok(self.program.write(&self.graph, self.nodes.input, &batch.data).await?)
    }

    /// Writes the class that each picture's slot shall explain.
    ///
    /// # Errors
    /// [`Error::Class`] for a class or rank that the network does not have, [`Error::Slot`] for a slot that the session does not have.
    pub async fn write_targets(&self, slot: u32, targets: &[Target]) -> Result<(), Error> {
        let classes = self.graph.shape(self.nodes.logits).channels;
        let mut requests = Vec::with_capacity(targets.len());
        for target in targets {
            let (number, request) = match *target {
                Target::Class(id) => (id, id as f32),
                Target::Rank(rank) => (rank, -1.0 - rank as f32),
            };
            if number >= classes {
                return Err(Error::Class { class: number, classes });
            }
            requests.push(request);
        }
        let nodes =
            self.nodes.slots.get(slot as usize).ok_or(Error::Class { class: slot, classes: self.shape.slots })?;
        Ok(self.program.write(&self.graph, nodes.request, &requests).await?)
    }

    /// Writes what each picture's pass is told, for methods that run a picture several times; nothing for the others.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU fails.
    pub async fn write_passes(&self, passes: &[Pass]) -> Result<(), Error> {
        let Some(nodes) = self.nodes.passes else { return Ok(()) };
        let PassNodes { index, scale, offset } = nodes;
        for (field, node) in [(PassField::Index, index), (PassField::Scale, scale), (PassField::Offset, offset)] {
            let values: Vec<f32> = passes.iter().map(|pass| pass.field(field)).collect();
            self.program.write(&self.graph, node, &values).await?;
        }
        Ok(())
    }

    /// Buffer, byte offset and size of the input: `[pictures][height * width]` of vec4 (red, green, blue, 0), normalised.
    pub fn input_buffer(&self) -> Option<(&wgpu::Buffer, u64, u64)> {
        self.program.value(self.nodes.input)
    }

    /// Buffer, byte offset and size of a slot's maps: `[pictures][height * width]` of f32. For a method with several passes per picture
    /// ([`Method::schedule`]) it is the pass's gradient, `[pictures][height * width]` of vec4.
    pub fn map_buffer(&self, slot: u32) -> Option<(&wgpu::Buffer, u64, u64)> {
        self.program.value(self.nodes.slots.get(slot as usize)?.map)
    }

    /// Runs `steps` of the plan, each in a pass of its own, and says how long each took: for benchmarks. On a first run the driver's
    /// compilation may be in it.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU fails.
    pub async fn time_steps(&self, steps: Range<usize>) -> Result<Times, Error> {
        Ok(self.program.time_steps(steps).await?)
    }

    /// The graph that it runs.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn slots(&self) -> &[SlotNodes] {
        &self.nodes.slots
    }

    /// Reads everything that the session gives, in the order: logits, then per slot class, map, peak where there is one, parts
    /// of completeness, masks, sums.
    pub(crate) async fn read(&self) -> Result<Vec<Vec<f32>>, Error> {
        Ok(self.program.read(&self.graph, &self.nodes.outputs()).await?)
    }
}
