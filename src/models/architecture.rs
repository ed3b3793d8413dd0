//! The architectures that are known by name, and their recipes.

mod alexnet;
mod builder;
mod densenet;
mod efficientnet_lite;
mod inverted_residual;
mod mobilenet_v2;
mod resnet;
mod squeezenet;
#[cfg(test)]
mod tests;
mod vgg;

use super::fit::Naming;
use super::{InputSpec, Labels, Recipe};
use crate::graph::parameter::Parameter;
use crate::graph::{GraphError, Network, Shape};
use alexnet::AlexNet;
use densenet::DenseNet;
use efficientnet_lite::EfficientNetLite;
use mobilenet_v2::MobileNetV2;
use resnet::ResNet;
use squeezenet::SqueezeNet;
use std::fmt;
use std::str::FromStr;
use vgg::Vgg;

/// A network architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// EfficientNet-Lite0, the embedded model.
    EfficientNetLite0,
    /// EfficientNet-Lite1.
    EfficientNetLite1,
    /// EfficientNet-Lite2.
    EfficientNetLite2,
    /// EfficientNet-Lite3.
    EfficientNetLite3,
    /// EfficientNet-Lite4.
    EfficientNetLite4,
    /// AlexNet.
    AlexNet,
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
    /// ResNet-50 with bottlenecks of twice the width.
    WideResNet50_2,
    /// ResNet-101 with bottlenecks of twice the width.
    WideResNet101_2,
    /// ResNeXt-50 with 32 groups of 4 channels.
    ResNeXt50_32x4d,
    /// ResNeXt-101 with 32 groups of 8 channels.
    ResNeXt101_32x8d,
    /// ResNeXt-101 with 64 groups of 4 channels.
    ResNeXt101_64x4d,
    /// SqueezeNet 1.0.
    SqueezeNet1_0,
    /// SqueezeNet 1.1.
    SqueezeNet1_1,
    /// DenseNet-121.
    DenseNet121,
    /// DenseNet-161.
    DenseNet161,
    /// DenseNet-169.
    DenseNet169,
    /// DenseNet-201.
    DenseNet201,
    /// MobileNetV2.
    MobileNetV2,
    /// Three convolutions and two linear layers, for tests.
    TinyVgg,
    /// Two bottlenecks and two basic blocks, for tests.
    TinyResNet,
}

/// How the networks of a family are built, fed and named.
trait Family {
    /// The forward graph for a picture of this shape, with `classes` logits.
    fn build(&self, input: Shape, classes: u32) -> Result<Network, GraphError>;

    /// The names that other programs give to the layers of these parameters.
    fn namings(&self, _parameters: &[Parameter]) -> Vec<Naming> {
        Vec::new()
    }

    /// Size and normalisation of the input as the network was trained.
    fn input(&self) -> InputSpec {
        InputSpec::torchvision(224, 224)
    }
}

impl Architecture {
    /// Every architecture, the embedded model's first.
    pub const ALL: [Architecture; 33] = [
        Self::EfficientNetLite0,
        Self::EfficientNetLite1,
        Self::EfficientNetLite2,
        Self::EfficientNetLite3,
        Self::EfficientNetLite4,
        Self::AlexNet,
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
        Self::WideResNet50_2,
        Self::WideResNet101_2,
        Self::ResNeXt50_32x4d,
        Self::ResNeXt101_32x8d,
        Self::ResNeXt101_64x4d,
        Self::SqueezeNet1_0,
        Self::SqueezeNet1_1,
        Self::DenseNet121,
        Self::DenseNet161,
        Self::DenseNet169,
        Self::DenseNet201,
        Self::MobileNetV2,
        Self::TinyVgg,
        Self::TinyResNet,
    ];

