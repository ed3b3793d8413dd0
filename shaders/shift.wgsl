// shift(C, R) = C + R - (sum(R) / count(C != 0)) where C is not zero: adds R and keeps the total of C.

override LANES: u32 = 64u;
override RUN: u32 = 64u; // vec4 elements of a workgroup

struct Shift {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
}

@group(0) @binding(0) var<uniform> u: Shift;
@group(0) @binding(1) var<storage, read_write> relevance: array<vec4f>; // C, [samples][count]
@group(0) @binding(2) var<storage, read_write> residual: array<vec4f>;  // R, [samples][count]
@group(0) @binding(3) var<storage, read_write> sum: array<vec4f>;       // [samples], in x
@group(0) @binding(4) var<storage, read_write> non_zero: array<vec4f>;  // [samples], in x
@group(0) @binding(5) var<storage, read_write> destination: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        let c = relevance[index];
        let mean = sum[group.z].x / max(non_zero[group.z].x, 1.0);
        destination[index] = c + residual[index] - select(vec4f(mean), vec4f(), c == vec4f());
    }
}
