//! Heat maps as colours, alone or on the photo. In the "heat map -> overlay, panel" flow.

use ::image::{Rgb, RgbImage};

use super::colormap::{Colormap, NOT_FINITE_COLOR};
use super::error::ImageError;
use super::map::{Map, Range};
use super::photo::Photo;
use super::placement::Placement;

/// Opacity of the heat at the end of the range.
pub(crate) const MAX_OPACITY: f32 = 0.8;
/// Share of the photo's own colours left under the heat; the rest is grey.
const COLOR_KEPT: f32 = 0.15;
/// How much the photo under the heat is lifted towards white, so that heat stands out.
const LIFT: f32 = 0.22;
/// Brightness of the parts of the photo that the network did not see.
const UNSEEN_BRIGHTNESS: f32 = 0.6;

/// Colours a map, one pixel a value; the result is `map.width()` x `map.height()` pixels.
///
/// NaN and infinite values are [`NOT_FINITE_COLOR`].
///
/// # Errors
///
/// [`ImageError::Range`] for an unusable fixed range.
pub fn heatmap(map: &Map, colormap: Colormap, range: Range) -> Result<RgbImage, ImageError> {
    let limit = range.limit(map)?;
    let mut image = RgbImage::new(map.width(), map.height());
    for (pixel, value) in image.pixels_mut().zip(map.values()) {
        *pixel = colormap.color(*value, limit);
    }
    Ok(image)
}

/// Lays a map over the photo; the result has the photo's size.
///
/// The photo turns mostly grey, the heat's opacity grows with |value|, and what the crop left out
/// stays without heat and is dimmed. NaN and infinite values are opaque [`NOT_FINITE_COLOR`].
///
/// # Errors
///
/// [`ImageError::Range`] for an unusable fixed range, [`ImageError::WrongPhoto`] if `placement`
/// belongs to a photo of another size.
pub fn overlay(
    photo: &Photo,
    map: &Map,
    placement: &Placement,
    colormap: Colormap,
    range: Range,
) -> Result<RgbImage, ImageError> {
    let placed = (placement.photo_width, placement.photo_height);
    if placed != photo.rgb().dimensions() {
        return Err(ImageError::WrongPhoto { placement: placed, photo: photo.rgb().dimensions() });
    }
    let limit = range.limit(map)?;
    let heat = placement.to_photo(map);
    let mut image = photo.rgb().clone();
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        *pixel = match heat.get(x, y) {
            Some(value) => heated(*pixel, value, limit, colormap),
            None => to_rgb(muted(*pixel).map(|level| level * UNSEEN_BRIGHTNESS)),
        };
    }
    Ok(image)
}

/// A photo pixel under the heat of `value`.
pub(super) fn heated(photo: Rgb<u8>, value: f32, limit: f32, colormap: Colormap) -> Rgb<u8> {
    if !value.is_finite() {
        return NOT_FINITE_COLOR;
    }
    let position = (value / limit).clamp(-1.0, 1.0);
    let opacity = MAX_OPACITY * opacity_curve(position.abs());
    let heat = colormap.interpolate(position);
    let base = muted(photo);
    to_rgb(std::array::from_fn(|channel| base[channel] + (heat[channel] - base[channel]) * opacity))
}

/// Starts flat, so that noise around 0 leaves the photo alone, then rises fast and levels off.
fn opacity_curve(strength: f32) -> f32 {
    let rise = (strength / 0.7).min(1.0);
    rise * rise * (3.0 - 2.0 * rise)
}

/// The photo as the quiet ground of the heat: mostly grey and a little lighter.
fn muted(photo: Rgb<u8>) -> [f32; 3] {
    let [red, green, blue] = photo.0.map(f32::from);
    let grey = 0.299 * red + 0.587 * green + 0.114 * blue;
    [red, green, blue].map(|level| {
        let calm = grey + (level - grey) * COLOR_KEPT;
        calm + (255.0 - calm) * LIFT
    })
}

fn to_rgb(levels: [f32; 3]) -> Rgb<u8> {
    Rgb(levels.map(|level| level.round() as u8))
}
