// Batch normalisation in inference (scale and shift per channel), its gradient (scale alone), or a gradient times a bias (the shift).

override LANES: u32 = 64u;
override RUN: u32 = 64u; // pixels of a workgroup

struct ChannelAffine {
    pixels: u32,
    quads: u32,
    operation: u32, // 0 v * scale, 1 v * scale + shift, 2 v * shift
}

@group(0) @binding(0) var<uniform> u: ChannelAffine;
@group(0) @binding(1) var<storage, read> affine: array<vec4f>; // [quads][scale, shift]
@group(0) @binding(2) var<storage, read_write> source: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let index = (group.z * u.quads + group.y) * u.pixels + pixel;
        let scale = affine[2u * group.y];
        let shift = affine[2u * group.y + 1u];
        var value = source[index] * select(scale, shift, u.operation == 2u);
        if u.operation == 1u { value += shift; }
        destination[index] = value;
    }
}
