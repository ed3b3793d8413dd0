// Sums of up to seven values, and of their magnitudes, which the host alone reads. One workgroup adds up one contiguous
// run of one value, in a fixed order; value_totals.wgsl adds up the runs. Lanes beside a value's last channel are
// zeros.

override ONE: bool = false; // there is one value: a choice among several is dear where the driver takes all branches

struct ValueSums {
    // vec4 elements of one sample of each value
    count_0: u32, count_1: u32, count_2: u32, count_3: u32, count_4: u32, count_5: u32, count_6: u32,
    least_run: u32, // vec4 elements of one workgroup
    most_runs: u32, // workgroups of one sample of a value
    stride: u32,    // vec4 elements between the partial sums of two samples
}

@group(0) @binding(0) var<uniform> u: ValueSums;
@group(0) @binding(1) var<storage, read_write> value_0: array<vec4f>; // [samples][count]
@group(0) @binding(2) var<storage, read_write> value_1: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> value_2: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> value_3: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> value_4: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> value_5: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> value_6: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> destination: array<vec4f>;
// [values][samples][stride]: sum, sum of magnitudes, number of workgroups

const BLOCK = 16u; // elements that a lane sums up before they join its total: two levels lose less than one long sum

fn combine(a: vec4f, b: vec4f) -> vec4f { return a + b; }

fn count(value: u32) -> u32 {
    let first = vec4u(u.count_0, u.count_1, u.count_2, u.count_3);
    let last = vec4u(u.count_4, u.count_5, u.count_6, 0u);
    return select(first[value & 3u], last[value & 3u], value > 3u);
}

fn element(value: u32, index: u32) -> vec4f {
    if ONE { return value_0[index]; }
    switch value {
        case 0u: { return value_0[index]; }
        case 1u: { return value_1[index]; }
        case 2u: { return value_2[index]; }
        case 3u: { return value_3[index]; }
        case 4u: { return value_4[index]; }
        case 5u: { return value_5[index]; }
        default: { return value_6[index]; }
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let count = count(group.y);
    let run = max(u.least_run, (count + u.most_runs - 1u) / u.most_runs);
    let end = min((group.x + 1u) * run, count);
    var sums = vec4f();
    for (var first = group.x * run; first < end; first += BLOCK * LANES) {
        let last = min(first + BLOCK * LANES, end);
        var sum = vec4f();
        var magnitude = vec4f();
        for (var index = first + lane; index < last; index += LANES) {
            let own = element(group.y, group.z * count + index);
            sum += own;
            magnitude += abs(own);
        }
        sums += vec4f(dot(sum, vec4f(1.0)), dot(magnitude, vec4f(1.0)), 0.0, 0.0);
    }
    sums = fold(lane, sums);
    if lane != 0u { return; }
    destination[(group.y * groups.z + group.z) * u.stride + group.x] = vec4f(sums.xy, f32(groups.x), 0.0);
}
