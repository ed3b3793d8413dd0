// Relevance of a value that two steps read.

struct FanOut {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
}

@group(0) @binding(0) var<uniform> u: FanOut;
@group(0) @binding(1) var<storage, read_write> value: array<vec4f>;  // x, [samples][count]
@group(0) @binding(2) var<storage, read_write> first: array<vec4f>;  // c
@group(0) @binding(3) var<storage, read_write> second: array<vec4f>; // d
@group(0) @binding(4) var<storage, read_write> destination: array<vec4f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        destination[index] = fan_out(first[index], second[index], value[index]);
    }
}
