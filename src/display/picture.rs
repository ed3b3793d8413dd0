//! A texture as a network's picture.

use super::{Display, DisplayError, Region, check_readable};
use crate::error::Error;
use crate::models::{ChannelOrder, InputSpec};
use crate::plan::uniforms::Uniforms;
use crate::session::Session;

impl Display {
    /// Records: `region` of `texture` becomes picture `sample` of the session, scaled to its size as an antialiased
    /// bilinear filter does and normalised as the network wants it ([`InputSpec::order`], `mean` and `std`). Beyond
    /// the texture its edge counts. Where the region keeps its size, every value is that of the tensor path. A
    /// texture of an sRGB format gives the values as they are stored.
    ///
    /// # Errors
    /// [`Error::Display`] for a texture that cannot be read, an empty region or a picture that the session does not
    /// have.
    pub fn picture(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        texture: &wgpu::Texture,
        region: Region,
        session: &Session,
        sample: u32,
        spec: &InputSpec,
    ) -> Result<(), Error> {
        check_readable("photo", texture)?;
        region.check("the region of the photo")?;
        let input = session.input()?;
        if sample >= input.samples {
            return Err(DisplayError::Sample { sample, samples: input.samples }.into());
        }
        let (height, width) = (input.shape.height, input.shape.width);
        let of_unit = |levels: [f32; 3]| levels.map(|level| level / 255.0);
        let ([mean_0, mean_1, mean_2], [std_0, std_1, std_2]) = (of_unit(spec.mean), of_unit(spec.std));
        let uniforms = Uniforms::new()
            .with("height", height)
            .with("width", width)
            .with("first", sample * height * width)
            .with("top", region.top)
            .with("left", region.left)
            .with("row_step", region.height / height as f32)
            .with("column_step", region.width / width as f32)
            .with("is_linear", texture.format().is_srgb())
            .with("is_bgr", spec.order == ChannelOrder::Bgr)
            .with("mean_0", mean_0)
            .with("mean_1", mean_1)
            .with("mean_2", mean_2)
            .with("deviation_0", std_0)
            .with("deviation_1", std_1)
            .with("deviation_2", std_2);
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let others = [wgpu::BindingResource::TextureView(&view), wgpu::BindingResource::Buffer(input.binding())];
        self.dispatch(encoder, &self.picture, &uniforms, &others, [(height * width).div_ceil(64), 1]);
        Ok(())
    }
}
