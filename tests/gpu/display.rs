//! Textures as pictures and maps as colours, against the way over the CPU.

use crate::common::random::Random;
use crate::common::read_back;
use crate::{gpu, limited_gpu};
use agf::display::{Display, DisplayError, Limit, Painting, Region, Sign};
use agf::gpu::{Gpu, Layout, Stored};
use agf::graph::Shape;
use agf::image::{ChannelOrder, Colormap, Framing, InputSpec, Map, Photo, Range, RgbImage, heatmap, overlay, prepare};
use agf::methods::Method;
use agf::models::{Architecture, Model};
use agf::wgpu::util::DeviceExt;
use agf::wgpu::{self, TextureFormat, TextureUsages};
use agf::{Error, Explainer, Session, SessionShape, Target};
use pollster::block_on;

fn session(gpu: &Gpu, shape: SessionShape) -> Session {
    let model = Model::synthetic(Architecture::TinyResNet).unwrap();
    block_on(Explainer::new(gpu, &model, Method::default()).session(shape)).unwrap()
}

fn random_photo(height: u32, width: u32) -> RgbImage {
    let mut random = Random::new();
    RgbImage::from_fn(width, height, |_, _| std::array::from_fn(|_| random.uniform(0.0, 256.0) as u8).into())
}

fn texture(gpu: &Gpu, image: &RgbImage, format: TextureFormat) -> wgpu::Texture {
    let bytes: Vec<u8> = image.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], 255]).collect();
    let descriptor = wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: image.width(), height: image.height(), depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: TextureUsages::TEXTURE_BINDING,
        view_formats: &[],
    };
    let order = wgpu::util::TextureDataOrder::LayerMajor;
    gpu.device().create_texture_with_data(gpu.queue(), &descriptor, order, &bytes)
}

fn target(gpu: &Gpu, width: u32, height: u32) -> wgpu::Texture {
    gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: TextureFormat::Rgba8Unorm,
        usage: TextureUsages::STORAGE_BINDING | TextureUsages::COPY_SRC,
        view_formats: &[],
    })
}

/// A texture's pixels; its rows must be multiples of 256 bytes.
fn pixels(gpu: &Gpu, texture: &wgpu::Texture) -> Vec<[u8; 3]> {
    let (width, height) = (texture.width(), texture.height());
    let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
    let size = u64::from(4 * width * height);
    let buffer =
        gpu.device().create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * width), rows_per_image: None };
    let mut encoder = gpu.device().create_command_encoder(&Default::default());
    let to = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout };
    encoder.copy_texture_to_buffer(texture.as_image_copy(), to, texture.size());
    gpu.queue().submit([encoder.finish()]);
    let words = read_back(gpu, &buffer, 0, size);
    words.into_iter().map(|word| word.to_bits().to_le_bytes()).map(|[red, green, blue, _]| [red, green, blue]).collect()
}

fn run(gpu: &Gpu, record: impl FnOnce(&mut wgpu::CommandEncoder)) {
    let mut encoder = gpu.device().create_command_encoder(&Default::default());
    record(&mut encoder);
    gpu.queue().submit([encoder.finish()]);
}

/// Picture `sample` of a session's input, (3, height, width).
fn input(gpu: &Gpu, session: &Session, sample: usize) -> Vec<f32> {
    let stored = session.input().unwrap();
    let quads = read_back(gpu, stored.buffer, stored.offset, stored.bytes);
    let pixels = (stored.shape.height * stored.shape.width) as usize;
    let own = &quads[4 * pixels * sample..4 * pixels * (sample + 1)];
    (0..3).flat_map(|channel| own.iter().skip(channel).step_by(4)).copied().collect()
}

fn largest_difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let differences = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs());
    differences
        .fold(0.0, |largest, difference| if difference > largest || difference.is_nan() { difference } else { largest })
}

const SPEC: InputSpec = InputSpec {
    height: 48,
    width: 40,
    resize: agf::image::Resize::Squash,
    filter: agf::image::Filter::Bilinear,
    order: ChannelOrder::Bgr,
    mean: [100.0, 110.0, 120.0],
    std: [50.0, 60.0, 70.0],
};

