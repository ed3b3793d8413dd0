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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mosaics_lie_row_by_row() {
        // Values say where they are from: sample, channel, row and column.
        let value =
            |[sample, channel, row, column]: [usize; 4]| (1000 * sample + 100 * channel + 10 * row + column) as f32;
        let sample = |index: usize| {
            let places = (0..3 * 2 * 4).map(|at| [index, at / 8, at / 4 % 2, at % 4]);
            let classes = vec![index as u32, 9];
            Sample { tensor: places.map(value).collect(), classes, mask: Some(vec![0; 8]), references: Vec::new() }
        };
        let samples: Vec<Sample> = (0..6).map(sample).collect();
        let whole = mosaic(&samples, [2, 3], 2, 4);
        let expected = (0..3 * 4 * 12).map(|at| {
            let (channel, row, column) = (at / 48, at / 12 % 4, at % 12);
            value([row / 2 * 3 + column / 4, channel, row % 2, column % 4])
        });
        assert_eq!(whole.tensor, expected.collect::<Vec<_>>());
        assert_eq!((whole.classes, whole.mask), (vec![0, 1, 2, 3, 4, 5], None));
        assert!(mosaic(&[], [2, 3], 2, 4).tensor.is_empty());
    }

    #[test]
    fn contents_are_those_of_photo_and_mask() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path
        };
        let item = |photo: &str, mask: Option<&str>| Item {
            name: String::new(),
            photo: file(photo, photo),
            classes: Vec::new(),
            mask: mask.map(|mask| file(mask, mask)),
        };
        let items =
            [item("a", None), item("b", None), item("a", Some("a")), item("a", Some("b")), item("b", Some("a"))];
        let reader = |with_masks| Reader { spec: InputSpec::torchvision(1, 1), height: 1, width: 1, with_masks };
        let contents = |with_masks| items.iter().map(|item| reader(with_masks).content(item)).collect::<Vec<_>>();
        let seen = contents(true);
        assert!((1..items.len()).all(|index| !seen[..index].contains(&seen[index])), "{seen:?}");
        let photos = contents(false);
        assert_eq!(photos, [seen[0], seen[1], seen[0], seen[0], seen[1]]);
    }
}
