//! What `agf-run explain` compares photos with: nothing, neighbours, or references.

use std::path::Path;
use std::sync::Arc;

use agf::image::{PanelPicture, RgbImage};
use agf::methods::Method;
use agf::models::{Model, TEMPERATURE};
use agf::nearest::Neighbour;
use agf::{Batch, Error, Explainer};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::args::{ComparisonArguments, NeighbourChoice};
use super::cache::Cache;
use super::content::Content;
use super::gallery::{Embedder, Gallery};
use super::references::References;
pub(crate) use super::references::Shown;
use super::{WithoutClassError, logits, with_features};
use crate::CliError;
use crate::args::InputArguments;
use crate::decode::{Decoder, Picture};
use crate::former::Former;
use crate::inputs;
use crate::lasting::{Device, Lasting};
use crate::pipeline;
use crate::report::Failure;

/// What photos are compared with.
pub(crate) struct Comparison {
    /// The network that is asked.
    pub(crate) model: Model,
    /// References of `--like`, by class; they are shown beside their maps.
    pub(crate) references: Arc<Vec<Shown>>,
    /// Settings for the report, by name.
    pub(crate) settings: Map<String, Value>,
    /// Pictures of folders that cannot be used.
    pub(crate) failures: Vec<Failure>,
    /// Where photos have neighbours.
    pub(crate) neighbours: Option<Neighbours>,
}

/// A picture that stands beside a photo in its panel, and in its report.
#[derive(Clone)]
pub(crate) struct Beside {
    pub(crate) report: NeighbourReport,
    picture: Arc<RgbImage>,
}

/// The neighbour of a photo.
#[derive(Clone, Serialize)]
pub(crate) struct NeighbourReport {
    /// The file.
    input: String,
    /// The cosine of the angle between the penultimate vectors of photo and neighbour; none where one has no
    /// direction.
    similarity: Option<f32>,
}

impl NeighbourReport {
    /// The file.
    pub(crate) fn input(&self) -> &str {
        &self.input
    }
}

impl Beside {
    /// For a panel.
    pub(crate) fn panel(&self) -> PanelPicture<'_> {
        let name = Path::new(&self.report.input).file_stem().map(|name| name.to_string_lossy().into_owned());
        PanelPicture {
            title: format!("against {}", name.unwrap_or_default()),
            subtitle: self.report.similarity.map(|value| format!("similarity {value:.3}")).unwrap_or_default(),
            picture: &self.picture,
        }
    }
}

impl Comparison {
    /// The network as it is.
    fn none(model: Model) -> Self {
        let (references, settings, failures) = (Arc::default(), Map::new(), Vec::new());
        Self { model, references, settings, failures, neighbours: None }
    }

    /// Prepares what the arguments ask for; `decoder` reads the photos too.
    ///
    /// # Errors
    /// [`CliError`] where a picture cannot be used, or there is none.
    pub(crate) fn open(
        arguments: &ComparisonArguments,
        input: &InputArguments,
        model: Model,
        device: &mut Device,
        decoder: Decoder,
    ) -> Result<Self, CliError> {
        if !arguments.is_asked() {
            return Ok(Self::none(model));
        }
        let model = with_features(model, arguments.vectors.features.as_deref())?;
        match &arguments.against {
            Some(choice) => Self::against(arguments, choice, input, model, device, decoder),
            None => Self::like(arguments, model, device, decoder),
        }
    }

    fn like(
        arguments: &ComparisonArguments,
        model: Model,
        device: &mut Device,
        decoder: Decoder,
    ) -> Result<Self, CliError> {
        let explainer = Explainer::new(device.gpu(), &model, Method::default());
        let mut explainer = device.lasting(explainer);
        let References { references, shown, failures } = References::open(&arguments.like, &mut explainer, decoder)?;
        let temperature = arguments.temperature.unwrap_or(TEMPERATURE);
        let model = model.like(&references, temperature).map_err(Error::from)?;
        let names: Vec<&str> = shown.iter().map(|shown| &*shown.name).collect();
        let settings = json!({"like": names, "temperature": temperature, "features": feature_name(&model)});
        let settings = settings.as_object().cloned().unwrap_or_default();
        Ok(Self { model, references: Arc::new(shown), settings, failures, neighbours: None })
    }

