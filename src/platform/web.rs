//! Browsers: one thread, whose event loop drives the GPU, and the page's clock.

use std::sync::Weak;
pub(super) use web_time::Instant;

/// The browser calls back by itself.
pub(crate) fn drive(_device: &wgpu::Device, _waits: Weak<()>, _is_hosts: bool) {}

/// `work` of every item, in order.
pub(crate) fn map_parallel<T, R>(items: &[T], work: impl Fn(&T) -> R) -> Vec<R> {
    items.iter().map(work).collect()
}

/// Gives `work` the number of every chunk and its `length` values, of which the last may have fewer.
pub(crate) fn for_each_chunk<T>(values: &mut [T], length: usize, work: impl Fn(usize, &mut [T])) {
    values.chunks_mut(length.max(1)).enumerate().for_each(|(chunk, values)| work(chunk, values));
}

/// The adapter that the browser offers, if any.
pub(crate) async fn adapters(_backends: wgpu::Backends) -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::BROWSER_WEBGPU;
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..wgpu::RequestAdapterOptions::default()
    };
    wgpu::Instance::new(descriptor).request_adapter(&options).await.into_iter().collect()
}
