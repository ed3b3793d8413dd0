//! `agf-run neighbours`: the pictures of a folder that a network takes for the most alike.

use std::fs;
use std::path::{Path, PathBuf};

use agf::Explainer;
use agf::image::{Colormap, PanelPicture, Range, RgbImage, panel, write_png};
use agf::methods::Method;
use agf::nearest::Neighbour;

use super::args::NeighboursArguments;
use super::cache::Cache;
use super::content::Content;
use super::gallery::{Embedder, Gallery};
use super::{WithoutClassError, outcome, with_features};
use crate::decode::{Decoder, Picture};
use crate::former::Former;
use crate::inputs::Source;
use crate::lasting::Device;
use crate::lock::FolderLock;
use crate::names::append;
use crate::pipeline::{self, Batches, Delivery};
use crate::terminal::{Terminal, escaped};
use crate::{CliError, Outcome, inputs, interrupt, setup};

/// Runs the command.
pub fn run(arguments: &NeighboursArguments) -> Result<Outcome, CliError> {
    let common = &arguments.common;
    let model = with_features(common.network.apply(common.model.open()?)?, common.vectors.features.as_deref())?;
    let found = inputs::find(&arguments.input.inputs, Some(&arguments.out), &Former::default()).usable()?;
    let mut device = Device::open(&common.device)?;
    let mut explainer = Explainer::new(device.gpu(), &model, Method::default());
    explainer.limit_memory(common.max_memory.map(|size| size.0));
    let terminal = Terminal::plain();
    interrupt::listen(terminal.clone(), vec![arguments.out.clone()]);
    terminal.say(setup::introduction(&model, device.gpu()));
    let mut explainer = device.lasting(explainer);
    let decoder = Decoder { spec: model.input_spec(), framing: arguments.input.framing() };
    let length = model.embedding().map_err(agf::Error::from)?.classes() as usize;
    let cache = Cache::new(&arguments.gallery, common.vectors.cache.as_deref(), &model, arguments.input.size);
    let mut embedder = Embedder { explainer: &mut explainer, decoder, batch: arguments.input.batch.get() as usize };
    let gallery = Gallery::open(&arguments.gallery, &mut embedder, &cache, length)?;
    let refused = |source| WithoutClassError::Folder { folder: arguments.out.clone(), source };
    fs::create_dir_all(&arguments.out).map_err(refused)?;
    let _lock = FolderLock::take(&arguments.out)?;
    let mut search = Search { arguments, gallery, decoder, terminal, failed: 0 };
    let problems: Vec<String> =
        search.gallery.failures.iter().chain(&found.failures).map(|failure| failure.error.clone()).collect();
    problems.iter().for_each(|problem| search.fail(problem));
    for delivery in Batches::start(found.sources, decoder, 1)?.take_while(|_| !interrupt::is_requested()) {
        match delivery {
            Delivery::Failed(failure) => search.fail(&failure.error),
            Delivery::Batch(mut pictures) => {
                let batch = pipeline::batch_of(&mut pictures);
                let (vectors, _) = explainer.run(async |explainer| explainer.embed(&batch).await)?;
                for (picture, vector) in pictures.iter().zip(vectors) {
                    search.search(picture, &vector)?;
                }
            }
        }
    }
    Ok(outcome(search.failed))
}

struct Search<'a> {
    arguments: &'a NeighboursArguments,
    gallery: Gallery,
    decoder: Decoder,
    terminal: Terminal,
    failed: usize,
}

impl Search<'_> {
    fn fail(&mut self, problem: &str) {
        self.terminal.error(problem);
        self.failed += 1;
    }

    /// Prints a photo's neighbours, and draws them beside it.
    fn search(&mut self, photo: &Picture, vector: &[f32]) -> Result<(), CliError> {
        let own = photo.index.is_none().then(|| Content::of(Path::new(&photo.input)).ok()).flatten();
        let is_other = |index: usize| Some(self.gallery.entries[index].content) != own;
        let found = self.gallery.directions.nearest(vector, self.arguments.top.get() as usize, is_other);
        if found.is_empty() {
            let (photo, folder) = (photo.label(), self.arguments.gallery.display());
            self.fail(&format!("{photo}: {folder} holds no other picture that it could be compared with"));
            return Ok(());
        }
        for Neighbour { index, similarity } in &found {
            let (photo, path) = (escaped(&photo.label()), self.gallery.entries[*index].path.display().to_string());
            self.terminal.data(format_args!("{photo}\t{similarity:.6}\t{}", escaped(&path)))?;
        }
        let sheet = self.sheet(photo, &found)?;
        self.terminal.say(format_args!("see {}", escaped(&sheet.display().to_string())));
        Ok(())
    }

    /// Writes the contact sheet.
    fn sheet(&self, photo: &Picture, found: &[Neighbour]) -> Result<PathBuf, CliError> {
        let path = append(&self.arguments.out.join(&photo.name), ".neighbours.png");
        if let Some(folder) = path.parent() {
            let refused = |source| WithoutClassError::Folder { folder: folder.into(), source };
            fs::create_dir_all(folder).map_err(refused)?;
        }
        let crops: Vec<Option<RgbImage>> = found.iter().map(|neighbour| self.crop(neighbour.index)).collect();
        let mut pictures = Vec::new();
        for (neighbour, crop) in found.iter().zip(&crops) {
            let Some(picture) = crop else { continue };
            let path = &self.gallery.entries[neighbour.index].path;
            let title = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            pictures.push(PanelPicture { title, subtitle: format!("{:.3}", neighbour.similarity), picture });
        }
        write_png(&path, &panel(&photo.prepared.crop, &pictures, &[], Colormap::Seismic, Range::Auto)?)?;
        Ok(path)
    }

    /// A picture of the gallery, where it can still be read.
    fn crop(&self, index: usize) -> Option<RgbImage> {
        let picture = self.decoder.photo(&Source::of_photo(&self.gallery.entries[index].path));
        picture.ok().map(|picture| picture.prepared.crop)
    }
}
