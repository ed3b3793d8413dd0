// Per pixel: x = phi = mean over channels of C, y = M = relu(mean over channels of x * g). And of each run of pixels,
// which one workgroup goes through: the largest M, the largest values of x and of the masked gradient, and how many
// elements of C are not zero.

override CHANNEL_LANES: u32 = 1u; // so many lanes share a pixel's channels

struct SaliencyMaps {
    pixels: u32,
    quads: u32,
    channels: u32,
    per_channel: u32, // 1: the gradient is one value per channel
    has_masked: u32,  // 1: the masked gradient is asked for
    run: u32,    // pixels of one workgroup
    runs: u32,   // workgroups of one sample
    stride: u32, // vec4 elements from one kind of partial results to the next
}

@group(0) @binding(0) var<uniform> u: SaliencyMaps;
@group(0) @binding(1) var<storage, read_write> relevance: array<vec4f>; // [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> value: array<vec4f>;     // [samples][quads][pixels]
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>;  // [samples][quads][pixels] or [samples][quads]
@group(0) @binding(4) var<storage, read_write> masked: array<vec4f>;    // [samples][quads][pixels]
// [max M, max x, max masked, number][samples][runs], in x
@group(0) @binding(5) var<storage, read_write> found: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> destination: array<vec4f>; // [samples][pixels]

const LARGEST = 3.4028234e38;
var<workgroup> means: array<vec2f, LANES>;

// Of what is found: three maxima and a number.
fn combine(a: vec4f, b: vec4f) -> vec4f { return vec4f(max(a.xyz, b.xyz), a.w + b.w); }

fn largest(v: vec4f, exists: vec4<bool>) -> f32 {
    let w = select(vec4f(-LARGEST), v, exists);
    return max(max(w.x, w.y), max(w.z, w.w));
}

// Sums of the lanes with the same pixel.
fn gather(lane: u32, own: vec2f) -> vec2f {
    if CHANNEL_LANES == 1u { return own; }
    means[lane] = own;
    workgroupBarrier();
    for (var apart = LANES / 2u; apart >= LANES / CHANNEL_LANES; apart /= 2u) {
        if lane < apart { means[lane] += means[lane + apart]; }
        workgroupBarrier();
    }
    return means[lane];
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * u.run, u.pixels);
    let first_quad = lane / (LANES / CHANNEL_LANES);
    var extremes = vec4f(-LARGEST, -LARGEST, -LARGEST, 0.0);
    for (var first = group.x * u.run; first < end; first += LANES / CHANNEL_LANES) {
        let pixel = first + lane % (LANES / CHANNEL_LANES);
        var index = (group.z * u.quads + first_quad) * u.pixels + pixel;
        var phi = vec4f();
        var saliency = vec4f();
        for (var quad = first_quad; quad < u.quads && pixel < end; quad += CHANNEL_LANES) {
            let c = relevance[index];
            let x = value[index];
            let g = gradient[select(index, group.z * u.quads + quad, u.per_channel == 1u)];
            phi += c;
            saliency = fma(x, g, saliency);
            let exists = quad * 4u + vec4u(0u, 1u, 2u, 3u) < vec4u(u.channels);
            var of_masked = -LARGEST;
            if u.has_masked == 1u { of_masked = largest(masked[index], exists); }
            let number = dot(vec4f(1.0), select(vec4f(1.0), vec4f(), c == vec4f()));
            extremes = combine(extremes, vec4f(-LARGEST, largest(x, exists), of_masked, number));
            index += CHANNEL_LANES * u.pixels;
        }
        let sums = gather(lane, vec2f(dot(phi, vec4f(1.0)), dot(saliency, vec4f(1.0)))) / f32(u.channels);
        if first_quad == 0u && pixel < end {
            let m = max(sums.y, 0.0);
            extremes.x = max(extremes.x, m);
            destination[group.z * u.pixels + pixel] = vec4f(sums.x, m, 0.0, 0.0);
        }
    }
    extremes = fold(lane, extremes);
    if lane != 0u { return; }
    let at = group.z * u.runs + group.x;
    found[at] = vec4f(extremes.x, 0.0, 0.0, 0.0);
    found[at + u.stride] = vec4f(extremes.y, 0.0, 0.0, 0.0);
    found[at + 2u * u.stride] = vec4f(extremes.z, 0.0, 0.0, 0.0);
    found[at + 3u * u.stride] = vec4f(extremes.w, 0.0, 0.0, 0.0);
}
