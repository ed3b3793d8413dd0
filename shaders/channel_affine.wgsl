// Batch normalisation in inference (scale and shift per channel), its gradient (scale alone), or a gradient times a
// bias (the shift). The gradient may be the sum of two.

struct ChannelAffine {
    pixels: u32,
    quads: u32,
    operation: u32,
    has_second: u32, // 1: v is the sum of two values
}

@group(0) @binding(0) var<uniform> u: ChannelAffine;
@group(0) @binding(1) var<storage, read> affine: array<vec4f>; // [quads][scale, shift]
@group(0) @binding(2) var<storage, read_write> source: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> second: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

const AFFINE_SCALE = 0u;           // v * scale
const AFFINE_SCALE_AND_SHIFT = 1u; // v * scale + shift
const AFFINE_SHIFT = 2u;           // v * shift

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let index = (group.z * u.quads + group.y) * u.pixels + pixel;
        let scale = affine[2u * group.y];
        let shift = affine[2u * group.y + 1u];
        var value = source[index];
        if u.has_second == 1u { value += second[index]; }
        value *= select(scale, shift, u.operation == AFFINE_SHIFT);
        if u.operation == AFFINE_SCALE_AND_SHIFT { value += shift; }
        destination[index] = value;
    }
}
