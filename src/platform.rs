//! What differs between platforms: waiting for the GPU, the clock, finding adapters, and doing several things at a
//! time.
//!
//! Beside the flow: `gpu`, whoever measures, and whoever works on many values on the CPU ask here. `native` serves
//! desktop systems, `web` browsers, where the event loop polls the device and one thread does all.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod web;

#[cfg(not(target_arch = "wasm32"))]
use native::Instant;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{adapters, drive, for_each_chunk, map_parallel};
#[cfg(target_arch = "wasm32")]
use web::Instant;
#[cfg(target_arch = "wasm32")]
pub(crate) use web::{adapters, drive, for_each_chunk, map_parallel};

/// Values of a chunk, where only the work decides.
pub(crate) const CHUNK: usize = 1 << 14;

/// Measures milliseconds.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Since the start or the last lap.
    pub(crate) fn milliseconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64() * 1e3
    }

    /// Since the start or the last lap; begins another lap.
    pub(crate) fn lap(&mut self) -> f64 {
        let elapsed = self.milliseconds();
        self.0 = Instant::now();
        elapsed
    }
}

/// `work` of every index below `count`, in order.
pub(crate) fn fill_parallel<T: Clone + Default + Send>(
    count: usize,
    work: impl Fn(usize) -> T + Send + Sync,
) -> Vec<T> {
    let mut values = vec![T::default(); count];
    for_each_chunk(&mut values, CHUNK, |chunk, values| {
        (chunk * CHUNK..).zip(values).for_each(|(index, value)| *value = work(index));
    });
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_and_chunk_is_done_once_and_in_its_place() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(map_parallel(&items, |item| 2 * item), (0..2000).step_by(2).collect::<Vec<_>>());
        assert_eq!(fill_parallel(3 * CHUNK + 5, |index| index), (0..3 * CHUNK + 5).collect::<Vec<_>>());
        let mut values = [0; 8];
        for_each_chunk(&mut values, 3, |chunk, values| values.iter_mut().for_each(|value| *value += chunk + 1));
        assert_eq!(values, [1, 1, 1, 2, 2, 2, 3, 3]);
    }
}
