//! The sums that an audit asks for, which steps make along with other values, against sums of the values themselves.

use crate::{gpu, random_batch};
use agf::Batch;
use agf::gpu::{Gpu, Program, WeightStore};
use agf::graph::{Explain, NodeId, Op, Reduction};
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::plan::kernel::Shader;
use agf::plan::{Plan, Sharing, Strategy};
use agf::wiring::{Wanted, Wiring};
use pollster::block_on;

const SAMPLES: u32 = 2;

struct Audited<'a> {
    gpu: &'a Gpu,
    model: Model,
    wiring: Wiring,
    batch: Batch,
}

impl Audited<'_> {
    fn plan(&self, outputs: &[NodeId]) -> Plan {
        Plan::new(&self.wiring.graph, outputs, SAMPLES, self.gpu.profile(), Sharing::Shared).unwrap()
    }

    fn values(&self, outputs: &[NodeId]) -> Vec<Vec<f32>> {
        let (graph, plan) = (&self.wiring.graph, self.plan(outputs));
        let mut store = WeightStore::default();
        block_on(store.upload(self.gpu, graph, &self.model.weights, &plan.packings())).unwrap();
        let program = block_on(Program::new(self.gpu, plan, &store)).unwrap();
        program.write(graph, self.wiring.input, &self.batch.data).unwrap();
        program.write(graph, self.wiring.slots[0].request, &[3.0; SAMPLES as usize]).unwrap();
        block_on(program.submit()).unwrap();
        block_on(program.read(graph, outputs)).unwrap()
    }

    /// The nodes that sum up, each with what it sums, and whether that is magnitudes.
    fn sums(&self) -> Vec<(NodeId, NodeId, bool)> {
        let graph = &self.wiring.graph;
        let sum = |id: NodeId| match graph.node(id).op {
            Op::Explain(Explain::Reduce(Reduction::Sum)) => Some((id, graph.node(id).inputs[0], false)),
            Op::Explain(Explain::Reduce(Reduction::SumAbsolute)) => Some((id, graph.node(id).inputs[0], true)),
            _ => None,
        };
        self.wiring.outputs().into_iter().filter_map(sum).collect()
    }

    fn check(&self, what: &str) {
        let sums = self.sums();
        let made = self.values(&sums.iter().map(|&(sum, ..)| sum).collect::<Vec<_>>());
        let summed = self.values(&sums.iter().map(|&(_, value, _)| value).collect::<Vec<_>>());
        assert!(sums.len() > 10, "{what}: {} sums", sums.len());
        for ((&(sum, _, is_of_magnitudes), made), summed) in sums.iter().zip(&made).zip(&summed) {
            for (&made, summed) in made.iter().zip(summed.chunks(summed.len() / SAMPLES as usize)) {
                let of_magnitudes: f64 = summed.iter().map(|&value| f64::from(value.abs())).sum();
                let of_values: f64 = summed.iter().map(|&value| f64::from(value)).sum();
                let expected = if is_of_magnitudes { of_magnitudes } else { of_values };
                let difference = (f64::from(made) - expected).abs();
                let name = &self.wiring.graph.node(sum).name;
                assert!(difference <= 1e-5 * of_magnitudes, "{what}, {name}: {made} instead of {expected}");
            }
        }
    }
}

#[test]
fn sums_are_those_of_the_values() {
    let card = gpu().with_strategy(Strategy::GRAPHICS_CARD);
    for (kind, gpu) in [("default", gpu()), ("card", &card)] {
        for architecture in [Architecture::TinyVgg, Architecture::TinyResNet, Architecture::EfficientNetLite0] {
            let model = Model::synthetic(architecture).unwrap();
            let network = model.build(40, 48).unwrap();
            let wiring = Wiring::new(&network, &Method::default(), Wanted { slots: 1, audit: true }).unwrap();
            let audited = Audited { gpu, model, wiring, batch: random_batch(SAMPLES, 40, 48) };
            let plan = audited.plan(&audited.wiring.outputs());
            let keeps = |name| {
                let of = |step: &&agf::plan::Step| step.kernel.shader == Shader::SumRelevance;
                plan.steps.iter().filter(of).any(|step| step.uniforms.fields().contains(&(name, 1u32.into())))
            };
            let is_residual = architecture == Architecture::TinyResNet;
            assert!(!is_residual || keeps("keeps_output") && keeps("keeps_input"), "no sum along with another step");
            audited.check(&format!("{architecture} {kind}"));
        }
    }
}
