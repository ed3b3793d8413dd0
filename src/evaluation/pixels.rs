//! What is done per pixel, on the GPU: ranking the pixels of maps, and writing copies of pictures with ranked pixels
//! replaced straight into the input of a classifying [`Session`].
//!
//! The calls are plain data ([`rank_calls`], [`copy_calls`], [`blur_calls`]), so that tests hold them to the shaders
//! without a device.

mod calls;
mod places;

pub use calls::{blur_calls, copy_calls, rank_calls};
pub use places::Place;

use crate::Batch;
use crate::error::Error;
use crate::gpu::{Gpu, Layout, Region};
use crate::plan::layout::QUAD_BYTES;
use crate::plan::{PlanError, codes};
use crate::session::Session;
use calls::{COPIES, DIGITS, INPUT, MAPS, PICTURES, PLACES, RANKED, REPLACEMENTS, RUN};
use places::{is_ranking, value_of_key};

/// Which pixels of a copy are replaced. Among equal values the pixel with the lower index (row by row) comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// None: the picture itself.
    Whole,
    /// So many of the lowest values.
    Lowest(u32),
    /// So many of the highest values.
    Highest(u32),
    /// All but so many of the highest values.
    AllButHighest(u32),
}

/// A copy of a picture to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Index of the loaded picture.
    pub picture: u32,
    /// Index of the ranked map.
    pub map: u32,
    /// What is replaced.
    pub rule: Rule,
}

impl Copy {
    /// As `masked_copies.wgsl` reads it.
    fn words(&self) -> [u32; 4] {
        let (rule, count) = match self.rule {
            Rule::Whole => (0, 0),
            Rule::Lowest(count) => (codes::COPY_LOWEST, count),
            Rule::Highest(count) => (codes::COPY_HIGHEST, count),
            Rule::AllButHighest(count) => (codes::COPY_ALL_BUT_HIGHEST, count),
        };
        [self.picture, self.map, rule, count]
    }
}

/// Pictures of one size with their replacements, maps and places on the GPU; `capacity` of each.
pub struct Pixels {
    gpu: Gpu,
    height: u32,
    width: u32,
    capacity: u32,
    buffers: Vec<wgpu::Buffer>,
}

