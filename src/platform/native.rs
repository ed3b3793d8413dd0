//! Desktop systems: threads, and the monotonic clock of the system.

use rayon::prelude::*;
use std::time::Instant;

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

/// Makes the callbacks of what was submitted so far be called. A thread of its own waits, so that the caller's may do other things while it
/// awaits them.
pub(crate) fn drive(device: &wgpu::Device) {
    let device = device.clone();
    std::thread::spawn(move || {
        let _ = device.poll(wgpu::PollType::wait_indefinitely());
    });
}

/// `work` of every item, in order, several at a time.
pub(crate) fn map_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
    items.par_iter().map(work).collect()
}

/// All adapters of these graphics interfaces. The environment variables that wgpu's documentation lists (`WGPU_VALIDATION`, `WGPU_DEBUG`
/// and others) switch on its checks, which are off by default.
pub(crate) async fn adapters(backends: wgpu::Backends) -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    wgpu::Instance::new(descriptor).enumerate_adapters(backends).await
}
