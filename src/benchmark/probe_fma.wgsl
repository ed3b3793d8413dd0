// How fast the adapter multiplies and adds: ten independent chains a lane, which fit the registers of CPUs too,
// unrolled 32 times so that the loop's own work does not show.

struct Probe { iterations: u32, factor: f32, term: f32 }

@group(0) @binding(0) var<uniform> u: Probe;
@group(0) @binding(1) var<storage, read_write> destination: array<vec4f>;

fn step(x: ptr<function, vec4f>, y: ptr<function, vec4f>, z: ptr<function, vec2f>, f: f32, t: f32) {
    *x = fma(*x, vec4f(f), vec4f(t));
    *y = fma(*y, vec4f(f), vec4f(t));
    *z = fma(*z, vec2f(f), vec2f(t));
}

fn four_steps(x: ptr<function, vec4f>, y: ptr<function, vec4f>, z: ptr<function, vec2f>, f: f32, t: f32) {
    step(x, y, z, f, t); step(x, y, z, f, t); step(x, y, z, f, t); step(x, y, z, f, t);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let f = u.factor;
    let t = u.term;
    var x = vec4f(f32(id.x & 63u), 1.0, 2.0, 3.0);
    var y = x + 4.0;
    var z = x.xy + 8.0;
    for (var i = 0u; i < u.iterations; i++) {
        four_steps(&x, &y, &z, f, t); four_steps(&x, &y, &z, f, t);
        four_steps(&x, &y, &z, f, t); four_steps(&x, &y, &z, f, t);
        four_steps(&x, &y, &z, f, t); four_steps(&x, &y, &z, f, t);
        four_steps(&x, &y, &z, f, t); four_steps(&x, &y, &z, f, t);
    }
    destination[id.x] = x + y + vec4f(z, z);
}
