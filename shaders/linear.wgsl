// Fully connected layer over a flattened input. One workgroup computes one quad of outputs; its lanes stride along the
// inputs. A second product with other parts of the same weights and input may go along, since reading the weights is
// what takes the time.

override LANES: u32 = 64u; // at most 64
override WEIGHT_PART: u32 = 0u;
override SOURCE_PART: u32 = 0u;
override IS_PAIR: bool = false; // a second product, without bias and clamp
override SECOND_WEIGHT_PART: u32 = 0u;
override SECOND_SOURCE_PART: u32 = 0u;

struct Linear {
    source_quads: u32, // quads * pixels of the input
    quads: u32,        // of the output
    first_quad: u32,   // first output quad of this range of weights
    has_bias: u32,
    low: f32,
    high: f32,
    first_group: u32, // first workgroup of this dispatch
}

@group(0) @binding(0) var<uniform> u: Linear;
// [outputs of the range][source quads]; f16: [outputs / 2][source quads][2 outputs]
@group(0) @binding(1) var<storage, read> weights: array<vec4u>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;    // [quads]
@group(0) @binding(3) var<storage, read_write> source: array<vec4f>;      // [samples][source quads]
@group(0) @binding(4) var<storage, read_write> second: array<vec4f>;      // [samples][quads]
@group(0) @binding(5) var<storage, read_write> destination: array<vec4f>; // [samples][quads]

// quads of inputs that a lane sums up before they join its total: two levels lose less than one long sum
const BLOCK = 16u;
var<workgroup> partial: array<vec4f, 64>;
var<workgroup> second_partial: array<vec4f, 64>;

fn rows(w: mat4x4f, which: u32, x: vec4f) -> vec4f {
    return vec4f(dot(part(w[0], which), x), dot(part(w[1], which), x), dot(part(w[2], which), x),
        dot(part(w[3], which), x));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let source_base = group.z * u.source_quads;
    let output = u.first_group + group.x;
    let row = output * select(4u, 2u, HALF_WEIGHTS) * u.source_quads;
    var sum = vec4f();
    var second_sum = vec4f();
    for (var first = 0u; first < u.source_quads; first += BLOCK * LANES) {
        let end = min(first + BLOCK * LANES, u.source_quads);
        var block = vec4f();
        var second_block = vec4f();
        for (var k = first + lane; k < end; k += LANES) {
            let x = source[source_base + k];
            let w = four_rows(row + k, u.source_quads);
            block += rows(w, WEIGHT_PART, part(x, SOURCE_PART));
            if IS_PAIR { second_block += rows(w, SECOND_WEIGHT_PART, part(x, SECOND_SOURCE_PART)); }
        }
        sum += block;
        second_sum += second_block;
    }
    partial[lane] = sum;
    second_partial[lane] = second_sum;
    // Two levels of 8: barriers are dear on software drivers.
    workgroupBarrier();
    if lane < 8u {
        for (var other = lane + 8u; other < LANES; other += 8u) {
            sum += partial[other];
            second_sum += second_partial[other];
        }
        partial[lane] = sum;
        second_partial[lane] = second_sum;
    }
    workgroupBarrier();
    if lane != 0u { return; }
    for (var other = 1u; other < 8u; other++) {
        sum += partial[other];
        second_sum += second_partial[other];
    }
    let quad = u.first_quad + output;
    let index = group.z * u.quads + quad;
    if u.has_bias == 1u { sum += bias[quad]; }
    destination[index] = clamp(sum, vec4f(u.low), vec4f(u.high));
    if IS_PAIR { second[index] = second_sum; }
}
