// What goes back through ReLU and ReLU6 by the activation's output: the gradient, of which there may be two to be added
// up; this times the scale of a batch normalisation before the activation; and the relevance by the ratio rule. What is
// not asked for is not written.

struct ClampBack {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
    pixels: u32,
    high: f32,
    has_second: u32,     // 1: the gradient is the sum of two
    keeps_gradient: u32, // 1: the gradient itself is asked for
    is_scaled: u32,      // 1: the scaled gradient is
    has_relevance: u32,  // 1: relevance is
}

@group(0) @binding(0) var<uniform> u: ClampBack;
@group(0) @binding(1) var<storage, read> affine: array<vec4f>; // [quads][scale, shift]
@group(0) @binding(2) var<storage, read_write> first: array<vec4f>;     // gradient, [samples][count]
@group(0) @binding(3) var<storage, read_write> second: array<vec4f>;    // gradient
@group(0) @binding(4) var<storage, read_write> relevance: array<vec4f>; // at the output
@group(0) @binding(5) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> scaled: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> destination: array<vec4f>; // relevance at the input

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        let y = output[index];
        var g = first[index];
        if u.has_second == 1u { g += second[index]; }
        g = select(vec4f(), g, is_open(y));
        if u.keeps_gradient == 1u { gradient[index] = g; }
        if u.is_scaled == 1u { scaled[index] = g * affine[2u * (element / u.pixels)]; }
        if u.has_relevance == 1u { destination[index] = relevance_back(relevance[index], y); }
    }
}
