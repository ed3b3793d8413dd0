//! The architectures that are known by name, and their recipes.

use super::efficientnet_lite;
use super::fit::Naming;
use super::resnet::{self, Block, ResNet, Stage};
use super::vgg::{self, Vgg};
use super::{Filter, InputSpec, Labels, Recipe};
use crate::graph::parameter::Parameter;
use crate::graph::{GraphError, Network, Shape};
use std::fmt;
use std::str::FromStr;

/// A network architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// EfficientNet-Lite0, the embedded model.
    EfficientNetLite0,
    /// VGG-11.
    Vgg11,
    /// VGG-11 with batch normalisation.
    Vgg11Bn,
    /// VGG-13.
    Vgg13,
    /// VGG-13 with batch normalisation.
    Vgg13Bn,
    /// VGG-16.
    Vgg16,
    /// VGG-16 with batch normalisation.
    Vgg16Bn,
    /// VGG-19.
    Vgg19,
    /// VGG-19 with batch normalisation.
    Vgg19Bn,
    /// ResNet-18, basic blocks.
    ResNet18,
    /// ResNet-34, basic blocks.
    ResNet34,
    /// ResNet-50, bottleneck blocks.
    ResNet50,
    /// ResNet-101, bottleneck blocks.
    ResNet101,
    /// ResNet-152, bottleneck blocks.
    ResNet152,
    /// Three convolutions and two linear layers, for tests.
    TinyVgg,
    /// Two bottlenecks and two basic blocks, for tests.
    TinyResNet,
}

impl Architecture {
    /// Every architecture, the embedded model's first.
    pub const ALL: [Architecture; 16] = [
        Self::EfficientNetLite0,
        Self::Vgg11,
        Self::Vgg11Bn,
        Self::Vgg13,
        Self::Vgg13Bn,
        Self::Vgg16,
        Self::Vgg16Bn,
        Self::Vgg19,
        Self::Vgg19Bn,
        Self::ResNet18,
        Self::ResNet34,
        Self::ResNet50,
        Self::ResNet101,
        Self::ResNet152,
        Self::TinyVgg,
        Self::TinyResNet,
    ];

