//! Random values have the same bits on every driver.

use crate::{gpu, limited_gpu};
use agf::gpu::{Program, WeightStore};
use agf::graph::{Explain, Graph, Shape, VariationField};
use agf::plan::{Plan, Sharing};

/// Five channels of three pixels, of seed 0x123456789abc and variation 3, times 2^21: by a program of its own in
/// Python's whole numbers.
const EXPECTED: [i32; 15] = [
    -3_673_695, 960_674, 892_641, -140_040, -3_984_279, -4_389_304, 3_287_781, 943_799, 653_727, -1_456_414,
    -4_049_146, -846_791, -383_706, -2_665_772, 3_137_385,
];

#[test]
fn noise_has_the_bits_of_whole_numbers() {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(5, 1, 3)).unwrap();
    let variation = graph.add("variation", Explain::VariationRequest(VariationField::Index), &[]).unwrap();
    let noise = graph.add("noise", Explain::Noise { seed: 0x1234_5678_9abc }, &[input, variation]).unwrap();
    for gpu in [gpu(), limited_gpu()] {
        let found = pollster::block_on(async {
            let plan = Plan::new(&graph, &[noise], 1, gpu.profile(), Sharing::Shared).unwrap();
            let program = Program::new(gpu, plan, &WeightStore::default()).await.unwrap();
            program.write(&graph, variation, &[3.0]).unwrap();
            program.submit().await.unwrap();
            program.read(&graph, &[noise]).await.unwrap().remove(0)
        });
        let expected = EXPECTED.map(|value| value as f32 / 2f32.powi(21));
        assert_eq!(found, expected);
    }
}
