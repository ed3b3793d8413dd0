// The class that a request means: an id, or -1 - rank for the class of that rank; of equal logits the lowest id ranks
// first. A lane per class.

struct ClassIndex {
    classes: u32,
    quads: u32,
}

@group(0) @binding(0) var<uniform> u: ClassIndex;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>;    // [samples][quads][4]
@group(0) @binding(2) var<storage, read_write> request: array<vec4f>; // [samples], in x
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>; // [samples], in x

fn logit(sample: u32, id: u32) -> f32 { return logits[sample * u.quads * 4u + id]; }

// Number of classes that rank before this one.
fn rank(sample: u32, id: u32) -> u32 {
    let own = logit(sample, id);
    var before = 0u;
    for (var other = 0u; other < u.classes; other++) {
        let value = logit(sample, other);
        if value > own || (value == own && other < id) { before++; }
    }
    return before;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let id = group.x * 64u + lane;
    let wanted = request[group.z].x;
    if wanted >= 0.0 {
        if id == 0u { destination[group.z] = vec4f(wanted, 0.0, 0.0, 0.0); }
        return;
    }
    if id < u.classes && rank(group.z, id) == u32(-1.0 - wanted) {
        destination[group.z] = vec4f(f32(id), 0.0, 0.0, 0.0);
    }
}
