//! Maps as colours in a texture.

use super::{Display, DisplayError, Region, check_readable};
use crate::error::Error;
use crate::gpu::{Layout, Stored};
use crate::image::{Colormap, MAX_OPACITY};
use crate::plan::uniforms::Uniforms;

/// Maps whose range can be found together.
pub const MOST_RANGED: u32 = 16;

/// Which values of a map are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sign {
    /// All.
    #[default]
    Both,
    /// Those that speak for the class.
    Positive,
    /// Those that speak against it.
    Negative,
}

impl Sign {
    fn code(self) -> u32 {
        match self {
            Sign::Both => 0,
            Sign::Positive => 1,
            Sign::Negative => 2,
        }
    }
}

/// The value that gets the end colour.
#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    /// This one, above 0.
    Fixed(f32),
    /// The largest, over the maps, of the magnitude that this share of each map's values does not exceed; it is found
    /// on the GPU. In thousandths; 995 is what [`Range::Auto`](crate::image::Range::Auto) takes.
    PerMille(u32),
}

/// What is painted, and how.
#[derive(Clone, Debug)]
pub struct Painting<'a> {
    /// The map: [`Session::map`](crate::Session::map) of a method that runs a picture once.
    pub map: Stored<'a>,
    /// Which picture's.
    pub sample: u32,
    /// Where the map lies in the target.
    pub region: Region,
    /// Colours.
    pub colormap: Colormap,
    /// The value that gets the end colour.
    pub limit: Limit,
    /// Further maps that share a limit found on the GPU, of the same session or others; at most [`MOST_RANGED`] with
    /// the map.
    pub linked: Vec<(Stored<'a>, u32)>,
    /// Which values.
    pub sign: Sign,
    /// The map alone instead of heat on the photo.
    pub is_alone: bool,
    /// Opacity of the end colours on the photo, from 0 to 1.
    pub opacity: f32,
    /// Columns left of this share of the target, from 0 to 1, show the photo as it is.
    pub wipe: f32,
}

impl<'a> Painting<'a> {
    /// The first picture's map in its usual colours.
    pub fn of(map: Stored<'a>, region: Region) -> Self {
        Self {
            map,
            sample: 0,
            region,
            colormap: Colormap::default(),
            limit: Limit::PerMille(995),
            linked: Vec::new(),
            sign: Sign::Both,
            is_alone: false,
            opacity: MAX_OPACITY,
            wipe: 0.0,
        }
    }

