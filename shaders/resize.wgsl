// Bilinear interpolation with pixel centres at half integers; what lies outside of all centres takes the edge's value.

struct Resize {
    source_height: u32,
    source_width: u32,
    height: u32,
    width: u32,
    quads: u32,
}

@group(0) @binding(0) var<uniform> u: Resize;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;      // [samples][quads][source pixels]
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

struct Taps {
    first: u32,
    second: u32,
    share: f32, // of the second
}

// Position (index + 1/2) size / count - 1/2 in whole numbers: its integer part and the rest, both exact.
fn taps(index: u32, size: u32, count: u32) -> Taps {
    let twice = (2u * index + 1u) * size;
    let numerator = twice - min(twice, count);
    let first = min(numerator / (2u * count), size - 1u);
    return Taps(first, min(first + 1u, size - 1u), f32(numerator % (2u * count)) / f32(2u * count));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let pixels = u.height * u.width;
    let end = min((group.x + 1u) * RUN, pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let channel = group.z * u.quads + group.y;
        let base = channel * u.source_height * u.source_width;
        let rows = taps(pixel / u.width, u.source_height, u.height);
        let columns = taps(pixel % u.width, u.source_width, u.width);
        let above = base + rows.first * u.source_width;
        let below = base + rows.second * u.source_width;
        let upper = mix(source[above + columns.first], source[above + columns.second], columns.share);
        let lower = mix(source[below + columns.first], source[below + columns.second], columns.share);
        destination[channel * pixels + pixel] = mix(upper, lower, rows.share);
    }
}
