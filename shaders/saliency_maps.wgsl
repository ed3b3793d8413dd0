// Per pixel: x = phi = mean over channels of C, y = relu(mean over channels of x * g).

struct SaliencyMaps {
    pixels: u32,
    quads: u32,
    channels: u32,
    per_channel: u32, // 1: the gradient is one value per channel
}

@group(0) @binding(0) var<uniform> u: SaliencyMaps;
@group(0) @binding(1) var<storage, read_write> relevance: array<vec4f>; // [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> value: array<vec4f>;     // [samples][quads][pixels]
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>;  // [samples][quads][pixels] or [samples][quads]
@group(0) @binding(4) var<storage, read_write> destination: array<vec4f>; // [samples][pixels]

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        var index = group.z * u.quads * u.pixels + pixel;
        var phi = vec4f();
        var saliency = vec4f();
        for (var quad = 0u; quad < u.quads; quad++) {
            phi += relevance[index];
            let g = gradient[select(index, group.z * u.quads + quad, u.per_channel == 1u)];
            saliency = fma(value[index], g, saliency);
            index += u.pixels;
        }
        let means = vec2f(dot(phi, vec4f(1.0)), dot(saliency, vec4f(1.0))) / f32(u.channels);
        destination[group.z * u.pixels + pixel] = vec4f(means.x, max(means.y, 0.0), 0.0, 0.0);
    }
}
