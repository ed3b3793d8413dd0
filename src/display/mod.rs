//! What a graphics program shows: pictures out of its textures, and maps as colours in them. Nothing of it goes back to
//! the CPU.
//!
//! ```no_run
//! use agf::display::{Display, Painting, Region};
//! use agf::{Explainer, Gpu, Method, Model, SessionShape, Target, wgpu};
//!
//! # async fn example(
//! #     gpu: &Gpu,
//! #     photo: &wgpu::Texture,
//! #     shown: &wgpu::Texture,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let model = Model::embedded()?;
//! let session = Explainer::new(gpu, &model, Method::default())
//!     .session(SessionShape { count: 1, height: 224, width: 224, slots: 1 })
//!     .await?;
//! let display = Display::new(gpu).await?;
//!
//! let mut encoder = gpu.device().create_command_encoder(&Default::default());
//! let square = Region::centered_square(photo);
//! display.picture(&mut encoder, photo, square, &session, 0, &model.input_spec())?;
//! session.write_targets(0, &[Target::Rank(0)])?;
//! session.record(&mut encoder);
//! display.paint(&mut encoder, photo, shown, &Painting::of(session.map(0)?, square))?;
//! gpu.queue().submit([encoder.finish()]);
//! # Ok(())
//! # }
//! ```

mod error;
mod painting;
mod picture;

pub use error::DisplayError;
pub use painting::{Limit, MOST_RANGED, Painting, Sign};

use crate::gpu::{Gpu, GpuError};
use crate::image::Colormap;
use crate::plan::uniforms::Uniforms;
use wgpu::util::DeviceExt;

/// A kernel's name and WGSL text.
type Source = (&'static str, &'static str);
const PICTURE: Source = ("picture_from_texture", include_str!("../../shaders/picture_from_texture.wgsl"));
const RANGE: Source = ("map_range", include_str!("../../shaders/map_range.wgsl"));
const PAINT: Source = ("paint", include_str!("../../shaders/paint.wgsl"));

/// The kernels' names and WGSL texts, for tests that translate every shader.
#[doc(hidden)]
pub const SOURCES: [Source; 3] = [PICTURE, RANGE, PAINT];

/// A rectangle in pixels of a texture; it may reach beyond it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Left edge.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Width, above 0.
    pub width: f32,
    /// Height, above 0.
    pub height: f32,
}

impl Region {
    /// All of a texture.
    pub fn whole(texture: &wgpu::Texture) -> Self {
        Self { left: 0.0, top: 0.0, width: texture.width() as f32, height: texture.height() as f32 }
    }

    /// The largest square in the middle of a texture.
    pub fn centered_square(texture: &wgpu::Texture) -> Self {
        let (width, height) = (texture.width() as f32, texture.height() as f32);
        let side = width.min(height);
        Self { left: (width - side) / 2.0, top: (height - side) / 2.0, width: side, height: side }
    }

    fn check(&self, what: &'static str) -> Result<(), DisplayError> {
        for found in [self.left, self.top, self.width, self.height] {
            if !found.is_finite() {
                return Err(DisplayError::Value { what, found, wanted: "a finite number" });
            }
        }
        for found in [self.width, self.height] {
            if found <= 0.0 {
                return Err(DisplayError::Value { what, found, wanted: "a side above 0" });
            }
        }
        Ok(())
    }
}

/// The kernels that read and write a host's textures. What it records may be in one encoder with a session's
/// dispatches.
pub struct Display {
    gpu: Gpu,
    picture: wgpu::ComputePipeline,
    range: wgpu::ComputePipeline,
    paint: wgpu::ComputePipeline,
    /// The ranges of maps that are painted next.
    ranges: wgpu::Buffer,
    colors: Vec<(Colormap, wgpu::Buffer)>,
}

impl Display {
    /// Compiles the kernels.
    ///
    /// # Errors
    /// [`GpuError::Driver`] or [`GpuError::OutOfMemory`].
    pub async fn new(gpu: &Gpu) -> Result<Self, GpuError> {
        let ranges = gpu.storage("ranges of maps", 4 * u64::from(MOST_RANGED)).await?;
        let make = || {
            let colors = Colormap::ALL.map(|colormap| (colormap, table(gpu, colormap))).to_vec();
            let [picture, range, paint] = SOURCES.map(|source| pipeline(gpu, source));
            Self { gpu: gpu.clone(), picture, range, paint, ranges, colors }
        };
        gpu.checked("compiling the kernels for textures", 0, make).await
    }

    /// Records a dispatch of a pipeline over what its shader binds behind the uniforms.
    fn dispatch(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        pipeline: &wgpu::ComputePipeline,
        uniforms: &Uniforms,
        others: &[wgpu::BindingResource<'_>],
        [x, y]: [u32; 2],
    ) {
        let contents = &uniforms.bytes();
        let (label, usage) = (Some("uniforms"), wgpu::BufferUsages::UNIFORM);
        let uniforms =
            self.gpu.device().create_buffer_init(&wgpu::util::BufferInitDescriptor { label, contents, usage });
        let resources = std::iter::once(uniforms.as_entire_binding()).chain(others.iter().cloned());
        let entries: Vec<wgpu::BindGroupEntry<'_>> =
            (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        let layout = &pipeline.get_bind_group_layout(0);
        let group = wgpu::BindGroupDescriptor { label: None, layout, entries: &entries };
        let group = self.gpu.device().create_bind_group(&group);
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(x, y, 1);
    }
}

fn pipeline(gpu: &Gpu, (name, source): Source) -> wgpu::ComputePipeline {
    let (label, source) = (Some(name), wgpu::ShaderSource::Wgsl(source.into()));
    let module = &gpu.device().create_shader_module(wgpu::ShaderModuleDescriptor { label, source });
    gpu.device().create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label,
        layout: None,
        module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    })
}

/// The stops of a colour map, as levels from 0 to 1.
fn table(gpu: &Gpu, colormap: Colormap) -> wgpu::Buffer {
    let stops: Vec<[f32; 4]> =
        colormap.stops().iter().map(|[red, green, blue]| [red / 255.0, green / 255.0, blue / 255.0, 1.0]).collect();
    gpu.device().create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some(colormap.name()),
        contents: bytemuck::cast_slice(&stops),
        usage: wgpu::BufferUsages::STORAGE,
    })
}

/// Whether a texture can be read as colours.
fn check_readable(what: &'static str, texture: &wgpu::Texture) -> Result<(), DisplayError> {
    let wanted = wgpu::TextureUsages::TEXTURE_BINDING;
    if !texture.usage().contains(wanted) {
        return Err(DisplayError::Usage { what, wanted });
    }
    let is_flat = texture.dimension() == wgpu::TextureDimension::D2 && texture.sample_count() == 1;
    let is_color = matches!(texture.format().sample_type(None, None), Some(wgpu::TextureSampleType::Float { .. }));
    if !(is_flat && is_color) {
        let wanted = "a plain two-dimensional texture of colours, such as Rgba8Unorm,";
        return Err(DisplayError::Format { what, found: texture.format(), wanted });
    }
    Ok(())
}
