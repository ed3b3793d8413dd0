// Standard normal values from a counter: Philox 4x32-10 (Salmon et al., 2011) with the seed as key and (pixel, quad, pass, 0) as
// counter, two values of each pair of words by Box-Muller. The words are exact, so that a seed means the same values in every batch.

override LANES: u32 = 64u;
override RUN: u32 = 64u; // pixels of a workgroup

struct Noise {
    pixels: u32,
    quads: u32,
    channels: u32,
    seed_low: u32,
    seed_high: u32,
}

@group(0) @binding(0) var<uniform> u: Noise;
@group(0) @binding(1) var<storage, read_write> pass_index: array<vec4f>;  // [samples], in x
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

// Upper half of the 64-bit product, from 16-bit halves.
fn multiply_high(a: u32, b: u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}

fn philox(start: vec4u, seed: vec2u) -> vec4u {
    var counter = start;
    var key = seed;
    for (var round = 0u; round < 10u; round++) {
        let first = vec2u(multiply_high(0xd2511f53u, counter.x), 0xd2511f53u * counter.x);
        let second = vec2u(multiply_high(0xcd9e8d57u, counter.z), 0xcd9e8d57u * counter.z);
        counter = vec4u(second.x ^ counter.y ^ key.x, second.y, first.x ^ counter.w ^ key.y, first.y);
        key += vec2u(0x9e3779b9u, 0xbb67ae85u);
    }
    return counter;
}

fn normal_pair(words: vec2u) -> vec2f {
    let uniform_pair = vec2f(words >> vec2u(8u)) + vec2f(1.0, 0.0);
    let radius = sqrt(-2.0 * log(uniform_pair.x / 16777216.0));
    let angle = 6.2831853 * (uniform_pair.y / 16777216.0);
    return radius * vec2f(cos(angle), sin(angle));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let counter = vec4u(pixel, group.y, u32(pass_index[group.z].x), 0u);
        let words = philox(counter, vec2u(u.seed_low, u.seed_high));
        let values = vec4f(normal_pair(words.xy), normal_pair(words.zw));
        let channel = group.y * 4u + vec4u(0u, 1u, 2u, 3u);
        let exists = channel < vec4u(u.channels);
        destination[(group.z * u.quads + group.y) * u.pixels + pixel] = select(vec4f(), values, exists);
    }
}
