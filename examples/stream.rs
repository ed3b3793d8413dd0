//! Explains frame after frame, from texture to texture, and prints what each takes: photos of a folder in the order of
//! their names, or a disc that moves.
//!
//!     cargo run --release --example stream [-- FOLDER]

use agf::display::{Display, Painting, Region};
use agf::gpu::Selection;
use agf::image::{Photo, RgbImage};
use agf::{Explainer, Gpu, Method, Model, SessionShape, Target, wgpu};
use std::error::Error;
use std::time::Instant;
use wgpu::util::{DeviceExt, TextureDataOrder};

const GENERATED: u32 = 60;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        Some(folder) => {
            let mut paths =
                std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
            paths.sort();
            pollster::block_on(explain(paths.iter().map(|path| Ok(Photo::open(path)?.rgb().clone()))))
        }
        None => pollster::block_on(explain((0..GENERATED).map(|number| Ok(disc(number))))),
    }
}

async fn explain(frames: impl Iterator<Item = Result<RgbImage, Box<dyn Error>>>) -> Result<(), Box<dyn Error>> {
    let gpu = Gpu::open(&Selection::default()).await?;
    let (device, queue) = (gpu.device(), gpu.queue());
    let model = Model::embedded()?;
    let shape = SessionShape { count: 1, height: 224, width: 224, slots: 1 };
    let session = Explainer::new(&gpu, &model, Method::default()).session(shape).await?;
    let display = Display::new(&gpu).await?;
    session.write_targets(0, &[Target::Rank(0)])?;

    let mut times = Vec::new();
    for frame in frames {
        let frame = frame?;
        let begin = Instant::now();
        let texture = |usage| form(&frame, usage);
        let pixels: Vec<u8> = frame.pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect();
        let seen = texture(wgpu::TextureUsages::TEXTURE_BINDING);
        let seen = device.create_texture_with_data(queue, &seen, TextureDataOrder::LayerMajor, &pixels);
        let shown = device.create_texture(&texture(wgpu::TextureUsages::STORAGE_BINDING));
        let square = Region::centered_square(&seen);

        let mut encoder = device.create_command_encoder(&Default::default());
        display.picture(&mut encoder, &seen, square, &session, 0, &model.input_spec())?;
        session.record(&mut encoder);
        display.paint(&mut encoder, &seen, &shown, &Painting::of(session.map(0)?, square))?;
        queue.submit([encoder.finish()]);
        // A program with a window draws `shown` and goes on; here the end is what is measured.
        device.poll(wgpu::PollType::wait_indefinitely())?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        println!("frame {}: {:.1} ms", times.len(), times[times.len() - 1]);
    }
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).ok_or("there are no frames")?;
    println!("median {median:.1} ms on {}", gpu.summary().name);
    Ok(())
}

fn form(frame: &RgbImage, usage: wgpu::TextureUsages) -> wgpu::TextureDescriptor<'static> {
    wgpu::TextureDescriptor {
        label: Some("frame"),
        size: wgpu::Extent3d { width: frame.width(), height: frame.height(), depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage,
        view_formats: &[],
    }
}

/// A yellow disc before a blue sky.
fn disc(number: u32) -> RgbImage {
    let middle = [80.0 + 8.0 * number as f32, 240.0];
    let color = |x: u32, y: u32| match (x as f32 - middle[0]).hypot(y as f32 - middle[1]) {
        0.0..60.0 => image::Rgb([240, 200, 40]),
        _ => image::Rgb([90, 140, 200 + (y / 10) as u8]),
    };
    RgbImage::from_fn(640, 480, color)
}
