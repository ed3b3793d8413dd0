// M of a linear layer over a feature map: the pixel's saliency where C is not zero.

struct MaskedSaliency {
    pixels: u32,
    quads: u32,
}

@group(0) @binding(0) var<uniform> u: MaskedSaliency;
@group(0) @binding(1) var<storage, read_write> relevance: array<vec4f>; // C, [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> maps: array<vec4f>;      // [samples][pixels], saliency in y
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let index = (group.z * u.quads + group.y) * u.pixels + pixel;
        let saliency = vec4f(maps[group.z * u.pixels + pixel].y);
        destination[index] = select(saliency, vec4f(), relevance[index] == vec4f());
    }
}
