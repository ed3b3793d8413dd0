// How fast the adapter multiplies and adds: independent chains in registers, unrolled so that the loop's own work does not show.

struct Probe { iterations: u32, factor: f32, term: f32 }

@group(0) @binding(0) var<uniform> u: Probe;
@group(0) @binding(1) var<storage, read_write> destination: array<vec4f>;

struct Chains { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

fn step(x: Chains, f: vec4f, t: vec4f) -> Chains {
    return Chains(fma(x.a, f, t), fma(x.b, f, t), fma(x.c, f, t), fma(x.d, f, t));
}

fn four_steps(x: Chains, f: vec4f, t: vec4f) -> Chains {
    return step(step(step(step(x, f, t), f, t), f, t), f, t);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let f = vec4f(u.factor);
    let t = vec4f(u.term);
    let start = vec4f(f32(id.x & 63u), 1.0, 2.0, 3.0);
    var x = Chains(start, start + 1.0, start + 2.0, start + 3.0);
    for (var i = 0u; i < u.iterations; i++) {
        x = four_steps(four_steps(four_steps(four_steps(x, f, t), f, t), f, t), f, t);
    }
    destination[id.x] = x.a + x.b + x.c + x.d;
}
