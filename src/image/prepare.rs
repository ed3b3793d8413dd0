//! Upright photo -> normalised network input. The second step of "photo -> tensor".

use ::image::{RgbImage, imageops};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::error::ImageError;
use super::photo::{MAX_DECODED_BYTES, MAX_SIDE, Photo};
use super::placement::Placement;
use crate::models::{Filter, InputSpec};

/// How a photo is brought to the network input's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// As the network was evaluated: short side to `resize_short`, centre crop to `height` x
    /// `width`, with torchvision's rounding.
    #[default]
    Standard,
    /// As `Standard`, for a network input of another size: the photo is scaled to cover that
    /// size times `resize_short / min(spec.height, spec.width)`, then centre-cropped.
    Size {
        /// Height of the input in pixels.
        height: u32,
        /// Width of the input in pixels.
        width: u32,
    },
    /// Every pixel of the photo as it is: no resize, no crop.
    Native,
}

/// A photo as the network sees it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The normalised input, (3, `height`, `width`) in C order, channels R, G, B.
    pub tensor: Vec<f32>,
    /// Height of the input in pixels.
    pub height: u32,
    /// Width of the input in pixels.
    pub width: u32,
    /// The same pixels before the normalisation, to show beside heat maps.
    pub crop: RgbImage,
    /// Which part of the photo the input is.
    pub placement: Placement,
}

/// Resizes, crops and normalises a photo: each value becomes `(value - mean) / std`.
///
/// # Errors
///
/// [`ImageError::Input`] if a size is 0 or beyond [`MAX_SIDE`], the crop is larger than the
/// resized photo, or `mean` or `std` cannot be used.
pub fn prepare(photo: &Photo, spec: &InputSpec, framing: Framing) -> Result<Prepared, ImageError> {
    let invalid = |problem| ImageError::Input { name: photo.name().to_owned(), problem };
    check_spec(spec).map_err(invalid)?;
    let placement = place(photo, spec, framing).map_err(invalid)?;
    let crop = resize_and_crop(photo.rgb(), &placement, spec.filter).map_err(|error| invalid(error.to_string()))?;
    Ok(Prepared { tensor: normalize(&crop, spec), height: crop.height(), width: crop.width(), crop, placement })
}

fn check_spec(spec: &InputSpec) -> Result<(), String> {
    check_size("the network input", spec.height, spec.width)?;
    if spec.resize_short < spec.height.max(spec.width) || spec.resize_short > MAX_SIDE {
        return Err(format!(
            "resize_short {} must lie between the input's longer side, {}, and {MAX_SIDE}",
            spec.resize_short,
            spec.height.max(spec.width)
        ));
    }
    let usable = |std: &f32| std.is_finite() && *std > 0.0;
    if !spec.mean.iter().all(|mean| mean.is_finite()) || !spec.std.iter().all(usable) {
        return Err(format!("mean {:?} must be finite, and std {:?} finite and above 0", spec.mean, spec.std));
    }
    Ok(())
}

fn check_size(what: &str, height: u32, width: u32) -> Result<(), String> {
    let pixels = u64::from(height) * u64::from(width);
    let sides = 1..=MAX_SIDE;
    if sides.contains(&height) && sides.contains(&width) && pixels <= MAX_DECODED_BYTES / 3 {
        return Ok(());
    }
    Err(format!(
        "{what} of {height} x {width} pixels (height x width) is out of range; \
         choose 1 to {MAX_SIDE} pixels a side and at most {} pixels in all",
        MAX_DECODED_BYTES / 3
    ))
}

