// Relevance of both summands of a + b by the ratio rule: a S and b S with S = div(c, (a + b) [c != 0]).

struct SumRelevance {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
}

@group(0) @binding(0) var<uniform> u: SumRelevance;
@group(0) @binding(1) var<storage, read_write> relevance: array<vec4f>; // c, [samples][count]
@group(0) @binding(2) var<storage, read_write> sum: array<vec4f>;       // a + b
@group(0) @binding(3) var<storage, read_write> a: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> b: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> relevance_a: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> relevance_b: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        let s = ratio(relevance[index], sum[index]);
        relevance_a[index] = a[index] * s;
        relevance_b[index] = b[index] * s;
    }
}
