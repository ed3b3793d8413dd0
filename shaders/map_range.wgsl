// The magnitude that a share of a map's values does not exceed. One workgroup decides it bit after bit, since
// magnitudes of floats are ordered as their bits are. Values that are not finite do not count.

struct MapRange {
    pixels: u32,
    first: u32,     // where the map begins
    per_mille: u32, // the share
    place: u32,     // where the result goes
}

const LANES = 256u;
const NOT_FINITE = 0x7f800000u;

@group(0) @binding(0) var<uniform> u: MapRange;
@group(0) @binding(1) var<storage, read> map: array<f32>;
@group(0) @binding(2) var<storage, read_write> ranges: array<f32>;

var<workgroup> counts: array<u32, LANES>;

fn magnitude(pixel: u32) -> u32 {
    return bitcast<u32>(map[u.first + pixel]) & 0x7fffffffu;
}

// The number of finite magnitudes below a bound.
fn count_below(bound: u32, lane: u32) -> u32 {
    var count = 0u;
    for (var pixel = lane; pixel < u.pixels; pixel += LANES) {
        let bits = magnitude(pixel);
        count += select(0u, 1u, bits < bound && bits < NOT_FINITE);
    }
    counts[lane] = count;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half { counts[lane] += counts[lane + half]; }
    }
    return workgroupUniformLoad(&counts[0]);
}

// The largest bits that at most `rank` magnitudes lie below: the magnitude of that rank, from 0.
fn of_rank(rank: u32, lane: u32) -> u32 {
    var found = 0u;
    for (var step = 0u; step < 31u; step++) {
        let candidate = found | (1u << (30u - step));
        if candidate < NOT_FINITE && count_below(candidate, lane) <= rank { found = candidate; }
    }
    return found;
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    let finite = count_below(NOT_FINITE, lane);
    let last = max(finite, 1u) - 1u;
    let rank = last / 1000u * u.per_mille + (last % 1000u * u.per_mille + 999u) / 1000u;
    var found = of_rank(rank, lane);
    if found == 0u { found = of_rank(last, lane); }
    if lane == 0u {
        ranges[u.place] = select(1.0, bitcast<f32>(found), found > 0u && finite > 0u);
    }
}
