// How fast the adapter moves data: every lane copies four vec4, neighbouring lanes neighbouring ones.

@group(0) @binding(0) var<storage, read_write> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> destination: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let lanes = groups.x * 64u;
    let first = id.x;
    destination[first] = source[first];
    destination[first + lanes] = source[first + lanes];
    destination[first + 2u * lanes] = source[first + 2u * lanes];
    destination[first + 3u * lanes] = source[first + 3u * lanes];
}
