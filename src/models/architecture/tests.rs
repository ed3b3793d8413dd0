//! Roles and parameters of every architecture.

use super::*;
use crate::graph::{Forward, Op, Role, RoleChoice};

/// The roles that each family's convolutions have, by their names: where 1x1 kernels and the ends of branches are is
/// spelled out.
fn written_role(architecture: Architecture, name: &str) -> Role {
    use Architecture as A;
    let layer = name.rsplit('.').next().unwrap_or_default();
    let is_first = matches!(name, "features.0" | "features.0.0" | "features.conv0" | "conv1" | "_conv_stem");
    let is_flat = match architecture {
        A::AlexNet | A::TinyVgg => false,
        A::Vgg11 | A::Vgg11Bn | A::Vgg13 | A::Vgg13Bn | A::Vgg16 | A::Vgg16Bn | A::Vgg19 | A::Vgg19Bn => false,
        A::EfficientNetLite0
        | A::EfficientNetLite1
        | A::EfficientNetLite2
        | A::EfficientNetLite3
        | A::EfficientNetLite4 => layer != "_depthwise_conv",
        A::ResNet18 | A::ResNet34 => layer == "conv2" || name.contains("downsample"),
        A::TinyResNet if name.starts_with("layer2.") => layer == "conv2" || name.contains("downsample"),
        A::ResNet50
        | A::ResNet101
        | A::ResNet152
        | A::WideResNet50_2
        | A::WideResNet101_2
        | A::ResNeXt50_32x4d
        | A::ResNeXt101_32x8d
        | A::ResNeXt101_64x4d
        | A::TinyResNet => layer != "conv2",
        A::SqueezeNet1_0 | A::SqueezeNet1_1 => layer != "expand3x3",
        A::DenseNet121 | A::DenseNet161 | A::DenseNet169 | A::DenseNet201 => layer != "conv2",
        // The first block does not expand, so that its depthwise convolution stands first.
        A::MobileNetV2 => !name.ends_with(".conv.1.0") && name != "features.1.conv.0.0",
    };
    match (is_first, is_flat) {
        (true, _) => Role::First,
        (false, true) => Role::Flat,
        (false, false) => Role::Full,
    }
}

#[test]
fn roles_follow_from_kernels_and_sums() {
    for architecture in Architecture::ALL {
        let network = architecture.build(64, 64, 10).unwrap();
        let mut convolutions = 0;
        for node in network.graph.nodes() {
            let Op::Forward(Forward::Convolve { layer, .. }) = node.op else { continue };
            convolutions += 1;
            let expected = written_role(architecture, &node.name);
            assert_eq!(network.graph.role(layer), expected, "{architecture}: {}", node.name);
        }
        assert!(convolutions >= 3, "{architecture} has {convolutions} convolutions");
    }
}

#[test]
fn chosen_roles_overrule_those_of_the_graph() {
    let choices = ["features.1*=flat", "features.13 = full"].map(|text| text.parse().unwrap());
    let recipe = Architecture::Vgg11.recipe(10).unwrap().with_roles(choices.into()).unwrap();
    let network = recipe.build(32, 32).unwrap();
    let flat = network.graph.nodes().iter().filter(|node| match node.op {
        Op::Forward(Forward::Convolve { layer, .. }) => network.graph.role(layer) == Role::Flat,
        _ => false,
    });
    let names: Vec<&str> = flat.map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["features.11", "features.16", "features.18"]);
    for text in ["conv1", "conv1=", "conv1=whole", "=full", ""] {
        assert!(text.parse::<RoleChoice>().unwrap_err().to_string().contains("first, full, flat"), "{text}");
    }
    let error = recipe.with_roles(vec!["convolution=full".parse().unwrap()]).unwrap_err().to_string();
    assert!(error.contains("'convolution'") && error.contains("features.0"), "{error}");
}
