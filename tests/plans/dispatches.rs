//! How many dispatches there are, and what their lanes keep.

use crate::plan_for;
use agf::graph::{Activation, Convolution, Forward, Graph, Network, Shape, Window};
use agf::methods::Method;
use agf::models::Architecture;
use agf::plan::kernel::Shader;
use agf::plan::{Facts, Plan, Profile, Sharing, Strategy};
use agf::wiring::{Wanted, Wiring};

/// A dependent dispatch costs a graphics card 2 to 8 us, whatever it does. So many steps take an explanation, and so
/// many of these add the sums of products that are split.
#[test]
fn an_explanation_is_few_dispatches() {
    let counts = [Architecture::EfficientNetLite0, Architecture::ResNet50, Architecture::Vgg19].map(|architecture| {
        let plan = plan_for(&Profile::WEBGPU, architecture, [224, 224], 1);
        let sums = plan.steps.iter().filter(|step| step.kernel.shader == Shader::SplitSum).count();
        (plan.steps.len(), sums)
    });
    assert_eq!(counts, [(455, 67), (572, 162), (351, 51)]);
}

/// An audit's sums, of up to seven values each, add so many.
#[test]
fn an_audit_is_few_dispatches() {
    let counts = [Architecture::EfficientNetLite0, Architecture::ResNet50, Architecture::Vgg19].map(|architecture| {
        let network = architecture.build(224, 224, architecture.default_classes()).unwrap();
        [false, true].map(|audit| {
            let wiring = Wiring::new(&network, &Method::default(), Wanted { slots: 1, audit }).unwrap();
            wiring.plan(1, &Profile::WEBGPU, Sharing::Shared).unwrap().steps.len()
        })
    });
    assert_eq!(counts, [[455, 469], [572, 592], [351, 366]]);
}

/// Where partial sums of all values do not fit a binding, each sum is made by itself.
#[test]
fn sums_of_many_small_values_are_made_apart() {
    let mut graph = Graph::new();
    let input = graph.input(Shape::new(4, 8, 8)).unwrap();
    let x = (0..60).fold(input, |x, index| {
        let (name, window) = (format!("layer.{index}"), Window::square(3, 1, 1));
        let layer = Convolution { name, input_channels: 4, output_channels: 4, window, groups: 1, bias: true };
        let x = graph.convolve(layer, x).unwrap();
        graph.add("relu", Forward::Clamp(Activation::Relu), &[x]).unwrap()
    });
    let pooled = graph.add("pool", Forward::AveragePool { height: 1, width: 1 }, &[x]).unwrap();
    let logits = graph.linear_without_bias("last", 4, pooled).unwrap();
    let network = Network::new(graph, input, logits).unwrap();
    let wiring = Wiring::new(&network, &Method::default(), Wanted { slots: 1, audit: true }).unwrap();
    let plan = |max_binding_bytes| {
        let profile = Profile::WEBGPU.with_facts(Facts { max_binding_bytes, ..Facts::WEBGPU });
        wiring.plan(2, &profile, Sharing::Shared).unwrap()
    };
    let steps = |plan: &Plan, shader| plan.steps.iter().filter(|step| step.kernel.shader == shader).count();
    let together = plan(Facts::WEBGPU.max_binding_bytes);
    assert!(steps(&together, Shader::ValueSums) > 0 && steps(&together, Shader::ValueTotals) == 1);
    let is_sums = |name: &str| name.ends_with("sums") || name.ends_with("(partial)");
    let others = together.values.iter().filter(|value| !is_sums(&value.name));
    let apart = plan(others.map(|value| value.bytes).max().unwrap());
    assert_eq!(steps(&apart, Shader::ValueSums) + steps(&apart, Shader::ValueTotals), 0);
}

/// Where lanes have few registers, none keeps more than 32 sums of a convolution, of both levels.
#[test]
fn lanes_of_few_registers_keep_few_sums() {
    let profile = Profile::WEBGPU.with_strategy(Strategy::SMALL_GRAPHICS_CARD);
    for architecture in [Architecture::EfficientNetLite0, Architecture::ResNet50, Architecture::Vgg19] {
        let plan = plan_for(&profile, architecture, [224, 224], 1);
        let mut tiled = 0;
        for step in &plan.steps {
            let of =
                |name| step.kernel.constants.iter().find(|(known, _)| *known == name).map_or(0, |&(_, value)| value);
            let levels = 1 + of("TWO_LEVELS");
            let sums = match step.kernel.shader {
                Shader::ConvolutionTiled => 16 * of("ROW_QUADS") * of("PIXEL_QUADS"),
                Shader::ConvolutionUniform => 8 * of("ROW_TILES") * of("PIXELS"),
                _ => continue,
            };
            assert!(levels * sums <= 32, "{}: {levels} levels of {sums} sums", step.label);
            tiled += usize::from(step.kernel.shader == Shader::ConvolutionTiled);
        }
        assert!(tiled > 50, "{architecture}: {tiled} steps by tiles");
    }
}