#[test]
fn a_texture_gives_the_values_of_the_tensor_path() {
    let shape = SessionShape { count: 2, height: 48, width: 40, slots: 1 };
    for gpu in [gpu(), limited_gpu()] {
        let (session, display) = (session(gpu, shape), block_on(Display::new(gpu)).unwrap());
        // One unit is a level of a byte over a deviation. The tensor path rounds to levels twice.
        for (height, width, tolerance) in [(48, 40, 1e-5), (96, 200, 1.2 / 50.0), (20, 30, 1.2 / 50.0)] {
            let photo = random_photo(height, width);
            let prepared =
                prepare(&Photo::from_rgb(photo.clone(), "random").unwrap(), &SPEC, Framing::Standard).unwrap();
            for (format, tolerance) in [
                (TextureFormat::Rgba8Unorm, tolerance),
                // Hardware decodes sRGB to about half a level.
                (TextureFormat::Rgba8UnormSrgb, tolerance + 1.0 / 50.0),
            ] {
                let texture = texture(gpu, &photo, format);
                run(gpu, |encoder| {
                    display.picture(encoder, &texture, Region::whole(&texture), &session, 1, &SPEC).unwrap();
                });
                let difference = largest_difference(&input(gpu, &session, 1), &prepared.tensor);
                assert!(difference <= tolerance, "{height}x{width} {format:?}: {difference}");
            }
        }
    }
}

#[test]
fn a_region_is_cut_out_and_the_edge_goes_on_beside_the_texture() {
    let shape = SessionShape { count: 1, height: 32, width: 32, slots: 1 };
    let (session, display) = (session(gpu(), shape), block_on(Display::new(gpu())).unwrap());
    let photo = random_photo(40, 50);
    let texture = texture(gpu(), &photo, TextureFormat::Rgba8Unorm);
    let spec = InputSpec { order: ChannelOrder::Rgb, ..SPEC };
    let region = Region { left: 30.0, top: -5.0, width: 32.0, height: 32.0 };
    run(gpu(), |encoder| display.picture(encoder, &texture, region, &session, 0, &spec).unwrap());
    let found = input(gpu(), &session, 0);
    let at = |channel: usize, row: i32, column: i32| {
        let pixel = photo.get_pixel((column + 30).min(49) as u32, (row - 5).clamp(0, 39) as u32);
        (f32::from(pixel.0[channel]) - spec.mean[channel]) / spec.std[channel]
    };
    let places =
        (0..3).flat_map(|channel| (0..32).flat_map(move |row| (0..32).map(move |column| (channel, row, column))));
    let expected: Vec<f32> = places.map(|(channel, row, column)| at(channel, row, column)).collect();
    let difference = largest_difference(&found, &expected);
    assert!(difference <= 1e-5, "{difference}");
}

/// A map in GPU memory behind some other values.
fn stored(buffer: &wgpu::Buffer, maps: u32, height: u32, width: u32) -> Stored<'_> {
    let bytes = u64::from(4 * maps * height * width);
    Stored { buffer, offset: 256, bytes, samples: maps, shape: Shape::new(1, height, width), layout: Layout::Map }
}

fn buffer(gpu: &Gpu, maps: &[Vec<f32>]) -> wgpu::Buffer {
    let words: Vec<f32> = vec![1e9; 64].into_iter().chain(maps.concat()).collect();
    let contents: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let usage = wgpu::BufferUsages::STORAGE;
    gpu.device().create_buffer_init(&wgpu::util::BufferInitDescriptor { label: None, contents: &contents, usage })
}

/// Maps of 64 columns: usual ones, with odd values, mostly zeros, all zeros.
fn maps(height: u32) -> Vec<Vec<f32>> {
    let mut random = Random::new();
    let count = 64 * height as usize;
    let usual = |random: &mut Random| random.values(count).into_iter().map(|value| (0.01 * value) as f32).collect();
    let (mut odd, mut sparse): (Vec<f32>, Vec<f32>) = (usual(&mut random), vec![0.0; count]);
    // In every row, so that whoever reads a pixel too far, with however little weight, is found out.
    for (row, values) in odd.chunks_exact_mut(64).enumerate() {
        values[(5 + 7 * row) % 64] = f32::NAN;
        values[(9 + 7 * row) % 64] = f32::NEG_INFINITY;
    }
    sparse[3] = -2.5;
    vec![usual(&mut random), odd, sparse, vec![0.0; count]]
}

fn check_colors(found: &[[u8; 3]], expected: &RgbImage, what: &str) {
    assert_eq!(found.len(), expected.pixels().len());
    for (index, (found, expected)) in found.iter().zip(expected.pixels()).enumerate() {
        let is_near = (0..3).all(|channel| found[channel].abs_diff(expected.0[channel]) <= 1);
        assert!(is_near, "{what}, pixel {index}: {found:?} for {:?}", expected.0);
    }
}

