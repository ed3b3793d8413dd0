// Elementwise operations of one value and a constant.

override OPERATION: u32 = UNARY_SCALE;

struct Unary {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
    constant: f32,
    pixels: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> u: Unary;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>; // [samples][count]
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>;

const UNARY_SCALE = 0u;     // constant * x
const UNARY_STABILIZE = 1u; // x + constant * sign(x) with sign(0) = 1

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        let x = source[index];
        if OPERATION == UNARY_SCALE {
            destination[index] = u.constant * x;
        } else {
            // What lies beside the last channel stays 0.
            let exists = element / u.pixels * 4u + vec4u(0u, 1u, 2u, 3u) < vec4u(u.channels);
            let constant = select(vec4f(u.constant), vec4f(-u.constant), x < vec4f());
            destination[index] = select(vec4f(), x + constant, exists);
        }
    }
}
