// Mean over each window's pixels and those zeros of its padding that count; or the transpose.

override TRANSPOSED: bool = false;

struct AverageWindows {
    source_height: u32,
    source_width: u32,
    height: u32, // of the destination
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
    counted_top: u32, // of the padding's rows and columns those that count
    counted_left: u32,
    counted_rows: u32, // all rows and columns that count
    counted_columns: u32,
}

@group(0) @binding(0) var<uniform> u: AverageWindows;
@group(0) @binding(1) var<storage, read_write> source: array<vec4f>;      // [samples][quads][source pixels]
@group(0) @binding(2) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

// How many of `taps` positions, `dilation` apart from `start` on, lie between 0 and `size`.
fn count(start: i32, taps: u32, dilation: u32, size: u32) -> u32 {
    let first = (max(-start, 0) + i32(dilation) - 1) / i32(dilation);
    let end = min((max(i32(size) - start, 0) + i32(dilation) - 1) / i32(dilation), i32(taps));
    return u32(max(end - first, 0));
}

fn rows(window: u32) -> u32 {
    let start = i32(window * u.stride_rows) - i32(u.padding_top) + i32(u.counted_top);
    return count(start, u.kernel_rows, u.dilation_rows, u.counted_rows);
}

fn columns(window: u32) -> u32 {
    let start = i32(window * u.stride_columns) - i32(u.padding_left) + i32(u.counted_left);
    return count(start, u.kernel_columns, u.dilation_columns, u.counted_columns);
}

fn average(base: u32, y: u32, x: u32) -> vec4f {
    let top = i32(y * u.stride_rows) - i32(u.padding_top);
    let left = i32(x * u.stride_columns) - i32(u.padding_left);
    var sum = vec4f();
    for (var ky = 0u; ky < u.kernel_rows; ky++) {
        let sy = top + i32(ky * u.dilation_rows);
        if sy < 0 || sy >= i32(u.source_height) { continue; }
        var row = vec4f();
        for (var kx = 0u; kx < u.kernel_columns; kx++) {
            let sx = left + i32(kx * u.dilation_columns);
            if sx < 0 || sx >= i32(u.source_width) { continue; }
            row += source[base + u32(sy) * u.source_width + u32(sx)];
        }
        sum += row;
    }
    return sum / f32(max(rows(y) * columns(x), 1u));
}

// Backwards through the windows that reach a pixel, for as long as they do.
fn spread(base: u32, row: u32, column: u32) -> vec4f {
    let y = row + u.padding_top;
    let x = column + u.padding_left;
    var sum = vec4f();
    for (var wy = i32(min(y / u.stride_rows, u.source_height - 1u)); wy >= 0; wy--) {
        let down = y - u32(wy) * u.stride_rows;
        if down > (u.kernel_rows - 1u) * u.dilation_rows { break; }
        if down % u.dilation_rows != 0u { continue; }
        for (var wx = i32(min(x / u.stride_columns, u.source_width - 1u)); wx >= 0; wx--) {
            let across = x - u32(wx) * u.stride_columns;
            if across > (u.kernel_columns - 1u) * u.dilation_columns { break; }
            if across % u.dilation_columns != 0u { continue; }
            sum += source[base + u32(wy) * u.source_width + u32(wx)] / f32(max(rows(u32(wy)) * columns(u32(wx)), 1u));
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
        destination[channel * pixels + pixel] = value;
    }
}
