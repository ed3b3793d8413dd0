//! Weights kept as f16: against the reference with the same rounded weights, at the tolerances of f32, and with the
//! bits of an f32 run of them.

use crate::{gpu, limited_gpu, random_batch, targets};
use agf::gpu::Gpu;
use agf::methods::Method;
use agf::models::{Architecture, Model, Precision};
use agf::plan::DenseKernels;
use agf::plan::kernel::Shader;
use agf::verify::verify_edited;
use agf::{Batch, Explainer};
use std::collections::BTreeSet;

fn half(architecture: Architecture) -> Model {
    Model::synthetic(architecture).unwrap().with_precision(Precision::F16Weights).unwrap()
}

/// The shaders that read f16.
fn verify(gpu: &Gpu, architecture: Architecture, method: &Method, batch: &Batch) -> BTreeSet<Shader> {
    let mut shaders = BTreeSet::new();
    let look = |_, plan: &mut agf::plan::Plan| {
        let kernels = plan.kernels();
        let of_half = kernels.iter().filter(|kernel| kernel.constants.contains(&("HALF_WEIGHTS", 1)));
        shaders.extend(of_half.map(|kernel| kernel.shader));
    };
    let verification = pollster::block_on(verify_edited(gpu, &half(architecture), method, batch, look)).unwrap();
    let failure = verification.first_failure.map(|index| &verification.checked[index]);
    assert!(verification.passed(), "{architecture} {method}: {failure:#?}");
    shaders
}

#[test]
fn f16_weights_pass_at_the_tolerances_of_f32() {
    let batch = random_batch(2, 40, 48);
    let mut shaders = BTreeSet::new();
    for device in [gpu(), limited_gpu()] {
        for architecture in [Architecture::TinyVgg, Architecture::TinyResNet] {
            shaders.extend(verify(device, architecture, &Method::default(), &batch));
        }
    }
    // Layers of the size that joint products are for.
    shaders.extend(verify(gpu(), Architecture::Vgg11, &Method::default(), &random_batch(1, 40, 48)));
    let mut expected = BTreeSet::from([Shader::Linear, Shader::LinearTranspose]);
    for device in [gpu(), limited_gpu()] {
        expected.extend(match device.profile().strategy.dense {
            DenseKernels::Uniform => vec![Shader::ConvolutionUniform],
            DenseKernels::Broadcast => {
                vec![Shader::ConvolutionBroadcast, Shader::ConvolutionJoint, Shader::ProductBroadcast]
            }
            DenseKernels::Tiled => vec![Shader::ConvolutionTiled],
        });
    }
    assert_eq!(shaders, expected);
}

/// Rules with positive and negative parts, squared weights and folded batch normalisations.
#[test]
fn f16_weights_pass_in_relevance_methods() {
    let batch = random_batch(1, 40, 48);
    for name in ["lrp", "lrp-ab", "rap"] {
        verify(gpu(), Architecture::TinyResNet, &name.parse().unwrap(), &batch);
    }
}

fn maps(gpu: &Gpu, model: &Model, batch: &Batch) -> Vec<agf::Explained> {
    let mut explainer = Explainer::new(gpu, model, Method::default());
    pollster::block_on(explainer.explain(batch, &targets(&[1], batch.count))).unwrap().0
}

/// f16 holds the rounded weights exactly, so how they are kept changes no bit.
#[test]
fn maps_have_the_bits_of_rounded_weights_in_f32() {
    let batch = random_batch(1, 40, 48);
    for architecture in [Architecture::TinyVgg, Architecture::TinyResNet] {
        for device in [gpu(), limited_gpu()] {
            let found = maps(device, &half(architecture), &batch);
            let rounded = half(architecture).with_precision(Precision::F32).unwrap();
            assert!(found == maps(device, &rounded, &batch), "{architecture}: other bits");
            assert!(
                found != maps(device, &Model::synthetic(architecture).unwrap(), &batch),
                "{architecture}: nothing was rounded"
            );
        }
    }
}
