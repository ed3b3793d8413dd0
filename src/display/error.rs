//! What a host may have got wrong about its textures.

/// A texture, picture or map that cannot be used as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DisplayError {
    /// A texture of another format than the kernel takes.
    #[error("the {what} texture has the format {found:?}, and {wanted} is needed")]
    Format {
        /// Which texture.
        what: &'static str,
        /// Its format.
        found: wgpu::TextureFormat,
        /// What would fit.
        wanted: &'static str,
    },
    /// A texture without a usage that the kernel needs.
    #[error("the {what} texture lacks the usage {wanted:?}; add it where the texture is made")]
    Usage {
        /// Which texture.
        what: &'static str,
        /// What it lacks.
        wanted: wgpu::TextureUsages,
    },
    /// A photo of another size than the target.
    #[error(
        "the photo has {}x{} pixels and the target {}x{} (width x height); give them one size",
        photo.0, photo.1, target.0, target.1
    )]
    Size {
        /// Width and height of the photo.
        photo: (u32, u32),
        /// Width and height of the target.
        target: (u32, u32),
    },
    /// A picture that the session or the map does not have.
    #[error("there is no picture {sample}: there are {samples}, numbered from 0")]
    Sample {
        /// What was asked for.
        sample: u32,
        /// Pictures of the session.
        samples: u32,
    },
    /// A number that is out of its range.
    #[error("{what} is {found}, and {wanted} is needed")]
    Value {
        /// Which number.
        what: &'static str,
        /// Its value.
        found: f32,
        /// What would fit.
        wanted: &'static str,
    },
    /// A value on the GPU that is no map.
    #[error(
        "what shall be painted has {channels} channels; take it from Session::map, of a method that runs a picture once"
    )]
    NotAMap {
        /// Channels of the value.
        channels: u32,
    },
}