    fn against(
        arguments: &ComparisonArguments,
        choice: &NeighbourChoice,
        input: &InputArguments,
        model: Model,
        device: &mut Device,
        decoder: Decoder,
    ) -> Result<Self, CliError> {
        let asked = model.against().map_err(Error::from)?;
        let explainer = Explainer::new(device.gpu(), &asked, Method::default());
        let mut explainer = device.lasting(explainer);
        let (classes, features) = (model.classes(), feature_name(&model));
        let (source, setting, failures) = match choice {
            NeighbourChoice::Picture(path) => {
                let (source, content) = Source::picture(path, &mut explainer, classes, decoder)?;
                let setting = json!({"against": format!("{:016x}", content.hash), "features": features});
                (source, setting, Vec::new())
            }
            NeighbourChoice::Nearest => {
                let folder = arguments.neighbours.as_deref().ok_or(WithoutClassError::NoNeighbours)?;
                let cache = Cache::new(folder, arguments.vectors.cache.as_deref(), &model, input.size);
                let length = model.embedding().map_err(Error::from)?.classes() as usize;
                let mut embedder = Embedder { explainer: &mut explainer, decoder, batch: input.batch.get() as usize };
                let mut gallery = Gallery::open(folder, &mut embedder, &cache, length)?;
                let failures = std::mem::take(&mut gallery.failures);
                let setting = json!({"against": "nearest", "neighbours": format!("{:016x}", gallery.fingerprint()),
                    "features": features});
                (Source::Nearest(gallery), setting, failures)
            }
        };
        let settings = setting.as_object().cloned().unwrap_or_default();
        let neighbours = Some(Neighbours { source, classes, decoder });
        Ok(Self { model: asked, references: Arc::default(), settings, failures, neighbours })
    }
}

fn feature_name(model: &Model) -> String {
    model.features().map(|(name, _)| name).unwrap_or_default()
}

impl ComparisonArguments {
    /// Whether photos are compared with anything.
    pub(crate) fn is_asked(&self) -> bool {
        self.against.is_some() || !self.like.is_empty()
    }

    /// Whether the flags go together.
    ///
    /// # Errors
    /// [`WithoutClassError`] where they do not.
    pub(crate) fn check(&self) -> Result<(), WithoutClassError> {
        match (&self.against, &self.neighbours) {
            (Some(NeighbourChoice::Nearest), None) => Err(WithoutClassError::NoNeighbours),
            (Some(NeighbourChoice::Picture(_)) | None, Some(_)) => Err(WithoutClassError::NotNearest),
            (Some(NeighbourChoice::Nearest), Some(_)) | (Some(NeighbourChoice::Picture(_)) | None, None) => Ok(()),
        }
    }
}

/// Where a photo's neighbour comes from.
enum Source {
    One { path: String, vector: Vec<f32>, logits: Vec<f32>, picture: Arc<RgbImage> },
    Nearest(Gallery),
}

impl Source {
    fn picture(
        path: &Path,
        explainer: &mut Lasting<Explainer>,
        classes: u32,
        decoder: Decoder,
    ) -> Result<(Self, Content), CliError> {
        let refused = |problem: String| WithoutClassError::Picture { flag: "against", problem };
        let found = inputs::find(&[path.to_path_buf()], None, &Former::default());
        let (source, is_alone) = match (&found.sources[..], found.failures.first()) {
            (_, Some(failure)) => return Err(refused(failure.error.clone()).into()),
            ([source], None) => (source, path.is_file() && !source.is_array()),
            (_, None) => return Err(refused(format!("{}: {ONE_PICTURE}", path.display())).into()),
        };
        if !is_alone {
            return Err(refused(format!("{}: {ONE_PICTURE}", path.display())).into());
        }
        let content = Content::of(path).map_err(|error| refused(format!("{}: {error}", path.display())))?;
        let mut picture = decoder.photo(source).map_err(|failure| refused(failure.error))?;
        let vector = vectors(explainer, std::slice::from_ref(&picture))?.pop().unwrap_or_default();
        let logits = logits::own(explainer, std::slice::from_mut(&mut picture), classes)?.pop().unwrap_or_default();
        let picture = Arc::new(picture.prepared.crop);
        Ok((Self::One { path: path.display().to_string(), vector, logits, picture }, content))
    }
}

const ONE_PICTURE: &str = "give one picture, or nearest with --neighbours DIR";

/// Gives photos their neighbours.
pub(crate) struct Neighbours {
    source: Source,
    classes: u32,
    decoder: Decoder,
}

impl Neighbours {
    /// Whether each picture has a neighbour of its own, which the network answers to as well.
    pub(crate) fn are_searched(&self) -> bool {
        matches!(self.source, Source::Nearest(_))
    }

