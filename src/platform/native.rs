//! Desktop systems: threads, and the system's monotonic clock.

use rayon::prelude::*;
use std::sync::Weak;
use std::time::Duration;
pub(super) use std::time::Instant;

/// The longest pause between two looks at a host's GPU.
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

/// Makes the callbacks of what was submitted so far be called. A thread of its own sees to it, so that the caller's may
/// do other things while it awaits them. While a thread waits within wgpu no frame can be presented, so that a host's
/// device is only looked at, again and again until `waits` is dropped. (Waiting with a timeout would do, but wgpu 30
/// panics where another thread meanwhile sees that all is done.)
pub(crate) fn drive(device: &wgpu::Device, waits: Weak<()>, is_hosts: bool) {
    let device = device.clone();
    std::thread::spawn(move || {
        if !is_hosts {
            let _ = device.poll(wgpu::PollType::wait_indefinitely());
            return;
        }
        let began = Instant::now();
        while device.poll(wgpu::PollType::Poll).is_ok() && waits.strong_count() > 0 {
            std::thread::sleep((began.elapsed() / 8).min(LONGEST_PAUSE));
        }
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
