//! Files -> pictures that the network can take. The first stage of the pipeline.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use super::inputs::{Source, append};
use super::report::{Failure, SizeReport};
use crate::image::{
    Framing, ImageError, InputSpec, NpyBatch, Photo, Placement, Prepared, RgbImage, prepare, read_npy_batch,
};

/// One network input and the photo to show beside its maps.
pub(super) struct Picture {
    /// The file as it was given or found.
    pub(super) input: String,
    /// Position in the file, where it is an array of inputs.
    pub(super) index: Option<usize>,
    /// Inputs in the file.
    pub(super) siblings: usize,
    /// What its outputs' names begin with, relative to the output folder.
    pub(super) name: PathBuf,
    /// The photo; for an input from an array, what it shows.
    pub(super) photo: Photo,
    /// The network's input.
    pub(super) prepared: Prepared,
    /// Reading, decoding and preparing, milliseconds.
    pub(super) decode_ms: f64,
}

impl Picture {
    /// What messages and lines of data call it.
    pub(super) fn label(&self) -> String {
        match self.index {
            Some(index) => format!("{}[{index}]", self.input),
            None => self.input.clone(),
        }
    }

    /// It cannot be explained.
    pub(super) fn failure(&self, error: impl Display) -> Failure {
        let label = self.label();
        Failure { error: format!("{label}: {error}"), input: label }
    }

    /// The size of the network's input.
    pub(super) fn network_input(&self) -> SizeReport {
        SizeReport { height: self.prepared.height, width: self.prepared.width }
    }

    /// Bytes that it holds until its files are written.
    pub(super) fn bytes(&self) -> usize {
        self.photo.rgb().len() + self.prepared.crop.len() + 4 * self.prepared.tensor.len()
    }
}

/// How files become pictures.
#[derive(Clone, Copy)]
pub(super) struct Decoder {
    /// What the network expects.
    pub(super) spec: InputSpec,
    /// How photos are brought to its size.
    pub(super) framing: Framing,
}

impl Decoder {
    /// Reads a photo.
    pub(super) fn photo(&self, source: &Source) -> Result<Picture, Failure> {
        let started = Instant::now();
        let read = || {
            let photo = Photo::open(&source.path)?;
            let prepared = prepare(&photo, &self.spec, self.framing)?;
            Ok((photo, prepared))
        };
        let (photo, prepared) = guarded(source, read)?;
        Ok(Picture {
            input: source.path.display().to_string(),
            index: None,
            siblings: 1,
            name: source.name.clone(),
            photo,
            prepared,
            decode_ms: milliseconds(started),
        })
    }

    /// Reads an array of network inputs, one picture each.
    pub(super) fn array(&self, source: &Source) -> Result<impl Iterator<Item = Result<Picture, Failure>>, Failure> {
        let started = Instant::now();
        let batch = guarded(source, || read_npy_batch(&source.path))?;
        let reading_ms = milliseconds(started) / batch.count as f64;
        Ok((0..batch.count).map(move |index| {
            let started = Instant::now();
            let (photo, prepared) = guarded(source, || self.slice(&batch, index, source))?;
            Ok(Picture {
                input: source.path.display().to_string(),
                index: Some(index),
                siblings: batch.count,
                name: append(&source.name, &format!(".{index}")),
                photo,
                prepared,
                decode_ms: reading_ms + milliseconds(started),
            })
        }))
    }

    /// Input `index` of an array. Undoing the normalisation gives a photo to show.
    fn slice(&self, batch: &NpyBatch, index: usize, source: &Source) -> Result<(Photo, Prepared), ImageError> {
        let name = || format!("{}[{index}]", source.path.display());
        let too_large = |_| ImageError::Input { name: name(), problem: "its height or width is beyond 32 bit".into() };
        let height = u32::try_from(batch.height).map_err(too_large)?;
        let width = u32::try_from(batch.width).map_err(too_large)?;
        let length = batch.channels * batch.height * batch.width;
        let tensor: Vec<f32> = batch.data.iter().skip(index * length).take(length).copied().collect();
        let crop = self.shown(&tensor, height, width);
        let placement = Placement {
            photo_height: height,
            photo_width: width,
            resized_height: height,
            resized_width: width,
            crop_top: 0,
            crop_left: 0,
            crop_height: height,
            crop_width: width,
        };
        let photo = Photo::from_rgb(crop.clone(), name())?;
        Ok((photo, Prepared { tensor, height, width, crop, placement }))
    }

    /// The picture behind a normalised input, cut to what 8 bit can show.
    fn shown(&self, tensor: &[f32], height: u32, width: u32) -> RgbImage {
        let pixels = height as usize * width as usize;
        let mut image = RgbImage::new(width, height);
        let channels = tensor.chunks(pixels.max(1)).zip(self.spec.mean.into_iter().zip(self.spec.std));
        for (channel, (values, (mean, std))) in channels.enumerate() {
            for (pixel, value) in image.pixels_mut().zip(values) {
                // `as` saturates.
                pixel.0[channel] = (value * std + mean).round() as u8;
            }
        }
        image
    }
}

/// Runs `read`. Should a decoder crash on a file, that file alone fails.
fn guarded<T>(source: &Source, read: impl FnOnce() -> Result<T, ImageError>) -> Result<T, Failure> {
    let input = source.path.display().to_string();
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failure { input, error: error.to_string() }),
        Err(_) => Err(Failure { error: format!("{input}: the decoder crashed on this file; convert it first"), input }),
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Filter;

    #[test]
    fn an_array_shows_what_was_normalised() {
        let spec = InputSpec {
            height: 2,
            width: 2,
            resize_short: 2,
            filter: Filter::Bilinear,
            mean: [10.0, 20.0, 30.0],
            std: [2.0, 4.0, 0.5],
        };
        let decoder = Decoder { spec, framing: Framing::Native };
        let rgb = RgbImage::from_raw(3, 2, (0..18).map(|value| value * 14).collect()).unwrap();
        let photo = Photo::from_rgb(rgb.clone(), "test").unwrap();
        let prepared = prepare(&photo, &spec, Framing::Native).unwrap();
        let batch = NpyBatch { count: 2, channels: 3, height: 2, width: 3, data: prepared.tensor.repeat(2) };
        let source = Source { path: "x.npy".into(), name: "x".into(), is_array: true };
        let (shown, again) = decoder.slice(&batch, 1, &source).unwrap();
        assert_eq!(shown.rgb(), &rgb);
        assert_eq!(again.tensor, prepared.tensor);
        assert_eq!(again.placement, prepared.placement);
    }
}
