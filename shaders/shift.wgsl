// shift(C, R) = C + R - (sum(R) / count(C != 0)) where C is not zero: adds R and keeps the total of C.

struct Shift {
    count: u32,   // vec4 elements of one sample
    columns: u32, // workgroups along x
    sum_runs: u32,   // partial sums of a sample
    count_runs: u32, // partial counts of a sample
}

@group(0) @binding(0) var<uniform> u: Shift;
@group(0) @binding(1) var<storage, read_write> relevance: array<vec4f>; // C, [samples][count]
@group(0) @binding(2) var<storage, read_write> residual: array<vec4f>;  // R, [samples][count]
@group(0) @binding(3) var<storage, read_write> sum: array<vec4f>;       // [samples][runs], in x
@group(0) @binding(4) var<storage, read_write> non_zero: array<vec4f>;  // [samples][runs], in x
@group(0) @binding(5) var<storage, read_write> destination: array<vec4f>;

const BLOCK = 128u; // partial sums that are added up before they join the total

// The partial sums in the order in which 8 lanes of reduce.wgsl would add them up.
fn total(sample: u32) -> f32 {
    var total = 0.0;
    for (var column = 0u; column < min(8u, u.sum_runs); column++) {
        var of_column = 0.0;
        for (var first = column; first < u.sum_runs; first += BLOCK) {
            var block = 0.0;
            let end = min(first - column + BLOCK, u.sum_runs);
            for (var i = first; i < end; i += 8u) { block += sum[sample * u.sum_runs + i].x; }
            of_column += block;
        }
        total += of_column;
    }
    return total;
}

fn number(sample: u32) -> f32 {
    var number = 0.0;
    for (var i = 0u; i < u.count_runs; i++) { number += non_zero[sample * u.count_runs + i].x; }
    return number;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let block = group.y * u.columns + group.x;
    let end = min((block + 1u) * RUN, u.count);
    let mean = total(group.z) / max(number(group.z), 1.0);
    for (var element = block * RUN + lane; element < end; element += LANES) {
        let index = group.z * u.count + element;
        let c = relevance[index];
        destination[index] = c + residual[index] - select(vec4f(mean), vec4f(), c == vec4f());
    }
}
