//! What goes into an explainer and what comes out.

use crate::error::Error;

/// Normalised pictures of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Number of pictures.
    pub count: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// `count` x 3 x `height` x `width` values, row-major.
    pub data: Vec<f32>,
}

impl Batch {
    /// Whether there is as much data as count and size say.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.count > 0 && self.data.len() as u64 == u64::from(self.count) * self.picture_elements() {
            return Ok(());
        }
        let wanted = format!("{} values", u64::from(self.count.max(1)) * self.picture_elements());
        Err(Error::Batch { found: format!("{} with {} values", self.describe(), self.data.len()), wanted })
    }

    pub(crate) fn describe(&self) -> String {
        pictures_of(self.count, self.height, self.width)
    }

    pub(super) fn picture_elements(&self) -> u64 {
        3 * u64::from(self.height) * u64::from(self.width)
    }

    /// One picture's values.
    pub(super) fn picture(&self, index: usize) -> &[f32] {
        let picture = self.picture_elements() as usize;
        &self.data[index * picture..(index + 1) * picture]
    }

    pub(super) fn part(&self, first: u32, count: u32) -> Batch {
        let picture = self.picture_elements() as usize;
        let data = self.data[first as usize * picture..(first + count) as usize * picture].to_vec();
        Batch { count, height: self.height, width: self.width, data }
    }
}

/// `1 picture of 2x3`, `2 pictures of 2x3`.
pub(crate) fn pictures_of(count: u32, height: u32, width: u32) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} picture{plural} of {height}x{width}")
}

/// Which class of a picture to explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The class of this rank in the network's own answer; 0 is the best.
    Rank(u32),
    /// A class id.
    Class(u32),
}

/// One picture's answer and maps.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// One logit per class.
    pub logits: Vec<f32>,
    /// One map per target, in the order of the targets.
    pub maps: Vec<Map>,
}

/// One class's map of one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// The class that was explained.
    pub class: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// `height` x `width` values, row-major: positive speaks for the class, negative against it.
    pub values: Vec<f32>,
    /// Largest relevance of any input value, by which the map is divided where it is positive; `None` for methods that do not divide.
    pub peak: Option<f32>,
    /// By how much what the method promises to add up to the class's logit misses it; `None` where it promises nothing.
    pub completeness_gap: Option<f64>,
    /// Share of the relevance arriving at masks (activations that pass nothing beyond their bounds) that is dropped there; `None` for
    /// methods without masks.
    pub mask_loss: Option<f64>,
    /// Sum of the relevance at the input of each layer with weights, from the logits to the picture.
    pub conservation: Vec<LayerSum>,
}

/// The total relevance at one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSum {
    /// Layer name.
    pub layer: String,
    /// Sum over all channels and pixels of the relevance of the layer's input.
    pub sum: f32,
}

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Making plans, pipelines and weights that were not there yet, milliseconds.
    pub prepare_ms: f64,
    /// Packing the input and handing it to the driver, milliseconds.
    pub upload_ms: f64,
    /// From submission until the GPU is done, milliseconds.
    pub gpu_ms: f64,
    /// Copying results back, milliseconds.
    pub read_back_ms: f64,
    /// Bytes of GPU buffers, weights included.
    pub gpu_bytes: u64,
}

/// How far a call of [`Explainer::explain`](super::Explainer::explain) is. A method with several passes per picture counts passes, the others pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Runs of a picture that are done.
    pub done: u64,
    /// All runs of pictures of this call.
    pub total: u64,
}
