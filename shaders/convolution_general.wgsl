// Convolution of any geometry or its transpose: groups, dilation, two strides. A lane owns one pixel of a quad of
// channels and gathers what reaches it. Each channel of the quad has a row of weights over the quads that its group's
// channels on the other side lie in.

struct General {
    source_height: u32, source_width: u32, source_quads: u32,
    height: u32, width: u32, quads: u32, // of the destination
    kernel_rows: u32, kernel_columns: u32,
    stride_rows: u32, stride_columns: u32,
    dilation_rows: u32, dilation_columns: u32,
    padding_top: u32, padding_left: u32,
    group_rows: u32, group_columns: u32, // channels of a group, of the destination and of the source
    row_quads: u32,                      // quads of a row of weights
    transposed: u32,
    gate: u32,     // not 0: nothing to do unless one of so many values of `operand` is not zero
    epilogue: u32, finished: u32, // what happens to the sums of so many samples
    low: f32, high: f32,
    weight_part: u32,
    source_part: u32,
}

@group(0) @binding(0) var<uniform> u: General;
// [channels][taps][row_quads], zeros beside the group's channels
@group(0) @binding(1) var<storage, read> weights: array<vec4f>;
@group(0) @binding(2) var<storage, read> affine: array<Quad>;  // [quads][scale, shift]
@group(0) @binding(3) var<storage, read_write> source: array<vec4f>;      // [samples][source quads][source pixels]
@group(0) @binding(4) var<storage, read_write> operand: array<Quad>;     // like destination, or the gate's values in x
@group(0) @binding(5) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

// Where tap `k` of destination position `at` lies in the source along one dimension; negative or beyond `size`:
// nowhere.
fn source_position(at: u32, k: u32, stride: u32, dilation: u32, padding: u32) -> i32 {
    if u.transposed == 0u { return i32(at * stride + k * dilation) - i32(padding); }
    let offset = i32(at + padding) - i32(k * dilation);
    return select(-1, offset / i32(stride), offset >= 0 && offset % i32(stride) == 0);
}

// One tap's sum over the channels of a group, for one channel of the destination.
fn of_channel(channel: u32, tap: u32, base: u32, pixel: u32) -> f32 {
    let plane = u.source_height * u.source_width;
    let first = channel / u.group_rows * u.group_columns / 4u;
    let row = (channel * u.kernel_rows * u.kernel_columns + tap) * u.row_quads;
    let count = min(u.row_quads, u.source_quads - min(first, u.source_quads));
    var sum = 0.0;
    for (var i = 0u; i < count; i++) {
        let value = part(source[base + (first + i) * plane + pixel], u.source_part);
        sum += dot(part(weights[row + i], u.weight_part), value);
    }
    return sum;
}

fn of_tap(quad: u32, tap: u32, base: u32, pixel: u32) -> vec4f {
    let channel = 4u * quad;
    return vec4f(
        of_channel(channel, tap, base, pixel),
        of_channel(channel + 1u, tap, base, pixel),
        of_channel(channel + 2u, tap, base, pixel),
        of_channel(channel + 3u, tap, base, pixel),
    );
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if !gate_is_open() { return; }
    let pixels = u.height * u.width;
    let end = min((group.x + 1u) * RUN, pixels);
    let channels = affine_of(group.y);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let y = pixel / u.width;
        let x = pixel - y * u.width;
        let base = group.z * u.source_quads * u.source_height * u.source_width;
        var sum: vec4f;
        for (var ky = 0u; ky < u.kernel_rows; ky++) {
            let sy = source_position(y, ky, u.stride_rows, u.dilation_rows, u.padding_top);
            if sy < 0 || sy >= i32(u.source_height) { continue; }
            for (var kx = 0u; kx < u.kernel_columns; kx++) {
                let sx = source_position(x, kx, u.stride_columns, u.dilation_columns, u.padding_left);
                if sx < 0 || sx >= i32(u.source_width) { continue; }
                sum += of_tap(group.y, ky * u.kernel_columns + kx, base, u32(sy) * u.source_width + u32(sx));
            }
        }
        let index = (group.z * u.quads + group.y) * pixels + pixel;
        if u.epilogue != EPILOGUE_NONE && group.z < u.finished { sum = epilogue(sum, channels, index); }
        destination[index] = sum;
    }
}
