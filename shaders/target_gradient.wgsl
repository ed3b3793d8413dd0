// Gradient of the target probability with respect to the logits (method section 1): d_k = y_k - y_t, s = max |d_k|, z_k
// = y_t exp(-(d_k / s)^2 / 2), p = softmax(z). The derivative goes through y_t, d_k and s. One workgroup per sample.

struct TargetGradient {
    classes: u32,
    quads: u32,
}

@group(0) @binding(0) var<uniform> u: TargetGradient;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>; // [samples][quads][4]
@group(0) @binding(2) var<storage, read_write> target_class: array<vec4f>; // [samples], in x
@group(0) @binding(3) var<storage, read_write> destination: array<f32>; // [samples][quads][4]

const LANES = 64u;
var<workgroup> partial: array<vec4f, LANES>;

// The larger x wins, of equal ones the smaller y (an index).
fn better(a: vec4f, b: vec4f) -> vec4f {
    return select(a, b, b.x > a.x || (b.x == a.x && b.y < a.y));
}

fn combine(a: vec4f, b: vec4f, is_sum: bool) -> vec4f { return select(better(a, b), a + b, is_sum); }

// Combines all lanes' values; every lane gets the result. Two levels of 8: barriers are dear on software drivers.
fn reduce(value: vec4f, lane: u32, is_sum: bool) -> vec4f {
    workgroupBarrier();
    partial[lane] = value;
    workgroupBarrier();
    if lane < 8u {
        for (var other = lane + 8u; other < LANES; other += 8u) {
            partial[lane] = combine(partial[lane], partial[other], is_sum);
        }
    }
    workgroupBarrier();
    var result = partial[0];
    for (var other = 1u; other < 8u; other++) { result = combine(result, partial[other], is_sum); }
    return result;
}

fn logit(sample: u32, id: u32) -> f32 { return logits[sample * u.quads * 4u + id]; }

// a / b, and 0 where all logits are equal.
fn slope(a: f32, b: f32) -> f32 { return select(a / b, 0.0, b == 0.0); }

// Weight of class k: exp(-(d / s)^2 / 2).
fn bell(d: f32, s: f32) -> f32 { return select(exp(-0.5 * (d / s) * (d / s)), 1.0, s == 0.0); }

// 1 - bell, by its series where the difference would lose digits.
fn below_bell(d: f32, s: f32) -> f32 {
    let t = select(0.5 * (d / s) * (d / s), 0.0, s == 0.0);
    let series = t * (1.0 - t * (1.0 / 2.0 - t * (1.0 / 6.0 - t * (1.0 / 24.0 - t / 120.0))));
    return select(1.0 - exp(-t), series, t < 0.125);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let sample = group.z;
    let goal = u32(target_class[sample].x);
    let y = logit(sample, goal);

    var farthest = vec4f(-1.0, 0.0, 0.0, 0.0);
    for (var k = lane; k < u.classes; k += LANES) {
        farthest = better(farthest, vec4f(abs(logit(sample, k) - y), f32(k), 0.0, 0.0));
    }
    farthest = reduce(farthest, lane, false);
    let s = farthest.x;
    let edge = u32(farthest.y);

    // z_k = y bell(d_k) is largest where the bell is 1 or, for a negative y, where it is smallest.
    let highest = max(y, y * bell(s, s));

    // Softmax weights: their sum, and their sums with d (z_t - z_k) through y_t directly, and with d z_k through s and
    // through d_k. Of the farthest class the last two cancel, since d_k / s is 1 or -1 whatever its logit; they are
    // left out.
    var sums = vec4f();
    for (var k = lane; k < u.classes; k += LANES) {
        let d = logit(sample, k) - y;
        let e = bell(d, s);
        let w = exp(y * e - highest);
        let through = select(vec2f(slope(y * e * d * d, s * s * s), -slope(y * e * d, s * s)), vec2f(), k == edge);
        sums += w * vec4f(1.0, below_bell(d, s), through);
    }
    sums = reduce(sums, lane, true);
    let normalizer = sums.x;
    let p_goal = exp(y - highest) / normalizer; // d_t = 0, so z_t = y_t
    let direct = p_goal * sums.y / normalizer;
    let at_edge = -p_goal * sums.z / normalizer * sign(logit(sample, edge) - y);
    let through_all = -p_goal * sums.w / normalizer;

    for (var k = lane; k < u.quads * 4u; k += LANES) {
        var gradient = 0.0;
        if k < u.classes {
            let d = logit(sample, k) - y;
            let e = bell(d, s);
            let through = p_goal * (select(0.0, 1.0, k == goal) - exp(y * e - highest) / normalizer); // d p_t / d z_k
            gradient = select(-through * slope(y * e * d, s * s), at_edge, k == edge);
            if k == goal { gradient += direct - through_all - at_edge; }
        }
        destination[sample * u.quads * 4u + k] = gradient;
    }
}