    /// Gives each picture its neighbour, which stands beside it from now on. `explainer` is that of the
    /// [comparison's network](Comparison::model).
    ///
    /// # Errors
    /// [`Error`] where the GPU fails; the pictures' tensors are gone then.
    pub(crate) fn join(
        &self,
        explainer: &mut Lasting<Explainer>,
        pictures: &mut Vec<Picture>,
    ) -> Result<Joined, Error> {
        let batch = pipeline::batch_of(pictures);
        let (vectors, _) = explainer.run(async |explainer| explainer.embed(&batch).await)?;
        match &self.source {
            Source::One { path, vector, logits, picture } => {
                for (photo, own) in pictures.iter_mut().zip(&vectors) {
                    let report = NeighbourReport { input: path.clone(), similarity: similarity(own, vector) };
                    photo.beside = Some(Beside { report, picture: picture.clone() });
                }
                Ok(Joined { batch: batch.against(logits.repeat(pictures.len())), failures: Vec::new() })
            }
            Source::Nearest(gallery) => {
                let search = |(photo, vector): (&Picture, &Vec<f32>)| self.nearest(gallery, photo, vector);
                let found: Vec<Result<Found, Failure>> = pictures.par_iter().zip(&vectors).map(search).collect();
                self.join_found(explainer, batch, pictures, found)
            }
        }
    }

    /// The nearest picture of a gallery, but the photo itself.
    fn nearest(&self, gallery: &Gallery, photo: &Picture, vector: &[f32]) -> Result<Found, Failure> {
        let own = photo.index.is_none().then(|| Content::of(Path::new(&photo.input)).ok()).flatten();
        let is_other = |index: usize| Some(gallery.entries[index].content) != own;
        let nearest = gallery.directions.nearest(vector, 1, is_other);
        let Some(&Neighbour { index, similarity }) = nearest.first() else {
            return Err(photo.failure(match (0..gallery.entries.len()).any(is_other) {
                true => "its penultimate vector, or those of all neighbours, are zero or not finite",
                false => "--neighbours holds no other picture than this one, which is not its own neighbour",
            }));
        };
        let picture = self.decoder.photo(&inputs::Source::of_photo(&gallery.entries[index].path));
        let picture = picture.map_err(|failure| photo.failure(format_args!("its neighbour {}", failure.error)))?;
        Ok(Found { picture, similarity })
    }

    /// Leaves out the pictures without a neighbour.
    fn join_found(
        &self,
        explainer: &mut Lasting<Explainer>,
        batch: Batch,
        pictures: &mut Vec<Picture>,
        found: Vec<Result<Found, Failure>>,
    ) -> Result<Joined, Error> {
        let (mut kept, mut neighbours, mut failures, mut data) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let tensors = batch.data.chunks(batch.data.len() / pictures.len().max(1));
        for ((mut photo, found), tensor) in pictures.drain(..).zip(found).zip(tensors) {
            match found {
                Ok(Found { picture, similarity }) => {
                    data.extend_from_slice(tensor);
                    let report = NeighbourReport { input: picture.input.clone(), similarity: Some(similarity) };
                    photo.beside = Some(Beside { report, picture: Arc::new(picture.prepared.crop.clone()) });
                    kept.push(photo);
                    neighbours.push(picture);
                }
                Err(failure) => failures.push(failure),
            }
        }
        *pictures = kept;
        let logits = logits::own(explainer, &mut neighbours, self.classes)?;
        let batch = Batch::new(pictures.len() as u32, batch.height, batch.width, data).against(logits.concat());
        Ok(Joined { batch, failures })
    }
}

/// A neighbour that was read.
struct Found {
    picture: Picture,
    similarity: f32,
}

/// Pictures that have neighbours.
pub(crate) struct Joined {
    /// With the neighbours' logits; without pictures where none has a neighbour.
    pub(crate) batch: Batch,
    /// The pictures that have none.
    pub(crate) failures: Vec<Failure>,
}

fn vectors(explainer: &mut Lasting<Explainer>, pictures: &[Picture]) -> Result<Vec<Vec<f32>>, CliError> {
    let mut vectors = Vec::new();
    for picture in pictures {
        let prepared = &picture.prepared;
        let batch = Batch::new(1, prepared.height, prepared.width, prepared.tensor.clone());
        vectors.extend(explainer.run(async |explainer| explainer.embed(&batch).await)?.0);
    }
    Ok(vectors)
}

fn similarity(a: &[f32], b: &[f32]) -> Option<f32> {
    let reference = agf::models::Reference::new("", [b]).ok()?;
    reference.similarity(a).map(|similarity| similarity as f32)
}
