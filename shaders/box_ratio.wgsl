// The box rule's quotient: S = div(c, W x - min(x) W+ 1 - max(x) W- 1).

override LANES: u32 = 64u;
override RUN: u32 = 64u; // vec4 elements of a workgroup

struct BoxRatio {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
}

@group(0) @binding(0) var<uniform> u: BoxRatio;
@group(0) @binding(1) var<storage, read_write> relevance: array<vec4f>; // c, [samples][count]
@group(0) @binding(2) var<storage, read_write> response: array<vec4f>;  // W x
@group(0) @binding(3) var<storage, read_write> positive: array<vec4f>;  // W+ 1
@group(0) @binding(4) var<storage, read_write> negative: array<vec4f>;  // W- 1
@group(0) @binding(5) var<storage, read_write> minimum: array<vec4f>;   // [samples], in x
@group(0) @binding(6) var<storage, read_write> maximum: array<vec4f>;   // [samples], in x
@group(0) @binding(7) var<storage, read_write> destination: array<vec4f>;

fn divide(a: vec4f, b: vec4f) -> vec4f {
    let shifted = b + 1e-9;
    let quotient = a / select(shifted, vec4f(1e-9), shifted == vec4f());
    return select(quotient, vec4f(), b == vec4f());
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        let box = response[index] - minimum[group.z].x * positive[index] - maximum[group.z].x * negative[index];
        destination[index] = divide(relevance[index], box);
    }
}
