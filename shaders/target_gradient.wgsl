// Gradient of the target probability with respect to the logits (method section 1): d_k = y_k - y_t, s = max |d_k|,
// z_k = y_t exp(-(d_k / s)^2 / 2), p = softmax(z). The derivative goes through y_t, d_k and s. One workgroup per sample.

struct TargetGradient {
    classes: u32,
    quads: u32,
}

@group(0) @binding(0) var<uniform> u: TargetGradient;
@group(0) @binding(1) var<storage, read_write> logits: array<vec4f>; // [samples][quads]
@group(0) @binding(2) var<storage, read_write> target_class: array<vec4f>; // [samples], in x
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>; // [samples][quads]

const LANES = 64u;
var<workgroup> partial: array<vec4f, LANES>;

// Sums all lanes' values; every lane gets the total.
fn total(value: vec4f, lane: u32) -> vec4f {
    workgroupBarrier();
    partial[lane] = value;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half { partial[lane] += partial[lane + half]; }
    }
    workgroupBarrier();
    return partial[0];
}

// The larger x wins, of equal ones the smaller y (an index).
fn better(a: vec4f, b: vec4f) -> vec4f {
    return select(a, b, b.x > a.x || (b.x == a.x && b.y < a.y));
}

fn best(value: vec4f, lane: u32) -> vec4f {
    workgroupBarrier();
    partial[lane] = value;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half { partial[lane] = better(partial[lane], partial[lane + half]); }
    }
    workgroupBarrier();
    return partial[0];
}

fn logit(sample: u32, id: u32) -> f32 { return logits[sample * u.quads + id / 4u][id % 4u]; }

// Weight of class k: exp(-(d / s)^2 / 2).
fn bell(d: f32, s: f32) -> f32 { return select(exp(-0.5 * (d / s) * (d / s)), 1.0, s == 0.0); }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let sample = group.z;
    let goal = u32(target_class[sample].x);
    let y = logit(sample, goal);

    var farthest = vec4f(-1.0, 0.0, 0.0, 0.0);
    for (var k = lane; k < u.classes; k += LANES) {
        farthest = better(farthest, vec4f(abs(logit(sample, k) - y), f32(k), 0.0, 0.0));
    }
    farthest = best(farthest, lane);
    let s = farthest.x;
    let edge = u32(farthest.y);

    var peak = vec4f(-3.4028234e38, 0.0, 0.0, 0.0);
    for (var k = lane; k < u.classes; k += LANES) {
        peak = better(peak, vec4f(y * bell(logit(sample, k) - y, s), 0.0, 0.0, 0.0));
    }
    let highest = best(peak, lane).x;

    var mass = 0.0;
    for (var k = lane; k < u.classes; k += LANES) { mass += exp(y * bell(logit(sample, k) - y, s) - highest); }
    let normalizer = total(vec4f(mass), lane).x;
    let p_goal = exp(y - highest) / normalizer; // d_t = 0, so z_t = y_t

    // x: through y_t directly, y: through s, z: through the d_k (their sum returns to y_t with the other sign).
    var sums = vec4f();
    for (var k = lane; k < u.classes; k += LANES) {
        let d = logit(sample, k) - y;
        let e = bell(d, s);
        let through = p_goal * (select(0.0, 1.0, k == goal) - exp(y * e - highest) / normalizer); // d p_t / d z_k
        sums.x += through * e;
        if s > 0.0 {
            sums.y += through * y * e * d * d / (s * s * s);
            sums.z -= through * y * e * d / (s * s);
        }
    }
    sums = total(sums, lane);
    let at_edge = sums.y * sign(logit(sample, edge) - y);

    for (var quad = lane; quad < u.quads; quad += LANES) {
        var gradient = vec4f();
        for (var i = 0u; i < 4u; i++) {
            let k = quad * 4u + i;
            if k >= u.classes { continue; }
            let d = logit(sample, k) - y;
            let e = bell(d, s);
            let through = p_goal * (select(0.0, 1.0, k == goal) - exp(y * e - highest) / normalizer);
            var g = 0.0;
            if s > 0.0 { g = -through * y * e * d / (s * s); }
            if k == edge { g += at_edge; }
            if k == goal { g += sums.x - sums.z - at_edge; }
            gradient[i] = g;
        }
        destination[sample * u.quads + quad] = gradient;
    }
}
