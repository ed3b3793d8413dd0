// The box rule's relevance: (x - min(x)) W+^T S + (x - max(x)) W-^T S.

override LANES: u32 = 64u;
override RUN: u32 = 64u; // vec4 elements of a workgroup

struct BoxRelevance {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
}

@group(0) @binding(0) var<uniform> u: BoxRelevance;
@group(0) @binding(1) var<storage, read_write> input: array<vec4f>;     // x, [samples][count]
@group(0) @binding(2) var<storage, read_write> positive: array<vec4f>;  // W+^T S
@group(0) @binding(3) var<storage, read_write> negative: array<vec4f>;  // W-^T S
@group(0) @binding(4) var<storage, read_write> minimum: array<vec4f>;   // [samples], in x
@group(0) @binding(5) var<storage, read_write> maximum: array<vec4f>;   // [samples], in x
@group(0) @binding(6) var<storage, read_write> destination: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        let low = minimum[group.z].x;
        let high = maximum[group.z].x;
        destination[index] = (input[index] - low) * positive[index] + (input[index] - high) * negative[index];
    }
}
