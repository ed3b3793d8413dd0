// Adaptive average pooling with uneven windows: row i of h averages source rows floor(i H / h) to ceil((i + 1) H / h);
// its transpose; or the relevance of the pooled input by the ratio rule, which is the pixel times the transpose of
// div(c, y [c != 0]) with the pooled values y.

override TRANSPOSED: bool = false;
override RELEVANCE: bool = false; // of the transpose

struct AveragePool {
    source_height: u32,
    source_width: u32,
    height: u32, // of the destination
    width: u32,
    quads: u32,
}

@group(0) @binding(0) var<uniform> u: AveragePool;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;      // [samples][quads][source pixels]
// y, like source; read for relevance only, like input
@group(0) @binding(2) var<storage, read_write> response: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> input: array<vec4f>;       // [samples][quads][pixels]
@group(0) @binding(4) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

fn start(index: u32, size: u32, windows: u32) -> u32 { return index * size / windows; }
fn end(index: u32, size: u32, windows: u32) -> u32 { return ((index + 1u) * size + windows - 1u) / windows; }

// Row by row: a sum of so many values one after the other would be rounded far more.
fn average(base: u32, y: u32, x: u32) -> vec4f {
    let top = start(y, u.source_height, u.height);
    let bottom = end(y, u.source_height, u.height);
    let left = start(x, u.source_width, u.width);
    let right = end(x, u.source_width, u.width);
    var sum = vec4f();
    for (var sy = top; sy < bottom; sy++) {
        var row = vec4f();
        for (var sx = left; sx < right; sx++) { row += source[base + sy * u.source_width + sx]; }
        sum += row;
    }
    return sum / f32((bottom - top) * (right - left));
}

// The windows that contain position `at` run from start(at) to end(at) with the parts of size and windows exchanged.
fn spread(base: u32, y: u32, x: u32) -> vec4f {
    var sum = vec4f();
    for (var wy = start(y, u.source_height, u.height); wy < end(y, u.source_height, u.height); wy++) {
        let rows = end(wy, u.height, u.source_height) - start(wy, u.height, u.source_height);
        for (var wx = start(x, u.source_width, u.width); wx < end(x, u.source_width, u.width); wx++) {
            let columns = end(wx, u.width, u.source_width) - start(wx, u.width, u.source_width);
            let index = base + wy * u.source_width + wx;
            var value = source[index];
            if RELEVANCE { value = ratio(value, response[index]); }
            sum += value / f32(rows * columns);
        }
    }
    return sum;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let pixels = u.height * u.width;
    let end = min((group.x + 1u) * RUN, pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let channel = group.z * u.quads + group.y;
        let base = channel * u.source_height * u.source_width;
        let y = pixel / u.width;
        let x = pixel % u.width;
        var value: vec4f;
        if TRANSPOSED { value = spread(base, y, x); } else { value = average(base, y, x); }
        let at = channel * pixels + pixel;
        if RELEVANCE { value *= input[at]; }
        destination[at] = value;
    }
}
