//! From an item of a data set to what an evaluation works with: the network's input and the mask as the network sees
//! it.

use super::dataset::Item;
use super::mask;
use crate::image::{Framing, InputSpec, Photo, Prepared, prepare, read_file};
use crate::models::fnv1a;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// A picture to evaluate.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The normalised input, (3, height, width).
    pub tensor: Vec<f32>,
    /// Its classes, as [`Item::classes`].
    pub classes: Vec<u32>,
    /// The mask, height x width: 0 is background, k the k-th class, [`VOID`](super::VOID) neither.
    pub mask: Option<Vec<u8>>,
    /// What it is asked to be like, where no class is used: for each class an input of [`Reader::height`] x
    /// [`Reader::width`].
    pub references: Vec<Vec<f32>>,
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
        let read_mask = |path: &PathBuf| {
            let (name, classes) = (path.display().to_string(), item.classes.len().max(1));
            let bytes = read_file(path).map_err(|error| error.to_string())?;
            mask::read(&bytes, &name, classes, &placement).map_err(|error| error.to_string())
        };
        let mask = self.mask_of(item).map(read_mask).transpose()?;
        Ok(Sample { tensor, classes: item.classes.clone(), mask, references: Vec::new() })
    }

    /// A hash of all that [`Reader::read`] reads of an item: another photo or mask under the same name has another.
    /// Files that cannot be read count as empty.
    pub fn content(&self, item: &Item) -> u64 {
        let hash = |path: &PathBuf| fnv1a(&read_file(path).unwrap_or_default());
        let mask = self.mask_of(item).map_or(0, hash);
        hash(&item.photo) ^ mask.rotate_left(1)
    }

    fn mask_of<'a>(&self, item: &'a Item) -> Option<&'a PathBuf> {
        item.mask.as_ref().filter(|_| self.with_masks)
    }
}

/// Rows and columns of samples as one: row by row, each in a cell of its own. Its classes are theirs.
pub fn mosaic(samples: &[Sample], [rows, columns]: [u32; 2], height: u32, width: u32) -> Sample {
    let (rows, columns, height, width) = (rows as usize, columns as usize, height as usize, width as usize);
    let channels = samples.first().map_or(0, |sample| sample.tensor.len() / (height * width).max(1));
    let mut tensor = Vec::with_capacity(channels * rows * columns * height * width);
    for channel in 0..channels {
        for row in 0..rows * height {
            for sample in samples.iter().skip(row / height * columns).take(columns) {
                let start = (channel * height + row % height) * width;
                tensor.extend_from_slice(&sample.tensor[start..start + width]);
            }
        }
    }
    let classes = samples.iter().flat_map(|sample| sample.classes.first().copied()).collect();
    Sample { tensor, classes, mask: None, references: Vec::new() }
}
