//! A graphics program with a wgpu device of its own: the engine adopts it, takes its picture from the program's texture
//! and paints the map into another one. One encoder, one submission, no way back to the CPU in between.
//!
//!     cargo run --release --example embed -- samples/panda_macaw.jpg macaw embed.png

use agf::display::{Display, Painting, Region};
use agf::gpu::requirements;
use agf::image::{Photo, RgbImage, write_png};
use agf::{Explainer, Gpu, Method, Model, SessionShape, Target, wgpu};
use std::error::Error;
use wgpu::util::{DeviceExt, TextureDataOrder};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photo, class, output] = &arguments[..] else {
        return Err("three arguments are needed: PHOTO CLASS OUTPUT.png".into());
    };
    pollster::block_on(run(photo, class, output))
}

async fn run(photo: &str, class: &str, output: &str) -> Result<(), Box<dyn Error>> {
    // The program's own device and textures. `requirements` says what the engine would like to have besides.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = instance.request_adapter(&Default::default()).await?;
    let (required_features, required_limits) = requirements(&adapter);
    let wanted = wgpu::DeviceDescriptor { required_features, required_limits, ..Default::default() };
    let (device, queue) = adapter.request_device(&wanted).await?;
    let photo = Photo::open(photo)?;
    let pixels: Vec<u8> = photo.rgb().pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect();
    let mut form = form(&photo);
    let photo = device.create_texture_with_data(&queue, &form, TextureDataOrder::LayerMajor, &pixels);
    form.usage = wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_SRC;
    let shown = device.create_texture(&form);

    // Once per network and picture size: the engine moves in, plans, uploads weights and compiles its kernels.
    let gpu = Gpu::adopt(device.clone(), queue.clone())?;
    let model = Model::embedded()?;
    let shape = SessionShape { count: 1, height: 224, width: 224, slots: 1 };
    let session = Explainer::new(&gpu, &model, Method::default()).session(shape).await?;
    let display = Display::new(&gpu).await?;

    // Once per frame: from texture to texture in one encoder.
    let mut encoder = device.create_command_encoder(&Default::default());
    let square = Region::centered_square(&photo);
    display.picture(&mut encoder, &photo, square, &session, 0, &model.input_spec())?;
    session.write_targets(0, &[Target::Class(model.labels().find(class)?)])?;
    session.record(&mut encoder);
    display.paint(&mut encoder, &photo, &shown, &Painting::of(session.map(0)?, square))?;
    queue.submit([encoder.finish()]);

    // Only to have a file in the end: a graphics program would draw `shown`.
    Ok(write_png(output, &read(&device, &queue, &shown)?)?)
}

fn form(photo: &Photo) -> wgpu::TextureDescriptor<'static> {
    wgpu::TextureDescriptor {
        label: Some("photo"),
        size: wgpu::Extent3d { width: photo.width(), height: photo.height(), depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::TEXTURE_BINDING,
        view_formats: &[],
    }
}

fn read(device: &wgpu::Device, queue: &wgpu::Queue, texture: &wgpu::Texture) -> Result<RgbImage, Box<dyn Error>> {
    let row = (4 * texture.width()).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("pixels"),
        size: u64::from(row) * u64::from(texture.height()),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: None };
    let target = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout };
    let mut encoder = device.create_command_encoder(&Default::default());
    encoder.copy_texture_to_buffer(texture.as_image_copy(), target, texture.size());
    queue.submit([encoder.finish()]);
    buffer.map_async(wgpu::MapMode::Read, .., |_| {});
    device.poll(wgpu::PollType::wait_indefinitely())?;
    let bytes = buffer.get_mapped_range(..)?;
    let color = |x: u32, y: u32| image::Rgb([0, 1, 2].map(|channel| bytes[(y * row + 4 * x) as usize + channel]));
    Ok(RgbImage::from_fn(texture.width(), texture.height(), color))
}
