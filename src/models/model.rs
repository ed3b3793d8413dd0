//! A model: an architecture, its weights, the names of its classes, and how it wants its pictures.

use super::weights::{Weights, WeightsError, class_count};
use super::{Architecture, Labels, Precision};
use crate::graph::parameter::Parameter;
use crate::image::{Filter, InputSpec};
use std::path::Path;

/// Weights of the embedded EfficientNet-Lite0.
static EMBEDDED: &[u8] = include_bytes!("../../weights/efficientnet_lite0.safetensors");

/// Height and width at which a parameter list is made; parameters do not depend on it.
const ANY_SIZE: u32 = 224;

/// An architecture with its weights. Clones share the weights.
#[derive(Clone, Debug)]
pub struct Model {
    /// Architecture.
    pub architecture: Architecture,
    /// Number of logits.
    pub classes: u32,
    /// Names of the classes.
    pub labels: Labels,
    /// Parameters by name.
    pub weights: Weights,
    /// Where the weights come from, for reports.
    pub source: String,
    /// How the weights are kept on the GPU; set by [`Model::with_precision`], which rounds them.
    pub precision: Precision,
}

impl Model {
    /// EfficientNet-Lite0 with its ImageNet weights, which ship with the crate.
    ///
    /// # Errors
    /// [`WeightsError`] only if the crate was built from a damaged file.
    pub fn embedded() -> Result<Self, WeightsError> {
        let architecture = Architecture::EfficientNetLite0;
        let classes = architecture.default_classes();
        let source = "embedded weights/efficientnet_lite0.safetensors".to_string();
        let weights = Weights::parse(EMBEDDED, &source, &parameters(architecture, classes))?;
        Ok(Self::new(architecture, classes, weights, source))
    }

    /// An architecture with the weights of a safetensors file; the number of classes is the file's.
    ///
    /// # Errors
    /// [`WeightsError`] where the file cannot be read or does not fit.
    pub fn open(architecture: Architecture, path: &Path) -> Result<Self, WeightsError> {
        let classes = class_count(path, architecture.classifier_weight());
        let classes = classes.map_or(architecture.default_classes(), |classes| classes as u32);
        let weights = Weights::open(path, &parameters(architecture, classes))?;
        Ok(Self::new(architecture, classes, weights, path.display().to_string()))
    }

    /// An architecture with deterministic weights that have learned nothing: for tests and measurements.
    pub fn synthetic(architecture: Architecture) -> Self {
        let classes = architecture.default_classes();
        let weights = Weights::synthetic(&parameters(architecture, classes));
        Self::new(architecture, classes, weights, "synthetic".into())
    }

    /// A model from weights in memory, made for [`Model::parameters`] of the same architecture and number of classes.
    pub fn new(architecture: Architecture, classes: u32, weights: Weights, source: String) -> Self {
        let labels = match classes {
            1000 => Labels::imagenet(),
            _ => Labels::numbered(classes),
        };
        Self { architecture, classes, labels, weights, source, precision: Precision::F32 }
    }

    /// The same network at another precision. With [`Precision::F16Weights`] the weights of linear layers and dense convolutions become
    /// their nearest f16 (ties to even) here, once, for everything that is derived from them; biases, batch normalisations and depthwise
    /// convolutions stay as they are. Going back to f32 does not undo that.
    ///
    /// # Errors
    /// [`WeightsError::BeyondF16`] where a weight is larger than f16's largest value.
    pub fn with_precision(mut self, precision: Precision) -> Result<Self, WeightsError> {
        if precision == Precision::F16Weights {
            let network = self.architecture.build(ANY_SIZE, ANY_SIZE, self.classes);
            let names = network.map(|network| network.graph.dense_weights()).unwrap_or_default();
            self.weights.round_to_f16(&names, &self.source)?;
        }
        Ok(Self { precision, ..self })
    }

    /// The parameters that an architecture with this many classes needs.
    pub fn parameters(architecture: Architecture, classes: u32) -> Vec<Parameter> {
        parameters(architecture, classes)
    }

    /// Size and normalisation of the network's input as it was trained: 224x224 out of a short side of 256.
    pub fn input_spec(&self) -> InputSpec {
        let (filter, mean, std) = match self.architecture {
            Architecture::EfficientNetLite0 => (Filter::Bicubic, [127.0; 3], [128.0; 3]),
            _ => (Filter::Bilinear, [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
        };
        InputSpec { height: 224, width: 224, resize_short: 256, filter, mean, std }
    }
}

fn parameters(architecture: Architecture, classes: u32) -> Vec<Parameter> {
    let network = architecture.build(ANY_SIZE, ANY_SIZE, classes);
    network.map(|network| network.graph.parameters()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::weights::Tensor;
    use half::f16;

    /// A small network whose tensor `name` has `value` at place 2.
    fn with_value(architecture: Architecture, name: &str, value: f32) -> Model {
        let classes = architecture.default_classes();
        let model = Model::synthetic(architecture);
        let tensor = |name: &str| model.weights.get(name).unwrap().clone();
        let parameters = Model::parameters(architecture, classes);
        let mut tensors: std::collections::HashMap<String, Tensor> =
            parameters.iter().map(|parameter| (parameter.name.clone(), tensor(&parameter.name))).collect();
        let mut values = tensor(name).data().to_vec();
        values[2] = value;
        tensors.insert(name.into(), Tensor::new(tensor(name).shape(), values).unwrap());
        let weights = Weights::from_tensors(tensors, &parameters).unwrap();
        Model::new(architecture, classes, weights, "made up".into())
    }

    #[test]
    fn dense_weights_are_rounded_and_nothing_else() {
        let exact = Model::synthetic(Architecture::EfficientNetLite0);
        let rounded = exact.clone().with_precision(Precision::F16Weights).unwrap();
        let parameters = Model::parameters(exact.architecture, exact.classes);
        let changed = |parameter: &&Parameter| {
            let values = |model: &Model| model.weights.get(&parameter.name).unwrap().data().to_vec();
            let (before, after) = (values(&exact), values(&rounded));
            let nearest: Vec<f32> = before.iter().map(|&value| f16::from_f32(value).to_f32()).collect();
            assert!(after == before || after == nearest, "{}", parameter.name);
            after != before
        };
        let changed = parameters.iter().filter(changed).map(|parameter| parameter.name.clone());
        let changed: std::collections::BTreeSet<String> = changed.collect();
        let network = exact.architecture.build(ANY_SIZE, ANY_SIZE, exact.classes).unwrap();
        assert_eq!(changed, network.graph.dense_weights().into_iter().collect());
    }

    #[test]
    fn a_weight_beyond_f16_is_an_error_that_names_it() {
        let name = "features.3.weight";
        let error =
            with_value(Architecture::TinyVgg, name, -65_505.0).with_precision(Precision::F16Weights).unwrap_err();
        for words in ["made up", name, "-65505", "65504", "--precision f32"] {
            assert!(error.to_string().contains(words), "{error}");
        }
        assert!(with_value(Architecture::TinyVgg, name, 65_504.0).with_precision(Precision::F16Weights).is_ok());
        assert!(with_value(Architecture::TinyVgg, name, 1e30).with_precision(Precision::F32).is_ok());
    }
}
