//! A graphics program with a wgpu device of its own: the engine adopts it, a session is recorded into the program's
//! encoder, and a pass of the program reads the map where it lies in GPU memory. One encoder, one submission, no way
//! back to the CPU in between.
//!
//!     cargo run --release --example embed -- samples/panda_macaw.jpg macaw embed.png

use agf::gpu::{Gpu, requirements};
use agf::image::{Framing, Photo, RgbImage, prepare, write_png};
use agf::methods::Method;
use agf::session::SessionShape;
use agf::{Batch, Explainer, Target, models::Model};
use std::error::Error;

/// The program's own work: values of the map to colours.
const PAINT: &str = "
@group(0) @binding(0) var<storage, read> map: array<f32>;
@group(0) @binding(1) var<storage, read_write> pixels: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let v = clamp(map[id.x], -1.0, 1.0);
    pixels[id.x] = pack4x8unorm(vec4f(1.0 + min(v, 0.0), 1.0 - abs(v), 1.0 - max(v, 0.0), 1.0));
}";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photo, class, output] = &arguments[..] else {
        return Err("three arguments are needed: PHOTO CLASS OUTPUT.png".into());
    };
    pollster::block_on(run(photo, class, output))
}

async fn run(photo: &str, class: &str, output: &str) -> Result<(), Box<dyn Error>> {
    // The program's own device. `requirements` says what the engine would like to have besides; it runs without, too.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = instance.request_adapter(&Default::default()).await?;
    let (required_features, required_limits) = requirements(&adapter);
    let wanted = wgpu::DeviceDescriptor { required_features, required_limits, ..Default::default() };
    let (device, queue) = adapter.request_device(&wanted).await?;

    // Once per network and picture size: the engine moves in, plans, uploads weights and compiles its kernels.
    let gpu = Gpu::adopt(device.clone(), queue.clone())?;
    let model = Model::embedded()?;
    let mut explainer = Explainer::new(&gpu, &model, Method::default());
    let session = explainer.session(SessionShape { count: 1, height: 224, width: 224, slots: 1 }).await?;
    let map = session.map(0)?;

    let buffer = |label, usage| {
        let descriptor =
            wgpu::BufferDescriptor { label: Some(label), size: map.bytes, usage, mapped_at_creation: false };
        device.create_buffer(&descriptor)
    };
    let pixels = buffer("pixels", wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
    let staging = buffer("staging", wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
    let (label, source) = (Some("paint"), wgpu::ShaderSource::Wgsl(PAINT.into()));
    let module = &device.create_shader_module(wgpu::ShaderModuleDescriptor { label, source });
    let (layout, entry_point, compilation_options, cache) = (None, None, Default::default(), None);
    let paint = wgpu::ComputePipelineDescriptor { label, layout, module, entry_point, compilation_options, cache };
    let paint = device.create_compute_pipeline(&paint);
    let entries = &[
        wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(map.binding()) },
        wgpu::BindGroupEntry { binding: 1, resource: pixels.as_entire_binding() },
    ];
    let layout = &paint.get_bind_group_layout(0);
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor { label, layout, entries });

    // Once per frame: picture and class through the queue, then everything into one encoder.
    let input = prepare(&Photo::open(photo)?, &model.input_spec(), Framing::Standard)?;
    session.write_pictures(&Batch::new(1, 224, 224, input.tensor))?;
    session.write_targets(0, &[Target::Class(model.labels().find(class)?)])?;
    let mut encoder = device.create_command_encoder(&Default::default());
    session.record(&mut encoder);
    let mut pass = encoder.begin_compute_pass(&Default::default());
    pass.set_pipeline(&paint);
    pass.set_bind_group(0, &group, &[]);
    pass.dispatch_workgroups(224 * 224 / 64, 1, 1);
    drop(pass);
    encoder.copy_buffer_to_buffer(&pixels, 0, &staging, 0, map.bytes);
    queue.submit([encoder.finish()]);

    // Only to have a file in the end: a graphics program would draw `pixels` instead of waiting for them.
    staging.map_async(wgpu::MapMode::Read, .., |_| {});
    device.poll(wgpu::PollType::wait_indefinitely())?;
    let bytes = staging.get_mapped_range(..)?;
    let color = |x, y| image::Rgb([0, 1, 2].map(|channel| bytes[(y * 224 + x) as usize * 4 + channel]));
    Ok(write_png(output, &RgbImage::from_fn(224, 224, color))?)
}
