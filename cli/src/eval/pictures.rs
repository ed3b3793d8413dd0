//! Pictures to evaluate, read ahead by a thread of its own: photos, or mosaics of them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use rayon::prelude::*;

use crate::CliError;
use agf::evaluation::{Item, Reader, Sample, mosaic};
use agf::models::fnv1a;

/// What there is to evaluate. Clones share it.
#[derive(Clone)]
pub(super) struct Work {
    items: Arc<Vec<Item>>,
    /// Indices of the photos of each mosaic, and cells along one side.
    mosaics: Option<(Arc<Vec<Vec<usize>>>, u32)>,
}

/// A picture, or why it cannot be used.
pub(super) struct Picture {
    pub(super) position: usize,
    pub(super) name: String,
    /// What [`Work::content`] gives.
    pub(super) content: String,
    pub(super) sample: Result<Sample, String>,
}

impl Work {
    /// Photos one by one.
    pub(super) fn photos(items: Vec<Item>) -> Self {
        Self { items: Arc::new(items), mosaics: None }
    }

    /// Mosaics, by the indices of their photos.
    pub(super) fn mosaics(items: Vec<Item>, mosaics: Vec<Vec<usize>>, cells: u32) -> Self {
        Self { items: Arc::new(items), mosaics: Some((Arc::new(mosaics), cells)) }
    }

    /// Number of pictures.
    pub(super) fn len(&self) -> usize {
        self.mosaics.as_ref().map_or(self.items.len(), |(mosaics, _)| mosaics.len())
    }

    /// Tells other photos, names, classes and mosaics apart, not the photos' content.
    pub(super) fn fingerprint(&self) -> u64 {
        let of_item = |item: &Item| format!("{}\0{:?}\0{}\n", item.name, item.classes, item.mask.is_some());
        let of_mosaic = |mosaic: &Vec<usize>| format!("{mosaic:?}\n");
        let items = self.items.iter().map(of_item);
        let mosaics = self.mosaics.iter().flat_map(|(mosaics, _)| mosaics.iter().map(of_mosaic));
        items.chain(mosaics).fold(0, |hash, text| fnv1a(text.as_bytes()) ^ hash.rotate_left(5).wrapping_mul(31))
    }

    /// The photos of a picture.
    fn items(&self, position: usize) -> Vec<&Item> {
        let single = [position];
        let indices = self.mosaics.as_ref().map_or(&single[..], |(mosaics, _)| &mosaics[position]);
        indices.iter().filter_map(|&index| self.items.get(index)).collect()
    }

    /// What a picture is called.
    pub(super) fn name(&self, position: usize) -> String {
        self.items(position).iter().map(|item| item.name.as_str()).collect::<Vec<_>>().join(" + ")
    }

    /// A hash of the content of a picture's files.
    pub(super) fn content(&self, position: usize, reader: &Reader) -> String {
        let content =
            self.items(position).into_iter().fold(0u64, |hash, item| hash.rotate_left(1) ^ reader.content(item));
        format!("{content:016x}")
    }

    fn read(&self, position: usize, reader: &Reader) -> Picture {
        let samples = self.items(position).into_iter().map(|item| reader.read(item));
        let samples: Result<Vec<Sample>, String> = samples.collect();
        let sample = samples.map(|mut samples| match &self.mosaics {
            Some((_, cells)) => mosaic(&samples, *cells, reader.height, reader.width),
            None => samples.swap_remove(0),
        });
        Picture { position, name: self.name(position), content: self.content(position, reader), sample }
    }
}

/// Pictures in order, batch by batch; one batch waits while another is worked on.
pub(super) struct Pictures {
    receiver: Receiver<Vec<Picture>>,
}

impl Pictures {
    /// Starts to read the pictures at these positions.
    pub(super) fn start(work: Work, reader: Reader, positions: Vec<usize>, batch: usize) -> Result<Self, CliError> {
        let (sender, receiver) = sync_channel(1);
        let produce = move || {
            for positions in positions.chunks(batch.max(1)) {
                let pictures = positions.par_iter().map(|&position| work.read(position, &reader)).collect();
                if sender.send(pictures).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("decode".into()).spawn(produce).map_err(CliError::Thread)?;
        Ok(Self { receiver })
    }
}

impl Iterator for Pictures {
    type Item = Vec<Picture>;

    fn next(&mut self) -> Option<Vec<Picture>> {
        self.receiver.recv().ok()
    }
}
