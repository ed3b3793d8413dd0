//! Node by node against the f64 reference: every model passes, and planted faults are found at the node where they are.

use crate::common::random::Random;
use crate::winograd::everywhere;
use crate::{gpu, limited_gpu, random_batch};
use agf::Batch;
use agf::gpu::Gpu;
use agf::methods::Method;
use agf::methods::relevance::Preset;
use agf::models::weights::Weights;
use agf::models::{Architecture, Model};
use agf::plan::kernel::Shader;
use agf::plan::variant::WinogradTile;
use agf::plan::{DenseKernels, Plan, Profile, Sharing, Step, Strategy, codes};
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

/// Networks that differ from another one only in how often or how wide its blocks are; `AGF_ALL=1` verifies them as well.
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

/// A network with one output: both of its classes' maps, and what becomes of its gradient and relevance on the way to the output.
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

/// Every word of the method's own sums, computed by [`verify`] with the rest: magnitudes before and behind masks among them.
#[test]
fn sums_of_an_audit_are_verified() {
    let model = Model::synthetic(Architecture::TinyVgg).unwrap();
    let batch = random_batch(2, 40, 48);
    let verification = pollster::block_on(verify(gpu(), &model, &Method::default(), &batch)).unwrap();
    let of = |ending: &str| verification.checked.iter().filter(|check| check.name.ends_with(ending)).count();
    assert!(verification.passed() && of(":magnitude") > 0 && of(":total relevance") > 0);
    plant_in(&Method::default(), "sums with their signs", Architecture::TinyVgg, |step| {
        step.label.ends_with(":magnitude") && replace_operation(step, Shader::Reduce, 6, 2)
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
            // On one pixel all of the relevance may be less than the last digit of what a rule adds to it and takes off again.
            let explained =
                verification.map_sensitivity.is_none_or(|by_rounding| by_rounding > 0.1 * verification.map_error);
            assert!(explained, "{architecture} {height}x{width}: {}", verification.map_error);
        }
    }
}

/// Plants a fault in the first step of a kernel that `edit` accepts; verification must name the step's node.
fn plant(what: &str, architecture: Architecture, edit: impl Fn(&mut Step) -> bool) {
    plant_in(&Method::default(), what, architecture, edit);
}

fn plant_in(method: &Method, what: &str, architecture: Architecture, edit: impl Fn(&mut Step) -> bool) {
    plant_on(gpu(), method, what, architecture, edit);
}

fn plant_on(gpu: &Gpu, method: &Method, what: &str, architecture: Architecture, edit: impl Fn(&mut Step) -> bool) {
    plant_in_model(gpu, method, what, &Model::synthetic(architecture).unwrap(), (40, 48), edit);
}

/// The same in any model, for a picture of (height, width).
pub fn plant_in_model(
    gpu: &Gpu,
    method: &Method,
    what: &str,
    model: &Model,
    (height, width): (u32, u32),
    edit: impl Fn(&mut Step) -> bool,
) {
    let batch = random_batch(1, height, width);
    let mut planted = None;
    let edit_plan = |_, plan: &mut Plan| {
        let position = plan.steps.iter_mut().position(&edit).unwrap_or_else(|| panic!("no step for '{what}'"));
        planted = Some(plan.steps[position].label.clone());
    };
    let verification = pollster::block_on(verify_edited(gpu, model, method, &batch, edit_plan)).unwrap();
    let label = planted.unwrap();
    let found = verification.first_failure.map(|index| verification.checked[index].name.clone());
    let found = found.unwrap_or_else(|| panic!("'{what}' at '{label}' was not found"));
    assert!(
        label.ends_with(&found) || label.contains(&found),
        "'{what}' was planted at '{label}' and found at '{found}'"
    );
}

/// The device with all passes of a network's explanation by such tiles that may be, whatever its planner would choose.
fn by_winograd(architecture: Architecture, tile: WinogradTile) -> Gpu {
    let network = architecture.build(40, 48, architecture.default_classes()).unwrap();
    let explanation = Method::default().explain(&network, 1).unwrap();
    let outputs = [explanation.maps[0].map];
    let plan = |profile: &Profile| Plan::new(&explanation.graph, &outputs, 1, profile, Sharing::Shared).unwrap();
    everywhere(gpu(), tile, &mut Random::new(), plan)
}

/// Sets a uniform that has another value; some small layers have this one.
fn set_other(step: &mut Step, name: &'static str, value: u32) -> bool {
    !step.uniforms.fields().contains(&(name, value.into())) && step.uniforms.set(name, value)
}

/// The last layers' maps are one row of patches, which any number of columns leaves where it is.
fn has_one_row(step: &Step) -> bool {
    step.label.contains("features.16") || step.label.contains("features.18")
}

pub fn is(step: &Step, shader: Shader) -> bool {
    step.kernel.shader.file() == shader.file()
}

