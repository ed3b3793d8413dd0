// Copies of pictures in which pixels of certain ranks are replaced by those of another picture.

struct MaskedCopies {
    pixels: u32,
}

@group(0) @binding(0) var<uniform> u: MaskedCopies;
@group(0) @binding(1) var<storage, read_write> pictures: array<vec4f>;    // [pictures][pixels], normalised
@group(0) @binding(2) var<storage, read_write> replacements: array<vec4f>; // [pictures][pixels], normalised
// [maps][pixels], as rank_places.wgsl writes them
@group(0) @binding(3) var<storage, read_write> places: array<vec4u>;
// [copies]: picture, map, rule, number of pixels
@group(0) @binding(4) var<storage, read_write> copies: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> destination: array<vec4f>; // [copies][pixels]

const COPY_LOWEST = 1u;       // the lowest values are replaced
const COPY_HIGHEST = 2u;      // the highest values are replaced
const COPY_ALL_BUT_HIGHEST = 3u; // all but the highest values are replaced

fn is_replaced(map: u32, pixel: u32, rule: u32, count: u32) -> bool {
    let place = places[map * u.pixels + pixel];
    if rule == COPY_LOWEST { return place.x < count; }
    if rule == COPY_HIGHEST { return place.y < count; }
    if rule == COPY_ALL_BUT_HIGHEST { return place.y >= count; }
    return false;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let pixel = group.x * 64u + lane;
    if pixel >= u.pixels { return; }
    let copy = copies[group.z];
    let index = copy.x * u.pixels + pixel;
    var value = pictures[index];
    if is_replaced(copy.y, pixel, copy.z, copy.w) { value = replacements[index]; }
    destination[group.z * u.pixels + pixel] = value;
}
