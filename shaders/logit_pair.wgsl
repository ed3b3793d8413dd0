// The logits of a network with one output y, (y / 2, -y / 2), and the gradient at y of a gradient at them.

override TRANSPOSED: u32 = 0u; // 0 y to logits, 1 gradient at the logits to gradient at y

struct LogitPair {
    samples: u32,
}

@group(0) @binding(0) var<uniform> u: LogitPair;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>; // [samples]
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>; // [samples]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= u.samples { return; }
    let value = source[id.x];
    if TRANSPOSED == 0u {
        destination[id.x] = vec4f(0.5 * value.x, -0.5 * value.x, 0.0, 0.0);
    } else {
        destination[id.x] = vec4f(0.5 * (value.x - value.y), 0.0, 0.0, 0.0);
    }
}
