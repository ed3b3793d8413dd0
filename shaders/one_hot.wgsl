// 1 at the class, 0 elsewhere.

struct OneHot {
    quads: u32,
}

@group(0) @binding(0) var<uniform> u: OneHot;
@group(0) @binding(1) var<storage, read_write> target_class: array<vec4f>; // [samples], in x
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>;  // [samples][quads]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let quad = group.x * 64u + lane;
    if quad >= u.quads { return; }
    let channel = quad * 4u + vec4u(0u, 1u, 2u, 3u);
    let goal = vec4u(u32(target_class[group.z].x));
    destination[group.z * u.quads + quad] = select(vec4f(), vec4f(1.0), channel == goal);
}
