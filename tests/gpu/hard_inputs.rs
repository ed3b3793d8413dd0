//! Pictures on which fast convolution algorithms lose digits, since their rounding errors follow the largest value
//! nearby: most values equal or zero, a few large. The map must stay near the one computed in f64 all the same.

use crate::winograd::everywhere_in;
use agf::Batch;
use agf::gpu::Gpu;
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::plan::kernel::Shader;
use agf::plan::variant::WinogradTile;
use agf::plan::{Plan, Step};
use agf::verify::verify_edited;

const SIZE: u32 = 64;

/// A picture from a function of channel, row and column.
fn picture(value: impl Fn(u32, u32, u32) -> f32) -> Batch {
    let places = (0..3).flat_map(|c| (0..SIZE).flat_map(move |y| (0..SIZE).map(move |x| (c, y, x))));
    Batch::new(1, SIZE, SIZE, places.map(|(c, y, x)| value(c, y, x)).collect())
}

/// A few bits that look random.
fn noise(c: u32, y: u32, x: u32) -> f32 {
    let bits = (c * 7919 + y * 104_729 + x).wrapping_mul(2_654_435_761);
    f32::from((bits >> 16) as u16) / 32768.0 - 1.0
}

/// Every pass by Winograd's algorithm that may be.
fn check(what: &str, batch: &Batch) {
    for architecture in [Architecture::Vgg11, Architecture::ResNet50] {
        for (tile, shader) in
            [(WinogradTile::Two, Shader::WinogradInput2x2), (WinogradTile::Four, Shader::WinogradInput4x4)]
        {
            check_on(&everywhere_in(architecture, [SIZE; 2], tile), what, architecture, batch, shader);
        }
    }
}

fn check_on(gpu: &Gpu, what: &str, architecture: Architecture, batch: &Batch, shader: Shader) {
    let what = format!("{what}, {architecture}, {}", shader.name());
    let model = Model::synthetic(architecture).unwrap();
    let mut transforms = 0;
    let count = |_, plan: &mut Plan| {
        let is_transform = |step: &&Step| step.kernel.shader.file() == shader.file();
        transforms = plan.steps.iter().filter(is_transform).count();
    };
    let verification = pollster::block_on(verify_edited(gpu, &model, &Method::default(), batch, count)).unwrap();
    let failure = verification.first_failure.map(|index| &verification.checked[index]);
    assert!(verification.passed(), "{what}: {failure:#?}");
    assert!(transforms > 0, "{what}: Winograd's algorithm was not used");
    let largest = verification.checked.iter().filter(|check| check.op.contains("transpose"));
    let largest = largest.map(|check| check.relative_error).fold(0.0, f64::max);
    println!("{what}: transposed passes {largest:.1e}, map error {:.1e}", verification.map_error);
    assert!(verification.map_error <= 1e-3, "{what}: {:.1e}", verification.map_error);
}

#[test]
fn a_small_patch_on_a_constant_picture() {
    check(
        "patch",
        &picture(|c, y, x| if (20..26).contains(&y) && (30..36).contains(&x) { 2.5 } else { 0.1 * c as f32 }),
    );
}

#[test]
fn a_large_black_area() {
    check("black", &picture(|c, y, x| if x < 48 { -2.0 - 0.1 * c as f32 } else { 2.0 * noise(c, y, x) }));
}

#[test]
fn single_bright_pixels() {
    check("points", &picture(|c, y, x| if (y * SIZE + x).is_multiple_of(331) { 40.0 + noise(c, y, x) } else { -0.5 }));
}
