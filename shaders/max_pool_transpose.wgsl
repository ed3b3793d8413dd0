// Transpose of max-pooling: every pixel gathers the values of the windows whose first maximum it was. Or the relevance
// of the pooled input by the ratio rule, which is the pixel times what it gathers of div(c, y [c != 0]) with the pooled
// values y.

override RELEVANCE: bool = false;

struct MaxPoolTranspose {
    source_height: u32, // windows
    source_width: u32,
    height: u32,        // pixels of the pooled input
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

@group(0) @binding(0) var<uniform> u: MaxPoolTranspose;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;    // [samples][quads][windows]
@group(0) @binding(2) var<storage, read_write> positions: array<vec4f>; // [samples][quads][windows]
// y, [samples][quads][windows]; read for relevance only, like input
@group(0) @binding(3) var<storage, read_write> response: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> input: array<vec4f>;     // [samples][quads][pixels]
@group(0) @binding(5) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

// The last window that reaches position `at` (with padding), of `count`.
fn last(at: u32, count: u32, stride: u32) -> i32 { return i32(min(at / stride, count - 1u)); }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let pixels = u.height * u.width;
    let end = min((group.x + 1u) * RUN, pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let channel = group.z * u.quads + group.y;
        let base = channel * u.source_height * u.source_width;
        let row = pixel / u.width;
        let y = i32(row + u.padding_top);
        let x = i32(pixel - row * u.width + u.padding_left);
        let wx_last = last(u32(x), u.source_width, u.stride_columns);
        var sum = vec4f();
        // Backwards, for as long as windows reach: integer divisions are dear.
        for (var wy = last(u32(y), u.source_height, u.stride_rows); wy >= 0; wy--) {
            let down = y - wy * i32(u.stride_rows);
            if down > i32((u.kernel_rows - 1u) * u.dilation_rows) { break; }
            if down % i32(u.dilation_rows) != 0 { continue; }
            let ky = down / i32(u.dilation_rows);
            for (var wx = wx_last; wx >= 0; wx--) {
                let across = x - wx * i32(u.stride_columns);
                if across > i32((u.kernel_columns - 1u) * u.dilation_columns) { break; }
                if across % i32(u.dilation_columns) != 0 { continue; }
                let kx = across / i32(u.dilation_columns);
                let index = base + u32(wy) * u.source_width + u32(wx);
                let position = f32(ky * i32(u.kernel_columns) + kx);
                var value = source[index];
                if RELEVANCE { value = ratio(value, response[index]); }
                sum += select(vec4f(), value, positions[index] == vec4f(position));
            }
        }
        let at = channel * pixels + pixel;
        if RELEVANCE { sum *= input[at]; }
        destination[at] = sum;
    }
}
