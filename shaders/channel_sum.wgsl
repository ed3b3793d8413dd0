// Sum over channels of each pixel: of the values, or of their magnitudes scaled so that the sample's smallest is 0 and
// its largest 1.

override SCALED: bool = false;

struct ChannelSum {
    pixels: u32,
    quads: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> u: ChannelSum;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;      // [samples][quads][pixels]
@group(0) @binding(2) var<storage, read_write> smallest: array<vec4f>;    // [samples], in x; not read unless scaled
@group(0) @binding(3) var<storage, read_write> largest: array<vec4f>;     // [samples], in x; not read unless scaled
@group(0) @binding(4) var<storage, read_write> destination: array<vec4f>; // [samples][pixels], in x

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let end = min((group.x + 1u) * RUN, u.pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        var low = 0.0;
        var span = 1.0;
        if SCALED {
            low = smallest[group.z].x;
            span = largest[group.z].x - low;
        }
        var sum = vec4f();
        for (var quad = 0u; quad < u.quads; quad++) {
            var value = source[(group.z * u.quads + quad) * u.pixels + pixel];
            if SCALED {
                let channel = quad * 4u + vec4u(0u, 1u, 2u, 3u);
                value = select(vec4f(), abs(value) - low, channel < vec4u(u.channels));
            }
            sum += value;
        }
        let total = dot(sum, vec4f(1.0));
        destination[group.z * u.pixels + pixel] =
            vec4f(select(total / select(span, 1.0, span == 0.0), 0.0, span == 0.0), 0.0, 0.0, 0.0);
    }
}
