//! A model: a recipe and its weights.

use super::weights::{TensorFile, Weights, WeightsError};
use super::{Architecture, InputSpec, LabelError, LabelSource, Labels, Precision, Recipe, fit};
use crate::graph::{GraphError, Network, RoleChoice};
use std::path::Path;

/// What a user should know of a file whose classes nobody named.
const TAKEN_FOR_IMAGENET: &str = "its 1000 classes are taken for ImageNet's";

/// Weights of the embedded EfficientNet-Lite0.
#[cfg(feature = "embedded-weights")]
static EMBEDDED: &[u8] = include_bytes!("../../weights/efficientnet_lite0.safetensors");

/// A network with its weights. Clones share the weights.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network.
    pub recipe: Recipe,
    /// The values of its parameters, by name.
    pub weights: Weights,
    /// Where the weights come from, for reports.
    pub source: String,
    /// How the weights are kept on the GPU; set by [`Model::with_precision`], which rounds them.
    pub precision: Precision,
    /// What a user should know of how the weights were read, a sentence each.
    pub notes: Vec<String>,
}

impl Model {
    /// EfficientNet-Lite0 with its ImageNet weights, which ship with the crate (feature `embedded-weights`).
    ///
    /// # Errors
    /// [`WeightsError`] only if the crate was built from a damaged file.
    #[cfg(feature = "embedded-weights")]
    pub fn embedded() -> Result<Self, WeightsError> {
        Self::parse(Architecture::EfficientNetLite0, EMBEDDED, "embedded weights/efficientnet_lite0.safetensors")
    }

    /// An architecture with the weights of a file in memory, which `name` stands for in messages; otherwise as
    /// [`Model::open`], without a note about the classes' names.
    ///
    /// # Errors
    /// [`WeightsError`] where it is no whole file or does not fit.
    pub fn parse(architecture: Architecture, bytes: &[u8], name: &str) -> Result<Self, WeightsError> {
        Self::load(architecture, TensorFile::parse(bytes, name)?, &[])
    }

    /// An architecture with the weights of a safetensors file or a PyTorch checkpoint, told apart by content; name and
    /// number of classes of the last layer are the file's. What of the file is not named as in the recipe stands in
    /// [`Model::notes`]. Nothing in a checkpoint is executed.
    ///
    /// # Errors
    /// [`WeightsError`] where the file cannot be read or does not fit.
    pub fn open(architecture: Architecture, path: &Path) -> Result<Self, WeightsError> {
        Self::open_without(architecture, path, &[])
    }

    /// As [`Model::open`], as if the file had no tensors whose names match a pattern of `skipped`, in which `*` stands
    /// for any text and `?` for one character: to choose between several networks or last layers in one file, such
    /// as a student and a teacher.
    ///
    /// # Errors
    /// Also [`WeightsError::NothingSkipped`] for a pattern that no tensor matches.
    pub fn open_without(architecture: Architecture, path: &Path, skipped: &[String]) -> Result<Self, WeightsError> {
        let mut model = Self::load(architecture, TensorFile::open(path)?, skipped)?;
        if model.labels().source() == &LabelSource::ImageNet {
            model.notes.push(TAKEN_FOR_IMAGENET.into());
        }
        Ok(model)
    }

    fn load(architecture: Architecture, file: TensorFile, skipped: &[String]) -> Result<Self, WeightsError> {
        let mut recipe = architecture.recipe(architecture.default_classes())?;
        let source = file.name().to_owned();
        let shapes = fit::without(file.shapes(), skipped, &source)?;
        let fit = match fit::find(&shapes, &recipe.wanted(), &source) {
            Ok(fit) => fit,
            Err(error) => return Err(error.with_closest(fit::closest(&shapes)?)),
        };
        if let Some(classes) = fit.outputs.map(|outputs| u32::try_from(outputs).unwrap_or(u32::MAX))
            && classes != recipe.classes()
        {
            recipe = architecture.recipe(classes)?;
        }
        if fit.is_headless {
            recipe = recipe.headless()?;
        }
        let mut notes = file.notes().to_vec();
        let rounded = file.rounded(&fit.names);
        if rounded > 0 {
            notes.push(format!("{rounded} of its tensors have 64 bits and were rounded to 32"));
        }
        let weights = Weights::read(&file, &fit)?;
        notes.extend(fit.notes);
        Ok(Self { notes, ..Self::new(recipe, weights, source) })
    }

    /// An architecture with deterministic weights that have learned nothing: for tests and measurements.
    ///
    /// # Errors
    /// [`GraphError`] where the network cannot be built.
    pub fn synthetic(architecture: Architecture) -> Result<Self, GraphError> {
        let recipe = architecture.recipe(architecture.default_classes())?;
        let weights = Weights::synthetic(recipe.parameters());
        Ok(Self::new(recipe, weights, "synthetic".into()))
    }

    /// A model from weights in memory, made for the recipe's parameters.
    pub fn new(recipe: Recipe, weights: Weights, source: String) -> Self {
        Self { recipe, weights, source, precision: Precision::F32, notes: Vec::new() }
    }

