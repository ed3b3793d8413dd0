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

#[path = "../common/seed.rs"]
mod seed;

/// A small generator.
pub struct Random(u64);

impl Random {
    /// Other numbers for every test.
    pub fn seeded() -> Self {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default().bytes();
        let state = name.fold(seed::seed(), |state, byte| state.wrapping_mul(0x0000_0100_0000_01B3) ^ u64::from(byte));
        Self(state | 1)
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