fn place(photo: &Photo, spec: &InputSpec, framing: Framing) -> Result<Placement, String> {
    let size = (photo.height(), photo.width());
    let short = spec.height.min(spec.width);
    let (resized, crop) = match framing {
        Framing::Native => (size, size),
        Framing::Standard => (cover(size, (spec.resize_short, spec.resize_short)), (spec.height, spec.width)),
        Framing::Size { height, width } => {
            check_size("the requested size", height, width)?;
            let margin = |side: u32| scale_rounded(side, spec.resize_short, short);
            let covered = cover(size, (margin(height), margin(width)));
            (covered, (height, width))
        }
    };
    let (Some(crop_top), Some(crop_left)) = (centre_offset(resized.0, crop.0), centre_offset(resized.1, crop.1)) else {
        return Err(format!(
            "the resized photo of {} x {} pixels (height x width) does not cover the crop of {} x {}",
            resized.0, resized.1, crop.0, crop.1
        ));
    };
    Ok(Placement {
        photo_height: size.0,
        photo_width: size.1,
        resized_height: resized.0,
        resized_width: resized.1,
        crop_top,
        crop_left,
        crop_height: crop.0,
        crop_width: crop.1,
    })
}

/// The smallest size (height, width) of the photo's shape that covers `target`.
///
/// One side fits exactly; the other is cut down to whole pixels, as torchvision does.
fn cover(photo: (u32, u32), target: (u32, u32)) -> (u32, u32) {
    let scaled = |side: u32, to: u32, from: u32| {
        let pixels = u64::from(side) * u64::from(to) / u64::from(from);
        u32::try_from(pixels).unwrap_or(u32::MAX)
    };
    let width = scaled(photo.1, target.0, photo.0);
    if width >= target.1 { (target.0, width) } else { (scaled(photo.0, target.1, photo.1), target.1) }
}

fn scale_rounded(side: u32, numerator: u32, denominator: u32) -> u32 {
    let (side, numerator) = (u64::from(side), u64::from(numerator));
    let denominator = u64::from(denominator);
    let scaled = (side * numerator + denominator / 2) / denominator;
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

/// torchvision's centre-crop offset: Python's `round`, which takes halves to the even number.
fn centre_offset(resized: u32, crop: u32) -> Option<u32> {
    let margin = resized.checked_sub(crop)?;
    Some((f64::from(margin) / 2.0).round_ties_even() as u32)
}

/// Computes only the crop's columns and rows of the resized photo, so that a long, thin photo
/// needs no more memory than any other.
fn resize_and_crop(
    photo: &RgbImage,
    placement: &Placement,
    filter: Filter,
) -> Result<RgbImage, fast_image_resize::ResizeError> {
    let p = placement;
    let mut crop = RgbImage::new(p.crop_width, p.crop_height);
    if (p.resized_height, p.resized_width) == (p.photo_height, p.photo_width) {
        imageops::replace(&mut crop, photo, -i64::from(p.crop_left), -i64::from(p.crop_top));
        return Ok(crop);
    }
    let filter = match filter {
        Filter::Bilinear => FilterType::Bilinear,
        Filter::Bicubic => FilterType::CatmullRom,
    };
    let (top, height) = source_span(p.photo_height, p.resized_height, p.crop_top, p.crop_height);
    let (left, width) = source_span(p.photo_width, p.resized_width, p.crop_left, p.crop_width);
    let convolution = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    // Columns first, Pillow's usual order; a single call takes the rows first, which rounds
    // otherwise by up to a few levels.
    let mut narrow = RgbImage::new(p.crop_width, p.photo_height);
    let columns = convolution.crop(left, 0.0, width, f64::from(p.photo_height));
    let rows = convolution.crop(0.0, top, f64::from(p.crop_width), height);
    Resizer::new().resize(photo, &mut narrow, &columns)?;
    Resizer::new().resize(&narrow, &mut crop, &rows)?;
    Ok(crop)
}

/// Start and length, in photo pixels, of the crop along one axis.
fn source_span(photo: u32, resized: u32, offset: u32, crop: u32) -> (f64, f64) {
    let photo_per_resized = f64::from(photo) / f64::from(resized);
    let start = f64::from(offset) * photo_per_resized;
    let length = f64::from(crop) * photo_per_resized;
    (start, length.min(f64::from(photo) - start))
}

fn normalize(crop: &RgbImage, spec: &InputSpec) -> Vec<f32> {
    let plane = |channel: usize| {
        let (mean, std) = (spec.mean[channel], spec.std[channel]);
        let values = crop.pixels().map(move |pixel| pixel.0[channel]);
        values.map(move |value| (f32::from(value) - mean) / std)
    };
    (0..3).flat_map(plane).collect()
}
