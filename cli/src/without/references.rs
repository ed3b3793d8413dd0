//! The references of `--like`: a picture each, or a folder of pictures together.

use std::path::{Path, PathBuf};

use agf::Explainer;
use agf::image::{PanelPicture, RgbImage};
use agf::models::Reference;

use super::WithoutClassError;
use crate::CliError;
use crate::decode::Decoder;
use crate::former::Former;
use crate::inputs;
use crate::lasting::Lasting;
use crate::pipeline::{self, Batches, Delivery};
use crate::report::Failure;

/// A reference with what panels show of it.
pub(crate) struct Shown {
    pub(crate) name: String,
    /// Its picture; of a folder the first.
    pub(crate) picture: RgbImage,
}

impl Shown {
    /// For a panel.
    pub(crate) fn panel(&self) -> PanelPicture<'_> {
        PanelPicture { title: format!("like {}", self.name), subtitle: String::new(), picture: &self.picture }
    }
}

/// All references.
pub(super) struct References {
    pub(super) references: Vec<Reference>,
    pub(super) shown: Vec<Shown>,
    /// Pictures of folders that cannot be used.
    pub(super) failures: Vec<Failure>,
}

impl References {
    /// Reads and embeds the references at these paths.
    ///
    /// # Errors
    /// [`CliError`] where one has no picture that can be used, or no direction.
    pub(super) fn open(
        paths: &[PathBuf],
        explainer: &mut Lasting<Explainer>,
        decoder: Decoder,
    ) -> Result<Self, CliError> {
        let mut all = Self { references: Vec::new(), shown: Vec::new(), failures: Vec::new() };
        for path in paths {
            let name = all.free_name(path);
            all.add(path, name, explainer, decoder)?;
        }
        Ok(all)
    }

    /// A path's last part without an ending; with a number where another reference is called so.
    fn free_name(&self, path: &Path) -> String {
        let own = if path.is_dir() { path.file_name() } else { path.file_stem() };
        let base = own.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        let names = std::iter::once(base.clone()).chain((2..).map(|number| format!("{base}-{number}")));
        let is_free = |name: &String| self.shown.iter().all(|shown| shown.name != *name);
        let free = names.into_iter().find(is_free);
        free.unwrap_or(base)
    }

    fn add(
        &mut self,
        path: &Path,
        name: String,
        explainer: &mut Lasting<Explainer>,
        decoder: Decoder,
    ) -> Result<(), CliError> {
        let refused = |problem: String| WithoutClassError::Picture { flag: "like", problem };
        let found = inputs::find(&[path.to_path_buf()], None, &Former::default());
        if let (true, Some(failure)) = (found.sources.is_empty(), found.failures.first()) {
            return Err(refused(failure.error.clone()).into());
        }
        let mut failures = found.failures;
        let (mut vectors, mut shown) = (Vec::new(), None);
        for delivery in Batches::start(found.sources, decoder, 1)? {
            match delivery {
                Delivery::Failed(failure) => failures.push(failure),
                Delivery::Batch(mut pictures) => {
                    let batch = pipeline::batch_of(&mut pictures);
                    vectors.extend(explainer.run(async |explainer| explainer.embed(&batch).await)?.0);
                    shown = shown.or_else(|| pictures.pop().map(|picture| picture.prepared.crop));
                }
            }
        }
        let Some(picture) = shown else {
            let problem = failures.into_iter().map(|failure| failure.error).next();
            return Err(refused(problem.unwrap_or_else(|| format!("{}: holds no picture", path.display()))).into());
        };
        let reference = Reference::new(name.clone(), vectors.iter().map(Vec::as_slice)).map_err(agf::Error::from)?;
        self.references.push(reference);
        self.shown.push(Shown { name, picture });
        self.failures.append(&mut failures);
        Ok(())
    }
}
