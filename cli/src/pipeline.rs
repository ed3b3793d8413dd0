//! Pictures in batches, decoded ahead by a thread of its own, never more of them than a bounded channel holds.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rayon::prelude::*;

use super::CliError;
use super::decode::{Decoder, Picture};
use super::inputs::Source;
use super::report::Failure;
use agf::Batch;

/// Photos that are decoded at the same time, and pictures that wait in the channel.
const AHEAD: usize = 4;
/// A batch is closed when its pictures hold this many bytes.
const BATCH_BYTES: usize = 256 << 20;

type Decoded = Result<Picture, Failure>;

/// What the pipeline delivers.
pub(super) enum Delivery {
    /// Pictures of one size, at least one.
    Batch(Vec<Picture>),
    /// A file or a part of one that could not be read.
    Failed(Failure),
}

/// The deliveries, in the order of the sources.
pub(super) struct Batches {
    receiver: Receiver<Decoded>,
    limit: usize,
    pending: Vec<Picture>,
    /// The first picture of the next batch.
    held: Option<Picture>,
}

impl Batches {
    /// Starts to decode; a batch has at most `limit` pictures.
    pub(super) fn start(sources: Vec<Source>, decoder: Decoder, limit: usize) -> Result<Self, CliError> {
        let (sender, receiver) = sync_channel(AHEAD);
        let produce = move || produce(&sources, decoder, &sender);
        thread::Builder::new().name("decode".into()).spawn(produce).map_err(CliError::Thread)?;
        Ok(Self { receiver, limit, pending: Vec::new(), held: None })
    }

    fn is_full(&self) -> bool {
        let bytes: usize = self.pending.iter().map(Picture::bytes).sum();
        self.pending.len() >= self.limit || bytes >= BATCH_BYTES
    }

    fn fits(&self, picture: &Picture) -> bool {
        let size = |picture: &Picture| (picture.prepared.height, picture.prepared.width);
        self.pending.first().is_none_or(|first| size(first) == size(picture))
    }

    fn take(&mut self) -> Option<Delivery> {
        let batch = std::mem::take(&mut self.pending);
        (!batch.is_empty()).then_some(Delivery::Batch(batch))
    }
}

impl Iterator for Batches {
    type Item = Delivery;

    fn next(&mut self) -> Option<Delivery> {
        self.pending.extend(self.held.take());
        while !self.is_full() {
            match self.receiver.recv() {
                Ok(Ok(picture)) if self.fits(&picture) => self.pending.push(picture),
                Ok(Ok(picture)) => {
                    self.held = Some(picture);
                    break;
                }
                Ok(Err(failure)) => return Some(Delivery::Failed(failure)),
                Err(_) => break,
            }
        }
        self.take()
    }
}

/// The pictures' tensors as one batch, moved out of them.
pub(super) fn batch_of(pictures: &mut [Picture]) -> Batch {
    let (height, width) = pictures.first().map_or((0, 0), |picture| (picture.prepared.height, picture.prepared.width));
    let count = u32::try_from(pictures.len()).unwrap_or(u32::MAX);
    let mut data = Vec::with_capacity(pictures.iter().map(|picture| picture.prepared.tensor.len()).sum());
    for picture in pictures {
        data.append(&mut std::mem::take(&mut picture.prepared.tensor));
    }
    Batch::new(count, height, width, data)
}

/// Decodes everything in order; ends early when nobody listens any more.
fn produce(sources: &[Source], decoder: Decoder, sender: &SyncSender<Decoded>) {
    for run in sources.chunk_by(|a, b| a.array_length.is_none() && b.array_length.is_none()) {
        for sources in run.chunks(AHEAD) {
            let is_heard = match sources {
                [source] if source.array_length.is_some() => send_array(source, decoder, sender),
                photos => send_photos(photos, decoder, sender),
            };
            if !is_heard {
                return;
            }
        }
    }
}

fn send_photos(photos: &[Source], decoder: Decoder, sender: &SyncSender<Decoded>) -> bool {
    let decoded: Vec<Decoded> = photos.par_iter().map(|source| decoder.photo(source)).collect();
    decoded.into_iter().all(|picture| sender.send(picture).is_ok())
}

fn send_array(source: &Source, decoder: Decoder, sender: &SyncSender<Decoded>) -> bool {
    match decoder.array(source) {
        Ok(mut pictures) => pictures.all(|picture| sender.send(picture).is_ok()),
        Err(failure) => sender.send(Err(failure)).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agf::image::{Framing, Photo, RgbImage};
    use agf::models::{Architecture, Model};

    #[test]
    fn neighbours_of_one_size_share_a_batch_and_order_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let source = |(index, width): (usize, &u32)| {
            let path = folder.path().join(format!("{index}.png"));
            match width {
                0 => std::fs::write(&path, b"no picture").unwrap(),
                width => RgbImage::new(*width, 2).save(&path).unwrap(),
            }
            Source { path, name: index.to_string().into(), ..Source::default() }
        };
        let sources = [3, 3, 0, 3, 3, 4, 3].iter().enumerate().map(source).collect();
        let spec = Model::synthetic(Architecture::TinyVgg).unwrap().input_spec();
        let batches = Batches::start(sources, Decoder { spec, framing: Framing::Native }, 3).unwrap();
        let seen: Vec<Vec<String>> = batches
            .map(|delivery| match delivery {
                Delivery::Batch(pictures) => {
                    pictures.iter().map(|picture| picture.name.display().to_string()).collect()
                }
                Delivery::Failed(_) => vec!["failed".into()],
            })
            .collect();
        assert_eq!(seen, [vec!["failed"], vec!["0", "1", "3"], vec!["4"], vec!["5"], vec!["6"]]);
    }

    #[test]
    fn nobody_listening_ends_the_thread() {
        let (sender, receiver) = sync_channel(1);
        drop(receiver);
        let spec = Model::synthetic(Architecture::TinyVgg).unwrap().input_spec();
        let source = Source { path: "missing".into(), name: "missing".into(), ..Source::default() };
        produce(&vec![source; 10], Decoder { spec, framing: Framing::Native }, &sender);
        assert!(Photo::open("missing").is_err());
    }
}
