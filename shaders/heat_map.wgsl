// The map: sum over channels of relevance / max, undivided where max is not positive. One plain f32 per pixel.

struct HeatMap {
    pixels: u32,
    quads: u32,
}

@group(0) @binding(0) var<uniform> u: HeatMap;
@group(0) @binding(1) var<storage, read_write> relevance: array<vec4f>; // [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> maximum: array<vec4f>;   // [samples], in x
@group(0) @binding(3) var<storage, read_write> destination: array<f32>; // [samples][pixels]

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let peak = maximum[group.z].x;
        var sum = vec4f();
        for (var quad = 0u; quad < u.quads; quad++) { sum += relevance[(group.z * u.quads + quad) * u.pixels + pixel]; }
        destination[group.z * u.pixels + pixel] = dot(sum, vec4f(1.0)) / select(1.0, peak, peak > 0.0);
    }
}
