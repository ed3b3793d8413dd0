//! Desktop systems: threads, and the system's monotonic clock.

use rayon::prelude::*;
pub(super) use std::time::Instant;

/// Makes the callbacks of what was submitted so far be called. A thread of its own waits, so that the caller's may do
/// other things while it awaits them.
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

/// Gives `work` the number of every chunk and its `length` values, of which the last may have fewer; several chunks at
/// a time.
pub(crate) fn for_each_chunk<T: Send>(values: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Send + Sync) {
    values.par_chunks_mut(length.max(1)).enumerate().for_each(|(chunk, values)| work(chunk, values));
}

/// All adapters of these graphics interfaces. The environment variables that wgpu's documentation lists
/// (`WGPU_VALIDATION`, `WGPU_DEBUG` and others) switch on its checks, which are off by default.
pub(crate) async fn adapters(backends: wgpu::Backends) -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    wgpu::Instance::new(descriptor).enumerate_adapters(backends).await
}
