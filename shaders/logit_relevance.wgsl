// The relevance that a walk begins with at the logits y: at the target t, or at all other classes. One workgroup per
// sample.

struct LogitRelevance {
    classes: u32,
    quads: u32,
    kind: u32, // p = softmax(y) in what follows
}

@group(0) @binding(0) var<uniform> u: LogitRelevance;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>; // [samples][quads][4]
@group(0) @binding(2) var<storage, read_write> target_class: array<vec4f>; // [samples], in x
@group(0) @binding(3) var<storage, read_write> destination: array<f32>; // [samples][quads][4]

const LOGIT_TARGET = 0u;         // y_t at t
const LOGIT_OTHERS = 1u;         // y_t / (K - 1) elsewhere
const LOGIT_SOFTMAX_TARGET = 2u; // p_t (1 - p_t) at t
const LOGIT_SOFTMAX_OTHERS = 3u; // p_t p_k elsewhere
const LANES = 64u;
var<workgroup> partial: array<f32, LANES>;

fn combine(a: f32, b: f32, maximum: bool) -> f32 { return select(a + b, max(a, b), maximum); }

// Reduces all lanes' values to their maximum or sum; every lane gets it. Two levels of 8: barriers are dear on software
// drivers.
fn all_lanes(value: f32, lane: u32, maximum: bool) -> f32 {
    workgroupBarrier();
    partial[lane] = value;
    workgroupBarrier();
    if lane < 8u {
        for (var other = lane + 8u; other < LANES; other += 8u) {
            partial[lane] = combine(partial[lane], partial[other], maximum);
        }
    }
    workgroupBarrier();
    var result = partial[0];
    for (var other = 1u; other < 8u; other++) { result = combine(result, partial[other], maximum); }
    return result;
}

fn logit(sample: u32, id: u32) -> f32 { return logits[sample * u.quads * 4u + id]; }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let sample = group.z;
    let goal = u32(target_class[sample].x);
    let y = logit(sample, goal);

    var highest = y;
    for (var k = lane; k < u.classes; k += LANES) { highest = max(highest, logit(sample, k)); }
    highest = all_lanes(highest, lane, true);
    // The others' sum by itself: 1 - p_t would lose all digits where p_t is nearly 1.
    var others = 0.0;
    for (var k = lane; k < u.classes; k += LANES) {
        if k != goal { others += exp(logit(sample, k) - highest); }
    }
    others = all_lanes(others, lane, false);
    let own = exp(y - highest);
    let total = own + others;

    let is_at_target = u.kind == LOGIT_TARGET || u.kind == LOGIT_SOFTMAX_TARGET;
    for (var k = lane; k < u.quads * 4u; k += LANES) {
        var relevance = 0.0;
        if k < u.classes && (k == goal) == is_at_target {
            switch u.kind {
                case LOGIT_TARGET: { relevance = y; }
                case LOGIT_OTHERS: { relevance = y / f32(u.classes - 1u); }
                case LOGIT_SOFTMAX_TARGET: { relevance = own / total * (others / total); }
                default: { relevance = own / total * (exp(logit(sample, k) - highest) / total); }
            }
        }
        destination[sample * u.quads * 4u + k] = relevance;
    }
}
