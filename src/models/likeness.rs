//! Explaining without a class: networks whose logits say how like references a picture is, or what sets it apart from a
//! neighbour, and networks that end in the penultimate vector. Definitions: ARCHITECTURE.md, "Without a class"; the
//! second half of the method's paper (arXiv 2012.02166).

use super::weights::{Tensor, WeightsError};
use super::{InputSpec, LabelError, Labels, Model, Precision, Recipe};
use crate::graph::{GraphError, Network};

/// What the logits of [`Model::like`] are multiplied by where nothing else is said.
pub const TEMPERATURE: f32 = 10.0;

/// Name of the layer whose weights are the references.
const LAYER: &str = "references";

/// Something that pictures are compared with: a direction of the penultimate vector, under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    name: String,
    /// Of length 1.
    direction: Vec<f64>,
}

/// Why a network cannot be asked without a class.
#[derive(Debug, thiserror::Error)]
pub enum LikenessError {
    /// A reference of no picture.
    #[error("the reference '{name}' has no pictures; give it one or more")]
    Empty {
        /// The reference.
        name: String,
    },
    /// A vector that has no direction.
    #[error("the reference '{name}' has no direction: {reason}; leave it out")]
    NoDirection {
        /// The reference.
        name: String,
        /// Why it has none.
        reason: String,
    },
    /// Vectors of different lengths.
    #[error(
        "the reference '{name}' has {found} values, and the network's penultimate vector has {wanted}; \
         embed it with the same network"
    )]
    Length {
        /// The reference.
        name: String,
        /// Values of the reference.
        found: usize,
        /// Values of the penultimate vector.
        wanted: usize,
    },
    /// Another number of references than the network was made for.
    #[error("there are {found} references, and the network was made for {wanted}; make another one by Model::like")]
    Count {
        /// Number of references.
        found: usize,
        /// What the network was made for; 0 for one that was made for none.
        wanted: usize,
    },
    /// A factor that logits cannot be multiplied by.
    #[error("the temperature {0} is no positive number; 10 is usual")]
    Temperature(f32),
    /// The network.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The references as weights.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The references' names.
    #[error(transparent)]
    Labels(#[from] LabelError),
}

impl Reference {
    /// The mean direction of one or more penultimate vectors, each of which counts as one whatever its length.
    ///
    /// # Errors
    /// [`LikenessError::Empty`], [`LikenessError::NoDirection`] for a vector of zeros, one that is not finite and
    /// vectors that cancel, and [`LikenessError::Length`] for vectors of different lengths.
    pub fn new<'a>(
        name: impl Into<String>,
        vectors: impl IntoIterator<Item = &'a [f32]>,
    ) -> Result<Self, LikenessError> {
        let name = name.into();
        let mut sum: Option<Vec<f64>> = None;
        for vector in vectors {
            let vector: Vec<f64> = vector.iter().map(|&value| value.into()).collect();
            let Some(vector) = unit(&vector) else {
                let reason = "a picture's penultimate vector is zero or not finite".into();
                return Err(LikenessError::NoDirection { name, reason });
            };
            let sum = sum.get_or_insert_with(|| vec![0.0; vector.len()]);
            if sum.len() != vector.len() {
                return Err(LikenessError::Length { name, found: vector.len(), wanted: sum.len() });
            }
            sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        }
        let Some(sum) = sum else { return Err(LikenessError::Empty { name }) };
        match unit(&sum) {
            Some(direction) => Ok(Self { name, direction }),
            None => Err(LikenessError::NoDirection { name, reason: "its pictures' vectors cancel".into() }),
        }
    }

    /// Its name, which becomes a class's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cosine of the angle to a vector; `None` where that has no direction, or another length.
    pub fn similarity(&self, vector: &[f32]) -> Option<f64> {
        let vector: Vec<f64> = vector.iter().map(|&value| value.into()).collect();
        let vector = unit(&vector).filter(|vector| vector.len() == self.direction.len())?;
        Some(vector.iter().zip(&self.direction).map(|(a, b)| a * b).sum())
    }
}

/// The vector by its length; `None` where that is 0 or not finite.
fn unit(vector: &[f64]) -> Option<Vec<f64>> {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    (length.is_finite() && length > 0.0).then(|| vector.iter().map(|value| value / length).collect())
}