    /// Name as users write it, e.g. `vgg16_bn`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EfficientNetLite0 => "efficientnet_lite0",
            Self::Vgg11 => "vgg11",
            Self::Vgg11Bn => "vgg11_bn",
            Self::Vgg13 => "vgg13",
            Self::Vgg13Bn => "vgg13_bn",
            Self::Vgg16 => "vgg16",
            Self::Vgg16Bn => "vgg16_bn",
            Self::Vgg19 => "vgg19",
            Self::Vgg19Bn => "vgg19_bn",
            Self::ResNet18 => "resnet18",
            Self::ResNet34 => "resnet34",
            Self::ResNet50 => "resnet50",
            Self::ResNet101 => "resnet101",
            Self::ResNet152 => "resnet152",
            Self::TinyVgg => "tiny_vgg",
            Self::TinyResNet => "tiny_resnet",
        }
    }

    /// Number of classes of the published weights.
    pub const fn default_classes(self) -> u32 {
        match self {
            Self::TinyVgg | Self::TinyResNet => 10,
            _ => 1000,
        }
    }

    /// The recipe of this architecture with `classes` logits. Classes have ImageNet's names where the published weights have these
    /// classes and the number is theirs, otherwise numbers.
    ///
    /// # Errors
    /// [`GraphError`] where the network cannot be built.
    pub fn recipe(self, classes: u32) -> Result<Recipe, GraphError> {
        let build = move |height, width| self.build(height, width, classes);
        let recipe = Recipe::new(self.name(), self.input(), build)?;
        let namings = self.namings(recipe.parameters());
        let recipe = recipe.with_namings(namings);
        let is_imagenet = classes == 1000 && classes == self.default_classes();
        Ok(if is_imagenet { recipe.called(Labels::imagenet()) } else { recipe })
    }

    /// The names that other programs give to the layers of these parameters.
    fn namings(self, parameters: &[Parameter]) -> Vec<Naming> {
        match self {
            Self::EfficientNetLite0 => vec![efficientnet_lite::timm(parameters)],
            Self::Vgg11
            | Self::Vgg11Bn
            | Self::Vgg13
            | Self::Vgg13Bn
            | Self::Vgg16
            | Self::Vgg16Bn
            | Self::Vgg19
            | Self::Vgg19Bn => vec![vgg::timm(parameters)],
            Self::ResNet18 | Self::ResNet34 | Self::ResNet50 | Self::ResNet101 | Self::ResNet152 | Self::TinyResNet => {
                vec![resnet::sequential(parameters)]
            }
            Self::TinyVgg => Vec::new(),
        }
    }

    /// Size and normalisation of the input as the network was trained: 224x224 out of a short side of 256.
    fn input(self) -> InputSpec {
        let usual = InputSpec::torchvision(224, 224);
        match self {
            Self::EfficientNetLite0 => {
                InputSpec { filter: Filter::Bicubic, mean: [127.0; 3], std: [128.0; 3], ..usual }
            }
            _ => usual,
        }
    }

    /// The forward graph for a picture of 3 x `height` x `width`, with `classes` logits.
    ///
    /// # Errors
    /// [`GraphError::Window`] where the picture is too small for the network.
    pub fn build(self, height: u32, width: u32, classes: u32) -> Result<Network, GraphError> {
        let input = Shape::new(3, height, width);
        match self {
            Self::EfficientNetLite0 => efficientnet_lite::build(input, classes),
            Self::Vgg11 => Vgg::standard(vgg::VGG11, false).build(input, classes),
            Self::Vgg11Bn => Vgg::standard(vgg::VGG11, true).build(input, classes),
            Self::Vgg13 => Vgg::standard(vgg::VGG13, false).build(input, classes),
            Self::Vgg13Bn => Vgg::standard(vgg::VGG13, true).build(input, classes),
            Self::Vgg16 => Vgg::standard(vgg::VGG16, false).build(input, classes),
            Self::Vgg16Bn => Vgg::standard(vgg::VGG16, true).build(input, classes),
            Self::Vgg19 => Vgg::standard(vgg::VGG19, false).build(input, classes),
            Self::Vgg19Bn => Vgg::standard(vgg::VGG19, true).build(input, classes),
            Self::ResNet18 => ResNet::standard(Block::Basic, [2, 2, 2, 2]).build(input, classes),
            Self::ResNet34 => ResNet::standard(Block::Basic, [3, 4, 6, 3]).build(input, classes),
            Self::ResNet50 => ResNet::standard(Block::Bottleneck, [3, 4, 6, 3]).build(input, classes),
            Self::ResNet101 => ResNet::standard(Block::Bottleneck, [3, 4, 23, 3]).build(input, classes),
            Self::ResNet152 => ResNet::standard(Block::Bottleneck, [3, 8, 36, 3]).build(input, classes),
            Self::TinyVgg => tiny_vgg().build(input, classes),
            Self::TinyResNet => tiny_resnet().build(input, classes),
        }
    }
}

fn tiny_vgg() -> Vgg {
    Vgg { stages: &[&[8], &[16, 16]], batch_norm: false, pooled: 3, hidden: &[32] }
}

fn tiny_resnet() -> ResNet {
    let stages = vec![
        Stage { block: Block::Bottleneck, blocks: 2, width: 4, stride: 1 },
        Stage { block: Block::Basic, blocks: 2, width: 24, stride: 2 },
    ];
    ResNet { stem: 8, stages }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Architecture {
    type Err = UnknownArchitecture;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|architecture| architecture.name() == name);
        known.ok_or_else(|| UnknownArchitecture { name: name.into() })
    }
}

/// A name that is no architecture's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown model '{name}'; known are {}", Architecture::ALL.map(Architecture::name).join(", "))]
pub struct UnknownArchitecture {
    /// The name given.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Forward, Op, Role, RoleChoice};

    /// The roles that each family's recipe once spelled out, by the names of its convolutions.
    fn written_role(architecture: Architecture, name: &str) -> Role {
        let block = name.rsplit('.').next().unwrap_or_default();
        let has_bottlenecks = match architecture {
            Architecture::ResNet50 | Architecture::ResNet101 | Architecture::ResNet152 => true,
            Architecture::TinyResNet => name.starts_with("layer1."),
            _ => false,
        };
        match (name, block, has_bottlenecks) {
            ("features.0" | "conv1" | "_conv_stem", ..) => Role::First,
            (_, "_expand_conv" | "_project_conv" | "_conv_head", _) => Role::Flat,
            (_, "conv1" | "conv3", true) | (_, "conv2", false) => Role::Flat,
            (name, ..) if name.contains("downsample") => Role::Flat,
            _ => Role::Full,
        }
    }

    #[test]
    fn roles_are_those_that_recipes_once_spelled_out() {
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
}
