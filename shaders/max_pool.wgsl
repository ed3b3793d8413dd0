// Max-pooling: the maximum over each window, or the row-major position of its first maximum inside the window.

override INDEX: bool = false;

struct MaxPool {
    source_height: u32,
    source_width: u32,
    height: u32,
    width: u32,
    quads: u32,
    kernel_rows: u32,
    kernel_columns: u32,
    stride_rows: u32,
    stride_columns: u32,
    dilation_rows: u32,
    dilation_columns: u32,
    padding_top: u32,
    padding_left: u32,
}

@group(0) @binding(0) var<uniform> u: MaxPool;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;      // [samples][quads][source pixels]
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

const LOWEST = -3.4028234e38;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let pixels = u.height * u.width;
    let end = min((group.x + 1u) * RUN, pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let channel = group.z * u.quads + group.y;
        let base = channel * u.source_height * u.source_width;
        let top = i32(pixel / u.width * u.stride_rows) - i32(u.padding_top);
        let left = i32(pixel % u.width * u.stride_columns) - i32(u.padding_left);
        var best = vec4f(LOWEST);
        var position = vec4f(-1.0);
        for (var ky = 0u; ky < u.kernel_rows; ky++) {
            let sy = top + i32(ky * u.dilation_rows);
            if sy < 0 || sy >= i32(u.source_height) { continue; }
            for (var kx = 0u; kx < u.kernel_columns; kx++) {
                let sx = left + i32(kx * u.dilation_columns);
                if sx < 0 || sx >= i32(u.source_width) { continue; }
                let value = source[base + u32(sy) * u.source_width + u32(sx)];
                let wins = (value > best) | (position < vec4f());
                best = select(best, value, wins);
                position = select(position, vec4f(f32(ky * u.kernel_columns + kx)), wins);
            }
        }
        destination[channel * pixels + pixel] = select(best, position, INDEX);
    }
}
