//! Networks run with values that share memory: the bits must be those of values that have a place each.

use crate::{gpu, random_batch};
use agf::gpu::{Program, WeightStore};
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::plan::Sharing;
use agf::wiring::{Wanted, Wiring};
use agf::{Batch, Gpu};

/// The bits of everything that a wiring gives for pictures.
async fn bits(
    gpu: &Gpu,
    wiring: &Wiring,
    batch: &Batch,
    sharing: Sharing,
    store: &mut WeightStore,
    model: &Model,
) -> Vec<Vec<u32>> {
    let graph = &wiring.graph;
    let plan = wiring.plan(batch.count, gpu.profile(), sharing).unwrap();
    store.upload(gpu, graph, &model.weights, &plan.packings()).await.unwrap();
    let program = Program::new(gpu, plan, store).await.unwrap();
    program.write(graph, wiring.input, &batch.data).unwrap();
    let requests = wiring.slots.iter().map(|slot| (slot.request, -1.0));
    let variations = wiring.variations.iter().map(|&(_, node)| (node, 0.5));
    requests
        .chain(variations)
        .for_each(|(node, value)| program.write(graph, node, &vec![value; batch.count as usize]).unwrap());
    program.submit().await.unwrap();
    let values = program.read(graph, &wiring.outputs()).await.unwrap();
    values.into_iter().map(|values| values.into_iter().map(f32::to_bits).collect()).collect()
}

/// One network of each kind. Deeper ones repeat their blocks, and VGG's linear layers take minutes to pack for all
/// methods; they run by the default method in `verification.rs`, and the plans of all are walked without a GPU.
/// `AGF_ALL=1` runs all networks, for half an hour.
fn architectures() -> Vec<Architecture> {
    use Architecture::{EfficientNetLite0, ResNet18, ResNet50, TinyResNet, TinyVgg};
    match std::env::var_os("AGF_ALL") {
        Some(_) => Architecture::ALL.to_vec(),
        None => vec![TinyVgg, TinyResNet, EfficientNetLite0, ResNet18, ResNet50],
    }
}

/// By every method, two classes of each picture.
#[test]
fn shared_memory_changes_no_bits() {
    for architecture in architectures() {
        let started = std::time::Instant::now();
        let model = Model::synthetic(architecture).unwrap();
        let (network, batch) = (model.build(32, 32).unwrap(), random_batch(2, 32, 32));
        let mut store = WeightStore::default();
        for method in Method::ALL.iter() {
            let wiring = Wiring::new(&network, method, Wanted { slots: 2, audit: true }).unwrap();
            let mut run = |sharing| pollster::block_on(bits(gpu(), &wiring, &batch, sharing, &mut store, &model));
            let (separate, shared) = (run(Sharing::Separate), run(Sharing::Shared));
            for (output, (separate, shared)) in wiring.outputs().into_iter().zip(separate.iter().zip(&shared)) {
                assert!(
                    separate == shared,
                    "{architecture} by {method}: {} has other bits",
                    wiring.graph.node(output).name
                );
            }
            assert!(shared[0].iter().any(|&bits| bits << 1 != 0), "{architecture} by {method}: no logits");
        }
        println!("{architecture}: {:.1} s", started.elapsed().as_secs_f64());
    }
}