/// Names and bytes of the buffers.
fn sizes(pixels: u64, capacity: u64) -> [(&'static str, u64); INPUT] {
    let counts = 4 * u64::from(DIGITS) * pixels.div_ceil(u64::from(RUN));
    [
        ("maps", capacity * pixels * 4),
        ("keys", capacity * pixels * KEY_BYTES),
        ("sorted keys", capacity * pixels * KEY_BYTES),
        ("digit counts", capacity * counts),
        ("places of pixels", capacity * pixels * QUAD_BYTES),
        ("pictures", capacity * pixels * QUAD_BYTES),
        ("replacements", capacity * pixels * QUAD_BYTES),
        ("half-blurred pictures", capacity * pixels * QUAD_BYTES),
        ("copies", MOST_COPIES * QUAD_BYTES),
    ]
}

/// A key and its pixel.
const KEY_BYTES: u64 = 8;

/// Most copies that one session's input takes: the workgroups of a dispatch in one dimension.
const MOST_COPIES: u64 = 65_535;

impl Pixels {
    /// Buffers for at most `capacity` pictures and as many maps of this size.
    ///
    /// # Errors
    /// [`Error::Plan`] where the device's limits are too small for the size, [`Error::Gpu`] where the GPU fails.
    pub async fn new(gpu: &Gpu, height: u32, width: u32, capacity: u32) -> Result<Self, Error> {
        let pixels = u64::from(height) * u64::from(width);
        let profile = gpu.profile();
        let limit = profile.facts.max_binding_bytes.min(profile.facts.max_buffer_bytes);
        let largest = QUAD_BYTES * pixels;
        if largest > limit || pixels.div_ceil(64) > u64::from(profile.facts.max_workgroups) {
            return Err(PlanError::TooLarge { value: "places of pixels".into(), bytes: largest, limit }.into());
        }
        let capacity = u64::from(capacity.max(1)).min(limit / largest);
        let mut buffers = Vec::new();
        for (label, bytes) in sizes(pixels, capacity) {
            buffers.push(gpu.storage(label, bytes).await?);
        }
        Ok(Self { gpu: gpu.clone(), height, width, capacity: capacity as u32, buffers })
    }

    /// Pictures and maps at a time: what was asked for, or what one binding holds.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Bytes of all buffers.
    pub fn bytes(&self) -> u64 {
        self.buffers.iter().map(wgpu::Buffer::size).sum()
    }

    fn pixels(&self) -> u32 {
        self.height * self.width
    }

    fn regions(&self) -> Vec<Region<'_>> {
        self.buffers.iter().map(|buffer| (buffer, 0, buffer.size())).collect()
    }

    /// Loads normalised pictures, at most [`Pixels::capacity`].
    ///
    /// # Errors
    /// [`Error::Batch`] where number or size do not fit, [`Error::Gpu`] where the GPU fails.
    pub async fn load_pictures(&self, batch: &Batch) -> Result<(), Error> {
        if batch.count > self.capacity || (batch.height, batch.width) != (self.height, self.width) {
            let wanted = format!("at most {} pictures of {}x{}", self.capacity, self.height, self.width);
            return Err(Error::Batch { found: batch.describe(), wanted });
        }
        let pixels = self.pixels() as usize;
        let channels = (batch.picture_elements() / pixels.max(1) as u64).clamp(1, 4) as u32;
        batch.check(channels)?;
        let mut quads = vec![[0f32; 4]; batch.count as usize * pixels];
        for (picture, quads) in batch.data.chunks(channels as usize * pixels).zip(quads.chunks_mut(pixels)) {
            for (channel, plane) in picture.chunks(pixels).enumerate() {
                quads.iter_mut().zip(plane).for_each(|(quad, value)| quad[channel] = *value);
            }
        }
        Ok(self.gpu.write(&self.buffers[PICTURES], 0, &quads).await?)
    }

    /// Replaced pixels shall have this colour (red, green, blue, normalised).
    ///
    /// # Errors
    /// [`Error::Gpu`].
    pub async fn replace_by_color(&self, [red, green, blue]: [f32; 3]) -> Result<(), Error> {
        let quads = vec![[red, green, blue, 0.0]; self.capacity as usize * self.pixels() as usize];
        Ok(self.gpu.write(&self.buffers[REPLACEMENTS], 0, &quads).await?)
    }

    /// Replaced pixels shall have the colour of the loaded pictures after a Gaussian blur, cut off after `radius`
    /// pixels.
    ///
    /// # Errors
    /// [`Error::Gpu`].
    pub async fn replace_by_blurred(&self, radius: u32, deviation: f32) -> Result<(), Error> {
        let calls = blur_calls(self.height, self.width, self.capacity, radius, deviation);
        Ok(self.gpu.run("blurring pictures", &calls, &self.regions()).await?)
    }

    /// Loads maps, at most [`Pixels::capacity`].
    ///
    /// # Errors
    /// [`Error::Batch`] where number or size do not fit, [`Error::Gpu`] where the GPU fails.
    pub async fn load_maps(&self, maps: &[&[f32]]) -> Result<(), Error> {
        let pixels = self.pixels() as usize;
        if maps.len() > self.capacity as usize || maps.iter().any(|map| map.len() != pixels) {
            let lengths: Vec<String> = maps.iter().map(|map| map.len().to_string()).collect();
            return Err(self.unfit(format!("{} maps of {} values", maps.len(), lengths.join(", "))));
        }
        for (index, map) in (0..).zip(maps) {
            self.gpu.write(&self.buffers[MAPS], index * 4 * pixels as u64, map).await?;
        }
        Ok(())
    }

    /// Copies the maps of a session's slot, where they lie on the GPU, to the places from number `first` on.
    ///
    /// # Errors
    /// [`Error::Batch`] where number or size do not fit, [`Error::Slot`] for a slot that the session does not have,
    /// [`Error::Gpu`].
    pub async fn copy_maps(&self, session: &Session, slot: u32, first: u32) -> Result<(), Error> {
        let maps = session.map(slot)?;
        let (buffer, offset, bytes) = maps.region();
        let at = 4 * u64::from(first) * u64::from(self.pixels());
        let is_map = maps.layout == Layout::Map && (maps.shape.height, maps.shape.width) == (self.height, self.width);
        if !is_map || at + bytes > self.buffers[MAPS].size() {
            return Err(self.unfit(format!("{} maps of {} from number {first} on", maps.samples, maps.shape)));
        }
        let copy = || {
            let mut encoder = self.gpu.device().create_command_encoder(&Default::default());
            encoder.copy_buffer_to_buffer(buffer, offset, &self.buffers[MAPS], at, bytes);
            self.gpu.queue().submit([encoder.finish()]);
        };
        Ok(self.gpu.checked("copying maps", 0, copy).await?)
    }

    fn unfit(&self, found: String) -> Error {
        Error::Batch { found, wanted: format!("at most {} maps of {}x{}", self.capacity, self.height, self.width) }
    }

    /// Ranks the pixels of the first `count` maps that are there.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU fails.
    pub async fn rank(&self, count: u32) -> Result<(), Error> {
        let calls = rank_calls(self.pixels(), count.min(self.capacity));
        Ok(self.gpu.run("ranking pixels", &calls, &self.regions()).await?)
    }

    /// The first `count` maps, height x width values each.
    ///
    /// # Errors
    /// [`Error::Gpu`].
    pub async fn maps(&self, count: u32) -> Result<Vec<Vec<f32>>, Error> {
        let bytes = 4 * u64::from(count.min(self.capacity)) * u64::from(self.pixels());
        let words = self.gpu.read_regions(&[(&self.buffers[MAPS], 0, bytes)]).await?;
        let values: Vec<f32> = words.into_iter().flatten().map(f32::from_bits).collect();
        Ok(values.chunks(self.pixels().max(1) as usize).map(<[f32]>::to_vec).collect())
    }

    /// The lowest and the highest value of each of the first `count` maps that were ranked; the lowest is NaN where a
    /// value is.
    ///
    /// # Errors
    /// [`Error::Gpu`].
    pub async fn ranges(&self, count: u32) -> Result<Vec<[f32; 2]>, Error> {
        let bytes = KEY_BYTES * u64::from(self.pixels());
        let maps = 0..u64::from(count.min(self.capacity));
        let ends = maps.flat_map(|map| [map * bytes, (map + 1) * bytes - KEY_BYTES]);
        let regions: Vec<Region<'_>> = ends.map(|at| (&self.buffers[RANKED], at, 4)).collect();
        let keys: Vec<u32> = self.gpu.read_regions(&regions).await?.into_iter().flatten().collect();
        Ok(keys.chunks_exact(2).map(|keys| [value_of_key(keys[0]), value_of_key(keys[1])]).collect())
    }

    /// The places of the pixels of the first `count` maps that were ranked.
    ///
    /// # Errors
    /// [`Error::Gpu`] where the GPU fails, or what it gives is no ranking.
    pub async fn places(&self, count: u32) -> Result<Vec<Vec<Place>>, Error> {
        let bytes = QUAD_BYTES * u64::from(count.min(self.capacity)) * u64::from(self.pixels());
        let words = self.gpu.read_regions(&[(&self.buffers[PLACES], 0, bytes)]).await?;
        let places: Vec<Place> = words.iter().flat_map(|words| words.chunks_exact(4)).map(Place::from_words).collect();
        let places: Vec<Vec<Place>> = places.chunks(self.pixels().max(1) as usize).map(<[Place]>::to_vec).collect();
        if !places.iter().all(|places| is_ranking(places)) {
            return Err(self.gpu.wrong_results("places of pixels that are no ranking".into()).into());
        }
        Ok(places)
    }

    /// Writes copies of the loaded pictures into the input of a session for as many pictures or more.
    ///
    /// # Errors
    /// [`Error::Batch`] for pictures or maps that are not there, or a session of another size; [`Error::Gpu`].
    pub async fn write_copies(&self, copies: &[Copy], session: &Session) -> Result<(), Error> {
        let shape = session.shape();
        let fits = copies.len() <= shape.count as usize && (shape.height, shape.width) == (self.height, self.width);
        let known = copies.iter().all(|copy| copy.picture < self.capacity && copy.map < self.capacity);
        if !(fits && known) {
            let found =
                format!("{} copies for a session of {} {}x{}", copies.len(), shape.count, shape.height, shape.width);
            let wanted = format!("copies of {} pictures of {}x{}", self.capacity, self.height, self.width);
            return Err(Error::Batch { found, wanted });
        }
        let words: Vec<[u32; 4]> = copies.iter().map(Copy::words).collect();
        self.gpu.write(&self.buffers[COPIES], 0, &words).await?;
        let mut regions = self.regions();
        regions.push(session.input()?.region());
        let calls = copy_calls(self.pixels(), copies.len() as u32);
        Ok(self.gpu.run("masking pictures", &calls, &regions).await?)
    }
}
