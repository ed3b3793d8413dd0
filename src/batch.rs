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
    /// `count` x channels x `height` x `width` values, row-major. There are three channels, or one.
    pub data: Vec<f32>,
    /// For a network that is asked [against](crate::Model::against) neighbours: `count` x classes, the logits of each
    /// picture's neighbour. Empty for every other network.
    pub neighbours: Vec<f32>,
}

impl Batch {
    /// `count` pictures of `height` x `width`, of which `data` has `count` x channels x `height` x `width` values,
    /// row-major.
    pub fn new(count: u32, height: u32, width: u32, data: Vec<f32>) -> Self {
        Self { count, height, width, data, neighbours: Vec::new() }
    }

    /// The same pictures with the logits of each picture's neighbour, `count` x classes.
    #[must_use]
    pub fn against(self, neighbours: Vec<f32>) -> Self {
        Self { neighbours, ..self }
    }

    /// Whether there is as much data as count, size and the network's channels say.
    pub(crate) fn check(&self, channels: u32) -> Result<(), Error> {
        let wanted = u64::from(self.count.max(1)) * u64::from(channels) * self.pixels();
        if self.count > 0 && self.data.len() as u64 == wanted {
            return self.check_neighbours((self.neighbours.len() / self.count as usize) as u32);
        }
        let wanted = format!("{wanted} values, for {channels} channel{} each", if channels == 1 { "" } else { "s" });
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

    fn pixels(&self) -> u64 {
        u64::from(self.height) * u64::from(self.width)
    }

    /// Values of one picture.
    pub(crate) fn picture_elements(&self) -> u64 {
        self.data.len() as u64 / u64::from(self.count.max(1))
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
