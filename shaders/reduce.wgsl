// Reduction over the channels and pixels of each sample. One workgroup reduces one contiguous run of vec4 elements to
// one value, in a fixed order; a second run over those values gives the scalar.

override OPERATION: u32 = REDUCE_MAXIMUM;

struct Reduce {
    pixels: u32,
    count: u32,         // vec4 elements of one sample
    run: u32,           // vec4 elements of one workgroup
    runs: u32,          // workgroups of one sample
    first_channel: u32, // channels before this one and from `channels` on do not take part
    channels: u32,
}

@group(0) @binding(0) var<uniform> u: Reduce;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;      // [samples][count]
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>; // [samples][runs], in x

const LARGEST = 3.4028234e38;
const BLOCK = 16u; // elements that a lane sums up before they join its total: two levels lose less than one long sum

const REDUCE_MAXIMUM = 0u;
const REDUCE_MINIMUM = 1u;
const REDUCE_SUM = 2u;
const REDUCE_COUNT_NON_ZERO = 3u;
const REDUCE_MAXIMUM_ABSOLUTE = 4u;
const REDUCE_MINIMUM_ABSOLUTE = 5u;
const REDUCE_SUM_ABSOLUTE = 6u;

fn identity() -> vec4f {
    if OPERATION == REDUCE_MAXIMUM { return vec4f(-LARGEST); }
    if OPERATION == REDUCE_MINIMUM || OPERATION == REDUCE_MINIMUM_ABSOLUTE { return vec4f(LARGEST); }
    return vec4f();
}

fn combine(a: vec4f, b: vec4f) -> vec4f {
    if OPERATION == REDUCE_MAXIMUM || OPERATION == REDUCE_MAXIMUM_ABSOLUTE { return max(a, b); }
    if OPERATION == REDUCE_MINIMUM || OPERATION == REDUCE_MINIMUM_ABSOLUTE { return min(a, b); }
    return a + b;
}

fn element(index: u32, base: u32) -> vec4f {
    var value = source[base + index];
    if OPERATION == REDUCE_COUNT_NON_ZERO { value = select(vec4f(), vec4f(1.0), value != vec4f()); }
    if OPERATION >= REDUCE_MAXIMUM_ABSOLUTE { value = abs(value); }
    if u.first_channel == 0u && u.channels * u.pixels == 4u * u.count { return value; } // all channels
    let channel = index / u.pixels * 4u + vec4u(0u, 1u, 2u, 3u);
    let counts = (channel >= vec4u(u.first_channel)) & (channel < vec4u(u.channels));
    return select(identity(), value, counts);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let base = group.z * u.count;
    let end = min((group.x + 1u) * u.run, u.count);
    var value = identity();
    for (var first = group.x * u.run; first < end; first += BLOCK * LANES) {
        let last = min(first + BLOCK * LANES, end);
        var block = identity();
        for (var index = first + lane; index < last; index += LANES) { block = combine(block, element(index, base)); }
        value = combine(value, block);
    }
    value = fold(lane, value);
    if lane != 0u { return; }
    let pair = combine(vec4f(value.xy, 0.0, 0.0), vec4f(value.zw, 0.0, 0.0));
    let scalar = combine(vec4f(pair.x), vec4f(pair.y)).x;
    destination[group.z * u.runs + group.x] = vec4f(scalar, 0.0, 0.0, 0.0);
}
