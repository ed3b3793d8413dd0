// Radix sort, first step of a digit: how often each digit stands in each run of neighbours. One lane counts one run.

struct RankCount {
    pixels: u32,
    run: u32,  // elements of a run
    runs: u32, // runs of a map
    shift: u32,
}

@group(0) @binding(0) var<uniform> u: RankCount;
@group(0) @binding(1) var<storage, read_write> source: array<vec2u>;    // [maps][pixels], key and pixel
@group(0) @binding(2) var<storage, read_write> destination: array<u32>; // [maps][DIGITS][runs]

const DIGITS = 16u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let run = group.x * 64u + lane;
    if run >= u.runs { return; }
    var counts: array<u32, DIGITS>;
    let end = min((run + 1u) * u.run, u.pixels);
    for (var index = run * u.run; index < end; index++) {
        let digit = (source[group.z * u.pixels + index].x >> u.shift) & (DIGITS - 1u);
        counts[digit]++;
    }
    for (var digit = 0u; digit < DIGITS; digit++) {
        destination[(group.z * DIGITS + digit) * u.runs + run] = counts[digit];
    }
}
