// From sorted keys to each pixel's place from below and from above. Among equal values the lower pixel comes first both
// ways, so one order is not the other reversed where there are ties.

struct RankPlaces {
    pixels: u32,
}

@group(0) @binding(0) var<uniform> u: RankPlaces;
// [maps][pixels], key and pixel, by key and then pixel
@group(0) @binding(1) var<storage, read_write> source: array<vec2u>;
// [maps][pixels]: place from the lowest, place from the highest, number of lower values, number of equal values with
// itself
@group(0) @binding(2) var<storage, read_write> destination: array<vec4u>;

// First place from `low` on whose key is not below `key`, or not equal to it either.
fn bound(base: u32, first: u32, key: u32, behind_equal: bool) -> u32 {
    var low = first;
    var high = u.pixels;
    while low < high {
        let middle = (low + high) / 2u;
        let other = source[base + middle].x;
        if other < key || (behind_equal && other == key) { low = middle + 1u; } else { high = middle; }
    }
    return low;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * 64u + lane;
    if place >= u.pixels { return; }
    let base = group.z * u.pixels;
    let element = source[base + place];
    let lower = bound(base, 0u, element.x, false);
    let behind = bound(base, place, element.x, true);
    destination[base + element.y] = vec4u(place, u.pixels - behind + place - lower, lower, behind - lower);
}
