//! Upright photo -> normalised network input. The second step of "photo -> tensor".

use ::image::{Rgb, RgbImage, imageops};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::error::ImageError;
use super::photo::{MAX_DECODED_BYTES, MAX_SIDE, Photo};
use super::placement::Placement;
use crate::models::{Filter, InputSpec, Resize};

/// How a photo is brought to the network input's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// As the network was evaluated, by [`InputSpec::resize`] to `height` x `width`, with torchvision's rounding.
    #[default]
    Standard,
    /// As `Standard`, for a network input of another size. With [`Resize::Crop`] the photo is scaled to cover that size
    /// times `short / min(spec.height, spec.width)`, then centre-cropped.
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
    /// The normalised input, (channels, `height`, `width`) in C order.
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
/// [`ImageError::Input`] if a size is 0 or beyond [`MAX_SIDE`], or the crop's margin, `mean` or `std` cannot be used.
pub fn prepare(photo: &Photo, spec: &InputSpec, framing: Framing) -> Result<Prepared, ImageError> {
    let invalid = |problem| ImageError::Input { name: photo.name().to_owned(), problem };
    check_spec(spec).map_err(invalid)?;
    let placement = place(photo, spec, framing).map_err(invalid)?;
    let crop = resize(photo.rgb(), &placement, spec).map_err(|error| invalid(error.to_string()))?;
    Ok(Prepared { tensor: normalize(&crop, spec), height: crop.height(), width: crop.width(), crop, placement })
}

fn check_spec(spec: &InputSpec) -> Result<(), String> {
    check_size("the network input", spec.height, spec.width)?;
    let longer = spec.height.max(spec.width);
    if let Resize::Crop { short } = spec.resize
        && !(longer..=MAX_SIDE).contains(&short)
    {
        return Err(format!(
            "the short side of {short} before the crop must lie between \
             the input's longer side, {longer}, and {MAX_SIDE}"
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
    let (height, width) = match framing {
        Framing::Native => return Ok(placement(size, size, size)),
        Framing::Standard => (spec.height, spec.width),
        Framing::Size { height, width } => {
            check_size("the requested size", height, width)?;
            (height, width)
        }
    };
    let resized = match (spec.resize, framing) {
        (Resize::Squash, _) => (height, width),
        (Resize::Pad, _) => contain(size, (height, width)),
        (Resize::Crop { short }, Framing::Size { .. }) => {
            let margin = |side: u32| scale_rounded(side, short, spec.height.min(spec.width));
            cover(size, (margin(height), margin(width)))
        }
        (Resize::Crop { short }, Framing::Standard | Framing::Native) => cover(size, (short, short)),
    };
    Ok(placement(size, resized, (height, width)))
}

/// The centre of the resized photo, or all of it in the centre of the input. All sizes are (height, width).
fn placement(photo: (u32, u32), resized: (u32, u32), crop: (u32, u32)) -> Placement {
    Placement {
        photo_height: photo.0,
        photo_width: photo.1,
        resized_height: resized.0,
        resized_width: resized.1,
        crop_top: centre_offset(resized.0, crop.0),
        crop_left: centre_offset(resized.1, crop.1),
        crop_height: crop.0,
        crop_width: crop.1,
    }
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

/// The largest size (height, width) of the photo's shape that lies within `target`. One side fits exactly; the other is
/// rounded.
fn contain(photo: (u32, u32), target: (u32, u32)) -> (u32, u32) {
    let width = scale_rounded(photo.1, target.0, photo.0).max(1);
    if width <= target.1 { (target.0, width) } else { (scale_rounded(photo.0, target.1, photo.1).max(1), target.1) }
}

fn scale_rounded(side: u32, numerator: u32, denominator: u32) -> u32 {
    let (side, numerator) = (u64::from(side), u64::from(numerator));
    let denominator = u64::from(denominator);
    let scaled = (side * numerator + denominator / 2) / denominator;
    u32::try_from(scaled).unwrap_or(u32::MAX)
}

/// torchvision's centre-crop offset: Python's `round`, which takes halves to the even number. Negative where the crop
/// is larger.
fn centre_offset(resized: u32, crop: u32) -> i32 {
    ((f64::from(resized) - f64::from(crop)) / 2.0).round_ties_even() as i32
}

/// The network's input as a picture: the crop, where it is larger than the resized photo with the mean colour around
/// that.
fn resize(
    photo: &RgbImage,
    placement: &Placement,
    spec: &InputSpec,
) -> Result<RgbImage, fast_image_resize::ResizeError> {
    let within = placement.within_photo();
    let crop = resize_and_crop(photo, &within, spec.filter)?;
    if within == *placement {
        return Ok(crop);
    }
    // `as` saturates.
    let mean = Rgb(spec.order.shown(|channel| spec.mean[channel].round() as u8));
    let mut input = RgbImage::from_pixel(placement.crop_width, placement.crop_height, mean);
    let (left, top) = (within.crop_left - placement.crop_left, within.crop_top - placement.crop_top);
    imageops::replace(&mut input, &crop, left.into(), top.into());
    Ok(input)
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
fn source_span(photo: u32, resized: u32, offset: i32, crop: u32) -> (f64, f64) {
    let photo_per_resized = f64::from(photo) / f64::from(resized);
    let start = f64::from(offset) * photo_per_resized;
    let length = f64::from(crop) * photo_per_resized;
    (start, length.min(f64::from(photo) - start))
}

fn normalize(crop: &RgbImage, spec: &InputSpec) -> Vec<f32> {
    let plane = |channel: usize| {
        let (mean, std) = (spec.mean[channel], spec.std[channel]);
        let values = crop.pixels().map(move |pixel| spec.order.seen(channel, pixel.0));
        values.map(move |value| (f32::from(value) - mean) / std)
    };
    (0..spec.order.channels() as usize).flat_map(plane).collect()
}
