//! From an item of a data set to what an evaluation works with: the network's input and the mask as the network sees it.

use super::dataset::Item;
use crate::image::{Framing, InputSpec, Photo, Placement, Prepared, prepare};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// A picture to evaluate.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The normalised input, (3, height, width).
    pub tensor: Vec<f32>,
    /// Its classes, as [`Item::classes`].
    pub classes: Vec<u32>,
    /// Values of the mask, height x width.
    pub mask: Option<Vec<u8>>,
}

/// What a network wants of its input, and at which size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reader {
    /// What it expects.
    pub spec: InputSpec,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Whether masks are read.
    pub with_masks: bool,
}

impl Reader {
    /// Reads an item; the error says why it cannot be used and names the file.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn read(&self, item: &Item) -> Result<Sample, String> {
        // Should a decoder crash on a file, that file alone fails.
        catch_unwind(AssertUnwindSafe(|| self.decode(item))).unwrap_or_else(|_| {
            Err(format!("{}: the decoder crashed on this file; convert it first", item.photo.display()))
        })
    }

    fn decode(&self, item: &Item) -> Result<Sample, String> {
        let photo = Photo::open(&item.photo).map_err(|error| error.to_string())?;
        let framing = match (self.height, self.width) == (self.spec.height, self.spec.width) {
            true => Framing::Standard,
            false => Framing::Size { height: self.height, width: self.width },
        };
        let Prepared { tensor, placement, .. } =
            prepare(&photo, &self.spec, framing).map_err(|error| error.to_string())?;
        let mask = item.mask.as_ref().filter(|_| self.with_masks);
        let mask = mask.map(|path| read_mask(path, &placement)).transpose()?;
        Ok(Sample { tensor, classes: item.classes.clone(), mask })
    }
}

/// The mask's values at the centres of the input's pixels; 0 in padding.
fn read_mask(path: &Path, placement: &Placement) -> Result<Vec<u8>, String> {
    let photo = Photo::open(path).map_err(|error| error.to_string())?;
    let Placement { photo_height, photo_width, .. } = *placement;
    if (photo.height(), photo.width()) != (photo_height, photo_width) {
        let (path, height, width) = (path.display(), photo.height(), photo.width());
        return Err(format!(
            "{path}: the mask has {height} x {width} pixels (height x width), its photo {photo_height} x {photo_width}; they must be equal"
        ));
    }
    let mut values = Vec::with_capacity(placement.crop_height as usize * placement.crop_width as usize);
    for row in 0..placement.crop_height {
        // Padding is no object.
        let value = |column| placement.photo_pixel(column, row).map_or(0, |(x, y)| photo.rgb().get_pixel(x, y).0[0]);
        values.extend((0..placement.crop_width).map(value));
    }
    Ok(values)
}

/// `cells` x `cells` samples as one: row by row, each in a cell of its own. Its classes are theirs.
pub fn mosaic(samples: &[Sample], cells: u32, height: u32, width: u32) -> Sample {
    let (cells, height, width) = (cells as usize, height as usize, width as usize);
    let mut tensor = Vec::with_capacity(3 * cells * cells * height * width);
    for channel in 0..3 {
        for row in 0..cells * height {
            for sample in samples.iter().skip(row / height * cells).take(cells) {
                let start = (channel * height + row % height) * width;
                tensor.extend_from_slice(&sample.tensor[start..start + width]);
            }
        }
    }
    let classes = samples.iter().flat_map(|sample| sample.classes.first().copied()).collect();
    Sample { tensor, classes, mask: None }
}
