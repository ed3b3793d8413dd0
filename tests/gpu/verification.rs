//! Node by node against the f64 reference: every model and method passes.

use crate::planted_faults::{is, plant_in};
use crate::{gpu, limited_gpu, random_batch};
use agf::Batch;
use agf::gpu::Gpu;
use agf::graph::{Forward, Graph, Network, Shape};
use agf::image::InputSpec;
use agf::methods::Method;
use agf::methods::relevance::Preset;
use agf::models::weights::{Tensor, Weights};
use agf::models::{Architecture, Model, Recipe};
use agf::plan::kernel::Shader;
use agf::plan::{Plan, Sharing, Strategy};
use agf::verify::{NOTABLE_MAP_ERROR, verify, verify_edited};

fn check(gpu: &Gpu, architecture: Architecture, method: &Method, count: u32) {
    // AlexNet's pools need 63 pixels.
    let [height, width] = if architecture == Architecture::AlexNet { [64, 72] } else { [40, 48] };
    let batch = random_batch(count, height, width);
    let verification =
        pollster::block_on(verify(gpu, &Model::synthetic(architecture).unwrap(), method, &batch)).unwrap();
    let failure = verification.first_failure.map(|index| &verification.checked[index]);
    let words = verification.stray_words;
    assert!(verification.passed(), "{architecture} {method}: {failure:#?}, {words} stray words");
    println!("{architecture} {method}: {} nodes, map error {:.1e}", verification.checked.len(), verification.map_error);
}

/// Networks that differ from another one only in how often or how wide its blocks are; `AGF_ALL=1` verifies them as
/// well.
fn repeats_another(architecture: Architecture) -> bool {
    use Architecture::{
        DenseNet161, DenseNet169, DenseNet201, EfficientNetLite1, EfficientNetLite2, EfficientNetLite3,
    };
    use Architecture::{ResNeXt101_32x8d, ResNeXt101_64x4d, SqueezeNet1_0, WideResNet101_2};
    let of_efficient = [EfficientNetLite1, EfficientNetLite2, EfficientNetLite3].contains(&architecture);
    let of_dense = [DenseNet161, DenseNet169, DenseNet201].contains(&architecture);
    let others = [ResNeXt101_32x8d, ResNeXt101_64x4d, SqueezeNet1_0, WideResNet101_2];
    of_efficient || of_dense || others.contains(&architecture)
}

#[test]
fn every_model_passes() {
    let all = std::env::var_os("AGF_ALL").is_some();
    for architecture in Architecture::ALL.into_iter().filter(|&architecture| all || !repeats_another(architecture)) {
        check(gpu(), architecture, &Method::default(), 1);
    }
}

#[test]
fn limited_models_pass() {
    use Architecture::{EfficientNetLite0, ResNet18, TinyResNet, TinyVgg, Vgg11Bn};
    for architecture in [EfficientNetLite0, ResNet18, TinyResNet, TinyVgg, Vgg11Bn] {
        check(limited_gpu(), architecture, &Method::default(), 2);
    }
}

/// What graphics cards run, on this driver.
#[test]
fn plans_of_graphics_cards_pass() {
    use Architecture::{EfficientNetLite0, ResNet50, TinyResNet, TinyVgg};
    let card = gpu().with_strategy(Strategy::GRAPHICS_CARD);
    for (architecture, count) in [(TinyVgg, 3), (TinyResNet, 2), (EfficientNetLite0, 2), (ResNet50, 1)] {
        check(&card, architecture, &Method::default(), count);
    }
    check(&card, TinyResNet, &"fullgrad".parse().unwrap(), 2);
}

#[test]
fn every_method_passes() {
    use Architecture::{EfficientNetLite0, SqueezeNet1_1, TinyResNet, TinyVgg, Vgg11Bn};
    for method in Method::ALL {
        for (architecture, count) in
            [(TinyVgg, 2), (TinyResNet, 2), (Vgg11Bn, 1), (EfficientNetLite0, 1), (SqueezeNet1_1, 1)]
        {
            check(gpu(), architecture, method, count);
        }
        check(limited_gpu(), TinyResNet, method, 3);
    }
}

/// A network with one output: both of its classes' maps, and what becomes of its gradient and relevance on the way to
/// the output.
#[test]
fn one_output_passes() {
    let recipe = Architecture::TinyVgg.recipe(1).unwrap();
    assert_eq!((recipe.classes(), recipe.labels().name(0), recipe.labels().name(1)), (2, "positive", "negative"));
    let weights = Weights::synthetic(recipe.parameters());
    let model = Model::new(recipe, weights, "synthetic".into());
    for (gpu, count) in [(gpu(), 1), (limited_gpu(), 3)] {
        for method in [Method::default(), Method::Relevance(Preset::Lrp), Method::FullGrad] {
            let verification = pollster::block_on(verify(gpu, &model, &method, &random_batch(count, 40, 48))).unwrap();
            let failure = verification.first_failure.map(|index| &verification.checked[index]);
            assert!(verification.passed(), "{method}: {failure:#?}, {} stray words", verification.stray_words);
            let is_checked = |name: &str| verification.checked.iter().any(|check| check.op == name);
            assert!(is_checked("logit_pair"), "{method}");
            assert_eq!(is_checked("logit_pair_gradient"), method != Method::Relevance(Preset::Lrp), "{method}");
        }
    }
}

