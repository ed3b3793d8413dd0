// What a dispatch costs by itself: each lane counts the dispatches that reached it.

@group(0) @binding(0) var<storage, read_write> count: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    count[id.x] += 1u;
}
