// What goes back through ReLU and ReLU6 by the activation's output: the gradient, of which there may be two to be added up, times the scale
// of a batch normalisation before it, and the relevance by the ratio rule.

struct ClampBack {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
    pixels: u32,
    high: f32,
    has_second: u32, // 1: the gradient is the sum of two
    is_scaled: u32,  // 1: the gradient is scaled
}

@group(0) @binding(0) var<uniform> u: ClampBack;
@group(0) @binding(1) var<storage, read> affine: array<vec4f>; // [quads][scale, shift]
@group(0) @binding(2) var<storage, read_write> first: array<vec4f>;     // gradient, [samples][count]
@group(0) @binding(3) var<storage, read_write> second: array<vec4f>;    // gradient
@group(0) @binding(4) var<storage, read_write> relevance: array<vec4f>; // at the output
@group(0) @binding(5) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> gradient_back: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> relevance_back: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        let y = output[index];
        let is_open = (y > vec4f()) & (y < vec4f(u.high));
        var g = first[index];
        if u.has_second == 1u { g += second[index]; }
        g = select(vec4f(), g, is_open);
        if u.is_scaled == 1u { g *= affine[2u * (element / u.pixels)]; }
        gradient_back[index] = g;
        relevance_back[index] = select(vec4f(), y * (relevance[index] / (y + 1e-9)), is_open);
    }
}
