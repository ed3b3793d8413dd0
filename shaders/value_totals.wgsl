// What value_sums.wgsl has found, added up: one workgroup for each value and sample, in a fixed order.

struct ValueTotals {
    stride: u32, // vec4 elements between the partial sums of two samples
    result_stride: u32, // vec4 elements between two kinds of results
}

@group(0) @binding(0) var<uniform> u: ValueTotals;
// [values][samples][stride]: sum, sum of magnitudes, how many there are
@group(0) @binding(1) var<storage, read_write> partials: array<vec4f>;
// [values][sum, sum of magnitudes][result_stride], one of each sample, in x
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>;

fn combine(a: vec4f, b: vec4f) -> vec4f { return a + b; }

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let base = (group.x * groups.z + group.z) * u.stride;
    let runs = u32(partials[base].z);
    var sums = vec4f();
    for (var index = lane; index < runs; index += LANES) { sums += partials[base + index]; }
    sums = fold(lane, sums);
    if lane != 0u { return; }
    destination[2u * group.x * u.result_stride + group.z] = vec4f(sums.x, 0.0, 0.0, 0.0);
    destination[(2u * group.x + 1u) * u.result_stride + group.z] = vec4f(sums.y, 0.0, 0.0, 0.0);
}
