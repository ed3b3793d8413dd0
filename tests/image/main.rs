//! The `image` module through its public interface.

mod heat;
mod label_map;
mod npy;
mod panel;
mod photo;
mod photo_errors;
mod placement;
mod prepare;
mod write;

/// A small generator of fresh numbers: seeded by the clock, the seed printed for replays.
pub struct Random(u64);

impl Random {
    /// Seeds from the clock.
    pub fn from_clock() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = now.as_nanos() as u64 | 1;
        println!("random seed {seed}");
        Self(seed)
    }

    /// The next 32 bits (xorshift).
    pub fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }

    /// A number in `low..high`.
    pub fn below(&mut self, low: u32, high: u32) -> u32 {
        low + self.bits() % (high - low)
    }

    /// A number in -1..1.
    pub fn signed(&mut self) -> f32 {
        self.bits() as f32 / u32::MAX as f32 * 2.0 - 1.0
    }

    /// A picture of random pixels.
    pub fn picture(&mut self, width: u32, height: u32) -> agf::image::RgbImage {
        agf::image::RgbImage::from_fn(width, height, |_, _| {
            let [red, green, blue, _] = self.bits().to_le_bytes();
            image::Rgb([red, green, blue])
        })
    }
}
