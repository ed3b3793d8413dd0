// Q of factor(v, phi): per channel the mean of sigmoid(10 div(v, max v)) over the pixels with phi < 0 and over those
// with phi > 0; of one value v or of two. One workgroup per channel quad.

override LANES: u32 = 64u;

struct FactorBasis {
    pixels: u32,
    quads: u32,
    channels: u32,
    samples: u32, // from this one on, workgroups along z are for the second value
    maximum_runs: u32, // partial maxima of a sample
    second_runs: u32,
}

@group(0) @binding(0) var<uniform> u: FactorBasis;
@group(0) @binding(1) var<storage, read_write> value: array<vec4f>;   // [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> maximum: array<vec4f>; // [samples][runs], in x
@group(0) @binding(3) var<storage, read_write> second_value: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> second_maximum: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> maps: array<vec4f>;    // [samples][pixels], phi in x
@group(0) @binding(6) var<storage, read_write> second_destination: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> destination: array<vec4f>; // [samples][quads][negative, positive]

var<workgroup> negative: array<vec4f, LANES>;
var<workgroup> positive: array<vec4f, LANES>;
var<workgroup> counts: array<vec2f, LANES>;

fn load(is_second: bool, index: u32) -> vec4f {
    if is_second { return second_value[index]; }
    return value[index];
}

fn largest(is_second: bool, sample: u32) -> f32 {
    var peak = -3.4028234e38;
    let runs = select(u.maximum_runs, u.second_runs, is_second);
    for (var i = sample * runs; i < (sample + 1u) * runs; i++) {
        if is_second { peak = max(peak, second_maximum[i].x); } else { peak = max(peak, maximum[i].x); }
    }
    return peak;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let is_second = group.z >= u.samples;
    let sample = group.z - select(0u, u.samples, is_second);
    let base = (sample * u.quads + group.y) * u.pixels;
    let peak = largest(is_second, sample);
    var below = vec4f();
    var above = vec4f();
    var count = vec2f();
    for (var pixel = lane; pixel < u.pixels; pixel += LANES) {
        let ratio = select(load(is_second, base + pixel) / divisor(peak), vec4f(), peak == 0.0);
        let h = sigmoid10(ratio);
        let phi = maps[sample * u.pixels + pixel].x;
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
    let exists = channel < vec4u(u.channels);
    let index = (sample * u.quads + group.y) * 2u;
    store(is_second, index, select(vec4f(), below / max(count.x, 1.0), exists));
    store(is_second, index + 1u, select(vec4f(), above / max(count.y, 1.0), exists));
}

fn store(is_second: bool, index: u32, mean: vec4f) {
    if is_second { second_destination[index] = mean; } else { destination[index] = mean; }
}