impl Model {
    /// The same network with another node for its penultimate vector than the input of the last linear layer, or the
    /// output where there is no such layer. Nodes are called as in `agf-run plan`; of several with one name the
    /// last is meant.
    ///
    /// # Errors
    /// [`GraphError::Node`] with the names that there are.
    pub fn with_features(self, node: &str) -> Result<Self, GraphError> {
        Ok(Self { recipe: self.recipe.with_features(node)?, ..self })
    }

    /// Name of the node whose value is the penultimate vector, and whether a linear layer reads it or a user chose it:
    /// otherwise it is the output.
    ///
    /// # Errors
    /// [`GraphError`] where the network cannot be built.
    pub fn features(&self) -> Result<(String, bool), GraphError> {
        let InputSpec { height, width, .. } = self.input_spec();
        let network = self.build(height, width)?;
        let node = self.recipe.features(&network)?;
        let is_output = !self.recipe.has_features() && node == network.output();
        Ok((network.graph.node(node).name.clone(), !is_output))
    }

    /// The network up to its penultimate vector, whose values take the place of the logits (a feature map's are
    /// flattened, channel by channel).
    ///
    /// # Errors
    /// [`GraphError`] where the network cannot be built.
    pub fn embedding(&self) -> Result<Self, GraphError> {
        Ok(Self { recipe: self.recipe.headless()?, ..self.clone() })
    }

    /// The network asked what sets a picture I apart from a neighbour J: its logits are `y(I) - y(J)`, of which J's
    /// come with the pictures ([`Batch::neighbours`](crate::Batch::neighbours)) and are constants.
    ///
    /// # Errors
    /// [`GraphError`] where the network cannot be built.
    pub fn against(&self) -> Result<Self, GraphError> {
        let recipe = self.recipe.derived(|_, network| network.against())?;
        Ok(Self { recipe: recipe.called(self.labels().clone()), ..self.clone() })
    }

    /// The network asked how like each of some references a picture is: of the penultimate vector z and references r,
    /// the logits are `temperature <z, r> / (|z| |r|)`, with |z| as a constant of the picture. References compete
    /// as classes do, and give them their names; one alone has the logits `(y / 2, -y / 2)`.
    ///
    /// # Errors
    /// [`LikenessError`].
    pub fn like(&self, references: &[Reference], temperature: f32) -> Result<Self, LikenessError> {
        if references.is_empty() {
            return Err(LikenessError::Count { found: 0, wanted: 1 });
        }
        let count = references.len() as u32;
        let mut layer = LAYER.to_owned();
        while self.weights.get(&format!("{layer}.weight")).is_some() {
            layer += "#";
        }
        let own = layer.clone();
        let recipe = self.recipe.derived(move |recipe, network| {
            let features = recipe.features(&network)?;
            network.like(features, &own, count)
        })?;
        Self { recipe: recipe.with_references(layer), ..self.clone() }.with_references(references, temperature)
    }

    /// The same network as [`Model::like`] made it, for other references of the same number.
    ///
    /// # Errors
    /// [`LikenessError`].
    pub fn with_references(&self, references: &[Reference], temperature: f32) -> Result<Self, LikenessError> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(LikenessError::Temperature(temperature));
        }
        let name = format!("{}.weight", self.recipe.references().unwrap_or_default());
        let parameter = self.recipe.parameters().iter().find(|parameter| parameter.name == name);
        let [rows, columns] = parameter.map_or([0; 2], |parameter| [parameter.shape[0], parameter.shape[1]]);
        if references.len() != rows {
            return Err(LikenessError::Count { found: references.len(), wanted: rows });
        }
        if let Some(Reference { name, direction }) = references.iter().find(|other| other.direction.len() != columns) {
            return Err(LikenessError::Length { name: name.clone(), found: direction.len(), wanted: columns });
        }
        let scaled = |value: &f64| (f64::from(temperature) * value) as f32;
        let values = references.iter().flat_map(|reference| reference.direction.iter().map(scaled)).collect();
        let weights = self.weights.with(&name, Tensor::new(&[rows, columns], values)?);
        let mut names: Vec<String> = references.iter().map(|reference| reference.name.clone()).collect();
        if let [name] = names.as_slice() {
            names.push(format!("not {name}"));
        }
        let model = Self { weights, ..self.clone() }.with_labels(Labels::of_references(names))?;
        match self.precision {
            Precision::F32 => Ok(model),
            Precision::F16Weights => Ok(model.with_precision(self.precision)?),
        }
    }
}