/// Whether the step's kernel has this value of an overridable constant; if so it takes another one.
pub fn replace_constant(step: &mut Step, shader: Shader, name: &'static str, from: u32, to: u32) -> bool {
    let is_kernel = is(step, shader);
    let constant = step.kernel.constants.iter_mut().find(|constant| is_kernel && **constant == (name, from));
    constant.map(|constant| constant.1 = to).is_some()
}

fn replace_operation(step: &mut Step, shader: Shader, from: u32, to: u32) -> bool {
    replace_constant(step, shader, "OPERATION", from, to)
}

#[test]
fn planted_faults_are_found() {
    use Architecture::{EfficientNetLite0, TinyResNet, TinyVgg, Vgg11};
    let convolution = |step: &Step| is(step, Shader::ConvolutionBroadcast) || is(step, Shader::ConvolutionUniform);
    plant("padding off by one", TinyVgg, |step| convolution(step) && step.uniforms.set("padding_top", 0u32));
    plant("depthwise padding", EfficientNetLite0, |step| {
        is(step, Shader::ConvolutionDepthwise) && step.uniforms.set("padding_left", 3u32)
    });
    plant("dropped epilogue", TinyResNet, |step| {
        convolution(step) && step.label.contains(" + ") && step.uniforms.set("epilogue", codes::EPILOGUE_NONE)
    });
    plant("forward instead of transposed", TinyVgg, |step| {
        step.label.contains("gradient") && convolution(step) && step.uniforms.set("transposed", 0u32)
    });
    plant("swapped operands", TinyVgg, |step| {
        let ratio = is(step, Shader::Binary) && step.kernel.constants.contains(&("OPERATION", codes::BINARY_RATIO));
        if ratio {
            step.values.swap(0, 1);
        }
        ratio
    });
    plant("bounds of an activation", TinyVgg, |step| is(step, Shader::ClampBack) && step.uniforms.set("high", 0.0f32));
    plant("a gradient not scaled", EfficientNetLite0, |step| {
        let scaled = step.uniforms.fields().contains(&("is_scaled", 1u32.into()));
        is(step, Shader::ClampBack) && scaled && step.uniforms.set("is_scaled", 0u32)
    });
    plant("one of two gradients", TinyResNet, |step| {
        let two = step.uniforms.fields().contains(&("has_second", 1u32.into()));
        two && step.uniforms.set("has_second", 0u32)
    });
    plant("swapped summands", TinyResNet, |step| {
        let summands = is(step, Shader::SumRelevance);
        if summands {
            step.values.swap(2, 3);
        }
        summands
    });
    plant("relevance of one reader twice", TinyResNet, |step| {
        let fan_out = is(step, Shader::FanOut);
        if fan_out {
            step.values[2] = step.values[1];
        }
        fan_out
    });
    plant("maps of the first channels", TinyResNet, |step| {
        is(step, Shader::SaliencyMaps) && step.uniforms.set("quads", 1u32)
    });
    // Not the relevance as it is: a pooled value is the largest of its window, so that the ratio rule hands it on whole.
    plant("relevance divided by itself", TinyVgg, |step| {
        let relevance = step.kernel.constants.contains(&("RELEVANCE", 1)) && is(step, Shader::MaxPoolTranspose);
        if relevance {
            step.values[2] = step.values[0];
        }
        relevance
    });
    plant("spread relevance for relevance", TinyResNet, |step| {
        replace_constant(step, Shader::AveragePool, "RELEVANCE", 1, 0)
    });
    plant("minimum for maximum", TinyResNet, |step| {
        replace_operation(step, Shader::Reduce, codes::REDUCE_MAXIMUM, codes::REDUCE_MINIMUM)
    });
    plant("sum of one channel less", TinyVgg, |step| {
        is(step, Shader::Reduce) && step.label.contains("sum R") && step.uniforms.set("channels", 3u32)
    });
    plant("pooling positions for values", TinyVgg, |step| replace_constant(step, Shader::MaxPool, "INDEX", 0, 1));
    plant("a term of the residual", TinyVgg, |step| is(step, Shader::Residual) && step.uniforms.set("agnostic", 0u32));
    plant("no shift", TinyVgg, |step| {
        let shift = is(step, Shader::Shift);
        if shift {
            step.values.swap(2, 3);
        }
        shift
    });
    // Found only while the gate is closed: an open one would replace the copy.
    plant("half a copy", TinyVgg, |step| {
        let masks = is(step, Shader::Mask);
        masks && step.uniforms.set("copy_run", 1u32)
    });
    let by_tiles = by_winograd(Vgg11, WinogradTile::Two);
    let plant_in_tiles = |what: &str, edit: &dyn Fn(&mut Step) -> bool| {
        plant_on(&by_tiles, &Method::default(), what, Vgg11, edit);
    };
    plant_in_tiles("padding of patches", &|step| {
        is(step, Shader::WinogradInput2x2) && step.uniforms.set("padding_left", 0u32)
    });
    plant_in_tiles("patches of another place", &|step| {
        is(step, Shader::WinogradOutput2x2) && !has_one_row(step) && set_other(step, "tile_columns", 3)
    });
    plant_in_tiles("weights of another slice", &|step| {
        step.workgroups[2] == WinogradTile::Two.slices() && step.uniforms.set("weight_slice", 64u32)
    });
    if gpu().profile().strategy.dense == DenseKernels::Broadcast {
        let joint = |step: &Step| is(step, Shader::ConvolutionJoint);
        plant("sums of absolute weights for sums", Vgg11, |step| {
            let joint = joint(step);
            if joint {
                step.values.swap(1, 2);
            }
            joint
        });
        plant("padding of a joint product", Vgg11, |step| joint(step) && step.uniforms.set("padding_left", 0u32));
        plant("pixels of another tile", Vgg11, |step| joint(step) && step.uniforms.set("first_tile", 1u32));
        let product = |step: &Step| is(step, Shader::ProductBroadcast);
        plant("signs of absolute weights", EfficientNetLite0, |step| {
            let is_absolute = step.uniforms.fields().contains(&("absolute_weight", 1u32.into()));
            product(step) && is_absolute && step.uniforms.set("absolute_weight", 0u32)
        });
        plant("pixels without their stride", TinyResNet, |step| {
            let is_spread = step.uniforms.fields().contains(&("column", 2u32.into()));
            product(step) && is_spread && step.uniforms.set("column", 1u32)
        });
        plant("no zeros between them", TinyResNet, |step| {
            let is_zeros =
                is(step, Shader::Binary) && step.kernel.constants.contains(&("OPERATION", codes::BINARY_ZERO));
            is_zeros && step.uniforms.set("pixels", 1u32)
        });
        plant("signs of an absolute source", EfficientNetLite0, |step| {
            let is_absolute = step.uniforms.fields().contains(&("absolute_source", 1u32.into()));
            product(step) && is_absolute && step.uniforms.set("absolute_source", 0u32)
        });
        plant("columns of another tile", Vgg11, |step| product(step) && step.uniforms.set("first_tile", 1u32));
    }
    plant("unwritten rest", TinyVgg, |step| {
        let wide = step.workgroups[1] > 1;
        step.workgroups[1] -= u32::from(wide);
        wide
    });
}

