// Radix sort, second step of a digit: counts become the number of all counts before them, in place. One workgroup per
// map; a lane adds up a stretch of neighbours, then all lanes before it are added.

struct RankScan {
    count: u32, // counts of one map
}

@group(0) @binding(0) var<uniform> u: RankScan;
@group(0) @binding(1) var<storage, read_write> counts: array<u32>; // [maps][count]

const LANES = 64u;
var<workgroup> totals: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let base = group.z * u.count;
    let stretch = (u.count + LANES - 1u) / LANES;
    let start = min(lane * stretch, u.count);
    let end = min(start + stretch, u.count);
    var total = 0u;
    for (var index = start; index < end; index++) { total += counts[base + index]; }
    totals[lane] = total;
    workgroupBarrier();
    var before = 0u;
    for (var other = 0u; other < lane; other++) { before += totals[other]; }
    for (var index = start; index < end; index++) {
        let count = counts[base + index];
        counts[base + index] = before;
        before += count;
    }
}