    /// The same network at another precision. With [`Precision::F16Weights`] the weights of linear layers and dense
    /// convolutions become their nearest f16 (ties to even) here, once, for everything that is derived from them;
    /// biases, batch normalisations and depthwise convolutions stay as they are. Going back to f32 does not undo
    /// that.
    ///
    /// # Errors
    /// [`WeightsError::BeyondF16`] where a weight is larger than f16's largest value.
    pub fn with_precision(mut self, precision: Precision) -> Result<Self, WeightsError> {
        if precision == Precision::F16Weights {
            let InputSpec { height, width, .. } = self.input_spec();
            let names = self.build(height, width)?.graph.dense_weights();
            self.weights.round_to_f16(&names, &self.source)?;
        }
        Ok(Self { precision, ..self })
    }

    /// The same network with these names for its classes.
    ///
    /// # Errors
    /// [`LabelError::Count`] where there are more or fewer names than classes.
    pub fn with_labels(self, labels: Labels) -> Result<Self, LabelError> {
        let recipe = self.recipe.with_labels(labels)?;
        let notes = self.notes.into_iter().filter(|note| note != TAKEN_FOR_IMAGENET).collect();
        Ok(Self { recipe, notes, ..self })
    }

    /// The same network with other roles for some convolutions, as [`Recipe::with_roles`].
    ///
    /// # Errors
    /// [`GraphError::Role`] for a choice that fits no convolution.
    pub fn with_roles(self, roles: Vec<RoleChoice>) -> Result<Self, GraphError> {
        Ok(Self { recipe: self.recipe.with_roles(roles)?, ..self })
    }

    /// The same network for pictures that are prepared in another way.
    #[must_use]
    pub fn with_input_spec(self, input: InputSpec) -> Self {
        Self { recipe: self.recipe.with_input_spec(input), ..self }
    }

    /// The forward graph for a picture of `height` x `width`.
    ///
    /// # Errors
    /// [`GraphError::Window`] where the picture is too small for the network.
    pub fn build(&self, height: u32, width: u32) -> Result<Network, GraphError> {
        self.recipe.build(height, width)
    }

    /// Name of the network.
    pub fn name(&self) -> &str {
        self.recipe.name()
    }

    /// Number of logits.
    pub fn classes(&self) -> u32 {
        self.recipe.classes()
    }

    /// Names of the classes.
    pub fn labels(&self) -> &Labels {
        self.recipe.labels()
    }

    /// Size and normalisation of the network's input.
    pub fn input_spec(&self) -> InputSpec {
        self.recipe.input_spec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::parameter::Parameter;
    use crate::models::weights::Tensor;
    use half::f16;

    /// A small network whose tensor `name` has `value` at place 2.
    fn with_value(architecture: Architecture, name: &str, value: f32) -> Model {
        let model = Model::synthetic(architecture).unwrap();
        let tensor = |name: &str| model.weights.get(name).unwrap().clone();
        let parameters = model.recipe.parameters();
        let mut tensors: std::collections::HashMap<String, Tensor> =
            parameters.iter().map(|parameter| (parameter.name.clone(), tensor(&parameter.name))).collect();
        let mut values = tensor(name).data().to_vec();
        values[2] = value;
        tensors.insert(name.into(), Tensor::new(tensor(name).shape(), values).unwrap());
        let weights = Weights::from_tensors(tensors, parameters).unwrap();
        Model::new(model.recipe, weights, "made up".into())
    }

    #[test]
    fn dense_weights_are_rounded_and_nothing_else() {
        let exact = Model::synthetic(Architecture::EfficientNetLite0).unwrap();
        let rounded = exact.clone().with_precision(Precision::F16Weights).unwrap();
        let parameters = exact.recipe.parameters();
        let changed = |parameter: &&Parameter| {
            let values = |model: &Model| model.weights.get(&parameter.name).unwrap().data().to_vec();
            let (before, after) = (values(&exact), values(&rounded));
            let nearest: Vec<f32> = before.iter().map(|&value| f16::from_f32(value).to_f32()).collect();
            assert!(after == before || after == nearest, "{}", parameter.name);
            after != before
        };
        let changed = parameters.iter().filter(changed).map(|parameter| parameter.name.clone());
        let changed: std::collections::BTreeSet<String> = changed.collect();
        let network = exact.build(224, 224).unwrap();
        assert_eq!(changed, network.graph.dense_weights().into_iter().collect());
    }

    #[test]
    fn a_weight_beyond_f16_is_an_error_that_names_it() {
        let name = "features.3.weight";
        let error =
            with_value(Architecture::TinyVgg, name, -65_505.0).with_precision(Precision::F16Weights).unwrap_err();
        for words in ["made up", name, "-65505", "65504", "in f32"] {
            assert!(error.to_string().contains(words), "{error}");
        }
        assert!(with_value(Architecture::TinyVgg, name, 65_504.0).with_precision(Precision::F16Weights).is_ok());
        assert!(with_value(Architecture::TinyVgg, name, 1e30).with_precision(Precision::F32).is_ok());
    }
}
