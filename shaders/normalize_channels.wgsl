// At each pixel the channels less their mean, divided by their standard deviation; or the gradient through that.

override GRADIENT: u32 = 0u; // 0 f(x), 1 the gradient of g

struct NormalizeChannels {
    pixels: u32,
    quads: u32,
    channels: u32,
    epsilon: f32,
}

@group(0) @binding(0) var<uniform> u: NormalizeChannels;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;   // x; [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> gradient: array<vec4f>; // g, not read without GRADIENT
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>;

fn exists(quad: u32) -> vec4f {
    return select(vec4f(), vec4f(1.0), 4u * quad + vec4u(0u, 1u, 2u, 3u) < vec4u(u.channels));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    let count = f32(u.channels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let first = group.z * u.quads * u.pixels + pixel;
        var sum = vec4f();
        for (var quad = 0u; quad < u.quads; quad++) { sum += source[first + quad * u.pixels]; }
        let mean = dot(sum, vec4f(1.0)) / count;
        var squares = vec4f();
        for (var quad = 0u; quad < u.quads; quad++) {
            let distance = (source[first + quad * u.pixels] - mean) * exists(quad);
            squares += distance * distance;
        }
        let factor = inverseSqrt(dot(squares, vec4f(1.0)) / count + u.epsilon);
        var means = vec2f(); // of g, and of g times the normalised x
        if GRADIENT == 1u {
            var of_g = vec4f();
            var of_product = vec4f();
            for (var quad = 0u; quad < u.quads; quad++) {
                let at = first + quad * u.pixels;
                of_g += gradient[at];
                of_product += gradient[at] * (source[at] - mean) * factor;
            }
            means = vec2f(dot(of_g, vec4f(1.0)), dot(of_product, vec4f(1.0))) / count;
        }
        for (var quad = 0u; quad < u.quads; quad++) {
            let at = first + quad * u.pixels;
            let y = (source[at] - mean) * factor;
            var value = y;
            if GRADIENT == 1u { value = (gradient[at] - means.x - y * means.y) * factor; }
            destination[at] = value * exists(quad);
        }
    }
}
