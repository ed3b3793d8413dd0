// A map that is not divided: sum over channels of the value or of its magnitude. One plain f32 per pixel.

struct PlainMap {
    pixels: u32,
    quads: u32,
    absolute: u32,
}

@group(0) @binding(0) var<uniform> u: PlainMap;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;    // [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> destination: array<f32>; // [samples][pixels]

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        var sum = vec4f();
        for (var quad = 0u; quad < u.quads; quad++) {
            let value = source[(group.z * u.quads + quad) * u.pixels + pixel];
            sum += select(value, abs(value), u.absolute == 1u);
        }
        destination[group.z * u.pixels + pixel] = dot(sum, vec4f(1.0));
    }
}
