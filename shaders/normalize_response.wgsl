// Local response normalisation over neighbouring channels, x / s^beta with s = bias + factor * sum(x^2), or the
// gradient through it.

override GRADIENT: u32 = 0u; // 0 f(x), 1 the gradient of g

struct NormalizeResponse {
    pixels: u32,
    quads: u32,
    channels: u32,
    before: u32, // channels before and behind each that its sum is over
    behind: u32,
    factor: f32,
    exponent: f32,
    bias: f32,
}

@group(0) @binding(0) var<uniform> u: NormalizeResponse;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;   // x; [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> gradient: array<vec4f>; // g, not read without GRADIENT
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>;

// Where a channel of a pixel lies.
fn place(sample: u32, pixel: u32, channel: u32) -> u32 { return (sample * u.quads + channel / 4u) * u.pixels + pixel; }

fn first(channel: u32, before: u32) -> u32 { return channel - min(channel, before); }

fn end(channel: u32, behind: u32) -> u32 { return min(channel + behind + 1u, u.channels); }

fn sum(sample: u32, pixel: u32, channel: u32) -> f32 {
    var squares = 0.0;
    for (var other = first(channel, u.before); other < end(channel, u.behind); other++) {
        let x = source[place(sample, pixel, other)][other % 4u];
        squares += x * x;
    }
    return u.bias + u.factor * squares;
}

// s^-beta. Drivers' powers may be off by dozens of units in the last place; that of nearly all networks needs roots
// alone.
fn scale_of(s: f32) -> f32 {
    if u.exponent != 0.75 { return pow(s, -u.exponent); }
    let root = sqrt(s);
    return 1.0 / (root * sqrt(root));
}

fn normalized(sample: u32, pixel: u32, channel: u32) -> f32 {
    if channel >= u.channels { return 0.0; }
    let index = place(sample, pixel, channel);
    let scale = scale_of(sum(sample, pixel, channel));
    if GRADIENT == 0u { return source[index][channel % 4u] * scale; }
    // Of every channel whose sum holds this one.
    var through = 0.0;
    for (var other = first(channel, u.behind); other < end(channel, u.before); other++) {
        let at = place(sample, pixel, other);
        let product = gradient[at][other % 4u] * source[at][other % 4u];
        let s = sum(sample, pixel, other);
        through += product * scale_of(s) / s;
    }
    let x = source[index][channel % 4u];
    return gradient[index][channel % 4u] * scale - 2.0 * u.factor * u.exponent * x * through;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let stop = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < stop; pixel += LANES) {
        let channel = 4u * group.y;
        destination[(group.z * u.quads + group.y) * u.pixels + pixel] = vec4f(
            normalized(group.z, pixel, channel),
            normalized(group.z, pixel, channel + 1u),
            normalized(group.z, pixel, channel + 2u),
            normalized(group.z, pixel, channel + 3u),
        );
    }
}
