//! Pictures that go in together.

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
    /// For a network that is asked [against](crate::Model::against) neighbours: `count` x classes, the logits of each picture's
    /// neighbour. Empty for every other network.
    pub neighbours: Vec<f32>,
}

impl Batch {
    /// `count` pictures of `height` x `width`, of which `data` has `count` x 3 x `height` x `width` values, row-major.
    pub fn new(count: u32, height: u32, width: u32, data: Vec<f32>) -> Self {
        Self { count, height, width, data, neighbours: Vec::new() }
    }

    /// The same pictures with the logits of each picture's neighbour, `count` x classes.
    #[must_use]
    pub fn against(self, neighbours: Vec<f32>) -> Self {
        Self { neighbours, ..self }
    }

    /// Whether there is as much data as count and size say.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.count > 0 && self.data.len() as u64 == u64::from(self.count) * self.picture_elements() {
            return self.check_neighbours((self.neighbours.len() / self.count as usize) as u32);
        }
        let wanted = format!("{} values", u64::from(self.count.max(1)) * self.picture_elements());
        Err(Error::Batch { found: format!("{} with {} values", self.describe(), self.data.len()), wanted })
    }

    /// Whether there are `logits` values of neighbours for every picture.
    pub(crate) fn check_neighbours(&self, logits: u32) -> Result<(), Error> {
        if self.neighbours.len() as u64 == u64::from(self.count) * u64::from(logits) {
            return Ok(());
        }
        let found = format!("{} with {} logits of neighbours", self.describe(), self.neighbours.len());
        Err(Error::Batch { found, wanted: format!("{logits} for each picture") })
    }

    pub(crate) fn describe(&self) -> String {
        pictures_of(self.count, self.height, self.width)
    }

    pub(crate) fn picture_elements(&self) -> u64 {
        3 * u64::from(self.height) * u64::from(self.width)
    }

    /// One picture's values.
    pub(crate) fn picture(&self, index: usize) -> &[f32] {
        let picture = self.picture_elements() as usize;
        &self.data[index * picture..(index + 1) * picture]
    }

    /// The logits of one picture's neighbour; none where there are none.
    pub(crate) fn neighbour(&self, index: usize) -> &[f32] {
        let logits = self.neighbours.len() / self.count.max(1) as usize;
        &self.neighbours[index * logits..(index + 1) * logits]
    }

    /// These pictures, in this order; one may be there several times.
    pub(crate) fn select(&self, pictures: impl Iterator<Item = usize> + Clone) -> Batch {
        let data = pictures.clone().flat_map(|index| self.picture(index)).copied().collect();
        let neighbours = pictures.clone().flat_map(|index| self.neighbour(index)).copied().collect();
        Batch { count: pictures.count() as u32, data, neighbours, ..*self }
    }
}

/// `1 picture of 2x3`, `2 pictures of 2x3`.
pub(crate) fn pictures_of(count: u32, height: u32, width: u32) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} picture{plural} of {height}x{width}")
}
