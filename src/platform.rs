//! What differs between platforms: waiting for the GPU, the clock, finding adapters, and compiling several pipelines at a time.
//!
//! Beside the flow: `gpu` and whoever measures ask here. `native` serves desktop systems; a browser would be another file with the same
//! functions, in which the event loop polls the device and pipelines are compiled one after the other.

mod native;

pub(crate) use native::{Stopwatch, adapters, drive, map_parallel};
