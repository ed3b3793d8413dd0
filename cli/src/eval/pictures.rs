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
    /// Indices of the photos of each picture: one, or those of a mosaic.
    pictures: Arc<Vec<Vec<usize>>>,
    /// Rows and columns of mosaics.
    cells: Option<[u32; 2]>,
    /// For each picture the photos that it is compared with.
    references: Option<Arc<Vec<Vec<usize>>>>,
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
        let pictures = (0..items.len()).map(|index| vec![index]).collect();
        Self { items: Arc::new(items), pictures: Arc::new(pictures), cells: None, references: None }
    }

    /// Photos with masks one by one, each compared with others by their indices; photos without others are no pictures.
    pub(super) fn compared(items: Vec<Item>, others: Vec<Option<Vec<usize>>>) -> Self {
        let with_others = others.into_iter().enumerate().filter(|(index, _)| items[*index].mask.is_some());
        let with_others = with_others.filter_map(|(index, others)| Some((vec![index], others?)));
        let (pictures, references): (Vec<_>, Vec<_>) = with_others.unzip();
        let references = Some(Arc::new(references));
        Self { items: Arc::new(items), pictures: Arc::new(pictures), cells: None, references }
    }

    /// Mosaics, by the indices of their photos and of those that they are compared with.
    pub(super) fn mosaics(
        items: Vec<Item>,
        mosaics: Vec<Vec<usize>>,
        cells: [u32; 2],
        references: Option<Vec<Vec<usize>>>,
    ) -> Self {
        let references = references.map(Arc::new);
        Self { items: Arc::new(items), pictures: Arc::new(mosaics), cells: Some(cells), references }
    }

    /// The first pictures alone.
    pub(super) fn limited(mut self, count: usize) -> Self {
        Arc::make_mut(&mut self.pictures).truncate(count);
        self
    }

    /// Number of pictures.
    pub(super) fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Tells other photos, names, classes and mosaics apart, not the photos' content.
    pub(super) fn fingerprint(&self) -> u64 {
        let of_item = |item: &Item| format!("{}\0{:?}\0{}\n", item.name, item.classes, item.mask.is_some());
        let of_indices = |indices: &Vec<usize>| format!("{indices:?}\n");
        let items = self.items.iter().map(of_item);
        let mosaics = self.cells.iter().flat_map(|_| self.pictures.iter().map(of_indices));
        let references = self.references.iter().flat_map(|references| references.iter().map(of_indices));
        let texts = items.chain(mosaics).chain(references);
        texts.fold(0, |hash, text| fnv1a(text.as_bytes()) ^ hash.rotate_left(5).wrapping_mul(31))
    }

    /// The photos at these indices.
    fn items(&self, indices: &[usize]) -> Vec<&Item> {
        indices.iter().filter_map(|&index| self.items.get(index)).collect()
    }

    /// The photos that a picture is compared with.
    fn references(&self, position: usize) -> &[usize] {
        self.references.as_ref().map_or(&[], |references| &references[position])
    }

    /// What a picture is called.
    pub(super) fn name(&self, position: usize) -> String {
        let items = self.items(&self.pictures[position]);
        items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>().join(" + ")
    }

    /// A hash of the content of a picture's files.
    pub(super) fn content(&self, position: usize, reader: &Reader) -> String {
        let indices = [&self.pictures[position], self.references(position)].concat();
        let items = self.items(&indices);
        let content = items.into_iter().fold(0u64, |hash, item| hash.rotate_left(1) ^ reader.content(item));
        format!("{content:016x}")
    }

    fn sample(&self, position: usize, reader: &Reader) -> Result<Sample, String> {
        let read = |indices: &[usize], reader: &Reader| -> Result<Vec<Sample>, String> {
            self.items(indices).into_iter().map(|item| reader.read(item)).collect()
        };
        let mut samples = read(&self.pictures[position], reader)?;
        let references = match self.references(position) {
            [] => Vec::new(),
            own if own == self.pictures[position].as_slice() => {
                samples.iter().map(|sample| sample.tensor.clone()).collect()
            }
            others => {
                let without_masks = Reader { with_masks: false, ..*reader };
                read(others, &without_masks)?.into_iter().map(|sample| sample.tensor).collect()
            }
        };
        let sample = match self.cells {
            Some(cells) => mosaic(&samples, cells, reader.height, reader.width),
            None => samples.swap_remove(0),
        };
        Ok(Sample { references, ..sample })
    }

    fn read(&self, position: usize, reader: &Reader) -> Picture {
        let sample = self.sample(position, reader);
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
