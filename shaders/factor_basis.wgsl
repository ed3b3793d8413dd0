// Q of factor(v, phi): per channel the mean of sigmoid(10 div(v, max v)) over the pixels with phi < 0 and over those with phi > 0.
// One workgroup per channel quad.

struct FactorBasis {
    pixels: u32,
    quads: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> u: FactorBasis;
@group(0) @binding(1) var<storage, read_write> value: array<vec4f>;   // [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> maximum: array<vec4f>; // [samples], in x
@group(0) @binding(3) var<storage, read_write> maps: array<vec4f>;    // [samples][pixels], phi in x
@group(0) @binding(4) var<storage, read_write> destination: array<vec4f>; // [samples][quads][negative, positive]

const LANES = 64u;
var<workgroup> negative: array<vec4f, LANES>;
var<workgroup> positive: array<vec4f, LANES>;
var<workgroup> counts: array<vec2f, LANES>;

fn divisor(q: f32) -> f32 { return select(q + 1e-9, 1e-9, q + 1e-9 == 0.0); }

fn sigmoid10(v: vec4f) -> vec4f { return 1.0 / (1.0 + exp(clamp(-10.0 * v, vec4f(-80.0), vec4f(80.0)))); }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let base = (group.z * u.quads + group.y) * u.pixels;
    let peak = maximum[group.z].x;
    var below = vec4f();
    var above = vec4f();
    var count = vec2f();
    for (var pixel = lane; pixel < u.pixels; pixel += LANES) {
        let ratio = select(value[base + pixel] / divisor(peak), vec4f(), peak == 0.0);
        let h = sigmoid10(ratio);
        let phi = maps[group.z * u.pixels + pixel].x;
        if phi < 0.0 { below += h; count.x += 1.0; }
        if phi > 0.0 { above += h; count.y += 1.0; }
    }
    negative[lane] = below;
    positive[lane] = above;
    counts[lane] = count;
    // Two levels of 8: barriers are dear on software drivers.
    workgroupBarrier();
    if lane < 8u {
        for (var other = lane + 8u; other < LANES; other += 8u) {
            below += negative[other];
            above += positive[other];
            count += counts[other];
        }
        negative[lane] = below;
        positive[lane] = above;
        counts[lane] = count;
    }
    workgroupBarrier();
    if lane != 0u { return; }
    for (var other = 1u; other < 8u; other++) {
        below += negative[other];
        above += positive[other];
        count += counts[other];
    }
    let channel = group.y * 4u + vec4u(0u, 1u, 2u, 3u);
    let means = array(below / max(count.x, 1.0), above / max(count.y, 1.0));
    let index = (group.z * u.quads + group.y) * 2u;
    destination[index] = select(vec4f(), means[0], channel < vec4u(u.channels));
    destination[index + 1u] = select(vec4f(), means[1], channel < vec4u(u.channels));
}
