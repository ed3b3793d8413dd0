// ReLU with a slope per channel on its negative side, or the gradient through it.

override GRADIENT: u32 = 0u; // 0 f(x), 1 g * f'(x)

struct ParametricRelu {
    pixels: u32,
    quads: u32,
}

@group(0) @binding(0) var<uniform> u: ParametricRelu;
@group(0) @binding(1) var<storage, read> slopes: array<vec4f>; // [quads]
@group(0) @binding(2) var<storage, read_write> source: array<vec4f>;   // x; [samples][quads][pixels]
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>; // g, not read without GRADIENT
@group(0) @binding(4) var<storage, read_write> destination: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let index = (group.z * u.quads + group.y) * u.pixels + pixel;
        let x = source[index];
        var value = x;
        if GRADIENT == 1u { value = gradient[index]; }
        destination[index] = select(slopes[group.y] * value, value, x > vec4f());
    }
}
