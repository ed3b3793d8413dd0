// Fully connected layer over a flattened input. One workgroup computes one quad of outputs; its lanes stride along the inputs.

struct Linear {
    source_quads: u32, // quads * pixels of the input
    quads: u32,        // of the output
    first_quad: u32,   // first output quad of this range of weights
    has_bias: u32,
    low: f32,
    high: f32,
    weight_part: u32,  // 0 full, 1 absolute, 2 positive, 3 negative
    source_part: u32,
}

@group(0) @binding(0) var<uniform> u: Linear;
@group(0) @binding(1) var<storage, read> weights: array<vec4f>; // [outputs of the range][source quads]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;    // [quads]
@group(0) @binding(3) var<storage, read_write> source: array<vec4f>;      // [samples][source quads]
@group(0) @binding(4) var<storage, read_write> destination: array<vec4f>; // [samples][quads]

const LANES = 64u;
var<workgroup> partial: array<vec4f, LANES>;

fn part(v: vec4f, which: u32) -> vec4f {
    if which == 1u { return abs(v); }
    if which == 2u { return max(v, vec4f()); }
    if which == 3u { return min(v, vec4f()); }
    return v;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let source_base = group.z * u.source_quads;
    let row = group.x * 4u * u.source_quads;
    var sum = vec4f();
    for (var k = lane; k < u.source_quads; k += LANES) {
        let x = part(source[source_base + k], u.source_part);
        sum.x += dot(part(weights[row + k], u.weight_part), x);
        sum.y += dot(part(weights[row + u.source_quads + k], u.weight_part), x);
        sum.z += dot(part(weights[row + 2u * u.source_quads + k], u.weight_part), x);
        sum.w += dot(part(weights[row + 3u * u.source_quads + k], u.weight_part), x);
    }
    partial[lane] = sum;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half { partial[lane] += partial[lane + half]; }
    }
    if lane != 0u { return; }
    let quad = u.first_quad + group.x;
    var result = partial[0];
    if u.has_bias == 1u { result += bias[quad]; }
    destination[group.z * u.quads + quad] = clamp(result, vec4f(u.low), vec4f(u.high));
}
