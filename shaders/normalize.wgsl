// A vector by its Euclidean length, or a gradient by that length; 0 where the vector is 0. One workgroup per sample.

override GRADIENT: u32 = 0u; // 0 x / |x|, 1 g / |x|

struct Normalize {
    count: u32, // vec4 elements of one sample
}

@group(0) @binding(0) var<uniform> u: Normalize;
@group(0) @binding(1) var<storage, read_write> x: array<vec4f>; // [samples][count], here and below
@group(0) @binding(2) var<storage, read_write> g: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>;

const LANES = 64u;
var<workgroup> partial: array<f32, LANES>;

// The largest or the sum of all lanes' values, for every lane. Two levels of 8: barriers are dear on software drivers.
fn reduce(value: f32, lane: u32, is_sum: bool) -> f32 {
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

fn combine(a: f32, b: f32, is_sum: bool) -> f32 { return select(max(a, b), a + b, is_sum); }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first = group.z * u.count;
    let end = first + u.count;

    // By its largest element first, whose square may be beyond f32.
    var largest = 0.0;
    for (var index = first + lane; index < end; index += LANES) {
        let size = abs(x[index]);
        largest = max(largest, max(max(size.x, size.y), max(size.z, size.w)));
    }
    largest = reduce(largest, lane, false);
    let scale = select(largest, 1.0, largest == 0.0);
    var sum = 0.0;
    for (var index = first + lane; index < end; index += LANES) {
        let part = x[index] / scale;
        sum += dot(part, part);
    }
    let length = sqrt(max(reduce(sum, lane, true), 1.0)); // 1 where the vector is 0, as the largest part is 1 otherwise

    for (var index = first + lane; index < end; index += LANES) {
        var value = x[index];
        if GRADIENT == 1u { value = select(g[index], vec4f(), largest == 0.0); }
        destination[index] = value / scale / length;
    }
}
