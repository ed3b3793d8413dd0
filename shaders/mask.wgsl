// g [c != 0], how many non-zero elements of g the mask takes, and a copy of bwd(W, g), which is bwd(W, g [c != 0])
// where it takes none. One workgroup masks one contiguous run of vec4 elements of a sample, counts in it, and copies a
// run of the other value.

struct Mask {
    count: u32, // vec4 elements of one sample of g
    run: u32,   // of them, those of one workgroup
    runs: u32,  // workgroups of one sample
    copy_count: u32, // vec4 elements of one sample of bwd(W, g)
    copy_run: u32,   // of them, those of one workgroup
}

@group(0) @binding(0) var<uniform> u: Mask;
@group(0) @binding(1) var<storage, read_write> g: array<vec4f>; // [samples][count]
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>; // [samples][count]
@group(0) @binding(3) var<storage, read_write> unmasked: array<vec4f>; // bwd(W, g), [samples][copy_count]
@group(0) @binding(4) var<storage, read_write> masked: array<vec4f>; // [samples][count]
@group(0) @binding(5) var<storage, read_write> taken: array<vec4f>;  // [samples][runs], in x
@group(0) @binding(6) var<storage, read_write> destination: array<vec4f>; // [samples][copy_count]

fn combine(a: vec4f, b: vec4f) -> vec4f { return a + b; }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let copy_base = group.z * u.copy_count;
    let copy_end = min((group.x + 1u) * u.copy_run, u.copy_count);
    for (var index = group.x * u.copy_run + lane; index < copy_end; index += LANES) {
        destination[copy_base + index] = unmasked[copy_base + index];
    }
    let base = group.z * u.count;
    let end = min((group.x + 1u) * u.run, u.count);
    var number = vec4f();
    for (var index = group.x * u.run + lane; index < end; index += LANES) {
        let value = g[base + index];
        let hidden = c[base + index] == vec4f();
        masked[base + index] = select(value, vec4f(), hidden);
        number += select(vec4f(), vec4f(1.0), hidden & (value != vec4f()));
    }
    number = fold(lane, number);
    if lane != 0u { return; }
    taken[group.z * u.runs + group.x] = vec4f(dot(number, vec4f(1.0)), 0.0, 0.0, 0.0);
}
