//! Where in the photo the network input lies, to bring a heat map back onto the photo.

use super::map::Map;
use super::resample::{resample, taps};

/// How a photo became a network input: resized as a whole, then cropped or padded.
///
/// All sizes and offsets are in pixels; offsets count from the resized photo's top left and are negative where padding
/// stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Height of the photo.
    pub photo_height: u32,
    /// Width of the photo.
    pub photo_width: u32,
    /// Height of the whole photo after the resize.
    pub resized_height: u32,
    /// Width of the whole photo after the resize.
    pub resized_width: u32,
    /// Rows of the resized photo above the crop.
    pub crop_top: i32,
    /// Columns of the resized photo left of the crop.
    pub crop_left: i32,
    /// Height of the crop: that of the network input.
    pub crop_height: u32,
    /// Width of the crop: that of the network input.
    pub crop_width: u32,
}

/// A heat map on the photo's own grid, known where the network saw the photo.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoMap {
    rows: Span,
    columns: Span,
    values: Vec<f32>,
}

/// The half-open range of photo rows or columns that the crop touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn index(self, at: u32) -> Option<usize> {
        let inside = self.start <= at && at < self.end;
        inside.then(|| (at - self.start) as usize)
    }

    fn len(self) -> u32 {
        self.end - self.start
    }
}

/// One axis of a placement.
#[derive(Clone, Copy)]
struct Axis {
    photo: u32,
    resized: u32,
    offset: i32,
    crop: u32,
}

impl Axis {
    fn span(self) -> Span {
        let to_photo = |at: f64| at * f64::from(self.photo) / f64::from(self.resized);
        let (start, end) = (f64::from(self.offset), f64::from(self.offset) + f64::from(self.crop));
        // `as` saturates: what lies before the photo is cut off.
        Span { start: to_photo(start).floor() as u32, end: (to_photo(end).ceil() as u32).min(self.photo) }
    }

    /// The position on the map's axis of photo position 0, and the step of one photo pixel.
    fn origin_and_step(self, span: Span, map: u32) -> (f64, f64) {
        let map_per_crop = f64::from(map) / f64::from(self.crop);
        let crop_per_photo = f64::from(self.resized) / f64::from(self.photo);
        let start = f64::from(span.start) * crop_per_photo - f64::from(self.offset);
        (start * map_per_crop, crop_per_photo * map_per_crop)
    }
}

impl Placement {
    /// The place of a photo that is the network input as it is.
    pub fn whole(height: u32, width: u32) -> Self {
        Self {
            photo_height: height,
            photo_width: width,
            resized_height: height,
            resized_width: width,
            crop_top: 0,
            crop_left: 0,
            crop_height: height,
            crop_width: width,
        }
    }

    /// The part of the input that shows the photo, without padding.
    pub(super) fn within_photo(&self) -> Self {
        let along = |offset: i32, crop: u32, resized: u32| {
            let end = (i64::from(offset) + i64::from(crop)).min(i64::from(resized));
            let start = offset.max(0);
            (start, (end - i64::from(start)).max(0) as u32)
        };
        let (crop_top, crop_height) = along(self.crop_top, self.crop_height, self.resized_height);
        let (crop_left, crop_width) = along(self.crop_left, self.crop_width, self.resized_width);
        Self { crop_top, crop_left, crop_height, crop_width, ..*self }
    }

    /// The photo's pixel (x, y) at the centre of the input's pixel (x, y); `None` in padding.
    pub fn photo_pixel(&self, x: u32, y: u32) -> Option<(u32, u32)> {
        let along = |offset: i32, index: u32, photo: u32, resized: u32| {
            let center = f64::from(offset) + f64::from(index) + 0.5;
            let is_inside = center > 0.0 && center < f64::from(resized);
            is_inside.then(|| ((center * f64::from(photo) / f64::from(resized)) as u32).min(photo.saturating_sub(1)))
        };
        let x = along(self.crop_left, x, self.photo_width, self.resized_width)?;
        Some((x, along(self.crop_top, y, self.photo_height, self.resized_height)?))
    }

    /// Brings a map over the network input back to the photo's own size.
    ///
    /// The map may have any resolution; it spans the crop. Values are interpolated bilinearly,
    /// and averaged where the photo has fewer pixels than the map. A NaN spreads to the photo
    /// pixels that it would have contributed to.
    pub fn to_photo(&self, map: &Map) -> PhotoMap {
        let vertical = Axis {
            photo: self.photo_height,
            resized: self.resized_height,
            offset: self.crop_top,
            crop: self.crop_height,
        };
        let horizontal = Axis {
            photo: self.photo_width,
            resized: self.resized_width,
            offset: self.crop_left,
            crop: self.crop_width,
        };
        let (rows, columns) = (vertical.span(), horizontal.span());
        let (top, row_step) = vertical.origin_and_step(rows, map.height());
        let (left, column_step) = horizontal.origin_and_step(columns, map.width());
        let values = resample(
            map,
            &taps(map.height(), rows.len(), top, row_step),
            &taps(map.width(), columns.len(), left, column_step),
        );
        PhotoMap { rows, columns, values }
    }
}

impl PhotoMap {
    /// The value at a photo pixel; `None` where the network did not see the photo.
    pub fn get(&self, x: u32, y: u32) -> Option<f32> {
        let (row, column) = (self.rows.index(y)?, self.columns.index(x)?);
        let index = row * self.columns.len() as usize + column;
        self.values.get(index).copied()
    }

    /// The photo rows that the network saw.
    pub fn rows(&self) -> std::ops::Range<u32> {
        self.rows.start..self.rows.end
    }

    /// The photo columns that the network saw.
    pub fn columns(&self) -> std::ops::Range<u32> {
        self.columns.start..self.columns.end
    }

    /// The values of [`PhotoMap::rows`] x [`PhotoMap::columns`], row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}
