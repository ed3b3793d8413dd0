//! Pictures on which fast convolution algorithms lose digits, since their rounding errors follow the largest value nearby: most values
//! equal or zero, a few large. The map must stay near the one computed in f64 all the same.

use crate::gpu;
use agf::Batch;
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::plan::kernel::Shader;
use agf::plan::{Plan, Step};
use agf::verify::verify_edited;

const SIZE: u32 = 64;

/// A picture from a function of channel, row and column.
fn picture(value: impl Fn(u32, u32, u32) -> f32) -> Batch {
    let places = (0..3).flat_map(|c| (0..SIZE).flat_map(move |y| (0..SIZE).map(move |x| (c, y, x))));
    Batch { count: 1, height: SIZE, width: SIZE, data: places.map(|(c, y, x)| value(c, y, x)).collect() }
}

/// A few bits that look random.
fn noise(c: u32, y: u32, x: u32) -> f32 {
    let bits = (c * 7919 + y * 104_729 + x).wrapping_mul(2_654_435_761);
    f32::from((bits >> 16) as u16) / 32768.0 - 1.0
}

fn check(what: &str, batch: &Batch) {
    for architecture in [Architecture::Vgg11, Architecture::ResNet50] {
        let model = Model::synthetic(architecture);
        let mut transforms = 0;
        let count = |plan: &mut Plan| {
            let is_transform = |step: &&Step| step.kernel.shader == Shader::WinogradInput;
            transforms = plan.steps.iter().filter(is_transform).count();
        };
        let verification = pollster::block_on(verify_edited(gpu(), &model, &Method::default(), batch, count)).unwrap();
        let failure = verification.first_failure.map(|index| &verification.checked[index]);
        assert!(verification.passed(), "{what}, {architecture}: {failure:#?}");
        assert!(transforms > 0, "{what}, {architecture}: Winograd's algorithm was not used");
        println!("{what}, {architecture}: map error {:.1e}", verification.map_error);
        assert!(verification.map_error <= 1e-3, "{what}, {architecture}: {:.1e}", verification.map_error);
    }
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
