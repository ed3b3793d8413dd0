// Channels, rows and columns in another order.

struct Transpose {
    pixels: u32, // of the destination
    width: u32,
    channels: u32,
    quads: u32,
    source_pixels: u32,
    source_width: u32,
    source_quads: u32,
    first: u32, // which of the source's channels (0), rows (1) and columns (2) the destination's channels are
    second: u32, // its rows
    third: u32, // its columns
}

@group(0) @binding(0) var<uniform> u: Transpose;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;      // [samples][source quads][source pixels]
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

fn value(channel: u32, sample: u32, pixel: u32) -> f32 {
    if channel >= u.channels { return 0.0; }
    let row = pixel / u.width;
    var at: array<u32, 3>;
    at[u.first] = channel;
    at[u.second] = row;
    at[u.third] = pixel - row * u.width;
    let quad = sample * u.source_quads + at[0] / 4u;
    return source[quad * u.source_pixels + at[1] * u.source_width + at[2]][at[0] % 4u];
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let channel = 4u * group.y;
        destination[(group.z * u.quads + group.y) * u.pixels + pixel] = vec4f(
            value(channel, group.z, pixel),
            value(channel + 1u, group.z, pixel),
            value(channel + 2u, group.z, pixel),
            value(channel + 3u, group.z, pixel),
        );
    }
}
