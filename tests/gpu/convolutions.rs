//! Single convolutions in their roles, to be run by any variant: what the tests of variants share.

use crate::common::random::Random;
use agf::gpu::{Gpu, Program, WeightStore};
use agf::graph::{Graph, NodeId};
use agf::models::weights::{Tensor, Weights};
use agf::plan::Plan;

/// One convolution in some of its roles.
pub struct Case {
    pub graph: Graph,
    pub input: NodeId,
    pub outputs: Vec<NodeId>,
}

/// Random parameters.
pub fn weights(random: &mut Random, graph: &Graph) -> Weights {
    let (values, parameters) = (random.parameters(graph), graph.parameters());
    let tensors = parameters.iter().map(|parameter| {
        let data = values.0[&parameter.name].clone();
        (parameter.name.clone(), Tensor::new(&parameter.shape, data).unwrap())
    });
    Weights::from_tensors(tensors.collect(), &parameters).unwrap()
}

/// The outputs of a batch, whose places hold NaN before the run.
pub async fn run(gpu: &Gpu, case: &Case, weights: &Weights, plan: Plan, values: &[f32]) -> Vec<Vec<f32>> {
    let mut store = WeightStore::default();
    store.upload(gpu, &case.graph, weights, &plan.packings()).await.unwrap();
    let program = Program::new(gpu, plan, &store).await.unwrap();
    program.write(&case.graph, case.input, values).unwrap();
    for &output in &case.outputs {
        let value = program.stored(&case.graph, output).unwrap();
        gpu.queue().write_buffer(value.buffer, value.offset, &f32::NAN.to_le_bytes().repeat(value.bytes as usize / 4));
    }
    program.submit().await.unwrap();
    program.read(&case.graph, &case.outputs).await.unwrap()
}
