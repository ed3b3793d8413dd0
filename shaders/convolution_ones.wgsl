// A convolution's response to an all-ones input: per output channel the sum of the taps that lie inside the picture.
// Optionally divides relevance by it: div(operand, response * [operand != 0]).

struct Ones {
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
    epilogue: u32, // none, or div(operand, response [operand != 0])
}

@group(0) @binding(0) var<uniform> u: Ones;
// [quads][taps and their total], summed over input channels
@group(0) @binding(1) var<storage, read> tap_sums: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> operand: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> destination: array<vec4f>; // [samples][quads][pixels]

const EPILOGUE_RATIO = 2u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let pixels = u.height * u.width;
    let end = min((group.x + 1u) * RUN, pixels);
    for (var pixel = group.x * RUN + lane; pixel < end; pixel += LANES) {
        let top = i32(pixel / u.width * u.stride_rows) - i32(u.padding_top);
        let left = i32(pixel % u.width * u.stride_columns) - i32(u.padding_left);
        let taps = u.kernel_rows * u.kernel_columns;
        let base = group.y * (taps + 1u);
        var sum = vec4f();
        let is_inside = top >= 0 && left >= 0
            && top + i32((u.kernel_rows - 1u) * u.dilation_rows) < i32(u.source_height)
            && left + i32((u.kernel_columns - 1u) * u.dilation_columns) < i32(u.source_width);
        if is_inside {
            sum = tap_sums[base + taps];
        } else {
            for (var ky = 0u; ky < u.kernel_rows; ky++) {
                let sy = top + i32(ky * u.dilation_rows);
                if sy < 0 || sy >= i32(u.source_height) { continue; }
                for (var kx = 0u; kx < u.kernel_columns; kx++) {
                    let sx = left + i32(kx * u.dilation_columns);
                    if sx < 0 || sx >= i32(u.source_width) { continue; }
                    sum += tap_sums[base + ky * u.kernel_columns + kx];
                }
            }
        }
        let index = (group.z * u.quads + group.y) * pixels + pixel;
        if u.epilogue == EPILOGUE_RATIO { sum = ratio(operand[index], sum); }
        destination[index] = sum;
    }
}