    /// Name as users write it, e.g. `vgg16_bn`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EfficientNetLite0 => "efficientnet_lite0",
            Self::EfficientNetLite1 => "efficientnet_lite1",
            Self::EfficientNetLite2 => "efficientnet_lite2",
            Self::EfficientNetLite3 => "efficientnet_lite3",
            Self::EfficientNetLite4 => "efficientnet_lite4",
            Self::AlexNet => "alexnet",
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
            Self::WideResNet50_2 => "wide_resnet50_2",
            Self::WideResNet101_2 => "wide_resnet101_2",
            Self::ResNeXt50_32x4d => "resnext50_32x4d",
            Self::ResNeXt101_32x8d => "resnext101_32x8d",
            Self::ResNeXt101_64x4d => "resnext101_64x4d",
            Self::SqueezeNet1_0 => "squeezenet1_0",
            Self::SqueezeNet1_1 => "squeezenet1_1",
            Self::DenseNet121 => "densenet121",
            Self::DenseNet161 => "densenet161",
            Self::DenseNet169 => "densenet169",
            Self::DenseNet201 => "densenet201",
            Self::MobileNetV2 => "mobilenet_v2",
            Self::TinyVgg => "tiny_vgg",
            Self::TinyResNet => "tiny_resnet",
        }
    }

    fn family(self) -> Box<dyn Family> {
        match self {
            Self::EfficientNetLite0 => Box::new(EfficientNetLite::LITE0),
            Self::EfficientNetLite1 => Box::new(EfficientNetLite::LITE1),
            Self::EfficientNetLite2 => Box::new(EfficientNetLite::LITE2),
            Self::EfficientNetLite3 => Box::new(EfficientNetLite::LITE3),
            Self::EfficientNetLite4 => Box::new(EfficientNetLite::LITE4),
            Self::AlexNet => Box::new(AlexNet),
            Self::Vgg11 => Box::new(Vgg::VGG11),
            Self::Vgg11Bn => Box::new(Vgg::VGG11.with_batch_norm()),
            Self::Vgg13 => Box::new(Vgg::VGG13),
            Self::Vgg13Bn => Box::new(Vgg::VGG13.with_batch_norm()),
            Self::Vgg16 => Box::new(Vgg::VGG16),
            Self::Vgg16Bn => Box::new(Vgg::VGG16.with_batch_norm()),
            Self::Vgg19 => Box::new(Vgg::VGG19),
            Self::Vgg19Bn => Box::new(Vgg::VGG19.with_batch_norm()),
            Self::ResNet18 => Box::new(ResNet::basic([2, 2, 2, 2])),
            Self::ResNet34 => Box::new(ResNet::basic([3, 4, 6, 3])),
            Self::ResNet50 => Box::new(ResNet::bottlenecks([3, 4, 6, 3])),
            Self::ResNet101 => Box::new(ResNet::bottlenecks([3, 4, 23, 3])),
            Self::ResNet152 => Box::new(ResNet::bottlenecks([3, 8, 36, 3])),
            Self::WideResNet50_2 => Box::new(ResNet::bottlenecks([3, 4, 6, 3]).grouped(1, 128)),
            Self::WideResNet101_2 => Box::new(ResNet::bottlenecks([3, 4, 23, 3]).grouped(1, 128)),
            Self::ResNeXt50_32x4d => Box::new(ResNet::bottlenecks([3, 4, 6, 3]).grouped(32, 4)),
            Self::ResNeXt101_32x8d => Box::new(ResNet::bottlenecks([3, 4, 23, 3]).grouped(32, 8)),
            Self::ResNeXt101_64x4d => Box::new(ResNet::bottlenecks([3, 4, 23, 3]).grouped(64, 4)),
            Self::SqueezeNet1_0 => Box::new(SqueezeNet::V1_0),
            Self::SqueezeNet1_1 => Box::new(SqueezeNet::V1_1),
            Self::DenseNet121 => Box::new(DenseNet::DENSENET121),
            Self::DenseNet161 => Box::new(DenseNet::DENSENET161),
            Self::DenseNet169 => Box::new(DenseNet::DENSENET169),
            Self::DenseNet201 => Box::new(DenseNet::DENSENET201),
            Self::MobileNetV2 => Box::new(MobileNetV2),
            Self::TinyVgg => Box::new(Vgg::TINY),
            Self::TinyResNet => Box::new(ResNet::tiny()),
        }
    }

    /// Number of classes of the published weights.
    pub const fn default_classes(self) -> u32 {
        match self {
            Self::TinyVgg | Self::TinyResNet => 10,
            _ => 1000,
        }
    }

    /// The recipe of this architecture with `classes` logits. Classes have ImageNet's names where the published weights
    /// have these classes and the number is theirs, otherwise numbers.
    ///
    /// # Errors
    /// [`GraphError`] where the network cannot be built.
    pub fn recipe(self, classes: u32) -> Result<Recipe, GraphError> {
        let family = self.family();
        let recipe = Recipe::new(self.name(), family.input(), move |height, width| self.build(height, width, classes))?;
        let namings = family.namings(recipe.parameters());
        let recipe = recipe.with_namings(namings);
        let is_imagenet = classes == 1000 && classes == self.default_classes();
        Ok(if is_imagenet { recipe.called(Labels::imagenet()) } else { recipe })
    }

    /// The forward graph for a picture of 3 x `height` x `width`, with `classes` logits.
    ///
    /// # Errors
    /// [`GraphError::Window`] where the picture is too small for the network.
    pub fn build(self, height: u32, width: u32, classes: u32) -> Result<Network, GraphError> {
        self.family().build(Shape::new(3, height, width), classes)
    }
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
