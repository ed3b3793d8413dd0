// Transpose of max-pooling: every pixel gathers the values of the windows whose first maximum it was.

override LANES: u32 = 64u;
override RUN: u32 = 64u; // pixels of a workgroup

struct MaxPoolTranspose {
    source_height: u32, // windows
    source_width: u32,
    height: u32,        // pixels of the pooled input
    width: u32,
    quads: u32,
    kernel_rows: u32,
    kernel_columns: u32,
    stride: u32,
    padding_top: u32,
    padding_left: u32,
}

@group(0) @binding(0) var<uniform> u: MaxPoolTranspose;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;    // [samples][quads][windows]
@group(0) @binding(2) var<storage, read_write> positions: array<vec4f>; // [samples][quads][windows]
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

// First window that reaches position `at` (with padding); windows after at / stride do not.
fn first(at: u32, kernel: u32) -> u32 {
    return select((at + u.stride - kernel) / u.stride, 0u, at < kernel);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let pixels = u.height * u.width;
    let end = min((group.x + 1u) * RUN, pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let channel = group.z * u.quads + group.y;
        let base = channel * u.source_height * u.source_width;
        let y = pixel / u.width + u.padding_top;
        let x = pixel % u.width + u.padding_left;
        var sum = vec4f();
        for (var wy = first(y, u.kernel_rows); wy < min(y / u.stride + 1u, u.source_height); wy++) {
            for (var wx = first(x, u.kernel_columns); wx < min(x / u.stride + 1u, u.source_width); wx++) {
                let position = f32((y - wy * u.stride) * u.kernel_columns + x - wx * u.stride);
                let index = base + wy * u.source_width + wx;
                sum += select(vec4f(), source[index], positions[index] == vec4f(position));
            }
        }
        destination[channel * pixels + pixel] = sum;
    }
}
