// The box rule's relevance: (x - min(x)) W+^T S + (x - max(x)) W-^T S.

struct BoxRelevance {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
    minimum_runs: u32, // partial minima of a sample
    maximum_runs: u32,
}

@group(0) @binding(0) var<uniform> u: BoxRelevance;
@group(0) @binding(1) var<storage, read_write> input: array<vec4f>;     // x, [samples][count]
@group(0) @binding(2) var<storage, read_write> positive: array<vec4f>;  // W+^T S
@group(0) @binding(3) var<storage, read_write> negative: array<vec4f>;  // W-^T S
@group(0) @binding(4) var<storage, read_write> minimum: array<vec4f>;   // [samples][runs], in x
@group(0) @binding(5) var<storage, read_write> maximum: array<vec4f>;   // [samples][runs], in x
@group(0) @binding(6) var<storage, read_write> destination: array<vec4f>;

const LARGEST = 3.4028234e38;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    var low = LARGEST;
    for (var i = 0u; i < u.minimum_runs; i++) { low = min(low, minimum[group.z * u.minimum_runs + i].x); }
    var high = -LARGEST;
    for (var i = 0u; i < u.maximum_runs; i++) { high = max(high, maximum[group.z * u.maximum_runs + i].x); }
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        destination[index] = (input[index] - low) * positive[index] + (input[index] - high) * negative[index];
    }
}
