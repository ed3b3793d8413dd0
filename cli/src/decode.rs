//! Files -> pictures that the network can take. The first stage of the pipeline.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use super::former::FileStamp;
use super::inputs::Source;
use super::names::append;
use super::report::{Failure, SizeReport};
use super::without::comparison::Beside;
use agf::image::{Framing, ImageError, InputSpec, NpyInputs, Photo, Placement, Prepared, RgbImage, prepare};

/// One network input and the photo to show beside its maps.
pub(super) struct Picture {
    /// The file as it was given or found.
    pub(super) input: String,
    /// Position in the file, where it is an array of inputs.
    pub(super) index: Option<usize>,
    /// What its outputs' names begin with, relative to the output folder.
    pub(super) name: PathBuf,
    /// The file as it was found.
    pub(super) file: FileStamp,
    /// The photo; for an input from an array, what it shows.
    pub(super) photo: Photo,
    /// The network's input.
    pub(super) prepared: Prepared,
    /// Reading, decoding and preparing, milliseconds.
    pub(super) decode_ms: f64,
    /// What is odd about its values.
    doubt: Option<String>,
    /// The picture that it is set apart from.
    pub(super) beside: Option<Beside>,
}

impl Picture {
    /// What messages and lines of data call it.
    pub(super) fn label(&self) -> String {
        match self.index {
            Some(index) => format!("{}[{index}]", self.input),
            None => self.input.clone(),
        }
    }

    /// What the user should be warned of.
    pub(super) fn doubt(&self) -> Option<String> {
        Some(format!("{}: {}", self.label(), self.doubt.as_ref()?))
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
        let (photo, prepared) = guarded(&label_of(source, None), read)?;
        Ok(Picture {
            input: label_of(source, None),
            index: None,
            name: source.name.clone(),
            file: source.file.clone(),
            photo,
            prepared,
            decode_ms: milliseconds(started),
            doubt: None,
            beside: None,
        })
    }

    /// Opens an array of network inputs; each gives a picture, read when it is asked for.
    pub(super) fn array(&self, source: &Source) -> Result<impl Iterator<Item = Result<Picture, Failure>>, Failure> {
        let mut inputs = guarded(&label_of(source, None), || NpyInputs::open(&source.path))?;
        let mut is_warned = false;
        let left = (0..inputs.count()).filter(|index| !source.done.contains(index));
        Ok(left.map(move |index| {
            let mut picture = self.element(&mut inputs, index, source)?;
            picture.doubt = picture.doubt.filter(|_| !is_warned);
            is_warned |= picture.doubt.is_some();
            Ok(picture)
        }))
    }

    /// Input `index` of an array. Undoing the normalisation gives a photo to show.
    fn element(&self, inputs: &mut NpyInputs, index: usize, source: &Source) -> Result<Picture, Failure> {
        let started = Instant::now();
        let (height, width) = (inputs.height(), inputs.width());
        let label = label_of(source, Some(index));
        let read = || {
            let tensor = inputs.read(index)?;
            let crop = self.shown(&tensor, height, width);
            let placement = Placement::whole(height, width);
            let photo = Photo::from_rgb(crop.clone(), &label)?;
            Ok((photo, Prepared { tensor, height, width, crop, placement }))
        };
        let (photo, prepared) = guarded(&label, read)?;
        let doubt = self.doubt(&prepared.tensor);
        Ok(Picture {
            doubt,
            beside: None,
            input: label_of(source, None),
            index: Some(index),
            name: append(&source.name, &format!(".{index}")),
            file: source.file.clone(),
            photo,
            prepared,
            decode_ms: milliseconds(started),
        })
    }

    /// The picture behind a normalised input, cut to what 8 bit can show.
    fn shown(&self, tensor: &[f32], height: u32, width: u32) -> RgbImage {
        let pixels = height as usize * width as usize;
        let mut image = RgbImage::new(width, height);
        let value = |channel: usize, pixel: usize| tensor.get(channel * pixels + pixel).copied().unwrap_or_default();
        for (index, pixel) in image.pixels_mut().enumerate() {
            // `as` saturates.
            let byte =
                |channel| (value(channel, index) * self.spec.std[channel] + self.spec.mean[channel]).round() as u8;
            pixel.0 = self.spec.order.shown(byte);
        }
        image
    }

    /// Values far beyond those that pictures have after this network's normalisation.
    fn doubt(&self, tensor: &[f32]) -> Option<String> {
        let of_byte =
            |byte: f32| self.spec.mean.into_iter().zip(self.spec.std).map(move |(mean, std)| (byte - mean) / std);
        let (low, high) = (of_byte(0.0).fold(f32::MAX, f32::min), of_byte(255.0).fold(f32::MIN, f32::max));
        let range =
            tensor.iter().fold((f32::MAX, f32::MIN), |(least, most), &value| (least.min(value), most.max(value)));
        let is_usual = |value: f32| (low - (high - low)..=high + (high - low)).contains(&value);
        if is_usual(range.0) && is_usual(range.1) {
            return None;
        }
        Some(format!(
            "its values go from {} to {}, where pictures for this network have {low:.2} to {high:.2}; inputs from .npy \
             files are taken as they are, so subtract the mean and divide by the standard deviation first",
            range.0, range.1
        ))
    }
}

/// What messages and lines of data call a file or an input of an array.
fn label_of(source: &Source, index: Option<usize>) -> String {
    let path = source.path.display();
    index.map_or_else(|| path.to_string(), |index| format!("{path}[{index}]"))
}

/// Runs `read` for an input. Should a decoder crash on it, that input alone fails.
fn guarded<T>(label: &str, read: impl FnOnce() -> Result<T, ImageError>) -> Result<T, Failure> {
    let input = label.to_owned();
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
    use agf::image::{ChannelOrder, Filter, Resize};
    use npyz::WriterBuilder;
    use std::fs::File;

    #[test]
    fn an_array_shows_what_was_normalised() {
        let spec = InputSpec {
            height: 2,
            width: 2,
            resize: Resize::Crop { short: 2 },
            filter: Filter::Bilinear,
            order: ChannelOrder::Bgr,
            mean: [10.0, 20.0, 30.0],
            std: [2.0, 4.0, 0.5],
        };
        let decoder = Decoder { spec, framing: Framing::Native };
        let rgb = RgbImage::from_raw(3, 2, (0..18).map(|value| value * 14).collect()).unwrap();
        let photo = Photo::from_rgb(rgb.clone(), "test").unwrap();
        let prepared = prepare(&photo, &spec, Framing::Native).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let values = prepared.tensor.repeat(2);
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&[2, 3, 2, 3])
            .writer(File::create(&path).unwrap())
            .begin_nd()
            .unwrap();
        writer.extend(values).unwrap();
        writer.finish().unwrap();
        let source = Source { path, name: "x".into(), array_length: Some(2), ..Source::default() };
        let again = decoder.array(&source).unwrap().nth(1).unwrap().unwrap();
        assert_eq!((again.index, again.name), (Some(1), "x.1".into()));
        assert_eq!(again.photo.rgb(), &rgb);
        assert_eq!(again.prepared.tensor, prepared.tensor);
        assert_eq!(again.prepared.placement, prepared.placement);
    }
}
