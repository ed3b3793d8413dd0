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

    pub(crate) fn picture_elements(&self) -> u64 {
        3 * u64::from(self.height) * u64::from(self.width)
    }

    /// One picture's values.
    pub(crate) fn picture(&self, index: usize) -> &[f32] {
        let picture = self.picture_elements() as usize;
        &self.data[index * picture..(index + 1) * picture]
    }

    pub(crate) fn part(&self, first: u32, count: u32) -> Batch {
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
