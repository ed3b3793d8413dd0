// Standard normal values from a counter: Philox 4x32-10 (Salmon et al., 2011) with the seed as key and (pixel, quad,
// variation, 0) as counter, two values of each pair of words by Box-Muller. Integers alone compute them, to within
// 2^-21: logarithms, roots and sines of f32 differ from driver to driver.

struct Noise {
    pixels: u32,
    quads: u32,
    channels: u32,
    seed_low: u32,
    seed_high: u32,
}

@group(0) @binding(0) var<uniform> u: Noise;
@group(0) @binding(1) var<storage, read_write> variation_index: array<vec4f>;  // [samples], in x
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

// sin(pi / 2 x) of x from 0 to 1, both with 31 binary places: the series to x^13, of alternating signs.
fn sine(x: u32) -> u32 {
    let square = multiply_high(x, x) << 1u;
    var sum = 122u;
    sum = 7728u - (multiply_high(square, sum) << 1u);
    sum = 344545u - (multiply_high(square, sum) << 1u);
    sum = 10053990u - (multiply_high(square, sum) << 1u);
    sum = 171138612u - (multiply_high(square, sum) << 1u);
    sum = 1387197337u - (multiply_high(square, sum) << 1u);
    sum = 3373259426u - (multiply_high(square, sum) << 1u);
    return multiply_high(x, sum) << 1u;
}

// sqrt(-2 ln(number / 2^24)) with 24 binary places, of a number from 1 to 2^24.
fn radius(number: u32) -> u32 {
    // The logarithm's binary places are found one by one: squaring doubles it.
    let shift = countLeadingZeros(number);
    var mantissa = number << shift; // from 1 to 2, with 31 binary places
    var logarithm = 0u;
    for (var place = 0u; place < 28u; place++) {
        mantissa = multiply_high(mantissa, mantissa); // 30 places
        let is_two = mantissa >= 0x80000000u;
        logarithm = (logarithm << 1u) | select(0u, 1u, is_two);
        mantissa = select(mantissa << 1u, mantissa, is_two);
    }
    // -log2 with 27 places, times 2 ln 2 with 31, is the square with 26.
    let square = multiply_high(((shift - 7u) << 27u) - (logarithm >> 1u), 2977044472u);
    var root = 0u;
    var rest = 0u;
    for (var digit = 0u; digit < 27u; digit++) {
        var pair = 0u;
        if digit < 16u { pair = (square >> (30u - 2u * digit)) & 3u; }
        rest = (rest << 2u) | pair;
        let trial = (root << 2u) | 1u;
        let fits = rest >= trial;
        rest -= select(0u, trial, fits);
        root = (root << 1u) | select(0u, 1u, fits);
    }
    return root;
}

// A product with 23 binary places to 21, which f32 holds exactly.
fn signed(radius: u32, factor: u32, is_negative: bool) -> f32 {
    let value = f32((multiply_high(radius, factor) + 2u) >> 2u) * 4.76837158203125e-7;
    return select(value, -value, is_negative);
}

fn normal_pair(words: vec2u) -> vec2f {
    let r = radius((words.x >> 8u) + 1u);
    let quadrant = words.y >> 30u;
    let angle = ((words.y >> 8u) & 0x3fffffu) << 9u; // of the quadrant
    let is_odd = (quadrant & 1u) == 1u;
    let rising = sine(angle);
    let falling = sine(0x80000000u - angle);
    let cosine = signed(r, select(falling, rising, is_odd), quadrant == 1u || quadrant == 2u);
    return vec2f(cosine, signed(r, select(rising, falling, is_odd), quadrant >= 2u));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let counter = vec4u(pixel, group.y, u32(variation_index[group.z].x), 0u);
        let words = philox(counter, vec2u(u.seed_low, u.seed_high));
        let values = vec4f(normal_pair(words.xy), normal_pair(words.zw));
        let channel = group.y * 4u + vec4u(0u, 1u, 2u, 3u);
        let exists = channel < vec4u(u.channels);
        destination[(group.z * u.quads + group.y) * u.pixels + pixel] = select(vec4f(), values, exists);
    }
}