#[test]
fn faults_planted_in_large_winograd_tiles_are_found() {
    let large = by_winograd(Architecture::Vgg11, WinogradTile::Four);
    let plant = |what: &str, edit: &dyn Fn(&mut Step) -> bool| {
        plant_on(&large, &Method::default(), what, Architecture::Vgg11, edit);
    };
    plant("padding of patches", &|step| is(step, Shader::WinogradInput4x4) && step.uniforms.set("padding_left", 0u32));
    plant("patches of another place", &|step| {
        is(step, Shader::WinogradOutput4x4) && !has_one_row(step) && set_other(step, "tile_columns", 3)
    });
    plant("dropped epilogue", &|step| {
        let multiplies = step.uniforms.fields().contains(&("epilogue", codes::EPILOGUE_TIMES_ABSOLUTE.into()));
        is(step, Shader::WinogradOutput4x4) && multiplies && step.uniforms.set("epilogue", codes::EPILOGUE_NONE)
    });
    plant("weights of another slice", &|step| {
        step.workgroups[2] == WinogradTile::Four.slices() && step.uniforms.set("weight_slice", 64u32)
    });
}

#[test]
fn faults_planted_in_other_methods_are_found() {
    use Architecture::{TinyResNet, TinyVgg};
    let method = |name: &str| name.parse::<Method>().unwrap();
    plant_in(&method("smoothgrad"), "another seed", TinyVgg, |step| {
        is(step, Shader::Noise) && step.uniforms.set("seed_low", 1u32)
    });
    plant_in(&method("gradient"), "signs in a map of magnitudes", TinyVgg, |step| {
        is(step, Shader::PlainMap) && step.uniforms.set("absolute", 0u32)
    });
    plant_in(&method("guided-backprop"), "dropped mask of a gradient", TinyVgg, |step| {
        replace_operation(step, Shader::Clamp, codes::CLAMP_GRADIENT, codes::CLAMP_VALUE)
    });
    plant_in(&method("grad-cam"), "rows of another size", TinyVgg, |step| {
        is(step, Shader::Resize) && step.uniforms.set("source_height", 2u32)
    });
    plant_in(&method("fullgrad"), "scale for bias", TinyResNet, |step| {
        is(step, Shader::ChannelAffine)
            && step.label.contains("bias x gradient")
            && step.uniforms.set("operation", codes::AFFINE_SCALE)
    });
    plant_in(&method("fullgrad"), "unscaled magnitudes", TinyVgg, |step| {
        replace_constant(step, Shader::ChannelSum, "SCALED", 1, 0)
    });
    plant_in(&method("fullgrad"), "smallest value for smallest magnitude", TinyVgg, |step| {
        replace_operation(step, Shader::Reduce, codes::REDUCE_MINIMUM_ABSOLUTE, codes::REDUCE_MINIMUM)
    });
}
