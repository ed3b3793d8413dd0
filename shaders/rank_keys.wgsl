// Values of maps as unsigned keys that sort like them, each with its pixel. Both zeros have one key; NaN ranks below
// everything.

struct RankKeys {
    pixels: u32,
}

@group(0) @binding(0) var<uniform> u: RankKeys;
@group(0) @binding(1) var<storage, read_write> values: array<u32>;        // [maps][pixels], the bits of f32
@group(0) @binding(2) var<storage, read_write> destination: array<vec2u>; // [maps][pixels], key and pixel

const SIGN = 0x80000000u;
const INFINITY = 0x7f800000u;

fn key(bits: u32) -> u32 {
    let magnitude = bits & ~SIGN;
    if magnitude > INFINITY { return 0u; }
    if magnitude == 0u { return SIGN; }
    return select(~bits, bits | SIGN, (bits & SIGN) == 0u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let pixel = group.x * 64u + lane;
    if pixel >= u.pixels { return; }
    let index = group.z * u.pixels + pixel;
    destination[index] = vec2u(key(values[index]), pixel);
}
