//! Faults that are planted in a plan: verification finds each at the node where it is.

use crate::winograd::everywhere_in;
use crate::{gpu, random_batch};
use agf::gpu::Gpu;
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::plan::kernel::Shader;
use agf::plan::variant::WinogradTile;
use agf::plan::{DenseKernels, Plan, Step, codes};
use agf::verify::verify_edited;

/// Plants a fault in the first step of a kernel that `edit` accepts; verification must name the step's node.
fn plant(what: &str, architecture: Architecture, edit: impl Fn(&mut Step) -> bool) {
    plant_in(&Method::default(), what, architecture, edit);
}

pub fn plant_in(method: &Method, what: &str, architecture: Architecture, edit: impl Fn(&mut Step) -> bool) {
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

/// Sets a uniform that has another value; some small layers have this one.
fn set_other(step: &mut Step, name: &'static str, value: u32) -> bool {
    !step.uniforms.fields().contains(&(name, value.into())) && step.uniforms.set(name, value)
}

/// Whether it multiplies the slices of transformed patches, each by weights of its own.
fn has_slices(step: &Step) -> bool {
    !step.uniforms.fields().contains(&("weight_slice", 0u32.into()))
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

pub fn replace_operation(step: &mut Step, shader: Shader, from: u32, to: u32) -> bool {
    replace_constant(step, shader, "OPERATION", from, to)
}

#[test]
fn planted_faults_are_found() {
    use Architecture::{EfficientNetLite0, TinyResNet, TinyVgg, Vgg11};
    let convolution = |step: &Step| {
        let dense = [Shader::ConvolutionBroadcast, Shader::ConvolutionUniform, Shader::ConvolutionTiled];
        dense.into_iter().any(|shader| is(step, shader))
    };
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
    plant("a box without an upper end", TinyVgg, |step| {
        is(step, Shader::BoxRatio) && step.uniforms.set("maximum_runs", 0u32)
    });
    for (what, [a, b]) in [("parts of a box's weights", [2, 3]), ("ends of a box", [4, 5])] {
        plant(what, TinyVgg, |step| {
            let ratio = is(step, Shader::BoxRatio);
            if ratio {
                step.values.swap(a, b);
            }
            ratio
        });
    }
    plant("maps of the first channels", TinyResNet, |step| {
        is(step, Shader::SaliencyMaps) && step.uniforms.set("quads", 1u32)
    });
    // Not the relevance as it is: a pooled value is the largest of its window, so that the ratio rule hands it on
    // whole.
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
    // Of a picture whose largest value is no partial result: those are seen where they are read.
    let resnet = Model::synthetic(TinyResNet).unwrap();
    plant_in_model(gpu(), &Method::default(), "minimum for maximum", &resnet, (24, 32), |step| {
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
    let by_tiles = everywhere_in(Vgg11, [40, 48], WinogradTile::Two);
    let plant_in_tiles = |what: &str, edit: &dyn Fn(&mut Step) -> bool| {
        plant_on(&by_tiles, &Method::default(), what, Vgg11, edit);
    };
    plant_in_tiles("padding of patches", &|step| {
        is(step, Shader::WinogradInput2x2) && step.uniforms.set("padding_left", 0u32)
    });
    plant_in_tiles("patches of another place", &|step| {
        is(step, Shader::WinogradOutput2x2) && !has_one_row(step) && set_other(step, "tile_columns", 3)
    });
    plant_in_tiles("weights of another slice", &|step| has_slices(step) && set_other(step, "weight_slice", 64));
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
    let large = everywhere_in(Architecture::Vgg11, [40, 48], WinogradTile::Four);
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
    plant("weights of another slice", &|step| has_slices(step) && set_other(step, "weight_slice", 64));
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