    /// The maps whose largest limit counts.
    fn ranged(&self) -> impl Iterator<Item = (Stored<'a>, u32)> + '_ {
        std::iter::once((self.map, self.sample)).chain(self.linked.iter().copied())
    }

    /// What the kernel is told; a limit of 0 stands for the largest that was found.
    fn uniforms(&self, limit: f32) -> Uniforms {
        let Painting { map, region, .. } = self;
        Uniforms::new()
            .with("map_height", map.shape.height)
            .with("map_width", map.shape.width)
            .with("first", self.sample * map.shape.height * map.shape.width)
            .with("top", region.top)
            .with("left", region.left)
            .with("height", region.height)
            .with("width", region.width)
            .with("limit", limit)
            .with("range_count", 1 + self.linked.len() as u32)
            .with("stops", self.colormap.stops().len() as u32)
            .with("sign", self.sign.code())
            .with("is_alone", self.is_alone)
            .with("opacity", self.opacity)
            .with("wipe", self.wipe)
    }

    fn check(&self) -> Result<(), DisplayError> {
        self.region.check("the map's region")?;
        for (map, sample) in self.ranged() {
            if map.layout != Layout::Map {
                return Err(DisplayError::NotAMap { channels: map.shape.channels });
            }
            if sample >= map.samples {
                return Err(DisplayError::Sample { sample, samples: map.samples });
            }
        }
        let within = |what, found: f32| match (0.0..=1.0).contains(&found) {
            true => Ok(()),
            false => Err(DisplayError::Value { what, found, wanted: "a number from 0 to 1" }),
        };
        within("the opacity", self.opacity)?;
        within("the wipe", self.wipe)?;
        match self.limit {
            Limit::Fixed(limit) if !(limit.is_finite() && limit > 0.0) => {
                Err(DisplayError::Value { what: "the limit", found: limit, wanted: "a finite number above 0" })
            }
            Limit::PerMille(share) if share > 1000 => {
                Err(DisplayError::Value { what: "the share", found: share as f32, wanted: "0 to 1000 thousandths" })
            }
            Limit::PerMille(_) if self.linked.len() as u32 >= MOST_RANGED => {
                let found = self.linked.len() as f32;
                Err(DisplayError::Value { what: "the number of linked maps", found, wanted: "at most 15" })
            }
            Limit::Fixed(_) | Limit::PerMille(_) => Ok(()),
        }
    }
}

impl Display {
    /// Records: the target shows the map, over `photo`, which has the target's size. The target's format is Rgba8Unorm,
    /// and it can be bound for storage. The colours are those of [`heatmap`](crate::image::heatmap) and
    /// [`overlay`](crate::image::overlay).
    ///
    /// # Errors
    /// [`Error::Display`] for textures or values that do not fit.
    pub fn paint(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        photo: &wgpu::Texture,
        target: &wgpu::Texture,
        painting: &Painting<'_>,
    ) -> Result<(), Error> {
        check_textures(photo, target)?;
        painting.check()?;
        let limit = match painting.limit {
            Limit::Fixed(limit) => limit,
            Limit::PerMille(share) => {
                for (place, (map, sample)) in (0..).zip(painting.ranged()) {
                    self.find_range(encoder, map, sample, share, place);
                }
                0.0
            }
        };
        let uniforms = painting.uniforms(limit);
        let [photo_view, target_view] =
            [photo, target].map(|texture| texture.create_view(&wgpu::TextureViewDescriptor::default()));
        let colors = self.colors.iter().find(|(colormap, _)| *colormap == painting.colormap);
        let Some((_, colors)) = colors else { return Ok(()) };
        let others = [
            wgpu::BindingResource::Buffer(painting.map.binding()),
            self.ranges.as_entire_binding(),
            colors.as_entire_binding(),
            wgpu::BindingResource::TextureView(&photo_view),
            wgpu::BindingResource::TextureView(&target_view),
        ];
        let workgroups = [target.width().div_ceil(8), target.height().div_ceil(8)];
        self.dispatch(encoder, &self.paint, &uniforms, &others, workgroups);
        Ok(())
    }

    /// Records finding a map's limit.
    fn find_range(&self, encoder: &mut wgpu::CommandEncoder, map: Stored<'_>, sample: u32, per_mille: u32, place: u32) {
        let pixels = map.shape.height * map.shape.width;
        let uniforms = Uniforms::new()
            .with("pixels", pixels)
            .with("first", sample * pixels)
            .with("per_mille", per_mille)
            .with("place", place);
        let others = [wgpu::BindingResource::Buffer(map.binding()), self.ranges.as_entire_binding()];
        self.dispatch(encoder, &self.range, &uniforms, &others, [1, 1]);
    }
}

fn check_textures(photo: &wgpu::Texture, target: &wgpu::Texture) -> Result<(), DisplayError> {
    check_readable("photo", photo)?;
    if photo.format().is_srgb() {
        return Err(DisplayError::Format { what: "photo", found: photo.format(), wanted: "Rgba8Unorm" });
    }
    if target.format() != wgpu::TextureFormat::Rgba8Unorm {
        return Err(DisplayError::Format { what: "target", found: target.format(), wanted: "Rgba8Unorm" });
    }
    let wanted = wgpu::TextureUsages::STORAGE_BINDING;
    if !target.usage().contains(wanted) {
        return Err(DisplayError::Usage { what: "target", wanted });
    }
    let size = |texture: &wgpu::Texture| (texture.width(), texture.height());
    match size(photo) == size(target) {
        true => Ok(()),
        false => Err(DisplayError::Size { photo: size(photo), target: size(target) }),
    }
}
