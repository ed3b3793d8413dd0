//! What is asked of a picture, and what is answered.

use agf::gpu::Stored;
use agf::image::{self, ImageError};
use agf::{Batch, Map, Method, Target, wgpu};
use std::sync::Arc;
use web_time::Duration;

/// What is asked of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The picture.
    pub picture: Arc<Batch>,
    /// The methods, each of which explains every class.
    pub methods: Vec<Method>,
    /// The classes.
    pub targets: Vec<Target>,
    /// Whether the figures of an audit are wanted.
    pub audit: bool,
}

/// One method's map of one class, on the GPU and off it.
pub struct Shown {
    /// The method.
    pub method: Method,
    /// The map, as the program `agf-run` would write it.
    pub map: Map,
    /// Where it lies on the GPU.
    pub buffer: wgpu::Buffer,
}

impl Shown {
    /// What the library is told to paint.
    pub fn stored(&self) -> Stored<'_> {
        Stored::map(&self.buffer, self.map.height, self.map.width)
    }

    /// Its values, for what is made of them on the CPU.
    pub fn view(&self) -> Result<image::Map<'_>, ImageError> {
        image::Map::new(&self.map.values, self.map.height, self.map.width)
    }
}

/// What has been answered so far.
#[derive(Default)]
pub struct Answer {
    /// The network's logits; empty before they are there.
    pub logits: Vec<f32>,
    /// The maps, method by method and class by class.
    pub maps: Vec<Shown>,
    /// How long the GPU and what feeds it took, without planning and compiling.
    pub time: Duration,
    /// Bytes of the sessions' values.
    pub bytes: u64,
}
