// The box rule's relevance: x W^T S - min(x) W+^T S - max(x) W-^T S.

struct BoxRelevance {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
}

@group(0) @binding(0) var<uniform> u: BoxRelevance;
@group(0) @binding(1) var<storage, read_write> input: array<vec4f>;     // x, [samples][count]
@group(0) @binding(2) var<storage, read_write> full: array<vec4f>;      // W^T S
@group(0) @binding(3) var<storage, read_write> positive: array<vec4f>;  // W+^T S
@group(0) @binding(4) var<storage, read_write> negative: array<vec4f>;  // W-^T S
@group(0) @binding(5) var<storage, read_write> minimum: array<vec4f>;   // [samples], in x
@group(0) @binding(6) var<storage, read_write> maximum: array<vec4f>;   // [samples], in x
@group(0) @binding(7) var<storage, read_write> destination: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let element = (group.y * u.columns + group.x) * 64u + lane;
    if element >= u.count { return; }
    let index = group.z * u.count + element;
    let low = minimum[group.z].x;
    let high = maximum[group.z].x;
    destination[index] = input[index] * full[index] - low * positive[index] - high * negative[index];
}
