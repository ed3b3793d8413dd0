// Radix sort, third step of a digit: elements go where their digit and run begin. Elements of equal digits keep their
// order.

struct RankScatter {
    pixels: u32,
    run: u32,  // elements of a run
    runs: u32, // runs of a map
    shift: u32,
}

@group(0) @binding(0) var<uniform> u: RankScatter;
@group(0) @binding(1) var<storage, read_write> source: array<vec2u>;      // [maps][pixels], key and pixel
@group(0) @binding(2) var<storage, read_write> starts: array<u32>;        // [maps][DIGITS][runs]
@group(0) @binding(3) var<storage, read_write> destination: array<vec2u>; // [maps][pixels], key and pixel

const DIGITS = 16u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let run = group.x * 64u + lane;
    if run >= u.runs { return; }
    var next: array<u32, DIGITS>;
    for (var digit = 0u; digit < DIGITS; digit++) {
        next[digit] = starts[(group.z * DIGITS + digit) * u.runs + run];
    }
    let base = group.z * u.pixels;
    let end = min((run + 1u) * u.run, u.pixels);
    for (var index = run * u.run; index < end; index++) {
        let element = source[base + index];
        let digit = (element.x >> u.shift) & (DIGITS - 1u);
        destination[base + next[digit]] = element;
        next[digit]++;
    }
}
