//! A photo made ready: for the network, and for the screen.

use crate::photos::Source;
use agf::display::Region;
use agf::image::{Framing, Photo, Placement, Prepared, RgbImage, prepare};
use agf::models::InputSpec;
use agf::{Batch, wgpu};
use image::imageops::{self, FilterType};
use wgpu::util::DeviceExt;

/// The longest side that is shown, in pixels.
const LONGEST_SIDE: u32 = 1024;

/// A photo as the network and the screen want it.
pub struct Picture {
    /// Where it comes from.
    pub source: Source,
    /// What the network sees.
    pub prepared: Prepared,
    /// The photo on the screen.
    pub shown: RgbImage,
}

impl Picture {
    /// Decodes a photo and makes it ready.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn open(source: Source, spec: &InputSpec) -> Result<Self, String> {
        let photo = match &source {
            Source::File(path) => Photo::open(path),
            Source::Bytes { name, bytes } => Photo::from_bytes(bytes, name),
            Source::Pixels(pixels) => Photo::from_rgb(pixels.as_ref().clone(), "clipboard"),
        };
        let photo = photo.map_err(|error| error.to_string())?;
        let prepared = prepare(&photo, spec, Framing::Standard).map_err(|error| error.to_string())?;
        let shown = scaled(photo.rgb());
        Ok(Self { source, prepared, shown })
    }

    /// The network's input.
    pub fn batch(&self) -> Batch {
        let Prepared { tensor, height, width, .. } = &self.prepared;
        Batch::new(1, *height, *width, tensor.clone())
    }

    /// Where the network's input lies on the screen's photo.
    pub fn region(&self) -> Region {
        let Placement { resized_height, resized_width, crop_top, crop_left, crop_height, crop_width, .. } =
            self.prepared.placement;
        let across = self.shown.width() as f32 / resized_width as f32;
        let down = self.shown.height() as f32 / resized_height as f32;
        Region {
            left: crop_left as f32 * across,
            top: crop_top as f32 * down,
            width: crop_width as f32 * across,
            height: crop_height as f32 * down,
        }
    }

    /// The screen's photo on the GPU.
    pub fn texture(&self, device: &wgpu::Device, queue: &wgpu::Queue) -> wgpu::Texture {
        let bytes: Vec<u8> = self.shown.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], 255]).collect();
        let descriptor =
            texture("photo", self.shown.width(), self.shown.height(), wgpu::TextureUsages::TEXTURE_BINDING);
        let order = wgpu::util::TextureDataOrder::LayerMajor;
        device.create_texture_with_data(queue, &descriptor, order, &bytes)
    }
}

/// A plain texture of colours.
pub fn texture(
    label: &'static str,
    width: u32,
    height: u32,
    usage: wgpu::TextureUsages,
) -> wgpu::TextureDescriptor<'static> {
    wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage,
        view_formats: &[],
    }
}

/// Not larger than a screen needs.
fn scaled(photo: &RgbImage) -> RgbImage {
    let longest = photo.width().max(photo.height());
    if longest <= LONGEST_SIDE {
        return photo.clone();
    }
    let side = |side: u32| (u64::from(side) * u64::from(LONGEST_SIDE) / u64::from(longest)).max(1) as u32;
    imageops::resize(photo, side(photo.width()), side(photo.height()), FilterType::Triangle)
}