#[test]
fn painted_maps_have_the_colours_of_heatmap_and_overlay() {
    for gpu in [gpu(), limited_gpu()] {
        let display = block_on(Display::new(gpu)).unwrap();
        for height in [1, 45] {
            let maps = maps(height);
            let buffer = buffer(gpu, &maps);
            let photo = Photo::from_rgb(random_photo(height, 64), "random").unwrap();
            let shown = texture(gpu, photo.rgb(), TextureFormat::Rgba8Unorm);
            let target = target(gpu, 64, height);
            let spec = InputSpec { height, width: 64, ..SPEC };
            let placement = prepare(&photo, &spec, Framing::Native).unwrap().placement;
            for (sample, values) in (0..).zip(&maps) {
                let map = Map::new(values, height, 64).unwrap();
                for colormap in Colormap::ALL {
                    let painting = Painting {
                        sample,
                        colormap,
                        ..Painting::of(stored(&buffer, 4, height, 64), Region::whole(&shown))
                    };
                    let alone = Painting { is_alone: true, ..painting.clone() };
                    let expected = [
                        overlay(&photo, &map, &placement, colormap, Range::Auto).unwrap(),
                        heatmap(&map, colormap, Range::Auto).unwrap(),
                    ];
                    for (painting, expected) in [painting, alone].iter().zip(&expected) {
                        run(gpu, |encoder| display.paint(encoder, &shown, &target, painting).unwrap());
                        check_colors(&pixels(gpu, &target), expected, &format!("map {sample} {colormap}"));
                    }
                }
            }
        }
    }
}

#[test]
fn limits_are_fixed_found_or_shared() {
    let display = block_on(Display::new(gpu())).unwrap();
    let maps = maps(33);
    let buffer = buffer(gpu(), &maps);
    let stored = stored(&buffer, 4, 33, 64);
    let shown = texture(gpu(), &random_photo(33, 64), TextureFormat::Rgba8Unorm);
    let target = target(gpu(), 64, 33);
    let all: Vec<Map> = maps.iter().map(|values| Map::new(values, 33, 64).unwrap()).collect();
    let alone = Painting { is_alone: true, ..Painting::of(stored, Region::whole(&shown)) };
    let mut magnitudes: Vec<f32> = maps[0].iter().map(|value| value.abs()).collect();
    magnitudes.sort_by(f32::total_cmp);
    let cases = [
        (Limit::Fixed(0.005), vec![], Range::Fixed(0.005)),
        (Limit::PerMille(0), vec![], Range::Fixed(magnitudes[0])),
        (Limit::PerMille(1000), vec![], Range::Fixed(*magnitudes.last().unwrap())),
        (Limit::PerMille(500), vec![], Range::Fixed(magnitudes[(magnitudes.len() - 1).div_ceil(2)])),
        (Limit::PerMille(995), vec![(stored, 1), (stored, 2)], Range::shared(&all[..3])),
    ];
    for (limit, linked, range) in cases {
        let painting = Painting { limit: limit.clone(), linked, ..alone.clone() };
        run(gpu(), |encoder| display.paint(encoder, &shown, &target, &painting).unwrap());
        let expected = heatmap(&all[0], Colormap::Seismic, range).unwrap();
        check_colors(&pixels(gpu(), &target), &expected, &format!("{limit:?}"));
    }
}

#[test]
fn a_sign_a_wipe_and_a_region_choose_what_is_seen() {
    let display = block_on(Display::new(gpu())).unwrap();
    let maps = maps(33);
    let buffer = buffer(gpu(), &maps[..1]);
    let photo = random_photo(33, 64);
    let shown = texture(gpu(), &photo, TextureFormat::Rgba8Unorm);
    let target = target(gpu(), 64, 33);
    let whole = Painting {
        is_alone: true,
        limit: Limit::Fixed(0.01),
        ..Painting::of(stored(&buffer, 1, 33, 64), Region::whole(&shown))
    };
    let paint = |painting: &Painting<'_>| {
        run(gpu(), |encoder| display.paint(encoder, &shown, &target, painting).unwrap());
        pixels(gpu(), &target)
    };
    for (sign, keep) in [(Sign::Positive, 1.0_f32), (Sign::Negative, -1.0)] {
        let kept: Vec<f32> = maps[0].iter().map(|&value| if value * keep > 0.0 { value } else { 0.0 }).collect();
        let expected = heatmap(&Map::new(&kept, 33, 64).unwrap(), Colormap::Seismic, Range::Fixed(0.01)).unwrap();
        check_colors(&paint(&Painting { sign, ..whole.clone() }), &expected, &format!("{sign:?}"));
    }
    let wiped = paint(&Painting { wipe: 0.5, ..whole.clone() });
    let colors = paint(&whole);
    for (index, pixel) in wiped.iter().enumerate() {
        let (row, column) = (index / 64, index % 64);
        let photo = photo.get_pixel(column as u32, row as u32).0;
        assert_eq!(*pixel, if column < 32 { photo } else { colors[index] }, "{row}, {column}");
    }
    let region = Region { left: 16.0, top: 0.0, width: 64.0, height: 33.0 };
    let moved = paint(&Painting { region, ..whole });
    for (index, pixel) in moved.iter().enumerate() {
        let (row, column) = (index / 64, index % 64);
        let expected = if column < 16 { [0; 3] } else { colors[row * 64 + column - 16] };
        assert_eq!(*pixel, expected, "{row}, {column}");
    }
}

