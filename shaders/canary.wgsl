// A question with a known answer: arithmetic, memory of the workgroup and its barrier.

struct Canary {
    count: u32,
}

@group(0) @binding(0) var<uniform> u: Canary;
@group(0) @binding(1) var<storage, read_write> values: array<f32>; // [count], a multiple of 64

var<workgroup> of_group: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let index = min(group.x * 64u + lane, u.count - 1u);
    let own = values[index];
    of_group[lane] = own;
    workgroupBarrier();
    values[index] = own / 3.0 + sqrt(of_group[63u - lane]);
}
