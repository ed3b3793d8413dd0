//! Tests that run on a device. Without one they fail: install a software driver with `tools/setup.sh`.

#[path = "../common/mod.rs"]
mod common;

mod activations;
mod architectures;
mod audits;
mod channels;
mod convolutions;
mod display;
mod evaluations;
mod faults;
mod geometry;
mod goldens;
mod hard_inputs;
mod memory;
mod methods;
mod neighbours;
mod noise;
mod onnx;
mod photos;
mod pixels;
mod planted_faults;
mod precision;
mod properties;
mod random_networks;
mod relevance;
mod self_supervised;
mod sessions;
mod sharing;
mod tiled;
mod traces;
mod tuning;
mod verification;
mod winograd;
mod without_class;

use agf::gpu::{Gpu, Selection};
use agf::plan::Strategy;
use agf::{Batch, Target};
use common::goldens::Golden;
use std::sync::OnceLock;

/// A new device of the default adapter with all that it offers. With `AGF_PLANS=card` it plans as a graphics card does,
/// whatever it is.
fn own_gpu() -> Gpu {
    let gpu = pollster::block_on(Gpu::open(&Selection::default())).unwrap();
    match std::env::var("AGF_PLANS").as_deref() {
        Err(_) => gpu,
        Ok("card") => gpu.with_strategy(Strategy::GRAPHICS_CARD),
        Ok(other) => panic!("AGF_PLANS={other}: there is card"),
    }
}

/// One such device for all tests.
fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(own_gpu)
}

/// The default adapter with WebGPU's default limits and no optional feature.
fn limited_gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    let selection = Selection { webgpu_limits: true, ..Default::default() };
    GPU.get_or_init(|| pollster::block_on(Gpu::open(&selection)).unwrap())
}

/// A golden's input.
fn batch_of(golden: &Golden) -> Batch {
    let input = golden.tensor("input");
    let [count, height, width] = [0, 2, 3].map(|dimension| input.shape[dimension] as u32);
    Batch::new(count, height, width, input.values.clone())
}

/// Fresh random pictures.
fn random_batch(count: u32, height: u32, width: u32) -> Batch {
    let mut random = common::random::Random::new();
    let values = random.values((count * 3 * height * width) as usize);
    Batch::new(count, height, width, values.into_iter().map(|value| (2.0 * value) as f32).collect())
}

/// The same classes for every picture.
fn targets(classes: &[u32], count: u32) -> Vec<Vec<Target>> {
    vec![classes.iter().map(|&class| Target::Class(class)).collect(); count as usize]
}