impl Recipe {
    /// The same network without its last layer.
    pub(super) fn headless(&self) -> Result<Self, GraphError> {
        self.derived(|recipe, network| Ok(network.up_to(recipe.features(&network)?)))
    }

    /// The same network changed: with the same name, input and nodes for features; its classes have numbers.
    fn derived(
        &self,
        change: impl Fn(&Recipe, Network) -> Result<Network, GraphError> + Send + Sync + 'static,
    ) -> Result<Self, GraphError> {
        let base = self.clone();
        let build = move |height, width| change(&base, base.build(height, width)?);
        Recipe::new(self.name(), self.input_spec(), build)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Architecture;

    fn model() -> Model {
        Model::synthetic(Architecture::TinyVgg).unwrap()
    }

    fn reference(name: &str, seed: usize, length: usize) -> Reference {
        let vector: Vec<f32> = (0..length).map(|index| ((index * seed) % 7) as f32 - 2.0).collect();
        Reference::new(name, [vector.as_slice()]).unwrap()
    }

    fn length() -> usize {
        model().embedding().unwrap().classes() as usize
    }

    #[test]
    fn references_are_mean_directions() {
        let both = Reference::new("both", [&[3.0, 0.0][..], &[0.0, 0.1]]).unwrap();
        assert!((both.similarity(&[1.0, 1.0]).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(both.similarity(&[0.0, 0.0]), None);
        assert_eq!(both.similarity(&[1.0]), None);
        let empty = Reference::new("none", std::iter::empty::<&[f32]>());
        assert!(matches!(empty, Err(LikenessError::Empty { .. })));
        for vectors in [vec![&[0.0_f32, 0.0][..]], vec![&[f32::NAN, 1.0]], vec![&[1.0, 0.0], &[-2.0, 0.0]]] {
            assert!(matches!(Reference::new("odd", vectors), Err(LikenessError::NoDirection { .. })));
        }
        let uneven = Reference::new("uneven", [&[1.0, 0.0][..], &[1.0]]);
        assert!(matches!(uneven, Err(LikenessError::Length { found: 1, wanted: 2, .. })));
    }

    #[test]
    fn references_are_the_classes() {
        let references = [reference("koala", 3, length()), reference("macaw", 5, length())];
        let likeness = model().like(&references, TEMPERATURE).unwrap();
        assert_eq!((likeness.classes(), likeness.labels().name(1)), (2, "macaw"));
        let alone = model().like(&references[..1], TEMPERATURE).unwrap();
        let names = [0, 1].map(|class| alone.labels().name(class).to_owned());
        assert_eq!((alone.classes(), names), (2, ["koala".into(), "not koala".into()]));
        let row = likeness.weights.get("references.weight").unwrap().data();
        let norm = row[..length()].iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!((norm - TEMPERATURE).abs() < 1e-4, "{norm}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let two = [reference("a", 3, length()), reference("b", 5, length())];
        let likeness = model().like(&two, 1.0).unwrap();
        assert!(matches!(likeness.with_references(&two[..1], 1.0), Err(LikenessError::Count { found: 1, wanted: 2 })));
        assert!(matches!(model().with_references(&two, 1.0), Err(LikenessError::Count { wanted: 0, .. })));
        assert!(matches!(model().like(&[], 1.0), Err(LikenessError::Count { .. })));
        let short = [reference("short", 3, 4)];
        assert!(matches!(model().like(&short, 1.0), Err(LikenessError::Length { found: 4, .. })));
        for temperature in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(matches!(model().like(&two, temperature), Err(LikenessError::Temperature(_))));
        }
        assert!(matches!(model().with_features("none"), Err(GraphError::Node { .. })));
    }

    #[test]
    fn references_may_be_asked_of_a_network_that_was_asked_before() {
        let first = model().like(&[reference("a", 3, length())], 1.0).unwrap();
        let second = first.like(&[reference("b", 5, length())], 1.0).unwrap();
        assert_eq!(second.recipe.references(), Some("references#"));
        assert_eq!(second.labels().name(0), "b");
    }

    #[test]
    fn chosen_features_stay_chosen() {
        let map = model().with_features("features.3").unwrap();
        let embedding = map.embedding().unwrap();
        let network = embedding.build(32, 32).unwrap();
        assert_eq!(network.graph.node(network.logits).name, "features.3");
    }
}
