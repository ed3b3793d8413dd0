//! The vectors of a folder of pictures: from the cache, or computed in batches.

use std::path::{Path, PathBuf};

use agf::nearest::Directions;
use agf::{Error, Explainer};
use rayon::prelude::*;

use super::WithoutClassError;
use super::cache::{Cache, Vectors};
use super::content::Content;
use crate::CliError;
use crate::decode::{Decoder, Picture};
use crate::former::Former;
use crate::inputs::{self, Source};
use crate::interrupt;
use crate::lasting::Lasting;
use crate::pipeline::{self, Batches, Delivery};
use crate::report::Failure;
use crate::terminal::{Terminal, count_of};

/// A picture of a gallery.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) content: Content,
}

/// Pictures with their vectors.
pub(super) struct Gallery {
    pub(super) entries: Vec<Entry>,
    pub(super) directions: Directions,
    /// Pictures that cannot be used.
    pub(super) failures: Vec<Failure>,
}

/// What vectors are computed with.
pub(super) struct Embedder<'a, 'device> {
    pub(super) explainer: &'a mut Lasting<'device, Explainer>,
    pub(super) decoder: Decoder,
    /// Pictures at a time.
    pub(super) batch: usize,
}

impl Gallery {
    /// The pictures of a folder, and their vectors of `length` values. The cache is read first, and written where
    /// vectors were missing; what is wrong with it is told and does no harm.
    ///
    /// # Errors
    /// [`CliError`] for a folder without pictures that can be used, and where the user interrupts.
    pub(super) fn open(folder: &Path, embedder: &mut Embedder, cache: &Cache, length: usize) -> Result<Self, CliError> {
        let found = inputs::find(&[folder.to_path_buf()], None, &Former::default()).usable()?;
        let mut failures = found.failures;
        let (sources, contents) = contents(found.sources, &mut failures);
        let mut vectors = load(cache, length);
        let missing: Vec<(Source, Content)> = missing(&sources, &contents, &vectors);
        if !missing.is_empty() {
            let known = vectors.len();
            compute(missing, embedder, &mut vectors, &mut failures)?;
            if vectors.len() > known {
                store(cache, &vectors, length);
            }
        }
        let mut gallery = Self { entries: Vec::new(), directions: Directions::new(length), failures };
        for (source, content) in sources.into_iter().zip(contents) {
            if vectors.get(&content).is_some_and(|vector| gallery.directions.push(vector)) {
                gallery.entries.push(Entry { path: source.path, content });
            }
        }
        match gallery.failures.first() {
            Some(Failure { error, .. }) if gallery.entries.is_empty() => {
                Err(WithoutClassError::NoPicture { folder: folder.into(), problem: error.clone() }.into())
            }
            _ => Ok(gallery),
        }
    }

    /// A number that differs where pictures do.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut contents: Vec<Content> = self.entries.iter().map(|entry| entry.content).collect();
        contents.sort_unstable();
        let bytes = contents.iter().flat_map(|content| [content.length, content.hash]).flat_map(u64::to_le_bytes);
        agf::models::fnv1a(&bytes.collect::<Vec<u8>>())
    }
}

/// What is in each file; those that cannot be read are left out.
fn contents(sources: Vec<Source>, failures: &mut Vec<Failure>) -> (Vec<Source>, Vec<Content>) {
    let read: Vec<_> = sources.par_iter().map(|source| Content::of(&source.path)).collect();
    let (mut usable, mut contents) = (Vec::new(), Vec::new());
    for (source, content) in sources.into_iter().zip(read) {
        match content {
            Ok(content) => {
                usable.push(source);
                contents.push(content);
            }
            Err(error) => {
                let input = source.path.display().to_string();
                failures.push(Failure { error: format!("{input}: {error}"), input });
            }
        }
    }
    (usable, contents)
}

fn load(cache: &Cache, length: usize) -> Vectors {
    cache.load(length).unwrap_or_else(|reason| {
        let path = cache.path().display();
        Terminal::plain().warn(format_args!("the vectors kept in {path} are ignored and computed anew: {reason}"));
        Vectors::new()
    })
}

fn store(cache: &Cache, vectors: &Vectors, length: usize) {
    if let Err(error) = cache.store(vectors, length) {
        let advice = "vectors are not kept for later runs; choose a folder for them with --cache";
        Terminal::plain().warn(format_args!("{error}; {advice}"));
    }
}

/// The sources without a vector, each content once.
fn missing(sources: &[Source], contents: &[Content], vectors: &Vectors) -> Vec<(Source, Content)> {
    let mut seen = std::collections::HashSet::new();
    let pairs = sources.iter().zip(contents);
    let missing = pairs.filter(|(_, content)| !vectors.contains_key(content) && seen.insert(**content));
    missing.map(|(source, content)| (source.clone(), *content)).collect()
}

/// Computes vectors with a progress bar.
fn compute(
    missing: Vec<(Source, Content)>,
    embedder: &mut Embedder,
    vectors: &mut Vectors,
    failures: &mut Vec<Failure>,
) -> Result<(), CliError> {
    let terminal = Terminal::with_progress(missing.len(), 1);
    terminal.say(format_args!("computing the vectors of {}", count_of(missing.len(), "picture")));
    let (sources, contents): (Vec<Source>, Vec<Content>) = missing.into_iter().unzip();
    let content_of: std::collections::HashMap<String, Content> =
        sources.iter().map(|source| source.path.display().to_string()).zip(contents).collect();
    for delivery in Batches::start(sources, embedder.decoder, embedder.batch)? {
        if interrupt::is_requested() {
            return Err(Error::Stopped.into());
        }
        match delivery {
            Delivery::Failed(failure) => {
                terminal.advance(1);
                failures.push(failure);
            }
            Delivery::Batch(mut pictures) => {
                for (picture, vector) in pictures_with_vectors(embedder.explainer, &mut pictures)? {
                    if let Some(content) = content_of.get(&picture.input) {
                        vectors.insert(*content, vector);
                    }
                }
                terminal.advance(pictures.len());
            }
        }
    }
    terminal.finish();
    Ok(())
}

/// The vectors of a batch of pictures, whose tensors they lose.
fn pictures_with_vectors<'a>(
    explainer: &mut Lasting<Explainer>,
    pictures: &'a mut [Picture],
) -> Result<Vec<(&'a Picture, Vec<f32>)>, CliError> {
    let batch = pipeline::batch_of(pictures);
    let (vectors, _) = explainer.run(async |explainer| explainer.embed(&batch).await)?;
    Ok(pictures.iter().zip(vectors).collect())
}
