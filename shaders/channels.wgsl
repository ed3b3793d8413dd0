// Copies a run of channels of one value to other channels of another: slices, concatenation, and the transpose of a slice.

struct Channels {
    pixels: u32,
    source_quads: u32,
    source_first: u32, // first channel that is copied
    quads: u32,        // of the destination
    first: u32,        // where it goes
    count: u32,        // channels that are copied
    first_quad: u32,   // first quad of the destination that is written
    keep: u32,         // whether channels before `first` keep what they are; otherwise they become 0, as do those behind
}

@group(0) @binding(0) var<uniform> u: Channels;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;      // [samples][source quads][pixels]
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

// What channel `channel` of the destination becomes, of which `old` is the value.
fn value(channel: u32, sample: u32, pixel: u32, old: f32) -> f32 {
    if channel < u.first { return select(0.0, old, u.keep != 0u); }
    if channel >= u.first + u.count { return 0.0; }
    let origin = channel - u.first + u.source_first;
    return source[(sample * u.source_quads + origin / 4u) * u.pixels + pixel][origin % 4u];
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let quad = u.first_quad + group.y;
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let index = (group.z * u.quads + quad) * u.pixels + pixel;
        let old = destination[index];
        destination[index] = vec4f(
            value(4u * quad, group.z, pixel, old.x),
            value(4u * quad + 1u, group.z, pixel, old.y),
            value(4u * quad + 2u, group.z, pixel, old.z),
            value(4u * quad + 3u, group.z, pixel, old.w),
        );
    }
}