/// A host's frame: texture to picture, explanation, and colours, in one submission; the map is that of the explainer.
#[test]
fn one_encoder_goes_from_texture_to_texture() {
    let shape = SessionShape { count: 1, height: 64, width: 64, slots: 1 };
    let (session, display) = (session(gpu(), shape), block_on(Display::new(gpu())).unwrap());
    let photo = Photo::from_rgb(random_photo(64, 64), "random").unwrap();
    let spec = InputSpec { height: 64, width: 64, ..SPEC };
    let (shown, target) = (texture(gpu(), photo.rgb(), TextureFormat::Rgba8Unorm), target(gpu(), 64, 64));
    let whole = Region::whole(&shown);
    session.write_targets(0, &[Target::Rank(0)]).unwrap();
    run(gpu(), |encoder| {
        display.picture(encoder, &shown, whole, &session, 0, &spec).unwrap();
        session.record(encoder);
        display.paint(encoder, &shown, &target, &Painting::of(session.map(0).unwrap(), whole)).unwrap();
    });
    let explained = block_on(session.read()).unwrap();
    let map = Map::new(&explained[0].maps[0].values, 64, 64).unwrap();
    let placement = prepare(&photo, &spec, Framing::Native).unwrap().placement;
    let expected = overlay(&photo, &map, &placement, Colormap::Seismic, Range::Auto).unwrap();
    check_colors(&pixels(gpu(), &target), &expected, "overlay");
}

#[test]
fn what_does_not_fit_is_refused() {
    let shape = SessionShape { count: 1, height: 32, width: 32, slots: 1 };
    let (session, display) = (session(gpu(), shape), block_on(Display::new(gpu())).unwrap());
    let (plain, srgb) = (TextureFormat::Rgba8Unorm, TextureFormat::Rgba8UnormSrgb);
    let shown = texture(gpu(), &random_photo(32, 64), plain);
    let good = target(gpu(), 64, 32);
    let whole = Region::whole(&shown);
    let painting = Painting::of(session.map(0).unwrap(), whole);
    let encoder = || gpu().device().create_command_encoder(&Default::default());
    let paint = |photo: &wgpu::Texture, target: &wgpu::Texture, painting: &Painting<'_>| match display.paint(
        &mut encoder(),
        photo,
        target,
        painting,
    ) {
        Err(Error::Display(error)) => error,
        other => panic!("{other:?}"),
    };
    let picture = |texture: &wgpu::Texture, region: Region, sample: u32| match display.picture(
        &mut encoder(),
        texture,
        region,
        &session,
        sample,
        &SPEC,
    ) {
        Err(Error::Display(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(picture(&shown, whole, 1), DisplayError::Sample { sample: 1, samples: 1 });
    assert!(matches!(picture(&good, whole, 0), DisplayError::Usage { what: "photo", .. }));
    for region in [Region { width: 0.0, ..whole }, Region { height: -1.0, ..whole }, Region { top: f32::NAN, ..whole }]
    {
        assert!(matches!(picture(&shown, region, 0), DisplayError::Value { .. }));
        assert!(matches!(paint(&shown, &good, &Painting { region, ..painting.clone() }), DisplayError::Value { .. }));
    }
    let wrong = texture(gpu(), &random_photo(32, 64), srgb);
    assert!(matches!(paint(&wrong, &good, &painting), DisplayError::Format { what: "photo", .. }));
    assert!(matches!(paint(&shown, &wrong, &painting), DisplayError::Format { what: "target", .. }));
    assert!(matches!(paint(&shown, &shown, &painting), DisplayError::Usage { what: "target", .. }));
    let small = target(gpu(), 64, 31);
    assert_eq!(paint(&shown, &small, &painting), DisplayError::Size { photo: (64, 32), target: (64, 31) });
    let logits = Painting::of(session.logits().unwrap(), whole);
    assert!(matches!(paint(&shown, &good, &logits), DisplayError::NotAMap { channels: 10 }));
    let sample = Painting { sample: 1, ..painting.clone() };
    assert_eq!(paint(&shown, &good, &sample), DisplayError::Sample { sample: 1, samples: 1 });
    let limits = [Limit::Fixed(0.0), Limit::Fixed(f32::NAN), Limit::PerMille(1001)];
    let odd = limits.map(|limit| Painting { limit, ..painting.clone() });
    let odd = odd.into_iter().chain([
        Painting { opacity: 1.5, ..painting.clone() },
        Painting { wipe: f32::NAN, ..painting.clone() },
        Painting { linked: vec![(painting.map, 0); 16], ..painting.clone() },
    ]);
    for painting in odd {
        assert!(matches!(paint(&shown, &good, &painting), DisplayError::Value { .. }), "{painting:?}");
    }
}