/// What a single output adds up may cancel, where there are no other outputs that do not.
#[test]
fn one_output_that_cancels_passes() {
    let build = |height: u32, width: u32| {
        let mut graph = Graph::new();
        let input = graph.input(Shape::new(3, height, width))?;
        let x = graph.add("pooled", Forward::AveragePool { height: 2, width: 2 }, &[input])?;
        let logits = graph.linear("last", 1, x)?;
        Network::new(graph, input, logits)
    };
    let input = InputSpec { height: 6, width: 6, ..Architecture::TinyVgg.recipe(10).unwrap().input_spec() };
    let recipe = Recipe::new("cancelling", input, build).unwrap();
    let mut weights: Vec<f32> = (0..12).map(|index| (0.37 * index as f32).sin()).collect();
    weights[11] -= weights.iter().sum::<f32>() - 1e-6;
    let tensor = |shape: &[usize], data: Vec<f32>| Tensor::new(shape, data).unwrap();
    let tensors = [("last.weight", tensor(&[1, 12], weights)), ("last.bias", tensor(&[1], vec![0.0]))];
    let tensors = tensors.map(|(name, tensor)| (name.to_string(), tensor)).into();
    let weights = Weights::from_tensors(tensors, recipe.parameters()).unwrap();
    let model = Model::new(recipe, weights, "synthetic".into());
    let batch = Batch::new(1, 6, 6, vec![0.7; 108]);
    let verification = pollster::block_on(verify(gpu(), &model, &Method::Gradient, &batch)).unwrap();
    let failure = verification.first_failure.map(|index| &verification.checked[index]);
    assert!(verification.passed(), "{failure:#?}");
}

/// Gradients are seldom masked where they are not zero, so gates are nearly always closed: here all are open.
#[test]
fn gated_passes_compute_what_they_stand_for() {
    for architecture in [Architecture::TinyVgg, Architecture::Vgg11, Architecture::EfficientNetLite0] {
        let mut opened = 0;
        let open = |_, plan: &mut Plan| {
            for step in &mut plan.steps {
                let gated = step.uniforms.fields().iter().any(|(name, value)| *name == "gate" && *value != 0u32.into());
                opened += usize::from(gated && step.uniforms.set("gate", 0u32));
            }
        };
        let model = Model::synthetic(architecture).unwrap();
        let batch = random_batch(2, 40, 48);
        let verification = pollster::block_on(verify_edited(gpu(), &model, &Method::default(), &batch, open)).unwrap();
        let failure = verification.first_failure.map(|index| &verification.checked[index]);
        assert!(verification.passed(), "{architecture}: {failure:#?}, {} stray words", verification.stray_words);
        assert!(opened > 0, "{architecture}: no gated step");
    }
}

/// Every word of the method's own sums, computed by [`verify`] with the rest: magnitudes before and behind masks among
/// them.
#[test]
fn sums_of_an_audit_are_verified() {
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    let batch = random_batch(2, 40, 48);
    let verification = pollster::block_on(verify(gpu(), &model, &Method::default(), &batch)).unwrap();
    let of = |ending: &str| verification.checked.iter().filter(|check| check.name.ends_with(ending)).count();
    assert!(verification.passed() && of(":magnitude") > 0 && of(":total relevance") > 0);
    plant_in(&Method::default(), "sums of a part", Architecture::TinyVgg, |step| {
        is(step, Shader::ValueSums) && step.uniforms.set("least_run", 1u32)
    });
}

/// A value that lies where another is still needed: only sharing shows it, and the results that it changes are named.
#[test]
fn values_that_share_memory_too_early_are_found() {
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    let batch = random_batch(1, 40, 48);
    let edit = |sharing, plan: &mut Plan| {
        if sharing == Sharing::Shared {
            let value = |name: &str| plan.values.iter().position(|value| value.name == name).unwrap();
            let [logits, input] = ["classifier.3", "input"].map(value);
            plan.places[logits] = plan.places[input];
        }
    };
    let verification = pollster::block_on(verify_edited(gpu(), &model, &Method::default(), &batch, edit)).unwrap();
    assert_eq!(verification.first_failure, None);
    assert!(!verification.passed() && !verification.changed_by_sharing.is_empty());
}

/// Pictures so small that activations clamp nearly all there is: what a good driver is off by follows what they clamp.
#[test]
fn tiny_pictures_pass() {
    for (height, width) in [(1, 1), (1, 2), (5, 5), (8, 8)] {
        for architecture in [Architecture::EfficientNetLite0, Architecture::TinyResNet] {
            let model = match architecture {
                Architecture::EfficientNetLite0 => Model::embedded().unwrap(),
                other => Model::synthetic(other).unwrap(),
            };
            // What `agf-run verify` shows the network.
            let value = |at: u32| (at.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 22) as f32 - 2.0;
            let batch = Batch::new(1, height, width, (0..3 * height * width).map(value).collect());
            let verification = pollster::block_on(verify(gpu(), &model, &Method::default(), &batch)).unwrap();
            let failure = verification.first_failure.map(|index| &verification.checked[index]);
            assert!(verification.passed(), "{architecture} {height}x{width}: {failure:#?}");
            let is_notable = verification.map_error > NOTABLE_MAP_ERROR;
            assert_eq!(verification.map_sensitivity.is_some(), is_notable, "{architecture} {height}x{width}");
            // On one pixel all of the relevance may be less than the last digit of what a rule adds to it and takes off
            // again.
            let explained =
                verification.map_sensitivity.is_none_or(|by_rounding| by_rounding > 0.1 * verification.map_error);
            assert!(explained, "{architecture} {height}x{width}: {}", verification.map_error);
        }
    }
}
