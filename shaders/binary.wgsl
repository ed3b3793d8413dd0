// Elementwise operations of two values; the second may be one value per channel or a scalar.

// 0 a + b, 1 a * b, 2 a * |b|, 3 div(a, b), 4 div(a, b * [a != 0]), 5 a * [b != 0], 6 |a| + |b|, 7 a - b, 8 a / b and 0 where b = 0, 9 a, 10 0
override OPERATION: u32 = 0u;
override LANES: u32 = 64u;
override RUN: u32 = 64u; // pixels of a workgroup

struct Binary {
    pixels: u32,
    quads: u32,
    broadcast: u32, // 0 b like a, 1 b per channel, 2 b a scalar, 3 b unused
}

@group(0) @binding(0) var<uniform> u: Binary;
@group(0) @binding(1) var<storage, read_write> a: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

fn divide(p: vec4f, q: vec4f) -> vec4f {
    let shifted = q + 1e-9;
    let quotient = p / select(shifted, vec4f(1e-9), shifted == vec4f());
    return select(quotient, vec4f(), q == vec4f());
}

fn combine(p: vec4f, q: vec4f) -> vec4f {
    switch OPERATION {
        case 0u: { return p + q; }
        case 1u: { return p * q; }
        case 2u: { return p * abs(q); }
        case 3u: { return divide(p, q); }
        case 4u: { return select(divide(p, q), vec4f(), p == vec4f()); }
        case 5u: { return select(p, vec4f(), q == vec4f()); }
        case 6u: { return abs(p) + abs(q); }
        case 7u: { return p - q; }
        case 8u: { return select(p / select(q, vec4f(1.0), q == vec4f()), vec4f(), q == vec4f()); }
        case 9u: { return p; }
        default: { return vec4f(); }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let channel = group.z * u.quads + group.y;
        let index = channel * u.pixels + pixel;
        var q: vec4f;
        switch u.broadcast {
            case 0u: { q = b[index]; }
            case 1u: { q = b[channel]; }
            case 2u: { q = vec4f(b[group.z].x); }
            default: {}
        }
        destination[index] = combine(a[index], q);
    }
}
